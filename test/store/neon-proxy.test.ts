import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import type { PGlite } from "@electric-sql/pglite";
import { neon as neonClient, neonConfig } from "@neondatabase/serverless";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pgliteBackend } from "../../worker/development/neon-backend.node.ts";
import { type NeonFault, type NeonProxy, startNeonProxy } from "../../worker/development/neon-proxy.node.ts";
import { createPglite } from "../support/databases.ts";

const body = JSON.stringify({ query: "select $1::int4 as one", params: ["1"] });

let instance: PGlite;
let proxy: NeonProxy;

beforeAll(async () => {
  instance = await createPglite({ empty: true });
  proxy = await startNeonProxy({ backend: pgliteBackend(instance), maxBytes: 1000 });
});
afterAll(async () => {
  await proxy.close();
  await instance.close();
});

interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** A request as a page, a script or a stranger could send it. `fetch` does not allow setting `Host` or `Origin`. */
async function send({ method = "POST", path = "/sql", headers = {}, body: sent = body }: Sent): Promise<{
  status: number;
  headers: Record<string, unknown>;
  text: string;
}> {
  const { port } = new URL(proxy.fetchEndpoint);
  return await new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, text }));
    });
    request.on("error", reject);
    request.end(sent);
  });
}

const authorized = (): Record<string, string> => ({ "neon-connection-string": proxy.connectionString });

describe("Neon proxy, access", () => {
  const port = (): string => new URL(proxy.fetchEndpoint).port;
  const withPassword = (password: string): Record<string, string> => {
    const url = new URL(proxy.connectionString);
    url.password = password;
    return { "neon-connection-string": url.href };
  };

  test.each<{ case: string; sent: () => Sent; status: number }>([
    { case: "the client", sent: () => ({ headers: authorized() }), status: 200 },
    {
      case: "by the name localhost",
      sent: () => ({ headers: { ...authorized(), host: `localhost:${port()}` } }),
      status: 200,
    },
    { case: "no connection string", sent: () => ({}), status: 401 },
    {
      case: "an invalid connection string",
      sent: () => ({ headers: { "neon-connection-string": "x" } }),
      status: 401,
    },
    { case: "no password", sent: () => ({ headers: withPassword("") }), status: 401 },
    { case: "another password", sent: () => ({ headers: withPassword("x".repeat(32)) }), status: 401 },
    {
      case: "a password with more after it",
      sent: () => ({ headers: withPassword(`${new URL(proxy.connectionString).password}x`) }),
      status: 401,
    },
    { case: "a page", sent: () => ({ headers: { ...authorized(), origin: "https://evil.example" } }), status: 403 },
    {
      case: "a page on loopback",
      sent: () => ({ headers: { ...authorized(), origin: "http://localhost:8787" } }),
      status: 403,
    },
    { case: "a sandboxed page", sent: () => ({ headers: { ...authorized(), origin: "null" } }), status: 403 },
    {
      case: "a page's preflight",
      sent: () => ({ method: "OPTIONS", body: "", headers: { origin: "https://evil.example" } }),
      status: 403,
    },
    {
      case: "a name rebound to loopback",
      sent: () => ({ headers: { ...authorized(), host: `evil.example:${port()}` } }),
      status: 421,
    },
    {
      case: "a name that begins like the proxy's",
      sent: () => ({ headers: { ...authorized(), host: `localhost.evil.example:${port()}` } }),
      status: 421,
    },
    { case: "another port in Host", sent: () => ({ headers: { ...authorized(), host: "localhost:1" } }), status: 421 },
    { case: "no port in Host", sent: () => ({ headers: { ...authorized(), host: "localhost" } }), status: 421 },
    { case: "GET", sent: () => ({ method: "GET", body: "", headers: authorized() }), status: 405 },
    { case: "another path", sent: () => ({ path: "/", headers: authorized() }), status: 404 },
  ])("$case: $status", async ({ sent, status }) => {
    const reply = await send(sent());
    expect(reply.status).toBe(status);
    expect(reply.headers).not.toHaveProperty("access-control-allow-origin");
    expect(reply.text).not.toContain(new URL(proxy.connectionString).password);
  });

  test("each start draws its own password", async () => {
    const other = await startNeonProxy({ backend: pgliteBackend(instance) });
    expect(new URL(other.connectionString).password).not.toBe(new URL(proxy.connectionString).password);
    expect((await send({ headers: { "neon-connection-string": other.connectionString } })).status).toBe(401);
    await other.close();
  });

  test("it listens on loopback only", () => {
    expect(new URL(proxy.fetchEndpoint).hostname).toBe("127.0.0.1");
  });
});

