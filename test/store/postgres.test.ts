import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { postgres } from "../../src/store/drivers/postgres.ts";
import { DatabaseUnreachableError } from "../../src/store/drivers/unreachable.ts";
import { type Statement, sql } from "../../src/store/sql.ts";
import { type Backend, backend, openBackend, openPool } from "../support/databases.ts";
import { everythingIn, failure, schema } from "../support/driver-failures.ts";
import { freePort } from "../support/free-port.ts";
import { openClient, until, waitingOn } from "../support/postgres-peers.ts";

describe.each(["postgres", "postgres-over-neon"] as const)("%s, with concurrent work", (name) => {
  const schemaOfPair: readonly Statement[] = [
    sql`create table pair (id int4 primary key, touched int4 not null default 0)`,
    sql`insert into pair (id) values (1), (2)`,
  ];
  const touch = (id: number): Statement => sql`update pair set touched = touched + 1 where id = ${id}::int4`;

  test("two batches that deadlock: both succeed", async () => {
    const { database } = await openBackend(name, { timeoutMilliseconds: 20_000 });
    await database.batch(schemaOfPair);
    const referee = await openClient(database);
    await referee.query("select pg_advisory_lock(1)");
    // Each holds its first row before either requests its second.
    const meet = sql`select pg_advisory_xact_lock_shared(1)::text as met`;
    const both = [database.batch([touch(1), meet, touch(2)]), database.batch([touch(2), meet, touch(1)])];
    await until(async () => (await waitingOn(referee, "advisory")) === 2);
    await referee.query("select pg_advisory_unlock(1)");

    await Promise.all(both);
    expect(await database.run(sql`select touched from pair order by id`)).toEqual([{ touched: 2 }, { touched: 2 }]);
    await until(async () => {
      const { rows } = await referee.query<{ deadlocks: string }>(
        "select deadlocks from pg_stat_database where datname = current_database()",
      );
      return Number(rows[0]!.deadlocks) === 1;
    });
  });

  test("a request that waits for a lock beyond its deadline: unreachable, and the driver works on", async () => {
    const { database } = await openBackend(name, { timeoutMilliseconds: 300 });
    await database.batch(schemaOfPair);
    const holder = await openClient(database);
    await holder.query("begin; update pair set touched = 9 where id = 1");
    for (const request of [() => database.run(touch(1)), () => database.batch([touch(2), touch(1)])]) {
      expect(await failure(request())).toBeInstanceOf(DatabaseUnreachableError);
    }
    await holder.query("rollback");
    expect(await database.batch([sql`select 1 as one`])).toEqual([[{ one: 1 }]]);
  });

  test("a connection that the server ends: unreachable, and the driver works on", async () => {
    const { database } = await openBackend(name);
    for (const end of [
      () => database.run(sql`select pg_terminate_backend(pg_backend_pid()) as ended`),
      () => database.batch([sql`select pg_terminate_backend(pg_backend_pid()) as ended`]),
    ]) {
      expect(await failure(end())).toBeInstanceOf(DatabaseUnreachableError);
    }
    expect(await database.run(sql`select 1 as one`)).toEqual([{ one: 1 }]);
  });
});

