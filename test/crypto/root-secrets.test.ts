import { describe, expect, test } from "vitest";
import { randomBytes, toBase64Url, toHex } from "../../src/crypto/bytes.ts";
import { developmentSecretPrefix, parseRootSecrets, RootKeys, versionsOf } from "../../src/crypto/root-secrets.ts";

const fresh = (bytes = 32) => toBase64Url(randomBytes(bytes));
const [one, two] = [fresh(), fresh()];

describe("S34: a weak root secret stops start-up", () => {
  test.each<{ case: string; text: string | undefined }>([
    { case: "missing", text: undefined },
    { case: "empty", text: "" },
    { case: "blank", text: "  \n" },
    { case: "31 bytes", text: fresh(31) },
    { case: "32 characters, which are 24 bytes", text: fresh(24) },
    { case: "text that is no base64url", text: "correct horse battery staple, forty characters!" },
    { case: "ordinary base64", text: `${one.slice(0, 41)}+/` },
    { case: "padded", text: `${one}=` },
    { case: "zeros", text: "A".repeat(43) },
    { case: "one byte repeated", text: toBase64Url(new Uint8Array(64).fill(171)) },
    { case: "eight bytes four times", text: toBase64Url(Uint8Array.from({ length: 32 }, (_, index) => index % 8)) },
    { case: "a sample", text: "change-me-change-me-change-me-change-me-abc" },
    { case: "a sample in capitals", text: `CHANGEME${one.slice(8)}` },
    { case: "a sample in the middle", text: `${one.slice(0, 20)}your-secret${one.slice(31)}` },
    { case: "the same value twice", text: `2:${one},1:${one}` },
    { case: "the same value once for development", text: `2:${one},1:${developmentSecretPrefix}${one}` },
    { case: "the same version twice", text: `1:${one},1:${two}` },
    { case: "no version twice", text: `${one},${two}` },
    { case: "an empty entry", text: `2:${one},` },
    { case: "a version without a value", text: "2:" },
    { case: "a negative version", text: `-1:${one}` },
    { case: "a version of ten digits", text: `4294967296:${one}` },
    { case: "only one that does not write", text: `1:${one}:read` },
    { case: "only ones that do not write", text: `2:${two}:read,1:${one}:read` },
    { case: "another word than read", text: `2:${two}:write,1:${one}` },
    { case: "read twice", text: `2:${two}:read:read,1:${one}` },
    { case: "the word without a value", text: `2::read,1:${one}` },
    { case: "one good and one short", text: `2:${one},1:${fresh(16)}` },
  ])("$case: refused", ({ text }) => {
    expect(() => parseRootSecrets(text)).toThrow(TypeError);
  });

  test("R129: no message contains any of the text", () => {
    for (const text of [`1:${one},1:${two}`, `2:${one},1:${one}`, `${one}=`, `x${one.slice(0, 30)}`]) {
      try {
        parseRootSecrets(text);
        expect.unreachable();
      } catch (error) {
        expect(String((error as Error).stack)).not.toContain(one.slice(0, 12));
      }
    }
  });
});

describe("reading root secrets", () => {
  test.each([
    { case: "one alone is version 1", text: one, versions: [1] },
    { case: "white space around it", text: ` ${one}\n`, versions: [1] },
    { case: "64 bytes", text: fresh(64), versions: [1] },
    { case: "newest first, however they are written", text: `1:${one}, 12:${two},3:${fresh()}`, versions: [12, 3, 1] },
  ])("$case", ({ text, versions }) => {
    const secrets = parseRootSecrets(text);
    expect(secrets.map(({ version }) => version)).toEqual(versions);
    expect(new RootKeys(secrets).currentVersion).toBe(versions[0]);
    expect(new RootKeys(secrets).versions).toEqual(versions);
  });

  test("S59: the newest that is not marked `read` writes, and all are read", () => {
    for (const [text, writes] of [
      [`1:${one},2:${two}:read`, 1],
      [`2:${two}:read,1:${one}`, 1],
      [`2:${two},1:${one}:read`, 2],
      [`3:${fresh()}:read,2:${two},1:${one}`, 2],
    ] as const) {
      const secrets = parseRootSecrets(text);
      expect([new RootKeys(secrets).currentVersion, versionsOf(secrets).writes]).toEqual([writes, writes]);
      expect(versionsOf(secrets).reads).toEqual(new RootKeys(secrets).versions);
      expect(secrets.map(({ bytes }) => bytes.length)).toEqual(secrets.map(() => 32));
    }
  });

  test("a development secret is marked as such", () => {
    expect(parseRootSecrets(developmentSecretPrefix + one)[0]).toMatchObject({ development: true, version: 1 });
    expect(parseRootSecrets(one)[0]!.development).toBe(false);
  });
});

describe("root keys by purpose and version", () => {
  const keys = new RootKeys(parseRootSecrets(`2:${two},1:${one}`));

  test("equal inputs give equal keys, and any difference gives another key", async () => {
    const macs = await Promise.all([
      keys.mac("refresh", ["a", "bc"]),
      keys.mac("refresh", ["ab", "c"]),
      keys.mac("refresh", ["abc"]),
      keys.mac("identifier", ["a", "bc"]),
      keys.mac("known-device", ["a", "bc"]),
      keys.mac("refresh", ["a", "bc"], 1),
    ]);
    const texts = macs.map((mac) => toHex(mac!));
    expect(new Set(texts).size).toBe(texts.length);
    expect(texts.every((text) => text.length === 64)).toBe(true);
    expect(toHex((await keys.mac("refresh", ["a", "bc"], 2))!)).toBe(texts[0]);
  });

  test("F16: a dropped version derives no key", async () => {
    expect(await keys.mac("refresh", ["a"], 3)).toBeUndefined();
  });

  test("another process derives the same keys", async () => {
    const other = new RootKeys(parseRootSecrets(`1:${one},2:${two}`));
    expect(toHex((await other.mac("identifier", ["x"]))!)).toBe(toHex((await keys.mac("identifier", ["x"]))!));
  });

  test("a thousand at once at first use: all equal", async () => {
    const cold = new RootKeys(parseRootSecrets(one));
    const macs = await Promise.all(Array.from({ length: 1_000 }, () => cold.mac("identifier", ["x"])));
    expect(new Set(macs.map((mac) => toHex(mac!))).size).toBe(1);
  });
});
