import { beforeEach, expect, test } from "vitest";
import { HashQueueFullError } from "../../src/crypto/hash-queue.ts";
import type { PasswordHasher } from "../../src/crypto/password-hasher.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { freshAddress, outcome, type Person, quickHasher } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, personAt, ticketFor } from "../support/factors.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld("recovery codes", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  beforeEach(() => world.rows(sql`delete from attempt`));
  const later = (seconds: number) => advanceTestClock(world.database, seconds);
  const signInWith = (person: Person, ticket: string, code: string, type: "totp" | "recovery" = "totp") =>
    world.auth.signIn.factor({ ticket, transport: person.transport, proof: { type, code } });

  async function withCodes() {
    const made = await addApp(world, await world.person());
    const { codes, factor } = await world.auth.factors.replaceRecoveryCodes(made.person);
    return { ...made, codes, factor };
  }

  test("R036: ten codes, each for one use, and the factor shows how many are left", async () => {
    const { auth } = world;
    const { codes, factor, person } = await withCodes();
    expect({ codes: codes.length, factor }).toMatchObject({ codes: 10, factor: { type: "recovery", remaining: 10 } });
    const again = await signInWith(person, await ticketFor(world, person), codes[3]!.toLowerCase(), "recovery");
    expect(again.session.amr).toEqual(["mfa", "otp", "pwd"]);
    expect(await outcome(signInWith(person, await ticketFor(world, person), codes[3]!, "recovery"))).toBe(
      "unauthorized.invalid_factor",
    );
    const { data: factors } = await auth.factors.list(await personAt(world, person, again));
    expect(factors.find(({ type }) => type === "recovery")).toMatchObject({ remaining: 9 });
  });

  test("a check of a recovery code: verifies all ten hashes, whichever matches and however many are used", async () => {
    const { codes, person } = await withCodes();
    const work: number[] = [];
    for (const code of [codes[0]!, codes[9]!, codes[0]!, "ABCD-EFGH-JKMN"]) {
      const ticket = await ticketFor(world, person);
      world.hasher.reset();
      await outcome(signInWith(person, ticket, code, "recovery"));
      work.push(world.hasher.computations);
    }
    expect(work).toEqual([10, 10, 10, 10]);
  });

  test("a malformed code: refused without computing a hash", async () => {
    const { person } = await withCodes();
    const ticket = await ticketFor(world, person);
    world.hasher.reset();
    expect(await outcome(signInWith(person, ticket, "nonsense", "recovery"))).toBe("unauthorized.invalid_factor");
    expect(world.hasher.computations).toBe(0);
  });

  test("a new set: the old codes are refused", async () => {
    const { codes, factor, person } = await withCodes();
    const renewed = await world.auth.factors.replaceRecoveryCodes(person);
    expect(renewed.factor.replaces).toBe(factor.id);
    const ticket = await ticketFor(world, person);
    expect(await outcome(signInWith(person, ticket, codes[0]!, "recovery"))).toBe("unauthorized.invalid_factor");
    await signInWith(person, ticket, renewed.codes[0]!, "recovery");
  });

  test("R047: making recovery codes keeps this session and ends the others", async () => {
    const { app, person } = await addApp(world, await world.person());
    const other = await signInWith(person, await ticketFor(world, person), await app.code());
    await world.auth.factors.replaceRecoveryCodes(person);
    expect(await outcome(world.auth.sessions.verify(person))).toBe("done");
    expect(await outcome(world.auth.sessions.verify({ token: other.token, transport: "token" }))).toBe(
      "unauthorized.session_expired",
    );
  });

  test("recovery codes for a user without another factor: refused", async () => {
    expect(await outcome(world.auth.factors.replaceRecoveryCodes(await world.person()))).toBe(
      "precondition.factor_needed_first",
    );
  });

  test("R037: making recovery codes needs a fresh second factor", async () => {
    const { person } = await addApp(world, await world.person());
    await later(601);
    await world.age(person.session, 1);
    expect(await outcome(world.auth.factors.replaceRecoveryCodes(person))).toBe(
      "unauthorized.reauthentication_required",
    );
  });

  test("S24, R011: a user who may not make recovery codes causes no hash", async () => {
    const person = await world.person();
    world.hasher.reset();
    expect(await outcome(auth.factors.replaceRecoveryCodes(person))).toBe("precondition.factor_needed_first");
    expect(world.hasher.computations).toBe(0);
  });

  test("S24, R011: a hundred sets of recovery codes in a minute: limited", async () => {
    const { person } = await addApp(world, await world.person());
    const codes: string[] = [];
    for (let n = 0; n < 100; n++) codes.push(await outcome(auth.factors.replaceRecoveryCodes(person)));
    expect(codes.at(-1)).toBe("too_many_requests");
  });

  test("F13: recovery codes that the hash queue refuses: not counted against the user", async () => {
    const hash: PasswordHasher["hash"] = async () => {
      throw new HashQueueFullError();
    };
    const limits = { account: { attempts: 3, windowSeconds: 60 } };
    const busy = world.isolate({ limits, passwordHasher: { ...quickHasher(), hash } });
    const { person } = await addApp(world, await world.person());
    for (let time = 0; time < 5; time++) {
      expect(await outcome(busy.factors.replaceRecoveryCodes(person))).toBe("unavailable.busy");
    }
    expect(await outcome(world.isolate({ limits }).factors.replaceRecoveryCodes(person))).toBe("done");
  });

  test("S24: with a limit of an address below ten units, one recovery code in a window is checked", async () => {
    const { person, codes } = await withCodes();
    const strict = world.isolate({ limits: { address: { attempts: 3, windowSeconds: 60 } } });
    const [ticket, context] = [await ticketFor(world, person), { address: freshAddress() }];
    const tried = (code: string) =>
      outcome(strict.signIn.factor({ ticket, proof: { type: "recovery", code }, context }));
    expect([await tried("no code"), await tried(codes[0]!)]).toEqual([
      "unauthorized.invalid_factor",
      "too_many_requests",
    ]);
  });

  test("S03: recovery codes in the application's transaction, which could undo them after they were shown: refused", async () => {
    const { person } = await addApp(world, await world.person());
    const nested = world.isolate({ database: { ...world.database, isNested: () => true } });
    await expect(nested.factors.replaceRecoveryCodes(person)).rejects.toThrow(TypeError);
  });
});
