import type { GuardedAct } from "../domain/act.ts";
import * as acts from "../domain/acts/tuple.ts";
import { systemObjectType } from "../domain/administrator.ts";
import type { RowOf } from "../domain/record.ts";
import { tuple } from "../domain/tuple.ts";
import { acting, raiseRefusal, refusalUnless } from "./access.ts";
import { type Asked, committed, insertAuditEvent, successOf, wireIdOf } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { handle } from "./cte.ts";
import { type Guarded, type GuardedRow, guardedList, guardedRead, guardRead } from "./guarded.ts";
import { type Statement, sql } from "./sql.ts";
import { askedOf, type TupleKey } from "./tuple-answers.ts";
import { mayManage, mayWrite, type Writing } from "./tuple-writers.ts";

export type TupleRow = RowOf<typeof tuple>;

/** The columns of a {@link TupleRow}, read from the row called `tup`. */
const columns = () => columnsOf("tup", tuple);

/** A tuple without its id, as an event and an index know it. */
type NewTuple = Pick<TupleRow, "subjectType" | "subjectId" | "relation" | "objectType" | "objectId">;

/** Who asks, and by which rules users may write. */
interface AskedOfTuples extends Asked {
  readonly writing: Writing;
}

interface OfTuple extends AskedOfTuples {
  readonly tupleId: string;
}

/**
 * A new tuple. The batch has locked the subject, if it is a user, so a tuple of a user who is revoked meanwhile is refused or ends
 * with them. Raises the refusal.
 */
export function insertTuple(asked: OfTuple & NewTuple): Statement<TupleRow> {
  const actor = acting(asked.actor);
  const writer = mayWrite(asked.writing, sql`${actor.name}.usr_id`, handle(sql`target`));
  return sql`
    with ${actor.define},
    target as materialized (${virtual(asked)}),
    verdict as materialized (
      select target.*, coalesce(
        ${refusalUnless(acts.createTuple, actor.name, { writer })},
        case when target.object_type = ${systemObjectType} then 'invalid_format.object_type' end,
        case when target.subject_type = 'usr' and exists (
          select from usr where usr.id = target.subject_id and usr.status = 'revoked')
          then 'precondition.user_not_active' end) as refusal
      from target left join acting on true),
    tup as (
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id, created_by)
      select ${asked.tupleId}::uuid, subject_type, subject_id, relation, object_type, object_id, acting.usr_id
      from verdict cross join acting where refusal is null
      on conflict (object_type, object_id, relation, subject_type, subject_id) do nothing
      returning *),
    audit as (${insertAuditEvent({ ...successOf(acts.createTuple, asked, sql`tup.id`), metadata: described() }, sql`tup`)})
    select ${columns()} from verdict left join tup on true
    where ${raiseRefusal(handle(sql`verdict`))}
      and case when tup.id is null then sallyport_refuse('conflict.duplicate_tuple') else true end`;
}

/** The tuple, if the operation that made the event has committed. */
export function recallTuple(tupleId: string, auditId: string): Statement<TupleRow> {
  return sql`select ${columns()} from tup where tup.id = ${tupleId}::uuid and ${committed(auditId)}`;
}

/** The id of the tuple with a certain key. */
export function selectTupleId(key: NewTuple): Statement<{ id: string }> {
  return sql`
    select id from tup
    where object_type = ${key.objectType} and object_id = ${key.objectId}::uuid and relation = ${key.relation}
      and subject_type = ${key.subjectType} and subject_id = ${key.subjectId}::uuid`;
}

