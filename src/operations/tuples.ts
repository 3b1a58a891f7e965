import { AuthError } from "../domain/error.ts";
import { type TupleId, wireId } from "../domain/id.ts";
import { requireOption } from "../domain/option-error.ts";
import { requireEntityId, requireEntityType, requireRelation } from "../domain/tuple.ts";
import type { Executor } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { checked } from "../engine/options.ts";
import type { Operation } from "../engine/plan.ts";
import type { RuleSet } from "../engine/rule-set.ts";
import type { RuleVerdict } from "../store/rule-check.ts";
import type { Statement } from "../store/sql.ts";
import { selectMatchingTuple, type TupleKey } from "../store/tuples.ts";

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
  /**
   * `allowed` is true if exactly this tuple is stored, or if the relation follows from others by a rule. On an organization that is
   * not active, it is false.
   *
   * @throws {AuthError} `evaluation_limit_exceeded` if the rules lead too far before there is an answer. It is never a no.
   */
  check: Operation<CheckInput, CheckResult>;
  /**
   * `allowed` is true if `check` is true for at least one of these relations.
   *
   * @throws {AuthError} `invalid_format.relations` for an empty list, `evaluation_limit_exceeded`.
   */
  checkAny: Operation<Omit<CheckInput, "relation"> & { relations: readonly string[] }, CheckResult>;
}

/** The options of the feature `authorization`. */
export interface AuthorizationOptions {
  /** By which rules relations follow from others: `rewriteRules({ … })`. Default: a check is for exactly one tuple. */
  rules?: RuleSet;
}

/** The operations that the feature `authorization` adds to `auth`. */
export interface AuthorizationAuth {
  readonly tuples: TupleOperations;
}

/** The operations on tuples. */
export function authorizationParts(core: Executor, { rules }: AuthorizationOptions): FeatureParts<AuthorizationAuth> {
  return {
    operations: { tuples: tupleOperations(core, rules) },
    check: () =>
      checked("rules", () => {
        requireOption(!rules || typeof rules.checkOptions === "function", rules, "made by rewriteRules(…)");
        rules?.checkOptions();
      }),
  };
}

function tupleOperations(core: Executor, rules: RuleSet | undefined): TupleOperations {
  const checkAny: TupleOperations["checkAny"] = async (question) => {
    const { subjectType, subjectId, relations, objectType, objectId } = question;
    if (relations.length === 0) throw new AuthError("invalid_format.relations");
    const asked: TupleKey = {
      subjectType: requireEntityType(subjectType, "subject"),
      subjectId: requireEntityId(subjectType, subjectId, "subject"),
      relations: relations.map(requireRelation),
      objectType: requireEntityType(objectType, "object"),
      objectId: requireEntityId(objectType, objectId, "object"),
    };
    // Where no rule applies, the plain statement costs a fifth.
    const body: Statement<Partial<RuleVerdict>> = rules?.answer(asked) ?? selectMatchingTuple(asked);
    return await execute(core, {
      body,
      onLostReply: "repeat",
      decode: (_row, [row]) => {
        if (row?.isLimited) throw new AuthError("evaluation_limit_exceeded");
        return row?.id
          ? { allowed: true as const, matchedTupleId: wireId("tup", row.id) }
          : { allowed: false, matchedTupleId: null };
      },
    });
  };
  return { check: ({ relation, ...question }) => checkAny({ ...question, relations: [relation] }), checkAny };
}
