/**
 * Questions about tuples: does this subject hold one of these relations on this object?
 *
 * @module
 */
import type { CheckRoot } from "../domain/rewrite-rule.ts";
import { type Statement, sql } from "./sql.ts";

/** Which subject has which relations to which object. Ids are UUIDs; the subject's may be SQL. */
export interface TupleKey {
  readonly subjectType: string;
  readonly subjectId: string | Statement;
  readonly relations: readonly string[];
  readonly objectType: string;
  readonly objectId: string;
}

/** A question, each part as SQL. Ids are UUIDs, `relations` is a `text[]`. */
export interface AskedRelation {
  readonly subjectType: Statement;
  readonly subjectId: Statement;
  readonly relations: Statement;
  readonly objectType: Statement;
  readonly objectId: Statement;
}

/** The tuple that allowed, or null; and whether rules led into a limit before there was an answer. */
export interface TupleAnswer {
  readonly id: string | null;
  readonly isLimited: boolean;
}

/** The same; all null where no row stood for no. */
export type NullableAnswer = { readonly [Name in keyof TupleAnswer]: TupleAnswer[Name] | null };

/** SQL for a {@link TupleAnswer}, as a subquery: no row stands for no. `roots` are all relations that the question may be about. */
export type AnswerQuestion = (asked: AskedRelation, roots: readonly CheckRoot[]) => Statement<TupleAnswer>;

/** A key as a question. */
export function askedOf(key: TupleKey): AskedRelation {
  return {
    subjectType: sql`${key.subjectType}::text`,
    subjectId: sql`${key.subjectId}::uuid`,
    relations: sql`${key.relations}::text[]`,
    objectType: sql`${key.objectType}::text`,
    objectId: sql`${key.objectId}::uuid`,
  };
}

/** A question about one relation. */
export type AskedTuple = Omit<TupleKey, "relations" | "subjectId"> & {
  readonly subjectId: string;
  readonly relation: string;
};

/** A row for each question, in their order: one plan answers them all, in one snapshot. */
export function answerEach(asked: readonly AskedTuple[], answer: AnswerQuestion): Statement<NullableAnswer> {
  const question: AskedRelation = {
    subjectType: sql`question.subject_type`,
    subjectId: sql`question.subject_id`,
    relations: sql`array[question.relation]`,
    objectType: sql`question.object_type`,
    objectId: sql`question.object_id`,
  };
  const roots = asked.map(({ objectType, relation }) => ({ objectType, relations: [relation] }));
  return sql`
    select answer.id, answer."isLimited"
    from unnest(${asked.map((one) => one.subjectType)}::text[], ${asked.map((one) => one.subjectId)}::uuid[],
      ${asked.map((one) => one.relation)}::text[], ${asked.map((one) => one.objectType)}::text[],
      ${asked.map((one) => one.objectId)}::uuid[])
      with ordinality question(subject_type, subject_id, relation, object_type, object_id, place)
    left join lateral (${answer(question, roots)}) answer on true
    order by question.place`;
}

/** Many answers cost so much by the planner's estimate that a server would compile the statement, which takes longer than it. */
export function withoutCompiling(): Statement {
  return sql`select set_config('jit', 'off', true)`;
}

/**
 * The first tuple that matches exactly, in the order of the given relations. No row if there is none. An organization that is
 * suspended or has ended grants nothing.
 */
export function selectMatchingTuple(asked: AskedRelation): Statement<TupleAnswer> {
  return sql`
    select tup.id, false as "isLimited" from tup
    where tup.object_type = ${asked.objectType} and tup.object_id = ${asked.objectId}
      and tup.relation = any(${asked.relations})
      and tup.subject_type = ${asked.subjectType} and tup.subject_id = ${asked.subjectId}
      and not (tup.object_type = 'org' and exists (select from org where org.id = tup.object_id and org.status <> 'active'))
    order by array_position(${asked.relations}, tup.relation)
    limit 1`;
}
