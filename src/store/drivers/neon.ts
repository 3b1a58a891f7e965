/**
 * Neon's SQL over HTTP: one request for each `run` or `batch`. The driver for edge runtimes.
 *
 * @module
 */
import { neon as neonClient, neonConfig } from "@neondatabase/serverless";
import type { Database, Statement } from "../sql.ts";
import { databaseError } from "./database-error.ts";
import { retryConflicts } from "./retry.ts";
import { DatabaseUnreachableError, timeoutReason } from "./unreachable.ts";
import { decodeResult, encodeStatement, type TextQuery, type TextResult } from "./values.ts";

/** The options of {@link neon}. */
export interface NeonOptions {
  /** URL of the SQL endpoint. Default: Neon's own, which its client derives from the connection string's host. */
  fetchEndpoint?: string | undefined;
  /** How long one request may take, in milliseconds. Default 2000. */
  timeoutMilliseconds?: number | undefined;
}

/**
 * Connects to Postgres through Neon's HTTP endpoint. Nothing is sent before the first statement.
 *
 * A redirect is not followed: it would carry the connection string to its target.
 *
 * @throws {TypeError} If the connection string is not a Postgres URL with user, host and database.
 */
export function neon(connectionString: string, options: NeonOptions = {}): Database {
  const { fetchEndpoint, timeoutMilliseconds = 2000 } = options;
  const url = parseConnectionString(connectionString);
  if (fetchEndpoint !== undefined) registerEndpoint(url, fetchEndpoint);
  const client = neonClient(connectionString, { arrayMode: true, fullResults: true });
  const query = ({ text, values }: TextQuery, fetchOptions: RequestInit = {}) =>
    client.query(text, values, { types: textTypes, fetchOptions });

  const request = async <Result>(send: (fetchOptions: RequestInit) => PromiseLike<Result>): Promise<Result> => {
    const signal = AbortSignal.timeout(timeoutMilliseconds);
    try {
      return await send({ signal, redirect: "manual" });
    } catch (error) {
      throw databaseError(error, signal.aborted ? timeoutReason(timeoutMilliseconds) : "no usable reply");
    }
  };

  return retryConflicts({
    async run<Row>(statement: Statement<Row>) {
      const encoded = encodeStatement(statement);
      return decodeResult<Row>((await request((fetchOptions) => query(encoded, fetchOptions))) as TextResult);
    },
    async batch(statements) {
      const encoded = statements.map(encodeStatement);
      const results = await request((fetchOptions) =>
        client.transaction(
          encoded.map((one) => query(one)),
          { isolationLevel: "ReadCommitted", fetchOptions },
        ),
      );
      if (results.length !== statements.length) throw new DatabaseUnreachableError("no usable reply");
      return results.map((result) => decodeResult(result as TextResult));
    },
  });
}

/** Every column as the text that Postgres printed. */
const textTypes = { getTypeParser: () => (text: string) => text };

/** The client's own error for a bad connection string quotes it, and comes only with the first statement. */
function parseConnectionString(connectionString: string): URL {
  const rest = /^postgres(?:ql)?:(\/\/.+)$/.exec(connectionString)?.[1];
  const url = rest !== undefined && URL.canParse(`http:${rest}`) ? new URL(`http:${rest}`) : undefined;
  if (!url?.username || !url.hostname || url.pathname.length < 2) {
    throw new TypeError("neon needs a connection string of the form postgres://user:password@host/database.");
  }
  return url;
}

/**
 * The client knows one endpoint for the whole module, but lets it be a function of host and port. So the host and port of each
 * connection string select its endpoint, and the earlier configuration answers for all others.
 */
const endpoints = new Map<string, string>();
let configuredBefore: typeof neonConfig.fetchEndpoint = "";

function registerEndpoint(url: URL, fetchEndpoint: string): void {
  const key = `${url.hostname}:${url.port}`;
  if ((endpoints.get(key) ?? fetchEndpoint) !== fetchEndpoint) {
    throw new TypeError("One host and port cannot have two SQL endpoints.");
  }
  endpoints.set(key, fetchEndpoint);
  if (neonConfig.fetchEndpoint !== endpointFor) {
    configuredBefore = neonConfig.fetchEndpoint;
    neonConfig.fetchEndpoint = endpointFor;
  }
}

const endpointFor: Exclude<typeof neonConfig.fetchEndpoint, string> = (host, port, options) => {
  const endpoint = endpoints.get(`${host}:${port}`) ?? configuredBefore;
  return typeof endpoint === "function" ? endpoint(host, port, options) : endpoint;
};
