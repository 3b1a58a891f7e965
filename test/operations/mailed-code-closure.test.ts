/** Slow: the codes of an address close after a hundred wrong ones, over days. @module */
import { describe, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
  system,
} from "../support/auth.ts";
import { deadlocksDuring } from "../support/deadlocks.ts";
import { describeWorld } from "../support/describe-world.ts";
import { holdLock } from "../support/held-lock.ts";
import { askers, mailed, mailedChange, withVerifiedAddress } from "../support/links.ts";

const start = new Date("2026-11-22T12:00:00Z");
const day = 86_400;
const invalid = "unauthorized.invalid_link";
const limited = "too_many_requests";
const wrongFor = (code: string) => (code === "000 000" ? "000 001" : "000 000");

describeWorld(
  "S22: 100 wrong codes close the codes of an address",
  { on: ["pglite", "postgres"], clock: start },
  (world) => {
    const exchange = (requestToken: string, code: string, knownDevice?: string) =>
      world.auth.mailedCodes.exchange({ requestToken, code, knownDevice, context: { address: freshAddress() } });
    const verified = async () => await withVerifiedAddress(world, await world.person());

    /** A stranger asks for messages to an address, and guesses. A day later, a right code is refused too. */
    async function close(identifier: string): Promise<void> {
      for (let failures = 0; failures < 100; failures += 10) {
        const { requestToken } = await askers.reset(world, identifier);
        for (let time = 0; time < 10; time++) expect(await outcome(exchange(requestToken, "no"))).toBe(invalid);
        await world.auth.mail.deliver();
        await advanceTestClock(world.database, day);
      }
      const { requestToken } = await askers.reset(world, identifier);
      expect(await outcome(exchange(requestToken, "no"))).toBe(limited);
      await world.auth.mail.deliver();
      await advanceTestClock(world.database, 3_600);
    }

    test("a known device of the account exchanges its code nevertheless, and other browsers do not", async () => {
      const person = await verified();
      await close(person.identifier);
      const { requestToken, code } = await mailed(world, "reset", person.identifier);
      expect(await outcome(exchange(requestToken, code))).toBe(limited);
      const stranger = await verified();
      expect(await outcome(exchange(requestToken, code, stranger.knownDevice))).toBe(limited);
      expect(await outcome(exchange(requestToken, code, `${person.knownDevice}x`))).toBe(limited);
      expect(await outcome(exchange(requestToken, code, person.knownDevice))).toBe("done");
    });

    describe("the link of a message opens the codes of its address again", () => {
      const spend = {
        reset: (token: string) => world.auth.passwordReset.confirm({ token, password: otherPassword }),
        signIn: (token: string) => world.auth.mailedSignIn.confirm({ token }),
        signUp: (token: string) => world.auth.mailedSignUp.confirm({ token, password: otherPassword }),
      } as const;

      test.each(["reset", "signIn", "signUp"] as const)("%s", async (kind) => {
        const identifier = kind === "signUp" ? freshIdentifier() : (await verified()).identifier;
        await close(identifier);
        const { token } = await mailed(world, kind, identifier);
        await spend[kind](token);
        // The notice of a new device, which could arrive after the code.
        await world.auth.mail.deliver();
        const { requestToken, code } = await mailed(world, "reset", identifier);
        expect(await outcome(exchange(requestToken, code))).toBe("done");
      });

      test("also those of known devices, which somebody with an old cookie has closed", async () => {
        const { identifier, knownDevice } = await verified();
        for (let failures = 0; failures < 100; failures += 10) {
          const { requestToken } = await askers.reset(world, identifier);
          for (let time = 0; time < 10; time++) {
            expect(await outcome(exchange(requestToken, "no", knownDevice))).toBe(invalid);
          }
          await world.auth.mail.deliver();
          await advanceTestClock(world.database, day);
        }
        const closed = await mailed(world, "reset", identifier);
        expect(await outcome(exchange(closed.requestToken, closed.code, knownDevice))).toBe(limited);
        await spend.signIn((await mailed(world, "signIn", identifier)).token);
        await world.auth.mail.deliver();
        const { requestToken, code } = await mailed(world, "reset", identifier);
        expect(await outcome(exchange(requestToken, code, knownDevice))).toBe("done");
      });

      test("a new address", async () => {
        const person = await verified();
        const identifier = freshIdentifier();
        await close(identifier);
        // The session is too old by now.
        const { actor } = await world.signIn(person);
        const { token } = await mailedChange(world, { actor }, identifier);
        await world.auth.identifiers.confirmChange({ actor, token, transport: "token" });
        await world.auth.mail.deliver();
        const { requestToken, code } = await mailed(world, "reset", identifier);
        expect(await outcome(exchange(requestToken, code))).toBe("done");
      });
    });

    test("a link that is refused opens nothing", async () => {
      const person = await verified();
      await close(person.identifier);
      const one = await mailed(world, "reset", person.identifier);
      expect(await outcome(world.auth.passwordReset.confirm({ token: one.token, password: "short" }))).toBe(
        "invalid_format.password",
      );
      const { requestToken, code } = await mailed(world, "reset", person.identifier);
      expect(await outcome(exchange(requestToken, code))).toBe(limited);
    });
  },
);

