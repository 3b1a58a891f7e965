/**
 * Postgres over a socket, through node-postgres: Node, Deno, Bun, and Workers with Hyperdrive.
 *
 * @module
 */
import type { Client, Pool, PoolClient } from "pg";
import type { Database, Statement } from "../sql.ts";
import { databaseError } from "./database-error.ts";
import { retryConflicts } from "./retry.ts";
import { DatabaseUnreachableError, timeoutReason } from "./unreachable.ts";
import { decodeResult, encodeStatement, type TextQuery, type TextResult } from "./values.ts";

/** The options of {@link postgres}. */
export interface PostgresOptions {
  /** How long one request may take, in milliseconds, including the wait for a connection. Default 2000. */
  timeoutMilliseconds?: number | undefined;
}

/**
 * Runs statements on a node-postgres `Pool`, or on one connected client.
 *
 * If a client is inside a transaction when a request comes, the request nests with a savepoint: a refusal undoes only its own
 * work, and nothing is final before the caller commits. Such a request has no deadline and is not retried. Put several
 * operations of one transaction into one `auth.batch`, which takes all locks in one order; separate operations may deadlock. In
 * every other case, a connection whose deadline passed is closed, because its reply may still come.
 *
 * The caller closes the pool or client, and adds the `error` listener that node-postgres asks for on a pool.
 *
 * @throws {TypeError} Later, from a nested request, if the caller's transaction is not READ COMMITTED.
 */
export function postgres(poolOrClient: Pool | Client | PoolClient, options: PostgresOptions = {}): Database {
  const { timeoutMilliseconds = 2000 } = options;
  return "totalCount" in poolOrClient
    ? onPool(poolOrClient, timeoutMilliseconds)
    : onClient(poolOrClient, timeoutMilliseconds);
}

type Connection = Client | PoolClient;

/** Runs work on a connection of its own, within the deadline. */
type Request = <Result>(work: (connection: Connection) => Promise<Result>) => Promise<Result>;

function onPool(pool: Pool, timeoutMilliseconds: number): Database {
  const request: Request = (work) =>
    withDeadline(timeoutMilliseconds, async (deadline) => {
      // An error on a connection without a listener would end the process. The query fails as well and reports it, so this
      // listener does nothing. It is there before the pool's is gone, and stays on a connection that the pool does not take
      // back.
      const onError = (): void => {};
      const connection = await new Promise<PoolClient>((resolve, reject) => {
        pool.connect((error, client) => {
          if (!client) return reject(error);
          client.on("error", onError);
          resolve(client);
        });
      });
      let released = false;
      const release = (destroy: boolean): void => {
        if (released) return;
        released = true;
        connection.release(destroy);
        if (!destroy) connection.off("error", onError);
      };
      if (deadline.passed) {
        release(false);
        throw new DatabaseUnreachableError(timeoutReason(timeoutMilliseconds));
      }
      deadline.onPassed = () => release(true);
      let isBroken = false;
      try {
        return await work(connection);
      } catch (error) {
        const ours = databaseError(error, "the connection broke");
        isBroken = ours instanceof DatabaseUnreachableError;
        throw ours;
      } finally {
        // Only an idle connection may return to the pool.
        release(isBroken || connection.getTransactionStatus() !== "I");
      }
    });
  return retryConflicts(onConnection(request, timeoutMilliseconds));
}

