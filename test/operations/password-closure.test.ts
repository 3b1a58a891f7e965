/** Slow: a password closes after a hundred failures, one after another. @module */
import { expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { freshAddress, otherPassword, outcome, refusal, system, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { attempt, type Guess, repeat, rightGuess } from "../support/guesses.ts";

const start = new Date("2026-11-22T12:00:00Z");

const wrong = "unauthorized.invalid_credential";
const limited = "too_many_requests";
const minute = 60;
const day = 86_400;

describeWorld(
  "R014, S22: 100 failures in a row close the password",
  { on: ["pglite", "postgres"], clock: start },
  (world) => {
    const guess = (input: Guess) => attempt(world, input);

    /** Fails this many times, ten in each window, however long the windows are. */
    async function fail(failures: number, guessOnce: () => Promise<string>): Promise<void> {
      for (let done = 0; done < failures; done++) {
        if (done > 0 && done % 10 === 0) await advanceTestClock(world.database, day);
        expect(await guessOnce()).toBe(wrong);
      }
    }

    test("the right password is refused too, days later, and a known device still signs in", async () => {
      const person = await world.person();
      const { identifier, password, knownDevice } = person;
      await fail(100, () => guess({ identifier }));
      await advanceTestClock(world.database, day);
      const { code, retryAfterSeconds } = await refusal(world.auth.signIn.password({ identifier, password }));
      expect([code, retryAfterSeconds]).toEqual([limited, day]);
      await advanceTestClock(world.database, 10 * day);
      expect(await guess({ identifier, password })).toBe(limited);
      expect(await guess({ identifier, password, knownDevice })).toBe("done");
      expect(await guess({ identifier, password })).toBe(limited);
    });

    test("99 failures and a success: the count starts again", async () => {
      const person = await world.person();
      await fail(99, () => guess({ identifier: person.identifier }));
      expect(await guess(rightGuess(person))).toBe("done");
      await advanceTestClock(world.database, day);
      await fail(99, () => guess({ identifier: person.identifier }));
      expect(await guess(rightGuess(person))).toBe("done");
    });

    test("closed in the middle of a window: one event then and one in each later window", async () => {
      const person = await world.person();
      const { identifier } = person;
      // Two successes move the hundredth failure away from the end of a window.
      await repeat(5, () => guess({ identifier }));
      expect(await guess(rightGuess(person))).toBe("done");
      const marks = async () => (await world.events({ action: "identity.sign_in.limited" })).length;
      const before = await marks();
      const seen: number[] = [];
      let failures = 0;
      // It closes in the eleventh window, at its sixth attempt.
      for (const attempts of [...Array(10).fill(13), 7, 3, 13, 1]) {
        const codes = await repeat(attempts, () => guess({ identifier }));
        failures += codes.filter((code) => code === wrong).length;
        seen.push((await marks()) - before);
        await advanceTestClock(world.database, day);
      }
      expect(failures).toBe(100);
      expect(seen).toEqual(Array.from({ length: 14 }, (_, window) => window + 1));
    });

    test("closed by the last attempt of a window: one event then, and no second one in that window", async () => {
      const person = await world.person();
      const { identifier } = person;
      // The success leaves nine attempts counted, and the run of failures begins with the last one.
      await repeat(9, () => guess({ identifier }));
      expect(await guess(rightGuess(person))).toBe("done");
      const marks = async () => (await world.events({ action: "identity.sign_in.limited" })).length;
      const seen: number[] = [];
      for (const attempts of [4, ...Array(9).fill(13), 10, 3]) {
        const before = await marks();
        await repeat(attempts, () => guess({ identifier }));
        seen.push((await marks()) - before);
        // The last three are in the same window as the ten before them.
        if (attempts !== 10) await advanceTestClock(world.database, day);
      }
      expect(seen).toEqual([...Array(11).fill(1), 0]);
    });

    test("a new password from an administrator opens the account again", async () => {
      const person = await world.person();
      for (let failures = 0; failures < 101; failures++) {
        if (failures > 0 && failures % 10 === 0) await advanceTestClock(world.database, day);
        await guess({ identifier: person.identifier });
      }
      await advanceTestClock(world.database, 3 * day);
      await expect(world.signIn(person)).rejects.toMatchObject({ code: "too_many_requests" });
      const { credentialId } = person;
      await world.auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword });
      expect((await world.signIn({ ...person, password: otherPassword })).userId).toBe(person.userId);
    });
  },
);

describeWorld("S22: a run of failures over many days", { on: ["pglite"], clock: start }, (world) => {
  const guess = async (identifier: string) =>
    await outcome(
      world.auth.signIn.password({ identifier, password: otherPassword, context: { address: freshAddress() } }),
    );

  test("R013: nine failures a day with a daily purge: still counted in a row", async () => {
    const { identifier, password } = await world.person();
    const codes: string[] = [];
    for (let days = 0; days < 13; days++) {
      for (let time = 0; time < 9; time++) codes.push(await guess(identifier));
      await advanceTestClock(world.database, day + 15 * minute);
      await world.auth.purge();
    }
    expect(tally(codes)).toEqual({ "unauthorized.invalid_credential": 100, too_many_requests: 17 });
    // Closed until it is reset: quiet time does not open it.
    await advanceTestClock(world.database, 400 * day);
    await world.auth.purge();
    expect(await outcome(world.auth.signIn.password({ identifier, password }))).toBe("too_many_requests");
  });

  test("a shorter run of failures is forgotten after 90 days", async () => {
    const { identifier } = await world.person();
    const counters = async () => await world.rows(sql`select from attempt where bucket ~ '^credential:'`);
    await world.rows(sql`delete from attempt`);
    await guess(identifier);
    for (const [days, left] of [
      [89, 1],
      [2, 0],
    ] as const) {
      await advanceTestClock(world.database, days * day);
      await world.auth.purge();
      expect(await counters()).toHaveLength(left);
    }
  });
});
