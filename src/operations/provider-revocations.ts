import type { SealingKeys } from "../crypto/sealing.ts";
import { execute } from "../engine/execute.ts";
import { type KeepingCore, openToken } from "../engine/kept-tokens.ts";
import { leaseRevocations, type OwedRevocation, settleRevocations } from "../store/owed-revocations.ts";
import { providerFault } from "./provider-fault.ts";

/**
 * Revokes tokens at their providers, whose identities or users have ended here. What fails is reported, and tried again for a week. A
 * provider that revokes no tokens is owed nothing.
 */
export async function revokeOwed(
  core: KeepingCore,
  keys: SealingKeys,
  limit: number,
): Promise<{ readonly revoked: number }> {
  const owed = await execute(core, {
    body: leaseRevocations([...core.providers.values()], limit),
    onLostReply: "repeat",
    mustCommit: true,
    decode: (_row, rows: readonly OwedRevocation[]) => rows,
  });
  const revoked = (await Promise.all(owed.map((one) => revokeOne(core, keys, one)))).filter((id) => id !== undefined);
  if (revoked.length > 0) await execute(core, { body: settleRevocations(revoked), onLostReply: "repeat" });
  return { revoked: revoked.length };
}

/** The id of what is revoked. */
async function revokeOne(core: KeepingCore, keys: SealingKeys, owed: OwedRevocation): Promise<string | undefined> {
  const { id, provider, kind, token } = owed;
  try {
    await core.providers.get(provider)?.revoke?.(await openToken(keys, kind, owed, token), kind);
    return id;
  } catch (error) {
    core.onError(providerFault(core, error));
    return undefined;
  }
}
