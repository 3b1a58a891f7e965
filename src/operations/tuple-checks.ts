import type { Actor } from "../domain/actor.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, type TupleId, wireId } from "../domain/id.ts";
import { requireEntityId, requireEntityType, requireRelation } from "../domain/tuple.ts";
import type { Core } from "../engine/core.ts";
import { answerOf, execute, executeAll, type Work, work } from "../engine/execute.ts";
import type { Operation } from "../engine/plan.ts";
import { refuse } from "../engine/refuse.ts";
import type { PresentedToken, VerifiedSession } from "../engine/sessions.ts";
import { callerOf } from "../store/sessions.ts";
import { type Statement, sql } from "../store/sql.ts";
import {
  answerEach,
  askedOf,
  type NullableAnswer,
  type TupleAnswer,
  type TupleKey,
  withoutCompiling,
} from "../store/tuple-answers.ts";
import type { Writing } from "../store/tuple-writers.ts";
import * as store from "../store/tuples.ts";
import { hashOf, verificationOf } from "./verify-session.ts";

/** The relation to check: its subject and its object. Identifiers are bare UUIDs or in wire form, such as `usr_…`. */
export interface CheckInput {
  readonly subjectType: string;
  readonly subjectId: string;
  readonly relation: string;
  readonly objectType: string;
  readonly objectId: string;
}

/** The subject of a question. */
export type Subject = Pick<CheckInput, "subjectType" | "subjectId">;

/** The object of a question. */
export type ObjectInput = Pick<CheckInput, "objectType" | "objectId">;

/** The answer of a check, with the tuple that allowed it. */
export type CheckResult =
  | { readonly allowed: true; readonly matchedTupleId: TupleId }
  | { readonly allowed: false; readonly matchedTupleId: null };

/** The relation that the user of a session must hold. */
export type SessionCheckInput = PresentedToken & Pick<CheckInput, "relation" | "objectType" | "objectId">;

/** A caller who asks. */
export interface AskedBy {
  /**
   * The user of a verified session, who may ask about their own relations, and about any on an object whose tuples they may write;
   * administrators about all. Default: the application.
   */
  readonly actor?: Actor | undefined;
}

/** Questions about tuples, and about the relations that follow from them. */
export interface TupleChecks {
  /**
   * `allowed` is true if exactly this tuple is stored, or if the relation follows from others by a rule. On an organization that is
   * not active, it is false.
   *
   * @throws {AuthError} `invalid_format.subject_type`, `invalid_format.subject_id`, `invalid_format.relation`,
   *   `invalid_format.object_type`, `invalid_format.object_id`, `evaluation_limit_exceeded`.
   */
  check: Operation<CheckInput & AskedBy, CheckResult>;
  /**
   * `allowed` is true if `check` is true for at least one of these relations, 1 to 100.
   *
   * @throws {AuthError} `invalid_format.subject_type`, `invalid_format.subject_id`, `invalid_format.relation`,
   *   `invalid_format.object_type`, `invalid_format.object_id`, `invalid_format.relations`, `evaluation_limit_exceeded`.
   */
  checkAny: Operation<Omit<CheckInput, "relation"> & AskedBy & { relations: readonly string[] }, CheckResult>;
  /**
   * The answers of `check` to up to 100 questions, in their order, from one moment: one request, for the application.
   *
   * @throws {AuthError} `evaluation_limit_exceeded` if one of them has no answer.
   * @throws {RangeError} For more than 100 questions.
   */
  checkMany: Operation<readonly CheckInput[], readonly CheckResult[]>;
  /**
   * Verifies a session, and checks a relation of its user as `check` does, in one request.
   *
   * @throws {AuthError} `unauthorized.invalid_token`, `unauthorized.session_expired`, `unauthorized.mfa_required`,
   *   `evaluation_limit_exceeded`.
   */
  checkSession: Operation<SessionCheckInput, VerifiedSession & { check: CheckResult }>;
}

