import { beforeEach, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { type FullAuth, outcome, type Person, system } from "../support/auth.ts";
import { type Authenticator, type Misuse, newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, personAt, ticketFor } from "../support/factors.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld("passkey as the second factor", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  beforeEach(() => world.rows(sql`delete from attempt`));
  const later = (seconds: number) => advanceTestClock(world.database, seconds);
  const { withPasskey, passkeySignIn, inside, proofBy } = usersWithPasskeys(world);

  const prove = async (
    of: Parameters<FullAuth["passkeys"]["proofOptions"]>[0],
    authenticator: Authenticator,
    misuse?: Misuse,
  ) => ({ type: "webauthn", response: await authenticator.get(await auth.passkeys.proofOptions(of), misuse) }) as const;

  async function withBoth() {
    const { person, authenticator, passkey } = await inside();
    const made = await addApp(world, person);
    return { ...made, authenticator, passkey };
  }

  test("finishes a sign-in that began with a password, and spends the ticket", async () => {
    const { authenticator, person } = await withBoth();
    const ticket = await ticketFor(world, person);
    const { transport } = person;
    const proof = await prove({ ticket, transport }, authenticator);
    const { session } = await auth.webauthn.signInWithFactor({ ticket, transport, proof });
    expect(session.amr).toEqual(["mfa", "pop", "pwd", "user"]);
    expect(await outcome(auth.webauthn.signInWithFactor({ ticket, transport, proof }))).toBe(
      "unauthorized.invalid_ticket",
    );
  });

  test("S20: the options name the user's credentials only to a client that has proved the password", async () => {
    const { authenticator, person } = await withBoth();
    const ticket = await ticketFor(world, person);
    const { allowCredentials } = await auth.passkeys.proofOptions({ ticket, transport: person.transport });
    expect(allowCredentials).toEqual([
      { type: "public-key", id: authenticator.credentialId, transports: ["hybrid", "internal"] },
    ]);
    const wrong = ticket.startsWith("A") ? `B${ticket.slice(1)}` : `A${ticket.slice(1)}`;
    expect(await outcome(auth.passkeys.proofOptions({ ticket: wrong, transport: person.transport }))).toBe(
      "unauthorized.invalid_ticket",
    );
  });

  test("R040: the challenge of another sign-in, or another user's key: refused", async () => {
    const mine = await withBoth();
    const theirs = await withBoth();
    const { transport } = mine.person;
    const [ticket, other] = [await ticketFor(world, mine.person), await ticketFor(world, mine.person)];
    const swapped = await prove({ ticket: other, transport }, mine.authenticator);
    expect(await outcome(auth.webauthn.signInWithFactor({ ticket, transport, proof: swapped }))).toBe(
      "unauthorized.invalid_factor",
    );
    const foreign = await prove({ ticket, transport }, theirs.authenticator);
    expect(await outcome(auth.webauthn.signInWithFactor({ ticket, transport, proof: foreign }))).toBe(
      "unauthorized.invalid_factor",
    );
    const anonymous = await mine.authenticator.get(await auth.signIn.passkeyOptions());
    const proof = { type: "webauthn", response: anonymous } as const;
    expect(await outcome(auth.webauthn.signInWithFactor({ ticket, transport, proof }))).toBe(
      "unauthorized.invalid_factor",
    );
  });

  test("Flametrench verifyMfa: upgrades the ticket", async () => {
    const { authenticator, passkey, person } = await withBoth();
    const { userId, credentialId } = person;
    const { ticket } = await auth.verifyPassword({ ...person, transport: "token" });
    const proof = await prove({ ticket, transport: "token" }, authenticator);
    const verified = await auth.webauthn.verifyMfa({ ticket, transport: "token", userId, proof });
    expect(verified).toEqual({
      factorId: passkey.id,
      type: "webauthn",
      newSignCount: expect.any(Number),
      verifiedAt: expect.any(Date),
      ticket: expect.any(String),
    });
    await auth.sessions.create({ ticket: verified.ticket, userId, credentialId });
  });

  test("S14: step-up: the fresh session may change what needs a second factor", async () => {
    const { authenticator, person } = await withBoth();
    await later(700);
    const { actor, transport } = person;
    const stepped = await auth.webauthn.stepUp({ actor, transport, proof: await prove({ actor }, authenticator) });
    expect(await outcome(auth.sessions.verify(person))).toBe("unauthorized.session_expired");
    await auth.factors.replaceRecoveryCodes(await personAt(world, person, stepped));
  });

  test("R041, R047: revocation ends the sessions that the passkey proved", async () => {
    const { person, authenticator, passkey } = await withPasskey();
    await world.requireFactor(person.userId);
    const ticket = await ticketFor(world, person);
    const thief = await auth.webauthn.signInWithFactor({ ticket, proof: await proofBy(authenticator, ticket) });
    const owner = await personAt(world, person, await passkeySignIn(await secondPasskey(person, authenticator)));
    await auth.credentials.revoke({ actor: owner.actor, credentialId: passkey.id });
    expect(await outcome(auth.sessions.verify({ token: thief.token, transport: "token" }))).toBe(
      "unauthorized.session_expired",
    );
  });

  test("S20, R041: after revocation a ticket that the passkey completed opens no session", async () => {
    const { person, authenticator, passkey } = await withPasskey();
    const { userId, credentialId } = person;
    await world.requireFactor(userId);
    const ticket = await ticketFor(world, person);
    const { ticket: complete } = await auth.webauthn.verifyMfa({
      ticket,
      userId,
      proof: await proofBy(authenticator, ticket),
    });
    await auth.credentials.revoke({ actor: system, credentialId: passkey.id });
    expect(await outcome(auth.sessions.create({ ticket: complete, userId, credentialId }))).toBe(
      "unauthorized.invalid_ticket",
    );
  });

  test("S33: the owner cannot revoke the only second factor under a policy", async () => {
    const { person, authenticator, passkey } = await withPasskey();
    const { userId } = person;
    await auth.mfaPolicies.set({
      actor: system,
      userId,
      required: true,
      graceUntil: new Date(start.getTime() + 1000),
    });
    await later(2);
    const owner = await personAt(world, person, await passkeySignIn(authenticator));
    expect(await outcome(auth.credentials.revoke({ actor: owner.actor, credentialId: passkey.id }))).toBe(
      "conflict.last_factor",
    );
  });

  test("S32: after the only second factor was revoked, the password alone enrolls no other", async () => {
    const { person, passkey } = await withPasskey();
    await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
    await auth.credentials.revoke({ actor: system, credentialId: passkey.id });
    expect(await outcome(auth.signIn.password(person))).toBe("forbidden.enrollment_not_granted");
  });

  /** Another passkey of the same user, so that the first is not the last. */
  async function secondPasskey(person: Person, first: Authenticator): Promise<Authenticator> {
    const owner = await personAt(world, person, await passkeySignIn(first));
    const authenticator = await newAuthenticator();
    const response = await authenticator.create(await auth.passkeys.registrationOptions(owner));
    await auth.passkeys.register({ actor: owner.actor, response, transport: "token" });
    return authenticator;
  }
});
