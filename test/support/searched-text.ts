/**
 * A text in which six digits can be searched for: without identifiers, digests and fractions of times, in which any six digits occur
 * by chance.
 */
export function withoutChance(text: string): string {
  return text.replace(/[0-9a-f-]{32,}|\.\d{1,6}\b/g, "");
}
