/** Strings that have broken other programs, as identifiers, names and passwords of accounts. */
import { expect, test } from "vitest";
import { normalizeIdentifier } from "../../src/domain/identifier.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, freshIdentifier, goodPassword, outcome } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { hasShared, sharedJson } from "../support/shared.ts";

/** Empty, words of other languages, SQL, markup, and characters that vanish, combine, turn or map to others. */
const ownStrings = [
  ...["", " ", "null", "undefined", "NaN", "0", "-1", "true", "[object Object]", "__proto__", "constructor"],
  ...[
    "' or true --",
    "'; drop table usr; --",
    "$1",
    "%",
    "_",
    "\\",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "../../etc",
  ],
  ...["\0", "a\0b", "\n", "\ufeff", "\u200b", "\u202e", "\u00ad", "\ud800", "\u212a", "\u0130", "ß", "ﬁ", "e\u0301"],
  ...["Ada", "ada", "ADA", "社會科學院", "🧑‍💻", "1️⃣2️⃣3️⃣", "ثم نفس", "a".repeat(300), "correct horse battery staple"],
];

const on = ["pglite", "postgres"] as const;
const auth = { signUp: "open" as const, allowNonAsciiIdentifiers: true };

function tryAll(title: string, strings: () => Promise<readonly string[]>): void {
  describeWorld(title, { on, auth, timeoutMilliseconds: 120_000 }, (world) => {
    const context = () => ({ address: freshAddress() });

    test("S38: as identifiers, alone and as either part of an address: one account for each normal form", async () => {
      const all = (await strings()).flatMap((text) => [text, `${text}@example.com`, `ada@${text}`]);
      const taken = new Map<string, string>();
      for (const identifier of all) {
        const normal = normalizeIdentifier(identifier, { allowNonAscii: true });
        const code = await outcome(world.auth.signUp({ identifier, password: goodPassword, context: context() }));
        const wanted =
          normal === undefined
            ? "invalid_format.identifier"
            : taken.has(normal)
              ? "conflict.duplicate_credential"
              : "done";
        expect([identifier, code]).toEqual([identifier, wanted]);
        if (normal !== undefined) taken.set(normal, identifier);
      }
      const stored = await world.rows<{ identifier: string }>(sql`select identifier from cred order by identifier`);
      expect(new Set(stored.map(({ identifier }) => identifier))).toEqual(new Set(taken.keys()));
      // Each owner signs in with what they typed.
      for (const identifier of taken.values()) {
        const signedIn = world.auth.signIn.password({ identifier, password: goodPassword, context: context() });
        expect([identifier, await outcome(signedIn)]).toEqual([identifier, "done"]);
      }
    });

    test("as names: kept as they are, or refused", async () => {
      for (const displayName of await strings()) {
        const input = { identifier: freshIdentifier(), password: goodPassword, displayName, context: context() };
        const code = await outcome(world.auth.signUp(input));
        if (code !== "done") {
          expect([displayName, code]).toEqual([displayName, "invalid_format.text"]);
          continue;
        }
        // Compared in the database: PGlite drops a byte order mark from what it returns.
        const [row] = await world.rows<{ same: boolean }>(sql`
          select usr.display_name = ${displayName} as same from usr join cred on cred.usr_id = usr.id where cred.identifier = ${input.identifier}`);
        expect([displayName, row?.same]).toEqual([displayName, true]);
      }
    });

    test("as passwords: what was accepted at sign-up signs in", async () => {
      let accepted = 0;
      for (const password of await strings()) {
        const identifier = freshIdentifier();
        const code = await outcome(world.auth.signUp({ identifier, password, context: context() }));
        if (code !== "done") {
          expect([password, code]).toEqual([password, "invalid_format.password"]);
          continue;
        }
        accepted++;
        const signedIn = await outcome(world.auth.signIn.password({ identifier, password, context: context() }));
        expect([password, signedIn]).toEqual([password, "done"]);
      }
      expect(accepted).toBeGreaterThan(0);
    });
  });
}

tryAll("strings that break programs", async () => ownStrings);
if (hasShared) {
  tryAll("published strings", async () => [...new Set(await sharedJson<string[]>("vectors/strings/blns.json"))]);
}