describe("postgres", () => {
  test("no server listening: unreachable, without a secret in the message", async () => {
    const pool = new pg.Pool({ connectionString: `postgres://user:secret@127.0.0.1:${await freePort()}/database` });
    onTestFinished(() => pool.end());
    const error = await failure(postgres(pool).run(sql`select ${"secret"}::text as value`));
    expect(error).toBeInstanceOf(DatabaseUnreachableError);
    expect(error.message).toContain("ECONNREFUSED");
    expect(everythingIn(error)).not.toContain("secret");
  });

  test("a wrong password: unreachable, without a secret in the message", async () => {
    const { connectionString } = await openBackend("postgres");
    const url = new URL(connectionString!);
    url.password = "secret";
    const pool = openPool({ connectionString: url.href });
    onTestFinished(() => pool.end());
    const error = await failure(postgres(pool).run(sql`select 1 as one`));
    expect(error).toBeInstanceOf(DatabaseUnreachableError);
    expect(error.message).toContain("28P01");
    expect(everythingIn(error)).not.toMatch(/secret|sallyport@/);
  });

  test("the server ends a batch at the client's deadline, and undoes it", async () => {
    const { database } = await openBackend("postgres", { timeoutMilliseconds: 300 });
    await database.batch(schema);
    const holder = await openClient(database);
    await holder.query("select pg_advisory_lock(1)");
    const waiting = sql`select pg_advisory_xact_lock(1)::text as locked`;
    const error = await failure(database.batch([sql`insert into thing (id) values (1)`, waiting]));
    expect(error).toBeInstanceOf(DatabaseUnreachableError);
    await until(async () => (await waitingOn(holder, "advisory")) === 0);
    await holder.query("select pg_advisory_unlock(1)");
    expect(await database.run(sql`select id from thing`)).toEqual([]);
  });

  test("no free connection within the deadline: unreachable, and the connection is not lost", async () => {
    const { connectionString } = await openBackend("postgres");
    const pool = openPool({ connectionString, max: 1 });
    onTestFinished(() => pool.end());
    const taken = await pool.connect();
    const error = await failure(postgres(pool, { timeoutMilliseconds: 50 }).run(sql`select 1 as one`));
    expect(error).toBeInstanceOf(DatabaseUnreachableError);
    taken.release();
    expect(await postgres(pool).run(sql`select 1 as one`)).toEqual([{ one: 1 }]);
  });
});

describe("postgres on one client", () => {
  let opened: Backend;
  beforeAll(async () => {
    opened = await backend("postgres");
    await opened.database.batch(schema);
  });
  afterAll(() => opened.close());

  const insert = (id: number): Statement => sql`insert into thing (id) values (${id}::int4)`;
  const stored = async (): Promise<number[]> =>
    (await opened.database.run(sql<{ id: number }>`select id from thing order by id`)).map(({ id }) => id);

  test("outside a transaction, each request is its own transaction, and requests take turns", async () => {
    const database = postgres(await openClient(opened.database));
    await Promise.allSettled([
      database.batch([insert(1), sql`select sallyport_refuse('not_found')`]),
      database.run(insert(2)),
      database.batch([insert(3)]),
    ]);
    expect(await stored()).toEqual([2, 3]);
  });

  test("inside the caller's transaction: a refusal undoes its own work only, and nothing is final", async () => {
    const client = await openClient(opened.database);
    const database = postgres(client);
    await client.query("begin");
    await database.run(insert(10));
    const refused = await failure(database.batch([insert(11), sql`select sallyport_refuse('not_found')`]));
    expect(refused.constraint).toBe("not_found");
    expect((await failure(database.run(insert(10)))).code).toBe("23505");
    await database.batch([insert(12), insert(13)]);
    expect(await stored()).toEqual([2, 3]);
    await client.query("commit");
    expect(await stored()).toEqual([2, 3, 10, 12, 13]);

    await client.query("begin");
    await database.run(insert(14));
    await client.query("rollback");
    expect(await stored()).toEqual([2, 3, 10, 12, 13]);
  });

  test.each(["repeatable read", "serializable"])("inside %s: TypeError, and the transaction goes on", async (level) => {
    const client = await openClient(opened.database);
    await client.query(`begin isolation level ${level}`);
    await expect(postgres(client).run(insert(20))).rejects.toThrow(TypeError);
    const { rows } = await client.query("select 1 as one");
    expect(rows).toEqual([{ one: 1 }]);
    await client.query("rollback");
    expect(await stored()).not.toContain(20);
  });

  test("a pool's client works as well", async () => {
    const pool = openPool({ connectionString: opened.connectionString });
    onTestFinished(() => pool.end());
    const client = await pool.connect();
    await client.query("begin");
    await postgres(client).run(insert(30));
    await client.query("rollback");
    client.release();
    expect(await stored()).not.toContain(30);
  });

  test("a deadline that passes ends the connection", async () => {
    const holder = await openClient(opened.database);
    await holder.query("select pg_advisory_lock(7)");
    const client = await openClient(opened.database);
    const database = postgres(client, { timeoutMilliseconds: 100 });
    for (const statement of [sql`select pg_advisory_lock(7)::text as locked`, sql`select 1 as one`]) {
      expect(await failure(database.run(statement))).toBeInstanceOf(DatabaseUnreachableError);
    }
  });
});
