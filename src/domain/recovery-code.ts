/**
 * Recovery codes: ten, each for one use, for a user who has lost a factor (Flametrench ADR 0008).
 *
 * Twelve symbols of 31 are 59.4 bits; Argon2id and the limit on attempts make up for the rest.
 *
 * @module
 */
import { randomBytes } from "../crypto/bytes.ts";

export const recoveryCodeCount = 10;

/** Letters and digits that cannot be mistaken for one another: no I, L, O, 0 or 1. */
const alphabet = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
const shape = /^[A-HJKMNP-Z2-9]{4}-[A-HJKMNP-Z2-9]{4}-[A-HJKMNP-Z2-9]{4}$/;

/** A fresh code, `XXXX-XXXX-XXXX`. */
export function generateRecoveryCode(draw: (length: number) => Uint8Array = randomBytes): string {
  let symbols = "";
  while (symbols.length < 12) {
    for (const byte of draw(16)) {
      // 248 is the largest multiple of 31 in a byte: bytes from there on would favor the first symbols.
      if (byte < 248 && symbols.length < 12) symbols += alphabet[byte % 31];
    }
  }
  return `${symbols.slice(0, 4)}-${symbols.slice(4, 8)}-${symbols.slice(8)}`;
}

/** Ten codes that differ. */
export function generateRecoveryCodes(): readonly string[] {
  const codes = new Set<string>();
  while (codes.size < recoveryCodeCount) codes.add(generateRecoveryCode());
  return [...codes];
}

/** True if it is a code in its exact form. */
export function isValidRecoveryCode(code: string): boolean {
  return shape.test(code);
}

/** A code as people type it: any case, with or without spaces and hyphens. `undefined` if it cannot be a code. */
export function normalizeRecoveryCode(input: string): string | undefined {
  if (input.length > 64) return undefined;
  const symbols = input.replace(/[\s-]/g, "").toUpperCase();
  const code = `${symbols.slice(0, 4)}-${symbols.slice(4, 8)}-${symbols.slice(8)}`;
  return isValidRecoveryCode(code) ? code : undefined;
}
