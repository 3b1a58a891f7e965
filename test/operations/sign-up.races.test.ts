import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { type Database, type Statement, sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  openAuth,
  otherPassword,
  outcome,
  system,
  tally,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { holdLock } from "../support/held-lock.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

const context = () => ({ address: freshAddress() });
/** Races take long on a slow machine, and count many attempts at one account. */
const roomy = { timeoutMilliseconds: 60_000, auth: { limits: { account: { attempts: 100, windowSeconds: 60 } } } };

describeWorld("racing sign-ups", { on: ["postgres"], ...roomy }, (world) => {
  const count = async (statement: Statement<{ n: number }>): Promise<number> => (await world.rows(statement))[0]!.n;

  describe("T04: 100 sign-ups with one identifier at once", () => {
    test.each(["postgres", "postgres-over-neon"] as const)(
      "%s: one account, and no rows of the others",
      async (name) => {
        const here = await openAuth(name, {
          timeoutMilliseconds: 60_000,
          auth: { limits: { account: { attempts: 100, windowSeconds: 60 } } },
        });
        const identifier = freshIdentifier();
        const codes = await Promise.all(
          Array.from({ length: 100 }, () =>
            outcome(here.auth.signUp({ identifier, password: goodPassword, context: { address: freshAddress() } })),
          ),
        );
        expect(tally(codes)).toEqual({ done: 1, "conflict.duplicate_credential": 99 });
        const [rows] = await here.rows(sql`
      select (select count(*)::int from usr) as usr, (select count(*)::int from cred) as cred,
        (select count(*)::int from ses) as ses, (select count(*)::int from aud where outcome = 'success') as aud`);
        expect(rows).toEqual({ usr: 1, cred: 1, ses: 1, aud: 1 });
        await here.close();
      },
    );

    test("S38: 20 sign-ups with spellings of one mailbox at once: one account", async () => {
      const local = freshIdentifier().split("@")[0]!;
      const domains = ["example.org", "EXAMPLE.org", "example.org.", "Example.ORG."];
      const codes = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          outcome(
            world.auth.signUp({
              identifier: `${local}@${domains[index % domains.length]}`,
              password: goodPassword,
              context: context(),
            }),
          ),
        ),
      );
      expect(tally(codes)).toEqual({ done: 1, "conflict.duplicate_credential": 19 });
      expect(await count(sql`select count(*)::int as n from cred where identifier like ${`${local}@%`}`)).toBe(1);
    });

    test("sign-ups, createPassword and a reinstated credential, 20 rounds: one active credential each time", async () => {
      for (let round = 0; round < 20; round++) {
        const holder = await world.person();
        const { identifier, credentialId } = holder;
        await world.auth.credentials.suspend({ actor: system, credentialId });
        const others = await Promise.all(Array.from({ length: 3 }, () => world.person()));
        const codes = await Promise.all([
          outcome(world.auth.credentials.reinstate({ actor: system, credentialId })),
          ...others.map(({ userId }) =>
            outcome(
              world.auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword }),
            ),
          ),
          ...Array.from({ length: 3 }, () =>
            outcome(world.auth.signUp({ identifier, password: goodPassword, context: { address: freshAddress() } })),
          ),
        ]);
        expect(tally(codes)).toEqual({ done: 1, "conflict.duplicate_credential": 6 });
        const active = sql<{ n: number }>`
        select count(*)::int as n from cred where identifier = ${identifier} and status = 'active'`;
        expect(await count(active)).toBe(1);
      }
      expect(
        await count(sql`select count(*)::int as n from usr where not exists (select from cred where usr_id = usr.id)`),
      ).toBe(0);
    });

    test("planted fault, three statements: leaves orphans", async () => {
      const identifier = freshIdentifier();
      const before = await count(sql`select count(*)::int as n from usr`);
      const naive = async (): Promise<void> => {
        const taken = await world.rows(sql`select id from cred where identifier = ${identifier} and status = 'active'`);
        if (taken.length > 0) return;
        const [user] = await world.rows<{ id: string }>(
          sql`insert into usr (id) values (gen_random_uuid()) returning id`,
        );
        await world
          .rows(sql`
          insert into cred (id, usr_id, type, identifier, password_hash)
          values (gen_random_uuid(), ${user!.id}::uuid, 'password', ${identifier}, 'x')`)
          .catch(() => undefined);
      };
      await Promise.all(Array.from({ length: 100 }, naive));
      expect((await count(sql`select count(*)::int as n from usr`)) - before).toBeGreaterThan(1);
    });
  });

  test("R014: a sign-up while the identifier's password is being suspended: its owner keeps the identifier", async () => {
    const person = await world.person();
    const { identifier, userId, credentialId } = person;
    const held = await holdLock(
      world.backend.connectionString!,
      sql`with owner as (select id from usr where id = ${uuidFor("usr", userId)}::uuid for no key update)
        update cred set status = 'suspended' from owner where cred.id = ${uuidFor("cred", credentialId)}::uuid`,
    );
    const taken = outcome(world.auth.signUp({ identifier, password: person.password, context: context() }));
    const other = await world.person();
    const claimed = outcome(world.auth.credentials.createPassword({ ...other, actor: system, identifier }));
    await held.waiting(2);
    await held.commit();
    expect(await taken).toBe("conflict.duplicate_credential");
    expect(await claimed).toBe("conflict.duplicate_credential");
    expect(await outcome(world.auth.credentials.reinstate({ actor: system, credentialId }))).toBe("done");
  });

  test("R014: a sign-up waits for another, whose password is then suspended: the first one keeps the identifier", async () => {
    /** The outcome of a second sign-up through `database`, while one transaction makes an account and suspends its password. */
    const second = async (database: Database): Promise<string> => {
      const identifier = freshIdentifier();
      const account = { identifier, password: otherPassword, context: context() };
      const held = await holdLock(world.backend.connectionString!, sql`select pg_advisory_xact_lock(42)`);
      const first = world.isolate({
        database: {
          ...world.database,
          batch: async (statements) =>
            (
              await world.database.batch([
                ...statements,
                sql`update cred set status = 'suspended' where identifier = ${identifier}`,
                sql`select pg_advisory_xact_lock(42)`,
              ])
            ).slice(0, -2),
        },
      });
      const made = outcome(first.signUp(account));
      await held.waiting(1);
      const waits = outcome(world.isolate({ database }).signUp(account));
      await held.waiting(2);
      await held.release();
      expect(await made).toBe("done");
      return await waits;
    };
    const naive = rewritingDatabase(world.database, (text) =>
      text.includes("pg_advisory_xact_lock") ? undefined : text,
    );
    expect(await second(naive)).toBe("done");
    expect(naive.rewritten).toBeGreaterThan(0);
    expect(await second(world.database)).toBe("conflict.duplicate_credential");
  });
});
