import type { GuardedAct } from "../domain/act.ts";
import * as acts from "../domain/acts/personal-access-token.ts";
import {
  longestTokenSeconds,
  type PersonalAccessTokenStatus,
  personalAccessToken,
} from "../domain/personal-access-token.ts";
import type { RowOf } from "../domain/record.ts";
import { type Asked, committed, wireIdOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { type Guarded, guardedChange, guardedInsert, guardedList, guardedRead, ofOwned, ofUser } from "./guarded.ts";
import type { IdempotencyClaim } from "./idempotency.ts";
import { type Statement, sql } from "./sql.ts";

export type PersonalAccessTokenRow = RowOf<typeof personalAccessToken>;

/** SQL for the state of the row called `pat`: revoked before expired, as the specification reports it. */
const status = () => sql`case
  when pat.revoked_at is not null then 'revoked'
  when pat.expires_at <= sallyport_now() then 'expired'
  when pat.id is not null then 'active' end`;

/** The columns of a {@link PersonalAccessTokenRow}, read from the row called `pat`. */
const columns = () => columnsOf("pat", personalAccessToken, { status: status() });

interface OfToken extends Asked {
  readonly tokenId: string;
}

/** A new token. It takes a share lock on the owner, so the status is the one after any statement that ends the owner. */
export function insertPersonalAccessToken(
  asked: OfToken & {
    userId: string;
    name: string;
    scope: readonly string[];
    secretHash: string;
    expiresAt: Date | null;
    /** How many live tokens the owner may have. The batch has locked the owner. */
    most: number;
    claim: IdempotencyClaim | undefined;
  },
): Statement<PersonalAccessTokenRow> {
  const end = sql`${asked.expiresAt}::timestamptz`;
  return guardedInsert({
    ...asked,
    act: acts.createPat,
    table: sql`pat`,
    refusal: () => sql`case
        when ${end} <= sallyport_now() or ${end} > sallyport_now() + make_interval(secs => ${longestTokenSeconds}::int)
          then 'pat.expires_in_past'
        when (select count(*) from pat where pat.usr_id = ${asked.userId}::uuid and pat.revoked_at is null
          and (pat.expires_at is null or pat.expires_at > sallyport_now())) >= ${asked.most}::int
          then 'precondition.limit_reached' end`,
    into: sql`
      insert into pat (id, usr_id, name, scope, secret_hash, expires_at)
      select ${asked.tokenId}::uuid, usr_id, ${asked.name}, ${asked.scope}::text[], ${asked.secretHash}, ${end}
      from verdict where refusal is null
      returning *`,
    metadata: sql`jsonb_build_object('usr_id', ${wireIdOf("usr", sql`pat.usr_id`)}, 'scope', to_jsonb(pat.scope))`,
    columns: columns(),
  });
}

/** One row with `refusal` or the token; a read by an administrator leaves an event. */
export function selectPersonalAccessToken(asked: OfToken): Statement<Guarded<PersonalAccessTokenRow>> {
  return guardedRead({ ...ofToken(acts.getPat, asked), columns: columns() });
}

/** A page of a user's tokens, in order of their ids. One additional row shows that others follow. */
export function selectPersonalAccessTokensOfUser(
  asked: Asked & {
    userId: string;
    after: string | undefined;
    limit: number;
    status: PersonalAccessTokenStatus | undefined;
  },
): Statement<Guarded<PersonalAccessTokenRow>> {
  return guardedList({
    ...ofUser(acts.listPats, asked),
    of: sql`pat`,
    where: sql`(${asked.status ?? null}::text is null or ${status()} = ${asked.status ?? null}::text)`,
    page: asked,
    columns: columns(),
  });
}

/** Ends a token. A token that is already revoked keeps its first time. The batch has locked the user. */
export function revokePersonalAccessToken(asked: OfToken): Statement<PersonalAccessTokenRow> {
  return guardedChange({
    ...ofToken(acts.revokePat, asked),
    refusal: () => sql`null::text`,
    // Not before the last use: an admitted use waits for no lock, and may be later than this transaction.
    set: sql`revoked_at = greatest(sallyport_now(), pat.created_at, pat.last_used_at)`,
    when: sql`pat.revoked_at is null`,
    columns: columns(),
  });
}

/** The token as it is now, if the operation that made the event committed. */
export function recallPersonalAccessToken(tokenId: string, auditId: string): Statement<PersonalAccessTokenRow> {
  return sql`select ${columns()} from pat where pat.id = ${tokenId}::uuid and ${committed(auditId)}`;
}

/** The lock for a change of one token: its user. */
export function userOfPersonalAccessToken(tokenId: string): Statement<{ id: string }> {
  return sql`select usr_id as id from pat where id = ${tokenId}::uuid`;
}

function ofToken(act: GuardedAct, asked: OfToken) {
  return ofOwned(act, asked, sql`pat`, asked.tokenId);
}
