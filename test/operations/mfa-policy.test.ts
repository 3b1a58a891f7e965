import { beforeEach, expect, test } from "vitest";
import { generateId } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { outcome, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp } from "../support/factors.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld("second-factor policy", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  beforeEach(() => world.rows(sql`delete from attempt`));

  test("S04: a user may raise their own policy and never lower it", async () => {
    const { auth } = world;
    const { person } = await addApp(world, await world.person());
    const { actor, userId } = person;
    const at = (seconds: number) => new Date(start.getTime() + seconds * 1000);
    const set = (required: boolean, graceUntil: Date | null) =>
      outcome(auth.mfaPolicies.set({ actor, userId, required, graceUntil }));
    expect(await auth.mfaPolicies.get(person)).toEqual({
      userId,
      required: false,
      graceUntil: null,
      updatedAt: start,
    });
    expect(await set(true, at(1000))).toBe("done");
    expect(await set(true, at(1001))).toBe("forbidden");
    expect(await set(false, at(1000))).toBe("forbidden");
    expect(await set(true, at(999))).toBe("done");
    expect(await set(true, null)).toBe("done");
    expect(await set(true, at(1))).toBe("forbidden");
    expect(await auth.mfaPolicies.get(person)).toEqual({
      userId,
      required: true,
      graceUntil: null,
      updatedAt: start,
    });
    expect(await outcome(auth.mfaPolicies.set({ actor: system, userId, required: false }))).toBe("done");
  });

  test("the event of a policy has its grace period", async () => {
    const { userId } = await world.person();
    const graceUntil = new Date(start.getTime() + 86_400_000);
    await auth.mfaPolicies.set({ actor: system, userId, required: true, graceUntil });
    await auth.mfaPolicies.set({ actor: system, userId, required: true });
    const events = await world.events({ target: userId, action: "identity.mfa_policy.set" });
    const [first, second] = events.map(({ metadata }) => metadata);
    expect({ ...first, grace_until: new Date(String(first!.grace_until)) }).toEqual({
      required: true,
      grace_until: graceUntil,
    });
    expect(second).toEqual({ required: true });
  });

  test.each([Number.NaN, -62_167_219_200_001, 253_402_300_800_000])("R130: grace until %d: refused", async (time) => {
    const { userId } = await world.person();
    const set = world.auth.mfaPolicies.set({ actor: system, userId, required: true, graceUntil: new Date(time) });
    expect(await outcome(set)).toBe("invalid_format.body");
    expect(await world.auth.mfaPolicies.get({ actor: system, userId })).toMatchObject({ required: false });
  });

  test("the policy of another user, or of an unknown user: not_found", async () => {
    const { auth } = world;
    const { actor } = await world.person();
    const { userId } = await world.person();
    expect(await outcome(auth.mfaPolicies.get({ actor, userId }))).toBe("not_found");
    expect(await outcome(auth.mfaPolicies.set({ actor, userId, required: true }))).toBe("not_found");
    const nobody = generateId("usr");
    expect(await outcome(auth.mfaPolicies.set({ actor: system, userId: nobody, required: true }))).toBe("not_found");
  });

  test("S33: a user who sets a grace that is already over is not locked out for ever", async () => {
    const person = await world.person();
    const { actor, userId } = person;
    // A browser sends this when its user means `from now on`.
    await outcome(auth.mfaPolicies.set({ actor, userId, required: true, graceUntil: new Date(start.getTime() - 1) }));
    expect(await outcome(auth.signIn.password(person))).toBe("done");
  });

  test("S33: a user without a factor who sets a policy that requires one is not locked out for ever", async () => {
    const { person, app } = await addApp(world, await world.person());
    const { actor, userId } = person;
    await auth.factors.revoke({ actor, factorId: app.factorId });
    await outcome(auth.mfaPolicies.set({ actor, userId, required: true }));
    expect(await outcome(auth.signIn.password(person))).toBe("done");
  });

  test("S02, S32: a policy set after the session was verified still blocks tokens, passkeys and factors", async () => {
    const { actor, userId } = await world.person();
    await auth.mfaPolicies.set({ actor: system, userId, required: true });
    const refused = "unauthorized.reauthentication_required";
    const lasting = { actor, userId, name: "ci", scope: ["docs:read"] };
    expect(await outcome(auth.personalAccessTokens.create(lasting))).toBe(refused);
    expect(await outcome(auth.passkeys.registrationOptions({ actor }))).toBe(refused);
    expect(await outcome(auth.factors.enrollTotp({ actor, label: "app" }))).toBe(refused);
  });
});
