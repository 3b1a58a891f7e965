import { createHash } from "node:crypto";
import { blake2b as referenceBlake2b } from "hash-wasm";
import { expect, test } from "vitest";
import { blake2bInto } from "../../src/crypto/blake2b.ts";
import { fromHex, toHex } from "../../src/crypto/bytes.ts";

function digestOf(digestBytes: number, input: Uint8Array): Uint8Array {
  const digest = new Uint8Array(digestBytes);
  blake2bInto(digest, [input]);
  return digest;
}

/** RFC 7693 Appendix E's `selftest_seq`. */
function fibonacciBytes(length: number, seed: number): Uint8Array {
  let [a, b] = [Math.imul(0xdead4bad, seed), 1];
  return Uint8Array.from({ length }, () => {
    [a, b] = [b, (a + b) | 0];
    return b >>> 24;
  });
}

test("RFC 7693 Appendix E: the self-test, whose keyed half is hash-wasm's", async () => {
  const digests: Uint8Array[] = [];
  for (const digestBytes of [20, 32, 48, 64]) {
    for (const length of [0, 3, 128, 129, 255, 1024]) {
      const input = fibonacciBytes(length, length);
      const key = fibonacciBytes(digestBytes, digestBytes);
      digests.push(digestOf(digestBytes, input));
      digests.push(fromHex(await referenceBlake2b(input, digestBytes * 8, key))!);
    }
  }
  expect(toHex(digestOf(32, Buffer.concat(digests)))).toBe(
    "c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd475",
  );
});

test("0 to 300 bytes: same digest as OpenSSL", () => {
  for (let length = 0; length <= 300; length++) {
    const input = fibonacciBytes(length, length + 1);
    const expected = createHash("blake2b512").update(input).digest("hex");
    expect(toHex(digestOf(64, input)), String(length)).toBe(expected);
  }
});

test("a megabyte: same digest as OpenSSL", () => {
  const input = fibonacciBytes(1_000_003, 7);
  expect(toHex(digestOf(64, input))).toBe(createHash("blake2b512").update(input).digest("hex"));
});

test("digests of 1 to 64 bytes: same as hash-wasm", async () => {
  for (let digestBytes = 1; digestBytes <= 64; digestBytes++) {
    for (const length of [0, 1, 64, 127, 128, 129, 255, 256, 257, 1024]) {
      const input = fibonacciBytes(length, digestBytes);
      const context = `${digestBytes} of ${length}`;
      expect(toHex(digestOf(digestBytes, input)), context).toBe(await referenceBlake2b(input, digestBytes * 8));
    }
  }
});
