import { type Statement, sql } from "./sql.ts";

/** Which subject has which relation to which object. Ids are UUIDs; the subject's may be SQL. */
export interface TupleKey {
  readonly subjectType: string;
  readonly subjectId: string | Statement;
  readonly relations: readonly string[];
  readonly objectType: string;
  readonly objectId: string;
}

/**
 * The first tuple that matches exactly, in the order of the given relations. No row if there is none. An organization that is
 * suspended or has ended grants nothing.
 */
export function selectMatchingTuple(question: TupleKey): Statement<{ id: string }> {
  return sql`
    select id from tup
    where object_type = ${question.objectType} and object_id = ${question.objectId}::uuid
      and relation = any(${question.relations}::text[])
      and subject_type = ${question.subjectType} and subject_id = ${question.subjectId}::uuid
      and not (object_type = 'org' and exists (select from org where org.id = object_id and org.status <> 'active'))
    order by array_position(${question.relations}::text[], relation)
    limit 1`;
}
