/**
 * A list of common passwords, for `passwords({ blocklist: commonPasswords })`.
 *
 * @module
 */
import { commonPasswordsList } from "./common-passwords-list.ts";

/** Made at first use. */
let list: ReadonlySet<string> | undefined;
let longest = 0;
const shortest = 8;
/** Past this, nothing is looked up: an entry that a long password repeats stands in its beginning too. */
const mostCharacters = 128;
/** Characters that people write for a letter. */
const letters: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "@": "a",
  $: "s",
  "!": "i",
};

/** How many different entries of one password are compared, the longest ones, so that no password makes long work. */
const mostEntries = 10;

/**
 * The common passwords that a password contains, at most two: also in capitals, and with characters such as `0` for `o`. A
 * password that consists of little more than them and of names is refused as too predictable. Three of them are a passphrase
 * that no list holds.
 *
 * The list has 6,000 entries of 8 and more characters. It adds 24 KiB (gzip) to a Worker that imports it. Looking a password up
 * takes about a millisecond at most, and sends nothing anywhere.
 *
 * @param names The user's and the site's names, which may stand beside a common password.
 */
export function commonPasswords(password: string, names: readonly string[] = []): readonly string[] {
  // NFKC makes up to 18 characters of one, so both are cut.
  const text = password.slice(0, mostCharacters).normalize("NFKC").slice(0, mostCharacters).toLowerCase();
  const known = names.map((name) => name.toLowerCase()).filter(({ length }) => length >= 4);
  const without = (words: readonly string[]): string =>
    // The longest first, as in the check of the password.
    [...words, ...known].sort((a, b) => b.length - a.length).reduce((rest, word) => rest.replaceAll(word, "\0"), text);
  const plain = without([]);
  // A name can be a part of an entry, as `shin` of `sunshine`, and an entry can begin in a name.
  const entries = longestOf([...entriesIn(text), ...entriesIn(plain)]);
  let best: readonly string[] = [];
  let least = weightOf(plain);
  // Entries overlap, as `happiness` and `sunshine` in `happinessunshine`: those count that leave least of the password.
  for (const [index, one] of entries.entries()) {
    for (const both of [[one], ...entries.slice(index + 1).map((other) => [one, other])]) {
      const left = weightOf(without(both));
      if (left < least) [best, least] = [both, left];
    }
  }
  return best;
}

function longestOf(entries: readonly string[]): readonly string[] {
  return [...new Set(entries)].sort((a, b) => b.length - a.length).slice(0, mostEntries);
}

/** How hard the rest of a password is to guess: a thousand digits are less than a letter. */
function weightOf(rest: string): number {
  return rest.replace(/[\d\0]/g, "").length * 1_000 + rest.length;
}

/** The entries that stand in a text, as they stand in it. */
function entriesIn(text: string): readonly string[] {
  const plain = text.replace(/[013457@$!]/g, (character) => letters[character]!);
  const known = listed();
  const found = new Set<string>();
  for (let start = 0; start + shortest <= text.length; start++) {
    for (let end = start + shortest; end <= Math.min(start + longest, text.length); end++) {
      const part = text.slice(start, end);
      if (known.has(part) || known.has(plain.slice(start, end))) found.add(part);
    }
  }
  return [...found];
}

function listed(): ReadonlySet<string> {
  if (!list) {
    list = new Set(commonPasswordsList.split(/\s/).filter(Boolean));
    for (const { length } of list) longest = Math.max(longest, length);
  }
  return list;
}
