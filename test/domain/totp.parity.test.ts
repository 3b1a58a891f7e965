import { TOTP } from "otpauth";
import { expect, test } from "vitest";
import { toBase32 } from "../../src/crypto/base32.ts";
import { defaultTotp, generateTotpSecret, totpCode, totpStep } from "../../src/domain/totp.ts";

test.each([
  ["sha1", "SHA1"],
  ["sha256", "SHA256"],
  ["sha512", "SHA512"],
] as const)("otpauth gives the same codes for %s", async (algorithm, theirName) => {
  for (const [digits, periodSeconds] of [
    [6, 30],
    [8, 60],
    [7, 15],
  ] as const) {
    const secret = generateTotpSecret();
    const at = 1_700_000_000 + digits * 12_345;
    const parameters = { ...defaultTotp, algorithm, digits, periodSeconds };
    const theirs = new TOTP({ secret: toBase32(secret), algorithm: theirName, digits, period: periodSeconds });
    expect(await totpCode(secret, totpStep(at, parameters), parameters)).toBe(
      theirs.generate({ timestamp: at * 1000 }),
    );
  }
});
