/**
 * Which passwords may be set: length in code points and nothing about composition (NIST SP 800-63B-4 §3.1.1.2).
 *
 * @module
 */

/** The fewest code points of a password that is the only factor, and of one beside an enforced second factor. */
export const minimumPasswordLength = 15;
export const minimumPasswordLengthWithFactor = 8;

export type PasswordFault = "too_short" | "too_long" | "unusable_characters" | "too_predictable" | "compromised";

/** Texts whose mere repetition or extension makes a long but obvious password; the application adds its own names. */
const obviousWords = ["password", "passw0rd", "qwerty", "qwertz", "azerty", "letmein", "welcome", "iloveyou", "admin"];

/**
 * Why a password may not be set, or `undefined` if nothing speaks against it.
 *
 * @param context.words Names that an attacker tries first: the identifier, its local part, the site.
 */
export function passwordFault(
  password: string,
  context: { words?: readonly string[] } = {},
): PasswordFault | undefined {
  if (!password.isWellFormed() || password.includes("\0")) return "unusable_characters";
  if (password.length > 4096) return "too_long";
  const normal = password.normalize("NFKC");
  if (new TextEncoder().encode(normal).length > 1024) return "too_long";
  if ([...normal].length < minimumPasswordLengthWithFactor) return "too_short";
  return isPredictable(normal.toLowerCase(), context.words ?? []) ? "too_predictable" : undefined;
}

/** Whether a password is long enough only beside an enforced second factor. */
export function needsSecondFactor(password: string): boolean {
  return [...password.normalize("NFKC")].length < minimumPasswordLength;
}

/** One unit repeated, one run of the alphabet or of digits, or nothing left once the obvious words are taken out. */
function isPredictable(password: string, words: readonly string[]): boolean {
  if (/^(.{1,6}?)\1+.{0,5}$/su.test(password) && new Set(password).size <= 6) return true;
  if (isRun(password)) return true;
  let rest = password;
  for (const word of [...words.map((word) => word.toLowerCase()), ...obviousWords].sort(
    (a, b) => b.length - a.length,
  )) {
    if (word.length >= 4) rest = rest.replaceAll(word, "");
  }
  return rest.length < 4 || (rest.length < password.length && /^[\d\W_]*$/.test(rest) && rest.length < 8);
}

/** Each character follows the one before it, up or down, wrapping from 9 to 0: `abcdefgh…`, `1234567890123…`. */
function isRun(text: string): boolean {
  const codes = [...text].map((character) => character.codePointAt(0)!);
  const follows = (step: number): boolean =>
    codes.every((code, index) => {
      const before = codes[index - 1];
      return (
        before === undefined ||
        code === before + step ||
        (step === 1 ? before === 57 && code === 48 : before === 48 && code === 57)
      );
    });
  return follows(1) || follows(-1);
}
