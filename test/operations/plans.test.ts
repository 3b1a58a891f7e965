import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from "vitest";
import type { Credential } from "../../src/domain/credential.ts";
import { uuidFor } from "../../src/domain/id.ts";
import type { User } from "../../src/domain/user.ts";
import type { IssuedSession } from "../../src/engine/sessions.ts";
import { postgres } from "../../src/store/drivers/postgres.ts";
import { lockIdentifier } from "../../src/store/identifiers.ts";
import { lockStatements } from "../../src/store/locks.ts";
import { lockAdministrators } from "../../src/store/relations.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import type { FullAuth as Auth } from "../support/auth.ts";
import {
  freshAddress,
  freshIdentifier,
  openAuth,
  otherPassword,
  outcome,
  type Person,
  system,
  tally,
  type World,
} from "../support/auth.ts";
import { countingDatabase } from "../support/counting-database.ts";
import { backendNames } from "../support/databases.ts";
import { describeWorld } from "../support/describe-world.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";
import { prepareWrite, writes } from "./writes/every-write.ts";
import { newToken } from "./writes/write.ts";

describeWorld("batch of plans", { on: backendNames }, (world) => {
  beforeAll(async () => {
    await world.rows(sql`create table note (usr_id uuid references usr (id), body text unique)`);
  });
  beforeEach(() => world.rows(sql`delete from note`));

  const notes = async () =>
    (await world.rows<{ body: string }>(sql`select body from note order by body`)).map((row) => row.body);

  test("the application's rows and Sallyport's in one request, with the user id known beforehand", async () => {
    const { auth } = world;
    const user = await auth.users.create.plan({ actor: system, displayName: "Ada" });
    const identifier = freshIdentifier();
    const { userId } = user.known;
    const credential = await auth.credentials.createPassword.plan({
      actor: system,
      userId,
      identifier,
      password: otherPassword,
    });
    world.counting.reset(1);
    const [made, rows, proof] = await auth.batch([
      user,
      sql<{ body: string }>`insert into note values (${uuidFor("usr", userId)}::uuid, 'hello') returning body`,
      credential,
    ]);
    world.counting.reset();
    expectTypeOf(made).toEqualTypeOf<User>();
    expectTypeOf(rows).toEqualTypeOf<{ body: string }[]>();
    expectTypeOf(proof).toEqualTypeOf<Credential>();
    expect([made.id, rows, proof.id]).toEqual([userId, [{ body: "hello" }], credential.known.credentialId]);
    expect(await outcome(auth.signIn.password({ identifier, password: otherPassword }))).toBe("done");
  });

  test("S29: a plan runs once, even if it failed", async () => {
    const { auth } = world;
    const plan = await auth.users.create.plan({ actor: system });
    await auth.batch([plan]);
    await expect(auth.batch([plan])).rejects.toThrow(TypeError);
    const twice = await auth.users.create.plan({ actor: system });
    await expect(auth.batch([twice, sql`insert into note values (null, 'x')`, twice])).rejects.toThrow(TypeError);
    expect(await notes()).toEqual([]);
    const failed = await auth.users.create.plan({ actor: system });
    await expect(auth.batch([failed, sql`select 1 / 0`])).rejects.toMatchObject({ code: "22012" });
    await expect(auth.batch([failed])).rejects.toThrow(TypeError);
  });

  test("preparing a plan changes nothing", async () => {
    const { userId, credentialId } = await world.person();
    const before = await world.events({});
    await world.auth.users.suspend.plan({ actor: system, userId });
    await world.auth.credentials.rotatePassword.plan({ actor: system, credentialId, password: otherPassword });
    expect(await world.liveSessions(userId)).toBe(1);
    expect((await world.events({})).length).toBe(before.length);
  });

  test("S29, S03: a refused guard undoes the application's rows, and is recorded as denied", async () => {
    const [person, other] = [await world.person(), await world.person()];
    const plan = await world.auth.users.suspend.plan({ actor: person.actor, userId: other.userId });
    world.counting.reset(2);
    const refused = world.auth.batch([
      sql`insert into note values (null, 'before')`,
      plan,
      sql`insert into note values (null, 'after')`,
    ]);
    expect(await outcome(refused)).toBe("not_found");
    world.counting.reset();
    expect(await notes()).toEqual([]);
    expect(await world.events({ target: other.userId })).toMatchObject([
      {
        action: "identity.user.suspend",
        outcome: "denied",
        actorUserId: uuidFor("usr", person.userId),
        metadata: { reason: "not_found" },
      },
    ]);
    expect((await world.auth.users.get({ actor: system, userId: other.userId })).status).toBe("active");
  });

  test("S41: of several plans only the refused one is recorded as denied", async () => {
    /** The denied acts that a batch records when its second plan is refused. */
    const denied = async (database: Database) => {
      const [person, other] = [await world.person(), await world.person()];
      const { users } = world.isolate({ database });
      const own = { actor: person.actor, userId: person.userId };
      const refused = world
        .isolate({ database })
        .batch([
          await users.update.plan({ ...own, displayName: "Ada" }),
          sql`insert into note values (null, 'between')`,
          await users.suspend.plan({ actor: person.actor, userId: other.userId }),
          await users.update.plan({ ...own, displayName: "Grace" }),
        ]);
      expect(await outcome(refused)).toBe("not_found");
      expect(await notes()).toEqual([]);
      const events = await world.events({ actor: person.userId });
      return events.filter((event) => event.outcome === "denied").map((event) => event.action);
    };
    expect(await denied(world.database)).toEqual(["identity.user.suspend"]);
    // An error without a place leaves open which plan it was.
    const unmarked = rewritingDatabase(world.database, (text) =>
      text.includes("set_config") ? "select $1::text" : text,
    );
    expect(await denied(unmarked)).toEqual(["identity.user.update", "identity.user.suspend", "identity.user.update"]);
    expect(unmarked.rewritten).toBeGreaterThan(0);
  });

  test("S41: a reinstatement whose identifier was taken is the only act recorded as denied", async () => {
    const [admin, person, other] = [await world.administrator(), await world.person(), await world.person()];
    await world.auth.credentials.suspend({ actor: system, credentialId: person.credentialId });
    // Another SDK does this, because for it a suspended password does not hold its identifier.
    await world.rows(sql`
      update cred set identifier = ${person.identifier} where id = ${uuidFor("cred", other.credentialId)}::uuid`);
    const refused = world.auth.batch([
      await world.auth.users.update.plan({ actor: admin.actor, userId: admin.userId, displayName: "Ada" }),
      await world.auth.credentials.reinstate.plan({ actor: admin.actor, credentialId: person.credentialId }),
    ]);
    expect(await outcome(refused)).toBe("conflict.duplicate_credential");
    const events = await world.events({ actor: admin.userId });
    expect(events.filter((event) => event.outcome === "denied").map((event) => event.action)).toEqual([
      "identity.credential.reinstate",
    ]);
  });

  test("S41: an application's own refusal is recorded for no plan; an error that only names a table, for each", async () => {
    await world.rows(sql`
      create or replace function refuse_note() returns boolean language plpgsql as $$
      begin raise exception using errcode = 'SP001', message = 'x', constraint = 'forbidden', table = 'note'; end $$`);
    for (const [refusal, expected] of [
      [sql`select sallyport_refuse('forbidden')`, 0],
      [sql`select refuse_note()`, 2],
    ] as const) {
      const { actor, userId } = await world.person();
      const plans = [
        await world.auth.users.update.plan({ actor, userId, displayName: "Ada" }),
        await world.auth.users.update.plan({ actor, userId, displayName: "Grace" }),
      ] as const;
      expect(await outcome(world.auth.batch([...plans, refusal]))).toBe("forbidden");
      const events = await world.events({ actor: userId });
      expect(events.filter((event) => event.outcome === "denied")).toHaveLength(expected);
    }
  });

  test("the application's own failure undoes Sallyport's changes and is rethrown unchanged", async () => {
    const { userId, token } = await world.person();
    await world.rows(sql`insert into note values (null, 'taken')`);
    const plan = await world.auth.users.suspend.plan({ actor: system, userId });
    const failing = world.auth.batch([plan, sql`insert into note values (null, 'taken')`]);
    await expect(failing).rejects.toMatchObject({ code: "23505", table: "note" });
    expect(await outcome(world.auth.sessions.verify({ token, transport: "token" }))).toBe("done");
    expect(await world.events({ target: userId })).toEqual([]);
  });

  test("an application's constraint with the name of one of Sallyport's is not mistaken for it", async () => {
    const { auth } = world;
    await world.rows(sql`create schema app`);
    await world.rows(sql`create table app.other (id int constraint cred_unique_active_identifier unique)`);
    await world.rows(sql`insert into app.other values (1)`);
    const plan = await auth.users.create.plan({ actor: system });
    await expect(auth.batch([plan, sql`insert into app.other values (1)`])).rejects.toMatchObject({
      code: "23505",
      table: "other",
    });
  });

  test("S30: a guard is read again after the plans before it", async () => {
    const person = await world.person();
    const { actor, userId, credentialId } = person;
    const { auth } = world;
    const suspend = await auth.users.suspend.plan({ actor: system, userId });
    const own = await auth.credentials.suspend.plan({ actor, credentialId });
    expect(await outcome(auth.batch([suspend, own]))).toBe("unauthorized.invalid_token");
    const create = await auth.credentials.createPassword.plan({
      actor: system,
      userId,
      identifier: freshIdentifier(),
      password: otherPassword,
    });
    const again = await auth.users.suspend.plan({ actor: system, userId });
    expect(await outcome(auth.batch([again, create]))).toBe("precondition.user_not_active");
    expect((await auth.users.get({ actor: system, userId })).status).toBe("active");
  });

  test("S30: the last two administrators leave in one batch: refused", async () => {
    const { auth } = world;
    const [a, b] = [await world.administrator(), await world.administrator()];
    await world.rows(
      sql`delete from tup where not subject_id = any(${[a, b].map(({ userId }) => uuidFor("usr", userId))}::uuid[])`,
    );
    const plans = await Promise.all([a, b].map(({ userId }) => auth.users.suspend.plan({ actor: system, userId })));
    expect(await outcome(auth.batch(plans))).toBe("conflict.last_administrator");
    const [one] = await auth.batch([await auth.users.suspend.plan({ actor: system, userId: a.userId })]);
    expect(one.status).toBe("suspended");
    await world.rows(sql`delete from tup`);
  });

  test("S03: operations that count or consume have no plan", () => {
    const { auth } = world;
    const counting: Record<string, unknown> = {
      ...auth.signIn,
      verifyPassword: auth.verifyPassword,
      changePassword: auth.changePassword,
      refresh: auth.sessions.refresh,
      verify: auth.sessions.verify,
      signOut: auth.sessions.signOut,
    };
    for (const [name, operation] of Object.entries(counting))
      expect([name, Object.keys(operation as object)]).toEqual([name, []]);
    expectTypeOf<Auth["signIn"]["password"]>().not.toHaveProperty("plan");
    expectTypeOf<Auth["sessions"]["refresh"]>().not.toHaveProperty("plan");
  });

  test("results of a batch are typed and in order", async () => {
    const { auth } = world;
    const person = await world.person();
    const { ticket, userId, credentialId } = await auth.verifyPassword(person);
    const [session, none, user] = await auth.batch([
      await auth.sessions.create.plan({ ticket, userId, credentialId }),
      sql<{ n: number }>`select 1 as n where false`,
      await auth.users.update.plan({ actor: person.actor, userId, displayName: "Ada" }),
    ]);
    expectTypeOf(session).toEqualTypeOf<IssuedSession>();
    expect([session.user.id, none, user.displayName]).toEqual([userId, [], "Ada"]);
  });

  test("a batch of statements without plans, one and several", async () => {
    expect(await world.auth.batch([sql`select 1 as n`])).toEqual([[{ n: 1 }]]);
    expect(await world.auth.batch([sql`select 1 as n`, sql`select 2 as n`])).toEqual([[{ n: 1 }], [{ n: 2 }]]);
  });
});

