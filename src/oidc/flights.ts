/**
 * One request where many callers of an isolate want the same answer.
 *
 * The others wait by looking again, and no promise is kept: if the first caller's request is cancelled, its promise would never
 * settle, and every later caller would wait for it for ever.
 *
 * @module
 */

import { elapsedMilliseconds } from "./clock.ts";

/** A piece of work that has begun, and how it ended. */
interface Flight {
  readonly since: number;
  outcome?: { readonly at: number; readonly value: unknown } | { readonly error: unknown };
}

/** Pieces of work by key, the oldest first. */
const flights: Map<string, Flight> = new Map();
const mostFlights = 1_000;
const pollMilliseconds = 20;
/** Long enough that every caller that waits looks once more. */
const leastKeptMilliseconds = 1_000;

/** What is done once for many callers. */
export interface SharedWork<Value> {
  /** Names the work and everything that its answer depends on. */
  readonly key: string;
  /** After this time, work that has not ended counts as abandoned. */
  readonly abandonedAfterMilliseconds: number;
  /** For how long after its end its answer serves callers. At least a second, so that those who wait get it. */
  readonly keptMilliseconds: number | ((value: Value) => number);
  readonly work: () => Promise<Value>;
}

/** The answer of the work, done by this call or by one that had begun already. A failure is shared, and not kept. */
export async function doOnce<Value>(shared: SharedWork<Value>): Promise<Value> {
  const { key, abandonedAfterMilliseconds, keptMilliseconds } = shared;
  const isAbandoned = ({ since, outcome }: Flight) =>
    !outcome && elapsedMilliseconds() - since > abandonedAfterMilliseconds;
  for (;;) {
    const flight = flights.get(key);
    if (!flight || isAbandoned(flight)) return await begin(shared);
    while (!flight.outcome && !isAbandoned(flight)) {
      await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
    }
    const { outcome } = flight;
    if (!outcome) continue;
    if ("error" in outcome) throw outcome.error;
    const value = outcome.value as Value;
    const kept = typeof keptMilliseconds === "function" ? keptMilliseconds(value) : keptMilliseconds;
    if (elapsedMilliseconds() - outcome.at <= Math.max(kept, leastKeptMilliseconds)) return value;
    if (flights.get(key) === flight) flights.delete(key);
  }
}

async function begin<Value>({ key, work }: SharedWork<Value>): Promise<Value> {
  const flight: Flight = { since: elapsedMilliseconds() };
  flights.delete(key);
  flights.set(key, flight);
  if (flights.size > mostFlights) flights.delete(flights.keys().next().value!);
  try {
    const value = await work();
    flight.outcome = { at: elapsedMilliseconds(), value };
    return value;
  } catch (error) {
    flight.outcome = { error };
    if (flights.get(key) === flight) flights.delete(key);
    throw error;
  }
}
