import { beforeEach, describe, expect, test } from "vitest";
import { type FactorId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { freshAddress, outcome, type Person, system } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, appOf, personAt, ticketFor } from "../support/factors.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

const start = new Date("2026-11-22T12:00:00Z");

const context = () => ({ address: freshAddress() });

describeWorld("required factor, user without one", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  beforeEach(() => world.rows(sql`delete from attempt`));
  const later = (seconds: number) => advanceTestClock(world.database, seconds);
  const signInWith = (person: Person, ticket: string, code: string, type: "totp" | "recovery" = "totp") =>
    world.auth.signIn.factor({ ticket, transport: person.transport, proof: { type, code } });

  const { withPasskey, passkeySignIn } = usersWithPasskeys(world);

  test("S31: a policy without grace: sessions at level 1 are refused at once", async () => {
    const { auth } = world;
    const person = await world.person();
    await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
    for (const act of [auth.sessions.verify, auth.sessions.refresh]) {
      expect(await outcome(act(person))).toBe("unauthorized.mfa_required");
    }
  });

  test("R039: the enrollment ticket enrolls a factor and serves for nothing else", async () => {
    const { auth } = world;
    const person = await world.person();
    const { userId, credentialId, transport } = person;
    await auth.mfaPolicies.set({ actor: system, userId, required: true });
    const needed = await auth.signIn.password(person);
    if (!needed.mfaRequired) throw new Error("It let them in.");
    expect(needed).toMatchObject({ enroll: true, factors: [] });
    const { ticket } = needed;
    expect(await outcome(auth.sessions.create({ ticket, userId, credentialId }))).toBe("unauthorized.invalid_ticket");
    expect(await outcome(auth.sessions.verify({ token: ticket, transport }))).toBe("unauthorized.invalid_token");
    expect(await outcome(signInWith(person, ticket, "000000"))).toBe("unauthorized.invalid_ticket");

    const app = appOf(world, await auth.factors.enrollTotp({ ticket, transport, label: "phone" }));
    const { factorId } = app;
    expect(await outcome(auth.factors.confirmTotp({ ticket, transport, factorId, code: "000000" }))).toBe(
      "precondition.factor_code_invalid",
    );
    const signedIn = await auth.factors.confirmTotp({ ticket, transport, factorId, code: await app.code() });
    expect(signedIn.session).toMatchObject({ amr: ["mfa", "otp", "pwd"], mfaVerifiedAt: start });
    expect(await outcome(auth.factors.enrollTotp({ ticket, transport, label: "again" }))).toBe(
      "unauthorized.invalid_ticket",
    );
    expect(await outcome(auth.sessions.verify({ token: signedIn.token, transport }))).toBe("done");
  });

  test("S32: after the grace an administrator must permit the enrollment, which works once", async () => {
    const { auth } = world;
    const person = await world.person();
    const { userId, transport } = person;
    const graceUntil = new Date(start.getTime() + 60_000);
    await auth.mfaPolicies.set({ actor: system, userId, required: true, graceUntil });
    expect((await auth.signIn.password(person)).mfaRequired).toBe(false);
    await later(60);
    expect(await outcome(auth.signIn.password(person))).toBe("forbidden.enrollment_not_granted");
    expect(await outcome(auth.verifyPassword(person))).toBe("forbidden.enrollment_not_granted");
    expect(await world.tickets(userId)).toBe(0);

    const administrator = await world.administrator();
    const stranger = await world.person();
    expect(await outcome(auth.mfaPolicies.grantEnrollment({ actor: stranger.actor, userId }))).not.toBe("done");
    await auth.mfaPolicies.grantEnrollment({ actor: administrator.actor, userId });
    const ticket = await ticketFor(world, person);
    const app = appOf(world, await auth.factors.enrollTotp({ ticket, transport, label: "phone" }));
    await auth.factors.confirmTotp({ ticket, transport, factorId: app.factorId, code: await app.code() });
    await world.rows(sql`update mfa set status = 'revoked' where usr_id = ${uuidFor("usr", userId)}::uuid`);
    expect(await outcome(auth.signIn.password(person))).toBe("forbidden.enrollment_not_granted");
  });

  test("S32: a user who once had a factor: no enrollment without permission", async () => {
    const { auth } = world;
    const { person } = await addApp(world, await world.person());
    await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
    await world.rows(sql`update mfa set status = 'revoked' where usr_id = ${uuidFor("usr", person.userId)}::uuid`);
    expect(await outcome(auth.signIn.password(person))).toBe("forbidden.enrollment_not_granted");
  });

  describe("enrollment ticket, held by an attacker with the password", () => {
    async function enrollTicket() {
      const person = await world.person();
      const { userId, transport } = person;
      await world.requireFactor(userId);
      const held = { ticket: await ticketFor(world, person), transport };
      const enroll = () => auth.factors.enrollTotp({ ...held, label: "thief's" });
      const policy = (required: boolean, graceUntil?: Date) =>
        auth.mfaPolicies.set({ actor: system, userId, required, ...(graceUntil && { graceUntil }) });
      return { person, held, enroll, policy };
    }
    /** True if the attacker confirms the factor that they started. */
    const confirm = async (
      held: { ticket: string; transport: Person["transport"] },
      code: () => Promise<string>,
      factorId: FactorId,
    ) => await outcome(auth.factors.confirmTotp({ ...held, factorId, code: await code(), context: context() }));

    test("S02, S32: the policy's grace ends in the meantime: enrollment can neither begin nor finish", async () => {
      const { held, enroll, policy } = await enrollTicket();
      const app = appOf(world, await enroll());
      await policy(true, new Date(start.getTime() - 1000));
      expect(await confirm(held, app.code, app.factorId)).toBe("unauthorized.invalid_ticket");
      expect(await outcome(enroll())).toBe("unauthorized.invalid_ticket");
    });

    test("S20, S32: the owner registers a passkey in the meantime: enrollment can neither begin nor finish", async () => {
      const { person, held, enroll, policy } = await enrollTicket();
      const app = appOf(world, await enroll());
      await policy(false);
      const authenticator = await newAuthenticator();
      const owner = await world.signIn(person);
      const response = await authenticator.create(await auth.passkeys.registrationOptions(owner));
      await auth.passkeys.register({ actor: owner.actor, response, transport: "token" });
      await policy(true);
      const signedIn = await passkeySignIn(authenticator);
      expect(await confirm(held, app.code, app.factorId)).toBe("unauthorized.invalid_ticket");
      expect(await outcome(enroll())).toBe("unauthorized.invalid_ticket");
      expect(await outcome(auth.sessions.verify({ token: signedIn.token, transport: "token" }))).toBe("done");
    });

    test("S20: after five wrong codes the ticket enrolls no security key either", async () => {
      const { person, held, enroll } = await enrollTicket();
      const authenticator = await newAuthenticator();
      const key = await auth.securityKeys.enroll(held);
      const app = appOf(world, await enroll());
      for (let n = 0; n < 5; n++) {
        expect(await confirm(held, async () => "000000", app.factorId)).toBe("precondition.factor_code_invalid");
      }
      const events = await world.rows(sql`
        select from aud where outcome = 'failure' and action = 'identity.mfa.confirm' and target_id = ${person.userId}`);
      expect(events.length).toBe(5);
      const response = await authenticator.create(key.options);
      expect(await outcome(auth.securityKeys.confirm({ ...held, factorId: key.factor.id, response }))).toBe(
        "unauthorized.invalid_ticket",
      );
      expect(await outcome(auth.securityKeys.enroll(held))).toBe("unauthorized.invalid_ticket");
    });

    test("S20: after four wrong codes the right one is still accepted", async () => {
      const { held, enroll } = await enrollTicket();
      const app = appOf(world, await enroll());
      for (let n = 0; n < 4; n++) await confirm(held, async () => "000000", app.factorId);
      expect(await confirm(held, app.code, app.factorId)).toBe("done");
    });
  });

  describe("permission to enroll", () => {
    test("S32: an administrator removes an app while a passkey remains: no permission is given", async () => {
      const { person, authenticator, passkey } = await withPasskey();
      await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
      const owner = await personAt(world, person, await passkeySignIn(authenticator));
      const { app } = await addApp(world, owner);
      await auth.factors.revoke({ actor: system, factorId: app.factorId });
      await auth.credentials.revoke({ actor: system, credentialId: passkey.id });
      expect(await outcome(auth.signIn.password(person))).toBe("forbidden.enrollment_not_granted");
    });

    test("S32: a user who has a factor: cannot be permitted", async () => {
      const { person, passkey } = await withPasskey();
      const grant = { actor: system, userId: person.userId };
      expect(await outcome(auth.mfaPolicies.grantEnrollment(grant))).toBe("precondition.invalid_transition");
      await auth.mfaPolicies.set({ ...grant, required: true });
      await auth.credentials.revoke({ actor: system, credentialId: passkey.id });
      expect(await outcome(auth.signIn.password(person))).toBe("forbidden.enrollment_not_granted");
      expect(await outcome(auth.mfaPolicies.grantEnrollment(grant))).toBe("done");
      expect(await outcome(auth.signIn.password(person))).toBe("done");
    });

    test("S32: reinstating a suspended passkey uses up the permission", async () => {
      const { person, passkey } = await withPasskey();
      const act = { actor: system, credentialId: passkey.id };
      await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
      await auth.credentials.suspend(act);
      await auth.mfaPolicies.grantEnrollment({ actor: system, userId: person.userId });
      await auth.credentials.reinstate(act);
      await auth.credentials.revoke(act);
      expect(await outcome(auth.signIn.password(person))).toBe("forbidden.enrollment_not_granted");
    });

    test("S32: a new passkey uses up the permission", async () => {
      const person = await world.person();
      await auth.mfaPolicies.grantEnrollment({ actor: system, userId: person.userId });
      const authenticator = await newAuthenticator();
      const response = await authenticator.create(await auth.passkeys.registrationOptions(person));
      const { passkey } = await auth.passkeys.register({ actor: person.actor, response, transport: "token" });
      await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
      await auth.credentials.revoke({ actor: system, credentialId: passkey.id });
      expect(await outcome(auth.signIn.password(person))).toBe("forbidden.enrollment_not_granted");
    });
  });

  test("S32: a removed factor of another SDK still counts as one that the user had", async () => {
    const person = await world.person();
    await world.enroll(person.userId);
    const {
      data: [factor],
    } = await auth.factors.list({ actor: system, userId: person.userId });
    await auth.factors.revoke({ actor: system, factorId: factor!.id });
    await later(8 * 86_400);
    await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
    expect(await outcome(auth.signIn.password({ ...person, context: context() }))).toBe(
      "forbidden.enrollment_not_granted",
    );
  });
});