describe("S03: inside the application's own transaction", () => {
  let world: World;
  let client: pg.Client;
  let auth: Auth;
  beforeAll(async () => {
    world = await openAuth("postgres");
    client = new pg.Client({ connectionString: world.backend.connectionString! });
    await client.connect();
    auth = world.isolate({ database: postgres(client) });
  });
  afterAll(async () => {
    await client.end();
    await world.close();
  });

  test("operations that count or consume are refused before they count, and work after it", async () => {
    const person = await world.person();
    const { token, actor, identifier } = person;
    const counting: Record<string, () => Promise<unknown>> = {
      signIn: () => auth.signIn.password({ identifier, password: otherPassword }),
      verifyPassword: () => auth.verifyPassword({ identifier, password: otherPassword }),
      signUp: () => auth.signUp({ identifier: freshIdentifier(), password: otherPassword }),
      refresh: () => auth.sessions.refresh({ token, transport: "token" }),
      changePassword: () =>
        auth.changePassword({ actor, currentPassword: "x", newPassword: otherPassword, transport: "token" }),
    };
    const counters = () => world.rows(sql`select * from attempt order by bucket`);
    await client.query("begin");
    const before = await counters();
    for (const [name, act] of Object.entries(counting)) {
      expect([name, await act().catch((error: Error) => error.name)]).toEqual([name, "TypeError"]);
    }
    await client.query("rollback");
    expect(await counters()).toEqual(before);
    expect(await outcome(counting.signIn!())).toBe("unauthorized.invalid_credential");
    expect(await outcome(counting.refresh!())).toBe("done");
  });

  test("operations with a plan take part: undone or kept with the application's rows", async () => {
    for (const end of ["rollback", "commit"]) {
      const { userId } = await world.person();
      await client.query("begin");
      await auth.users.suspend({ actor: system, userId });
      await client.query(end);
      const { status } = await world.auth.users.get({ actor: system, userId });
      expect(status).toBe(end === "commit" ? "suspended" : "active");
    }
  });

  test("a refusal undoes only its own part of the transaction", async () => {
    const [person, other] = [await world.person(), await world.person()];
    await client.query("begin");
    await client.query("create table kept (n int)");
    expect(await outcome(auth.users.suspend({ actor: person.actor, userId: other.userId }))).toBe("not_found");
    await client.query("commit");
    expect(await world.rows(sql`select n from kept`)).toEqual([]);
    expect(await world.events({ target: other.userId })).toHaveLength(1);
  });
});

