import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/tuple.ts";
import { AuthError } from "../domain/error.ts";
import { generateId, newAuditId, type TupleId, uuidFor, wireId } from "../domain/id.ts";
import { requireOption } from "../domain/option-error.ts";
import { toValue } from "../domain/record.ts";
import { requireRelation, type Tuple, tuple } from "../domain/tuple.ts";
import { compileWriters, type TupleWriters } from "../domain/tuple-writer.ts";
import type { Core } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { attempt } from "../engine/lazy.ts";
import { lockUsersOf } from "../engine/locks.ts";
import { checked } from "../engine/options.ts";
import { type Page, type PageInput, pageOf } from "../engine/page.ts";
import { type Operation, type PlannableOperation, plannable, plannableChange } from "../engine/plan.ts";
import { readOne, readPage } from "../engine/reads.ts";
import type { RuleSet } from "../engine/rule-set.ts";
import { type Lock, lockUser } from "../store/locks.ts";
import { sql } from "../store/sql.ts";
import { selectMatchingTuple } from "../store/tuple-answers.ts";
import type { Writing } from "../store/tuple-writers.ts";
import * as store from "../store/tuples.ts";
import {
  type CheckInput,
  type ObjectInput,
  objectOf,
  type Subject,
  subjectOf,
  type TupleChecks,
  tupleChecks,
} from "./tuple-checks.ts";

/** The caller: the user of a verified session, or the application, which may write every tuple. */
interface By {
  readonly actor: Actor;
}

/** A new tuple. Identifiers are bare UUIDs or in wire form, such as `usr_…`. */
export interface CreateTuple extends By, CheckInput {}

/** The caller, and the tuple to act on. */
export interface OfTuple extends By {
  readonly tupleId: TupleId;
}

/** The caller, and the subject whose tuples are meant. */
export interface OfSubject extends By, Subject {}

/** The caller, and the object whose tuples are meant. */
export interface OfObject extends By, ObjectInput {}

/** How many tuples were deleted. */
export interface DeletedTuples {
  readonly count: number;
}

/** Relational tuples: who holds which relation on which object (Flametrench `docs/authorization.md`). */
export interface TupleOperations extends TupleChecks {
  /**
   * Writes a tuple. Allowed for the application, and for users whom the option `writers` names for this relation: any other gets
   * `not_found`. On `org`, a tuple of a role gives no role; memberships do.
   *
   * @throws {AuthError} `invalid_format.subject_type`, `invalid_format.subject_id`, `invalid_format.relation`,
   *   `invalid_format.object_type`, `invalid_format.object_id`, `precondition.user_not_active`, `conflict.duplicate_tuple`,
   *   `evaluation_limit_exceeded`.
   */
  create: PlannableOperation<CreateTuple, Tuple, { tupleId: TupleId }>;
  /**
   * Deletes a tuple. Allowed for those who may write it. The tuples of memberships and administrators go with these alone.
   *
   * @throws {AuthError} `precondition.companion_tuple`, `evaluation_limit_exceeded`.
   */
  delete: PlannableOperation<OfTuple, void>;
  /**
   * Returns a tuple. Allowed for its subject, for writers of the object, the application and administrators.
   *
   * @throws {AuthError} `evaluation_limit_exceeded`.
   */
  get: Operation<OfTuple, Tuple>;
  /**
   * A page of a subject's tuples, oldest first. What follows by rules is not in it. Allowed for the subject, the application and
   * administrators.
   *
   * @throws {AuthError} `invalid_format.subject_type`, `invalid_format.subject_id`, `invalid_format.cursor`.
   */
  listBySubject: Operation<OfSubject & PageInput, Page<Tuple>>;
  /**
   * A page of an object's tuples, oldest first, of all relations or one. What follows by rules is not in it. Allowed for users who
   * may write a tuple of the object, for the application and administrators.
   *
   * @throws {AuthError} `invalid_format.object_type`, `invalid_format.object_id`, `invalid_format.relation`,
   *   `invalid_format.cursor`, `evaluation_limit_exceeded`.
   */
  listByObject: Operation<OfObject & PageInput & { relation?: string | undefined }, Page<Tuple>>;
  /**
   * Deletes all tuples of a subject, but those of memberships and administrators. For the application alone. A revoked user's tuples
   * have ended with them.
   *
   * @throws {AuthError} `invalid_format.subject_type`, `invalid_format.subject_id`.
   */
  deleteBySubject: PlannableOperation<OfSubject, DeletedTuples>;
  /**
   * Deletes all tuples of an object, as `deleteBySubject` does: when the object is deleted.
   *
   * @throws {AuthError} `invalid_format.object_type`, `invalid_format.object_id`.
   */
  deleteByObject: PlannableOperation<OfObject, DeletedTuples>;
}

/** The options of the feature `authorization`. */
export interface AuthorizationOptions {
  /** By which rules relations follow from others: `rewriteRules({ … })`. Default: a check is for exactly one tuple. */
  rules?: RuleSet;
  /**
   * Which tuples users may write: for each type of object and each relation, the relation that the user must hold on the object.
   * Default: none, and the application alone writes tuples.
   */
  writers?: TupleWriters;
}

/** The operations that the feature `authorization` adds to `auth`. */
export interface AuthorizationAuth {
  readonly tuples: TupleOperations;
}

