/** Rules, tuples, a question, and the answer in each mode. @module */
import { chain, type Edge, type Name } from "../../support/rule-graphs.ts";

export const same = (relation: string) => ({ type: "computed_userset", relation });
export const linked = (tupleset_relation: string, computed_userset_relation: string, subject_type?: string) => ({
  type: "tuple_to_userset",
  tupleset_relation,
  computed_userset_relation,
  ...(subject_type && { subject_type }),
});
export const limit = "evaluation_limit_exceeded";

/** Documents in folders of an organization: an editor is a viewer, and rights come from the folder. */
export const documents = {
  doc: {
    viewer: [{ type: "this" }, same("editor"), linked("parent", "viewer", "fold")],
    editor: [same("owner"), linked("parent", "editor", "fold")],
  },
  fold: {
    viewer: [same("editor"), linked("parent", "viewer"), linked("org", "member", "org")],
    editor: [linked("parent", "editor"), linked("org", "admin", "org")],
  },
  org: { member: [same("admin")], admin: [same("owner")] },
};

export interface Case {
  readonly case: string;
  readonly rules?: object;
  readonly edges: readonly Edge[];
  readonly ask: readonly [Name, string | readonly string[], Name];
  /** The tuple that allows, false, or the code; a pair if the default and the specification's order differ. */
  readonly answer: string | false | readonly [string | false, string | false];
  readonly options?: object;
}

export const onNode = { node: { viewer: [linked("parent", "viewer")] } };
const viewNode = ["usr:ada", "viewer", "node:0"] as const;

