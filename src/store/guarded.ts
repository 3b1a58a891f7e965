/**
 * The four shapes of a guarded statement: read, list, insert, change. Each takes the row of its act and covers the actor, the
 * object's current state, the permission and the event.
 *
 * @module
 */
import { type GuardedAct, ownerOnly } from "../domain/act.ts";
import { acting, raiseRefusal, readsAnothersData, refusalUnless, unmetBy } from "./access.ts";
import { type Asked, type AskedOfUser, insertAuditEvent, successOf } from "./audit.ts";
import { type Handle, handle } from "./cte.ts";
import { type IdempotencyClaim, onlyOnce } from "./idempotency.ts";
import { strongestRelation } from "./relations.ts";
import { type Statement, sql } from "./sql.ts";

/** The row of an act's object, and the actor who performs the act. */
export interface GuardedRow extends Asked {
  readonly act: GuardedAct;
  /** SQL for the table's name; the row is called `target`. */
  readonly table: Statement;
  readonly id: string;
  /** SQL for the row's user. */
  readonly owner: Statement;
  /** SQL for whether a row counts, by its plain column names. A row that does not count is absent. Default: every row. */
  readonly within?: Statement;
  /** SQL for the UUID of the object that the act's relation is held on. A read by a user who holds one leaves no event. */
  readonly object?: Statement;
  /** SQL for the relations that the act gives or takes, as an array of texts. */
  readonly relations?: Statement;
  /** SQL for whether the user is one of the act's writers, as in `About`. A read by a writer leaves no event. */
  readonly writer?: Statement;
  /** The type of the object, if the act's target is another. */
  readonly targetKind?: string;
}

/** The row of a user. */
export function ofUser(act: GuardedAct, { actor, auditId, userId }: AskedOfUser): GuardedRow {
  return { act, actor, auditId, table: sql`usr`, id: userId, owner: sql`target.id` };
}

/** A row of a table in which each row has a user as its owner. */
export function ofOwned(act: GuardedAct, asked: Asked, table: Statement, id: string): GuardedRow {
  const { actor, auditId } = asked;
  return { act: heldTo(act, asked), actor, auditId, table, id, owner: sql`target.usr_id` };
}

/** The act within the requested reach: on any user's object, or only on the actor's own account. */
export function heldTo(act: GuardedAct, { onlyOwn }: Asked): GuardedAct {
  return onlyOwn ? ownerOnly(act) : act;
}

/** The CTEs that a fragment of a guarded change may read. */
export interface ChangeHandles {
  readonly acting: Handle<"acting">;
  /** The row as it was. */
  readonly target: Handle<"target">;
  /** The row as it is now; no row if nothing changed. */
  readonly changed: Handle<"changed">;
}

/** A row of a read: the code of the refusal, or null and the requested columns. */
export type Guarded<Row> = Row & { readonly refusal: string | null };

/**
 * Reads one object: a row with `refusal` or its columns. A read by an administrator leaves an event, a read by the owner none.
 *
 * @param read.columns SQL for columns of a row that has the name of the table.
 * @param read.join SQL for other sources of the columns.
 */
export function guardedRead<Row>(read: GuardedRow & { columns: Statement; join?: Statement }): Statement<Guarded<Row>> {
  return sql`
    with ${guardRead(read)}
    select verdict.refusal, ${read.columns}
    from verdict left join ${read.table} on ${read.table}.id = verdict.id ${read.join ?? sql``}`;
}

/**
 * Lists a user's objects of one kind, oldest first. There is always one row, which holds the refusal if there are no objects.
 * With a `limit`, one additional row shows that others follow.
 *
 * @param list.of SQL for the table's name. The row has the same name.
 * @param list.by SQL for the column with the id of the list's object. Default `usr_id`.
 * @param list.where SQL for which of the user's objects. Default all.
 */
