/** How many attempts from one place are let through before the database is asked beforehand. */
const freeAttempts = 5;
/** How many places are remembered; the one that was seen longest ago is forgotten. */
const mostPlaces = 1_000;

/**
 * What one isolate remembers of attempts that cost a hash, by the names of their counters. While they are few, the statement
 * that acts also counts; from then on the attempt is counted in the database before the work is done. Forgetting costs
 * nothing: the count in the database decides either way.
 */
export class Admissions {
  readonly #seen = new Map<string, number>();

  /** Notes an attempt. True if the database must be asked before any work is done for it. */
  mustAsk(counters: readonly { readonly name: string }[]): boolean {
    return counters.map(({ name }) => this.#note(name, 1)).some((count) => count > freeAttempts);
  }

  /** Notes a refusal: from then on the database is asked first. */
  refuse(counters: readonly { readonly name: string }[]): void {
    for (const { name } of counters) this.#note(name, freeAttempts);
  }

  #note(name: string, attempts: number): number {
    const count = Math.min((this.#seen.get(name) ?? 0) + attempts, freeAttempts + 1);
    // Placed anew, so that the first of the map is the one to forget.
    this.#seen.delete(name);
    this.#seen.set(name, count);
    if (this.#seen.size > mostPlaces) this.#seen.delete(this.#seen.keys().next().value!);
    return count;
  }
}
