/** How long the caller of an operation or of a route waits for its answer, in milliseconds. */
export interface Timeouts {
  /** Default 5000. */
  readonly requestMilliseconds: number;
  /** Until the database has answered this `auth` once: it may be waking up. Default 8000. */
  readonly firstMilliseconds: number;
}

export const defaultTimeouts: Timeouts = { requestMilliseconds: 5_000, firstMilliseconds: 8_000 };

/** The part of the time that an answer needs beyond the work: to give up a connection and to travel. */
const travelMilliseconds = 1_250;

/** How long one `auth` lets its callers wait. It remembers only whether its database has ever answered. */
export class Patience {
  readonly #timeouts: Timeouts;
  #hasAnswered = false;

  constructor(timeouts: Timeouts) {
    this.#timeouts = timeouts;
  }

  /** The time for the work. */
  get milliseconds(): number {
    const { requestMilliseconds, firstMilliseconds } = this.#timeouts;
    return (this.#hasAnswered ? requestMilliseconds : firstMilliseconds) - travelMilliseconds;
  }

  noteAnswer(): void {
    this.#hasAnswered = true;
  }
}

/** The time in which an operation is to be answered. */
export class TimeLeft {
  readonly #endsAt: number;

  constructor(patience?: Patience) {
    this.#endsAt = performance.now() + (patience?.milliseconds ?? Number.POSITIVE_INFINITY);
  }

  /** Milliseconds, at least 1. */
  get left(): number {
    return Math.max(1, this.#endsAt - performance.now());
  }
}