describe("S03: a client inside a transaction", () => {
  let world: World;
  let client: pg.Client;
  beforeAll(async () => {
    world = await openAuth("postgres");
    client = new pg.Client({ connectionString: world.backend.connectionString! });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await world.close();
  });

  test("operations that count are refused, others take part in the transaction", async () => {
    const person = await world.person();
    const nested = world.isolate({ database: postgres(client) });
    const { identifier, password, token, actor } = person;
    const context = { address: freshAddress() };
    await client.query("begin");
    const counted = [
      () => nested.signIn.password({ identifier, password, context }),
      () => nested.verifyPassword({ identifier, password, context }),
      () => nested.signUp({ identifier: freshIdentifier(), password, context }),
      () => nested.sessions.refresh({ token, transport: "token" }),
      () => nested.changePassword({ actor, currentPassword: password, newPassword: otherPassword, transport: "token" }),
    ];
    for (const call of counted) await expect(call()).rejects.toThrow(TypeError);
    const user = await nested.users.create({ actor: system });
    await client.query("rollback");
    const rows = await world.rows(sql`select id from usr where id = ${uuidFor("usr", user.id)}::uuid`);
    expect(rows).toEqual([]);
    expect(await outcome(nested.signIn.password({ identifier, password, context }))).toBe("done");
  });
});

