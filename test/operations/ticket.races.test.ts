import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import type { FullAuth as Auth } from "../support/auth.ts";
import { freshAddress, openAuth, outcome, type Person, system, tally, type World } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { holdLock } from "../support/held-lock.ts";
import { untilItLeaks, withoutAnyLock, withoutEarlierLock } from "../support/races.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

const ended = "unauthorized.session_expired";
const noTicket = "unauthorized.invalid_ticket";
/** Races take long on a slow machine, and count many attempts at one account. */
const roomy = { timeoutMilliseconds: 60_000, auth: { limits: { account: { attempts: 100, windowSeconds: 60 } } } };
const suspend = (auth: Auth, { userId }: Person) => auth.users.suspend({ actor: system, userId });

/** Reinstates a suspended user by hand, and counts the live sessions and tickets. */
async function livingAfterReinstatement(world: World, { userId }: Person): Promise<number> {
  await world.rows(sql`update usr set status = 'active' where id = ${uuidFor("usr", userId)}::uuid`);
  return (await world.liveSessions(userId)) + (await world.tickets(userId));
}

describeWorld("racing tickets", { on: ["postgres"], ...roomy }, (world) => {
  describe("S20, T04: one ticket", () => {
    async function claimOf(person: Person) {
      const { ticket, userId, credentialId } = await world.auth.verifyPassword({
        ...person,
        context: { address: freshAddress() },
      });
      return { ticket, userId, credentialId };
    }

    test("spent by 1,000 callers at once: one session, and none after suspension and reinstatement", async () => {
      const person = await world.person();
      const claim = await claimOf(person);
      const codes = await Promise.all(Array.from({ length: 1_000 }, () => outcome(world.auth.sessions.create(claim))));
      expect(tally(codes)).toEqual({ done: 1, [noTicket]: 999 });
      expect(await world.liveSessions(person.userId)).toBe(2);
      await suspend(world.auth, person);
      expect(await livingAfterReinstatement(world, person)).toBe(0);
      expect(await outcome(world.auth.sessions.create(claim))).toBe(noTicket);
    });

    test("planted fault, reads before it spends: makes several sessions", async () => {
      const person = await world.person();
      const { ticket } = await claimOf(person);
      expect(ticket).toHaveLength(43);
      const id = uuidFor("usr", person.userId);
      const naive = async (): Promise<boolean> => {
        const found = await world.rows(sql`select usr_id from login_ticket where usr_id = ${id}::uuid`);
        await world.rows(sql`delete from login_ticket where usr_id = ${id}::uuid`);
        return found.length > 0;
      };
      const spent = (await Promise.all(Array.from({ length: 100 }, naive))).filter(Boolean).length;
      expect(spent).toBeGreaterThan(1);
    });

    /** Twenty callers spend one ticket while its user is suspended. */
    async function round(create: Auth, suspending: Auth, turn: number): Promise<number> {
      const person = await world.person();
      const claim = await claimOf(person);
      const acts = [
        ...Array.from({ length: 10 }, () => () => outcome(create.sessions.create(claim))),
        () => outcome(suspend(suspending, person)),
        ...Array.from({ length: 10 }, () => () => outcome(create.sessions.create(claim))),
      ];
      const codes = await Promise.all((turn % 2 ? acts : acts.toReversed()).map((act) => act().catch(() => "failed")));
      expect(codes[10]).toBe("done");
      expect(codes.filter((code) => code === "done").length).toBeLessThanOrEqual(2);
      return await livingAfterReinstatement(world, person);
    }

    test("ticket × suspension, 60 rounds: no live session, not even after reinstatement", async () => {
      for (let turn = 0; turn < 60; turn++) expect(await round(world.auth, world.auth, turn)).toBe(0);
    });

    test("planted fault, the session takes no lock: leaves a live session", async () => {
      const auth = world.isolate({ database: rewritingDatabase(world.database, withoutAnyLock) });
      let turn = 0;
      await untilItLeaks(400, () => round(auth, world.auth, turn++));
    });

    test("planted fault, the suspension takes no lock: leaves a live session", async () => {
      const auth = world.isolate({ database: rewritingDatabase(world.database, withoutEarlierLock) });
      let turn = 0;
      await untilItLeaks(400, () => round(world.auth, auth, turn++));
    });
  });

  describe("S17: expiry while a batch waits for a lock", () => {
    /** Waits at the user's row until the expiry has passed by the database's own clock, and then continues. */
    async function actTooLate(here: World, person: Person, act: () => Promise<unknown>): Promise<string> {
      const id = uuidFor("usr", person.userId);
      const held = await holdLock(
        here.backend.connectionString!,
        sql`select id from usr where id = ${id}::uuid for update`,
      );
      const [end] = await here.rows<{ at: string }>(
        sql`select (clock_timestamp() + interval '400 milliseconds')::text as at`,
      );
      await here.rows(sql`update login_ticket set expires_at = ${end!.at}::timestamptz where usr_id = ${id}::uuid`);
      await here.rows(sql`update ses set expires_at = ${end!.at}::timestamptz where usr_id = ${id}::uuid`);
      const started = outcome(act());
      await held.waiting(1);
      for (;;) {
        const [now] = await here.rows<{ over: boolean }>(
          sql`select clock_timestamp() > ${end!.at}::timestamptz as over`,
        );
        if (now!.over) break;
      }
      await held.release();
      return await started;
    }

    const cases: {
      case: string;
      code: string;
      act: (here: World, person: Person) => Promise<() => Promise<unknown>>;
    }[] = [
      {
        case: "a ticket",
        code: noTicket,
        act: async ({ auth }, person) => {
          const { ticket, userId, credentialId } = await auth.verifyPassword(person);
          return () => auth.sessions.create({ ticket, userId, credentialId });
        },
      },
      {
        case: "the refresh of a session",
        code: ended,
        act:
          async ({ auth }, { token }) =>
          () =>
            auth.sessions.refresh({ token, transport: "token" }),
      },
      {
        case: "an operation in a session",
        code: "unauthorized.invalid_token",
        act:
          async ({ auth }, { actor, userId }) =>
          () =>
            auth.users.update({ actor, userId, displayName: "late" }),
      },
    ];

    test.each(cases)("$case: refused", async ({ code, act }) => {
      const person = await world.person();
      expect(await actTooLate(world, person, await act(world, person))).toBe(code);
    });

    test("planted fault, the transaction's clock: accepts all of them", async () => {
      const twin = await openAuth("postgres", { timeoutMilliseconds: 60_000 });
      await twin.rows(sql`
      create or replace function sallyport_now() returns timestamptz language sql stable parallel safe return now()`);
      for (const { act } of cases) {
        // A round in which this machine was too slow to begin in time proves nothing.
        await untilItLeaks(10, async () => {
          const person = await twin.person();
          return (await actTooLate(twin, person, await act(twin, person))) === "done" ? 1 : 0;
        });
      }
      await twin.close();
    });
  });
});