describe("Neon proxy, request format", () => {
  test.each([
    { case: "no JSON", body: "{", status: 400 },
    { case: "no query", body: "{}", status: 400 },
    { case: "null", body: "null", status: 400 },
    { case: "a query that is a number", body: '{"query":1}', status: 400 },
    { case: "params that are not a list", body: '{"query":"select 1","params":"x"}', status: 400 },
    { case: "a param that is not text", body: '{"query":"select 1","params":[1]}', status: 400 },
    { case: "a bad query in a list", body: '{"queries":[{"query":"select 1"},{}]}', status: 400 },
    { case: "no params", body: '{"query":"select 1"}', status: 200 },
    { case: "an empty list", body: '{"queries":[]}', status: 200 },
    { case: "as long as allowed", body: JSON.stringify({ query: "select 1" }).padEnd(1000), status: 200 },
    { case: "longer", body: JSON.stringify({ query: "select 1" }).padEnd(1001), status: 413 },
    { case: "much longer", body: "x".repeat(5_000_000), status: 413 },
  ])("$case: $status", async ({ body: sent, status }) => {
    expect((await send({ headers: authorized(), body: sent })).status).toBe(status);
  });

  test("an isolation level that does not exist: 400", async () => {
    const headers = { ...authorized(), "neon-batch-isolation-level": "Chaos; drop table usr" };
    expect((await send({ headers, body: '{"queries":[]}' })).status).toBe(400);
  });
});

describe("Neon proxy with Neon's own client", () => {
  const client = () => {
    neonConfig.fetchEndpoint = proxy.fetchEndpoint;
    return neonClient(proxy.connectionString);
  };

  test("reads rows, and the fields of an error", async () => {
    expect(await client()`select 1 as one, ${"x"} as text`).toEqual([{ one: 1, text: "x" }]);
    await expect(client().query("select 1 / 0")).rejects.toMatchObject({ code: "22012", severity: "ERROR" });
    await expect(client().query("select 1; select 2")).rejects.toMatchObject({ code: "42601" });
  });

  test.each([
    ["ReadCommitted", "read committed"],
    ["RepeatableRead", "repeatable read"],
    ["Serializable", "serializable"],
  ] as const)("asks for %s and gets it", async (isolationLevel, expected) => {
    const sql = client();
    const [rows] = await sql.transaction([sql`select current_setting('transaction_isolation') as level`], {
      isolationLevel,
    });
    expect(rows).toEqual([{ level: expected }]);
  });

  test("a read-only transaction refuses to write", async () => {
    const sql = client();
    await expect(sql.transaction([sql`create table written ()`], { readOnly: true })).rejects.toMatchObject({
      code: "25006",
    });
  });
});

test("Neon proxy close: answers accepted requests", async () => {
  let arrived = (): void => {};
  const accepted = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const faults = (): NeonFault => {
    arrived();
    return { delayMilliseconds: 100 };
  };
  const closing = await startNeonProxy({ backend: pgliteBackend(instance), faults });
  const reply = fetch(closing.fetchEndpoint, {
    method: "POST",
    headers: { "neon-connection-string": closing.connectionString },
    body,
  });
  await accepted;
  await closing.close();
  expect((await reply).status).toBe(200);
  await expect(fetch(closing.fetchEndpoint)).rejects.toThrow();
});

test("Neon proxy close: does not wait for idle connections", async () => {
  const closing = await startNeonProxy({ backend: pgliteBackend(instance) });
  const silent = connect(Number(new URL(closing.fetchEndpoint).port), "127.0.0.1");
  const ended = once(silent, "close");
  await once(silent, "connect");
  await closing.close();
  await ended;
});

test("Neon proxy on a taken port: rejected", async () => {
  const port = Number(new URL(proxy.fetchEndpoint).port);
  await expect(startNeonProxy({ backend: pgliteBackend(instance), port })).rejects.toMatchObject({
    code: "EADDRINUSE",
  });
});
