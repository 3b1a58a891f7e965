import { expect, test } from "vitest";
import { describeWorld } from "../support/describe-world.ts";
import { type Edge, storeGraph } from "../support/rule-graphs.ts";
import { limit, linked, same } from "./rules/rule-cases.ts";

/** Names of relations: `raa`, `rab` and so on. */
const names = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `r${String.fromCharCode(97 + Math.floor(at / 26), 97 + (at % 26))}`);

const every = <Item>(count: number, make: (at: number) => Item): Item[] =>
  Array.from({ length: count }, (_, at) => make(at));

/** Each object of a layer is linked to each of the next one. */
const layers = (depth: number, width: number): Edge[] =>
  every(depth, (layer) =>
    every(width, (from) =>
      every(layer === 0 ? 1 : width, (to): Edge => [`nd:${layer + 1}x${from}`, "link", `nd:${layer}x${to}`]),
    ),
  ).flat(2);

const oneRelation = { nd: { viewer: [linked("link", "viewer")] } };

/** Sixty-four relations, each of which follows from each. */
const complete = Object.fromEntries(names(64).map((name) => [name, names(64).map(same)]));

interface Attack {
  readonly case: string;
  readonly rules: object;
  readonly edges?: readonly Edge[];
  readonly ask: Edge;
  readonly options?: object;
  /** In the default mode, and in the specification's order. */
  readonly answers: readonly [string | false, string | false];
}

const attacks: readonly Attack[] = [
  {
    case: "64 relations that all imply each other: no, or too many ways",
    rules: { doc: complete },
    ask: ["usr:eve", "raa", "doc:a"],
    answers: [false, limit],
  },
  {
    case: "the same, and a way through all of them",
    rules: { doc: { ...complete, rcl: [...names(63).map(same), same("owner")] } },
    edges: [["usr:ada", "owner", "doc:a"]],
    ask: ["usr:ada", "raa", "doc:a"],
    answers: ["usr:ada owner doc:a", limit],
  },
  {
    case: "200 relations with 64 nodes each: more work in one step than allowed",
    rules: {
      doc: Object.fromEntries(
        names(200).map((name, at) => [name, every(64, (by) => same(names(200)[(at * 3 + by) % 200]!))]),
      ),
    },
    ask: ["usr:eve", "raa", "doc:a"],
    answers: [limit, limit],
  },
  {
    case: "64 nodes that all say the same",
    rules: { doc: { viewer: every(64, () => same("editor")), editor: every(64, () => same("owner")) } },
    edges: [["usr:ada", "owner", "doc:a"]],
    ask: ["usr:ada", "viewer", "doc:a"],
    answers: ["usr:ada owner doc:a", "usr:ada owner doc:a"],
  },
  {
    case: "layers of 40 objects, each linked to all of the next layer: 40 frames in a step, or 40⁸ ways",
    rules: oneRelation,
    edges: layers(6, 40),
    ask: ["usr:eve", "viewer", "nd:0x0"],
    answers: [false, limit],
  },
  {
    case: "layers of 110 objects: more tuples in one step than allowed",
    rules: oneRelation,
    edges: layers(3, 110),
    ask: ["usr:eve", "viewer", "nd:0x0"],
    answers: [limit, limit],
  },
  {
    case: "objects with too many links each: read once, and not again",
    rules: oneRelation,
    edges: [
      ...every(100, (at): Edge => [`nd:${at}`, "link", "nd:0x0"]),
      ...every(100, (at) => every(102, (to): Edge => [`nd:x${to}`, "link", `nd:${at}`])).flat(),
    ],
    ask: ["usr:eve", "viewer", "nd:0x0"],
    options: { maxFanOut: 100 },
    answers: [limit, limit],
  },
  {
    case: "a chain with more frames than allowed",
    rules: oneRelation,
    edges: every(6, (at): Edge => [`nd:${at + 1}`, "link", `nd:${at}`]),
    ask: ["usr:eve", "viewer", "nd:0"],
    options: { maxWork: 5 },
    answers: [limit, limit],
  },
  {
    case: "a chain with as many frames as allowed",
    rules: oneRelation,
    edges: every(6, (at): Edge => [`nd:${at + 1}`, "link", `nd:${at}`]),
    ask: ["usr:eve", "viewer", "nd:0"],
    options: { maxWork: 7 },
    answers: [false, false],
  },
  {
    case: "an object that is linked to itself and to all others",
    rules: { nd: { viewer: [linked("link", "viewer"), linked("viewer", "viewer"), same("viewer")] } },
    edges: every(30, (from) => every(30, (to): Edge => [`nd:${from}`, "link", `nd:${to}`])).flat(),
    ask: ["usr:eve", "viewer", "nd:0"],
    answers: [false, limit],
  },
];

// The driver gives a statement two seconds.
describeWorld("rules and tuples that are built to explode", { on: ["pglite", "postgres"] }, (world) => {
  for (const [at, exactOrder] of [false, true].entries()) {
    test.each(attacks)(
      `$case; ${exactOrder ? "in order" : "any way"}`,
      async ({ rules, edges = [], ask, options, answers }) => {
        const graph = await storeGraph(world, edges);
        const started = performance.now();
        const found = await graph.ask(rules, ask, { ...options, exactOrder });
        const taken = performance.now() - started;
        expect(found).toBe(answers[at]);
        expect(taken).toBeLessThan(5_000);
      },
    );
  }

  test("as deep and as much as the options allow: still an answer", async () => {
    const edges = every(200, (at): Edge => [`nd:${(at + 1) % 200}`, "link", `nd:${at}`]);
    const graph = await storeGraph(world, edges);
    const most = { maxDepth: 32, maxFanOut: 100_000, maxWork: 1_000_000 };
    for (const exactOrder of [false, true]) {
      expect(await graph.ask(oneRelation, ["usr:eve", "viewer", "nd:0"], { ...most, exactOrder })).toBe(limit);
    }
  });
});
