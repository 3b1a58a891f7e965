import { beforeEach, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/crypto/bytes.ts";
import { isSealed } from "../../src/crypto/sealing.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { outcome, type Person } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, appOf, ticketFor } from "../support/factors.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld("authenticator app", { on: ["pglite", "postgres"], clock: start }, (world) => {
  beforeEach(() => world.rows(sql`delete from attempt`));
  const later = (seconds: number) => advanceTestClock(world.database, seconds);
  const signInWith = (person: Person, ticket: string, code: string, type: "totp" | "recovery" = "totp") =>
    world.auth.signIn.factor({ ticket, transport: person.transport, proof: { type, code } });

  test("R035, S44: enrollment shows the secret once and stores it sealed for this factor and user", async () => {
    const { auth } = world;
    const person = await world.person();
    const enrolled = await auth.factors.enrollTotp({ actor: person.actor, label: "phone" });
    expect(enrolled.factor).toMatchObject({ type: "totp", status: "pending", identifier: "phone" });
    expect(enrolled.secretBase32).toMatch(/^[A-Z2-7]{32}$/);
    expect(enrolled.otpauthUri).toContain(enrolled.secretBase32);
    const app = appOf(world, enrolled);
    const [row] = await world.rows<{ secret: string }>(
      sql`select encode(totp_secret, 'hex') as secret from mfa where id = ${uuidFor("mfa", app.factorId)}::uuid`,
    );
    expect(isSealed(fromHex(row!.secret)!)).toBe(true);
    expect(row!.secret).not.toContain(toHex(app.secret));
    expect(JSON.stringify(await auth.factors.list(person))).not.toContain(enrolled.secretBase32);
  });

  test("S12: sign-in asks for a code once the app is confirmed, and not before", async () => {
    const { auth } = world;
    const person = await world.person();
    const app = appOf(world, await auth.factors.enrollTotp({ actor: person.actor, label: "phone" }));
    expect((await auth.signIn.password(person)).mfaRequired).toBe(false);
    const { actor, transport } = person;
    await auth.factors.confirmTotp({ actor, transport, factorId: app.factorId, code: await app.code() });
    expect(await auth.signIn.password(person)).toEqual({
      mfaRequired: true,
      enroll: false,
      factors: ["totp"],
      ticket: expect.any(String),
    });
  });

  test("S14, S32: confirmation ends every other session and ticket and issues a fresh session at level 2", async () => {
    const person = await world.person();
    const other = await world.signIn(person);
    const { session } = (await addApp(world, person)).person;
    expect(session.amr).toEqual(["mfa", "otp", "pwd"]);
    expect(session.mfaVerifiedAt).toEqual(start);
    for (const { token } of [person, other]) {
      expect(await outcome(world.auth.sessions.verify({ token, transport: "token" }))).toBe(
        "unauthorized.session_expired",
      );
      expect(await outcome(world.auth.sessions.refresh({ token, transport: "token" }))).toBe(
        "unauthorized.session_expired",
      );
    }
    expect(await world.liveSessions(person.userId)).toBe(1);
    expect(await world.tickets(person.userId)).toBe(0);
  });

  test("confirmation: the fresh session stays in its family, with the same end", async () => {
    const person = await world.person();
    await world.rows(sql`
        update ses set family_expires_at = sallyport_now() + interval '1 hour'
        where id = ${uuidFor("ses", person.session.id)}::uuid`);
    const { session } = (await addApp(world, person)).person;
    expect(session.expiresAt).toEqual(new Date(start.getTime() + 3_600_000));
  });

  test("confirmation with a wrong code, or a code of another user's app: refused, and the app stays pending", async () => {
    const { auth } = world;
    const { actor, transport } = await world.person();
    const app = appOf(world, await auth.factors.enrollTotp({ actor, label: "phone" }));
    const stranger = await world.person();
    const theirs = appOf(world, await auth.factors.enrollTotp({ actor: stranger.actor, label: "phone" }));
    for (const code of ["000000", await theirs.code(), "x", ""]) {
      expect(await outcome(auth.factors.confirmTotp({ actor, transport, factorId: app.factorId, code }))).toBe(
        "precondition.factor_code_invalid",
      );
    }
    expect(
      await outcome(
        auth.factors.confirmTotp({ actor, transport, factorId: theirs.factorId, code: await theirs.code() }),
      ),
    ).toBe("not_found");
  });

  test("a pending app: expires after ten minutes", async () => {
    const { auth } = world;
    const { actor, transport, session } = await world.person();
    const app = appOf(world, await auth.factors.enrollTotp({ actor, label: "phone" }));
    await later(599);
    await world.age(session, 10);
    expect(await outcome(auth.factors.confirmTotp({ actor, transport, factorId: app.factorId, code: "000000" }))).toBe(
      "precondition.factor_code_invalid",
    );
    await later(1);
    expect(
      await outcome(auth.factors.confirmTotp({ actor, transport, factorId: app.factorId, code: await app.code() })),
    ).toBe("precondition.factor_not_pending");
  });

  test("several enrollments: only the last one stays pending", async () => {
    const { auth } = world;
    const person = await world.person();
    const { actor, transport } = person;
    const first = appOf(world, await auth.factors.enrollTotp({ actor, label: "one" }));
    await auth.factors.enrollTotp({ actor, label: "two" });
    expect((await auth.factors.list(person)).data).toMatchObject([{ type: "totp", identifier: "two" }]);
    expect(
      await outcome(auth.factors.confirmTotp({ actor, transport, factorId: first.factorId, code: await first.code() })),
    ).toBe("not_found");
  });

  test("R037: a code in a session that is not fresh: the session is refused before the code is judged or counted", async () => {
    const person = await world.person();
    const { actor, transport } = person;
    const { factorId } = appOf(world, await world.auth.factors.enrollTotp({ actor, label: "phone" }));
    await world.age(person.session, 3_600);
    for (const code of ["000000", "no code"]) {
      expect(await outcome(world.auth.factors.confirmTotp({ actor, transport, factorId, code }))).toBe(
        "unauthorized.reauthentication_required",
      );
    }
    expect(await world.rows(sql`select bucket from attempt where bucket like 'pending-factor:%'`)).toEqual([]);
  });

  test("R037, S28: enrollment and confirmation need a fresh proof at the account's highest level", async () => {
    const { auth } = world;
    const person = await world.person();
    const { actor, transport, session } = person;
    const app = appOf(world, await auth.factors.enrollTotp({ actor, label: "phone" }));
    await world.age(session, 601);
    expect(await outcome(auth.factors.enrollTotp({ actor, label: "phone" }))).toBe(
      "unauthorized.reauthentication_required",
    );
    expect(
      await outcome(auth.factors.confirmTotp({ actor, transport, factorId: app.factorId, code: await app.code() })),
    ).toBe("unauthorized.reauthentication_required");
  });

  test.each([
    ["", "invalid_format.name"],
    ["x".repeat(121), "invalid_format.name"],
    ["\0", "invalid_format.text"],
    ["\ud800", "invalid_format.text"],
  ])("label %j: %s", async (label, code) => {
    const { actor } = await world.person();
    expect(await outcome(world.auth.factors.enrollTotp({ actor, label }))).toBe(code);
  });

  test("a second app: replaces the first, whose codes are refused", async () => {
    const { auth } = world;
    const before = await addApp(world, await world.person());
    const after = await addApp(world, before.person);
    expect((await auth.factors.list(after.person)).data).toMatchObject([
      { id: after.app.factorId, replaces: before.app.factorId, status: "active" },
    ]);
    const ticket = await ticketFor(world, after.person);
    expect(await outcome(signInWith(after.person, ticket, await before.app.code()))).toBe(
      "unauthorized.invalid_factor",
    );
    await signInWith(after.person, ticket, await after.app.code());
  });
});
