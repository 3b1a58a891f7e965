/**
 * Whether a user may write tuples, as SQL: the option `writers` as a table of parameters, and a check of the relations that it names.
 *
 * @module
 */
import type { WriterRule } from "../domain/tuple-writer.ts";
import type { Handle } from "./cte.ts";
import { type Statement, sql } from "./sql.ts";
import type { AnswerQuestion, AskedRelation } from "./tuple-answers.ts";

/** The option `writers`, and how a relation is checked. */
export interface Writing {
  readonly writers: readonly WriterRule[];
  readonly answer: AnswerQuestion;
}

/**
 * SQL for whether a user may write the tuple of the row `target`: `held`, `none`, or `limited` if rules lead too far for an answer.
 * The user needs a relation on the object, and one on the subject if the option names one. Otherwise the subject must be a user.
 */
export function mayWrite({ writers, answer }: Writing, userId: Statement, target: Handle<"target">): Statement {
  if (writers.length === 0) return sql`'none'`;
  const onObject = answer(
    held(userId, sql`array[rule.on_object]`, sql`${target}.object_type`, sql`${target}.object_id`),
    writers.map((writer) => ({ objectType: writer.objectType, relations: [writer.onObject] })),
  );
  const onSubject = answer(
    held(userId, sql`array[rule.on_subject]`, sql`${target}.subject_type`, sql`${target}.subject_id`),
    [{ relations: writers.flatMap((writer) => writer.onSubject || []) }],
  );
  return sql`coalesce((
      select case when 'none' in (writer.on_object, writer.on_subject) then 'none'
        when 'limited' in (writer.on_object, writer.on_subject) then 'limited' else 'held' end
      from unnest(${writers.map(({ objectType }) => objectType)}::text[], ${writers.map(({ relation }) => relation)}::text[],
        ${writers.map((writer) => writer.onObject)}::text[], ${writers.map((writer) => writer.onSubject)}::text[])
        rule(type, relation, on_object, on_subject)
      cross join lateral (select ${standing(onObject)} as on_object, case
        when rule.on_subject <> '' then ${standing(onSubject)}
        when ${target}.subject_type = 'usr' then 'held' else 'none' end as on_subject) writer
      where rule.type = ${target}.object_type and rule.relation = ${target}.relation), 'none')`;
}

/** SQL for whether a user may write any relation on the object of the row `target`, as in {@link mayWrite}. */
export function mayManage({ writers, answer }: Writing, userId: Statement, target: Handle<"target">): Statement {
  if (writers.length === 0) return sql`'none'`;
  const relations = sql`(
        select coalesce(array_agg(distinct rule.on_object), '{}')
        from unnest(${writers.map(({ objectType }) => objectType)}::text[], ${writers.map((writer) => writer.onObject)}::text[])
          rule(type, on_object)
        where rule.type = ${target}.object_type)::text[]`;
  return standing(
    answer(
      held(userId, relations, sql`${target}.object_type`, sql`${target}.object_id`),
      writers.map((writer) => ({ objectType: writer.objectType, relations: [writer.onObject] })),
    ),
  );
}

function held(userId: Statement, relations: Statement, objectType: Statement, objectId: Statement): AskedRelation {
  return { subjectType: sql`'usr'::text`, subjectId: userId, relations, objectType, objectId };
}

function standing(answer: Statement): Statement {
  return sql`coalesce((
        select case when answer.id is not null then 'held' when answer."isLimited" then 'limited' else 'none' end
        from (${answer}) answer), 'none')`;
}
