/**
 * The bounded queue in front of password hashing (R011, F12, F13): short waits for some, a quick refusal for the rest.
 *
 * In workerd a request that its client abandoned stops forever at its next `await`: no `finally` runs, and any request that
 * awaits one of its promises hangs with it. So requests share no promise, only a list of entries, which are plain values. Each
 * request waits on its own timers and looks at the list when it wakes. The entry of a dead request delays those behind it by
 * one timer, and then expires.
 *
 * @module
 */

/** How long an entry may wait, dead or alive. */
const deadlineMilliseconds = 2000;

/** Too many hashes are waiting, or this one waited too long. Operations answer 503 with `Retry-After`. */
export class HashQueueFullError extends Error {
  override readonly name: string = "HashQueueFullError";
  /** Seconds to wait before trying again. Every current entry is gone by then. */
  readonly retryAfterSeconds: number = deadlineMilliseconds / 1000;

  constructor() {
    super("Too many passwords are waiting to be hashed.");
  }
}

interface Entry {
  readonly since: number;
  readonly isNew: boolean;
}

export class HashQueue {
  #waiting: Entry[] = [];
  /** How many turns were taken. A request that wakes can see from it whether another took a turn in the meantime. */
  #turns = 0;
  #lastWasNew = true;

  /** True if `run` would refuse at once. */
  isFull(maxWaiting: number): boolean {
    this.#expire();
    return this.#waiting.length >= maxWaiting;
  }

  /**
   * Runs `work`, synchronously, when its turn comes; the event loop runs between two turns.
   *
   * @param maxWaiting How many may wait, this one included. Callers with a smaller number give way to the others.
   * @param isNew True for a new hash. While checks wait, at most every second turn goes to a new hash, so strangers who request
   * new hashes take at most half of the processor's time from those who sign in (S57). Default false.
   * @throws {HashQueueFullError} At once if that many wait, or after 2 s.
   */
  async run<Result>(maxWaiting: number, work: () => Result, isNew = false): Promise<Result> {
    if (this.isFull(maxWaiting)) throw new HashQueueFullError();

    const entry: Entry = { since: performance.now(), isNew };
    this.#waiting.splice(this.#placeOf(entry), 0, entry);
    await this.#turnOf(entry);
    this.#waiting.splice(this.#waiting.indexOf(entry), 1);
    this.#turns++;
    this.#lastWasNew = isNew;
    return work();
  }

  /** A new hash goes last. A check goes behind the other checks, and ahead of the new hashes whose turn is not due before it. */
  #placeOf({ isNew }: Entry): number {
    const waiting = this.#waiting;
    if (isNew) return waiting.length;
    const checks = waiting.filter((other) => !other.isNew).length;
    const behind = waiting.findLastIndex((other) => !other.isNew) + 1;
    const due = checks + (this.#lastWasNew ? 0 : 1);
    return Math.min(Math.max(behind, checks + due), waiting.length);
  }

  /**
   * Waits until no turn was taken for one timer, plus one for each entry ahead: live requests ahead have gone by then. The
   * first timer lets I/O run between two hashes.
   */
  async #turnOf(entry: Entry): Promise<void> {
    let turnsSeen = this.#turns;
    let quietTimers = 0;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.#expire();
      const ahead = this.#waiting.indexOf(entry);
      if (ahead < 0) throw new HashQueueFullError();

      quietTimers = turnsSeen === this.#turns ? quietTimers + 1 : 0;
      turnsSeen = this.#turns;
      if (quietTimers > ahead) return;
    }
  }

  /** Removes entries past the deadline. The clock cannot be set, so none is from the future. */
  #expire(): void {
    const now = performance.now();
    this.#waiting = this.#waiting.filter(({ since }) => now - since < deadlineMilliseconds);
  }
}
