/**
 * Neon's SQL over HTTP: one request for each `run` or `batch`. The driver for edge runtimes.
 *
 * @module
 */
import { neon as neonClient, neonConfig } from "@neondatabase/serverless";
import { OptionError, requireOption } from "../../domain/option-error.ts";
import type { Database, Statement } from "../sql.ts";
import { databaseError, unsentError } from "./database-error.ts";
import { machineTime, Patience, type PatienceOptions } from "./patience.ts";
import { postgresUrlForm } from "./postgres-url.ts";
import { withRetries } from "./retry.ts";
import { DatabaseUnreachableError, pastDeadline } from "./unreachable.ts";
import { decodeResult, encodeStatement, type TextQuery, type TextResult } from "./values.ts";

/** The options of {@link neon}. */
export interface NeonOptions extends PatienceOptions {
  /** URL of the SQL endpoint. Default: Neon's own, which its client derives from the connection string's host. */
  fetchEndpoint?: string | undefined;
}

/**
 * Connects to Postgres through Neon's HTTP endpoint. Nothing is sent before the first statement.
 *
 * A redirect is not followed: it would carry the connection string to its target.
 *
 * @throws {TypeError} If the connection string is not a Postgres URL with user, host and database.
 */
export function neon(connectionString: string, options: NeonOptions = {}): Database {
  const { fetchEndpoint } = options;
  const patience = new Patience(options);
  const url = parseConnectionString(connectionString);
  if (fetchEndpoint !== undefined) registerEndpoint(url, fetchEndpoint);
  const client = neonClient(connectionString, { arrayMode: true, fullResults: true });
  const query = ({ text, values }: TextQuery, fetchOptions: RequestInit = {}) =>
    client.query(text, values, { types: textTypes, fetchOptions });

  const request = async <Result>(
    limit: number | undefined,
    send: (fetchOptions: RequestInit) => PromiseLike<Result>,
  ): Promise<Result> => {
    const milliseconds = patience.limit(limit);
    const endsAt = machineTime() + milliseconds;
    const signal = AbortSignal.timeout(Math.ceil(milliseconds));
    const attempt = async (): Promise<Result> => {
      try {
        return await send({ signal, redirect: "manual" });
      } catch (error) {
        if (signal.aborted) throw pastDeadline(milliseconds);
        throw wasRefused(error)
          ? unsentError(causeOf(error), "no usable reply")
          : databaseError(error, "no usable reply");
      }
    };
    return await withRetries(patience.noting(attempt), endsAt);
  };

  return {
    async run<Row>(statement: Statement<Row>, limit?: number) {
      const encoded = encodeStatement(statement);
      return decodeResult<Row>((await request(limit, (fetchOptions) => query(encoded, fetchOptions))) as TextResult);
    },
    async batch(statements, limit) {
      const encoded = statements.map(encodeStatement);
      const results = await request(limit, (fetchOptions) =>
        client.transaction(
          encoded.map((one) => query(one)),
          { isolationLevel: "ReadCommitted", fetchOptions },
        ),
      );
      if (results.length !== statements.length) throw new DatabaseUnreachableError("no usable reply");
      return results.map((result) => decodeResult(result as TextResult));
    },
  };
}

/** The platform's own error, which the client keeps. Node's `fetch` wraps it once more. */
function causeOf(error: unknown): unknown {
  const { sourceError } = error as { sourceError?: unknown };
  return (sourceError as { cause?: unknown } | undefined)?.cause;
}

/** True if the endpoint took no connection, so that nothing was sent. A platform that does not say so is not believed. */
function wasRefused(error: unknown): boolean {
  const { code } = (causeOf(error) ?? {}) as { code?: unknown };
  return typeof code === "string" && /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT)$/.test(code);
}

/** Every column as the text that Postgres printed. */
const textTypes = { getTypeParser: () => (text: string) => text };

/** The client's own error for a bad connection string quotes it, and comes only with the first statement. */
function parseConnectionString(connectionString: string): URL {
  const rest = /^postgres(?:ql)?:(\/\/.+)$/.exec(String(connectionString))?.[1];
  const url = rest !== undefined && URL.canParse(`http:${rest}`) ? new URL(`http:${rest}`) : undefined;
  if (!url?.username || !url.hostname || url.pathname.length < 2) {
    const what = connectionString
      ? `a text of ${connectionString.length} characters is no connection string`
      : "it is missing";
    throw new OptionError(`${what}. It has the form ${postgresUrlForm}.`);
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
  requireOption(URL.canParse(fetchEndpoint), fetchEndpoint, "the URL of a SQL endpoint", "fetchEndpoint");
  const key = `${url.hostname}:${url.port}`;
  if ((endpoints.get(key) ?? fetchEndpoint) !== fetchEndpoint) {
    throw new OptionError("one host and port cannot have two SQL endpoints.");
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
