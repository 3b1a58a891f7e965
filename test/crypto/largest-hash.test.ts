/** R012, S67: outside Workers, an application can accept hashes that cost more. */
import { describe, expect, test } from "vitest";
import { Argon2id } from "../../src/crypto/argon2id.ts";
import { fromBase64, utf8 } from "../../src/crypto/bytes.ts";
import { encodePhc } from "../../src/crypto/phc.ts";
import { argon2id } from "../../src/runtime/argon2id.ts";
import { argon2Base64 } from "../../src/runtime/generated/argon2.ts";

const computation = new Argon2id(new WebAssembly.Module(fromBase64(argon2Base64)!));
const caps = { memoryKiB: 65_536, passes: 4, lanes: 4 };

function hashAt(cost: typeof caps): string {
  const salt = new Uint8Array(16).fill(7);
  return encodePhc({ cost, salt, tag: computation.tag({ password: utf8("secret"), salt, cost, tagBytes: 32 }) });
}

describe("R012, S67: largestHash", () => {
  test.each([
    { case: "passes", hash: { memoryKiB: 64, passes: 11, lanes: 1 }, largest: { ...caps, passes: 11 } },
    { case: "lanes", hash: { memoryKiB: 64, passes: 1, lanes: 8 }, largest: { ...caps, lanes: 8 } },
    { case: "memory", hash: { memoryKiB: 81_920, passes: 1, lanes: 1 }, largest: { ...caps, memoryKiB: 81_920 } },
  ])("a hash with more $case: refused by default, verified within wider caps", async ({ hash, largest }) => {
    const phc = hashAt(hash);
    expect([argon2id().canVerify(phc), await argon2id().verify(phc, "secret")]).toEqual([false, false]);
    const wide = argon2id({ largestHash: largest });
    expect([wide.canVerify(phc), await wide.verify(phc, "secret"), await wide.verify(phc, "other")]).toEqual([
      true,
      true,
      false,
    ]);
    expect(wide.needsRehash(phc)).toBe(true);
  });

  test.each([
    { memoryKiB: 65_535 },
    { memoryKiB: 2_097_153 },
    { passes: 3 },
    { passes: 101 },
    { lanes: 3 },
    { lanes: 65 },
    { passes: 4.5 },
    { memoryKiB: Number.NaN },
  ])("%o: TypeError", (part) => {
    expect(() => argon2id({ largestHash: { ...caps, ...part } })).toThrow(TypeError);
  });
});

describe("S42: the form of a password", () => {
  test("a hash of the typed characters and one of the normal form verify each their own", async () => {
    const hasher = argon2id();
    const typed = "pa\u0308ss";
    const [normal, asTyped] = [await hasher.hash(typed), await hasher.hash(typed, "typed")];
    expect(await hasher.verify(normal, typed.normalize("NFC"))).toBe(true);
    expect(await hasher.verify(normal, typed, "typed")).toBe(false);
    expect(await hasher.verify(asTyped, typed, "typed")).toBe(true);
    expect(await hasher.verify(asTyped, typed)).toBe(false);
  });
});
