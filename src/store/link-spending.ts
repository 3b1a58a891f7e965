/**
 * Spending a mailed link of a password: the proof of its address, or a new password for it.
 *
 * @module
 */
import type { SessionActor } from "../domain/actor.ts";
import type { IdType } from "../domain/id.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { acting } from "./access.ts";
import { insertAuditEvent } from "./audit.ts";
import { refund } from "./counters.ts";
import { replacePassword } from "./credentials.ts";
import { type Handle, handle } from "./cte.ts";
import { type Ends, endings, loginsOf } from "./endings.ts";
import { clearFactorCounter, isCleared } from "./factor-proofs.ts";
import { grantLeave } from "./factors.ts";
import { demandsSecondFactor, hasStrongProof } from "./held-factors.ts";
import { clearCodes, type LinkPurpose, linkEvent, linkOf } from "./links.ts";
import { isOwn, ownOf } from "./session-belongings.ts";
import { type Statement, sql } from "./sql.ts";

/** The proof of the account that comes with a link, or the new way in to it. */
export type LinkProof =
  | { readonly by: "session"; readonly actor: SessionActor }
  | { readonly by: "password"; readonly passwordHash: string; readonly counter: string }
  | {
      readonly by: "new_password";
      readonly newCredentialId: string;
      readonly passwordHash: string;
      /** True if it is so short that it needs a second factor as well. */
      readonly needsFactor: boolean;
    };

export interface SpentLinkRow {
  /** Set if nothing was changed. */
  readonly refusal: string | null;
  readonly credentialId: string;
  readonly identifier: string;
}

/**
 * Spends a link: the address is verified from now on. If it is the account's first, whatever could let somebody in before ends
 * (S11). What remains is what the proof shows to be the owner's: a proved password, or the acting session with its password and
 * with everything that it has enrolled or proved. The batch has locked the user.
 *
 * A reset at a verified address keeps factors and passkeys, which a sign-in still asks for (R025), and ends the tokens.
 */
export function spendLink(spend: {
  tokenHash: string;
  purpose: LinkPurpose;
  proof: LinkProof;
  context: RequestContext;
  auditId: string;
}): Statement<SpentLinkRow> {
  const { proof, auditId } = spend;
  const actor = proof.by === "session" ? proof.actor : undefined;
  const rights = actor && acting(actor);
  const verdict = handle<"verdict">(sql`verdict`);
  return sql`
    with ${rights ? sql`${rights.define}, ${ownOf(actor!)},` : sql``}
    link as materialized (${linkOf({ ...spend, spends: true })}),
    verdict as materialized (
      select link.id, link.usr_id, link.mailbox, not (link.is_later or link.is_verified) as is_first, link.is_verified,
        ${losesFactors(actor)} as loses_factors,
        case when link.id is null then 'unauthorized.invalid_link' ${refusalOfProof(proof)} end as refusal
      from (select 1) one left join link on true ${rights ? sql`left join acting on true` : sql``})${endings(
        verdict,
        auditId,
        endsWithFirst(actor, sql`verdict.is_verified`),
      )},
    ${
      proof.by === "new_password"
        ? replacePassword({ ...proof, auditId }, verdict, true)
        : keepPassword(verdict, auditId, actor !== undefined)
    },
    leave as (${grantLeave(
      sql`null::uuid`,
      sql`verdict where verdict.refusal is null and verdict.is_first and verdict.loses_factors`,
    )}),
    reopened as (${clearCodes(sql`verdict`)} and verdict.refusal is null),
    refunded as (${refund(proof.by === "password" ? proof.counter : "", sql`exists (select from cred)`)}),
    audit as (${insertAuditEvent(
      {
        ...linkEvent(spend, sql`coalesce(cred.id, verdict.id)`),
        outcome: sql`case when verdict.refusal is null then 'success' else 'denied' end`,
        ...(actor ? { actor } : { actingUser: sql`cred.usr_id` }),
        metadata: sql`jsonb_strip_nulls(jsonb_build_object('proof', ${proof.by}::text, 'reason', verdict.refusal))`,
      },
      // Another user's link is none of the actor's business, and leaves no trace in either log (S41).
      sql`verdict left join cred on true where verdict.id is not null and verdict.refusal is distinct from 'unauthorized.invalid_link'`,
    )})
    select verdict.refusal, cred.id as "credentialId", cred.identifier from verdict left join cred on true`;
}

/**
 * What ends with the account's first verified address, besides sessions, tickets and links: all that the acting session has not
 * enrolled or proved. It reads `verdict`, and {@link ownOf} if there is an actor.
 *
 * @param alsoTokens SQL for whether tokens end with a later address too.
 */
