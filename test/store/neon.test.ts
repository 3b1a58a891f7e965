import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { neon } from "../../src/store/drivers/neon.ts";
import { DatabaseUnreachableError } from "../../src/store/drivers/unreachable.ts";
import { type Database, type Statement, sql } from "../../src/store/sql.ts";
import type { NeonFault } from "../../worker/development/neon-proxy.node.ts";
import { type Backend, backend, openBackend } from "../support/databases.ts";
import { everythingIn, failure, schema } from "../support/driver-failures.ts";
import { freePort } from "../support/free-port.ts";

describe.each(["pglite-over-neon", "postgres-over-neon"] as const)("%s, lost and unreadable replies", (name) => {
  let opened: Backend;
  let fault: NeonFault | undefined;

  beforeAll(async () => {
    opened = await backend(name, { faults: () => fault });
    await opened.database.batch(schema);
  });
  afterAll(() => opened.close());

  /** Sends one request, and the client sees the fault. */
  const failing = async (shown: NeonFault, send: () => Promise<unknown>): Promise<Error> => {
    fault = shown;
    const error = await failure(send());
    fault = undefined;
    return error;
  };

  test.each<{ shown: NeonFault; isDone: boolean }>([
    { shown: "500", isDone: false },
    { shown: "drop-before", isDone: false },
    { shown: "drop-after-commit", isDone: true },
    { shown: "garbage", isDone: true },
  ])("$shown: unreachable, without a code; done: $isDone", async ({ shown, isDone }) => {
    const { database, connectionString } = opened;
    const insert = (id: number): Statement => sql`insert into thing (id) values (${id}::int4)`;
    const sends: [number, () => Promise<unknown>][] = [
      [1, () => database.run(insert(1))],
      [2, () => database.batch([insert(2)])],
    ];
    for (const [id, send] of sends) {
      await database.run(sql`delete from thing where id = ${id}::int4`);
      const error = await failing(shown, send);
      expect(error).toBeInstanceOf(DatabaseUnreachableError);
      expect("code" in error).toBe(false);
      expect(everythingIn(error)).not.toContain(new URL(connectionString!).password);
      expect(await database.run(sql`select id from thing where id = ${id}::int4`)).toHaveLength(isDone ? 1 : 0);
    }
  });

  test("a reply past the deadline: unreachable", async () => {
    const { connectionString, fetchEndpoint } = opened;
    const impatient = neon(connectionString!, { fetchEndpoint, timeoutMilliseconds: 50 });
    const error = await failing({ delayMilliseconds: 500 }, () => impatient.run(sql`select 1 as one`));
    expect(error).toBeInstanceOf(DatabaseUnreachableError);
    expect(error.message).toContain("50 ms");
  });
});

describe("neon", () => {
  test.each([
    ["no URL", "secret"],
    ["another scheme", "https://user:secret@host/database"],
    ["no user", "postgres://host/secret"],
    ["no database", "postgres://user:secret@host"],
    ["no host", "postgres://user:secret@/database"],
  ])("%s: TypeError that does not quote it", (_case, connectionString) => {
    expect(() => neon(connectionString)).toThrow(TypeError);
    expect(() => neon(connectionString)).toThrow(/^(?!.*secret)/);
  });

  test("no server listening: unreachable, without a secret in the message", async () => {
    const port = await freePort();
    const database = neon(`postgres://user:secret@127.0.0.1:${port}/database`, {
      fetchEndpoint: `http://127.0.0.1:${port}/sql`,
    });
    const error = await failure(database.run(sql`select ${"secret"}::text as value`));
    expect(error).toBeInstanceOf(DatabaseUnreachableError);
    expect(everythingIn(error)).not.toContain("secret");
  });

  test("a redirect: not followed, since it would carry the connection string", async () => {
    const paths: (string | undefined)[] = [];
    const server = createServer(({ url }, response) => {
      paths.push(url);
      response.writeHead(307, { location: "/elsewhere" }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
    const { port } = server.address() as AddressInfo;
    const database = neon(`postgres://user:secret@127.0.0.1:${port}/database`, {
      fetchEndpoint: `http://127.0.0.1:${port}/sql`,
    });
    expect(await failure(database.run(sql`select 1 as one`))).toBeInstanceOf(DatabaseUnreachableError);
    expect(paths).toEqual(["/sql"]);
    server.closeAllConnections();
  });

  test("two endpoints for one host and port: refused", () => {
    const connect = (fetchEndpoint: string): Database =>
      neon("postgres://user:secret@endpoints.example/database", { fetchEndpoint });
    connect("http://127.0.0.1:1/sql");
    connect("http://127.0.0.1:1/sql");
    expect(() => connect("http://127.0.0.1:2/sql")).toThrow(TypeError);
  });

  test("two endpoints serve side by side", async () => {
    const names = [];
    for (const { database } of [await openBackend("postgres-over-neon"), await openBackend("postgres-over-neon")]) {
      names.push(await database.run(sql`select current_database() as name`));
    }
    expect(names[0]).not.toEqual(names[1]);
  });
});
