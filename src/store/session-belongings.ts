/**
 * What belongs to the acting session: its family's credentials, and what the family has enrolled or proved.
 *
 * @module
 */
import type { SessionActor } from "../domain/actor.ts";
import { createCredential, rotateCredential } from "../domain/acts/credential.ts";
import { confirmFactor, enrollFactor } from "../domain/acts/factor.ts";
import { registerPasskey } from "../domain/acts/passkey.ts";
import { createPat } from "../domain/acts/personal-access-token.ts";
import { type IdType, uuidFor } from "../domain/id.ts";
import { wireIdOf } from "./audit.ts";
import { type Statement, sql } from "./sql.ts";

/** The acts that give an account a way in or a factor. */
const enrollingActs = [createCredential, rotateCredential, registerPasskey, enrollFactor, confirmFactor, createPat];

/**
 * The CTEs `own`, the acting session's family, and `own_things`: the ids in wire form of the credentials that its sessions were
 * opened with, and of what they have enrolled or proved.
 */
export function ownOf(actor: SessionActor): Statement {
  const actions = enrollingActs.map(({ action }) => action);
  return sql`own as materialized (
      select presented.usr_id, coalesce(presented.family_id, presented.id) as family,
        array_agg(${wireIdOf("ses", sql`member.id`)}) as sessions, array_agg(${wireIdOf("cred", sql`member.cred_id`)}) as creds
      from ses presented join ses member on member.usr_id = presented.usr_id
        and coalesce(member.family_id, member.id) = coalesce(presented.family_id, presented.id)
      where presented.id = ${uuidFor("ses", actor.sessionId)}::uuid
      group by 1, 2),
    own_things as materialized (
      select unnest(creds) as id from own
      union
      select case when e.action = any(${actions}::text[]) then e.target_id else e.metadata ->> 'factor' end
      from own join aud e on e.actor_usr_id = own.usr_id and e.outcome = 'success'
        and (e.action = any(${actions}::text[]) or e.metadata ->> 'factor' is not null)
        and (e.auth ->> 'session_id' = any(own.sessions) or e.metadata ->> 'session' = any(own.sessions)))`;
}

/** SQL for whether something is among {@link ownOf}. */
export function isOwn(type: IdType, id: Statement): Statement {
  return sql`${wireIdOf(type, id)} in (select own_things.id from own_things)`;
}
