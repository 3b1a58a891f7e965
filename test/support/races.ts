/** The lock that every ending operation takes in an earlier statement of its batch (S16). */
export const isUserLock = (text: string): boolean =>
  /^select id from usr where id in .* for no key update$/s.test(text);

/** Rewrites an operation into its twin without that lock. */
export const withoutEarlierLock = (text: string): string | undefined => (isUserLock(text) ? undefined : text);

/** What adds something under a user takes both locks, the second where it is not part of a batch (S16). */
export const withoutAnyLock = (text: string): string | undefined =>
  isUserLock(text) ? undefined : text.replace(/\s+for share of u, c/, "");

/**
 * Runs rounds of a twin until one gives a number above 0: it leaks.
 *
 * @throws {Error} If it does not: then the race proves nothing about the real operation.
 */
export async function untilItLeaks(rounds: number, round: () => Promise<number>): Promise<void> {
  for (let number = 0; number < rounds; number++) if ((await round()) > 0) return; // Not for NaN, either.
  throw new Error(`The twin has not leaked in ${rounds} rounds.`);
}
