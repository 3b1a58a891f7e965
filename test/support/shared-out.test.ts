import { describe, expect, test } from "vitest";
import { shareOf } from "./shared-out.ts";

const databases = ["one", "two", "three"] as const;
const named = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name} ${index}`);

describe.each([
  [1, 1, 1],
  [1, 1, 2],
  [1, 7, 3],
  [2, 1, 5],
  [2, 2, 2],
  [2, 3, 1],
  [2, 110, 3],
  [2, 111, 4],
  [3, 3, 3],
  [3, 8, 5],
])("%i databases, %i rows, %i ways", (count, rowCount, wayCount) => {
  const [among, rows, ways] = [databases.slice(0, count), named("row", rowCount), named("way", wayCount)];
  const shares = among.map((database) => shareOf(database, among, rows, ways));

  test("every pair is in exactly one share", () => {
    const every = rows.flatMap((row) => ways.map((way) => [row, way].join()));
    expect(shares.flatMap((share) => share.map((pair) => pair.join())).toSorted()).toEqual(every.toSorted());
  });

  test("the shares are as large as each other, but for the pairs that are left over", () => {
    const sizes = shares.map(({ length }) => length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(count);
  });

  test("each row and each way is in every share, if there are enough pairs of it", () => {
    for (const share of shares) {
      if (wayCount >= count) expect(new Set(share.map(([row]) => row)).size).toBe(rowCount);
      if (rowCount >= count) expect(new Set(share.map(([, way]) => way)).size).toBe(wayCount);
    }
  });
});

test("the rows keep their order, and equal rows stay apart", () => {
  expect(shareOf("one", ["one", "two"], ["a", "a", "b"], [1, 2])).toEqual([
    ["a", 1],
    ["a", 2],
    ["b", 1],
  ]);
});

test("nothing to share: an empty share", () => {
  expect(shareOf("one", databases, [], [1])).toEqual([]);
  expect(shareOf("one", databases, [1], [])).toEqual([]);
});

test("a database that is not among them: an error, not an empty share", () => {
  expect(() => shareOf("four", databases as readonly string[], [1], [1])).toThrow(RangeError);
  expect(() => shareOf("one", [], [1], [1])).toThrow(RangeError);
});