export function tupleChecks(core: Core, writing: () => Writing): TupleChecks {
  const checkAny: TupleChecks["checkAny"] = async ({ actor, subjectType, subjectId, relations, ...object }) => {
    const key = { ...subjectOf({ subjectType, subjectId }), ...askedRelations(relations), ...objectOf(object) };
    const body = actor
      ? store.selectAnswer({ actor, auditId: newAuditId(), writing: writing(), key })
      : answerTo(writing(), key);
    return await execute(core, checkWork(body));
  };
  return {
    check: ({ relation, ...question }) => checkAny({ ...question, relations: [relation] }),
    checkAny,
    async checkMany(questions) {
      if (questions.length > mostQuestions) throw new RangeError(`At most ${mostQuestions} questions.`);
      if (questions.length === 0) return [];
      const keys = questions.map(({ relation, ...sides }) => ({
        ...subjectOf(sides),
        relation: requireRelation(relation),
        ...objectOf(sides),
      }));
      const many: Work<readonly CheckResult[], NullableAnswer> = {
        body: answerEach(keys, writing().answer),
        onLostReply: "repeat",
        decode: (_row, rows) => rows.map(toResult),
      };
      // Not in a caller's transaction, whose other statements it would concern too.
      const setting = { body: withoutCompiling(), onLostReply: "repeat", decode: () => undefined } as const;
      const settings = core.database.isNested?.() ? [] : [setting];
      const results = await executeAll(core, [...settings, work(many)]);
      return await answerOf(many, results.at(-1)!);
    },
    async checkSession({ relation, objectType, objectId, ...presented }) {
      const asked = { ...askedRelations([relation]), ...objectOf({ objectType, objectId }) };
      const tokenHash = await hashOf(presented);
      const session = work(verificationOf(core, presented, tokenHash));
      const subjectId = sql`(select caller.usr_id from (${callerOf(tokenHash)}) caller)`;
      const check = work(checkWork(answerTo(writing(), { subjectType: "usr", subjectId, ...asked })));
      const [sessionRows, tupleRows] = await executeAll(core, [session, check]);
      const verified = await answerOf(session, sessionRows!);
      return { ...verified, check: await answerOf(check, tupleRows!) };
    },
  };
}

/**
 * A subject, with its UUID.
 *
 * @throws {AuthError} `invalid_format.subject_type` or `invalid_format.subject_id`.
 */
export function subjectOf({ subjectType, subjectId }: Subject): Subject {
  return {
    subjectType: requireEntityType(subjectType, "subject"),
    subjectId: requireEntityId(subjectType, subjectId, "subject"),
  };
}

/**
 * An object, with its UUID.
 *
 * @throws {AuthError} `invalid_format.object_type` or `invalid_format.object_id`.
 */
export function objectOf({ objectType, objectId }: ObjectInput): ObjectInput {
  return {
    objectType: requireEntityType(objectType, "object"),
    objectId: requireEntityId(objectType, objectId, "object"),
  };
}

/** How many relations one question may name, and how many questions `checkMany` takes. */
const mostRelations = 100;
const mostQuestions = 100;

function askedRelations(relations: readonly string[]) {
  const isInBounds = relations.length >= 1 && relations.length <= mostRelations;
  if (!isInBounds) throw new AuthError("invalid_format.relations");
  return { relations: relations.map(requireRelation) };
}

function answerTo({ answer }: Writing, key: TupleKey): Statement<TupleAnswer> {
  return answer(askedOf(key), [key]);
}

interface AnswerRow extends NullableAnswer {
  readonly refusal?: string | null;
}

function checkWork(body: Statement<AnswerRow>): Work<CheckResult, AnswerRow> {
  return {
    body,
    onLostReply: "repeat",
    decode: (_row, [row]) => {
      refuse(row?.refusal ?? null);
      return toResult(row);
    },
  };
}

/** @throws {AuthError} `evaluation_limit_exceeded`. */
function toResult(row: NullableAnswer | undefined): CheckResult {
  if (row?.isLimited) throw new AuthError("evaluation_limit_exceeded");
  return row?.id ? { allowed: true, matchedTupleId: wireId("tup", row.id) } : { allowed: false, matchedTupleId: null };
}
