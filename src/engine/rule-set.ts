import { requireOption } from "../domain/option-error.ts";
import { type CheckRoot, compileRules, isTupleset, type RewriteRules, rulesFor } from "../domain/rewrite-rule.ts";
import { anyWay, firstInOrder, type RuleSettings } from "../store/rule-check.ts";
import type { Statement } from "../store/sql.ts";
import type { AskedRelation, TupleAnswer } from "../store/tuple-answers.ts";
import { attempt } from "./lazy.ts";

/** The bounds of {@link rewriteRules}. If one of them ends a check before there is an answer, that is an error and never a no. */
export interface RuleOptions {
  /** How many hops in a row a check follows, 1 to 32. Default 8. */
  readonly maxDepth?: number;
  /** How many objects one hop may lead to, 1 to 100,000. Default 1,024. */
  readonly maxFanOut?: number;
  /** How many relations of objects one check may look at, and how many tuples in one step, 1 to 1,000,000. Default 10,000. */
  readonly maxWork?: number;
  /**
   * Follow the specification's order, depth first: a limit that it meets before the first way that allows is an error, as in the
   * reference SDKs. `maxWork` then counts an object once for each way to it. Default false: any way within the limits allows.
   */
  readonly exactOrder?: boolean;
}

/** Rules for the option `rules` of `authorization`. Made by {@link rewriteRules}. */
export interface RuleSet {
  /** @throws {OptionError} If a rule or a bound cannot be used. The error names its place. */
  readonly checkOptions: () => void;
  /** The statement that answers a question. Undefined if none of the relations, from which it may begin, has a rule. */
  readonly answer: (asked: AskedRelation, roots: readonly CheckRoot[]) => Statement<TupleAnswer> | undefined;
  /** Whether a rule follows tuples of this relation, from objects of this type to their subjects. */
  readonly isFollowed: (objectType: string, relation: string) => boolean;
}

/**
 * Rules by which relations follow from others: “an editor of a document is a viewer of it”, “an editor of the folder is an editor of
 * the document” (Flametrench `docs/authorization.md`, ADR 0007). A check takes one round trip, with rules or without.
 *
 * Rules stand under the type of the object, then under the relation. Any one of a relation's nodes suffices. A document in JSON or
 * YAML, once parsed, may also have the forms of the specification's chapters. Later changes of `rules` have no effect.
 *
 * @throws {ConfigurationError} With the place of the fault, at the first use of `auth`, if a rule or a bound cannot be used.
 * @example
 * ```ts
 * import { authorization, rewriteRules } from "sallyport";
 *
 * export const rules = rewriteRules({
 *   doc: {
 *     viewer: [{ type: "computed_userset", relation: "editor" }],
 *     editor: [
 *       {
 *         type: "tuple_to_userset",
 *         tupleset_relation: "parent",
 *         computed_userset_relation: "editor",
 *         subject_type: "folder",
 *       },
 *     ],
 *   },
 * });
 *
 * export const feature = authorization({ rules });
 * ```
 */
export function rewriteRules(rules: RewriteRules, options: RuleOptions = {}): RuleSet {
  const read = attempt(() => ({ rules: compileRules(rules), ...boundsOf(options) }));
  return {
    checkOptions: () => void read(),
    answer(asked, roots) {
      const { rules: all, exactOrder, ...bounds } = read();
      const settings: RuleSettings = { ...bounds, rules: rulesFor(all, roots) };
      if (settings.rules.length === 0) return undefined;
      return (exactOrder ? firstInOrder : anyWay)(asked, settings);
    },
    isFollowed: (objectType, relation) => isTupleset(read().rules, objectType, relation),
  };
}

function boundsOf({ maxDepth = 8, maxFanOut = 1_024, maxWork = 10_000, exactOrder = false }: RuleOptions) {
  for (const [name, value, most] of [
    ["maxDepth", maxDepth, 32],
    ["maxFanOut", maxFanOut, 100_000],
    ["maxWork", maxWork, 1_000_000],
  ] as const) {
    const isWithin = Number.isInteger(value) && value >= 1 && value <= most;
    requireOption(isWithin, value, `a whole number from 1 to ${most}`, `rules.${name}`);
  }
  requireOption(typeof exactOrder === "boolean", exactOrder, "true or false", "rules.exactOrder");
  return { maxDepth, maxFanOut, maxWork, exactOrder };
}
