import { given, OptionError } from "../../domain/option-error.ts";
import { isUnserviceable } from "../sqlstate.ts";
import { DatabaseError } from "./database-error.ts";

/** Milliseconds of this machine's clock. They measure only how long something took. */
export function machineTime(): number {
  return performance.now();
}

/** How long a driver waits. */
export interface PatienceOptions {
  /**
   * How long one request may take, in milliseconds, with the wait for a connection and with every repeat of what certainly did
   * not run. Default 4000.
   */
  timeoutMilliseconds?: number | undefined;
  /**
   * The same until the database has answered once: a database that sleeps may be waking up. Default 7000, or
   * `timeoutMilliseconds` if you give that.
   */
  firstTimeoutMilliseconds?: number | undefined;
}

/** How long one driver waits. It remembers only whether its database has ever answered. */
export class Patience {
  readonly #usual: number;
  readonly #first: number;
  #hasAnswered = false;

  constructor({ timeoutMilliseconds, firstTimeoutMilliseconds }: PatienceOptions) {
    for (const [name, value] of Object.entries({ timeoutMilliseconds, firstTimeoutMilliseconds })) {
      if (value !== undefined && !(value > 0)) {
        throw new OptionError(`\`${name}\`: ${given(value)}, and must be a number of milliseconds above 0.`);
      }
    }
    this.#usual = timeoutMilliseconds ?? 4_000;
    this.#first = Math.max(this.#usual, firstTimeoutMilliseconds ?? (timeoutMilliseconds === undefined ? 7_000 : 0));
  }

  /** The limit after the first answer. */
  get usual(): number {
    return this.#usual;
  }

  /** The limit of a request, in milliseconds, which its caller may have shortened. */
  limit(shortened: number = Number.POSITIVE_INFINITY): number {
    return Math.max(1, Math.min(shortened, this.#hasAnswered ? this.#usual : this.#first));
  }

  /** The same request, which notes that the database has answered, be it with a refusal. */
  noting<Result>(request: () => Promise<Result>): () => Promise<Result> {
    return async () => {
      try {
        const result = await request();
        this.#hasAnswered = true;
        return result;
      } catch (error) {
        if (error instanceof DatabaseError && !isUnserviceable(error.code)) this.#hasAnswered = true;
        throw error;
      }
    };
  }
}
