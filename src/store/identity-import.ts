import * as acts from "../domain/acts/provider.ts";
import { linkedIdentity } from "../domain/identity-provider.ts";
import { acting, raiseRefusal, refusalUnless } from "./access.ts";
import { type AskedOfUser, insertAuditEvent, successOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { handle } from "./cte.ts";
import {
  identitiesOf,
  identityHeld,
  type LinkedIdentityRow,
  type NewIdentity,
  rememberIdentity,
} from "./linked-identities.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * Links an identity that another system has proved. One that the user has already is returned as it is, and leaves no event. Raises the
 * refusal. The batch has locked the identity and the user.
 */
export function insertImportedIdentity(
  asked: AskedOfUser & { identity: NewIdentity; most: number },
): Statement<LinkedIdentityRow> {
  const { identity, userId } = asked;
  const actor = acting(asked.actor);
  return sql`
    with ${actor.define},
    owner as materialized (select id, status from usr where id = ${userId}::uuid for share),
    held as materialized (${identityHeld(identity)}),
    verdict as materialized (
      select owner.id as usr_id, held.cred_id, coalesce(
        ${refusalUnless(acts.importIdentity, actor.name, { owner: sql`owner.id` })},
        case when owner.id is null then 'not_found'
          when owner.status <> 'active' then 'precondition.user_not_active'
          when held.usr_id <> owner.id then 'conflict.identity_in_use'
          when held.cred_id is not null then null
          -- What was unlinked does not come back because an import runs again.
          when exists (select from cred old where old.usr_id = owner.id and old.status = 'revoked'
            and old.oidc_issuer = ${identity.issuer} and old.oidc_subject = ${identity.subject}) then 'conflict.already_terminal'
          when ${identitiesOf(sql`owner.id`)} >= ${asked.most}::int then 'precondition.limit_reached' end) as refusal
      from (select 1) one left join owner on true left join held on true left join acting on true),
    imported as (
      insert into cred (id, usr_id, type, identifier, oidc_issuer, oidc_subject)
      select ${identity.credentialId}::uuid, usr_id, 'oidc', ${identity.identifier}, ${identity.issuer}, ${identity.subject}
      from verdict where refusal is null and cred_id is null
      returning *),
    remembered as (${rememberIdentity(identity, sql`(select id as cred_id, usr_id from imported) own`)} returning l.*),
    audit as (${insertAuditEvent(
      {
        ...successOf(acts.importIdentity, asked, sql`imported.id`),
        metadata: sql`jsonb_build_object('provider', ${identity.provider}::text)`,
      },
      sql`imported`,
    )})
    select ${columnsOf("cred", linkedIdentity, {
      provider: sql`l.provider`,
      issuer: sql`cred.oidc_issuer`,
      label: sql`l.label`,
      lastUsedAt: sql`l.last_used_at`,
    })}
    from verdict
    left join (select * from imported union all select cred.* from cred join verdict on verdict.cred_id = cred.id) cred on true
    left join (select * from remembered union all select * from linked_identity) l on l.cred_id = cred.id
    where ${raiseRefusal(handle(sql`verdict`))}`;
}
