import { toHex } from "../crypto/bytes.ts";
import type { Act } from "../domain/act.ts";
import type { Actor } from "../domain/actor.ts";
import { AuthError } from "../domain/error.ts";
import type { FactorHolder } from "../store/factor-holder.ts";
import type { IdempotencyClaim } from "../store/idempotency.ts";
import type { Core } from "./core.ts";

/** The form of a key: draft-ietf-httpapi-idempotency-key-header §2.1 leaves it to the server. */
const keyShape = /^[\x21-\x7e]{1,255}$/;

/**
 * The claim of a caller's key, for this actor or login ticket, this operation and this input only, so that a key never returns another user's
 * answer (S35). No secret is ever derived from it.
 *
 * @throws {AuthError} `invalid_format.idempotency_key`.
 */
export async function claimFor(
  core: Core,
  by: Actor | FactorHolder,
  { name }: Act,
  key: string | undefined,
  input: readonly string[],
  target: string,
): Promise<IdempotencyClaim | undefined> {
  if (key === undefined) return undefined;
  if (!keyShape.test(key)) throw new AuthError("invalid_format.idempotency_key");
  const parts = ["idempotency", nameOf(by), name, key, ...input];
  const mac = await core.keys.mac("identifier", parts, core.keys.oldestVersion);
  return { digest: toHex(mac!), target };
}

function nameOf(by: Actor | FactorHolder): string {
  if ("ticketHash" in by) return `ticket ${by.ticketHash}`;
  if ("passkeyId" in by) return `passkey ${by.passkeyId}`;
  const { subject } = "actor" in by ? by.actor : by;
  return "system" in subject ? `system ${subject.system}` : subject.userId;
}