function onClient(client: Connection, timeoutMilliseconds: number): Database {
  const request: Request = (work) =>
    withDeadline(timeoutMilliseconds, (deadline) => {
      // With a query running, `end` cuts the socket at once. A pool's client also has it, though its type does not say so.
      deadline.onPassed = () => void (client as Client).end();
      return work(client);
    });
  const alone = retryConflicts(onConnection(request, timeoutMilliseconds));
  const nested = insideTransaction(client);
  const isNested = (): boolean => ["T", "E"].includes(client.getTransactionStatus() ?? "");

  /** Requests on one connection wait for each other, or the second would run inside the first one's transaction. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(send: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(send, send);
    last = turn;
    return turn;
  };
  return {
    run: (statement) => inTurn(() => (isNested() ? nested : alone).run(statement)),
    batch: (statements) => inTurn(() => (isNested() ? nested : alone).batch(statements)),
    isNested,
  };
}

function onConnection(request: Request, timeoutMilliseconds: number): Database {
  // The server gets the same deadline; otherwise it would keep the locks of a batch after its client has left.
  const begin = `begin isolation level read committed; set local statement_timeout = ${Math.ceil(timeoutMilliseconds)}`;
  return {
    async run<Row>(statement: Statement<Row>) {
      const encoded = encodeStatement(statement);
      return decodeResult<Row>(await request((connection) => runOn(connection, encoded)));
    },
    async batch(statements) {
      const encoded = statements.map(encodeStatement);
      const results = await request(async (connection) => {
        await connection.query(begin);
        return await undoneOnError(connection, "rollback", async () => {
          const texts = await runAll(connection, encoded);
          await connection.query("commit");
          return texts;
        });
      });
      return results.map((result) => decodeResult(result));
    },
  };
}

function insideTransaction(client: Connection): Database {
  const undo = "rollback to savepoint sallyport; release savepoint sallyport";
  const isolation = { text: "select current_setting('transaction_isolation')", values: [] };

  const request = async (encoded: readonly TextQuery[]): Promise<TextResult[] | "wrong isolation"> => {
    try {
      await client.query("savepoint sallyport");
      return await undoneOnError(client, undo, async () => {
        const level = (await runOn(client, isolation)).rows[0]?.[0];
        const texts = level === "read committed" ? await runAll(client, encoded) : "wrong isolation";
        await client.query("release savepoint sallyport");
        return texts;
      });
    } catch (error) {
      throw databaseError(error, "no usable connection");
    }
  };
  const batch = async (statements: readonly Statement<unknown>[]): Promise<unknown[][]> => {
    const results = await request(statements.map(encodeStatement));
    // Under a stricter level, a batch's statements would not see the changes that its first statements waited for.
    if (results === "wrong isolation") throw new TypeError("The transaction must be READ COMMITTED.");
    return results.map((result) => decodeResult(result));
  };
  return { batch, run: async <Row>(statement: Statement<Row>) => (await batch([statement]))[0] as Row[] };
}

interface Deadline {
  passed: boolean;
  /** Ends the connection that the request holds. */
  onPassed: () => void;
}

/** Fails when the time is up, whatever the request does. The request's own failure is converted. */
async function withDeadline<Result>(
  timeoutMilliseconds: number,
  request: (deadline: Deadline) => Promise<Result>,
): Promise<Result> {
  const deadline: Deadline = { passed: false, onPassed: () => {} };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      deadline.passed = true;
      reject(new DatabaseUnreachableError(timeoutReason(timeoutMilliseconds)));
      deadline.onPassed();
    }, timeoutMilliseconds);
  });
  try {
    return await Promise.race([request(deadline), expired]);
  } catch (error) {
    throw databaseError(error, "no usable connection");
  } finally {
    clearTimeout(timer);
  }
}

/** Every column as the text that Postgres printed. */
const textTypes = { getTypeParser: () => (text: string) => text };

/** Without `extended`, a statement without parameters could contain several. Neon and PGlite refuse that, and so does this. */
async function runOn(connection: Connection, { text, values }: TextQuery): Promise<TextResult> {
  const query = { text, values, rowMode: "array" as const, types: textTypes, queryMode: "extended" };
  return await connection.query<(string | null)[]>(query);
}

async function runAll(connection: Connection, queries: readonly TextQuery[]): Promise<TextResult[]> {
  const results: TextResult[] = [];
  for (const query of queries) results.push(await runOn(connection, query));
  return results;
}

/** Sends `undo` if the work fails. If that fails too, the connection is dead, and the server undoes its side. */
async function undoneOnError<Result>(
  connection: Connection,
  undo: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    await connection.query(undo).catch(() => undefined);
    throw error;
  }
}
