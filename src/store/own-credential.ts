/**
 * What an owner may not do to a credential of their own, in a statement with `acting` and `target`.
 *
 * @module
 */
import { isLastProof, mustKeepFactor } from "./access.ts";
import { type CurrentPassword, lacksPasswordProof } from "./password-proof.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * Whether its owner is about to lose the last way to sign in: a password or a passkey (S33). Recovery codes and factors are none,
 * and an administrator may close an account.
 */
export function isOwnersLastWayIn(): Statement {
  return sql`(acting.usr_id = target.usr_id and target.status = 'active' and not exists (
    select from cred other where other.usr_id = target.usr_id and other.id <> target.id and other.status = 'active'
      and other.type in ('password', 'passkey')))`;
}

/** Whether its owner has not proved the password. */
export function isUnprovedPassword({ proof }: { proof: CurrentPassword | undefined }): Statement {
  return sql`(target.type = 'password' and target.status = 'active'
    and ${lacksPasswordProof(sql`target.usr_id`, proof)})`;
}

/** Whether its owner would free the identifier of a password that is suspended, and undo the suspension with a new one. */
export function isOwnersSuspendedPassword(): Statement {
  return sql`(acting.usr_id = target.usr_id and target.type = 'password' and target.status = 'suspended')`;
}

/** Whether it is the only second factor of an owner who must keep one. */
export function isOwnersLastFactor(): Statement {
  return sql`(acting.usr_id = target.usr_id and target.type = 'passkey' and ${isLastProof()}
    and ${mustKeepFactor(sql`target.usr_id`)})`;
}
