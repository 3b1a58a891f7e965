/**
 * Connections of a node-postgres pool for one request each, and never one that is dead.
 *
 * A database, a balancer or a route can fall silent without a word: what was open stays open and never answers. A pool by
 * itself waits for such connections for ever, and so do its callers.
 *
 * @module
 */
import type { Pool, PoolClient } from "pg";
import { sql } from "../sql.ts";
import { isUnserviceable } from "../sqlstate.ts";
import { DatabaseError, databaseError, unsentError } from "./database-error.ts";
import type { Deadline } from "./deadline.ts";
import { machineTime } from "./patience.ts";
import { DatabaseUnreachableError, pastDeadline } from "./unreachable.ts";

/** A connection that was used less long ago than this is used again without asking it first. */
const trustedMilliseconds = 500;
/** After this long without a byte, what is asked or still connecting counts as dead. */
const silenceMilliseconds = 600;
const tickMilliseconds = 100;

/** What a pool knows of its connections, and has no public name for. Without it, only the pool's own time-out ends them. */
interface PoolInside {
  readonly _clients?: readonly {
    readonly _connecting?: boolean;
    readonly connection?: { readonly stream?: { readonly bytesRead?: unknown; destroy(): void } };
  }[];
}

/** What was last heard on a connection that is being made. */
interface Progress {
  readonly bytes: number;
  readonly at: number;
  doomedAt: number | undefined;
}

/** Lends connections of a pool. Holds nothing of a request, only when each connection was last heard of. */
export class PoolConnections {
  readonly #pool: Pool;
  readonly #usedAt = new WeakMap<PoolClient, number>();
  readonly #progress = new WeakMap<object, Progress>();
  /** Idle connections that were last used before this are closed unasked. */
  #suspectBefore = 0;
  #heardAt = 0;

  /**
   * Sets the pool's connection time-out if it has none or a longer one. A pool without it keeps connections that will never be
   * made, and callers who have left.
   */
  constructor(pool: Pool, timeoutMilliseconds: number) {
    this.#pool = pool;
    const { connectionTimeoutMillis } = pool.options;
    if (!connectionTimeoutMillis || connectionTimeoutMillis > timeoutMilliseconds) {
      pool.options.connectionTimeoutMillis = timeoutMilliseconds;
    }
  }

  /**
   * Runs work on a connection of its own. It returns to the pool only if it is idle and its server can serve.
   *
   * @throws {DatabaseUnreachableError} `isUnsent` if there is no connection.
   */
  async lend<Result>(deadline: Deadline, work: (connection: PoolClient) => Promise<Result>): Promise<Result> {
    deadline.hasSent = false;
    const { connection, release } = await this.#take(deadline);
    let isBroken = false;
    deadline.hasSent = true;
    try {
      const result = await work(connection);
      this.#heardAt = machineTime();
      return result;
    } catch (error) {
      const ours = databaseError(error, "the connection broke");
      const isRefused = ours instanceof DatabaseError && isUnserviceable(ours.code);
      // The others lead to the same server.
      if (isRefused) this.#suspectBefore = machineTime();
      isBroken = isRefused || ours instanceof DatabaseUnreachableError;
      throw ours;
    } finally {
      release(isBroken || connection.getTransactionStatus() !== "I");
    }
  }

  /** A connection that answers, and the function that gives it back. */
  async #take(deadline: Deadline): Promise<{ connection: PoolClient; release: (destroy: boolean) => void }> {
    for (;;) {
      // An error on a connection without a listener would end the process. The query fails as well and reports it, so this
      // listener does nothing. It is there before the pool's is gone, and stays on a connection that the pool does not take
      // back.
      const onError = (): void => {};
      const mayBeOld = this.#pool.idleCount > 0;
      const connection = await this.#connect(onError);
      let isReleased = false;
      const release = (destroy: boolean): void => {
        if (isReleased) return;
        isReleased = true;
        this.#usedAt.set(connection, machineTime());
        connection.release(destroy);
        if (!destroy) connection.off("error", onError);
      };
      if (deadline.hasPassed) {
        release(false);
        throw pastDeadline(deadline.milliseconds, true);
      }
      deadline.onPassed = () => release(true);
      if (!mayBeOld || (await this.#isAlive(connection))) return { connection, release };
      release(true);
    }
  }

  /** A connection of the pool, new, just given back by another request, or idle. */
  async #connect(onError: () => void): Promise<PoolClient> {
    const watch = setInterval(() => this.#endSilent(), tickMilliseconds);
    try {
      return await new Promise<PoolClient>((resolve, reject) => {
        this.#pool.connect((error, client) => {
          if (!client) return reject(error);
          client.on("error", onError);
          resolve(client);
        });
      });
    } catch (error) {
      throw unsentError(error, "no usable connection");
    } finally {
      clearInterval(watch);
    }
  }

  /** Asks a connection that has been idle for a while. If it is silent, those that were idle for longer are as well. */
  async #isAlive(connection: PoolClient): Promise<boolean> {
    const usedAt = this.#usedAt.get(connection);
    if (usedAt !== undefined && usedAt < this.#suspectBefore) return false;
    if (usedAt !== undefined && machineTime() - usedAt < trustedMilliseconds) return true;
    let isSettled = false;
    const answered = connection.query(sql`select 1`.text).then(
      () => true,
      () => false,
    );
    const silent = (async () => {
      // In short waits, so that a process that stood still reads what has arrived before it judges.
      for (let waited = 0; waited < silenceMilliseconds && !isSettled; waited += tickMilliseconds) {
        await new Promise((resolve) => setTimeout(resolve, tickMilliseconds));
      }
      return false;
    })();
    const isAlive = await Promise.race([answered, silent]);
    isSettled = true;
    if (!isAlive) this.#suspectBefore = machineTime();
    return isAlive;
  }

  /**
   * Closes what has been connecting in silence while the whole pool was silent. The oldest is spared, unless it is the pool's
   * only place: a server may take its time to check a password.
   */
  #endSilent(): void {
    const now = machineTime();
    const connecting = ((this.#pool as unknown as PoolInside)._clients ?? []).filter((client) => client._connecting);
    for (const [age, client] of connecting.entries()) {
      const stream = client.connection?.stream;
      const bytes = stream?.bytesRead;
      if (!stream || typeof bytes !== "number") continue;
      const known = this.#progress.get(client);
      if (known?.bytes !== bytes) {
        this.#progress.set(client, { bytes, at: now, doomedAt: undefined });
        if (known) this.#heardAt = now;
        continue;
      }
      if (
        (age === 0 && this.#pool.options.max !== 1) ||
        now - Math.max(known.at, this.#heardAt) < silenceMilliseconds
      ) {
        continue;
      }
      // Not at once: a process that stood still reads what has arrived first.
      if (known.doomedAt === undefined) known.doomedAt = now;
      else if (now - known.doomedAt >= tickMilliseconds / 2) stream.destroy();
    }
  }
}
