/** Slow: every operation waits for a deadline of the driver. @module */
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Statement, sql } from "../../src/store/sql.ts";
import type { NeonFault } from "../../worker/development/neon-proxy.node.ts";
import type { FullAuth as Auth } from "../support/auth.ts";
import {
  freshIdentifier,
  goodPassword,
  openAuth,
  otherPassword,
  outcome,
  refusal,
  system,
  tally,
  type World,
} from "../support/auth.ts";
import { holdLock } from "../support/held-lock.ts";
import { prepareWrite, reads, writes } from "./writes/every-write.ts";
import { context, type Write } from "./writes/write.ts";

const token = "token" as const;
const unavailable = "unavailable.database";

describe("F01, F10, T05: failing requests, postgres-over-neon", () => {
  let world: World;
  let pending: (NeonFault | undefined)[] = [];
  let always: NeonFault | undefined;
  beforeAll(async () => {
    world = await openAuth("postgres-over-neon", { faults: () => (pending.length > 0 ? pending.shift() : always) });
  });
  beforeEach(() => {
    pending = [];
    always = undefined;
  });
  afterAll(() => world.close());

  /** What each read is about. A read changes nothing, so that every fault meets the same. */
  const known = new Map<(typeof reads)[number], ReturnType<typeof prepareWrite>>();
  const preparedFor = (read: (typeof reads)[number]): ReturnType<typeof prepareWrite> => {
    const one = known.get(read) ?? prepareWrite(world, read);
    known.set(read, one);
    return one;
  };

  describe.each(["500", "garbage", "drop-before", "drop-after-commit"] as const)("%s", (fault) => {
    test.each(writes)("$name: happens once, and the caller gets its answer", async (write) => {
      const { person, prepared, happened } = await prepareWrite(world, write);
      pending = [...Array<undefined>(write.requests - 1).fill(undefined), fault];
      const result = await write.act(world.auth, person, prepared);
      expect(await happened(write.action)).toBe(1);
      await write.check?.(world, result as never, person);
    });

    describe("reads", () => {
      const codes = new Map<(typeof reads)[number], string>();
      // Side by side, they wait together before they repeat a request.
      beforeAll(async () => {
        const asked = await Promise.all(reads.map(async (read) => ({ read, ...(await preparedFor(read)) })));
        pending = [];
        always = fault;
        await Promise.all(
          asked.map(async ({ read, person, prepared }) => {
            codes.set(read, await outcome(read.act(world.auth, person, prepared)));
          }),
        );
      });

      test.each(reads)("$name, while it lasts: 503", async (read) => {
        expect(codes.get(read)).toBe(unavailable);
        const { person, prepared } = await preparedFor(read);
        pending = [fault];
        expect(await outcome(read.act(world.auth, person, prepared))).toBe("done");
        expect(pending).toEqual([]);
      });
    });
  });

  test("R129: no error contains a secret, an identifier or the connection string", async () => {
    const person = await world.person();
    for (const fault of ["500", "garbage", "drop-before"] as const) {
      always = fault;
      for (const act of [
        () => world.auth.sessions.verify(person),
        () => world.auth.signIn.password({ ...person, context: context() }),
      ]) {
        const error = await refusal(act());
        const whole = `${error.stack} ${String((error.cause as Error | undefined)?.stack)} ${JSON.stringify(error)}`;
        for (const secret of [person.token, person.password, person.identifier, "postgres://", "sallyport:"]) {
          expect(whole).not.toContain(secret);
        }
      }
      always = undefined;
    }
  });
});

describe("F10: a database that hangs", () => {
  /** A late answer does not help a client that waits five seconds. */
  const patienceMilliseconds = 5_000;
  const simpleReads = reads.filter(({ prepare }) => !prepare);

  /** Another way into a world's database, for the locks that make it hang. */
  async function directTo(world: World): Promise<string> {
    const [row] = await world.rows<{ name: string }>(sql`select current_database() as name`);
    const other = await openAuth("postgres");
    const url = new URL(other.backend.connectionString!);
    url.pathname = `/${row!.name}`;
    await other.close();
    return url.href;
  }

  /** Concurrent calls while a table is locked. */
  async function callsDuring(
    world: World,
    direct: string,
    lock: Statement<unknown>,
    some: readonly Write[],
  ): Promise<void> {
    const rows = await Promise.all(some.map(async (write) => ({ write, ...(await prepareWrite(world, write)) })));
    const [reader, outsider] = [await world.person(), await world.person()];
    const held = await holdLock(direct, lock);
    const timed = async (act: () => Promise<unknown>) => {
      const started = performance.now();
      const code = await outcome(act());
      return { code, milliseconds: performance.now() - started };
    };
    const answers = await Promise.all([
      ...rows.map(({ write, person, prepared }) => timed(() => write.act(world.auth, person, prepared))),
      ...simpleReads.map((read) => timed(() => read.act(world.auth, reader, undefined as never))),
      timed(() => world.auth.users.suspend({ actor: outsider.actor, userId: reader.userId })),
    ]);
    await held.release();
    expect(Math.max(...answers.map(({ milliseconds }) => milliseconds))).toBeLessThan(patienceMilliseconds);
    const codes = answers.map(({ code }) => code);
    expect(codes.filter((code) => ![unavailable, "done", "not_found"].includes(code))).toEqual([]);
    expect(tally(codes)[unavailable]).toBeGreaterThan(0);
    expect(codes.at(-1)).not.toBe("done");
    expect((await world.auth.users.get({ actor: system, userId: reader.userId })).status).toBe("active");
    for (const [index, { write, happened }] of rows.entries()) {
      if (codes[index] === "done") expect([write.name, (await happened(write.action)) > 0]).toEqual([write.name, true]);
    }
  }

  // Slow because each call waits until its deadline. One database at a time, so that the wait is measured and not this machine's work.
  test.for([
    ["postgres", "usr", sql`lock table usr in access exclusive mode`],
    ["postgres", "ses", sql`lock table ses in access exclusive mode`],
    ["postgres", "aud", sql`lock table aud in access exclusive mode`],
    ["postgres-over-neon", "usr", sql`lock table usr in access exclusive mode`],
    ["postgres-over-neon", "ses", sql`lock table ses in access exclusive mode`],
  ] as const)(
    "%s, a lock on %s: every call is answered within 5 s, with its usual answer or 503",
    // Forty calls wait for up to five seconds, then the next forty.
    { timeout: 180_000 },
    async ([name, _table, lock], { onTestFinished }) => {
      const world = await openAuth(name);
      onTestFinished(() => world.close());
      const direct = await directTo(world);
      for (let at = 0; at < writes.length; at += 40) await callsDuring(world, direct, lock, writes.slice(at, at + 40));
    },
  );
});

