import { AuthError } from "../domain/error.ts";
import { type TupleId, wireId } from "../domain/id.ts";
import { requireOption } from "../domain/option-error.ts";
import { requireEntityId, requireEntityType, requireRelation } from "../domain/tuple.ts";
import type { Core } from "../engine/core.ts";
import { answerOf, execute, executeAll, type Work, work } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { checked } from "../engine/options.ts";
import type { Operation } from "../engine/plan.ts";
import type { RuleSet } from "../engine/rule-set.ts";
import type { PresentedToken, VerifiedSession } from "../engine/sessions.ts";
import type { RuleVerdict } from "../store/rule-check.ts";
import { callerOf } from "../store/sessions.ts";
import { type Statement, sql } from "../store/sql.ts";
import { selectMatchingTuple, type TupleKey } from "../store/tuples.ts";
import { hashOf, verificationOf } from "./verify-session.ts";

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

/** The relation that the user of a session must hold. */
export type SessionCheckInput = PresentedToken & Pick<CheckInput, "relation" | "objectType" | "objectId">;

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
  /**
   * Verifies a session, and checks a relation of its user as `check` does, in one request.
   *
   * @throws {AuthError} `unauthorized.invalid_token`, `unauthorized.session_expired`, `unauthorized.mfa_required`,
   *   `evaluation_limit_exceeded`.
   */
  checkSession: Operation<SessionCheckInput, VerifiedSession & { check: CheckResult }>;
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
export function authorizationParts(core: Core, { rules }: AuthorizationOptions): FeatureParts<AuthorizationAuth> {
  return {
    operations: { tuples: tupleOperations(core, rules) },
    check: () =>
      checked("rules", () => {
        requireOption(!rules || typeof rules.checkOptions === "function", rules, "made by rewriteRules(…)");
        rules?.checkOptions();
      }),
  };
}

function tupleOperations(core: Core, rules: RuleSet | undefined): TupleOperations {
  const checkAny: TupleOperations["checkAny"] = async ({ subjectType, subjectId, relations, ...object }) => {
    const subject = {
      subjectType: requireEntityType(subjectType, "subject"),
      subjectId: requireEntityId(subjectType, subjectId, "subject"),
    };
    return await execute(core, checkOf({ ...subject, ...askedOf(relations, object) }, rules));
  };
  return {
    check: ({ relation, ...question }) => checkAny({ ...question, relations: [relation] }),
    checkAny,
    async checkSession({ relation, objectType, objectId, ...presented }) {
      const asked = askedOf([relation], { objectType, objectId });
      const tokenHash = await hashOf(presented);
      const session = work(verificationOf(core, presented, tokenHash));
      const subjectId = sql`(select caller.usr_id from (${callerOf(tokenHash)}) caller)`;
      const check = checkOf({ subjectType: "usr", subjectId, ...asked }, rules);
      const [sessionRows, tupleRows] = await executeAll(core, [session, check]);
      const verified = await answerOf(session, sessionRows!);
      return { ...verified, check: await answerOf(check, tupleRows!) };
    },
  };
}

/**
 * The relations and the object of a question, with the object's UUID.
 *
 * @throws {AuthError} `invalid_format.relations`, `invalid_format.relation`, `invalid_format.object_type` or
 *   `invalid_format.object_id`.
 */
function askedOf(relations: readonly string[], { objectType, objectId }: Pick<CheckInput, "objectType" | "objectId">) {
  if (relations.length === 0) throw new AuthError("invalid_format.relations");
  return {
    relations: relations.map(requireRelation),
    objectType: requireEntityType(objectType, "object"),
    objectId: requireEntityId(objectType, objectId, "object"),
  };
}

function checkOf(asked: TupleKey, rules: RuleSet | undefined): Work<CheckResult> {
  // Where no rule applies, the plain statement costs a fifth.
  const body: Statement<Partial<RuleVerdict>> = rules?.answer(asked) ?? selectMatchingTuple(asked);
  return work({
    body,
    onLostReply: "repeat",
    decode: (_row, [row]: readonly Partial<RuleVerdict>[]): CheckResult => {
      if (row?.isLimited) throw new AuthError("evaluation_limit_exceeded");
      return row?.id
        ? { allowed: true, matchedTupleId: wireId("tup", row.id) }
        : { allowed: false, matchedTupleId: null };
    },
  });
}
