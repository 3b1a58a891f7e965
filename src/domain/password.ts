/**
 * Which passwords may be set: length in code points and nothing about composition (NIST SP 800-63B-4 §3.1.1.2).
 *
 * @module
 */

/** The fewest code points of a password as the only factor, and of a password with an enforced second factor. */
export const minimumPasswordLength = 15;
export const minimumPasswordLengthWithFactor = 8;

export type PasswordFault =
  | "too_short"
  | "too_long"
  | "unusable_characters"
  | "too_predictable"
  | "compromised"
  | "reused";

/** Words that make a password long but obvious when they are repeated or extended. The application adds its own names. */
const obviousWords = ["password", "passw0rd", "pass", "word", "letmein", "welcome", "iloveyou", "admin"];

/** Rows of keys from top to bottom: QWERTY, QWERTZ and AZERTY. */
const keyboards = [
  ["1234567890", "qwertyuiop", "asdfghjkl;", "zxcvbnm,./"],
  ["1234567890", "qwertzuiop", "asdfghjklö", "yxcvbnm,.-"],
  ["1234567890", "azertyuiop", "qsdfghjklm", "wxcvbn,;:!"],
];

/** Every path that a finger takes in order, there and back: along one row, or down or up through adjacent rows. Made at first use. */
let paths: string | undefined;

function keyPaths(): string {
  paths ??= ["abcdefghijklmnopqrstuvwxyz0123456789", ...keyboards.flatMap(pathsOf)]
    .flatMap((path) => [path, [...path].reverse().join("")])
    .join(" ");
  return paths;
}

/**
 * Why a password may not be set, or `undefined` if it may.
 *
 * @param words Names that an attacker tries first: the identifier, its local part, the site's name.
 */
export function passwordFault(
  password: string,
  { words = [] }: { words?: readonly string[] } = {},
): PasswordFault | undefined {
  if (!password.isWellFormed() || password.includes("\0")) return "unusable_characters";
  if (password.length > 4096) return "too_long";
  const normal = password.normalize("NFKC");
  if (new TextEncoder().encode(normal).length > 1024) return "too_long";
  if (lengthOf(password) < minimumPasswordLengthWithFactor) return "too_short";
  return isPredictable(normal.toLowerCase(), words) ? "too_predictable" : undefined;
}

/** True if a password is long enough only in combination with an enforced second factor. */
export function needsSecondFactor(password: string): boolean {
  return lengthOf(password) < minimumPasswordLength;
}

/** The code points as typed or as hashed, whichever are fewer: NFKC makes 18 of the one character U+FDFA. */
function lengthOf(password: string): number {
  return Math.min([...password].length, [...password.normalize("NFKC")].length);
}

/**
 * True for one repeated unit, for one run of characters, and for little more than obvious words and keyboard paths. "Little
 * more" means: the password has at most a third as many parts as characters, where a word or path is one part; or fewer than
 * four characters are in no word or path; or fewer than eight, if none of them is a letter.
 */
function isPredictable(password: string, words: readonly string[]): boolean {
  if (/^(.{1,6}?)\1+.{0,5}$/su.test(password) && new Set(password).size <= 6) return true;
  if (isRun(password)) return true;
  const known = [...words.map((word) => word.toLowerCase()), ...obviousWords].filter((word) => word.length >= 4);
  let marked = password;
  // No password contains NUL, so it stands for a word.
  for (const word of known.sort((a, b) => b.length - a.length)) marked = marked.replaceAll(word, "\0");

  let parts = 0;
  let rest = "";
  for (let at = 0; at < marked.length; parts++) {
    const part = marked.slice(at, at + pathLength(marked, at));
    // Random passwords also contain three adjacent keys, and digits in a row.
    if (part[0] !== "\0" && (part.length < 4 || /^\d+$/.test(part))) rest += part;
    at += part.length;
    // Later parts change nothing, and anyone may send a long password.
    if (parts * 3 >= password.length && rest.length > 7) return false;
  }
  if (parts * 3 <= password.length || rest.length < 4) return true;
  return rest.length < password.length && /^[\d\W_]*$/.test(rest) && rest.length < 8;
}

/** The length of the path or repetition that starts there, if it is at least three; otherwise 1. */
function pathLength(text: string, at: number): number {
  let repeated = 1;
  while (text[at + repeated] === text[at]) repeated += 1;
  if (repeated > 2) return repeated;
  let length = 3;
  while (at + length <= text.length && keyPaths().includes(text.slice(at, at + length))) length += 1;
  return length > 3 ? length - 1 : 1;
}

function pathsOf(rows: readonly string[]): string[] {
  return rows.flatMap((_, from) =>
    rows.slice(from).flatMap((_, more) => {
      const crossed = rows.slice(from, from + more + 1);
      return [through(crossed), through([...crossed].reverse())];
    }),
  );
}

/** The keys of each column in turn. */
function through(rows: readonly string[]): string {
  return [...rows[0]!].map((_, column) => rows.map((row) => row[column]).join("")).join("");
}

/** Each character repeats the one before it or follows it, up or down, wrapping from 9 to 0: `aabbccdd…`, `1234567890123…`. */
function isRun(text: string): boolean {
  const codes = [...text].map((character) => character.codePointAt(0)!);
  const follows = (step: number): boolean =>
    codes.every((code, index) => {
      const before = codes[index - 1] ?? code;
      const by = code - before;
      // Nine apart with this sum, they are the digits 0 and 9.
      return by === 0 || by === step || (by === -9 * step && code + before === 105);
    });
  return follows(1) || follows(-1);
}