describe("F11, T06: interrupted connections", () => {
  test("300 calls while connections are interrupted: 503 or the answer, and nothing happens twice", async () => {
    const world = await openAuth("postgres");
    const people = await Promise.all(Array.from({ length: 10 }, () => world.person()));
    const killer = new pg.Client({ connectionString: world.backend.connectionString! });
    await killer.connect();
    let isDone = false;
    const killing = (async () => {
      while (!isDone) {
        await killer.query(`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and random() < 0.2`);
      }
    })();
    const calls = Array.from({ length: 300 }, async (_, index) => {
      const person = people[index % 10]!;
      if (index % 3 === 0) return await outcome(world.auth.users.create({ actor: system, displayName: `n${index}` }));
      if (index % 3 === 1) return await outcome(world.auth.sessions.verify({ token: person.token, transport: token }));
      return await outcome(world.auth.users.update({ actor: system, userId: person.userId, displayName: `u${index}` }));
    });
    const codes = await Promise.all(calls);
    isDone = true;
    await killing;
    await killer.end();
    expect(codes.filter((code) => code !== "done" && code !== unavailable)).toEqual([]);
    expect(tally(codes).done).toBeGreaterThan(0);
    const made = await world.rows<{ name: string; n: number }>(sql`
      select display_name as name, count(*)::int as n from usr where display_name like 'n%' group by 1`);
    expect(made.every(({ n }) => n === 1)).toBe(true);
    for (const [index, code] of codes.entries()) {
      if (index % 3 === 0 && code === "done") expect(made.some(({ name }) => name === `n${index}`)).toBe(true);
    }
    const orphans = sql<{ n: number }>`
      select count(*)::int as n from usr where display_name like 'n%'
        and not exists (select from aud where target_id = 'usr_' || replace(usr.id::text, '-', ''))`;
    expect((await world.rows(orphans))[0]!.n).toBe(0);
    await world.close();
  });
});

describe("F03, B48: isolates keep no state", () => {
  test.each(["pglite", "postgres-over-neon"] as const)(
    "an account's whole life with a new isolate for each call, %s",
    async (name) => {
      const world = await openAuth(name);
      const fresh = (): Auth => world.isolate();
      const identifier = freshIdentifier();
      const proof = (password: string, more: object = {}) => ({ identifier, password, context: context(), ...more });

      const signedUp = await fresh().signUp(proof(goodPassword));
      const { actor } = await fresh().sessions.verify({ token: signedUp.token, transport: token });
      const { ticket, userId, credentialId } = await fresh().verifyPassword(proof(goodPassword));
      const created = await fresh().sessions.create({ ticket, userId, credentialId });
      const child = await fresh().sessions.refresh({ token: created.token, transport: token });
      expect(await fresh().sessions.refresh({ token: created.token, transport: token })).toEqual(child);
      const guess = () => outcome(fresh().signIn.password(proof(otherPassword)));
      for (let time = 0; time < 10; time++) expect(await guess()).toBe("unauthorized.invalid_credential");
      expect(await guess()).toBe("too_many_requests");
      const known = await fresh().signIn.password(proof(goodPassword, { knownDevice: signedUp.knownDevice }));
      expect(known.mfaRequired).toBe(false);
      expect(
        await outcome(
          fresh().changePassword({
            actor,
            currentPassword: goodPassword,
            newPassword: otherPassword,
            transport: token,
          }),
        ),
      ).toBe("done");
      const {
        data: [replaced],
      } = await fresh().credentials.list({ actor: system, userId });
      expect([replaced!.id, replaced!.status]).toEqual([credentialId, "revoked"]);
      for (const value of [signedUp.token, created.token, child.token]) {
        expect(await outcome(fresh().sessions.verify({ token: value, transport: token }))).toBe(
          "unauthorized.session_expired",
        );
        expect(await outcome(fresh().sessions.refresh({ token: value, transport: token }))).toBe(
          "unauthorized.session_expired",
        );
      }
      await world.close();
    },
  );
});
