/**
 * Rewrite rules: which relations follow from others (Flametrench `docs/authorization.md`, ADR 0007).
 *
 * @module
 */
import { below, fault, isPlainObject, members, only, relationAt, typeAt } from "./rule-option.ts";

/** One way to hold a relation on an object. */
export type RewriteNode =
  /** By a tuple of this very relation. It always counts, listed or not. */
  | { readonly type: "this" }
  /** By another relation on the same object. */
  | { readonly type: "computed_userset"; readonly relation: string }
  /**
   * By a relation on another object, which a tuple links: all who hold `computed_userset_relation` on the *subject* of a tuple
   * whose relation to this object is `tupleset_relation`. If the linked objects are of one type, name it in `subject_type`.
   * Tuples with other subjects then neither lead anywhere nor count towards `maxFanOut`.
   */
  | {
      readonly type: "tuple_to_userset";
      readonly tupleset_relation: string;
      readonly computed_userset_relation: string;
      readonly subject_type?: string;
    };

/** The relations that have rules, by the type of their object. Any one of a relation's nodes suffices. */
export type RewriteRules = Readonly<Record<string, Readonly<Record<string, readonly RewriteNode[]>>>>;

/** A node that leads to another relation. Without a tupleset (`""`), it stays on the object; `subjectType` may be `""` for any. */
export interface Hop {
  readonly relation: string;
  readonly tupleset: string;
  readonly subjectType: string;
}

/** The rule of one relation. Without hops, only its own tuples count. */
export interface Rule {
  readonly type: string;
  readonly relation: string;
  readonly hops: readonly Hop[];
}

/** Rules by object type, then by relation. Maps have no inherited keys, such as `constructor`. */
export type CompiledRules = ReadonlyMap<string, ReadonlyMap<string, Rule>>;

/** A rule has at most this many nodes. */
const mostNodes = 64;

/**
 * Reads rules. Besides {@link RewriteRules}, it takes the forms of the specification's chapters, for documents in JSON or YAML that
 * were parsed already: `{ union: […] }`, `{ rewrite: … }`, a single node, and nodes such as
 * `{ tuple_to_userset: { tupleset: { relation }, computed_userset: { relation } } }`. Any other member is a fault, because a rule
 * that is read in part would grant too much.
 *
 * @throws {OptionError} It names the place of the first fault, such as `rules.doc.viewer[1].relation`.
 */
export function compileRules(rules: unknown): CompiledRules {
  const types = members(rules, "rules").map(([type, relations]) => {
    const place = below("rules", type);
    const compiled = members(relations, place).map(([relation, rule]) => {
      const at = below(place, relation);
      return [relationAt(relation, at), { type: typeAt(type, place), relation, hops: hopsOf(rule, at) }] as const;
    });
    return [typeAt(type, place), new Map(compiled)] as const;
  });
  return new Map(types);
}

/** Relations from which a check may begin, on objects of one type or of any. */
export interface CheckRoot {
  readonly objectType?: string;
  readonly relations: readonly string[];
}

/** The rules of the relations from which a check may begin, and every rule that these may lead to. Empty if none has a rule. */
export function rulesFor(rules: CompiledRules, roots: readonly CheckRoot[]): readonly Rule[] {
  const found = new Set<Rule>();
  const anywhere = new Set<string>();
  const add = (type: string, relation: string): void => {
    const rule = rules.get(type)?.get(relation);
    if (rule) found.add(rule);
  };
  const addAnywhere = (relation: string): void => {
    if (anywhere.has(relation)) return;
    anywhere.add(relation);
    for (const type of rules.keys()) add(type, relation);
  };
  for (const { objectType, relations } of roots) {
    for (const relation of relations) objectType === undefined ? addAnywhere(relation) : add(objectType, relation);
  }
  // A set is walked in the order of insertion, so this loop reaches what it adds.
  for (const { type, hops } of found) {
    for (const { relation, tupleset, subjectType } of hops) {
      if (tupleset === "" || subjectType !== "") add(subjectType || type, relation);
      else addAnywhere(relation);
    }
  }
  return [...found];
}

/** True if a rule follows tuples of this relation to other objects. */
export function isTupleset(rules: CompiledRules, objectType: string, relation: string): boolean {
  const ofType = [...(rules.get(objectType)?.values() ?? [])];
  return ofType.some(({ hops }) => hops.some(({ tupleset }) => tupleset === relation));
}

