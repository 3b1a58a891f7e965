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
