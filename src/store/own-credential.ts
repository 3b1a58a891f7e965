/**
 * Conditions under which owners may not change their own credentials.
 *
 * @module
 */
import type { Handle } from "./cte.ts";
import type { ChangeHandles } from "./guarded.ts";
import { isLastProof, mustKeepFactor } from "./held-factors.ts";
import { isIssuerListed } from "./issuers.ts";
import { type CurrentPassword, lacksPasswordProof } from "./password-proof.ts";
import { type Statement, sql } from "./sql.ts";

/** The actor and the credential. */
type Own = Pick<ChangeHandles, "acting" | "target">;

/**
 * True if the owner is about to lose the last way to sign in: a password, a passkey, or an identity of a provider that the
 * application lists. Recovery codes and factors do not count, and an administrator may close an account.
 */
function isOwnersLastWayIn({ acting, target }: Own, issuers: readonly string[] = []): Statement {
  return sql`(${acting}.usr_id = ${target}.usr_id and ${target}.status = 'active' and not exists (
    select from cred other where other.usr_id = ${target}.usr_id and other.id <> ${target}.id and other.status = 'active'
      and (other.type in ('password', 'passkey') or ${isIssuerListed(sql`other.oidc_issuer`, issuers)})))`;
}

/** True if the owner has not proved the password. */
export function isUnprovedPassword(
  { acting, target }: { acting: Handle<"acting">; target: Handle<"target"> },
  proof: CurrentPassword | undefined,
): Statement {
  return sql`(${target}.type = 'password' and ${target}.status = 'active'
    and ${lacksPasswordProof(acting, sql`${target}.usr_id`, proof)})`;
}

/** True if the owner would free the name of a suspended password or identity, and so undo the suspension by a new one. */
export function isSuspendedFromOwner({ acting, target }: Own): Statement {
  return sql`(${acting}.usr_id = ${target}.usr_id and ${target}.type in ('password', 'oidc') and ${target}.status = 'suspended')`;
}

/** What an owner who ends a credential has proved, and the issuers whose identities are ways to sign in. */
export interface Ending {
  readonly proof: CurrentPassword | undefined;
  readonly issuers: readonly string[] | undefined;
}

/** SQL for the branches of a `case` that refuse to end a credential which its owner needs, or has not proved. */
export function refusalsOfEnding(handles: Own, { proof, issuers }: Ending): Statement {
  return sql`
      when ${isOwnersLastWayIn(handles, issuers)} then 'conflict.last_way_in'
      when ${isUnprovedPassword(handles, proof)} then 'unauthorized.invalid_credential'
      when ${isOwnersLastFactor(handles)} then 'conflict.last_factor'`;
}

/** True if it is the only second factor of an owner who must keep one. */
function isOwnersLastFactor({ acting, target }: Own): Statement {
  return sql`(${acting}.usr_id = ${target}.usr_id and ${target}.type = 'passkey' and ${isLastProof(target)}
    and ${mustKeepFactor(sql`${target}.usr_id`)})`;
}
