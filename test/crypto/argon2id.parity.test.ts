import { hashRaw as rustHashRaw, verify as rustVerify } from "@node-rs/argon2";
import native from "argon2";
import { describe, expect, test } from "vitest";
import { Argon2id } from "../../src/crypto/argon2id.ts";
import { fromBase64, toHex } from "../../src/crypto/bytes.ts";
import { argon2id } from "../../src/runtime/argon2id.ts";
import { argon2Base64 } from "../../src/runtime/generated/argon2.ts";

/** Repeatable numbers (mulberry32), so that a failure can be reproduced. */
function numbersFrom(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const computation = new Argon2id(new WebAssembly.Module(fromBase64(argon2Base64)!));

test("R009: 200 random inputs at mixed costs on one instance equal the C reference and the Rust one", {
  timeout: 60_000,
}, async () => {
  const below = numbersFrom(9106);
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => below(256)));
  for (let row = 0; row < 200; row++) {
    const lanes = 1 + below(4);
    const passes = 1 + below(4);
    const memoryKiB = 8 * lanes + below(row % 20 === 0 ? 65_536 - 32 : 3000);
    const tagBytes = 4 + below(125);
    const password = bytes(row % 10 === 0 ? 1024 : below(300));
    const salt = bytes(8 + below(57));
    const secret = bytes(row % 3 === 0 ? below(40) : 0);
    const associatedData = bytes(row % 4 === 0 ? below(40) : 0);

    const cost = { memoryKiB, passes, lanes };
    const ours = toHex(computation.tag({ password, salt, cost, tagBytes, secret, associatedData }));
    const options = { memoryCost: memoryKiB, timeCost: passes, parallelism: lanes, salt, secret };
    const context = JSON.stringify({ row, ...cost, tagBytes, password: password.length, salt: salt.length });
    const reference = await native.hash(password, {
      ...options,
      type: 2,
      raw: true,
      hashLength: tagBytes,
      associatedData,
    });
    expect(ours, context).toBe(reference.toString("hex"));
    if (associatedData.length > 0) continue; // @node-rs/argon2 takes none
    const rust = await rustHashRaw(password, { ...options, algorithm: 2, outputLen: tagBytes });
    expect(ours, context).toBe(rust.toString("hex"));
  }
});

describe("R009: npm's argon2 and Sallyport verify each other's hashes", () => {
  const hasher = argon2id();
  const passwords = ["a", "correct horse battery staple", "pässwörd–日本語🔑", "a\0b", " ", "x".repeat(1024)];

  test.each(passwords)("%j", async (password) => {
    const ours = await hasher.hash(password);
    expect(await native.verify(ours, password)).toBe(true);
    expect(await native.verify(ours, `${password}!`)).toBe(false);
    expect(await rustVerify(ours, password)).toBe(true);

    const theirs = await native.hash(password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
    expect(theirs).toContain("m=19456,p=1,t=2"); // not the order that PHP reads
    expect(await hasher.verify(theirs, password)).toBe(true);
    expect(await hasher.verify(theirs, `${password}!`)).toBe(false);
    expect(hasher.needsRehash(theirs)).toBe(false);
  });

  test("npm argon2's own default, m=65536,t=3,p=4: verified, and needs a rehash", async () => {
    const theirs = await native.hash("correct horse battery staple");
    expect(theirs).toContain("m=65536");
    expect(await hasher.verify(theirs, "correct horse battery staple")).toBe(true);
    expect(hasher.needsRehash(theirs)).toBe(true);
  });

  test.each([
    { case: "argon2i", type: 1 as const },
    { case: "argon2d", type: 0 as const },
  ])("$case by the C reference: false, though the password is right", async ({ type }) => {
    const theirs = await native.hash("correct horse battery staple", { type, memoryCost: 64, parallelism: 1 });
    expect(await native.verify(theirs, "correct horse battery staple")).toBe(true);
    expect(await hasher.verify(theirs, "correct horse battery staple")).toBe(false);
  });
});
