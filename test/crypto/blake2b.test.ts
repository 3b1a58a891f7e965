import { describe, expect, test } from "vitest";
import { blake2bInto } from "../../src/crypto/blake2b.ts";
import { toHex, utf8 } from "../../src/crypto/bytes.ts";

function digestOf(digestBytes: number, ...parts: Uint8Array[]): string {
  const digest = new Uint8Array(digestBytes);
  blake2bInto(digest, parts);
  return toHex(digest);
}

const counting = (length: number) => Uint8Array.from({ length }, (_, index) => index);

test("RFC 7693 Appendix A: abc", () => {
  expect(digestOf(64, utf8("abc"))).toBe(
    "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1" +
      "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
  );
});

describe("lengths on either side of a block: same digest of 00 01 02 … as OpenSSL", () => {
  test.each([
    [
      0,
      "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419" +
        "d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce",
    ],
    [
      127,
      "b6292669ccd38d5f01caae96ba272c76a879a45743afa0725d83b9ebb26665b7" +
        "31f1848c52f11972b6644f554c064fa90780dbbbf3a89d4fc31f67df3e5857ef",
    ],
    [
      128,
      "2319e3789c47e2daa5fe807f61bec2a1a6537fa03f19ff32e87eecbfd64b7e0e" +
        "8ccff439ac333b040f19b0c4ddd11a61e24ac1fe0f10a039806c5dcc0da3d115",
    ],
    [
      129,
      "f59711d44a031d5f97a9413c065d1e614c417ede998590325f49bad2fd444d3e" +
        "4418be19aec4e11449ac1a57207898bc57d76a1bcf3566292c20c683a5c4648f",
    ],
    [
      256,
      "1ecc896f34d3f9cac484c73f75f6a5fb58ee6784be41b35f46067b9c65c63a67" +
        "94d3d744112c653f73dd7deb6666204c5a9bfa5b46081fc10fdbe7884fa5cbf8",
    ],
    [
      257,
      "d8bfe068de0b4f9fa876a3f8024eb9f7b0029fd5dcf251199e065cee89e1a282" +
        "c8dbf0442f2ade7294ac1c6be19b388dc990c34d8cb79f5f10c54fa813834fda",
    ],
  ])("%i bytes", (length, expected) => {
    expect(digestOf(64, counting(length))).toBe(expected);
  });
});

test("parts are hashed as one text, wherever they are cut and even if some are empty", () => {
  const whole = counting(300);
  const expected = digestOf(64, whole);
  for (let cut = 0; cut <= 300; cut++) {
    expect(digestOf(64, whole.subarray(0, cut), new Uint8Array(0), whole.subarray(cut)), String(cut)).toBe(expected);
  }
});

test("the target may also be the input", () => {
  const bytes = counting(64);
  blake2bInto(bytes, [bytes]);
  expect(toHex(bytes)).toBe(digestOf(64, counting(64)));
});

test("a shorter digest is not the beginning of a longer one", () => {
  expect(digestOf(64, utf8("abc"))).not.toContain(digestOf(32, utf8("abc")));
});

test("F12: no input stays in the memory that a call allocates", () => {
  const buffers: ArrayBufferLike[] = [];
  const allocates = <Type extends typeof ArrayBuffer | typeof Uint32Array>(real: Type): Type =>
    new Proxy(real, {
      construct(target, args, newTarget) {
        const made = Reflect.construct(target, args, newTarget) as ArrayBuffer | Uint32Array;
        buffers.push(made instanceof ArrayBuffer ? made : made.buffer);
        return made;
      },
    });
  const [realBuffer, realWords] = [ArrayBuffer, Uint32Array];
  globalThis.ArrayBuffer = allocates(ArrayBuffer);
  globalThis.Uint32Array = allocates(Uint32Array);
  try {
    digestOf(64, new Uint8Array(200).fill(0xa5));
  } finally {
    [globalThis.ArrayBuffer, globalThis.Uint32Array] = [realBuffer, realWords];
  }
  expect(buffers).toHaveLength(4); // the state, a block, and the working vector of two compressions
  expect(buffers.every((buffer) => new Uint8Array(buffer).every((byte) => byte === 0))).toBe(true);
});
