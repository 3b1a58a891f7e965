import type { Handle } from "./cte.ts";
import { type Statement, sql } from "./sql.ts";

/** A password that the isolate has checked for a change of the account (R008). */
export interface CurrentPassword {
  /** A UUID. */
  readonly credentialId: string;
  readonly passwordHash: string;
  /** The counter that a success refunds. */
  readonly counter: string;
}

/**
 * SQL for whether a user acts on their own account without having proved its password. A session alone may be stolen, and the
 * thief could lock the owner out and take the identifier.
 *
 * @param proof The checked password. It counts if that password is still the same.
 */
export function lacksPasswordProof(
  acting: Handle<"acting">,
  userId: Statement,
  proof: CurrentPassword | undefined,
): Statement {
  return sql`(${acting}.usr_id = ${userId} and exists (
      select from cred own where own.usr_id = ${userId} and own.type = 'password' and own.status <> 'revoked')
    and not ${isStillHeld(acting, proof)})`;
}

function isStillHeld(acting: Handle<"acting">, proof: CurrentPassword | undefined): Statement {
  if (!proof) return sql`false`;
  return sql`exists (
    select from cred proved where proved.id = ${proof.credentialId}::uuid and proved.usr_id = ${acting}.usr_id
      and proved.status = 'active' and proved.password_hash = ${proof.passwordHash})`;
}
