import { expect, onTestFinished, test } from "vitest";
import { execute } from "../../src/engine/execute.ts";
import { pglite } from "../../src/store/drivers/pglite.ts";
import { postgres } from "../../src/store/drivers/postgres.ts";
import { type Database, type Statement, sql } from "../../src/store/sql.ts";
import { goodPassword, openAuth, outcome, refusal } from "../support/auth.ts";
import { createPglite, openBackend, openPool } from "../support/databases.ts";

/** Of the server or its proxy, from each class (PostgreSQL 15, Appendix A). */
const unserviceable = [
  ...["08006", "08P01", "25006", "25P02", "26000", "28P01", "3D000", "42P05", "53100", "53300", "57P01", "57P03"],
  ...["58000", "58030", "F0000", "XX000", "XX001"],
];
/** Of the moment. */
const untimely = ["40001", "55P03", "55000", "57014"];
/** Of the statement. */
const ours = ["22012", "23505", "42P01", "42501", "P0001"];

const failing = (code: string): Statement => sql`select test_fail(${code})`;
const setUp = sql`
  create function test_fail(code text) returns int language plpgsql as $$
  begin raise exception using errcode = code, message = 'secret'; end $$`;

const answer = async (database: Database, code: string) =>
  await refusal(execute({ database, onError: () => undefined }, { body: failing(code), onLostReply: "repeat" }));

test.each(["postgres", "postgres-over-neon", "pglite"] as const)(
  "S69: a SQLSTATE of the server or of the moment is 503 with Retry-After, %s",
  async (name) => {
    const { database } = await openBackend(name, { timeoutMilliseconds: 300 });
    await database.run(setUp);
    for (const code of [...unserviceable, ...untimely]) {
      const { status, retryAfterSeconds } = await answer(database, code);
      expect([code, status, retryAfterSeconds]).toEqual([code, 503, 1]);
    }
    // Answered at once, so only a slow machine needs the time.
    const { database: patient } = await openBackend(name);
    await patient.run(setUp);
    for (const code of ours) await expect(answer(patient, code)).rejects.toMatchObject({ name: "DatabaseError", code });
  },
);

test("S69: a pool throws a connection away whose server cannot serve, and keeps one whose statement was wrong", async () => {
  const { database: other, connectionString } = await openBackend("postgres");
  await other.run(setUp);
  const pool = openPool({ connectionString, max: 1 });
  onTestFinished(() => pool.end());
  const database = postgres(pool, { timeoutMilliseconds: 300 });
  const patient = postgres(pool, { timeoutMilliseconds: 5_000 });
  const backend = async () => (await pool.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]!.pid;
  const isKept = async (code: string, on = database) => {
    const before = await backend();
    await on.run(failing(code)).catch(() => undefined);
    return (await backend()) === before;
  };
  for (const code of unserviceable) expect([code, await isKept(code)]).toEqual([code, false]);
  for (const code of untimely) expect([code, await isKept(code)]).toEqual([code, true]);
  for (const code of ours) expect([code, await isKept(code, patient)]).toEqual([code, true]);
});

test.each([1, 5])(
  "S69: a failover that left every connection read-only, %i connections: signing in works",
  async (max) => {
    const world = await openAuth("postgres");
    onTestFinished(() => world.close());
    const { identifier } = await world.person();
    const pool = openPool({ connectionString: world.backend.connectionString, max });
    onTestFinished(() => pool.end());
    const clients = await Promise.all(Array.from({ length: max }, () => pool.connect()));
    for (const client of clients) await client.query("set default_transaction_read_only = on");
    for (const client of clients) client.release();
    const auth = world.isolate({ database: postgres(pool) });
    const context = { address: "192.0.2.1" };
    expect(await outcome(auth.signIn.password({ identifier, password: goodPassword, context }))).toBe("done");
  },
);

test("S69: an embedded database that is read-only answers 503, and serves again afterwards", async () => {
  const instance = await createPglite({});
  onTestFinished(() => instance.close());
  const database = pglite(instance);
  await database.run(setUp);
  await instance.exec("set default_transaction_read_only = on");
  const write = {
    body: sql`insert into usr (id) values (gen_random_uuid()) returning 1 as one`,
    onLostReply: "repeat",
  };
  const core = { database, onError: () => undefined };
  expect((await refusal(execute(core, write as never))).status).toBe(503);
  await instance.exec("set default_transaction_read_only = off");
  expect(await execute(core, write as never)).toEqual({ one: 1 });
});
