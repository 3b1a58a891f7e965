/**
 * Checks with rewrite rules: the whole evaluation is one recursive statement, so it reads one snapshot and takes one round trip.
 *
 * A *frame* is the question “who holds this relation on this object?”. A walk begins at the frames that are asked for, and each hop
 * of a frame's rule leads to frames that can answer in its place. How far a walk goes is bounded three times: by the depth, by the
 * tuples that one hop may find, and by the work, which bounds both the tuples that a level reads and the frames in all.
 *
 * The rules are a small table of parameters, joined and not searched in JSON: the planner then expects few rows, and no server
 * compiles the statement just in time, which takes longer than the check.
 *
 * @module
 */
import type { Rule } from "../domain/rewrite-rule.ts";
import { type Statement, sql } from "./sql.ts";
import type { AskedRelation, TupleAnswer } from "./tuple-answers.ts";

/** The rules that a walk can meet, and what bounds it. */
export interface RuleSettings {
  readonly rules: readonly Rule[];
  readonly maxDepth: number;
  readonly maxFanOut: number;
  readonly maxWork: number;
}

/** SQL for the table of rules: a row for each hop, in order. A rule without hops has one row, whose `next` is empty. */
function ruleTable(rules: readonly Rule[]): Statement {
  const rows = rules.flatMap(({ type, relation, hops }) =>
    (hops.length > 0 ? hops : [{ relation: "", tupleset: "", subjectType: "" }]).map((hop) => ({
      type,
      relation,
      hop,
    })),
  );
  return sql`
    select * from unnest(${rows.map(({ type }) => type)}::text[], ${rows.map(({ relation }) => relation)}::text[],
      ${rows.map(({ hop }) => hop.relation)}::text[], ${rows.map(({ hop }) => hop.tupleset)}::text[],
      ${rows.map(({ hop }) => hop.subjectType)}::text[])
      with ordinality rule(type, relation, next, tupleset, subject_type, place)`;
}

/**
 * SQL for whether an object can grant something: an organization that is suspended or has ended cannot. A scalar subquery, because
 * the planner may answer `exists` by reading every organization.
 */
const grants = (type: Statement, id: Statement): Statement =>
  sql`(${type} <> 'org' or coalesce((select org.status = 'active' from org where org.id = ${id}), true))`;

/**
 * SQL for the subject's own tuple of a frame: `id`, one row or none.
 *
 * `between` twice the same value that the planner cannot know: it then expects many tuples of the subject and few of the object, and
 * takes the index led by the object. By the other one, each look-up would read every tuple of the subject.
 */
const directOf = (frame: Statement, asked: AskedRelation): Statement => sql`
      select tup.id from tup
      where tup.object_type = ${frame}.type and tup.object_id = ${frame}.id and tup.relation = ${frame}.relation
        and tup.subject_type = ${asked.subjectType}
        and tup.subject_id between (select ${asked.subjectId}) and (select ${asked.subjectId})
      limit 1`;

/**
 * SQL for the objects behind `rule` from the object of `walk`: `type`, `id`, `tuple_id`, and `width`, their number. If it is over
 * the limit, it is one too large, for every row. Each branch reads a prefix of the unique index.
 */
const objectsBehind = ({ maxFanOut }: RuleSettings): Statement => sql`
        select found.*, count(*) over () as width from (
          select walk.type, walk.id, null::uuid as tuple_id where rule.tupleset = ''
          union all
          (select tup.subject_type, tup.subject_id, tup.id from tup
          where tup.object_type = walk.type and tup.object_id = walk.id and tup.relation = rule.tupleset
            and rule.tupleset <> '' and rule.subject_type = ''
          limit ${maxFanOut}::int + 1)
          union all
          (select tup.subject_type, tup.subject_id, tup.id from tup
          where tup.object_type = walk.type and tup.object_id = walk.id and tup.relation = rule.tupleset
            and tup.subject_type = rule.subject_type and rule.subject_type <> ''
          limit ${maxFanOut}::int + 1)) found`;

/**
 * SQL for a {@link TupleAnswer}, as a subquery: any way within the limits allows, and the shortest is found first.
 *
 * The walk goes level by level; `union` drops a frame that its level had already. The first frame of which the subject has a tuple
 * ends it, because its next row is not read. What a limit cuts off leaves a frame of nulls, which leads nowhere. Without a tuple,
 * the answer is no only if nothing was cut off: no such frame, not too many frames, and no frame with hops that the walk met for
 * the first time where it ends. A frame that it met earlier has been followed.
 */
