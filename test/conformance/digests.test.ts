import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { corpusFolder, type Digests, digestsFile, digestsOf, findDrift } from "./digests.ts";

const recorded: Digests = JSON.parse(readFileSync(digestsFile, "utf8"));

describe("digests of the third-party fixtures and vectors", () => {
  test("each is a SHA-256, in order of path", () => {
    const paths = Object.keys(recorded);
    expect(paths.length).toBeGreaterThan(50);
    expect(paths).toEqual(paths.toSorted());
    expect(Object.values(recorded).filter((digest) => !/^[0-9a-f]{64}$/.test(digest))).toEqual([]);
  });

  test("drift is found: a file that changed, one that is missing and one that is new", () => {
    const [a, b] = ["a".repeat(64), "b".repeat(64)];
    expect(
      findDrift({ "kept.json": a, "one.json": a, "two.json": a }, { "kept.json": a, "one.json": b, "three.json": b }),
    ).toEqual(["one.json has changed", "three.json is new", "two.json is missing"]);
  });

  // Optional: the corpus is not part of the project.
  if (existsSync(corpusFolder)) {
    test("the corpus beside the project is the recorded one", () => {
      expect(findDrift(recorded, digestsOf(corpusFolder))).toEqual([]);
    });
  }
});
