/**
 * Which of several languages a reader gets. A language has a tag (BCP 47), such as `en` or `pt-BR`.
 *
 * @module
 */

/** Longer lists are cut: no reader speaks that many languages. */
const maximumCharacters = 500;

/**
 * The first of the known languages that a reader asks for, or `undefined` if there is none. `de` and `de-AT` match each other, but
 * an equal tag goes first.
 *
 * @param known Their tags.
 * @param asked The tags that the reader asks for, the most wanted first.
 */
export function matchLanguage(known: readonly string[], asked: readonly string[]): string | undefined {
  for (const one of asked) {
    const wanted = one.toLowerCase();
    const found =
      known.find((tag) => tag.toLowerCase() === wanted) ?? known.find((tag) => primaryOf(tag) === primaryOf(wanted));
    if (found) return found;
  }
  return undefined;
}

function primaryOf(tag: string): string {
  return tag.toLowerCase().split("-")[0]!;
}

/** The tags of a header `Accept-Language` (RFC 9110 §12.5.4), the most wanted first. */
export function acceptedLanguages(header: string): string[] {
  const wanted = header
    .slice(0, maximumCharacters)
    .split(",")
    .map((entry) => {
      const [tag = "", weight] = entry.trim().split(/\s*;\s*q\s*=\s*/i);
      return { tag, weight: weight === undefined ? 1 : Number(weight) };
    });
  return wanted
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .map(({ tag }) => tag);
}
