import { expect, test } from "vitest";
import { dropDocumented } from "../../build/drop-documented.node.ts";

test.each([
  { case: "a list between others", script: 'a({ b: 1, refusals: ["x"], c: 2 })', expected: "a({ b: 1, c: 2 })" },
  { case: "the last list", script: 'a({ b: 1, refusals: ["x"] })', expected: "a({ b: 1 })" },
  { case: "the only list", script: 'a({ refusals: ["x", "y"] })', expected: "a({  })" },
  { case: "a constant", script: "a({ b, refusals: c, d })", expected: "a({ b, d })" },
  { case: "the short form", script: "a({ b, refusals })", expected: "a({ b })" },
  { case: "lists in lists", script: "a({ act: { b, refusals: [] }, refusals: c })", expected: "a({ act: { b } })" },
  {
    case: "what only has its name",
    script: "refusals(a.refusals, 'refusals')",
    expected: "refusals(a.refusals, 'refusals')",
  },
  { case: "a row's name", script: 'a({ id: "x", b, auth: { id: `X`, d } })', expected: "a({ b, auth: { d } })" },
  { case: "the last members", script: 'a({ b, id: "x", refusals: ["y"] })', expected: "a({ b })" },
  { case: "only the last members", script: 'a({ id: "x", refusals: ["y"] })', expected: "a({  })" },
  {
    case: "an object's own identifier",
    script: "a({ id: b.id, name: c, d })",
    expected: "a({ id: b.id, name: c, d })",
  },
  { case: "an assignment's pattern", script: "const { refusals = [] } = a;", expected: "const { refusals = [] } = a;" },
])("$case", ({ script, expected }) => {
  expect(dropDocumented(script, "id")).toBe(expected);
});
