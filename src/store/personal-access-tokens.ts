import { type AccessRule, accessRules } from "../domain/access-rules.ts";
import type { Actor } from "../domain/actor.ts";
import {
  longestTokenSeconds,
  type PersonalAccessTokenStatus,
  personalAccessToken,
} from "../domain/personal-access-token.ts";
import type { RowOf } from "../domain/record.ts";
import { acting, raiseRefusal, refusalUnless } from "./access.ts";
import { committed, insertAuditEvent, wireIdOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { type GuardedRow, guardedChange, guardRead, ofUser } from "./guarded.ts";
import { type Statement, sql } from "./sql.ts";

export type PersonalAccessTokenRow = RowOf<typeof personalAccessToken>;

/** SQL for the state of whatever row is called `pat`: revoked before expired, as the specification reports it. */
const status = () => sql`case
  when pat.revoked_at is not null then 'revoked'
  when pat.expires_at <= sallyport_now() then 'expired'
  when pat.id is not null then 'active' end`;

/** The columns of a {@link PersonalAccessTokenRow}, of whatever row is called `pat`. */
const columns = () => columnsOf("pat", personalAccessToken, { status: status() });

interface TokenAct {
  readonly actor: Actor;
  readonly auditId: string;
  readonly tokenId: string;
}

/** A new token. Its owner is shared with whoever ends them, and their status is that of after the lock (S16). */
export function insertPersonalAccessToken(
  act: TokenAct & {
    userId: string;
    name: string;
    scope: readonly string[];
    secretHash: string;
    expiresAt: Date | null;
  },
): Statement<PersonalAccessTokenRow> {
  const { actor, auditId: id } = act;
  return sql`
    with acting as materialized (${acting(actor)}),
    owner as materialized (select id, status from usr where id = ${act.userId}::uuid for share),
    verdict as materialized (
      select owner.id as usr_id, ${act.expiresAt}::timestamptz as expires_at, coalesce(
        ${refusalUnless(accessRules.createPat, sql`owner.id`)},
        case
          when owner.id is null then 'not_found'
          when owner.status <> 'active' then 'precondition.user_not_active'
          when ${act.expiresAt}::timestamptz <= sallyport_now()
            or ${act.expiresAt}::timestamptz > sallyport_now() + make_interval(secs => ${longestTokenSeconds}::int)
            then 'pat.expires_in_past'
        end) as refusal
      from (select 1) one left join owner on true left join acting on true),
    pat as (
      insert into pat (id, usr_id, name, scope, secret_hash, expires_at)
      select ${act.tokenId}::uuid, usr_id, ${act.name}, ${act.scope}::text[], ${act.secretHash}, expires_at
      from verdict where refusal is null
      returning *),
    audit as (${insertAuditEvent(
      {
        id,
        action: "identity.pat.create",
        outcome: "success",
        actor,
        context: actor.context,
        targetKind: "pat",
        targetId: sql`pat.id`,
        metadata: sql`jsonb_build_object('usr_id', ${wireIdOf("usr", sql`pat.usr_id`)}, 'scope', to_jsonb(pat.scope))`,
      },
      sql`pat`,
    )})
    select ${columns()} from verdict left join pat on true where ${raiseRefusal()}`;
}

/** One row with `refusal` or the token; a read by an administrator leaves an event. */
export function selectPersonalAccessToken(
  act: TokenAct,
): Statement<PersonalAccessTokenRow & { refusal: string | null }> {
  return sql`
    with ${guardRead(guarded(act, "read", accessRules.getPat))}
    select verdict.refusal, ${columns()} from verdict left join pat on pat.id = verdict.id`;
}

/** A page of a user's tokens in order of their ids; one row more than asked for tells that there are others. */
export function selectPersonalAccessTokensOfUser(
  act: Omit<TokenAct, "tokenId"> & {
    userId: string;
    after: string | undefined;
    limit: number;
    status: PersonalAccessTokenStatus | undefined;
  },
): Statement<PersonalAccessTokenRow & { refusal: string | null }> {
  return sql`
    with ${guardRead(ofUser(act, "identity.pat.list", accessRules.listPats))},
    page as (
      select pat.* from pat join verdict on pat.usr_id = verdict.id and verdict.refusal is null
      where (${act.after ?? null}::uuid is null or pat.id > ${act.after ?? null}::uuid)
        and (${act.status ?? null}::text is null or ${status()} = ${act.status ?? null}::text)
      order by pat.id
      limit ${act.limit}::int + 1)
    select verdict.refusal, ${columns()} from verdict left join page pat on true order by pat.id`;
}

/** Ends a token; one that was revoked stays as it is, with its first time. The batch has locked the user. */
export function revokePersonalAccessToken(act: TokenAct & { rule: AccessRule }): Statement<PersonalAccessTokenRow> {
  return guardedChange({
    ...guarded(act, "revoke", act.rule),
    refusal: sql`null::text`,
    // Not before the last use: a use that was let through has waited for nobody and may be the later one.
    set: sql`revoked_at = greatest(sallyport_now(), pat.created_at, pat.last_used_at)`,
    when: sql`pat.revoked_at is null`,
    cascade: sql``,
    columns: columns(),
  });
}

/** The token as it is now, if the operation that made the event committed. */
export function recallPersonalAccessToken(tokenId: string, auditId: string): Statement<PersonalAccessTokenRow> {
  return sql`select ${columns()} from pat where pat.id = ${tokenId}::uuid and ${committed(auditId)}`;
}

/** The key of the lock for a change of one token: its user. */
export function userOfPersonalAccessToken(tokenId: string): Statement<{ id: string }> {
  return sql`select usr_id as id from pat where id = ${tokenId}::uuid`;
}

function guarded(act: TokenAct, verb: string, rule: AccessRule): GuardedRow {
  const { actor, auditId, tokenId: id } = act;
  const owner = sql`target.usr_id`;
  return {
    actor,
    auditId,
    rule,
    table: sql`pat`,
    id,
    owner,
    action: `identity.pat.${verb}`,
    targetKind: "pat",
  };
}
