import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { toBase32 } from "../../src/crypto/base32.ts";
import { defaultTotp, generateTotpSecret, totpCode, totpStep } from "../../src/domain/totp.ts";

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
