/**
 * The backends of the local Neon proxy: a node-postgres pool, or a PGlite instance.
 *
 * @module
 */
import type { PGlite } from "@electric-sql/pglite";
import type { Pool, PoolClient } from "pg";
import { withDeadline } from "../../src/store/drivers/deadline.ts";
import { textOptions } from "../../src/store/drivers/pglite.ts";
import { PoolConnections } from "../../src/store/drivers/pool.ts";

/** One statement as the client sends it. */
export interface NeonQuery {
  query: string;
  params: (string | null)[];
}

/** The result of one statement as the client expects it. */
export interface NeonResult {
  command: string;
  rowCount: number | null;
  rowAsArray: true;
  rows: (string | null)[][];
  fields: { name: string; dataTypeID: number }[];
}

/** What the proxy forwards statements to. */
export interface NeonBackend {
  run(query: NeonQuery): Promise<NeonResult>;
  /** @param begin The statement that opens the transaction. */
  transaction(begin: string, queries: readonly NeonQuery[]): Promise<NeonResult[]>;
}

/** How long a statement may take. Clients wait less; an abandoned one would delay the end. */
const statementMilliseconds = 10_000;

/** A backend over node-postgres. Sends nothing that a transaction pooler refuses. */
export function poolBackend(pool: Pool): NeonBackend {
  const connections = new PoolConnections(pool, statementMilliseconds);
  const types = { getTypeParser: () => (text: string) => text };
  const runOn = async (client: PoolClient, { query, params }: NeonQuery): Promise<NeonResult> => {
    // `extended` refuses several statements in one, as Neon does.
    const config = { text: query, values: params, rowMode: "array" as const, types, queryMode: "extended" };
    const { command, rowCount, rows, fields } = await client.query<(string | null)[]>(config);
    return {
      command,
      rowCount,
      rowAsArray: true,
      rows,
      fields: fields.map(({ name, dataTypeID }) => ({ name, dataTypeID })),
    };
  };
  /** The client gets the database's own error, whatever the lender makes of it. */
  const withClient = async <Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> => {
    let thrown: { error: unknown } | undefined;
    try {
      return await withDeadline(statementMilliseconds, (deadline) =>
        connections.lend(deadline, async (client) => {
          try {
            return await work(client);
          } catch (error) {
            thrown = { error };
            throw error;
          }
        }),
      );
    } catch (error) {
      throw thrown ? thrown.error : error;
    }
  };
  return {
    run: (query) => withClient((client) => runOn(client, query)),
    transaction: (begin, queries) =>
      withClient(async (client) => {
        await client.query(`${begin}; set local statement_timeout = ${statementMilliseconds}`);
        try {
          const results: NeonResult[] = [];
          for (const query of queries) results.push(await runOn(client, query));
          await client.query("commit");
          return results;
        } catch (error) {
          // If this fails too, the connection is dead, and the server undoes its side.
          await client.query("rollback").catch(() => undefined);
          throw error;
        }
      }),
  };
}

/** A backend over a PGlite instance, which this process may also use otherwise. */
export function pgliteBackend(instance: PGlite): NeonBackend {
  const runOn = async (queryable: Pick<PGlite, "query">, { query, params }: NeonQuery): Promise<NeonResult> => {
    const result = await queryable.query<(string | null)[]>(query, params, textOptions(instance));
    const fields = result.fields.map(({ name, dataTypeID }) => ({ name, dataTypeID }));
    return { command: "", rowCount: result.affectedRows ?? null, rowAsArray: true, rows: result.rows, fields };
  };
  return {
    async run(query) {
      await instance.waitReady;
      return await runOn(instance, query);
    },
    transaction: (begin, queries) =>
      instance.transaction(async (transaction) => {
        // PGlite has sent a bare BEGIN; the same options are accepted as long as no statement has run.
        if (begin !== "begin") await transaction.exec(begin.replace("begin", "set transaction"));
        const results: NeonResult[] = [];
        for (const query of queries) results.push(await runOn(transaction, query));
        return results;
      }),
  };
}
