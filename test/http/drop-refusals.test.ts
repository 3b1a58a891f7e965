import { expect, test } from "vitest";
import { dropRefusals } from "../../build/drop-refusals.node.ts";

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
  { case: "an assignment's pattern", script: "const { refusals = [] } = a;", expected: "const { refusals = [] } = a;" },
])("$case", ({ script, expected }) => {
  expect(dropRefusals(script)).toBe(expected);
});
