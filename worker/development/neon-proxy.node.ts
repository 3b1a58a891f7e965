/**
 * Neon's SQL-over-HTTP protocol in front of any Postgres, for development and tests.
 *
 * Neon publishes the client but not this server side, so a Worker on a developer's machine has nothing to talk to. The protocol
 * is read from `@neondatabase/serverless` 1.2.0: one statement, or a list that runs as one transaction; all values as text; a
 * database error is a 400 with its fields.
 *
 * It runs any SQL for any permitted caller (S37). So it listens on loopback only, requires a password that is new at each
 * start, accepts only its own name in `Host` (DNS rebinding), and refuses every request with an `Origin` (a page).
 *
 * @module
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { NeonBackend, NeonQuery } from "./neon-backend.node.ts";

/** A fault to show to the client instead of, or after, the real answer. */
export type NeonFault = "500" | "garbage" | "drop-before" | "drop-after-commit" | { delayMilliseconds: number };

export interface NeonProxyOptions {
  backend: NeonBackend;
  /** Port on 127.0.0.1. Default 0: any free one. */
  port?: number | undefined;
  /** Longest request body. Default 4 MiB. */
  maxBytes?: number | undefined;
  /** Called for each request once its body is read; for tests. */
  faults?: ((request: { queries: readonly NeonQuery[]; isTransaction: boolean }) => NeonFault | undefined) | undefined;
}

export interface NeonProxy {
  /** For the client's `fetchEndpoint`. */
  readonly fetchEndpoint: string;
  /** For the client. The password is new at each start. Host and database are the proxy's own, whatever the backend. */
  readonly connectionString: string;
  /** Stops listening, waits until every accepted request is answered, and returns. */
  close(): Promise<void>;
}

