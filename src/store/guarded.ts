/**
 * The shapes of a guarded read and a guarded change of one row: who asks, what the row is now, whether they may, and the event.
 *
 * @module
 */
import type { AccessRule } from "../domain/access-rules.ts";
import type { Actor } from "../domain/actor.ts";
import { acting, raiseRefusal, readsAnothersData, refusalUnless } from "./access.ts";
import { type AuditEvent, insertAuditEvent } from "./audit.ts";
import { type Statement, sql } from "./sql.ts";

/** One row, and who asks for something about it. */
export interface GuardedRow {
  readonly actor: Actor;
  readonly auditId: string;
  readonly rule: AccessRule;
  /** SQL for the table's name; the row is called `target`. */
  readonly table: Statement;
  readonly id: string;
  /** SQL for the row's user. */
  readonly owner: Statement;
  /** Dot-namespaced, such as `identity.user.suspend`. */
  readonly action: string;
  readonly targetKind: string;
}

/**
 * The CTEs `acting` and `verdict` (`id`, `owner_id`, `refusal`) and the event of a read: for a statement that ends in
 * `select verdict.refusal, … from verdict left join …`. A read by an administrator leaves an event, one's own none.
 */
export function guardRead(row: GuardedRow): Statement {
  return sql`acting as materialized (${acting(row.actor)}),
    verdict as materialized (
      select target.id, ${row.owner} as owner_id, coalesce(
        ${refusalUnless(row.rule, row.owner)},
        case when target.id is null then 'not_found' end) as refusal
      from (select 1) one left join ${row.table} target on target.id = ${row.id}::uuid left join acting on true),
    audit as (${insertAuditEvent(
      { ...eventOf(row), targetId: sql`${row.id}::uuid`, repeatable: true },
      sql`verdict cross join acting where ${readsAnothersData(sql`verdict.owner_id`)}`,
    )})`;
}

/**
 * A change of one row. The batch has locked the user, so the target and the verdict are of now. A change that finds nothing
 * to do gives the row back and leaves no event.
 */
export function guardedChange<Row>(
  row: GuardedRow & {
    /** SQL for a code that the target's state gives, or null. */
    refusal: Statement;
    set: Statement;
    /** SQL for whether there is anything to do. */
    when: Statement;
    /** Further CTEs that read `changed`, each with a comma in front. */
    cascade: Statement;
    /** SQL for the columns of the answer, of a row that is called like the table. */
    columns: Statement;
    /** SQL for what the columns come from besides. */
    join?: Statement;
  },
): Statement<Row> {
  const { table } = row;
  return sql`
    with acting as materialized (${acting(row.actor)}),
    target as (select * from ${table} where id = ${row.id}::uuid),
    verdict as materialized (
      select target.id, coalesce(
        ${refusalUnless(row.rule, row.owner)},
        case when target.id is null then 'not_found' end,
        ${row.refusal}) as refusal
      from (select 1) one left join target on true left join acting on true),
    changed as (
      update ${table} set ${row.set} from verdict, target
      where ${table}.id = verdict.id and verdict.refusal is null and ${row.when}
      returning ${table}.*)${row.cascade},
    audit as (${insertAuditEvent({ ...eventOf(row), targetId: sql`changed.id` }, sql`changed`)})
    select ${row.columns}
    from verdict left join (select * from changed union all
      select * from target where not exists (select from changed)) ${table} on ${table}.id = verdict.id
      ${row.join ?? sql``}
    where ${raiseRefusal()}`;
}

/** What belongs to a user, asked for as a whole: the row is the user. */
export function ofUser(
  act: { actor: Actor; auditId: string; userId: string },
  action: string,
  rule: AccessRule,
): GuardedRow {
  const { actor, auditId, userId: id } = act;
  return { actor, auditId, rule, table: sql`usr`, id, owner: sql`target.id`, action, targetKind: "usr" };
}

function eventOf(row: GuardedRow): Omit<AuditEvent, "targetId"> {
  const { actor, auditId, action, targetKind } = row;
  return { id: auditId, action, outcome: "success", actor, context: actor.context, targetKind };
}
