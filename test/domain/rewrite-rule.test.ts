import { describe, expect, test } from "vitest";
import { OptionError } from "../../src/domain/option-error.ts";
import { compileRules, rulesFor } from "../../src/domain/rewrite-rule.ts";

const same = (relation: string) => ({ relation, tupleset: "", subjectType: "" });
const linked = (tupleset: string, relation: string, subjectType = "") => ({ relation, tupleset, subjectType });
const hopsOf = (rule: unknown) =>
  compileRules({ doc: { viewer: rule } })
    .get("doc")
    ?.get("viewer")?.hops;

const flatTuple = { type: "tuple_to_userset", tupleset_relation: "parent", computed_userset_relation: "viewer" };
const relation = (name: unknown) => ({ relation: name });

describe("forms of a rule", () => {
  test.each<{ case: string; rule: unknown; hops: unknown[] }>([
    { case: "no node", rule: [], hops: [] },
    { case: "this", rule: [{ type: "this" }], hops: [] },
    { case: "the same object", rule: [{ type: "computed_userset", relation: "editor" }], hops: [same("editor")] },
    { case: "another object", rule: [flatTuple], hops: [linked("parent", "viewer")] },
    {
      case: "another object of one type",
      rule: [{ ...flatTuple, subject_type: "fold" }],
      hops: [linked("parent", "viewer", "fold")],
    },
    {
      case: "a member without a value",
      rule: [{ ...flatTuple, subject_type: undefined }],
      hops: [linked("parent", "viewer")],
    },
    {
      case: "the chapter's union",
      rule: { union: ["this", { computed_userset: relation("editor") }] },
      hops: [same("editor")],
    },
    { case: "the chapter's this, without members", rule: { union: [{ this: null }, { this: {} }] }, hops: [] },
    { case: "a single node", rule: { computed_userset: relation("editor") }, hops: [same("editor")] },
    { case: "a single flat node", rule: { type: "computed_userset", relation: "editor" }, hops: [same("editor")] },
    { case: "a single this", rule: "this", hops: [] },
    {
      case: "below rewrite",
      rule: { rewrite: { union: [{ computed_userset: relation("editor") }] } },
      hops: [same("editor")],
    },
    {
      case: "below rewrite, a single node",
      rule: { rewrite: { computed_userset: relation("editor") } },
      hops: [same("editor")],
    },
    {
      case: "the chapter's hop, computed beside the tupleset",
      rule: { tuple_to_userset: { tupleset: relation("parent"), computed_userset: relation("viewer") } },
      hops: [linked("parent", "viewer")],
    },
    {
      case: "the chapter's hop, computed in the tupleset",
      rule: { tuple_to_userset: { tupleset: { relation: "parent", computed_userset: relation("viewer") } } },
      hops: [linked("parent", "viewer")],
    },
    {
      case: "the chapter's hop to one type",
      rule: {
        tuple_to_userset: { tupleset: relation("parent"), computed_userset: relation("viewer"), subject_type: "fold" },
      },
      hops: [linked("parent", "viewer", "fold")],
    },
    {
      case: "64 nodes",
      rule: Array.from({ length: 64 }, () => ({ type: "computed_userset", relation: "editor" })),
      hops: Array.from({ length: 64 }, () => same("editor")),
    },
  ])("$case", ({ rule, hops }) => {
    expect(hopsOf(rule)).toEqual(hops);
  });

  test("the nodes stay in their order", () => {
    const nodes = ["owner", "editor", "admin"].map((name) => ({ type: "computed_userset", relation: name }));
    expect(hopsOf(nodes)).toEqual([same("owner"), same("editor"), same("admin")]);
  });

  test("names that objects inherit are names like any other", () => {
    const rules = compileRules(
      JSON.parse('{"doc":{"__proto__":[{"type":"computed_userset","relation":"constructor"}]}}'),
    );
    expect(rulesFor(rules, [{ objectType: "doc", relations: ["__proto__"] }]).map(({ hops }) => hops)).toEqual([
      [same("constructor")],
    ]);
    for (const name of ["constructor", "has_own_property", "to_string"])
      expect(rulesFor(rules, [{ objectType: "doc", relations: [name] }])).toEqual([]);
    expect(rulesFor(compileRules({}), [{ objectType: "constructor", relations: ["name"] }])).toEqual([]);
  });
});

