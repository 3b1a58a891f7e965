import { beforeEach, expect, test } from "vitest";
import { generateId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { outcome, type Person, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, ticketFor } from "../support/factors.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld("factor removal", { on: ["pglite", "postgres"], clock: start }, (world) => {
  beforeEach(() => world.rows(sql`delete from attempt`));
  const later = (seconds: number) => advanceTestClock(world.database, seconds);
  const signInWith = (person: Person, ticket: string, code: string, type: "totp" | "recovery" = "totp") =>
    world.auth.signIn.factor({ ticket, transport: person.transport, proof: { type, code } });

  test("R041: removing a factor takes effect at once and ends the other sessions and the recovery codes", async () => {
    const { auth } = world;
    const { app, person } = await addApp(world, await world.person());
    const other = await signInWith(person, await ticketFor(world, person), await app.code());
    await auth.factors.replaceRecoveryCodes(person);
    const revoked = await auth.factors.revoke({ actor: person.actor, factorId: app.factorId });
    expect(revoked.status).toBe("revoked");
    expect((await auth.factors.list(person)).data).toEqual([]);
    expect(await outcome(auth.sessions.verify(person))).toBe("done");
    expect(await outcome(auth.sessions.verify({ token: other.token, transport: "token" }))).toBe(
      "unauthorized.session_expired",
    );
    expect((await auth.signIn.password(person)).mfaRequired).toBe(false);
  });

  test("R037: removal with an old proof, of another user's factor, or for a second time: refused", async () => {
    const { auth } = world;
    const { app, person } = await addApp(world, await world.person());
    const stranger = await addApp(world, await world.person());
    const { factorId } = app;
    expect(await outcome(auth.factors.revoke({ actor: stranger.person.actor, factorId }))).toBe("not_found");
    expect(await outcome(auth.factors.revoke({ actor: person.actor, factorId: generateId("mfa") }))).toBe("not_found");
    await later(601);
    expect(await outcome(auth.factors.revoke({ actor: person.actor, factorId }))).toBe(
      "unauthorized.reauthentication_required",
    );
    await auth.factors.revoke({ actor: system, factorId });
    expect(await outcome(auth.factors.revoke({ actor: system, factorId }))).toBe("conflict.already_terminal");
  });

  test("S33: the owner cannot remove the last factor while the policy requires one", async () => {
    const { auth } = world;
    const { app, person } = await addApp(world, await world.person());
    await auth.factors.replaceRecoveryCodes(person);
    await auth.mfaPolicies.set({ actor: person.actor, userId: person.userId, required: true });
    const { factorId } = app;
    expect(await outcome(auth.factors.revoke({ actor: person.actor, factorId }))).toBe("conflict.last_factor");
  });

  test("S32: an administrator's reset ends sessions, tickets and tokens and permits one enrollment", async () => {
    const { auth } = world;
    const { app, person } = await addApp(world, await world.person());
    await auth.mfaPolicies.set({
      actor: system,
      userId: person.userId,
      required: true,
      graceUntil: new Date(start.getTime() - 1000),
    });
    await ticketFor(world, person);
    await world.rows(sql`
        insert into pat (id, usr_id, name, secret_hash)
        values (${uuidFor("pat", generateId("pat"))}::uuid, ${uuidFor("usr", person.userId)}::uuid, 'ci', 'x')`);
    const administrator = await world.administrator();
    await auth.factors.revoke({ actor: administrator.actor, factorId: app.factorId });
    expect([await world.liveSessions(person.userId), await world.tickets(person.userId)]).toEqual([0, 0]);
    const [pat] = await world.rows<{ live: boolean }>(
      sql`select revoked_at is null as live from pat where usr_id = ${uuidFor("usr", person.userId)}::uuid`,
    );
    expect(pat!.live).toBe(false);
    expect(await auth.signIn.password(person)).toMatchObject({ mfaRequired: true, enroll: true, factors: [] });
  });
});
