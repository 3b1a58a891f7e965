/**
 * S66, S67: one database that the reference schema made and `migrate` adopted, used by Sallyport and by statements of the
 * reference's shapes. `CONFORMANCE.md` has the table.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { referenceVersions } from "../support/reference-database.ts";
import { openShared, operations, type SharedWorld } from "./shared-database.ts";

describe.each(referenceVersions)("S66: a database of the reference schema %s", (version) => {
  let shared: SharedWorld;
  beforeAll(async () => {
    shared = await openShared(version);
  });
  afterAll(() => shared.world.close());

  for (const { operation, there, here } of operations) {
    if (typeof there === "function")
      test(`${operation}: what Sallyport writes, the reference uses`, () => there(shared));
    if (typeof here === "function") test(`${operation}: what the reference writes, Sallyport uses`, () => here(shared));
  }
});

test("S66: the table in CONFORMANCE.md is this suite", () => {
  const rows = operations.map(({ operation, there, here, note = "" }) => {
    const state = (side: typeof there) => (typeof side === "string" ? `– (${side})` : "works");
    return `| ${operation} | ${state(there)} | ${state(here)} | ${note} |`;
  });
  const text = readFileSync(new URL("../../CONFORMANCE.md", import.meta.url), "utf8");
  const table = /\| operation \|.*\n\|[-|]+\n((?:\|.*\n)+)/.exec(text)?.[1]?.trim().split("\n");
  expect(table).toEqual(rows);
});
