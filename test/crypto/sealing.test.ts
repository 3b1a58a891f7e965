import { describe, expect, test } from "vitest";
import { randomBytes, toBase64Url, utf8 } from "../../src/crypto/bytes.ts";
import { isSealed, type SealedPlace, SealingError, SealingKeys, sealingVersion } from "../../src/crypto/sealing.ts";

const place: SealedPlace = { purpose: "totp", table: "mfa", column: "totp_secret", rowId: "r", userId: "u" };
const [first, second] = [toBase64Url(randomBytes(32)), toBase64Url(randomBytes(32))];
const secret = utf8("12345678901234567890");

test("sealing: opens in its place, and each ciphertext differs", async () => {
  const keys = new SealingKeys(first);
  const [one, other] = [await keys.seal(place, secret), await keys.seal(place, secret)];
  expect(one).not.toEqual(other);
  expect(isSealed(one) && sealingVersion(one)).toBe(1);
  expect(await keys.open(place, one)).toEqual(secret);
});

describe("S44: a sealed secret opens nowhere else", () => {
  test.each(Object.keys(place))("with another %s", async (name) => {
    const keys = new SealingKeys(first);
    const sealed = await keys.seal(place, secret);
    await expect(keys.open({ ...place, [name]: "other" }, sealed)).rejects.toThrow(SealingError);
  });

  test("with any bit of it turned", async () => {
    const keys = new SealingKeys(first);
    const sealed = await keys.seal(place, secret);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const turned = sealed.slice();
      turned[bit >> 3]! ^= 1 << (bit & 7);
      await expect(keys.open(place, turned)).rejects.toThrow(SealingError);
    }
  });

  test("cut, empty or plain", async () => {
    const keys = new SealingKeys(first);
    const sealed = await keys.seal(place, secret);
    for (const value of [sealed.slice(0, -1), sealed.slice(0, 20), new Uint8Array(), secret]) {
      await expect(keys.open(place, value)).rejects.toThrow(SealingError);
    }
  });

  test("the error contains no part of it", async () => {
    const error = await new SealingKeys(first).open(place, secret).catch((caught: Error) => caught);
    expect(String(error)).toBe("SealingError: A stored secret is not sealed.");
  });
});

describe("sealing keys, rotation", () => {
  test("the newest seals, the older ones open until they are dropped", async () => {
    const old = await new SealingKeys(`1:${first}`).seal(place, secret);
    const both = new SealingKeys(`2:${second},1:${first}`);
    expect(await both.open(place, old)).toEqual(secret);
    expect(sealingVersion(await both.seal(place, secret))).toBe(2);
    await expect(new SealingKeys(`2:${second}`).open(place, old)).rejects.toThrow("The key that sealed");
  });

  test("another key under the same version opens nothing", async () => {
    const sealed = await new SealingKeys(`1:${first}`).seal(place, secret);
    await expect(new SealingKeys(`1:${second}`).open(place, sealed)).rejects.toThrow(SealingError);
  });
});

test.each([undefined, "", "short", "A".repeat(43), `1:${first},1:${second}`, `1:${first},2:${first}`])(
  "S34: sealing key %j: refused",
  (keys) => {
    expect(() => new SealingKeys(keys)).toThrow(TypeError);
  },
);
