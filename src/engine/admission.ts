import type { Actor } from "../domain/actor.ts";
import { newUuid, uuidFor } from "../domain/id.ts";
import { type Admission, type Counted, type Counter, countAlone } from "../store/counters.ts";
import type { Core } from "./core.ts";
import { requireAdmitted } from "./counters.ts";
import { execute } from "./execute.ts";

/** How many attempts from one place an isolate lets through before it asks the database first. */
const freeAttempts = 5;
/** How many places are remembered. The place that was seen longest ago is forgotten first. */
const mostPlaces = 1_000;

/**
 * What one isolate remembers of attempts that cost a hash, by the names of their counters. While attempts are few, the
 * statement that signs up also counts them, and a user's hashes are not counted. After that, the database counts an attempt
 * before the work is done. Forgetting is harmless: a place gets a few more attempts.
 */
export class Admissions {
  readonly #seen = new Map<string, number>();

  /** Counts an attempt. True if the database must be asked before any work is done for it. */
  mustAsk(counters: readonly { readonly name: string }[]): boolean {
    return counters.map(({ name }) => this.#note(name, 1)).some((count) => count > freeAttempts);
  }

  /** Takes back a count, for an attempt that cost nothing to guard against. */
  forgive(counters: readonly { readonly name: string }[]): void {
    for (const { name } of counters) this.#note(name, -1);
  }

  /**
   * Notes a refusal: from then on the database is asked first.
   *
   * @throws {AuthError} `too_many_requests`.
   */
  requireAllowed(counters: readonly { readonly name: string }[], admission: Admission): void {
    if (!admission.allowed) for (const { name } of counters) this.#note(name, freeAttempts);
    requireAdmitted(admission);
  }

  #note(name: string, attempts: number): number {
    const count = Math.max(Math.min((this.#seen.get(name) ?? 0) + attempts, freeAttempts + 1), 0);
    // Moved to the end, so that the first entry of the map is the next to forget.
    this.#seen.delete(name);
    this.#seen.set(name, count);
    if (this.#seen.size > mostPlaces) this.#seen.delete(this.#seen.keys().next().value!);
    return count;
  }
}

/**
 * Runs a hash that an actor requests before their right to it is known, as {@link admitted} does. The application's are not
 * counted. Inside a caller's transaction nothing is counted, because the transaction could undo the count.
 *
 * @param hash Gets the counters to give back if the hash is not made.
 * @throws {AuthError} `too_many_requests`, `unavailable.busy`.
 */
export async function hashFor(
  core: Core,
  admissions: Admissions,
  actor: Actor,
  hash: (counted: readonly Counted[]) => Promise<string>,
): Promise<string> {
  if (!actor.userId || core.database.isNested?.()) return await hash([]);
  return await admitted(core, { admissions, of: uuidFor("usr", actor.userId) }, hash);
}

/**
 * Runs work that takes milliseconds. Once the isolate has seen more than a little work of one user, it is counted first, with the
 * limit for an address.
 *
 * @param place.of The user's UUID, or the hash of the ticket with which a user comes.
 * @param work Gets the counters to give back if it is not done.
 * @throws {AuthError} `too_many_requests`.
 */
export async function admitted<Result>(
  core: Core,
  { admissions, of }: { readonly admissions: Admissions; readonly of: string },
  work: (counted: readonly Counted[]) => Promise<Result>,
): Promise<Result> {
  const counter: Counter = { name: `hashes:${of}`, limit: core.limits.address, kind: "address" };
  if (!admissions.mustAsk([counter])) return await work([]);
  const counted = await execute(core, {
    body: countAlone(newUuid(), [counter]),
    mustCommit: true,
    onLostReply: "repeat",
  });
  admissions.requireAllowed([counter], counted);
  return await work([counter]);
}