/** Deletes one tuple. The batch has locked its organization, if it is about one. Raises the refusal. */
export function deleteTuple(asked: OfTuple): Statement<{ deleted: boolean }> {
  const actor = acting(asked.actor);
  const writer = mayWrite(asked.writing, sql`${actor.name}.usr_id`, handle(sql`target`));
  return sql`
    with ${actor.define},
    target as materialized (select * from tup where id = ${asked.tupleId}::uuid for update),
    verdict as materialized (
      select target.id, coalesce(
        ${refusalUnless(acts.deleteTuple, actor.name, { writer })},
        case when target.id is null then 'not_found' when ${isCompanion(sql`target`)} then 'precondition.companion_tuple' end
        ) as refusal
      from (select 1) one left join target on true left join acting on true),
    gone as (delete from tup using verdict where tup.id = verdict.id and verdict.refusal is null returning tup.*),
    audit as (${insertAuditEvent({ ...successOf(acts.deleteTuple, asked, sql`tup.id`), metadata: described() }, sql`gone tup`)})
    select true as deleted from verdict where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** A row if the operation that made the event has committed. */
export function recallDeletion(auditId: string): Statement<{ deleted: boolean }> {
  return sql`select true as deleted from aud where aud.id = ${auditId}::uuid`;
}

/** One side of tuples: a subject, or an object. The id is a UUID. */
export interface Side {
  readonly side: "subject" | "object";
  readonly type: string;
  readonly id: string;
}

/**
 * Deletes all tuples of a subject or of an object, but those that belong to memberships and to administrators. One event says how
 * many, also to a repeat whose first try committed. The batch has locked the organizations that they are about.
 */
export function deleteTuplesOf(asked: Asked & { of: Side }): Statement<{ count: number }> {
  const { of } = asked;
  const actor = acting(asked.actor);
  const event = {
    ...successOf(acts.deleteTuples, asked, sql`${of.id}::uuid`),
    targetKind: of.type,
    metadata: sql`jsonb_build_object('of', ${of.side}::text, 'count', total.count)`,
  };
  return sql`
    with ${actor.define},
    verdict as materialized (select ${refusalUnless(acts.deleteTuples, actor.name, {})} as refusal
      from (select 1) one left join acting on true),
    found as materialized (
      select tup.id from tup cross join verdict
      where verdict.refusal is null and ${isOf(of)} and not ${isCompanion(sql`tup`)} order by tup.id for update of tup),
    gone as (delete from tup using found where tup.id = found.id returning tup.id),
    total as materialized (select count(*)::int as count from gone),
    audit as (${insertAuditEvent(event, sql`total where total.count > 0`)})
    select coalesce((${recallDeletedTuples(asked.auditId)}), total.count) as count
    from verdict cross join total where ${raiseRefusal(handle(sql`verdict`))}`;
}

/** How many tuples were deleted, if the operation that made the event has committed. */
export function recallDeletedTuples(auditId: string): Statement<{ count: number }> {
  return sql`select (aud.metadata ->> 'count')::int as count from aud where aud.id = ${auditId}::uuid`;
}

/** The organizations that tuples are about: a membership may be made of one meanwhile. */
export function organizationsOfTuples(which: { readonly tupleId: string } | Side): Statement<{ id: string }> {
  const condition = "side" in which ? isOf(which) : sql`tup.id = ${which.tupleId}::uuid`;
  return sql`select tup.object_id as id from tup where tup.object_type = 'org' and ${condition}`;
}

/** One row with `refusal` or the tuple. */
export function selectTuple(asked: OfTuple): Statement<Guarded<TupleRow>> {
  const { actor, auditId } = asked;
  return guardedRead({
    act: acts.getTuple,
    actor,
    auditId,
    table: sql`tup`,
    id: asked.tupleId,
    owner: subjectUser(),
    writer: mayManage(asked.writing, sql`acting.usr_id`, handle(sql`target`)),
    columns: columns(),
  });
}

/** A page of a subject's tuples, in order of their ids. One additional row shows that others follow. */
export function selectTuplesOfSubject(
  asked: Asked & { of: Side; after: string | undefined; limit: number },
): Statement<Guarded<TupleRow>> {
  return guardedList({
    ...ofSide(acts.listTuplesBySubject, asked, asked.of),
    of: sql`tup`,
    by: sql`subject_id`,
    where: sql`tup.subject_type = ${asked.of.type}`,
    page: asked,
    columns: columns(),
  });
}

/** A page of an object's tuples, in order of their ids. One additional row shows that others follow. */
export function selectTuplesOfObject(
  asked: AskedOfTuples & { of: Side; relation: string | undefined; after: string | undefined; limit: number },
): Statement<Guarded<TupleRow>> {
  return guardedList({
    ...ofSide(acts.listTuplesByObject, asked, asked.of),
    writer: mayManage(asked.writing, sql`acting.usr_id`, handle(sql`target`)),
    of: sql`tup`,
    by: sql`object_id`,
    where: sql`tup.object_type = ${asked.of.type}
      and (${asked.relation ?? null}::text is null or tup.relation = ${asked.relation ?? null}::text)`,
    page: asked,
    columns: columns(),
  });
}

/** The answer to a question of a user, or the refusal: one row. */
export function selectAnswer(
  asked: AskedOfTuples & { key: TupleKey & { readonly subjectId: string } },
): Statement<{ refusal: string | null; id: string | null; isLimited: boolean | null }> {
  const { actor, auditId, key, writing } = asked;
  const row: GuardedRow = {
    act: acts.check,
    actor,
    auditId,
    table: sql`(${virtual({ ...key, relation: "", id: key.subjectId })})`,
    id: key.subjectId,
    owner: subjectUser(),
    writer: mayManage(writing, sql`acting.usr_id`, handle(sql`target`)),
    targetKind: key.subjectType,
  };
  return sql`
    with ${guardRead(row)}
    select verdict.refusal, answer.*
    from verdict left join lateral (${writing.answer(askedOf(key), [key])}) answer on verdict.refusal is null`;
}

/** SQL for the user who is the subject of the row `target`, or null. */
const subjectUser = () => sql`case when target.subject_type = 'usr' then target.subject_id end`;

/** SQL for what the event of a tuple says, from the row called `tup`. A deleted tuple is nowhere else. */
const described = () => sql`jsonb_build_object('subject', ${wireIdOf(sql`tup.subject_type`, sql`tup.subject_id`)},
      'relation', tup.relation, 'object', ${wireIdOf(sql`tup.object_type`, sql`tup.object_id`)})`;

/**
 * SQL for whether a row of the tuple table belongs to a membership or to an administrator, whose operations make it and delete it.
 */
function isCompanion(row: Statement): Statement {
  return sql`(${row}.object_type = ${systemObjectType} or (${row}.object_type = 'org' and ${row}.subject_type = 'usr' and exists (
        select from mem where mem.usr_id = ${row}.subject_id and mem.org_id = ${row}.object_id and mem.role = ${row}.relation
          and mem.status = 'active')))`;
}

function isOf({ side, type, id }: Side): Statement {
  return side === "subject"
    ? sql`tup.subject_type = ${type} and tup.subject_id = ${id}::uuid`
    : sql`tup.object_type = ${type} and tup.object_id = ${id}::uuid`;
}

/** A subject or an object as the target of an act. It need not be a row of any table. */
function ofSide(act: GuardedAct, { actor, auditId }: Asked, { side, type, id }: Side): GuardedRow {
  const table = sql`(select ${id}::uuid as id, ${type}::text as ${side === "subject" ? sql`subject_type` : sql`object_type`},
      ${id}::uuid as ${side === "subject" ? sql`subject_id` : sql`object_id`})`;
  const owner = side === "subject" ? subjectUser() : sql`null::uuid`;
  return { act, actor, auditId, table, id, owner, targetKind: type };
}

/** SQL for a row of the tuple table that is not in it. */
function virtual(key: NewTuple & { readonly id?: string }): Statement {
  return sql`select ${key.id ?? null}::uuid as id, ${key.subjectType}::text as subject_type, ${key.subjectId}::uuid as subject_id,
      ${key.relation}::text as relation, ${key.objectType}::text as object_type, ${key.objectId}::uuid as object_id`;
}