describeWorld("S03: every write inside a transaction of the caller", { on: ["postgres"] }, (world) => {
  test("what counts, consumes or shows a secret is refused; only what has a plan takes part", async () => {
    const client = new pg.Client({ connectionString: world.backend.connectionString! });
    await client.connect();
    const counting = countingDatabase(postgres(client));
    const nested = world.isolate({ database: { ...counting, isNested: () => true } });
    const takePart: string[] = [];
    for (const write of writes) {
      const { person, prepared } = await prepareWrite(world, write);
      await client.query("begin");
      counting.reset();
      const refused = await write.act(nested, person, prepared).then(
        () => undefined,
        (error: unknown) => error,
      );
      await client.query("rollback");
      if (refused instanceof TypeError) {
        expect(refused.message).toBe("This cannot run inside a transaction.");
        // Nothing was counted or consumed that the caller could undo.
        expect([write.name, counting.statements]).toEqual([write.name, []]);
      } else takePart.push(write.name);
    }
    // It has no row, because a challenge that was lost is not returned again.
    const { actor } = await world.person();
    await client.query("begin");
    await expect(nested.securityKeys.enroll({ actor })).rejects.toThrow("This cannot run inside a transaction.");
    // It counts, and then only reads.
    const { token } = await newToken(world, await world.person());
    const check = nested.personalAccessTokens.verify({ token, context: { address: freshAddress() } });
    await expect(check).rejects.toThrow("This cannot run inside a transaction.");
    await client.end();
    expect(takePart.sort()).toEqual([
      "administrators.grant",
      "administrators.remove",
      "batch, of two plans",
      "credentials.createPassword",
      "credentials.reinstate",
      "credentials.revoke",
      "credentials.rotatePassword",
      "credentials.suspend",
      "factors.revoke",
      "federation.import",
      "federation.unlink",
      "invitations.revoke",
      "limits.lift",
      "memberships.add",
      "memberships.changeRole",
      "memberships.leave",
      "memberships.reinstate",
      "memberships.remove",
      "memberships.suspend",
      "memberships.transferOwnership",
      "merging.merge",
      "mfaPolicies.grantEnrollment",
      "mfaPolicies.set",
      "organizationDomains.add",
      "organizationDomains.approve",
      "organizationDomains.decline",
      "organizationDomains.join",
      "organizationDomains.remove",
      "organizationDomains.setJoining",
      "organizationDomains.withdraw",
      "organizationInvitations.accept",
      "organizationInvitations.acceptFor",
      "organizationInvitations.decline",
      "organizationInvitations.declineFor",
      "organizationInvitations.revoke",
      "organizations.create",
      "organizations.reinstate",
      "organizations.revoke",
      "organizations.setSecurityPolicy",
      "organizations.suspend",
      "organizations.update",
      "passkeys.rename",
      "passkeys.revoke",
      "personalAccessTokens.revoke",
      "sessions.create",
      "sessions.revoke",
      "sessions.revokeOthers",
      "sessions.signOut",
      "terms.accept",
      "tuples.create",
      "tuples.delete",
      "tuples.deleteByObject",
      "tuples.deleteBySubject",
      "users.create",
      "users.reinstate",
      "users.revoke",
      "users.suspend",
      "users.update",
    ]);
  });
});

