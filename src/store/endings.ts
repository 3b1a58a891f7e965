/**
 * The one list of everything that lets a user in or acts for them, and how each kind ends. A statement says which rows of each
 * kind end with the rows of one of its CTEs.
 *
 * @module
 */
import { type Statement, sql } from "./sql.ts";

type EndingKind =
  | "sessions"
  | "tickets"
  | "links"
  | "credentials"
  | "factors"
  | "registrations"
  | "tokens"
  | "tuples"
  | "grants";

/** A kind: the name of its CTE, and how its rows end: those for which `which` is true, joined with the rows of `of`. */
interface Ending {
  readonly cte: () => Statement;
  readonly end: (of: Statement, which: Statement, by: string) => Statement;
}

const kinds: Readonly<Record<EndingKind, Ending>> = {
  sessions: { cte: () => sql`ended_sessions`, end: endSessions },
  tickets: {
    cte: () => sql`ended_tickets`,
    end: (of, which) => sql`delete from login_ticket using ${of} where ${which}`,
  },
  links: {
    cte: () => sql`ended_links`,
    end: (of, which) => sql`delete from verification_token using ${of} where ${which}`,
  },
  credentials: {
    cte: () => sql`ended_credentials`,
    end: (of, which) => sql`
        update cred set status = 'revoked' from ${of} where cred.status <> 'revoked' and ${which} returning cred.id`,
  },
  factors: {
    cte: () => sql`ended_factors`,
    end: (of, which) => sql`
        update mfa set status = 'revoked', pending_expires_at = null from ${of}
        where mfa.status <> 'revoked' and ${which}`,
  },
  registrations: {
    cte: () => sql`ended_registrations`,
    end: (of, which) => sql`delete from mfa_registration using ${of} where ${which}`,
  },
  tokens: {
    cte: () => sql`ended_tokens`,
    end: (of, which) => sql`
        update pat set revoked_at = greatest(sallyport_now(), pat.created_at) from ${of}
        where pat.revoked_at is null and ${which}`,
  },
  tuples: { cte: () => sql`ended_tuples`, end: (of, which) => sql`delete from tup using ${of} where ${which}` },
  grants: {
    cte: () => sql`ended_grants`,
    end: (of, which) => sql`delete from mfa_enrollment_grant using ${of} where ${which}`,
  },
};

/** SQL for the rows of each kind that end. A kind that is not named stays. */
export type Ends = { readonly [Kind in EndingKind]?: Statement };

/**
 * The CTEs `ended_sessions`, `ended_tickets`, … in the given order, each preceded by a comma.
 *
 * @param by The id of the event that ends them.
 */
export function endings(of: Statement, by: string, ends: Ends): Statement {
  let list = sql``;
  for (const kind of Object.keys(ends) as EndingKind[]) {
    const { cte, end } = kinds[kind];
    list = sql`${list},
      ${cte()} as (${end(of, ends[kind]!, by)})`;
  }
  return list;
}

/** A user's sessions, login tickets and mailed links. */
export function loginsOf(userId: Statement): Required<Pick<Ends, "sessions" | "tickets" | "links">> {
  return {
    sessions: sql`ses.usr_id = ${userId}`,
    tickets: sql`login_ticket.usr_id = ${userId}`,
    links: sql`verification_token.usr_id = ${userId}`,
  };
}

/** Everything of a user that could let them in or act for them. */
export function everythingOf(userId: Statement): Ends {
  return {
    ...loginsOf(userId),
    credentials: sql`cred.usr_id = ${userId}`,
    factors: sql`mfa.usr_id = ${userId}`,
    registrations: sql`mfa_registration.usr_id = ${userId}`,
    tokens: sql`pat.usr_id = ${userId}`,
    tuples: sql`tup.subject_type = 'usr' and tup.subject_id = ${userId}`,
  };
}

/**
 * `update ses …` for live sessions. The end is never before the beginning, because the batch may be older than the session.
 *
 * @param by The id of the event that ends them (S61).
 */
export function endSessions(of: Statement, which: Statement, by: string): Statement {
  return sql`
        update ses set revoked_at = greatest(sallyport_now(), ses.created_at), ended_by = ${by}::uuid from ${of}
        where ses.revoked_at is null and ${which}`;
}
