import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { toBase32 } from "../../src/crypto/base32.ts";
import { utf8 } from "../../src/crypto/bytes.ts";
import { defaultTotp, generateTotpSecret, type TotpAlgorithm, totpCode, totpStep } from "../../src/domain/totp.ts";

interface Vectors {
  hotp: { secret_ascii: string; counter: number; digits: number; alg: string; code: string }[];
  totp: { secret_ascii: string; unix_time: number; step: number; digits: number; alg: string; code: string }[];
  base32: { ascii: string; base32: string }[];
}

const vectors = JSON.parse(
  readFileSync(new URL("../../../shared/vectors/otp/rfc4226-rfc6238-rfc4648.json", import.meta.url), "utf8"),
) as Vectors;
const algorithmOf = (name: string) => name.replace("-", "").toLowerCase() as TotpAlgorithm;

describe("the published vectors", () => {
  test("RFC 4226 appendix D", async () => {
    expect(vectors.hotp.length).toBeGreaterThan(9);
    for (const { secret_ascii, counter, digits, alg, code } of vectors.hotp) {
      const parameters = { algorithm: algorithmOf(alg), digits, periodSeconds: 30 };
      expect(await totpCode(utf8(secret_ascii), counter, parameters)).toBe(code);
    }
  });

  test("RFC 6238 appendix B", async () => {
    expect(vectors.totp.length).toBeGreaterThan(17);
    for (const { secret_ascii, unix_time, step, digits, alg, code } of vectors.totp) {
      const parameters = { algorithm: algorithmOf(alg), digits, periodSeconds: step };
      expect(await totpCode(utf8(secret_ascii), totpStep(unix_time, parameters), parameters)).toBe(code);
    }
  });

  test("RFC 4648 section 10", () => {
    expect(vectors.base32.length).toBeGreaterThan(6);
    for (const { ascii, base32 } of vectors.base32) expect(toBase32(utf8(ascii))).toBe(base32.replace(/=+$/, ""));
  });
});

test("oathtool gives the same codes", async () => {
  for (const [algorithm, mode] of [
    ["sha1", "totp"],
    ["sha256", "totp=sha256"],
    ["sha512", "totp=sha512"],
  ] as const) {
    for (const [digits, periodSeconds] of [
      [6, 30],
      [8, 60],
      [7, 15],
    ] as const) {
      const secret = generateTotpSecret();
      const at = 1_700_000_000 + digits * 12_345;
      const parameters = { ...defaultTotp, algorithm, digits, periodSeconds };
      const args = [`--${mode}`, "-b", toBase32(secret), `--digits=${digits}`, `--time-step-size=${periodSeconds}s`];
      const theirs = execFileSync("oathtool", [...args, "--now", new Date(at * 1000).toISOString()], {
        encoding: "utf8",
      });
      expect(await totpCode(secret, totpStep(at, parameters), parameters)).toBe(theirs.trim());
    }
  }
});