export const cases: readonly Case[] = [
  {
    case: "its own tuple, although the relation has a rule",
    edges: [["usr:ada", "viewer", "doc:a"]],
    ask: ["usr:ada", "viewer", "doc:a"],
    answer: "usr:ada viewer doc:a",
  },
  {
    case: "another relation on the same object, twice",
    edges: [["usr:ada", "owner", "doc:a"]],
    ask: ["usr:ada", "viewer", "doc:a"],
    answer: "usr:ada owner doc:a",
  },
  {
    case: "never the other way",
    edges: [["usr:ada", "viewer", "doc:a"]],
    ask: ["usr:ada", "editor", "doc:a"],
    answer: false,
  },
  {
    case: "through folders and an organization: the tuple that allowed",
    edges: [
      ["fold:1", "parent", "doc:a"],
      ["fold:2", "parent", "fold:1"],
      ["org:acme", "org", "fold:2"],
      ["usr:ada", "admin", "org:acme"],
    ],
    ask: ["usr:ada", "viewer", "doc:a"],
    answer: "usr:ada admin org:acme",
  },
  {
    case: "another user of the same organization",
    edges: [
      ["fold:1", "parent", "doc:a"],
      ["org:acme", "org", "fold:1"],
      ["usr:eve", "guest", "org:acme"],
      ["usr:ada", "admin", "org:other"],
    ],
    ask: ["usr:ada", "viewer", "doc:a"],
    answer: false,
  },
  {
    case: "a link of a type that the rule does not name",
    edges: [
      ["grp:1", "parent", "doc:a"],
      ["usr:ada", "viewer", "grp:1"],
    ],
    ask: ["usr:ada", "viewer", "doc:a"],
    answer: false,
  },
  {
    case: "the same link, if the rule names no type",
    rules: { doc: { viewer: [linked("parent", "viewer")] } },
    edges: [
      ["grp:1", "parent", "doc:a"],
      ["usr:ada", "viewer", "grp:1"],
    ],
    ask: ["usr:ada", "viewer", "doc:a"],
    answer: "usr:ada viewer grp:1",
  },
  {
    case: "a link in the wrong direction",
    edges: [
      ["doc:a", "parent", "fold:1"],
      ["usr:ada", "viewer", "fold:1"],
    ],
    ask: ["usr:ada", "viewer", "doc:a"],
    answer: false,
  },
  {
    case: "the relation of the link itself allows nothing",
    edges: [["usr:ada", "parent", "doc:a"]],
    ask: ["usr:ada", "viewer", "doc:a"],
    answer: false,
  },
  {
    case: "an object as the subject",
    rules: { doc: { viewer: [linked("parent", "reader")] } },
    edges: [
      ["fold:1", "parent", "doc:a"],
      ["org:acme", "reader", "fold:1"],
    ],
    ask: ["org:acme", "viewer", "doc:a"],
    answer: "org:acme reader fold:1",
  },
  {
    case: "relations that imply each other",
    rules: { doc: { viewer: [same("editor")], editor: [same("viewer"), same("owner")] } },
    edges: [["usr:ada", "owner", "doc:a"]],
    ask: ["usr:ada", "viewer", "doc:a"],
    answer: "usr:ada owner doc:a",
  },
  {
    case: "a relation that implies itself",
    rules: { doc: { viewer: [same("viewer"), linked("viewer", "viewer")] } },
    edges: [["doc:a", "viewer", "doc:a"]],
    ask: ["usr:ada", "viewer", "doc:a"],
    answer: false,
  },
  {
    case: "a ring of folders: no, and no error",
    edges: [
      ["fold:1", "parent", "doc:a"],
      ["fold:2", "parent", "fold:1"],
      ["fold:1", "parent", "fold:2"],
    ],
    ask: ["usr:ada", "viewer", "doc:a"],
    answer: false,
  },
  {
    case: "a ring of folders with a way out of it",
    edges: [
      ["fold:1", "parent", "doc:a"],
      ["fold:2", "parent", "fold:1"],
      ["fold:1", "parent", "fold:2"],
      ["usr:ada", "viewer", "fold:2"],
    ],
    ask: ["usr:ada", "viewer", "doc:a"],
    answer: "usr:ada viewer fold:2",
  },
  ...["constructor", "__proto__", "has_own_property", "__"].map(
    (name): Case => ({
      case: `a relation named ${name}, with a rule`,
      rules: JSON.parse(`{"doc":{"${name}":[{"type":"computed_userset","relation":"to_string"}]}}`),
      edges: [["usr:ada", "to_string", "doc:a"]],
      ask: ["usr:ada", name, "doc:a"],
      answer: "usr:ada to_string doc:a",
    }),
  ),
  ...["constructor", "__proto__", "to_string"].map(
    (name): Case => ({
      case: `a relation named ${name}, without a rule`,
      edges: [["usr:ada", "viewer", "doc:a"]],
      ask: ["usr:ada", name, "doc:a"],
      answer: false,
    }),
  ),
  {
    case: "checkAny: the first relation that allows, in the specification's order",
    edges: [
      ["usr:ada", "owner", "doc:a"],
      ["usr:ada", "commenter", "doc:a"],
    ],
    ask: ["usr:ada", ["guest", "editor", "commenter"], "doc:a"],
    // The shortest way, or the first relation.
    answer: ["usr:ada commenter doc:a", "usr:ada owner doc:a"],
  },
  {
    case: "checkAny: none",
    edges: [["usr:ada", "viewer", "doc:a"]],
    ask: ["usr:ada", ["editor", "owner"], "doc:a"],
    answer: false,
  },
  {
    case: "a chain of 8 hops: the last one counts",
    rules: onNode,
    edges: chain(8, ["usr:ada", "viewer", "node:8"]),
    ask: viewNode,
    answer: "usr:ada viewer node:8",
  },
  {
    case: "a chain of 9 hops: an error",
    rules: onNode,
    edges: chain(9, ["usr:ada", "viewer", "node:9"]),
    ask: viewNode,
    answer: limit,
  },
  {
    case: "a chain of 12 hops: an error",
    rules: onNode,
    edges: chain(12, ["usr:ada", "viewer", "node:12"]),
    ask: viewNode,
    answer: limit,
  },
  {
    case: "a chain of 12 hops, to a depth of 12",
    rules: onNode,
    edges: chain(12, ["usr:ada", "viewer", "node:12"]),
    ask: viewNode,
    answer: "usr:ada viewer node:12",
    options: { maxDepth: 12 },
  },
  {
    case: "a chain of 8 hops, and another relation at its end that has no rule",
    rules: { node: { viewer: [linked("parent", "viewer")] } },
    edges: [...chain(7, ["usr:eve", "viewer", "node:7"]), ["grp:1", "parent", "node:7"]],
    ask: viewNode,
    answer: false,
  },
  {
    case: "a ring as long as the depth: a shorter way to the same frame has been followed",
    rules: { node: { viewer: [linked("parent", "viewer"), same("editor")], editor: [same("viewer")] } },
    edges: [
      ["node:1", "parent", "node:0"],
      ["node:0", "parent", "node:1"],
    ],
    ask: viewNode,
    answer: [false, false],
    options: { maxDepth: 4 },
  },
  {
    case: "a rule without hops where the depth ends: an error in the specification's order only",
    rules: { doc: { viewer: [same("editor")], editor: [{ type: "this" }] } },
    edges: [],
    ask: ["usr:ada", "viewer", "doc:a"],
    answer: [false, limit],
    options: { maxDepth: 1 },
  },
  {
    case: "a limit before a way that allows",
    rules: { node: { viewer: [linked("parent", "viewer"), same("editor")] } },
    edges: [...chain(12, ["usr:eve", "viewer", "node:12"]), ["usr:ada", "editor", "node:0"]],
    ask: viewNode,
    answer: ["usr:ada editor node:0", limit],
  },
  {
    case: "a limit behind a way that allows",
    rules: { node: { viewer: [same("editor"), linked("parent", "viewer")] } },
    edges: [...chain(12, ["usr:eve", "viewer", "node:12"]), ["usr:ada", "editor", "node:0"]],
    ask: viewNode,
    answer: "usr:ada editor node:0",
  },
  {
    case: "checkAny: a limit in the first relation",
    rules: { node: { viewer: [linked("parent", "viewer")] } },
    edges: [...chain(12, ["usr:eve", "viewer", "node:12"]), ["usr:ada", "editor", "node:0"]],
    ask: ["usr:ada", ["viewer", "editor"], "node:0"],
    answer: ["usr:ada editor node:0", limit],
  },
  ...[3, 4].map(
    (width): Case => ({
      case: `${width} objects behind a hop that may lead to 3`,
      rules: onNode,
      edges: [
        ...Array.from({ length: width }, (_, at): Edge => [`grp:${at}`, "parent", "node:0"]),
        ["usr:ada", "viewer", "grp:1"],
      ],
      ask: viewNode,
      answer: width === 3 ? "usr:ada viewer grp:1" : limit,
      options: { maxFanOut: 3 },
    }),
  ),
  {
    case: "many objects behind a hop, and none of its type: they do not count",
    rules: { node: { viewer: [linked("parent", "viewer", "fold")] } },
    edges: [
      ...Array.from({ length: 20 }, (_, at): Edge => [`grp:${at}`, "parent", "node:0"]),
      ["fold:1", "parent", "node:0"],
      ["usr:ada", "viewer", "fold:1"],
    ],
    ask: viewNode,
    answer: "usr:ada viewer fold:1",
    options: { maxFanOut: 3 },
  },
  {
    case: "too many objects behind one hop, and a way through another",
    rules: { node: { viewer: [linked("parent", "viewer"), same("editor")] } },
    edges: [
      ...Array.from({ length: 4 }, (_, at): Edge => [`grp:${at}`, "parent", "node:0"]),
      ["usr:ada", "editor", "node:0"],
    ],
    ask: viewNode,
    answer: ["usr:ada editor node:0", limit],
    options: { maxFanOut: 3 },
  },
];