export function anyWay(asked: AskedRelation, settings: RuleSettings): Statement<TupleAnswer> {
  const { rules, maxDepth, maxWork } = settings;
  return sql`
    with recursive rule as (${ruleTable(rules)}),
    walk as (
      select root.relation, ${asked.objectType} as type, ${asked.objectId} as id, 0 as depth
      from unnest(${asked.relations}) root(relation) where ${grants(asked.objectType, asked.objectId)}
      union
      select next.relation, next.type, next.id, next.depth
      from (
        select case when hop.fits then hop.next end as relation, case when hop.fits then hop.type end as type,
          case when hop.fits then hop.id end as id, hop.depth
        from (
          select rule.next, linked.type, linked.id, walk.depth + 1 as depth,
            linked.width <= ${settings.maxFanOut}::int and row_number() over () <= ${maxWork}::int as fits
          from walk join rule on rule.type = walk.type and rule.relation = walk.relation and rule.next <> ''
          cross join lateral (${objectsBehind(settings)}) linked
          where walk.depth < ${maxDepth}::int
          limit ${maxWork}::int + 1) hop) next
      where next.type is null or ${grants(sql`next.type`, sql`next.id`)}),
    hit as materialized (
      select direct.id from (select * from walk limit ${maxWork}::int) frame
      cross join lateral (${directOf(sql`frame`, asked)}) direct
      limit 1)
    select hit.id, case when hit.id is not null then false else
      (select count(*) > ${maxWork}::int or coalesce(bool_or(frame.relation is null), false)
        from (select * from walk limit ${maxWork}::int + 1) frame)
      or exists (
        select from (select * from walk limit ${maxWork}::int + 1) frame
        join rule on rule.type = frame.type and rule.relation = frame.relation and rule.next <> ''
        group by frame.relation, frame.type, frame.id having min(frame.depth) = ${maxDepth}::int) end as "isLimited"
    from (select 1) one left join hit on true`;
}

/**
 * SQL for a {@link TupleAnswer}, as a subquery: in the order of the specification's text, depth first.
 *
 * Every frame has its place in that order, as an array: `{1,2}` comes before `{1,2,1}`, and that before `{1,3}`. Whichever has the
 * smallest place decides: a tuple of the subject, a hop that finds too many tuples, or a frame with a rule where the depth ends. A
 * frame that stands on its own path is not entered again, and one whose tuple allows is not followed. A level that takes too much
 * work leaves a frame whose place is the first of all, `{0}`.
 */
export function firstInOrder(asked: AskedRelation, settings: RuleSettings): Statement<TupleAnswer> {
  const { rules, maxDepth, maxWork } = settings;
  const named = (frame: Statement) => sql`(${frame}.relation || ' ' || ${frame}.type || ' ' || ${frame}.id)`;
  return sql`
    with recursive rule as (${ruleTable(rules)}),
    walk as (
      select root.*, array[root.at] as place, array[${named(sql`root`)}] as path, direct.id as tuple_id
      from (
        select root.relation, ${asked.objectType} as type, ${asked.objectId} as id, 0 as depth, root.at::int
        from unnest(${asked.relations}) with ordinality root(relation, at)) root
      left join lateral (${directOf(sql`root`, asked)}) direct on true
      where ${grants(sql`root.type`, sql`root.id`)}
      union all
      select next.relation, next.type, next.id, next.depth, next.at, next.place, next.path || ${named(sql`next`)}, direct.id
      from (
        select case when hop.fits then hop.next end as relation, case when hop.fits then hop.type end as type,
          case when hop.fits then hop.id end as id, hop.depth, hop.at,
          case when hop.number <= ${maxWork}::int then hop.place else array[0] end as place, hop.path
        from (
          select rule.next, linked.type, linked.id, walk.depth + 1 as depth, linked.at,
            walk.place || rule.place::int || linked.at as place, walk.path, row_number() over () as number,
            linked.width <= ${settings.maxFanOut}::int and row_number() over () <= ${maxWork}::int as fits
          from walk join rule on rule.type = walk.type and rule.relation = walk.relation and rule.next <> ''
          cross join lateral (
            select found.*, (row_number() over (order by found.tuple_id))::int as at
            from (${objectsBehind(settings)}) found) linked
          where walk.depth < ${maxDepth}::int and walk.tuple_id is null
          limit ${maxWork}::int + 1) hop) next
      left join lateral (${directOf(sql`next`, asked)}) direct on true
      where next.type is null or (${named(sql`next`)} <> all(next.path) and ${grants(sql`next.type`, sql`next.id`)})),
    frame as materialized (select * from walk limit ${maxWork}::int + 1),
    decisive as materialized (
      select frame.tuple_id from frame
      where frame.tuple_id is not null or frame.relation is null or (frame.depth = ${maxDepth}::int
        and exists (select from rule where rule.type = frame.type and rule.relation = frame.relation))
      order by frame.place limit 1)
    select case when work.fits then (select tuple_id from decisive) end as id,
      not work.fits or exists (select from decisive where tuple_id is null) as "isLimited"
    from (select count(*) <= ${maxWork}::int as fits from frame) work`;
}
