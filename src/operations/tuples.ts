import { AuthError } from "../domain/error.ts";
import { type TupleId, wireId } from "../domain/id.ts";
import { requireEntityId, requireEntityType, requireRelation } from "../domain/tuple.ts";
import type { Executor } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import type { Operation } from "../engine/plan.ts";
import { selectMatchingTuple } from "../store/tuples.ts";

/** The relation to check: its subject and its object. Identifiers are bare UUIDs or in wire form, such as `usr_…`. */
export interface CheckInput {
  readonly subjectType: string;
  readonly subjectId: string;
  readonly relation: string;
  readonly objectType: string;
  readonly objectId: string;
}

/** The answer of a check, with the tuple that allowed it. */
export type CheckResult =
  | { readonly allowed: true; readonly matchedTupleId: TupleId }
  | { readonly allowed: false; readonly matchedTupleId: null };

/** Relational tuples: who holds which relation on which object (Flametrench `docs/authorization.md`). */
export interface TupleOperations {
  /** `allowed` is true if exactly this tuple is stored. On an organization that is not active, it is false. */
  check: Operation<CheckInput, CheckResult>;
  /**
   * `allowed` is true if at least one of these tuples is stored. On an organization that is not active, it is false.
   *
   * @throws {AuthError} `invalid_format.relations` for an empty list.
   */
  checkAny: Operation<Omit<CheckInput, "relation"> & { relations: readonly string[] }, CheckResult>;
}

/** The operations that the feature `authorization` adds to `auth`. */
export interface AuthorizationAuth {
  readonly tuples: TupleOperations;
}

/** The operations on tuples. */
export function authorizationParts(core: Executor): FeatureParts<AuthorizationAuth> {
  return { operations: { tuples: tupleOperations(core) } };
}

function tupleOperations(core: Executor): TupleOperations {
  const checkAny: TupleOperations["checkAny"] = async (question) => {
    const { subjectType, subjectId, relations, objectType, objectId } = question;
    if (relations.length === 0) throw new AuthError("invalid_format.relations");
    return await execute(core, {
      body: selectMatchingTuple({
        subjectType: requireEntityType(subjectType, "subject"),
        subjectId: requireEntityId(subjectType, subjectId, "subject"),
        relations: relations.map(requireRelation),
        objectType: requireEntityType(objectType, "object"),
        objectId: requireEntityId(objectType, objectId, "object"),
      }),
      onLostReply: "repeat",
      decode: (_row, [row]) =>
        row
          ? { allowed: true as const, matchedTupleId: wireId("tup", row.id) }
          : { allowed: false, matchedTupleId: null },
    });
  };
  return { check: ({ relation, ...question }) => checkAny({ ...question, relations: [relation] }), checkAny };
}