function hopsOf(rule: unknown, place: string): readonly Hop[] {
  const nodes = nodesOf(rule, place);
  if (nodes.length > mostNodes) throw fault(rule, place, `at most ${mostNodes} nodes`);
  return nodes.flatMap(([node, at]) => hopOf(node, at));
}

/** The nodes of a rule with their places, in whichever form the rule is written. */
function nodesOf(rule: unknown, place: string): readonly (readonly [unknown, string])[] {
  if (Array.isArray(rule)) return Array.from(rule, (node, index) => [node, `${place}[${index}]`] as const);
  if (!isPlainObject(rule)) return [[rule, place]];
  if (Object.hasOwn(rule, "rewrite")) {
    const { rewrite } = only(rule, place, ["rewrite"]);
    // Once only, or a document could nest it without end.
    const isNested = isPlainObject(rewrite) && Object.hasOwn(rewrite, "rewrite");
    if (isNested) throw fault(rewrite, `${place}.rewrite`, "a union or a node");
    return nodesOf(rewrite, `${place}.rewrite`);
  }
  if (Object.hasOwn(rule, "union")) {
    const { union } = only(rule, place, ["union"]);
    if (!Array.isArray(union)) throw fault(union, `${place}.union`, "a list of nodes");
    return nodesOf(union, `${place}.union`);
  }
  return [[rule, place]];
}

/** The hop of a node: none for `this`, which always counts. */
function hopOf(node: unknown, place: string): readonly Hop[] {
  if (node === "this") return [];
  if (!isPlainObject(node)) throw fault(node, place, "a node");
  return Object.hasOwn(node, "type") ? flatHop(node, place) : chapterHop(node, place);
}

function flatHop(node: Record<string, unknown>, place: string): readonly Hop[] {
  const { type } = node;
  if (type === "this") {
    only(node, place, ["type"]);
    return [];
  }
  if (type === "computed_userset") {
    const { relation } = only(node, place, ["type", "relation"]);
    return [sameObject(relation, `${place}.relation`)];
  }
  if (type !== "tuple_to_userset") throw fault(type, `${place}.type`, kinds);
  const known = ["type", "tupleset_relation", "computed_userset_relation", "subject_type"];
  const { tupleset_relation: tupleset, computed_userset_relation: computed, subject_type } = only(node, place, known);
  return [
    {
      tupleset: relationAt(tupleset, `${place}.tupleset_relation`),
      relation: relationAt(computed, `${place}.computed_userset_relation`),
      subjectType: subjectTypeAt(subject_type, `${place}.subject_type`),
    },
  ];
}

/** A node of the specification's chapters: its type is its one key. */
function chapterHop(node: Record<string, unknown>, place: string): readonly Hop[] {
  const [type = ""] = Object.keys(node);
  const inner = only(node, place, [type])[type];
  const at = below(place, type);
  if (type === "this") {
    only(inner ?? {}, at, []);
    return [];
  }
  if (type === "computed_userset") return [sameObject(only(inner, at, ["relation"]).relation, `${at}.relation`)];
  if (type !== "tuple_to_userset") throw fault(undefined, `${place}.type`, kinds);
  const {
    tupleset,
    computed_userset: beside,
    subject_type,
  } = only(inner, at, ["tupleset", "computed_userset", "subject_type"]);
  // The chapters have it beside the tupleset, or in it.
  const inside = beside === undefined ? ["relation", "computed_userset"] : ["relation"];
  const { relation, computed_userset: nested } = only(tupleset, `${at}.tupleset`, inside);
  const where =
    beside === undefined && nested !== undefined ? `${at}.tupleset.computed_userset` : `${at}.computed_userset`;
  return [
    {
      tupleset: relationAt(relation, `${at}.tupleset.relation`),
      relation: relationAt(only(beside ?? nested, where, ["relation"]).relation, `${where}.relation`),
      subjectType: subjectTypeAt(subject_type, `${at}.subject_type`),
    },
  ];
}

const kinds = "this, computed_userset or tuple_to_userset";

function sameObject(relation: unknown, place: string): Hop {
  return { relation: relationAt(relation, place), tupleset: "", subjectType: "" };
}

function subjectTypeAt(type: unknown, place: string): string {
  return type === undefined ? "" : typeAt(type, place);
}