/** The operations on tuples. */
export function authorizationParts(
  core: Core,
  { rules, writers = {} }: AuthorizationOptions,
): FeatureParts<AuthorizationAuth> {
  const read = attempt(() => compileWriters(writers, (type, relation) => rules?.isFollowed(type, relation) ?? false));
  const writing = (): Writing => ({
    writers: read(),
    // Where no rule applies, the plain statement costs a fifth.
    answer: (asked, roots) => rules?.answer(asked, roots) ?? selectMatchingTuple(asked),
  });
  return {
    operations: { tuples: { ...tupleChecks(core, writing), ...tupleOperations(core, writing) } },
    check: () => {
      checked("rules", () => {
        requireOption(!rules || typeof rules.checkOptions === "function", rules, "made by rewriteRules(…)");
        rules?.checkOptions();
      });
      checked("writers", () => void read());
    },
  };
}

function tupleOperations(core: Core, writing: () => Writing): Omit<TupleOperations, keyof TupleChecks> {
  const prepare = async ({ actor, relation, ...sides }: CreateTuple) => {
    const tupleId = generateId("tup");
    const key = { ...subjectOf(sides), relation: requireRelation(relation), ...objectOf(sides) };
    const asked = { actor, auditId: newAuditId(), writing: writing(), tupleId: uuidFor("tup", tupleId) };
    const subject = key.subjectType === "usr" ? lockUser(key.subjectId) : lockUsersOf(sql`select null::uuid as id`);
    const work = guardedWork(
      acts.createTuple,
      asked,
      key.objectId,
      {
        locks: [subject],
        body: store.insertTuple({ ...asked, ...key }),
        onLostReply: store.recallTuple(asked.tupleId, asked.auditId),
        decode: toTuple,
      },
      key.objectType,
    );
    return { work, known: { tupleId }, key };
  };
  const { plan } = plannable(core, prepare);
  const create = async (input: CreateTuple): Promise<Tuple> => {
    const { work, key } = await prepare(input);
    try {
      return await execute(core, work);
    } catch (error) {
      if (!(error instanceof AuthError && error.code === "conflict.duplicate_tuple")) throw error;
      throw await duplicateOf(core, key, error);
    }
  };
  const deleteAll = ({ actor }: By, of: store.Side) => {
    const asked = { actor, auditId: newAuditId(), of };
    return guardedWork(
      acts.deleteTuples,
      asked,
      of.id,
      {
        locks: [lockOrganizationsOf(of)],
        body: store.deleteTuplesOf(asked),
        onLostReply: store.recallDeletedTuples(asked.auditId),
        decode: ({ count }): DeletedTuples => ({ count }),
      },
      of.type,
    );
  };
  return {
    create: Object.assign(create, { plan }),

    delete: plannableChange(core, ({ actor, tupleId }) => {
      const asked = { actor, auditId: newAuditId(), writing: writing(), tupleId: uuidFor("tup", tupleId) };
      return guardedWork(acts.deleteTuple, asked, asked.tupleId, {
        locks: [lockOrganizationsOf(asked)],
        body: store.deleteTuple(asked),
        onLostReply: store.recallDeletion(asked.auditId),
        decode: () => undefined,
      });
    }),

    async get({ actor, tupleId }) {
      const asked = { actor, auditId: newAuditId(), writing: writing(), tupleId: uuidFor("tup", tupleId) };
      return await readOne(core, store.selectTuple(asked), toTuple);
    },

    async listBySubject({ actor, subjectType, subjectId, ...input }) {
      const page = pageOf("tup", input);
      const asked = { actor, auditId: newAuditId(), of: subjectSide({ subjectType, subjectId }), ...page };
      return await readPage(core, store.selectTuplesOfSubject(asked), page.limit, toTuple);
    },

    async listByObject({ actor, objectType, objectId, relation, ...input }) {
      const page = pageOf("tup", input);
      const of = objectSide({ objectType, objectId });
      const only = relation === undefined ? undefined : requireRelation(relation);
      const asked = { actor, auditId: newAuditId(), writing: writing(), of, relation: only, ...page };
      return await readPage(core, store.selectTuplesOfObject(asked), page.limit, toTuple);
    },

    deleteBySubject: plannableChange(core, (input) => deleteAll(input, subjectSide(input))),
    deleteByObject: plannableChange(core, (input) => deleteAll(input, objectSide(input))),
  };
}

/** The refusal of a duplicate, with the tuple that exists: unless it has been deleted meanwhile. */
async function duplicateOf(
  core: Core,
  key: Parameters<typeof store.selectTupleId>[0],
  cause: AuthError,
): Promise<AuthError> {
  const found = await execute(core, { body: store.selectTupleId(key), onLostReply: "repeat" });
  return found ? new AuthError(cause.code, { cause, details: { tup_id: wireId("tup", found.id) } }) : cause;
}

function lockOrganizationsOf(which: Parameters<typeof store.organizationsOfTuples>[0]): Lock {
  return { on: "organization", key: store.organizationsOfTuples(which) };
}

function subjectSide(input: Subject): store.Side {
  const { subjectType: type, subjectId: id } = subjectOf(input);
  return { side: "subject", type, id };
}

function objectSide(input: ObjectInput): store.Side {
  const { objectType: type, objectId: id } = objectOf(input);
  return { side: "object", type, id };
}

function toTuple(row: store.TupleRow): Tuple {
  return toValue(tuple, row);
}
