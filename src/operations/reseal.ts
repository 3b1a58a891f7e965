import { fromHex, toHex } from "../crypto/bytes.ts";
import { isSealed, type SealedPlace, SealingError, SealingKeys, sealedHead, sealedMark } from "../crypto/sealing.ts";
import { newAuditId } from "../domain/id.ts";
import { agentTokensPlace } from "../engine/agent-tokens.ts";
import type { Executor } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import { type TokenColumn, tokenPlace } from "../engine/kept-tokens.ts";
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

export { sealedColumns } from "../store/sealing.ts";

/** How many secrets each version of the sealing keys has sealed. A version that has sealed none can be dropped. */
export async function countSealedSecrets(core: Executor): Promise<readonly { version: number; count: number }[]> {
  return await execute(core, {
    body: store.countSealedByVersion(toHex(sealedMark)),
    onLostReply: "repeat",
    decode: (_row, rows) => rows.map(({ version, n }) => ({ version: Number.parseInt(version, 16), count: n })),
  });
}

const identityOf = ([provider, issuer, subject]: readonly string[]) => ({
  provider: provider!,
  issuer: issuer!,
  subject: subject!,
});

const placeOf: Readonly<
  Record<store.SealedColumn, (id: string, boundTo: readonly string[]) => SealedPlace | Promise<SealedPlace>>
> = {
  totp_secret: (id, [userId]) => totpPlace(id, userId!),
  access_token: (_id, boundTo) => tokenPlace("access_token", identityOf(boundTo)),
  refresh_token: (_id, boundTo) => tokenPlace("refresh_token", identityOf(boundTo)),
  revocation: (_id, boundTo) => tokenPlace(boundTo[3] as TokenColumn, identityOf(boundTo)),
  tokens: (id) => agentTokensPlace(id),
};

/** The result of one step of resealing, and the place where the next one begins; `null` at the end. */
export interface Resealed {
  readonly resealed: number;
  /** Secrets that no listed key opens. */
  readonly unreadable: number;
  readonly next: string | null;
}

/**
 * Seals a batch of the secrets of a column that are not sealed, or not with the newest key. Finished secrets are skipped, so an interrupted
 * run can continue. A secret that changes in the meantime stays as it is.
 */
export async function resealSecrets(
  core: Executor,
  keys: SealingKeys,
  column: store.SealedColumn,
  { after, limit = 200 }: { after?: string | undefined; limit?: number } = {},
): Promise<Resealed> {
  const rows = await execute(core, {
    body: store.selectSecretsBut(column, toHex(sealedHead(keys.currentVersion)), after, limit),
    onLostReply: "repeat",
    decode: (_row, found) => found,
  });
  const secrets: { id: string; before: string; after: string }[] = [];
  let unreadable = 0;
  for (const { id, boundTo, secret: before } of rows) {
    const stored = fromHex(before)!;
    const place = await placeOf[column](id, boundTo);
    try {
      // Another SDK stores plain secrets of apps. No SDK stores plain tokens.
      const isPlain = column === "totp_secret" && !isSealed(stored);
      const secret = isPlain ? stored : await keys.open(place, stored);
      secrets.push({ id, before, after: toHex(await keys.seal(place, secret)) });
    } catch (error) {
      if (!(error instanceof SealingError)) throw error;
      unreadable += 1;
    }
  }
  const resealed = await execute(core, {
    body: store.replaceSecrets({ column, auditId: newAuditId(), secrets }),
    onLostReply: "repeat",
    decode: (row) => row.replaced,
  });
  return { resealed, unreadable, next: rows.length < limit ? null : rows.at(-1)!.id };
}