describeWorld("S30: locks of a batch", { on: ["postgres"], timeoutMilliseconds: 30_000 }, (world) => {
  /** How many deadlocks the server has found in this database. */
  async function deadlocks(): Promise<number> {
    const [row] = await world.rows<{ n: number }>(sql`
      select deadlocks::int as n from pg_stat_database where datname = current_database()`);
    return row!.n;
  }

  test("lock order: identifiers, users in one statement by id, then administrators", () => {
    const user = (id: string) => ({ on: "user", key: sql<{ id: string }>`select ${id}::uuid as id` }) as const;
    expect(lockStatements([])).toEqual([]);
    const locks = [lockAdministrators(), user("b"), ...["y", "x", "y"].flatMap(lockIdentifier), user("a")];
    const [x, y, ...rest] = lockStatements(locks);
    expect([x, y].map((lock) => lock!.params)).toEqual([["x"], ["y"]]);
    const texts = rest.map(({ text }) => text);
    expect(texts).toHaveLength(2);
    expect(texts[0]).toMatch(
      /^select id from usr where id in \(.* union .* union .*\) order by id for no key update$/s,
    );
    expect(texts[1]).toMatch(/from tup.*order by id for update$/s);
  });

  test("two plans in opposite orders, 100 rounds of every pair: no deadlock", async () => {
    const { auth } = world;
    const [a, b] = [await world.person(), await world.person()];
    const makers: ((person: Person) => Promise<{ take(): unknown }>)[] = [
      ({ userId }) => auth.users.update.plan({ actor: system, userId, displayName: `${Math.random()}` }),
      ({ userId }) =>
        auth.credentials.createPassword.plan({
          actor: system,
          userId,
          identifier: freshIdentifier(),
          password: otherPassword,
        }),
    ];
    let rounds = 0;
    for (const first of makers) {
      for (const second of makers) {
        for (let round = 0; round < 25; round++) {
          const batches = await Promise.all(
            [
              [first(a), second(b)],
              [first(b), second(a)],
              [second(b), first(a)],
              [second(a), first(b)],
            ].map((plans) => Promise.all(plans)),
          );
          const codes = await Promise.all(batches.map((plans) => outcome(auth.batch(plans as never))));
          expect(tally(codes)).toEqual({ done: 4 });
          rounds += 1;
        }
      }
    }
    expect(rounds).toBe(100);
    expect(await deadlocks()).toBe(0);
  });

  test("sessions from tickets with other plans, in opposite orders: no deadlock", async () => {
    const { auth } = world;
    const people = [await world.person(), await world.person()];
    for (let round = 0; round < 20; round++) {
      const plansOf = async (order: readonly Person[]) => {
        const [one, other] = order;
        const { ticket, userId, credentialId } = await auth.verifyPassword({
          ...one!,
          context: { address: `2001:db8:${round}::1` },
        });
        return [
          await auth.sessions.create.plan({ ticket, userId, credentialId }),
          await auth.users.update.plan({ actor: system, userId: other!.userId, displayName: `${round}` }),
        ];
      };
      const batches = await Promise.all([plansOf(people), plansOf(people.toReversed())]);
      const codes = await Promise.all(batches.map((plans) => outcome(auth.batch(plans))));
      expect(tally(codes)).toEqual({ done: 2 });
    }
    expect(await deadlocks()).toBe(0);
  });

  test("administrators and users, in opposite orders: no deadlock", async () => {
    const { auth } = world;
    const people = await Promise.all(Array.from({ length: 6 }, () => world.person()));
    for (const { userId } of people) {
      await world.enroll(userId);
      await auth.administrators.grant({ actor: system, userId });
    }
    for (let round = 0; round < 25; round++) {
      const codes = await Promise.all(
        people
          .slice(1)
          .flatMap(({ userId }) => [
            outcome(auth.users.suspend({ actor: system, userId })),
            outcome(auth.administrators.remove({ actor: system, userId })),
            outcome(auth.administrators.grant({ actor: system, userId })),
            outcome(auth.users.reinstate({ actor: system, userId })),
          ]),
      );
      expect(Object.keys(tally(codes)).filter((code) => code.startsWith("unavailable"))).toEqual([]);
    }
    expect(await deadlocks()).toBe(0);
  });

  test("planted fault, locks in the callers' order: deadlocks", async () => {
    const [a, b] = (await Promise.all([world.person(), world.person()])).map(({ userId }) => uuidFor("usr", userId));
    const lock = (id: string) => sql`select id from usr where id = ${id}::uuid for no key update`;
    const wait = sql`select pg_sleep(0.02)`;
    for (let round = 0; round < 20 && (await deadlocks()) === 0; round++) {
      await Promise.all([
        world.database.batch([lock(a!), wait, lock(b!)]).catch(() => undefined),
        world.database.batch([lock(b!), wait, lock(a!)]).catch(() => undefined),
      ]);
      // The server publishes its statistics at the end of a transaction, a little later.
      await world.rows(sql`select pg_stat_force_next_flush()`);
    }
    expect(await deadlocks()).toBeGreaterThan(0);
  });
});
