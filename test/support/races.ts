/** The lock that every ending operation takes in an earlier statement of its batch (S16). */
export const isUserLock = (text: string): boolean =>
  /^select id from usr where id in .* for no key update$/s.test(text);

/** Rewrites an operation so that it lacks that lock: a planted fault. */
export const withoutEarlierLock = (text: string): string | undefined => (isUserLock(text) ? undefined : text);

/** A statement that adds something for a user takes both locks, the second one if it is not part of a batch (S16). */
export const withoutAnyLock = (text: string): string | undefined =>
  isUserLock(text) ? undefined : text.replace(/\s+for share of u, c/, "");

/**
 * Runs rounds of a planted fault until one returns a number above 0: it leaks.
 *
 * @throws {Error} If it never does: then the race proves nothing about the real operation.
 */
export async function untilItLeaks(rounds: number, round: () => Promise<number>): Promise<void> {
  for (let number = 0; number < rounds; number++) if ((await round()) > 0) return; // Not for NaN, either.
  throw new Error(`The planted fault has not leaked in ${rounds} rounds.`);
}