export function endsWithFirst(actor: SessionActor | undefined, alsoTokens: Statement): Ends {
  const ends = (which: Statement): Statement => sql`verdict.refusal is null and verdict.is_first and ${which}`;
  const others = othersThan(actor);
  return {
    // Before the CTE that has the table's name. A suspended one stays, so that its name stays taken.
    credentials: ends(
      sql`cred.usr_id = verdict.usr_id and cred.id <> verdict.id and cred.status = 'active' and ${others("cred", sql`cred.id`)}`,
    ),
    factors: ends(sql`mfa.usr_id = verdict.usr_id and ${others("mfa", sql`mfa.id`)}`),
    registrations: ends(sql`mfa_registration.usr_id = verdict.usr_id and ${others("mfa", sql`mfa_registration.id`)}`),
    tokens: sql`verdict.refusal is null and (verdict.is_first or ${alsoTokens}) and pat.usr_id = verdict.usr_id
            and ${others("pat", sql`pat.id`)}`,
  };
}

/** SQL for whether the user of `link` keeps no factor and no passkey at the first verified address. */
export function losesFactors(actor: SessionActor | undefined): Statement {
  const others = othersThan(actor);
  return sql`${hasStrongProof(sql`link.usr_id`)} and not exists (
          select from mfa where mfa.usr_id = link.usr_id and mfa.status = 'active' and not ${others("mfa", sql`mfa.id`)})
        and not exists (
          select from cred where cred.usr_id = link.usr_id and cred.type = 'passkey' and cred.status = 'active'
            and not ${others("cred", sql`cred.id`)})`;
}

/** SQL for whether something is none of the acting session's; true without a session. */
function othersThan(actor: SessionActor | undefined): (type: IdType, id: Statement) => Statement {
  return (type, id) => (actor ? sql`not ${isOwn(type, id)}` : sql`true`);
}

/**
 * The CTE `cred`, the password as it is from now on, and the CTEs that end the other sessions, the tickets and the links.
 *
 * @param inSession True if the acting session's family stays.
 */
function keepPassword(verdict: Handle<"verdict">, auditId: string, inSession: boolean): Statement {
  const cleared = clearFactorCounter(sql`first`);
  const { sessions, tickets, links } = loginsOf(sql`first.usr_id`);
  return sql`cred as (
      update cred set identifier_verified_at = sallyport_now() from ${verdict}
      where cred.id = ${verdict}.id and ${verdict}.refusal is null returning cred.*),
    first as (select cred.usr_id from cred cross join ${verdict} where ${verdict}.is_first),
    ${cleared.define}${endings(sql`first`, auditId, {
      sessions: inSession ? sql`${sessions} and coalesce(ses.family_id, ses.id) <> (select family from own)` : sessions,
      tickets: sql`${tickets} and ${isCleared(cleared.name)}`,
      links,
    })},
    spent as (
      delete from verification_token using ${verdict}
      where verification_token.cred_id = ${verdict}.id and not ${verdict}.is_first and ${verdict}.refusal is null)`;
}

/** The branches of a `case` for a live link. */
export function refusalOfProof(proof: LinkProof): Statement {
  if (proof.by === "session") {
    return sql`
        when acting.usr_id is null then 'unauthorized.invalid_token'
        when acting.usr_id <> link.usr_id then 'unauthorized.invalid_link'
        when not acting.fresh then 'unauthorized.reauthentication_required'
        -- The password of the address may be another person's, and it would stay.
        when not (link.is_later or link.is_verified) and not ${isOwn("cred", sql`link.id`)} then 'unauthorized.invalid_credential'`;
  }
  const session = sql`when link.needs_session then 'unauthorized.reauthentication_required'`;
  if (proof.by === "new_password") {
    // Where every factor ends, no short password can rely on one.
    return sql`${session}
        when ${proof.needsFactor}::boolean and not (link.is_verified and ${demandsSecondFactor(sql`link.usr_id`)})
          then 'invalid_format.password'`;
  }
  // A short password stands only with the factor that ends here.
  return sql`${session}
        when link.password_hash is distinct from ${proof.passwordHash} or link.needs_factor
          then 'unauthorized.invalid_credential'`;
}

/** The outcome of a spent link whose reply was lost. The event names the password that has the address now. */
export function recallSpentLink(auditId: string): Statement<SpentLinkRow> {
  return sql`
    select aud.metadata ->> 'reason' as refusal, cred.id as "credentialId", cred.identifier
    from aud left join cred on aud.outcome = 'success' and cred.id = right(aud.target_id, 32)::uuid
    where aud.id = ${auditId}::uuid`;
}
