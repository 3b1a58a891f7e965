/**
 * Signing in with a mailed link.
 *
 * @module
 */
import { signInWithLink as act } from "../domain/acts/mailed-link.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { insertAuditEvent } from "./audit.ts";
import { clearCodes } from "./links.ts";
import { sessionUserColumns } from "./sessions.ts";
import { type NewLogin, openLogin, type SignedInRow } from "./sign-in.ts";
import { type Statement, sql } from "./sql.ts";

export type LinkSignedInRow = SignedInRow & {
  /** Null if the link is not valid. */
  readonly credentialId: string | null;
};

/**
 * Spends a link. It is the first factor: a second one is asked for as after a password. The batch has locked the user, so of two
 * requests with one link the later one finds it spent.
 */
export function spendSignInLink(
  login: Omit<NewLogin, "onlyTicket"> & { tokenHash: string; context: RequestContext },
): Statement<LinkSignedInRow> {
  const hash = sql`decode(${login.tokenHash}, 'hex')`;
  return sql`
    with ${openLogin(
      { ...login, onlyTicket: false },
      {
        method: "email",
        which: sql`c.identifier_verified_at is not null and c.id = (
        select cred_id from verification_token
        where token_hash = ${hash} and purpose = 'sign_in' and expires_at > sallyport_now())`,
        lock: sql`for share of u, c`,
      },
    )},
    spent as (delete from verification_token using live where token_hash = ${hash} returning mailbox, verification_token.cred_id),
    reopened as (${clearCodes(sql`spent`, sql`spent.cred_id`)}),
    audit as (${insertAuditEvent(
      {
        id: login.auditId,
        act,
        outcome: "success",
        context: login.context,
        targetId: sql`live.cred_id`,
        actingUser: sql`live.usr_id`,
        metadata: sql`jsonb_strip_nulls(jsonb_build_object('method', 'link', 'next', live.next, 'factors', live.kinds))`,
        session: sql`ses.id`,
      },
      sql`live left join opened ses on true`,
    )})
    select live.cred_id is not null as live, live.cred_id as "credentialId", live.next, live.kinds as factors,
      ${sessionUserColumns()}
    from (select 1) one left join live on true left join opened ses on true left join usr on usr.id = live.usr_id`;
}

/** The outcome of a spent link whose reply was lost. */
export function recallLinkSignIn(sessionId: string, auditId: string): Statement<LinkSignedInRow> {
  return sql`
    select true as live, right(aud.target_id, 32)::uuid as "credentialId", aud.metadata ->> 'next' as next,
      array(select jsonb_array_elements_text(aud.metadata -> 'factors')) as factors, ${sessionUserColumns()}
    from aud left join ses on ses.id = ${sessionId}::uuid left join usr on usr.id = aud.actor_usr_id
    where aud.id = ${auditId}::uuid`;
}
