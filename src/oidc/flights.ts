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
  outcome?: { readonly until: number; readonly value: unknown } | { readonly error: unknown };
}

/** Pieces of work by key, the oldest first. */
const flights: Map<string, Flight> = new Map();
const pollMilliseconds = 20;
/** Long enough that every caller that waits looks once more. */
const leastKeptMilliseconds = 1_000;

/** What is done once for many callers. */
export interface SharedWork<Value> {
  /** Names the work and everything that its answer depends on. */
  readonly key: string;
  /** How long each of the requests may take. After the time of four, work that has not ended counts as abandoned. */
  readonly timeoutMs: number;
  /** For how long after its end its answer serves callers. At least a second, so that those who wait get it. */
  readonly keptMilliseconds?: (value: Value) => number;
  readonly work: () => Promise<Value>;
}

/** The answer of the work, done by this call or by one that had begun already. A failure is shared, and not kept. */
export async function doOnce<Value>(shared: SharedWork<Value>): Promise<Value> {
  const { key, timeoutMs } = shared;
  const isAbandoned = ({ since, outcome }: Flight) => !outcome && elapsedMilliseconds() - since > 4 * timeoutMs;
  for (;;) {
    const flight = flights.get(key);
    if (!flight || isAbandoned(flight)) return await begin(shared);
    while (!flight.outcome && !isAbandoned(flight)) {
      await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
    }
    const { outcome } = flight;
    if (!outcome) continue;
    if ("error" in outcome) throw outcome.error;
    if (elapsedMilliseconds() <= outcome.until) return outcome.value as Value;
    if (flights.get(key) === flight) flights.delete(key);
  }
}

async function begin<Value>({ key, work, keptMilliseconds }: SharedWork<Value>): Promise<Value> {
  const flight: Flight = { since: elapsedMilliseconds() };
  remember(flights, key, flight);
  try {
    const value = await work();
    const kept = Math.max(keptMilliseconds?.(value) ?? 0, leastKeptMilliseconds);
    flight.outcome = { until: elapsedMilliseconds() + kept, value };
    return value;
  } catch (error) {
    flight.outcome = { error };
    if (flights.get(key) === flight) flights.delete(key);
    throw error;
  }
}

/** What an isolate remembers of one kind: at most 1,000 things, the newest. */
export function remember<Value>(things: Map<string, Value>, key: string, value: Value): void {
  things.delete(key);
  things.set(key, value);
  if (things.size > 1_000) things.delete(things.keys().next().value!);
}

/** A number for each object, so that the name of shared work can contain it. */
const identities: WeakMap<WeakKey, number> = new WeakMap();
let lastIdentity = 0;

/** The object's number in this isolate. `undefined` for `undefined`. */
export function identityOf(object: WeakKey | undefined): number | undefined {
  if (object && !identities.has(object)) identities.set(object, ++lastIdentity);
  return object && identities.get(object);
}
