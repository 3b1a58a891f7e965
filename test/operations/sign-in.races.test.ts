/** Slow: a hundred rounds of eight racing callers. @module */
import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import type { FullAuth as Auth } from "../support/auth.ts";
import {
  freshAddress,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
  system,
  tally,
  type World,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { holdLock } from "../support/held-lock.ts";
import { untilItLeaks, withoutAnyLock, withoutEarlierLock } from "../support/races.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

const invalid = "unauthorized.invalid_credential";
/** Races take long on a slow machine, and count many attempts at one account. */
const roomy = { timeoutMilliseconds: 60_000, auth: { limits: { account: { attempts: 100, windowSeconds: 60 } } } };
const signIn = (auth: Auth, { identifier, password }: Pick<Person, "identifier" | "password">) =>
  auth.signIn.password({ identifier, password, context: { address: freshAddress() } });
const suspend = (auth: Auth, { userId }: Person) => auth.users.suspend({ actor: system, userId });

/** Reinstates a suspended user by hand, and counts the live sessions and tickets. */
async function livingAfterReinstatement(world: World, { userId }: Person): Promise<number> {
  await world.rows(sql`update usr set status = 'active' where id = ${uuidFor("usr", userId)}::uuid`);
  return (await world.liveSessions(userId)) + (await world.tickets(userId));
}

describeWorld("racing sign-ins", { on: ["postgres"], ...roomy }, (world) => {
  describe("S16: suspension × sign-in", () => {
    const order = ["suspension first", "sign-in first"] as const;
    test.each(order)("%s in the queue for the user's row: no session survives", async (first) => {
      const person = await world.person();
      const id = uuidFor("usr", person.userId);
      const held = await holdLock(
        world.backend.connectionString!,
        sql`select id from usr where id = ${id}::uuid for update`,
      );
      const acts = [() => outcome(suspend(world.auth, person)), () => outcome(signIn(world.auth, person))];
      const started: Promise<string>[] = [];
      for (const act of first === "suspension first" ? acts : acts.toReversed()) {
        started.push(act());
        await held.waiting(started.length);
      }
      await held.release();
      const codes = await Promise.all(started);
      expect(codes).toEqual(first === "suspension first" ? ["done", invalid] : ["done", "done"]);
      expect(await livingAfterReinstatement(world, person)).toBe(0);
    });

    async function round(auths: { signIn: Auth; suspend: Auth }, turn: number): Promise<number> {
      const person = await world.person();
      const acts = [
        ...Array.from({ length: 4 }, () => () => outcome(signIn(auths.signIn, person))),
        () => outcome(suspend(auths.suspend, person)),
        ...Array.from(
          { length: 4 },
          () => () => outcome(auths.signIn.verifyPassword({ ...person, context: { address: freshAddress() } })),
        ),
      ];
      const codes = await Promise.all((turn % 2 ? acts : acts.toReversed()).map((act) => act()));
      expect(codes.filter((code) => code !== "done" && code !== invalid)).toEqual([]);
      return await livingAfterReinstatement(world, person);
    }

    test("100 rounds of eight sign-ins: a reinstated user has no live session and no ticket", async () => {
      for (let turn = 0; turn < 100; turn++)
        expect(await round({ signIn: world.auth, suspend: world.auth }, turn)).toBe(0);
    });

    test.each([
      { case: "without the lock of the suspension", signIn: (text: string) => text, suspend: withoutEarlierLock },
      { case: "without the locks of the sign-in", signIn: withoutAnyLock, suspend: (text: string) => text },
      { case: "without either", signIn: withoutAnyLock, suspend: withoutEarlierLock },
    ])("planted fault, $case: leaves a live session", async ({ signIn, suspend }) => {
      const databases = [signIn, suspend].map((rewrite) => rewritingDatabase(world.database, rewrite));
      const [first, second] = databases.map((database) => world.isolate({ database }));
      let turn = 0;
      await untilItLeaks(400, () => round({ signIn: first!, suspend: second! }, turn++));
      expect(databases.reduce((sum, { rewritten }) => sum + rewritten, 0)).toBeGreaterThan(0);
    });
  });

  describe("S16, S47: password change × sign-in with the old password", () => {
    const change = (auth: Auth, { actor }: Person) =>
      auth.changePassword({ actor, currentPassword: goodPassword, newPassword: otherPassword, transport: "token" });

    test.each(["change first", "sign-in first"] as const)(
      "%s in the queue for the user's row: only the new session lives",
      async (first) => {
        const person = await world.person();
        const id = uuidFor("usr", person.userId);
        const held = await holdLock(
          world.backend.connectionString!,
          sql`select id from usr where id = ${id}::uuid for update`,
        );
        const acts = [() => outcome(change(world.auth, person)), () => outcome(signIn(world.auth, person))];
        const started: Promise<string>[] = [];
        for (const act of first === "change first" ? acts : acts.toReversed()) {
          started.push(act());
          await held.waiting(started.length);
        }
        await held.release();
        expect(await Promise.all(started)).toEqual(first === "change first" ? ["done", invalid] : ["done", "done"]);
        // Only the session that the change itself has issued.
        expect((await world.liveSessions(person.userId)) + (await world.tickets(person.userId))).toBe(1);
      },
    );

    async function round(auths: { signIn: Auth; change: Auth }, turn: number): Promise<number> {
      const person = await world.person();
      const acts = [
        ...Array.from({ length: 4 }, () => () => outcome(signIn(auths.signIn, person))),
        () => outcome(change(auths.change, person)),
        ...Array.from({ length: 4 }, () => () => outcome(signIn(auths.signIn, person))),
      ];
      const codes = await Promise.all((turn % 2 ? acts : acts.toReversed()).map((act) => act()));
      return codes[4] === "done" ? (await world.liveSessions(person.userId)) - 1 : Number.NaN;
    }

    test("60 rounds of eight sign-ins: no session of the old password lives", async () => {
      for (let turn = 0; turn < 60; turn++)
        expect(await round({ signIn: world.auth, change: world.auth }, turn)).toBe(0);
    });

    test.each([
      { case: "without the lock of the change", signIn: (text: string) => text, change: withoutEarlierLock },
      { case: "without the locks of the sign-in", signIn: withoutAnyLock, change: (text: string) => text },
    ])("planted fault, $case: leaves a live session", async ({ signIn, change }) => {
      const [first, second] = [signIn, change].map((rewrite) =>
        world.isolate({ database: rewritingDatabase(world.database, rewrite) }),
      );
      let turn = 0;
      await untilItLeaks(400, () => round({ signIn: first!, change: second! }, turn++));
    });

    test("two changes at once: one password and one session", async () => {
      for (let round = 0; round < 20; round++) {
        const owner = await world.person();
        const other = await world.signIn(owner);
        const codes = await Promise.all([owner, other].map((person) => outcome(change(world.auth, person))));
        expect(codes.toSorted()[0]).toBe("done");
        expect(tally(codes).done).toBe(1);
        expect(await world.liveSessions(owner.userId)).toBe(1);
        const active = sql<{ n: number }>`
        select count(*)::int as n from cred where usr_id = ${uuidFor("usr", owner.userId)}::uuid and status = 'active'`;
        expect((await world.rows(active))[0]!.n).toBe(1);
      }
    });
  });

  test("S12, S16: a factor is confirmed while a sign-in waits: the sign-in requires it", async () => {
    const { userId, identifier, password } = await world.person();
    const before = await world.liveSessions(userId);
    const held = await holdLock(
      world.backend.connectionString!,
      sql`
        with owner as (select id from usr where id = ${uuidFor("usr", userId)}::uuid for no key update)
        insert into mfa (id, usr_id, type, identifier, totp_secret, totp_algorithm, totp_digits, totp_period)
        select gen_random_uuid(), id, 'totp', 'phone', '\\x00', 'sha1', 6, 30 from owner`,
    );
    const signingIn = world.auth.signIn.password({ identifier, password, context: { address: freshAddress() } });
    await held.waiting(1);
    await held.commit();
    expect((await signingIn).mfaRequired).toBe(true);
    expect(await world.liveSessions(userId)).toBe(before);
  });
});
