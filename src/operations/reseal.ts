import { fromHex, toHex } from "../crypto/bytes.ts";
import { isSealed, SealingError, SealingKeys, sealedHead, sealedMark } from "../crypto/sealing.ts";
import { newAuditId } from "../domain/id.ts";
import type { Executor } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import { totpPlace } from "../engine/mfa-settings.ts";
import * as store from "../store/sealing.ts";

/**
 * Reads `SALLYPORT_SEALING_KEYS`.
 *
 * @throws {TypeError} If keys are missing or weak.
 */
export function parseSealingKeys(text: string | undefined): SealingKeys {
  return new SealingKeys(text);
}

/** How many secrets of authenticator apps in use are stored in plain form (S44). */
export async function countUnsealedSecrets(core: Executor): Promise<number> {
  return await execute(core, {
    body: store.countUnsealed(toHex(sealedMark)),
    onLostReply: "repeat",
    decode: (row) => row.n,
  });
}

/** How many secrets each version of the sealing keys has sealed. A version that has sealed none can be dropped. */
export async function countSealedSecrets(core: Executor): Promise<readonly { version: number; count: number }[]> {
  return await execute(core, {
    body: store.countSealedByVersion(toHex(sealedMark)),
    onLostReply: "repeat",
    decode: (_row, rows) => rows.map(({ version, n }) => ({ version: Number.parseInt(version, 16), count: n })),
  });
}

/** The result of one step of resealing, and the place where the next one begins; `null` at the end. */
export interface Resealed {
  readonly resealed: number;
  /** Secrets that no listed key opens. */
  readonly unreadable: number;
  readonly next: string | null;
}

/**
 * Seals a batch of the secrets that are not sealed, or not with the newest key. Finished secrets are skipped, so an interrupted
 * run can continue. A secret that changes in the meantime stays as it is.
 */
export async function resealSecrets(
  core: Executor,
  keys: SealingKeys,
  { after, limit = 200 }: { after?: string | undefined; limit?: number } = {},
): Promise<Resealed> {
  const rows = await execute(core, {
    body: store.selectSecretsBut(toHex(sealedHead(keys.currentVersion)), after, limit),
    onLostReply: "repeat",
    decode: (_row, found) => found,
  });
  const secrets: { id: string; before: string; after: string }[] = [];
  let unreadable = 0;
  for (const { id, userId, secret: before } of rows) {
    const stored = fromHex(before)!;
    const place = totpPlace(id, userId);
    try {
      const secret = isSealed(stored) ? await keys.open(place, stored) : stored;
      secrets.push({ id, before, after: toHex(await keys.seal(place, secret)) });
    } catch (error) {
      if (!(error instanceof SealingError)) throw error;
      unreadable += 1;
    }
  }
  const resealed = await execute(core, {
    body: store.replaceSecrets({ auditId: newAuditId(), secrets }),
    onLostReply: "repeat",
    decode: (row) => row.replaced,
  });
  return { resealed, unreadable, next: rows.length < limit ? null : rows.at(-1)!.id };
}
