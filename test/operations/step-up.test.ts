import { beforeEach, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { outcome, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, personAt, ticketFor } from "../support/factors.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld("step-up", { on: ["pglite", "postgres"], clock: start }, (world) => {
  beforeEach(() => world.rows(sql`delete from attempt`));
  const later = (seconds: number) => advanceTestClock(world.database, seconds);
  const wait = () => later(30);

  test("S14: a fresh session replaces the presented one, whose token is then a plain 401", async () => {
    const { auth } = world;
    const { app, person } = await addApp(world, await world.person());
    await later(700);
    const { actor, transport } = person;
    const stepped = await auth.stepUp({ actor, transport, proof: { type: "totp", code: await app.code() } });
    const now = new Date(start.getTime() + 700_000);
    expect(stepped.session).toMatchObject({ authTime: now, mfaVerifiedAt: now, amr: ["mfa", "otp", "pwd"] });
    expect(stepped.session.expiresAt).toEqual(person.session.expiresAt);
    for (const act of [auth.sessions.verify, auth.sessions.refresh]) {
      expect(await outcome(act(person))).toBe("unauthorized.session_expired");
    }
    expect(await world.liveSessions(person.userId)).toBe(1);
    await auth.factors.replaceRecoveryCodes(await personAt(world, person, stepped));
  });

  test("S09: the new token is random, so repeating the request does not return it again", async () => {
    const { app, person } = await addApp(world, await world.person());
    const { actor, transport } = person;
    await wait();
    const proof = { type: "totp", code: await app.code() } as const;
    await world.auth.stepUp({ actor, transport, proof });
    expect(await outcome(world.auth.stepUp({ actor, transport, proof }))).toBe("unauthorized.invalid_token");
  });

  test("step-up of a user without a second factor: proves the password", async () => {
    const { auth } = world;
    const person = await world.person();
    const { actor, transport, password } = person;
    await later(700);
    const wrong = { type: "password", password: "wrong wrong wrong" } as const;
    expect(await outcome(auth.stepUp({ actor, transport, proof: wrong }))).toBe("unauthorized.invalid_credential");
    const stepped = await auth.stepUp({ actor, transport, proof: { type: "password", password } });
    expect(stepped.session).toMatchObject({ amr: ["pwd"], mfaVerifiedAt: null });
    await addApp(world, await personAt(world, person, stepped));
  });

  test("R037, R014: a user with a second factor: an old session can neither prove the password nor use up its attempts", async () => {
    const { auth } = world;
    const { person } = await addApp(world, await world.person());
    const { actor, transport } = person;
    await later(700);
    for (const password of [person.password, ...Array.from({ length: 12 }, () => "guess")]) {
      expect(await outcome(auth.stepUp({ actor, transport, proof: { type: "password", password } }))).toBe(
        "unauthorized.reauthentication_required",
      );
    }
    expect(await outcome(ticketFor(world, person))).toBe("done");
  });

  test("a refresh after a step-up: does not carry the proof over", async () => {
    const { auth } = world;
    const { person } = await addApp(world, await world.person());
    const { session } = await auth.sessions.refresh(person);
    expect(session.mfaVerifiedAt).toBeNull();
  });

  test("S30: the application itself has no session to step up: TypeError", async () => {
    const proof = { type: "totp", code: "000000" } as const;
    // @ts-expect-error It does not compile, either.
    await expect(world.auth.stepUp({ actor: system, transport: "token", proof })).rejects.toThrow(TypeError);
  });

  test("a stolen session that stepped up: ending the original session ends the new one too", async () => {
    const person = await world.person();
    const thief = await world.signIn(person);
    const proof = { type: "password", password: person.password } as const;
    const { token } = await world.auth.stepUp({ actor: thief.actor, transport: "token", proof });
    await world.auth.sessions.revoke({ actor: person.actor, sessionId: thief.session.id });
    expect(await outcome(world.auth.sessions.verify({ token, transport: "token" }))).toBe(
      "unauthorized.session_expired",
    );
    expect(await outcome(world.auth.sessions.verify({ token: person.token, transport: "token" }))).toBe("done");
  });
});
