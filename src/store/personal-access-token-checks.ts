/**
 * Checks of a presented personal access token. Its secret is proved in the isolate, by Argon2id, so a check has two statements
 * as a sign-in has (S02): the first counts it and gives the hash, the second acts on the proof. While the isolate remembers
 * the proof, one statement does, and writes only if the row still has the very hash that the secret was proved against (S01).
 *
 * @module
 */
import * as acts from "../domain/acts/personal-access-token.ts";
import { lastUsedSeconds, type personalAccessToken } from "../domain/personal-access-token.ts";
import type { Prefixed, RowOf } from "../domain/record.ts";
import type { RequestContext } from "../domain/request-context.ts";
import type { user } from "../domain/user.ts";
import { insertAuditEvent, wireIdOf } from "./audit.ts";
import { type Admission, type AttemptLimit, admissionColumns, type Counter, countAttempts } from "./counters.ts";
import { userColumns } from "./sessions.ts";
import { type Statement, sql } from "./sql.ts";

/** The token of an active user, as a check finds it. */
export interface FoundTokenRow
  extends Pick<RowOf<typeof personalAccessToken>, "id" | "userId" | "scope">,
    Prefixed<RowOf<typeof user>, "user"> {
  readonly secretHash: string;
  /** `pat.revoked` or `pat.expired`, else null. */
  readonly refusal: string | null;
  /** The database's time, which the proof's age is counted from. */
  readonly now: Date;
}

/** SQL for what the state of a row called `pat` refuses with, revoked before expired (Flametrench ADR 0016). */
const refusalOfState = () => sql`case
  when pat.revoked_at is not null then 'pat.revoked'
  when pat.expires_at <= sallyport_now() then 'pat.expired' end`;

const columns = () => sql`pat.id, pat.usr_id as "userId", pat.scope, pat.secret_hash as "secretHash",
  ${refusalOfState()} as refusal, sallyport_now() as now, ${userColumns()}`;

/** A token whose owner is not active is not there, so that their state is nobody's to learn. */
const ofActiveUser = () => sql`pat join usr on usr.id = pat.usr_id and usr.status = 'active'`;

/** `update pat …` of a token's last use, for one that was proved: at most once a minute, and never after its end (H3). */
function touch(proof: { tokenId: string; secretHash: string }, condition: Statement): Statement {
  return sql`
    update pat set last_used_at = greatest(sallyport_now(), pat.created_at)
    where pat.id = ${proof.tokenId}::uuid and pat.secret_hash = ${proof.secretHash}
      and pat.revoked_at is null and (pat.expires_at is null or pat.expires_at > sallyport_now())
      and (pat.last_used_at is null
        or pat.last_used_at < sallyport_now() - make_interval(secs => ${lastUsedSeconds}::int))
      and ${condition}
    returning pat.id`;
}

/** The use of a token that this isolate has proved lately: no row for one that is gone, `proved` if the proof still holds. */
export function useProvedToken(proof: {
  tokenId: string;
  secretHash: string;
  provedAt: Date;
  proofSeconds: number;
}): Statement<FoundTokenRow & { proved: boolean }> {
  return sql`
    with found as materialized (
      select ${columns()}, pat.secret_hash = ${proof.secretHash}
        and sallyport_now() >= ${proof.provedAt}::timestamptz
        and sallyport_now() < ${proof.provedAt}::timestamptz + make_interval(secs => ${proof.proofSeconds}::int) as proved
      from ${ofActiveUser()} where pat.id = ${proof.tokenId}::uuid),
    touched as (${touch(proof, sql`exists (select from found where proved and refusal is null)`)})
    select * from found`;
}

/** A check that was counted; the token's columns are null if there is none, or nothing was left. */
export type ReservedTokenCheckRow = {
  readonly [Column in keyof FoundTokenRow]: FoundTokenRow[Column] | null;
} & Admission;

/**
 * Counts a check against the address that asks, and gives what it needs. Always one row, and the same work whether there is
 * such a token or not. The first refusal of a window leaves an event.
 *
 * @param check.tokenId `undefined` for an id that no row can have.
 */
export function reserveTokenCheck(check: {
  tokenId: string | undefined;
  counters: readonly Counter[];
  auditId: string;
  context: RequestContext;
}): Statement<ReservedTokenCheckRow> {
  return sql`
    with found as materialized (
      select ${columns()} from ${ofActiveUser()} where pat.id = ${check.tokenId ?? null}::uuid),
    ${countAttempts({ counters: check.counters })},
    audit as (${insertAuditEvent(
      {
        id: check.auditId,
        act: acts.verifyPatLimited,
        outcome: "denied",
        context: check.context,
        targetId: sql`'pats'`,
      },
      sql`reserved where just_limited`,
    )})
    select ${admissionColumns()}, found.*
    from reserved left join found on reserved.allowed`;
}

/**
 * Notes the use of a token that was proved, and refunds the check. Gives what has become of the token meanwhile:
 * hashing takes a while, in which it may have been revoked.
 */
export function spendTokenCheck(proof: {
  tokenId: string;
  secretHash: string;
  counters: readonly string[];
}): Statement<{ refusal: string | null }> {
  return sql`
    with touched as (${touch(
      proof,
      sql`exists (select from usr where usr.id = pat.usr_id and usr.status = 'active')`,
    )}),
    ${giveBack(proof.counters, sql`(select count(*) from touched) >= 0`)}
    select case when pat.id is null then 'pat.invalid' else ${refusalOfState()} end as refusal
    from (select 1) one
    left join (${ofActiveUser()}) on pat.id = ${proof.tokenId}::uuid and pat.secret_hash = ${proof.secretHash}`;
}

/** Returns a check whose secret was not looked at. */
export function returnTokenCheck(counters: readonly string[]): Statement {
  return sql`with ${giveBack(counters, sql`true`)} select 1`;
}

/** The CTEs that lower counters by one, in order of name as they were raised, or two requests could deadlock. */
function giveBack(counters: readonly string[], condition: Statement): Statement {
  return sql`held as materialized (
      select bucket from attempt where bucket = any(${counters}::text[]) and ${condition} order by bucket for update),
    returned as (
      update attempt set count = greatest(count - 1, 0) from held where attempt.bucket = held.bucket)`;
}

/** How many failed checks of one token are written down each by itself: no stranger who knows an id fills the log (S41). */
const failureLimit: AttemptLimit = { attempts: 20, windowSeconds: 900 };

/**
 * The event of a failed check, with its reason, if there is such a token: a secret that was cut off, and above all the use of
 * a token that was revoked. Past twenty in a quarter of an hour one event stands for the rest.
 */
export function recordFailedTokenCheck(failure: {
  tokenId: string | undefined;
  reason: string;
  auditId: string;
  context: RequestContext;
}): Statement {
  const counter: Counter = { name: `pat-failure:${failure.tokenId ?? ""}`, limit: failureLimit, kind: "address" };
  return sql`
    with subject as materialized (select id, usr_id from pat where id = ${failure.tokenId ?? null}::uuid),
    ${countAttempts({
      counters: [counter],
      condition: sql`exists (select from subject)`,
    })}
    ${insertAuditEvent(
      {
        id: failure.auditId,
        act: acts.verifyPat,
        outcome: "failure",
        context: failure.context,
        targetId: sql`subject.id`,
        metadata: sql`jsonb_build_object('reason', ${failure.reason}::text, 'and_more', reserved.just_limited,
          'usr_id', ${wireIdOf("usr", sql`subject.usr_id`)})`,
      },
      sql`reserved cross join subject where reserved.allowed or reserved.just_limited`,
    )}`;
}