/** Starts the proxy. The caller closes the backend. */
export async function startNeonProxy(options: NeonProxyOptions): Promise<NeonProxy> {
  const password = randomBytes(24).toString("base64url");
  const inFlight = new Set<Promise<unknown>>();
  const server = createServer((request, response) => {
    const answered = answer(request, { password, port: request.socket.localPort!, options }).then(
      (reply) => send(response, reply),
      () => send(response, { status: 500, body: { message: "The proxy failed." } }),
    );
    // Waits for both: a client that leaves closes the response while its statement still runs.
    const done = Promise.all([answered, once(response, "close")]);
    inFlight.add(done);
    void done.then(() => inFlight.delete(done));
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");

  const { port } = server.address() as AddressInfo;
  return {
    fetchEndpoint: `http://127.0.0.1:${port}/sql`,
    connectionString: `postgres://sallyport:${password}@127.0.0.1:${port}/sallyport`,
    async close() {
      const closed = once(server, "close");
      server.close();
      while (inFlight.size > 0) await Promise.all(inFlight);
      // The remaining connections are idle ones that clients keep for later.
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A text body is sent as it is; `"drop"` ends the connection without an answer. */
type Reply = { status: number; body: unknown } | "drop";

function send(response: ServerResponse, reply: Reply): void {
  if (reply === "drop") {
    response.destroy();
    return;
  }
  const text = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body);
  response.writeHead(reply.status, { "content-type": "application/json" }).end(text);
}

async function answer(
  request: IncomingMessage,
  { password, port, options }: { password: string; port: number; options: NeonProxyOptions },
): Promise<Reply> {
  const refusal = refuse(request, { password, port });
  if (refusal) return refusal;

  const text = await readBody(request, options.maxBytes ?? 4 * 1024 * 1024);
  if (text === undefined) return { status: 413, body: { message: "The request is too large." } };
  const body = parseBody(text);
  const begin = body && beginStatement(request.headers);
  if (!body || !begin) return { status: 400, body: { message: "The request is malformed." } };

  const fault = options.faults?.(body);
  if (fault === "drop-before") return "drop";
  if (fault === "500") return { status: 500, body: { message: "Control plane request failed" } };
  if (typeof fault === "object") await new Promise((resolve) => setTimeout(resolve, fault.delayMilliseconds));

  const reply = await execute(options.backend, body, begin);
  if (fault === "drop-after-commit") return "drop";
  if (fault === "garbage") return { status: 200, body: "<html>Bad gateway" };
  return reply;
}

/** All checks that run before the body is read. */
function refuse(request: IncomingMessage, { password, port }: { password: string; port: number }): Reply | undefined {
  const { host, origin, "neon-connection-string": connectionString } = request.headers;
  if (host === undefined || !["localhost", "127.0.0.1", "[::1]"].some((name) => host === `${name}:${port}`)) {
    return { status: 421, body: { message: "The request is for another host." } };
  }
  if (origin !== undefined) return { status: 403, body: { message: "Pages may not call this endpoint." } };
  if (request.url !== "/sql") return { status: 404, body: { message: "Not found." } };
  if (request.method !== "POST") return { status: 405, body: { message: "Only POST is answered." } };
  if (!equalSecrets(passwordOf(connectionString), password)) {
    return { status: 401, body: { message: "The password is wrong." } };
  }
  return undefined;
}

function passwordOf(connectionString: string | string[] | undefined): string {
  const url = typeof connectionString === "string" && URL.canParse(connectionString) && new URL(connectionString);
  return url ? url.password : "";
}

/** Compares digests, which have equal length whatever the caller sent. */
function equalSecrets(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Destroying the request would destroy the socket, and the 413 with it.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

interface Body {
  queries: NeonQuery[];
  isTransaction: boolean;
}

function parseBody(text: string): Body | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  const list = isRecord(body) && Array.isArray(body.queries) ? body.queries : undefined;
  const queries = (list ?? [body]).map(parseQuery);
  if (queries.some((query) => query === undefined)) return undefined;
  return { queries: queries as NeonQuery[], isTransaction: list !== undefined };
}

function parseQuery(value: unknown): NeonQuery | undefined {
  if (!isRecord(value) || typeof value.query !== "string") return undefined;
  const params = value.params ?? [];
  if (!Array.isArray(params) || !params.every((param) => param === null || typeof param === "string")) return undefined;
  return { query: value.query, params };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

const isolationLevels: ReadonlyMap<string, string> = new Map([
  ["ReadUncommitted", "read uncommitted"],
  ["ReadCommitted", "read committed"],
  ["RepeatableRead", "repeatable read"],
  ["Serializable", "serializable"],
]);

/** `undefined` for an isolation level that does not exist. */
function beginStatement(headers: IncomingHttpHeaders): string | undefined {
  const parts = ["begin"];
  const level = headers["neon-batch-isolation-level"];
  if (level !== undefined) {
    const isolation = isolationLevels.get(String(level));
    if (isolation === undefined) return undefined;
    parts.push(`isolation level ${isolation}`);
  }
  if (headers["neon-batch-read-only"] === "true") parts.push("read only");
  if (headers["neon-batch-deferrable"] === "true") parts.push("deferrable");
  return parts.join(" ");
}

async function execute(backend: NeonBackend, { queries, isTransaction }: Body, begin: string): Promise<Reply> {
  try {
    const body = isTransaction
      ? { results: await backend.transaction(begin, queries) }
      : await backend.run(queries[0] as NeonQuery);
    return { status: 200, body };
  } catch (error) {
    // Only an error of the database itself has a severity.
    if (!isRecord(error) || typeof error.severity !== "string") throw error;
    const fields = Object.fromEntries(errorFields.map((field) => [field, error[field] ?? null]));
    return { status: 400, body: { message: error.message, ...fields } };
  }
}

/** The fields that the client copies from a 400. */
const errorFields: readonly string[] = [
  ...["severity", "code", "detail", "hint", "position", "internalPosition", "internalQuery", "where"],
  ...["schema", "table", "column", "dataType", "constraint", "file", "line", "routine"],
];
