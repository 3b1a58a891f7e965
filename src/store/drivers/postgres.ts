/**
 * Postgres over a socket, through node-postgres: Node, Deno, Bun, and Workers with Hyperdrive.
 *
 * @module
 */

import type { Client, Pool, PoolClient } from "pg";
import { requireOption } from "../../domain/option-error.ts";
import type { Database, Statement } from "../sql.ts";
import { databaseError } from "./database-error.ts";
import { withDeadline } from "./deadline.ts";
import { machineTime, Patience, type PatienceOptions } from "./patience.ts";
import { PoolConnections } from "./pool.ts";
import { withRetries } from "./retry.ts";
import { decodeResult, encodeStatement, type TextQuery, type TextResult } from "./values.ts";

/** The options of {@link postgres}. */
export interface PostgresOptions extends PatienceOptions {}

/**
 * Runs statements on a node-postgres `Pool`, or on one connected client.
 *
 * If a client is inside a transaction when a request comes, the request nests with a savepoint: a refusal undoes only its own
 * work, and nothing is final before the caller commits. Such a request has no deadline and is not repeated. Put several
 * operations of one transaction into one `auth.batch`, which takes all locks in one order; separate operations may deadlock. In
 * every other case, a connection whose deadline passed is closed, because its reply may still come.
 *
 * The caller closes the pool or client, and adds the `error` listener that node-postgres asks for on a pool. If the pool's
 * `connectionTimeoutMillis` is missing or longer than `timeoutMilliseconds`, it is set to that. A pool's connection that has
 * been idle for half a second is asked before it is used, and closed if it is silent.
 *
 * @throws {TypeError} Later, from a nested request, if the caller's transaction is not READ COMMITTED.
 */
export function postgres(poolOrClient: Pool | Client | PoolClient, options: PostgresOptions = {}): Database {
  requireOption(typeof poolOrClient?.query === "function", undefined, "a pool or a client of pg");
  const patience = new Patience(options);
  return "totalCount" in poolOrClient ? onPool(poolOrClient, patience) : onClient(poolOrClient, patience);
}

type Connection = Client | PoolClient;

/** Runs work on a connection of its own, within the deadline. */
type Request = <Result>(
  limit: number | undefined,
  work: (connection: Connection, milliseconds: number) => Promise<Result>,
) => Promise<Result>;

function onPool(pool: Pool, patience: Patience): Database {
  const connections = new PoolConnections(pool, patience.usual);
  return onConnection(
    async (limit, work) =>
      await withDeadline(patience.limit(limit), async (deadline) => {
        const attempt = () =>
          connections.lend(deadline, (connection) => work(connection, deadline.endsAt - machineTime()));
        return await withRetries(patience.noting(attempt), deadline.endsAt);
      }),
  );
}

function onClient(client: Connection, patience: Patience): Database {
  const alone = onConnection(
    async (limit, work) =>
      await withDeadline(patience.limit(limit), async (deadline) => {
        // With a query running, `end` cuts the socket at once. A pool's client also has it, though its type does not say so.
        deadline.onPassed = () => void (client as Client).end();
        deadline.hasSent = true;
        const attempt = () => work(client, deadline.endsAt - machineTime());
        return await withRetries(patience.noting(converting(attempt)), deadline.endsAt, true);
      }),
  );
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
    run: (statement, limit) => inTurn(() => (isNested() ? nested : alone).run(statement, limit)),
    batch: (statements, limit) => inTurn(() => (isNested() ? nested : alone).batch(statements, limit)),
    isNested,
  };
}

function onConnection(request: Request): Database {
  return {
    async run<Row>(statement: Statement<Row>, limit?: number) {
      const encoded = encodeStatement(statement);
      return decodeResult<Row>(await request(limit, (connection) => runOn(connection, encoded)));
    },
    async batch(statements, limit) {
      const encoded = statements.map(encodeStatement);
      const results = await request(limit, async (connection, milliseconds) => {
        await connection.query(begin(milliseconds));
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

/** The server gets the same deadline; otherwise it would keep the locks of a batch after its client has left. */
function begin(milliseconds: number): string {
  const timeout = Math.max(1, Math.ceil(milliseconds));
  return `begin isolation level read committed; set local statement_timeout = ${timeout}`;
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

/** The same work, whose errors are the driver's own. */
function converting<Result>(work: () => Promise<Result>): () => Promise<Result> {
  return async () => {
    try {
      return await work();
    } catch (error) {
      throw databaseError(error, "no usable connection");
    }
  };
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