describe("faults", () => {
  class Custom {
    doc = {};
  }
  test.each<{ case: string; rules: unknown; place: string; says: string }>([
    { case: "no rules", rules: undefined, place: "rules", says: "it is missing, and must be an object" },
    { case: "a text", rules: "doc", place: "rules", says: 'it is "doc"' },
    { case: "a list", rules: [], place: "rules", says: "it is a list" },
    { case: "a map", rules: new Map([["doc", {}]]), place: "rules", says: "an object" },
    { case: "an instance", rules: new Custom(), place: "rules", says: "an object" },
    {
      case: "a long type",
      rules: { project: {} },
      place: "rules.project",
      says: '"project", and must be a type: 2 to 6 of a-z',
    },
    { case: "a type in capitals", rules: { Doc: {} }, place: "rules.Doc", says: "a type" },
    {
      case: "SQL as a type",
      rules: { "doc' or true --": {} },
      place: "rules.(a name of 15 characters)",
      says: "a type",
    },
    {
      case: "a type that has a line break",
      rules: { "doc\n": {} },
      place: "rules.(a name of 4 characters)",
      says: "a type",
    },
    {
      case: "a type without relations",
      rules: { doc: null },
      place: "rules.doc",
      says: "it is missing, and must be an object",
    },
    {
      case: "a literal's __proto__",
      rules: { doc: { __proto__: { viewer: [] } } },
      place: "rules.doc",
      says: "an object",
    },
    {
      case: "a relation in capitals",
      rules: { doc: { Viewer: [] } },
      place: "rules.doc.Viewer",
      says: "a relation: 2 to 32 of a-z and _",
    },
    { case: "a short relation", rules: { doc: { v: [] } }, place: "rules.doc.v", says: "a relation" },
    {
      case: "a long relation",
      rules: { doc: { ["v".repeat(33)]: [] } },
      place: "rules.doc.(a name of 33 characters)",
      says: "a text of 33 characters",
    },
    {
      case: "a number as a rule",
      rules: { doc: { viewer: 5 } },
      place: "rules.doc.viewer",
      says: "it is 5, and must be a node",
    },
    { case: "null as a node", rules: { doc: { viewer: [null] } }, place: "rules.doc.viewer[0]", says: "it is missing" },
    { case: "a hole", rules: { doc: { viewer: new Array(1) } }, place: "rules.doc.viewer[0]", says: "it is missing" },
    { case: "a list in a list", rules: { doc: { viewer: [[]] } }, place: "rules.doc.viewer[0]", says: "it is a list" },
    { case: "a text as a node", rules: { doc: { viewer: ["that"] } }, place: "rules.doc.viewer[0]", says: "a node" },
    {
      case: "a node without a type",
      rules: { doc: { viewer: [{}] } },
      place: "rules.doc.viewer[0].type",
      says: "this, computed_userset or",
    },
    {
      case: "an unknown type of node",
      rules: { doc: { viewer: [{ type: "this" }, { type: "intersection" }] } },
      place: "rules.doc.viewer[1].type",
      says: "this, computed_userset or tuple_to_userset",
    },
    {
      case: "a type of node that objects inherit",
      rules: { doc: { viewer: [{ type: "constructor" }] } },
      place: "rules.doc.viewer[0].type",
      says: "this, computed_userset or",
    },
    {
      case: "a node of no chapter",
      rules: { doc: { viewer: [{ exclusion: {} }] } },
      place: "rules.doc.viewer[0].type",
      says: "this, computed_userset or",
    },
    {
      case: "two nodes in one",
      rules: { doc: { viewer: [{ this: {}, computed_userset: relation("editor") }] } },
      place: "rules.doc.viewer[0].computed_userset",
      says: "not known here",
    },
    {
      case: "a member of this",
      rules: { doc: { viewer: [{ type: "this", relation: "editor" }] } },
      place: "rules.doc.viewer[0].relation",
      says: "not known here",
    },
    {
      case: "a member of the chapter's this",
      rules: { doc: { viewer: { this: { relation: "x" } } } },
      place: "rules.doc.viewer.this.relation",
      says: "not known here",
    },
    {
      case: "no relation",
      rules: { doc: { viewer: [{ type: "computed_userset" }] } },
      place: "rules.doc.viewer[0].relation",
      says: "it is missing, and must be a relation",
    },
    {
      case: "a relation with SQL",
      rules: { doc: { viewer: [{ type: "computed_userset", relation: "x'); drop table tup; --" }] } },
      place: "rules.doc.viewer[0].relation",
      says: "a text of 23 characters",
    },
    {
      case: "a relation of another kind of node",
      rules: { doc: { viewer: [{ ...flatTuple, relation: "editor" }] } },
      place: "rules.doc.viewer[0].relation",
      says: "not known here",
    },
    {
      case: "no tupleset",
      rules: { doc: { viewer: [{ ...flatTuple, tupleset_relation: undefined }] } },
      place: "rules.doc.viewer[0].tupleset_relation",
      says: "it is missing",
    },
    {
      case: "no computed relation",
      rules: { doc: { viewer: [{ ...flatTuple, computed_userset_relation: "" }] } },
      place: "rules.doc.viewer[0].computed_userset_relation",
      says: 'it is ""',
    },
    {
      case: "no type of the subject",
      rules: { doc: { viewer: [{ ...flatTuple, subject_type: "" }] } },
      place: "rules.doc.viewer[0].subject_type",
      says: "a type",
    },
    {
      case: "a union that is no list",
      rules: { doc: { viewer: { union: {} } } },
      place: "rules.doc.viewer.union",
      says: "a list of nodes",
    },
    {
      case: "an intersection beside the union",
      rules: { doc: { viewer: { union: [], intersection: [] } } },
      place: "rules.doc.viewer.intersection",
      says: "not known here",
    },
    {
      case: "an exclusion beside the rewrite",
      rules: { doc: { viewer: { rewrite: { union: [] }, exclusion: {} } } },
      place: "rules.doc.viewer.exclusion",
      says: "not known here",
    },
    {
      case: "a union in a union",
      rules: { doc: { viewer: { union: [{ union: [] }] } } },
      place: "rules.doc.viewer.union[0].type",
      says: "this, computed_userset or",
    },
    {
      case: "rewrite below rewrite",
      rules: { doc: { viewer: { rewrite: { rewrite: [] } } } },
      place: "rules.doc.viewer.rewrite",
      says: "a union or a node",
    },
    {
      case: "a member beside the chapter's tupleset",
      rules: {
        doc: {
          viewer: {
            tuple_to_userset: { tupleset: relation("parent"), computed_userset: relation("viewer"), depth: 1 },
          },
        },
      },
      place: "rules.doc.viewer.tuple_to_userset.depth",
      says: "not known here",
    },
    {
      case: "computed both beside the tupleset and in it",
      rules: {
        doc: {
          viewer: {
            tuple_to_userset: {
              tupleset: { relation: "parent", computed_userset: relation("viewer") },
              computed_userset: relation("viewer"),
            },
          },
        },
      },
      place: "rules.doc.viewer.tuple_to_userset.tupleset.computed_userset",
      says: "not known here",
    },
    {
      case: "no computed relation in the chapter's hop",
      rules: { doc: { viewer: { union: ["this", { tuple_to_userset: { tupleset: relation("parent") } }] } } },
      place: "rules.doc.viewer.union[1].tuple_to_userset.computed_userset",
      says: "it is missing",
    },
    {
      case: "a member of the computed relation",
      rules: {
        doc: {
          viewer: {
            tuple_to_userset: { tupleset: relation("parent"), computed_userset: { relation: "viewer", type: "fold" } },
          },
        },
      },
      place: "rules.doc.viewer.tuple_to_userset.computed_userset.type",
      says: "not known here",
    },
    {
      case: "65 nodes",
      rules: { doc: { viewer: Array.from({ length: 65 }, () => ({ type: "this" })) } },
      place: "rules.doc.viewer",
      says: "at most 64 nodes",
    },
    {
      case: "the second type",
      rules: { doc: { viewer: [] }, fold: { viewer: [{ type: "this" }, { type: "computed_userset", relation: "A" }] } },
      place: "rules.fold.viewer[1].relation",
      says: 'it is "A"',
    },
  ])("$case: $place", ({ rules, place, says }) => {
    let thrown: unknown;
    try {
      compileRules(rules);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(OptionError);
    expect((thrown as OptionError).option).toBe(place);
    expect((thrown as OptionError).message).toContain(says);
  });
});

describe("the rules that a question can meet", () => {
  const rules = compileRules({
    doc: {
      viewer: [
        { type: "computed_userset", relation: "editor" },
        { ...flatTuple, subject_type: "fold" },
      ],
      editor: [],
      other: [{ type: "computed_userset", relation: "viewer" }],
    },
    fold: { viewer: [flatTuple], editor: [] },
    org: { viewer: [], admin: [] },
  });
  const met = (type: string, ...relations: string[]) =>
    rulesFor(rules, [{ objectType: type, relations }])
      .map((rule) => `${rule.type}.${rule.relation}`)
      .sort();

  test.each<{ asked: [string, ...string[]]; rules: string[] }>([
    { asked: ["doc", "owner"], rules: [] },
    { asked: ["usr", "viewer"], rules: [] },
    { asked: ["doc", "editor"], rules: ["doc.editor"] },
    // A hop to any type leads to each type that has the relation, also back.
    { asked: ["doc", "viewer"], rules: ["doc.editor", "doc.viewer", "fold.viewer", "org.viewer"] },
    { asked: ["doc", "owner", "other"], rules: ["doc.editor", "doc.other", "doc.viewer", "fold.viewer", "org.viewer"] },
    { asked: ["org", "viewer", "admin", "viewer"], rules: ["org.admin", "org.viewer"] },
  ])("$asked", ({ asked, rules: expected }) => {
    expect(met(...asked)).toEqual(expected);
  });
});