describeWorld("S22: codes from a known device", { on: ["pglite", "postgres"], clock: start }, (world) => {
  const exchange = (requestToken: string, code: string, knownDevice?: string) =>
    world.auth.mailedCodes.exchange({ requestToken, code, knownDevice, context: { address: freshAddress() } });
  const verified = async () => await withVerifiedAddress(world, await world.person());
  /** Wrong codes, four for each message. */
  async function guesses(person: Person, times: number, knownDevice?: string): Promise<string[]> {
    const codes: string[] = [];
    while (codes.length < times) {
      const { requestToken, code } = await mailed(world, "reset", person.identifier);
      for (let time = 0; time < 4 && codes.length < times; time++)
        codes.push(await outcome(exchange(requestToken, wrongFor(code), knownDevice)));
    }
    return codes;
  }

  test("its wrong codes do not count for other browsers", async () => {
    const person = await verified();
    expect(await guesses(person, 11, person.knownDevice)).toEqual([...Array(10).fill(invalid), limited]);
    const { requestToken, code } = await mailed(world, "reset", person.identifier);
    expect(await outcome(exchange(requestToken, code))).toBe("done");
  });

  test("all known devices of a password have one counter, so more of them give no more attempts", async () => {
    const person = await verified();
    await guesses(person, 10, person.knownDevice);
    const other = await world.auth.signIn.password({ ...person, password: goodPassword });
    if (other.mfaRequired) throw new Error("The person has no second factor.");
    expect(await guesses(person, 1, other.knownDevice)).toEqual([limited]);
  });

  test("a right code refunds the counter that it was counted on, and no other", async () => {
    const person = await verified();
    await guesses(person, 3);
    await guesses(person, 2, person.knownDevice);
    const { requestToken, code } = await mailed(world, "reset", person.identifier);
    await exchange(requestToken, code, person.knownDevice);
    const { data } = await world.auth.limits.list({ actor: system, of: { identifier: person.identifier } });
    const counted = data.map(({ name, count, failures }) => [name.split(":")[0], count, failures]);
    expect(counted.filter(([kind]) => String(kind).startsWith("code")).sort()).toEqual([
      ["code", 3, 3],
      ["code-device", 2, 0],
    ]);
  });
});

describeWorld("F18: a code and the link of one message at once", { on: ["postgres"] }, (world) => {
  test.each(["reset", "signIn", "signUp", "change"] as const)(
    "%s: the counter of codes is locked before the link, so that they do not deadlock",
    async (kind) => {
      const person = await withVerifiedAddress(world, await world.person());
      const { actor } = person;
      const { token, requestToken, code } =
        kind === "change"
          ? await mailedChange(world, person)
          : await mailed(world, kind, kind === "signUp" ? freshIdentifier() : person.identifier);
      await outcome(world.auth.mailedCodes.exchange({ requestToken, code: wrongFor(code) }));
      const [counter] = await world.rows<{ bucket: string }>(sql`
        select bucket from attempt where bucket = (
          select 'code:' || mailbox from verification_token where browser_hash is not null
          order by created_at desc limit 1)`);
      const deadlocks = await deadlocksDuring(world, async (database) => {
        const auth = world.isolate({ database });
        const held = await holdLock(
          world.backend.connectionString!,
          sql`select from attempt where bucket = ${counter!.bucket} for update`,
        );
        const spent = outcome(
          {
            reset: () => auth.passwordReset.confirm({ token, password: otherPassword }),
            signIn: () => auth.mailedSignIn.confirm({ token }),
            signUp: () => auth.mailedSignUp.confirm({ token, password: otherPassword }),
            change: () => auth.identifiers.confirmChange({ actor, token, transport: "token" }),
          }[kind](),
        );
        await held.waiting(1);
        const free = await world.rows(sql`
          select from verification_token where browser_hash is not null order by created_at desc limit 1
          for update skip locked`);
        await held.release();
        expect(free).toHaveLength(1);
        expect(await spent).toBe("done");
      });
      expect(deadlocks).toBe(0);
    },
  );
});