export function guardedList<Row>(
  list: GuardedRow & {
    of: Statement;
    by?: Statement;
    /** SQL for a second table with the same columns, whose rows are listed too. */
    twin?: Statement;
    where?: Statement;
    page?: { readonly after: string | undefined; readonly limit: number };
    columns: Statement;
    join?: Statement;
  },
): Statement<Guarded<Row>> {
  const { of, page } = list;
  return sql`
    with ${guardRead(list)},
    page as (
      select ${of}.* from verdict cross join lateral (
        select ${of}.* from ${list.twin ? bothOf(of, list.twin) : of}
        where ${of}.${list.by ?? sql`usr_id`} = verdict.id and ${list.where ?? sql`true`} and ${isAfter(sql`${of}.id`, page?.after)}
        order by ${of}.id limit ${page?.limit ?? null}::int + 1) ${of}
      where verdict.refusal is null)
    select verdict.refusal, ${list.columns}
    from verdict left join page ${of} on true ${list.join ?? sql``} order by ${of}.id`;
}

/**
 * Inserts an object for a user. It takes a share lock on the owner, so the status is the one after any statement that ends the
 * owner. Raises the refusal.
 *
 * @param insert.refusal SQL for a code that follows from the owner (`owner`) or the input, or null.
 * @param insert.into SQL for `insert into … select … from verdict where refusal is null … returning *`; `verdict` has `usr_id`.
 * @param insert.before Additional CTEs that the refusal reads, each followed by a comma.
 * @param insert.also Additional CTEs that read the new row, each preceded by a comma.
 * @param insert.otherwise The code if nothing was inserted although nothing was refused.
 * @param insert.keepsRefusal True if the refusal is a value, in the column `refusal`, so that what `before` has spent stays spent.
 */
export function guardedInsert<Row>(
  insert: Asked & {
    act: GuardedAct;
    userId: string;
    table: Statement;
    refusal: (handles: { acting: Handle<"acting">; owner: Handle<"owner"> }) => Statement;
    /** What the act is about besides the user, as in {@link GuardedRow}. */
    about?: Pick<GuardedRow, "object" | "relations">;
    into: Statement;
    before?: Statement;
    also?: Statement;
    metadata?: Statement;
    otherwise?: string;
    keepsRefusal?: true;
    columns: Statement;
    /** SQL for other sources of the columns. */
    join?: Statement;
    /** The caller's key, which makes one object. */
    claim?: IdempotencyClaim | undefined;
  },
): Statement<Row> {
  const { act, table } = insert;
  const once = onlyOnce(insert.claim, handle(sql`verdict`));
  const actor = acting(insert.actor);
  const owner = handle<"owner">(sql`owner`);
  const event = successOf(act, insert, sql`${table}.id`);
  const { keepsRefusal, otherwise = "not_found" } = insert;
  return sql`
    with ${insert.before ?? sql``}${actor.define},
    owner as materialized (select id, status from usr where id = ${insert.userId}::uuid for share),
    verdict as materialized (
      select owner.id as usr_id, coalesce(
        ${refusalUnless(act, actor.name, { owner: sql`owner.id`, ...insert.about })},
        case when owner.id is null then 'not_found'
          when owner.status <> 'active' then 'precondition.user_not_active' end,
        ${insert.refusal({ acting: actor.name, owner })}) as refusal
      from (select 1) one left join owner on true left join acting on true),${once.define}
    ${table} as (${insert.into})${insert.also ?? sql``},
    audit as (${insertAuditEvent(insert.metadata ? { ...event, metadata: insert.metadata } : event, table)})
    select ${
      keepsRefusal
        ? sql`coalesce(verdict.refusal, case when ${table}.id is null then ${otherwise} end) as refusal, `
        : sql``
    }${insert.columns} from verdict left join ${table} on true ${insert.join ?? sql``}
    where case
      when ${keepsRefusal ?? false}::boolean then true
      when verdict.refusal is not null then sallyport_refuse(verdict.refusal)
      when not ${once.isFirst} then false
      when ${table}.id is null then sallyport_refuse(${otherwise})
      else true end`;
}

/**
 * Changes one row. The batch has locked the user, and this locks the row, because another SDK may lock the row alone. So the target and
 * the verdict are current. A change that finds nothing to do returns the row and leaves no event. Raises the refusal.
 */
