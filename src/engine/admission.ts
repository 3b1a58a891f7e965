/** How many attempts from one place are admitted before the database is asked first. */
const freeAttempts = 5;
/** How many places are remembered. The place that was seen longest ago is forgotten first. */
const mostPlaces = 1_000;

/**
 * What one isolate remembers of attempts that cost a hash, by the names of their counters. While attempts are few, the
 * statement that acts also counts them. After that, the database counts an attempt before the work is done. Forgetting is
 * harmless: the count in the database decides either way.
 */
export class Admissions {
  readonly #seen = new Map<string, number>();

  /** Counts an attempt. True if the database must be asked before any work is done for it. */
  mustAsk(counters: readonly { readonly name: string }[]): boolean {
    return counters.map(({ name }) => this.#note(name, 1)).some((count) => count > freeAttempts);
  }

  /** Counts a refusal: from then on the database is asked first. */
  refuse(counters: readonly { readonly name: string }[]): void {
    for (const { name } of counters) this.#note(name, freeAttempts);
  }

  #note(name: string, attempts: number): number {
    const count = Math.min((this.#seen.get(name) ?? 0) + attempts, freeAttempts + 1);
    // Moved to the end, so that the first entry of the map is the next to forget.
    this.#seen.delete(name);
    this.#seen.set(name, count);
    if (this.#seen.size > mostPlaces) this.#seen.delete(this.#seen.keys().next().value!);
    return count;
  }
}
