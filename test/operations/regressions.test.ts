/** What a hostile reading found, each with the order of calls that it took. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomBytes, toBase64Url, toHex } from "../../src/crypto/bytes.ts";
import { HashQueueFullError } from "../../src/crypto/hash-queue.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { argon2id, decoyHash } from "../../src/runtime/argon2id.ts";
import { postgres } from "../../src/store/drivers/postgres.ts";
import type { Database } from "../../src/store/sql.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import {
  freshAddress,
  freshIdentifier,
  fullAuth,
  goodPassword,
  openAuth,
  otherPassword,
  outcome,
  quickHasher,
  sealingKey,
  secret,
  system,
  tally,
  type World,
} from "../support/auth.ts";

const day = 86_400;

describe.each(["pglite", "postgres"] as const)("on %s", (name) => {
  let world: World;
  beforeAll(async () => {
    world = await openAuth(name);
    await installTestClock(world.database);
  });
  afterAll(() => world.close());

  const wrongGuess = (identifier: string) =>
    outcome(world.auth.signIn.password({ identifier, password: otherPassword, context: { address: freshAddress() } }));

  test("S22, R014: a way in that a hundred failures closed opens with a new password", async () => {
    const person = await world.person();
    for (let failures = 0; failures < 101; failures++) {
      if (failures > 0 && failures % 10 === 0) await advanceTestClock(world.database, day);
      await wrongGuess(person.identifier);
    }
    await advanceTestClock(world.database, 3 * day);
    await expect(world.signIn(person)).rejects.toMatchObject({ code: "too_many_requests" });
    const { credentialId } = person;
    await world.auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword });
    expect((await world.signIn({ ...person, password: otherPassword })).userId).toBe(person.userId);
    await setTestClock(world.database, undefined);
  });

  test("F13: a check that was refused for want of room counts for nothing", async () => {
    const person = await world.person();
    const busy = world.isolate({
      passwordHasher: {
        ...quickHasher(),
        verify: async () => {
          throw new HashQueueFullError();
        },
      },
    });
    const { identifier, password } = person;
    const codes = [];
    for (let time = 0; time < 30; time++) {
      codes.push(await outcome(busy.signIn.password({ identifier, password, context: { address: freshAddress() } })));
    }
    expect(tally(codes)).toEqual({ "unavailable.busy": 30 });
    expect((await world.signIn(person)).userId).toBe(person.userId);
  });

  test("S39: who was told twenty times that an identifier is taken is told no more", async () => {
    const { actor, userId, credentialId } = await world.person();
    const taken = await world.person();
    // Who has a password proves it first, and not thirty times.
    await world.rows(sql`update cred set status = 'revoked' where id = ${uuidFor("cred", credentialId)}::uuid`);
    const create = (identifier: string) =>
      outcome(world.auth.credentials.createPassword({ actor, userId, identifier, password: goodPassword }));
    const codes = [];
    for (let time = 0; time < 30; time++) codes.push(await create(taken.identifier));
    expect(tally(codes)).toEqual({ "conflict.duplicate_credential": 20, too_many_requests: 10 });
    expect(await create(freshIdentifier())).toBe("too_many_requests");
  });

  test("S41: two hundred refusals leave twenty-one events", async () => {
    const { actor, userId } = await world.person();
    const other = await world.person();
    for (let time = 0; time < 200; time++) {
      await outcome(world.auth.users.suspend({ actor, userId: other.userId }));
    }
    const denied = (await world.events({ actor: userId })).filter(({ outcome: how }) => how === "denied");
    expect(denied).toHaveLength(21);
    expect(denied.at(-1)!.metadata).toMatchObject({ and_more: true });
  });

  test("R008: over HTTP's operation a password is rotated with the current one only", async () => {
    const person = await world.person();
    const { actor, credentialId, password } = person;
    const rotate = (currentPassword: string, next = otherPassword) =>
      outcome(world.auth.credentials.rotateOwnPassword({ actor, credentialId, currentPassword, password: next }));
    expect(await rotate("wrong")).toBe("unauthorized.invalid_credential");
    expect(await rotate(password, person.identifier)).toBe("invalid_format.password");
    const stranger = await world.person();
    const foreign = { actor: stranger.actor, credentialId, currentPassword: password, password: otherPassword };
    expect(await outcome(world.auth.credentials.rotateOwnPassword(foreign))).toBe("not_found");
    expect(await rotate(password)).toBe("done");
    expect(await world.liveSessions(person.userId)).toBe(0);
  });

  test("S05: an owner does not undo the suspension of a password by making it anew, nor does a stranger take it", async () => {
    const person = await world.person();
    const spare = freshIdentifier();
    const { userId, identifier, credentialId } = person;
    await world.auth.credentials.createPassword({ actor: system, userId, identifier: spare, password: goodPassword });
    await world.auth.credentials.suspend({ actor: system, credentialId });
    const again = await world.signIn({ ...person, identifier: spare });
    const create = world.auth.credentials.createOwnPassword({
      actor: again.actor,
      userId,
      identifier,
      password: goodPassword,
      currentPassword: goodPassword,
    });
    expect(await outcome(create)).toBe("conflict.duplicate_credential");
    const stranger = { identifier, password: goodPassword, context: { address: freshAddress() } };
    expect(await outcome(world.auth.signUp(stranger))).toBe("conflict.duplicate_credential");
    expect((await world.auth.credentials.reinstate({ actor: system, credentialId })).status).toBe("active");
  });

  test("R045, S47: signing out, or in anew, with a token that was rotated long ago ends what came of it", async () => {
    for (const end of ["out", "in"] as const) {
      const person = await world.person();
      const first = await world.auth.sessions.refresh({ token: person.token, transport: "token" });
      const second = await world.auth.sessions.refresh({ token: first.token, transport: "token" });
      await advanceTestClock(world.database, 60);
      const { identifier, password, token } = person;
      if (end === "out") await world.auth.sessions.signOut({ token, transport: "token" });
      else {
        const context = { address: freshAddress() };
        await world.auth.signIn.password({ identifier, password, transport: "token", presentedToken: token, context });
      }
      const verified = outcome(world.auth.sessions.verify({ token: second.token, transport: "token" }));
      expect(await verified).toBe("unauthorized.session_expired");
      await setTestClock(world.database, undefined);
    }
  });

  test("R013: a new secret beside the old one lifts no limit and frees no key", async () => {
    const { identifier } = await world.person();
    for (let time = 0; time < 11; time++) await wrongGuess(identifier);
    const unknown = freshIdentifier();
    for (let time = 0; time < 11; time++) await wrongGuess(unknown);
    const key = { actor: system, displayName: "K", idempotencyKey: toHex(randomBytes(8)) };
    const made = await world.auth.users.create(key);
    const rotated = world.isolate({ secrets: `2:${toBase64Url(randomBytes(32))},1:${secret}` });
    for (const one of [identifier, unknown]) {
      const context = { address: freshAddress() };
      expect(await outcome(rotated.signIn.password({ identifier: one, password: otherPassword, context }))).toBe(
        "too_many_requests",
      );
    }
    expect((await rotated.users.create(key)).id).toBe(made.id);
  });

  test("S35: a plan takes no key, since it knows its user beforehand", async () => {
    await expect(world.auth.users.create.plan({ actor: system, idempotencyKey: "k" })).rejects.toThrow(TypeError);
  });

  test("F01: an application's rows beside a plan that has nothing to do are not written twice", async () => {
    await world.rows(sql`create table if not exists tick (n int not null)`);
    const { userId } = await world.person();
    await world.auth.users.suspend({ actor: system, userId });
    let lost = 1;
    const losing: Database = {
      run: (statement) => world.database.run(statement),
      async batch(statements) {
        const results = await world.database.batch(statements);
        if (lost-- > 0) throw new Error("The reply is lost.");
        return results;
      },
    };
    const auth = world.isolate({ database: losing });
    const plan = await auth.users.suspend.plan({ actor: system, userId });
    const code = await outcome(auth.batch([plan, sql`insert into tick values (1)`]));
    const rows = await world.rows(sql`select n from tick`);
    expect([code, rows.length]).toEqual(["unavailable.database", 1]);
    await world.rows(sql`delete from tick`);
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

  test("cannot take back what was counted: such operations refuse, others nest", async () => {
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

describe("S34: secrets and origins", () => {
  const make = (secrets: string, origin: string) => () =>
    fullAuth({
      database: {} as Database,
      passwordHasher: quickHasher(),
      secrets,
      sealingKeys: sealingKey,
      origins: [origin],
    }).origins;

  test.each([
    { case: "bytes that count up", bytes: Uint8Array.from({ length: 32 }, (_, index) => index) },
    { case: "bytes that count down by three", bytes: Uint8Array.from({ length: 32 }, (_, index) => 200 - 3 * index) },
  ])("$case: refused", ({ bytes }) => {
    expect(make(toBase64Url(bytes), "https://example.com")).toThrow(/secrets/);
  });

  test("a development secret serves http on loopback, and nothing with a certificate", () => {
    const development = `development.${toBase64Url(randomBytes(32))}`;
    expect(make(development, "https://localhost:8443")).toThrow(/secrets/);
    expect(make(development, "http://localhost:8787")).not.toThrow(/secrets/);
  });
});

describe("against another connection, on postgres", () => {
  let world: World;
  let other: pg.Client;
  beforeAll(async () => {
    world = await openAuth("postgres");
    other = new pg.Client({ connectionString: world.backend.connectionString! });
    await other.connect();
  });
  afterAll(async () => {
    await other.end();
    await world.close();
  });

  test("S35, S46: a purge leaves a key alone that somebody renews at the same time", async () => {
    await world.rows(sql`
      insert into idempotency (digest, target, expires_at)
      values ('renewed', gen_random_uuid(), sallyport_now() - interval '1 hour')`);
    await other.query("begin");
    await other.query("update idempotency set expires_at = now() + interval '1 day' where digest = 'renewed'");
    await world.auth.purge();
    await other.query("commit");
    expect(await world.rows(sql`select digest from idempotency where digest = 'renewed'`)).toHaveLength(1);
  });

  test("S12, S16: a factor that is confirmed while a sign-in waits is demanded by it", async () => {
    const person = await world.person();
    const { userId, identifier, password } = person;
    const id = uuidFor("usr", userId);
    await other.query("begin");
    await other.query("select id from usr where id = $1 for no key update", [id]);
    await other.query(
      `insert into mfa (id, usr_id, type, identifier, totp_secret, totp_algorithm, totp_digits, totp_period)
       values (gen_random_uuid(), $1, 'totp', 'phone', '\\x00', 'sha1', 6, 30)`,
      [id],
    );
    const before = await world.liveSessions(userId);
    const signingIn = world.auth.signIn.password({ identifier, password, context: { address: freshAddress() } });
    for (;;) {
      const [row] = await world.rows<{ n: number }>(sql`
        select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`);
      if (row!.n > 0) break;
    }
    await other.query("commit");
    expect((await signingIn).mfaRequired).toBe(true);
    expect(await world.liveSessions(userId)).toBe(before);
  });
});

test("F13, S24: new passwords take half of the queue, and checks the rest", async () => {
  const hasher = argon2id({ queueLength: 4 });
  const outcomes = (work: Promise<unknown>[]) =>
    Promise.all(
      work.map((one) =>
        one.then(
          () => "done" as const,
          (error: Error) => error.name,
        ),
      ),
    );
  const hashes = outcomes(Array.from({ length: 6 }, () => hasher.hash(goodPassword)));
  const checks = outcomes(Array.from({ length: 3 }, () => hasher.verify(decoyHash, "wrong")));
  expect((await hashes).filter((one) => one === "done")).toHaveLength(2);
  expect((await checks).filter((one) => one === "done")).toHaveLength(2);
});