export function guardedChange<Row>(
  change: GuardedRow & {
    /** SQL for a code that follows from the target's state, or null. */
    refusal: (handles: ChangeHandles) => Statement;
    set: Statement;
    /** SQL for whether there is anything to do. Default true. */
    when?: Statement;
    /** Additional CTEs that read `changed`, each preceded by a comma. */
    also?: (handles: ChangeHandles) => Statement;
    /** SQL for the columns of the answer, from a row that has the name of the table. */
    columns: Statement;
    /** SQL for other sources of the columns. */
    join?: Statement;
    /** SQL for a second table with the same columns, in which the row may be instead. */
    twin?: Statement;
    /** SQL for the metadata of the event. */
    metadata?: Statement;
  },
): Statement<Row> {
  const { table, twin, metadata } = change;
  const actor = acting(change.actor);
  const verdict = handle<"verdict">(sql`verdict`);
  const handles: ChangeHandles = {
    acting: actor.name,
    target: handle(sql`target`),
    changed: handle(sql`changed`),
  };
  const event = successOf(change.act, change, sql`changed.id`);
  const locked = (rows: Statement): Statement =>
    sql`select * from (select * from ${rows} where id = ${change.id}::uuid and ${change.within ?? sql`true`}
      for no key update) found`;
  const update = (rows: Statement): Statement => sql`(
      update ${rows} ${table} set ${change.set} from verdict, target
      where ${table}.id = verdict.id and verdict.refusal is null and ${change.when ?? sql`true`}
      returning ${table}.*)`;
  return sql`
    with ${actor.define},
    target as materialized (${twin ? sql`${locked(table)} union all ${locked(twin)}` : locked(table)}),
    verdict as materialized (
      select target.id, coalesce(
        ${refusalUnless(change.act, actor.name, change)},
        case when target.id is null then 'not_found' end,
        ${change.refusal(handles)}) as refusal
      from (select 1) one left join target on true left join acting on true),
    ${
      twin
        ? sql`changed_here as ${update(table)}, changed_there as ${update(twin)},
    changed as (select * from changed_here union all select * from changed_there)`
        : sql`changed as ${update(table)}`
    }${change.also?.(handles) ?? sql``},
    audit as (${insertAuditEvent(metadata ? { ...event, metadata } : event, sql`changed`)})
    select ${change.columns}
    from verdict left join (select * from changed union all
      select * from target where not exists (select from changed)) ${table} on ${table}.id = verdict.id
      ${change.join ?? sql``}
    where ${raiseRefusal(verdict)}`;
}

/** SQL for whether an id comes after a cursor. An index can begin there, whether or not there is a cursor. */
export function isAfter(id: Statement, after: string | undefined): Statement {
  return sql`${id} > ${after ?? "00000000-0000-0000-0000-000000000000"}::uuid`;
}

/** SQL for the rows of two tables that have the same columns in the same order. */
export function bothOf(table: Statement, twin: Statement): Statement {
  return sql`(select * from ${table} union all select * from ${twin}) ${table}`;
}

/** The CTEs `acting` and `verdict` (`id`, `owner_id`, `refusal`) and the event of a read. */
export function guardRead(row: GuardedRow): Statement {
  const actor = acting(row.actor);
  const verdict = handle<"verdict">(sql`verdict`);
  const { relation, writer } = row.act.who;
  const byWriter =
    writer && row.writer
      ? sql`case when acting.usr_id = ${row.owner} or ${row.writer} <> 'held' then ${row.owner} else acting.usr_id end`
      : row.owner;
  const own =
    relation && row.object
      ? sql`case when ${strongestRelation(relation, sql`acting.usr_id`, row.object)} <= ${relation.among.indexOf(relation.atLeast) + 1}::int
            and ${unmetBy(relation, actor.name, row.object)} is null then acting.usr_id else ${row.owner} end`
      : byWriter;
  return sql`${actor.define},
    verdict as materialized (
      select target.id, ${own} as owner_id, coalesce(
        ${refusalUnless(row.act, actor.name, row)},
        case when target.id is null then 'not_found' end) as refusal
      from (select 1) one left join ${row.table} target on target.id = ${row.id}::uuid
        and ${row.within ?? sql`true`} left join acting on true),
    audit as (${insertAuditEvent(
      { ...successOf(row.act, row, sql`${row.id}::uuid`), repeatable: true, targetKind: row.targetKind },
      sql`verdict cross join acting where ${readsAnothersData(verdict, actor.name, sql`verdict.owner_id`)}`,
    )})`;
}
