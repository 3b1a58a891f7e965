/**
 * Checks of a presented personal access token. The isolate proves its secret, by Argon2id, so a check has two statements, like
 * a sign-in (S02): the first counts it and returns the hash, the second acts on the proof. While the isolate remembers the
 * proof, one statement suffices. It writes only if the row still has the same hash that the secret was proved against (S01).
 *
 * @module
 */
import * as acts from "../domain/acts/personal-access-token.ts";
import { lastUsedSeconds, type personalAccessToken } from "../domain/personal-access-token.ts";
import type { Prefixed, RowOf } from "../domain/record.ts";
import type { RequestContext } from "../domain/request-context.ts";
import type { user } from "../domain/user.ts";
import { insertAuditEvent, wireIdOf } from "./audit.ts";
import {
  type Admission,
  type AttemptLimit,
  admissionColumns,
  type Counted,
  type Counter,
  countAttempts,
  giveBack,
} from "./counters.ts";
import { userColumns } from "./sessions.ts";
import { type Statement, sql } from "./sql.ts";

/** The token of an active user, as a check finds it. */
export interface FoundTokenRow
  extends Pick<RowOf<typeof personalAccessToken>, "id" | "userId" | "scope">,
    Prefixed<RowOf<typeof user>, "user"> {
  readonly secretHash: string;
  /** `pat.revoked` or `pat.expired`, else null. */
  readonly refusal: string | null;
  /** The database's time. The proof's age is counted from it. */
  readonly now: Date;
}

/** SQL for the refusal by the state of a row called `pat`, revoked before expired (Flametrench ADR 0016). */
const refusalOfState = () => sql`case
  when pat.revoked_at is not null then 'pat.revoked'
  when pat.expires_at <= sallyport_now() then 'pat.expired' end`;

const columns = () => sql`pat.id, pat.usr_id as "userId", pat.scope, pat.secret_hash as "secretHash",
  ${refusalOfState()} as refusal, sallyport_now() as now, ${userColumns()}`;

/** A token whose owner is not active counts as absent, so that the owner's state is not revealed. */
const ofActiveUser = () => sql`pat join usr on usr.id = pat.usr_id and usr.status = 'active'`;

/** `update pat …` for a proved token's last use: at most once a minute, and never after the token has ended (H3). */
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

/**
 * Uses a token that this isolate has recently proved. No row if the token is gone; `proved` is true if the proof is still
 * valid.
 */
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

/** A counted check. The token's columns are null if there is no token, or no attempts are left. */
export type ReservedTokenCheckRow = {
  readonly [Column in keyof FoundTokenRow]: FoundTokenRow[Column] | null;
} & Admission;

/**
 * Counts a check for the client's address and returns the token's data. Always one row, and the same work whether or not the
 * token exists. The first refusal of a window leaves an event.
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
    ${countAttempts({ id: check.auditId, counters: check.counters })},
    audit as (${insertAuditEvent(
      {
        id: check.auditId,
        act: acts.verifyPatLimited,
        outcome: "denied",
        repeatable: true,
        context: check.context,
        targetId: sql`'pats'`,
      },
      sql`reserved where just_limited`,
    )})
    select ${admissionColumns()}, found.*
    from reserved left join found on reserved.allowed`;
}

/**
 * Records the use of a proved token, and refunds the check. Returns the token's state after hashing, which takes a while: the
 * token may have been revoked in the meantime.
 */
export function spendTokenCheck(proof: {
  tokenId: string;
  secretHash: string;
  counters: readonly Counted[];
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

/**
 * How many failed checks of one token are recorded individually, so that a stranger who knows an id cannot fill the log (S41).
 */
const failureLimit: AttemptLimit = { attempts: 20, windowSeconds: 900 };

/**
 * The event of a failed check, with its reason, if the token exists. It shows a truncated secret and, above all, the use of a
 * revoked token. Past twenty in a quarter of an hour, one event stands for the rest.
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
      id: failure.auditId,
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
