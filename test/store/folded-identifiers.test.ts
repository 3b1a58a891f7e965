import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalizeIdentifier } from "../../src/domain/identifier.ts";
import { sql } from "../../src/store/sql.ts";
import { openBackend } from "../support/databases.ts";

/** No capitals beyond ASCII: only a database whose collation knows them folds them. */
const letters = [..."abzAZ059-..éßñжλדあ日语한🔑\u3002\u00ad\u180f\ufe0f\u{e0100}\uff41\uff21\uff0e\uff11ﬁ\u2460"];
const domain = fc.string({ unit: fc.constantFrom(...letters), maxLength: 40 });
/** Of versions of Unicode that every supported PostgreSQL has. */
const unusual = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...letters),
    fc.integer({ min: 0x21, max: 0x052f }).map((code) => String.fromCodePoint(code)),
  ),
  maxLength: 12,
});
const text = fc.oneof(
  fc.tuple(fc.constantFrom("a", "A@", "é"), domain).map(([local, rest]) => `${local}@${rest}`),
  fc.tuple(unusual, domain).map(([local, rest]) => ` ${local}@${rest}.\t`),
  unusual,
);

describe.each(["pglite", "postgres"] as const)("S38: what the database folds, %s", (name) => {
  test("is the normal form of each text that has one, and of what NFKC makes of the text; a normal form is its own", async () => {
    const { database } = await openBackend(name);
    const texts = fc
      .sample(text, { numRuns: 6_000, seed: 38 })
      .filter(
        (one) => one.isWellFormed() && !one.includes("\0") && one.toLowerCase() === one.toLowerCase().normalize(),
      );
    const pairs = texts.flatMap((one) => {
      const normal = normalizeIdentifier(one.normalize("NFKC"), { allowNonAscii: true });
      return normal === undefined ? [] : [{ one, normal }];
    });
    expect(pairs.filter(({ normal }) => normal.includes("xn--")).length).toBeGreaterThan(500);
    const folded = await database.run<{ folded: string; own: string }>(sql`
      select sallyport_folded(one) as folded, sallyport_folded(normal) as own
      from unnest(${pairs.map(({ one }) => one)}::text[], ${pairs.map(({ normal }) => normal)}::text[])
        with ordinality as pair(one, normal, n) order by n`);
    expect(folded).toEqual(pairs.map(({ normal }) => ({ folded: normal, own: normal })));
  });

  test("a text without a domain keeps what stands before its last @", async () => {
    const { database } = await openBackend(name);
    const texts = ["Ada@", "@", "a@b@", "@.", "a@b."];
    const rows = await database.run<{ folded: string }>(sql`
      select sallyport_folded(one) as folded from unnest(${texts}::text[]) with ordinality as o(one, n) order by n`);
    expect(rows.map(({ folded }) => folded)).toEqual(["ada@", "@", "a@b@", "@", "a@b"]);
  });

  test("enormous texts of others cost little and raise no error", async () => {
    const { database } = await openBackend(name);
    const texts = [
      "日".repeat(250),
      `${"é.".repeat(125)}`,
      "ж".repeat(100_000),
      `${"日é.".repeat(50_000)}`,
      "\u{10ffff}é".repeat(120),
    ];
    const started = performance.now();
    const rows = await database.run<{ folded: string }>(sql`
      select sallyport_folded('a@' || one) as folded from unnest(${texts}::text[]) as one`);
    expect(rows).toHaveLength(texts.length);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
