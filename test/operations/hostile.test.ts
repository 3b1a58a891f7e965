import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fromBase64Url } from "../../src/crypto/bytes.ts";
import { HashQueueFullError } from "../../src/crypto/hash-queue.ts";
import { generateId, uuidFor } from "../../src/domain/id.ts";
import { ConfigurationError } from "../../src/engine/options.ts";
import { userOfIdentifier } from "../../src/store/identifiers.ts";
import { purgeExpired } from "../../src/store/maintenance.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import {
  type FullAuth,
  freshAddress,
  freshIdentifier,
  openAuth,
  otherPassword,
  outcome,
  type Person,
  quickHasher,
  secret,
  system,
  tally,
  type World,
} from "../support/auth.ts";
import { type Authenticator, newAuthenticator } from "../support/authenticator.ts";
import { deadlocksDuring } from "../support/deadlocks.ts";
import { addApp, appOf, givenPasskey, personAt, ticketFor } from "../support/factors.ts";
import { faultyDatabase } from "../support/faulty-database.ts";
import { holdLock } from "../support/held-lock.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

const context = () => ({ address: freshAddress() });

describe("one after the other", () => {
  let world: World;
  let auth: FullAuth;
  const start = new Date("2026-11-22T12:00:00Z");
  beforeAll(async () => {
    world = await openAuth("pglite");
    auth = world.auth;
    await installTestClock(world.database);
  });
  beforeEach(async () => {
    await setTestClock(world.database, start);
    await world.rows(sql`delete from attempt`);
  });
  afterAll(() => world.close());

  const later = (seconds: number) => advanceTestClock(world.database, seconds);

  async function withPasskey(device?: Parameters<typeof newAuthenticator>[0]) {
    const person = await world.person();
    const authenticator = await newAuthenticator(device);
    const options = await auth.passkeys.registrationOptions(person);
    const response = await authenticator.create(options);
    const passkey = await auth.passkeys.register({ actor: person.actor, response });
    return { person, authenticator, passkey };
  }
  const passkeySignIn = async (authenticator: Authenticator) =>
    await auth.signIn.passkey({
      response: await authenticator.get(await auth.signIn.passkeyOptions()),
      context: context(),
    });
  const proofBy = async (authenticator: Authenticator, ticket: string) => ({
    type: "webauthn" as const,
    response: await authenticator.get(await auth.passkeys.proofOptions({ ticket })),
  });
  const wrong = { type: "totp", code: "000000" } as const;
  /** Uses the user's attempts at second factors up, as who has the password can. */
  async function useFactorsUp(person: Person, attempts = 10): Promise<void> {
    for (let used = 0; used < attempts; ) {
      const ticket = await ticketFor(world, person);
      for (let n = 0; n < 5 && used < attempts; n++, used++) {
        const code = await outcome(auth.signIn.factor({ ticket, proof: wrong, context: context() }));
        expect(["unauthorized.invalid_factor", "too_many_requests"]).toContain(code);
      }
    }
  }

  describe("a passkey is the account's highest level", () => {
    test("password-only session takes the passkey away: S04, R037, B51: refused", async () => {
      const { person, passkey } = await withPasskey();
      const thief = await world.signIn(person);
      expect(await outcome(auth.credentials.revoke({ actor: thief.actor, credentialId: passkey.id }))).toBe(
        "unauthorized.reauthentication_required",
      );
    });

    test("password-only session adds a passkey beside the owner's: S28, R037: refused", async () => {
      const { person } = await withPasskey();
      const thief = await world.signIn(person);
      expect(await outcome(auth.passkeys.registrationOptions(thief))).toBe("unauthorized.reauthentication_required");
    });

    test("password-only session sets its own app up, which makes it level 2: S28, R037: refused", async () => {
      const { person } = await withPasskey();
      const thief = await world.signIn(person);
      expect(await outcome(auth.factors.enrollTotp({ actor: thief.actor, label: "mine" }))).toBe(
        "unauthorized.reauthentication_required",
      );
    });
  });

  test("a policy, a passkey for the second factor, and a stale session: S04, S14: the password alone makes it no fresher", async () => {
    const { person, authenticator } = await withPasskey();
    await world.requireFactor(person.userId);
    const stolen = await personAt(world, person, await passkeySignIn(authenticator));
    await later(700);
    const { actor, transport } = stolen;
    const guess = (password: string) =>
      outcome(auth.stepUp({ actor, transport, proof: { type: "password", password } }));
    expect(await guess(person.password)).toBe("unauthorized.reauthentication_required");

    // Nor do R014's attempts go: the owner still proves the password.
    for (let n = 0; n < 25; n++) expect(await guess("guess")).toBe("unauthorized.reauthentication_required");
    const owner = await personAt(world, person, await passkeySignIn(authenticator));
    const change = { currentPassword: person.password, newPassword: otherPassword, transport };
    expect(await outcome(auth.changePassword({ ...change, actor: owner.actor }))).toBe("done");
  });

  test("a policy, a passkey for the second factor, and a refreshed session: S31, S04: it counts as proved once only", async () => {
    const { person, authenticator } = await withPasskey();
    await world.requireFactor(person.userId);
    const { token } = await passkeySignIn(authenticator);
    const refreshed = await personAt(world, person, await auth.sessions.refresh({ token, transport: "token" }));
    expect(refreshed.session.mfaVerifiedAt).toBe(null);
    expect(await outcome(auth.passkeys.registrationOptions(refreshed))).toBe("unauthorized.reauthentication_required");
  });

  describe("a passkey that served as the second factor", () => {
    test("it is revoked: R041, R047: the sessions that it proved end", async () => {
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

    test("it is revoked: S20, R041: the ticket that it completed opens no session", async () => {
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

    test("it is the only second factor, and the policy requires one: S33: its owner keeps it", async () => {
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

    test("it was the only second factor, and is gone: S32: the password alone sets up no other", async () => {
      const { person, passkey } = await withPasskey();
      await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
      await auth.credentials.revoke({ actor: system, credentialId: passkey.id });
      expect(await outcome(auth.signIn.password(person))).toBe("forbidden.enrollment_not_granted");
    });

    /** Another passkey of the same person's, so that the first is not the last. */
    async function secondPasskey(person: Person, first: Authenticator): Promise<Authenticator> {
      const owner = await personAt(world, person, await passkeySignIn(first));
      const authenticator = await newAuthenticator();
      const response = await authenticator.create(await auth.passkeys.registrationOptions(owner));
      await auth.passkeys.register({ actor: owner.actor, response });
      return authenticator;
    }
  });

  describe("a ticket to set a factor up, in the hands of who has the password", () => {
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
    /** Whether it confirms what it has begun. */
    const confirm = async (
      held: { ticket: string; transport: Person["transport"] },
      code: () => Promise<string>,
      factorId: string,
    ) => await outcome(auth.factors.confirmTotp({ ...held, factorId, code: await code(), context: context() }));

    test("the policy gets a grace that is over: S02, S32: neither begun nor ended", async () => {
      const { held, enroll, policy } = await enrollTicket();
      const app = appOf(world, await enroll());
      await policy(true, new Date(start.getTime() - 1000));
      expect(await confirm(held, app.code, app.factorId)).toBe("unauthorized.invalid_ticket");
      expect(await outcome(enroll())).toBe("unauthorized.invalid_ticket");
    });

    test("the owner has made a passkey meanwhile: S20, S32: neither begun nor ended", async () => {
      const { person, held, enroll, policy } = await enrollTicket();
      const app = appOf(world, await enroll());
      await policy(false);
      const authenticator = await newAuthenticator();
      const owner = await world.signIn(person);
      const response = await authenticator.create(await auth.passkeys.registrationOptions(owner));
      await auth.passkeys.register({ actor: owner.actor, response });
      await policy(true);
      const signedIn = await passkeySignIn(authenticator);
      expect(await confirm(held, app.code, app.factorId)).toBe("unauthorized.invalid_ticket");
      expect(await outcome(enroll())).toBe("unauthorized.invalid_ticket");
      expect(await outcome(auth.sessions.verify({ token: signedIn.token, transport: "token" }))).toBe("done");
    });

    test("five wrong codes: S20: it is dead for a security key too, begun before or after", async () => {
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

    test("four wrong codes and the right one: the fifth still counts", async () => {
      const { held, enroll } = await enrollTicket();
      const app = appOf(world, await enroll());
      for (let n = 0; n < 4; n++) await confirm(held, async () => "000000", app.factorId);
      expect(await confirm(held, app.code, app.factorId)).toBe("done");
    });
  });

  test("S02, S32: a policy that came after the session was verified holds for what lasts", async () => {
    const { actor, userId } = await world.person();
    await auth.mfaPolicies.set({ actor: system, userId, required: true });
    const refused = "unauthorized.reauthentication_required";
    const lasting = { actor, userId, name: "ci", scope: ["docs:read"] };
    expect(await outcome(auth.personalAccessTokens.create(lasting))).toBe(refused);
    expect(await outcome(auth.passkeys.registrationOptions({ actor }))).toBe(refused);
    expect(await outcome(auth.factors.enrollTotp({ actor, label: "app" }))).toBe(refused);
  });

  test.each([
    { case: "lowered", required: false, seconds: undefined, answer: "done" },
    { case: "in grace", required: true, seconds: 60, answer: "done" },
    { case: "past its grace", required: true, seconds: -60, answer: "forbidden.enrollment_not_granted" },
  ])("R001, S32: a password that needs a factor, the policy then $case: $answer", async (row) => {
    const { identifier: taken, userId } = await world.person();
    const identifier = `short-${taken}`;
    const password = "xk7#Qv2z";
    await auth.mfaPolicies.set({ actor: system, userId, required: true });
    await auth.credentials.createPassword({ actor: system, userId, identifier, password });
    const graceUntil = row.seconds === undefined ? null : new Date(start.getTime() + row.seconds * 1000);
    await auth.mfaPolicies.set({ actor: system, userId, required: row.required, graceUntil });
    expect(await outcome(auth.signIn.password({ identifier, password, context: context() }))).toBe(row.answer);
    if (row.answer !== "done") return;
    const signedIn = await auth.signIn.password({ identifier, password, context: context() });
    expect(signedIn).toMatchObject({ mfaRequired: true, enroll: true });
  });

  describe("leave to set a factor up", () => {
    test("an app is reset where a passkey is left: S32: there is none", async () => {
      const { person, authenticator, passkey } = await withPasskey();
      await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
      const owner = await personAt(world, person, await passkeySignIn(authenticator));
      const { app } = await addApp(world, owner);
      await auth.factors.revoke({ actor: system, factorId: app.factorId });
      await auth.credentials.revoke({ actor: system, credentialId: passkey.id });
      expect(await outcome(auth.signIn.password(person))).toBe("forbidden.enrollment_not_granted");
    });

    test("whoever has a factor gets none: S32", async () => {
      const { person, passkey } = await withPasskey();
      const grant = { actor: system, userId: person.userId };
      expect(await outcome(auth.mfaPolicies.grantEnrollment(grant))).toBe("precondition.invalid_transition");
      await auth.mfaPolicies.set({ ...grant, required: true });
      await auth.credentials.revoke({ actor: system, credentialId: passkey.id });
      expect(await outcome(auth.signIn.password(person))).toBe("forbidden.enrollment_not_granted");
      expect(await outcome(auth.mfaPolicies.grantEnrollment(grant))).toBe("done");
      expect(await outcome(auth.signIn.password(person))).toBe("done");
    });

    test("a suspended passkey that comes back uses it up: S32", async () => {
      const { person, passkey } = await withPasskey();
      const act = { actor: system, credentialId: passkey.id };
      await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
      await auth.credentials.suspend(act);
      await auth.mfaPolicies.grantEnrollment({ actor: system, userId: person.userId });
      await auth.credentials.reinstate(act);
      await auth.credentials.revoke(act);
      expect(await outcome(auth.signIn.password(person))).toBe("forbidden.enrollment_not_granted");
    });

    test("a passkey uses it up: S32", async () => {
      const person = await world.person();
      await auth.mfaPolicies.grantEnrollment({ actor: system, userId: person.userId });
      const authenticator = await newAuthenticator();
      const response = await authenticator.create(await auth.passkeys.registrationOptions(person));
      const passkey = await auth.passkeys.register({ actor: person.actor, response });
      await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
      await auth.credentials.revoke({ actor: system, credentialId: passkey.id });
      expect(await outcome(auth.signIn.password(person))).toBe("forbidden.enrollment_not_granted");
    });
  });

  test("S04: a suspended password is not undone by its owner, who would free its identifier first", async () => {
    const { person, authenticator } = await withPasskey();
    const { credentialId } = person;
    await auth.credentials.suspend({ actor: system, credentialId });
    const { actor } = await personAt(world, person, await passkeySignIn(authenticator));
    expect(await outcome(auth.credentials.revoke({ actor, credentialId }))).toBe("forbidden");
    expect(await outcome(auth.credentials.revoke({ actor: system, credentialId }))).toBe("done");
  });

  describe("R008: a thief with a session of the last ten minutes, and without the password", () => {
    const added = (person: Person) => ({
      actor: person.actor,
      userId: person.userId,
      identifier: freshIdentifier(),
      password: otherPassword,
    });

    test("adds no second password, which the owner would not see", async () => {
      const person = await world.person();
      const refused = "unauthorized.invalid_credential";
      expect(await outcome(auth.credentials.createPassword(added(person)))).toBe(refused);
      const [wrongly, rightly] = [otherPassword, person.password].map((currentPassword) =>
        auth.credentials.createOwnPassword({ ...added(person), currentPassword }),
      );
      expect(await outcome(wrongly!)).toBe(refused);
      expect(await outcome(rightly!)).toBe("done");
    });

    test.each(["suspend", "revoke"] as const)(
      "does not %s the password, beside a passkey of their own",
      async (verb) => {
        const { person, authenticator } = await withPasskey();
        const { actor } = await personAt(world, person, await passkeySignIn(authenticator));
        const act = { actor, credentialId: person.credentialId };
        const own = `${verb}OwnPassword` as const;
        const refused = "unauthorized.invalid_credential";
        expect(await outcome(auth.credentials[verb](act))).toBe(refused);
        expect(await outcome(auth.credentials[own]({ ...act, currentPassword: otherPassword }))).toBe(refused);
        expect(await outcome(auth.credentials[own]({ ...act, currentPassword: person.password }))).toBe("done");
        expect(await outcome(auth.signIn.password(person))).toBe(refused);
      },
    );

    test("neither ends the account, whose identifier would be free, nor puts another password in its place", async () => {
      const person = await world.person();
      const { actor, userId, credentialId } = person;
      const refused = "unauthorized.invalid_credential";
      expect(await outcome(auth.users.revoke({ actor, userId }))).toBe(refused);
      expect(await outcome(auth.users.revokeOwn({ actor, userId, currentPassword: otherPassword }))).toBe(refused);
      const rotate = auth.credentials.rotatePassword({ actor, credentialId, password: otherPassword });
      expect(await outcome(rotate)).toBe(refused);
      // S41: what was tried without a proof is written down.
      const denied = (await world.events({ actor: userId })).filter((event) => event.outcome === "denied");
      expect(denied.map(({ action }) => action)).toEqual(["identity.user.revoke", "identity.credential.rotate"]);
      expect(await outcome(auth.users.revokeOwn({ actor, userId, currentPassword: person.password }))).toBe("done");
    });

    test("the right password costs no attempt, whatever comes of it: S22", async () => {
      const person = await world.person();
      const act = { actor: person.actor, credentialId: person.credentialId, currentPassword: person.password };
      for (let time = 0; time < 12; time++) {
        expect(await outcome(auth.credentials.suspendOwnPassword(act))).toBe("conflict.last_way_in");
        const second = { ...added(person), currentPassword: person.password };
        expect(await outcome(auth.credentials.createOwnPassword(second))).toBe("done");
        await auth.credentials.revoke({
          actor: system,
          credentialId: (await auth.credentials.listForUser(person)).at(-1)!.id,
        });
      }
      expect(await outcome(auth.signIn.password({ ...person, context: context() }))).toBe("done");
      expect(await world.rows(sql`select from attempt where bucket ~ '^credential:' and streak > 0`)).toEqual([]);
    });

    test("R013: whoever knows one of two passwords gets no new guesses at the other by signing in again", async () => {
      const person = await world.person();
      const other = await auth.credentials.createPassword({
        ...added(person),
        actor: system,
        password: "unguessable-one",
      });
      const codes: string[] = [];
      for (let time = 0; time < 5; time++) {
        const { actor } = await world.signIn(person);
        for (let guess = 0; guess < 8; guess++) {
          const act = { actor, credentialId: other.id, currentPassword: otherPassword };
          codes.push(await outcome(auth.credentials.revokeOwnPassword(act)));
        }
      }
      // Ten that anybody has, and ten of all sessions that came of something else.
      expect(tally(codes)).toEqual({ "unauthorized.invalid_credential": 20, too_many_requests: 20 });
    });

    test("R013, S21: nor does whoever has a passkey, at the password", async () => {
      const { person, authenticator } = await withPasskey();
      const { userId } = person;
      const codes: string[] = [];
      for (let time = 0; time < 5; time++) {
        const { actor } = await personAt(world, person, await passkeySignIn(authenticator));
        const guess = () => auth.users.revokeOwn({ actor, userId, currentPassword: otherPassword });
        for (let n = 0; n < 8; n++) codes.push(await outcome(guess()));
      }
      expect(tally(codes)).toEqual({ "unauthorized.invalid_credential": 20, too_many_requests: 20 });
    });

    test("R014: a stranger's guesses keep nobody with a passkey from proving the password", async () => {
      const { person, authenticator } = await withPasskey();
      const { userId, identifier, password: currentPassword } = person;
      for (let n = 0; n < 12; n++)
        await outcome(auth.signIn.password({ identifier, password: otherPassword, context: context() }));
      const { actor } = await personAt(world, person, await passkeySignIn(authenticator));
      expect(await outcome(auth.users.revokeOwn({ actor, userId, currentPassword }))).toBe("done");
    });

    test("S22: the right password costs no attempt where the new one is refused", async () => {
      const person = await world.person();
      const { actor, password: currentPassword, transport } = person;
      // Long enough only for whoever has a second factor too, which the statement alone knows.
      const change = () => auth.changePassword({ actor, currentPassword, newPassword: "xk7#Qv2zPl", transport });
      for (let n = 0; n < 12; n++) expect(await outcome(change())).toBe("invalid_format.password");
      expect(await outcome(auth.signIn.password({ ...person, context: context() }))).toBe("done");
    });

    test("S41: that it was right, and why it did not serve, is in the log; a wrong one reads otherwise", async () => {
      const person = await world.person();
      const { actor, userId, credentialId, password: currentPassword, transport } = person;
      const change = { actor, transport, newPassword: "xk7#Qv2zPl" };
      await outcome(auth.changePassword({ ...change, currentPassword }));
      await outcome(auth.changePassword({ ...change, currentPassword: "guess" }));
      await outcome(auth.credentials.revokeOwnPassword({ actor, credentialId, currentPassword }));
      const events = [
        ...(await world.events({ actor: userId, action: "identity.password.change" })),
        ...(await world.events({ actor: userId, action: "identity.credential.revoke" })),
      ];
      expect(events.map((event) => [event.outcome, event.targetId, event.metadata.reason])).toEqual([
        ["denied", credentialId, "invalid_format.password"],
        ["failure", credentialId, undefined],
        ["denied", credentialId, "conflict.last_way_in"],
      ]);
    });

    test("F01, S22: a refusal that a lost request delays is the same refusal", async () => {
      const { actor, password: currentPassword, transport } = await world.person();
      const database = faultyDatabase(world.database);
      database.reset([undefined, "before"]);
      const lossy = world.isolate({ database });
      const change = { actor, currentPassword, newPassword: "xk7#Qv2zPl", transport };
      expect(await outcome(lossy.changePassword(change))).toBe("invalid_format.password");
    });

    test("S22: nor where the database itself says that nothing has happened", async () => {
      const person = await world.person();
      const { actor, password: currentPassword, transport } = person;
      const full = Object.assign(new Error("too many connections"), { code: "53300" });
      const overloaded = world.isolate({
        database: {
          ...world.database,
          batch: async (statements) => {
            // The change comes with its locks, the refund alone.
            if (statements.length > 1) throw full;
            return await world.database.batch(statements);
          },
        },
      });
      const change = { actor, currentPassword, newPassword: otherPassword, transport };
      for (let n = 0; n < 12; n++)
        expect(await outcome(overloaded.changePassword(change))).toBe("unavailable.database");
      expect(await outcome(auth.signIn.password({ ...person, context: context() }))).toBe("done");
    });

    test("F13, S22: nor where the new one cannot be hashed now", async () => {
      const person = await world.person();
      const hash = () => Promise.reject(new HashQueueFullError());
      const busy = world.isolate({ passwordHasher: { ...quickHasher(), hash } });
      const { actor, credentialId, password: currentPassword, transport } = person;
      for (const act of [
        () => busy.credentials.rotateOwnPassword({ actor, credentialId, currentPassword, password: otherPassword }),
        () => busy.credentials.createOwnPassword({ ...added(person), currentPassword }),
        () => busy.changePassword({ actor, currentPassword, newPassword: otherPassword, transport }),
      ]) {
        for (let n = 0; n < 12; n++) expect(await outcome(act())).toBe("unavailable.busy");
      }
      expect(await outcome(auth.signIn.password({ ...person, context: context() }))).toBe("done");
    });

    test("S41: a guess is recorded at the password that it was at", async () => {
      const person = await world.person();
      const { actor, userId } = person;
      const other = await auth.credentials.createPassword({ ...added(person), actor: system });
      const guess = () =>
        auth.credentials.revokeOwnPassword({ actor, credentialId: other.id, currentPassword: "guess" });
      for (let n = 0; n < 22; n++) await outcome(guess());
      const events = await world.events({ actor: userId, action: "identity.credential.revoke" });
      expect(tally(events.map((event) => `${event.outcome} ${event.targetId}`))).toEqual({
        [`failure ${other.id}`]: 20,
        [`denied ${other.id}`]: 1,
      });
    });

    test("the right password of an administrator who closes accounts costs no attempt", async () => {
      const admin = await world.administrator();
      const { actor, password: currentPassword } = admin;
      for (let time = 0; time < 12; time++) {
        const { userId } = await world.person();
        expect(await outcome(auth.users.revokeOwn({ actor, userId, currentPassword }))).toBe("done");
      }
      expect(await outcome(auth.signIn.password({ ...admin, context: context() }))).toBe("done");
    });

    test("a password that is replaced between its check and its use proves nothing", async () => {
      const { person, authenticator } = await withPasskey();
      const { actor } = await personAt(world, person, await passkeySignIn(authenticator));
      const late = world.isolate({
        database: {
          ...world.database,
          async batch(statements) {
            await world.rows(
              sql`update cred set password_hash = 'another' where id = ${uuidFor("cred", person.credentialId)}::uuid`,
            );
            return await world.database.batch(statements);
          },
        },
      });
      const second = { ...added({ ...person, actor }), currentPassword: person.password };
      expect(await outcome(late.credentials.createOwnPassword(second))).toBe("unauthorized.invalid_credential");
    });

    test("beside a password that is suspended none is added", async () => {
      const { person, authenticator } = await withPasskey();
      const { actor } = await personAt(world, person, await passkeySignIn(authenticator));
      await auth.credentials.suspend({ actor: system, credentialId: person.credentialId });
      const second = added({ ...person, actor });
      expect(await outcome(auth.credentials.createPassword(second))).toBe("unauthorized.invalid_credential");
    });

    test("proves no password of somebody else's, nor with a passkey's id", async () => {
      const [{ person, authenticator, passkey }, other] = [await withPasskey(), await world.person()];
      const { actor } = await personAt(world, person, await passkeySignIn(authenticator));
      const foreign = { actor, credentialId: other.credentialId, currentPassword: other.password };
      expect(await outcome(auth.credentials.revokeOwnPassword(foreign))).toBe("not_found");
      const admin = await world.administrator();
      expect(await outcome(auth.credentials.revokeOwnPassword({ ...foreign, actor: admin.actor }))).toBe("forbidden");
      const mistaken = { actor, credentialId: passkey.id, currentPassword: person.password };
      expect(await outcome(auth.credentials.revokeOwnPassword(mistaken))).toBe("conflict.credential_type_mismatch");
    });
  });

  test.each(["passkey", "security key"])(
    "S26: nobody learns which ids are made up by registering them: %s",
    async (kind) => {
      const first = world.isolate({ identifierFirst: true });
      const { person } = await withPasskey();
      const named = async (identifier: string) =>
        (await first.signIn.passkeyOptions({ identifier })).allowCredentials.map(({ id }) => id);
      const ids = [...(await named(person.identifier)), ...(await named(freshIdentifier()))];
      expect(ids).toHaveLength(8);
      const stranger = await world.person();
      for (const id of ids) {
        const authenticator = await newAuthenticator({ credentialId: fromBase64Url(id)! });
        if (kind === "passkey") {
          const response = await authenticator.create(await first.passkeys.registrationOptions(stranger));
          const answer = outcome(first.passkeys.register({ actor: stranger.actor, response }));
          expect(await answer).toBe("conflict.duplicate_credential");
        } else {
          const { factor, options } = await first.securityKeys.enroll({ actor: stranger.actor });
          const response = await authenticator.create(options);
          const answer = outcome(
            first.securityKeys.confirm({ actor: stranger.actor, transport: "token", factorId: factor.id, response }),
          );
          expect(await answer).toBe("conflict.duplicate_credential");
        }
      }
    },
  );

  test("S05: an administrator keeps a second factor", async () => {
    const { person, app } = await addApp(world, await world.person());
    await auth.administrators.grant({ actor: system, userId: person.userId });
    const act = { actor: person.actor, factorId: app.factorId };
    expect(await outcome(auth.factors.revoke(act))).toBe("conflict.last_factor");
    await world.administrator();
    await auth.administrators.remove({ actor: system, userId: person.userId });
    expect(await outcome(auth.factors.revoke(act))).toBe("done");
  });

  test("S46: what is kept of failures, and what stays closed for good, is not read at each purge", async () => {
    await world.rows(sql`
      insert into attempt (bucket, count, maximum, resets_at, backs_off, streak)
      select 'credential:' || gen_random_uuid(), 11, 10, sallyport_now() - make_interval(days => 10 * (n % 20)), true,
        case when n % 20 < 5 then 50 else 100 end
      from generate_series(1, 20000) as n`);
    await world.rows(sql`analyze attempt`);
    const [, lines] = await world.database.batch([
      sql`set local enable_seqscan = off`,
      sql`explain (analyze, costs off, timing off) ${purgeExpired(100)}`,
    ]);
    const plan = JSON.stringify(lines);
    expect(plan).toContain("attempt_decayed");
    expect(plan).toContain("attempt_running");
    expect(plan).not.toContain("Seq Scan on attempt");
    expect(plan).not.toContain("Rows Removed");
  });

  test("S32: a factor of another SDK that was ended is one that was had", async () => {
    const person = await world.person();
    await world.enroll(person.userId);
    const [factor] = await auth.factors.list({ actor: system, userId: person.userId });
    await auth.factors.revoke({ actor: system, factorId: factor!.id });
    await later(8 * 86_400);
    await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
    expect(await outcome(auth.signIn.password({ ...person, context: context() }))).toBe(
      "forbidden.enrollment_not_granted",
    );
  });

  test("a session that is ended takes with it what its holder made of it by a step-up", async () => {
    const person = await world.person();
    const thief = await world.signIn(person);
    const proof = { type: "password", password: person.password } as const;
    const { token } = await auth.stepUp({ actor: thief.actor, transport: "token", proof });
    await auth.sessions.revoke({ actor: person.actor, sessionId: thief.session.id });
    expect(await outcome(auth.sessions.verify({ token, transport: "token" }))).toBe("unauthorized.session_expired");
    expect(await outcome(auth.sessions.verify({ token: person.token, transport: "token" }))).toBe("done");
  });

  test("R040: a ticket lives ten minutes, however often a factor is proved with it", async () => {
    const { person, app } = await addApp(world, await world.person());
    const { userId } = person;
    let ticket = await ticketFor(world, person);
    const exchange = async () =>
      await auth.verifyMfa({ ticket, userId, proof: { type: "totp", code: await app.code() } });
    for (let n = 0; n < 2; n++) {
      await later(240);
      ({ ticket } = await exchange());
    }
    await later(110);
    ({ ticket } = await exchange());
    await later(20);
    expect(await outcome(exchange())).toBe("unauthorized.invalid_ticket");
  });

  test("S24: who signs up locks whoever has the identifier, without reading all credentials", async () => {
    const [, plan] = await world.database.batch([
      sql`set local enable_seqscan = off`,
      sql`explain ${userOfIdentifier("ada@example.com")}`,
    ]);
    const text = JSON.stringify(plan);
    expect(text).toMatch(/cred_unique_active_identifier.*cred_suspended_identifier/);
    expect(text).not.toContain("Seq Scan");
  });

  test("S20: a ticket that five wrong factors have killed is dead at every door", async () => {
    const { person, app } = await addApp(world, await world.person());
    const { userId, credentialId } = person;
    const ticket = await ticketFor(world, person);
    await later(30);
    const proof = { type: "totp", code: await app.code() } as const;
    const { ticket: complete } = await auth.verifyMfa({ ticket, userId, proof });
    for (let n = 0; n < 5; n++) await outcome(auth.verifyMfa({ ticket: complete, userId, proof: wrong }));
    expect(await outcome(auth.sessions.create({ ticket: complete, userId, credentialId }))).toBe(
      "unauthorized.invalid_ticket",
    );
  });

  test("S32: an administrator who ends a passkey ends the tokens too, its owner does not", async () => {
    for (const byOwner of [false, true]) {
      const { person, authenticator, passkey } = await withPasskey();
      const owner = await personAt(world, person, await passkeySignIn(authenticator));
      const { actor, userId } = owner;
      const { token } = await auth.personalAccessTokens.create({ actor, userId, name: "ci", scope: ["docs:read"] });
      await auth.credentials.revoke({ actor: byOwner ? actor : system, credentialId: passkey.id });
      expect(await outcome(auth.personalAccessTokens.verify({ token, context: context() }))).toBe(
        byOwner ? "done" : "pat.revoked",
      );
    }
  });

  describe("attempts at second factors, used up by who has the password", () => {
    test("a hundred in a row, then an administrator's reset: S32, R014: the owner can set a factor up again", async () => {
      const { person, app } = await addApp(world, await world.person());
      const { userId, transport } = person;
      await auth.mfaPolicies.set({ actor: system, userId, required: true });
      for (let round = 0; round < 11; round++) {
        await useFactorsUp(person);
        await later(86_401);
      }
      const administrator = await world.administrator();
      await auth.factors.revoke({ actor: administrator.actor, factorId: app.factorId });
      const ticket = await ticketFor(world, person);
      const next = appOf(world, await auth.factors.enrollTotp({ ticket, transport, label: "new phone" }));
      expect(
        await outcome(
          auth.factors.confirmTotp({
            ticket,
            transport,
            factorId: next.factorId,
            code: await next.code(),
            context: context(),
          }),
        ),
      ).toBe("done");
    });

    test("S22: nobody guesses a signature, so a security key still finishes the sign-in", async () => {
      const { person } = await addApp(world, await world.person());
      const authenticator = await newAuthenticator();
      const { factor, options } = await auth.securityKeys.enroll({ actor: person.actor });
      await auth.securityKeys.confirm({
        actor: person.actor,
        transport: "token",
        factorId: factor.id,
        response: await authenticator.create(options),
      });
      await useFactorsUp(person);
      const ticket = await ticketFor(world, person);
      const proof = await proofBy(authenticator, ticket);
      expect(await outcome(auth.webauthn.signInWithFactor({ ticket, proof, context: context() }))).toBe("done");
    });

    test("R014: the owner's own session still steps up, and so can change the stolen password", async () => {
      const { person, app } = await addApp(world, await world.person());
      await later(700);
      await useFactorsUp(person);
      const { actor, transport } = person;
      expect(await outcome(auth.stepUp({ actor, transport, proof: { type: "totp", code: await app.code() } }))).toBe(
        "done",
      );
    });
  });

  test("attempts used up by a stolen session, without the password: R014, S22: the owner still signs in", async () => {
    const { person, app } = await addApp(world, await world.person());
    const { actor, transport } = person;
    await later(700);
    for (let n = 0; n < 10; n++) await outcome(auth.stepUp({ actor, transport, proof: wrong }));
    const ticket = await ticketFor(world, person);
    const proof = { type: "totp", code: await app.code() } as const;
    expect(await outcome(auth.signIn.factor({ ticket, proof, context: context() }))).toBe("done");
  });

  describe("the policy", () => {
    test("a user's own grace that is over already: S33: it does not lock them out for ever", async () => {
      const person = await world.person();
      const { actor, userId } = person;
      // What a browser sends whose owner means `from now on`.
      await outcome(auth.mfaPolicies.set({ actor, userId, required: true, graceUntil: new Date(start.getTime() - 1) }));
      expect(await outcome(auth.signIn.password(person))).toBe("done");
    });

    test("a user who once had a factor requires one of themself: S33: it does not lock them out for ever", async () => {
      const { person, app } = await addApp(world, await world.person());
      const { actor, userId } = person;
      await auth.factors.revoke({ actor, factorId: app.factorId });
      await outcome(auth.mfaPolicies.set({ actor, userId, required: true }));
      expect(await outcome(auth.signIn.password(person))).toBe("done");
    });
  });

  test("options with the identifier first, of whoever has five passkeys: S26: as many as for an unknown one", async () => {
    const person = await world.person();
    for (let n = 0; n < 5; n++) await givenPasskey(world, person.userId);
    const first = world.isolate({ identifierFirst: true });
    const known = await first.signIn.passkeyOptions({ identifier: person.identifier });
    const unknown = await first.signIn.passkeyOptions({ identifier: "nobody@example.com" });
    expect(known.allowCredentials.length).toBe(unknown.allowCredentials.length);
  });

  describe("of another SDK", () => {
    const forget = ({ credentialId }: Authenticator) =>
      world.rows(sql`delete from webauthn_credential where credential_id = ${credentialId}`);

    test("S45: a synced passkey that is given a name still signs in", async () => {
      const { person, authenticator, passkey } = await withPasskey({ counts: false, backup: true });
      await forget(authenticator);
      await passkeySignIn(authenticator);
      await auth.passkeys.rename({ actor: person.actor, passkeyId: passkey.id, name: "laptop" });
      expect(await outcome(passkeySignIn(authenticator))).toBe("done");
    });

    test("S27: its credential id cannot be claimed by somebody else", async () => {
      const { authenticator } = await withPasskey();
      await forget(authenticator);
      const thief = await world.person();
      const { actor, transport } = thief;
      const { factor, options } = await auth.securityKeys.enroll({ actor });
      const fake = await newAuthenticator({ credentialId: idOf(authenticator) });
      const response = await fake.create(options);
      expect(await outcome(auth.securityKeys.confirm({ actor, transport, factorId: factor.id, response }))).toBe(
        "conflict.duplicate_credential",
      );
    });

    test("S27: its security key is a conflict and no fault", async () => {
      const owner = await world.person();
      const authenticator = await newAuthenticator();
      await world.rows(sql`
        insert into mfa (id, usr_id, type, identifier, webauthn_public_key, webauthn_sign_count, webauthn_rp_id)
        values (${uuidFor("mfa", generateId("mfa"))}::uuid, ${uuidFor("usr", owner.userId)}::uuid, 'webauthn',
          ${authenticator.credentialId}, decode('00', 'hex'), 0, 'example.com')`);
      const { actor, transport } = await world.person();
      const { factor, options } = await auth.securityKeys.enroll({ actor });
      const response = await authenticator.create(options);
      expect(await outcome(auth.securityKeys.confirm({ actor, transport, factorId: factor.id, response }))).toBe(
        "conflict.duplicate_credential",
      );
    });
  });

  describe("work before the right to it", () => {
    test("S24, R011: recovery codes cost no hash to who may not make them", async () => {
      const person = await world.person();
      world.hasher.reset();
      expect(await outcome(auth.factors.replaceRecoveryCodes(person))).toBe("precondition.factor_needed_first");
      expect(world.hasher.computations).toBe(0);
    });

    test("S24, R011: a user cannot have a hundred sets of recovery codes hashed in a minute", async () => {
      const { person } = await addApp(world, await world.person());
      const codes: string[] = [];
      for (let n = 0; n < 100; n++) codes.push(await outcome(auth.factors.replaceRecoveryCodes(person)));
      expect(codes.at(-1)).toBe("too_many_requests");
    });
  });

  describe("a known device", () => {
    test("an app set up on it in a session of a passkey: S22, R014: it stays known for the password", async () => {
      const { person, authenticator } = await withPasskey();
      const { identifier, password } = person;
      const inside = await personAt(world, person, await passkeySignIn(authenticator));
      // The browser's cookie is the one that it was given last.
      const cookie = (await addApp(world, inside)).person.knownDevice;
      for (let n = 0; n < 11; n++) {
        await outcome(auth.signIn.password({ identifier, password: "a stranger's guess", context: context() }));
      }
      expect(
        await outcome(auth.signIn.password({ identifier, password, knownDevice: cookie, context: context() })),
      ).toBe("done");
    });
  });

  test("options of another passkey, in a session of a passkey: they name the person, and no credential id", async () => {
    const { person, authenticator } = await withPasskey();
    const owner = await personAt(world, person, await passkeySignIn(authenticator));
    const { user } = await auth.passkeys.registrationOptions(owner);
    expect(user.name).toBe(person.identifier);
  });

  test("recovery codes in the application's transaction: S03: refused, since it could undo them after they were told", async () => {
    const { person } = await addApp(world, await world.person());
    const nested = world.isolate({ database: { ...world.database, isNested: () => true } });
    await expect(nested.factors.replaceRecoveryCodes(person)).rejects.toThrow(TypeError);
  });

  test("a code under another user's id: S03, S20: a right one is answered as a wrong one, and nobody learns which it was", async () => {
    const { person, app } = await addApp(world, await world.person());
    const { userId } = await world.person();
    const ticket = await ticketFor(world, person);
    const codeFor = (code: string) => outcome(auth.verifyMfa({ ticket, userId, proof: { type: "totp", code } }));
    expect(await codeFor(await app.code())).toBe(await codeFor("000000"));
  });

  test("a password that is short since a factor stands beside it: R001: the last factor does not go before it", async () => {
    const { person, app } = await addApp(world, await world.person());
    const { actor, transport, password } = person;
    const changed = await auth.changePassword({ actor, currentPassword: password, newPassword: "vmqkzhrw", transport });
    await later(60);
    const owner = await personAt(world, person, changed);
    const proof = { type: "totp", code: await app.code() } as const;
    const proved = await personAt(world, owner, await auth.stepUp({ actor: owner.actor, transport, proof }));
    expect(await outcome(auth.factors.revoke({ actor: proved.actor, factorId: app.factorId }))).not.toBe("done");
  });

  test("a password that is short, and nothing beside it any more: R001: neither a check nor a refresh lets it through", async () => {
    const { credentialId, token, transport } = await world.person();
    await world.rows(sql`update cred set needs_factor = true where id = ${uuidFor("cred", credentialId)}::uuid`);
    expect(await outcome(auth.sessions.verify({ token, transport }))).toBe("unauthorized.mfa_required");
    expect(await outcome(auth.sessions.refresh({ token, transport }))).toBe("unauthorized.mfa_required");
  });

  test("sealing keys that are the root secret in another spelling: S34: refused", () => {
    expect(() => world.isolate({ sealingKeys: `1:${secret}` })).toThrow(ConfigurationError);
  });

  describe("a refusal whose reply was lost", () => {
    test("S03: a passkey that is somebody's: the same refusal", async () => {
      const { authenticator } = await withPasskey();
      const { actor } = await world.person();
      const database = faultyDatabase(world.database);
      const lossy = world.isolate({ database });
      const fake = await newAuthenticator({ credentialId: idOf(authenticator) });
      const response = await fake.create(await lossy.passkeys.registrationOptions({ actor }));
      database.reset(["after"]);
      expect(await outcome(lossy.passkeys.register({ actor, response }))).toBe("conflict.duplicate_credential");
    });

    test("S03: a security key that is somebody's: the same refusal", async () => {
      const { authenticator } = await withPasskey();
      const { actor, transport } = await world.person();
      const database = faultyDatabase(world.database);
      const lossy = world.isolate({ database });
      const fake = await newAuthenticator({ credentialId: idOf(authenticator) });
      const { factor, options } = await lossy.securityKeys.enroll({ actor });
      const response = await fake.create(options);
      database.reset(["after"]);
      expect(await outcome(lossy.securityKeys.confirm({ actor, transport, factorId: factor.id, response }))).toBe(
        "conflict.duplicate_credential",
      );
    });

    test("S03: a confirmation in a session that ended meanwhile: the session's refusal", async () => {
      const { actor, transport, session } = await world.person();
      const database = faultyDatabase(world.database);
      const lossy = world.isolate({ database });
      const { factor, options } = await lossy.securityKeys.enroll({ actor });
      const response = await (await newAuthenticator()).create(options);
      await auth.sessions.revoke({ actor: system, sessionId: session.id });
      database.reset(["after"]);
      expect(await outcome(lossy.securityKeys.confirm({ actor, transport, factorId: factor.id, response }))).toBe(
        "unauthorized.invalid_token",
      );
    });
  });

  const idOf = ({ credentialId }: Authenticator) => fromBase64Url(credentialId)!;
});

describe("at once", () => {
  let world: World;
  beforeAll(async () => {
    world = await openAuth("postgres", { timeoutMilliseconds: 60_000 });
  });
  afterAll(() => world.close());

  test("a token being made while an administrator resets the factor: S16, S32: none is left", async () => {
    const { person, app } = await addApp(world, await world.person());
    const { actor, userId } = person;
    const held = await holdLock(
      world.backend.connectionString!,
      sql`select id from usr where id = ${uuidFor("usr", userId)}::uuid for no key update`,
    );
    // The reset waits first, and the thief's token behind it, whose statement has seen the session alive.
    const reset = outcome(world.auth.factors.revoke({ actor: system, factorId: app.factorId }));
    await held.waiting(1);
    const made = outcome(world.auth.personalAccessTokens.create({ actor, userId, name: "kept", scope: ["all"] }));
    await held.waiting(2);
    await held.release();
    expect(await reset).toBe("done");
    await made;
    const [left] = await world.rows<{ n: number }>(sql`
      select count(*)::int as n from pat where usr_id = ${uuidFor("usr", userId)}::uuid and revoked_at is null`);
    expect(left!.n).toBe(0);
  });

  test("a sign-up while its identifier's password is suspended: R014: the name stays its owner's", async () => {
    const person = await world.person();
    const { identifier, userId, credentialId } = person;
    const held = await holdLock(
      world.backend.connectionString!,
      sql`with owner as (select id from usr where id = ${uuidFor("usr", userId)}::uuid for no key update)
        update cred set status = 'suspended' from owner where cred.id = ${uuidFor("cred", credentialId)}::uuid`,
    );
    const taken = outcome(world.auth.signUp({ identifier, password: person.password, context: context() }));
    const other = await world.person();
    const claimed = outcome(world.auth.credentials.createPassword({ ...other, actor: system, identifier }));
    await held.waiting(2);
    await held.commit();
    expect(await taken).toBe("conflict.duplicate_credential");
    expect(await claimed).toBe("conflict.duplicate_credential");
    expect(await outcome(world.auth.credentials.reinstate({ actor: system, credentialId }))).toBe("done");
  });

  test("a sign-up that waits for another, which is suspended before it wakes: R014: the name stays its owner's", async () => {
    /** What a second sign-up gets, through `database`, where one transaction makes an account and suspends its password. */
    const second = async (database: Database): Promise<string> => {
      const identifier = freshIdentifier();
      const account = { identifier, password: otherPassword, context: context() };
      const held = await holdLock(world.backend.connectionString!, sql`select pg_advisory_xact_lock(42)`);
      const first = world.isolate({
        database: {
          ...world.database,
          batch: async (statements) =>
            (
              await world.database.batch([
                ...statements,
                sql`update cred set status = 'suspended' where identifier = ${identifier}`,
                sql`select pg_advisory_xact_lock(42)`,
              ])
            ).slice(0, -2),
        },
      });
      const made = outcome(first.signUp(account));
      await held.waiting(1);
      const waits = outcome(world.isolate({ database }).signUp(account));
      await held.waiting(2);
      await held.release();
      expect(await made).toBe("done");
      return await waits;
    };
    const naive = rewritingDatabase(world.database, (text) =>
      text.includes("pg_advisory_xact_lock") ? undefined : text,
    );
    expect(await second(naive)).toBe("done");
    expect(naive.rewritten).toBeGreaterThan(0);
    expect(await second(world.database)).toBe("conflict.duplicate_credential");
  });

  test("F18: counters come before tickets where a password is replaced or a factor ended, too", async () => {
    for (const end of [
      (person: Person) => {
        const { credentialId } = person;
        return world.auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword });
      },
      (person: Person) => {
        const { actor, password: currentPassword, transport } = person;
        return world.auth.changePassword({ actor, currentPassword, newPassword: otherPassword, transport });
      },
      async ({ userId }: Person) => {
        const [factor] = await world.auth.factors.list({ actor: system, userId });
        return await world.auth.factors.revoke({ actor: system, factorId: factor!.id });
      },
    ]) {
      const { person } = await addApp(world, await world.person());
      const user = uuidFor("usr", person.userId);
      const ticket = await ticketFor(world, person);
      await outcome(world.auth.signIn.factor({ ticket, proof: { type: "totp", code: "000000" }, context: context() }));
      // What the reservation of another attempt with the ticket has, before it takes the ticket.
      const held = await holdLock(
        world.backend.connectionString!,
        sql`select from attempt where bucket = ${`factor:${user}`} for update`,
      );
      const ended = outcome(end(person));
      await held.waiting(1);
      const free = await world.rows(sql`select from login_ticket where usr_id = ${user}::uuid for update skip locked`);
      await held.release();
      expect(free).toHaveLength(1);
      expect(await ended).toBe("done");
    }
  });

  test("two codes for one ticket, a double click: F18: no deadlock", async () => {
    const { person, app } = await addApp(world, await world.person());
    const ticket = await ticketFor(world, person);
    const deadlocks = await deadlocksDuring(world, async (database) => {
      // The right code has been counted; its second statement waits for a word.
      const [reserved, spend] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const halting: Database = {
        ...database,
        async batch(statements) {
          reserved.resolve();
          await spend.promise;
          return await database.batch(statements);
        },
      };
      // The same first statement, but it waits between the counter and the ticket.
      const slowly = rewritingDatabase(database, (text) =>
        text.replace(
          "and quota.allowed",
          "and quota.allowed and (select pg_advisory_xact_lock(7) is not null from quota)",
        ),
      );
      const by = (used: Database, code: string) =>
        outcome(
          world.isolate({ database: used }).signIn.factor({
            ticket,
            proof: { type: "totp", code },
            context: context(),
          }),
        );
      const right = by(halting, await app.code());
      await reserved.promise;
      const held = await holdLock(world.backend.connectionString!, sql`select pg_advisory_xact_lock(7)`);
      const wrong = by(slowly, "000000");
      await held.waiting(1);
      spend.resolve();
      await held.waiting(2);
      await held.release();
      expect([await wrong, await right]).toEqual(["unauthorized.invalid_factor", "done"]);
    });
    expect(deadlocks).toBe(0);
  });
});
