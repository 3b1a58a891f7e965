import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import {
  type FullAuth,
  freshAddress,
  freshIdentifier,
  goodPassword,
  openAuth,
  otherPassword,
  outcome,
  type Person,
  system,
  type World,
} from "../support/auth.ts";
import { type Authenticator, newAuthenticator } from "../support/authenticator.ts";
import { backendNames } from "../support/databases.ts";
import { addApp, appOf, givenPassword, registrationBy, ticketFor } from "../support/factors.ts";

interface Row {
  operation: string;
  requests: number;
  prepare?: (world: World, person: Person) => Promise<unknown>;
  act: (auth: FullAuth, person: Person, prepared: never) => Promise<unknown>;
}

const token = "token" as const;
const context = () => ({ address: freshAddress() });
const ticketOf = async ({ auth }: World, person: Person) => {
  const { ticket, userId, credentialId } = await auth.verifyPassword({ ...person, context: context() });
  return { ticket, userId, credentialId };
};
type Claim = Awaited<ReturnType<typeof ticketOf>>;
const administrator = ({ administrator }: World) => administrator();
/** S33: the owner keeps one way in. */
const secondWayIn = (world: World, { userId }: Person) => givenPassword(world, userId);

/** Somebody with an authenticator app, the ticket that their password is worth, and a code that has not been used. */
const withApp = async (world: World, one: Person) => {
  const { app, person } = await addApp(world, one);
  return {
    app,
    person,
    ticket: await ticketFor(world, person),
    proof: { type: "totp", code: await app.code() } as const,
  };
};
type WithApp = Awaited<ReturnType<typeof withApp>>;

/** An app that waits for its confirmation, and its first code. */
const withPendingApp = async (world: World, { actor }: Person) => {
  const app = appOf(world, await world.auth.factors.enrollTotp({ actor, label: "phone" }));
  return { factorId: app.factorId, code: await app.code() };
};
/** The same by the ticket of somebody who must have one. */
const withEnrollmentTicket = async (world: World, person: Person) => {
  await world.requireFactor(person.userId);
  return await ticketFor(world, person);
};
const withPendingAppByTicket = async (world: World, person: Person) => {
  const ticket = await withEnrollmentTicket(world, person);
  const app = appOf(world, await world.auth.factors.enrollTotp({ ticket, label: "phone" }));
  return { ticket, factorId: app.factorId, code: await app.code() };
};

const withPasskey = async (world: World, person: Person) => {
  const authenticator = await newAuthenticator();
  const response = await registrationBy(world, person, authenticator);
  const passkey = await world.auth.passkeys.register({ actor: person.actor, response });
  return { authenticator, passkeyId: passkey.id };
};
/** What proves a passkey of a session's user, or of a ticket's. */
const proofBy = async (
  { auth }: World,
  authenticator: Authenticator,
  of: Parameters<FullAuth["passkeys"]["proofOptions"]>[0],
) => ({ type: "webauthn", response: await authenticator.get(await auth.passkeys.proofOptions(of)) }) as const;
const withPendingKey = async ({ auth }: World, { actor }: Person) => {
  const { factor, options } = await auth.securityKeys.enroll({ actor });
  return { factorId: factor.id, response: await (await newAuthenticator()).create(options) };
};
const withToken = async ({ auth }: World, { userId }: Person) =>
  await auth.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: [] });
type WithToken = Awaited<ReturnType<typeof withToken>>;

/** What each operation may cost: a `run` and a `batch` are one request each. */
const budgets: readonly Row[] = [
  { operation: "verify", requests: 1, act: (auth, person) => auth.sessions.verify(person) },
  {
    operation: "verify, unknown",
    requests: 1,
    act: (auth) => outcome(auth.sessions.verify({ token: "a".repeat(43), transport: token })),
  },
  {
    operation: "verify, malformed",
    requests: 0,
    act: (auth) => outcome(auth.sessions.verify({ token: "x", transport: token })),
  },
  {
    operation: "sign-up",
    requests: 1,
    act: (auth) => auth.signUp({ identifier: freshIdentifier(), password: goodPassword, context: context() }),
  },
  {
    operation: "sign-up, taken",
    requests: 1,
    act: (auth, { identifier }) => outcome(auth.signUp({ identifier, password: goodPassword, context: context() })),
  },
  { operation: "sign-in", requests: 2, act: (auth, person) => auth.signIn.password({ ...person, context: context() }) },
  {
    operation: "sign-in, over a session",
    requests: 2,
    act: (auth, person) => auth.signIn.password({ ...person, presentedToken: person.token, context: context() }),
  },
  {
    operation: "sign-in, wrong password",
    requests: 2,
    act: (auth, { identifier }) =>
      outcome(auth.signIn.password({ identifier, password: otherPassword, context: context() })),
  },
  {
    operation: "sign-in, unknown",
    requests: 2,
    act: (auth) =>
      outcome(auth.signIn.password({ identifier: freshIdentifier(), password: otherPassword, context: context() })),
  },
  {
    operation: "sign-in, past the limit",
    requests: 1,
    prepare: async ({ auth }, { identifier }) => {
      for (let time = 0; time < 10; time++)
        await outcome(auth.signIn.password({ identifier, password: otherPassword, context: context() }));
    },
    act: (auth, { identifier }) =>
      outcome(auth.signIn.password({ identifier, password: otherPassword, context: context() })),
  },
  {
    operation: "verifyPassword",
    requests: 2,
    act: (auth, person) => auth.verifyPassword({ ...person, context: context() }),
  },
  {
    operation: "a session for a ticket",
    requests: 1,
    prepare: ticketOf,
    act: (auth, _person, claim: Claim) => auth.sessions.create(claim),
  },
  {
    operation: "a session for no ticket",
    requests: 1,
    act: (auth, { userId, credentialId }) =>
      outcome(auth.sessions.create({ ticket: "a".repeat(43), userId, credentialId })),
  },
  { operation: "refresh", requests: 1, act: (auth, person) => auth.sessions.refresh(person as never) },
  {
    operation: "refresh, repeated",
    requests: 1,
    prepare: ({ auth }, person) => auth.sessions.refresh({ token: person.token, transport: token }),
    act: (auth, person) => auth.sessions.refresh({ token: person.token, transport: token }),
  },
  { operation: "sign-out", requests: 1, act: (auth, person) => auth.sessions.signOut(person) },
  {
    operation: "sessions.get",
    requests: 1,
    act: (auth, { actor, session }) => auth.sessions.get({ actor, sessionId: session.id }),
  },
  { operation: "sessions.list", requests: 1, act: (auth, { actor, userId }) => auth.sessions.list({ actor, userId }) },
  {
    operation: "sessions.revoke",
    requests: 1,
    act: (auth, { actor, session }) => auth.sessions.revoke({ actor, sessionId: session.id }),
  },
  { operation: "sessions.revokeOthers", requests: 1, act: (auth, { actor }) => auth.sessions.revokeOthers({ actor }) },
  {
    operation: "changePassword",
    requests: 2,
    act: (auth, { actor }) =>
      auth.changePassword({ actor, currentPassword: goodPassword, newPassword: otherPassword, transport: token }),
  },
  {
    operation: "changePassword, wrong password",
    requests: 2,
    act: (auth, { actor }) =>
      outcome(
        auth.changePassword({ actor, currentPassword: otherPassword, newPassword: otherPassword, transport: token }),
      ),
  },
  {
    operation: "changePassword, stale",
    requests: 1,
    prepare: ({ age }, { session }) => age(session, 601),
    act: (auth, { actor }) =>
      outcome(
        auth.changePassword({ actor, currentPassword: goodPassword, newPassword: otherPassword, transport: token }),
      ),
  },
  { operation: "users.create", requests: 1, act: (auth) => auth.users.create({ actor: system }) },
  { operation: "users.get", requests: 1, act: (auth, { actor, userId }) => auth.users.get({ actor, userId }) },
  {
    operation: "users.get, by an administrator",
    requests: 1,
    prepare: administrator,
    act: (auth, { userId }, { actor }: Person) => auth.users.get({ actor, userId }),
  },
  { operation: "users.list", requests: 1, act: (auth) => auth.users.list({ actor: system }) },
  {
    operation: "users.update",
    requests: 1,
    act: (auth, { actor, userId }) => auth.users.update({ actor, userId, displayName: "x" }),
  },
  { operation: "users.suspend", requests: 1, act: (auth, { userId }) => auth.users.suspend({ actor: system, userId }) },
  {
    operation: "users.reinstate",
    requests: 1,
    prepare: ({ auth }, { userId }) => auth.users.suspend({ actor: system, userId }),
    act: (auth, { userId }) => auth.users.reinstate({ actor: system, userId }),
  },
  { operation: "users.revoke", requests: 1, act: (auth, { userId }) => auth.users.revoke({ actor: system, userId }) },
  {
    operation: "users.revokeOwn",
    requests: 2,
    act: (auth, { actor, userId }) => auth.users.revokeOwn({ actor, userId, currentPassword: goodPassword }),
  },
  {
    operation: "users.suspend, denied: the event is one more",
    requests: 2,
    act: (auth, { actor, userId }) => outcome(auth.users.suspend({ actor, userId })),
  },
  {
    operation: "credentials.createPassword",
    requests: 1,
    act: (auth, { userId }) =>
      auth.credentials.createPassword({
        actor: system,
        userId,
        identifier: freshIdentifier(),
        password: otherPassword,
      }),
  },
  {
    operation: "credentials.createOwnPassword",
    requests: 2,
    act: (auth, { actor, userId }) =>
      auth.credentials.createOwnPassword({
        actor,
        userId,
        identifier: freshIdentifier(),
        password: otherPassword,
        currentPassword: goodPassword,
      }),
  },
  {
    operation: "credentials.get",
    requests: 1,
    act: (auth, { actor, credentialId }) => auth.credentials.get({ actor, credentialId }),
  },
  {
    operation: "credentials.listForUser",
    requests: 1,
    act: (auth, { actor, userId }) => auth.credentials.listForUser({ actor, userId }),
  },
  {
    operation: "credentials.findByIdentifier",
    requests: 1,
    act: (auth, { identifier }) => auth.credentials.findByIdentifier({ actor: system, type: "password", identifier }),
  },
  {
    operation: "credentials.rotatePassword",
    requests: 1,
    act: (auth, { credentialId }) =>
      auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword }),
  },
  {
    operation: "credentials.rotateOwnPassword",
    requests: 2,
    act: (auth, { actor, credentialId }) =>
      auth.credentials.rotateOwnPassword({
        actor,
        credentialId,
        currentPassword: goodPassword,
        password: otherPassword,
      }),
  },
  {
    operation: "credentials.suspend",
    requests: 1,
    act: (auth, { credentialId }) => auth.credentials.suspend({ actor: system, credentialId }),
  },
  {
    operation: "credentials.suspendOwnPassword",
    requests: 2,
    prepare: secondWayIn,
    act: (auth, { actor, credentialId }) =>
      auth.credentials.suspendOwnPassword({ actor, credentialId, currentPassword: goodPassword }),
  },
  {
    operation: "credentials.reinstate",
    requests: 1,
    prepare: ({ auth }, { credentialId }) => auth.credentials.suspend({ actor: system, credentialId }),
    act: (auth, { credentialId }) => auth.credentials.reinstate({ actor: system, credentialId }),
  },
  {
    operation: "credentials.revoke",
    requests: 1,
    act: (auth, { credentialId }) => auth.credentials.revoke({ actor: system, credentialId }),
  },
  {
    operation: "credentials.revokeOwnPassword",
    requests: 2,
    prepare: secondWayIn,
    act: (auth, { actor, credentialId }) =>
      auth.credentials.revokeOwnPassword({ actor, credentialId, currentPassword: goodPassword }),
  },
  {
    operation: "factors.enrollTotp",
    requests: 1,
    act: (auth, { actor }) => auth.factors.enrollTotp({ actor, label: "phone" }),
  },
  {
    operation: "factors.enrollTotp, by a ticket: for whom it seals is one more",
    requests: 2,
    prepare: withEnrollmentTicket,
    act: (auth, _person, ticket: string) => auth.factors.enrollTotp({ ticket, label: "phone" }),
  },
  {
    operation: "factors.confirmTotp",
    requests: 2,
    prepare: withPendingApp,
    act: (auth, { actor }, made: Awaited<ReturnType<typeof withPendingApp>>) =>
      auth.factors.confirmTotp({ actor, transport: token, ...made }),
  },
  {
    operation: "factors.confirmTotp, by a ticket",
    requests: 2,
    prepare: withPendingAppByTicket,
    act: (auth, _person, made: Awaited<ReturnType<typeof withPendingAppByTicket>>) =>
      auth.factors.confirmTotp({ transport: token, ...made }),
  },
  {
    operation: "factors.confirmTotp, wrong code",
    requests: 2,
    prepare: withPendingApp,
    act: (auth, { actor }, { factorId }: Awaited<ReturnType<typeof withPendingApp>>) =>
      outcome(auth.factors.confirmTotp({ actor, transport: token, factorId, code: "000000" })),
  },
  {
    operation: "signInWithFactor",
    requests: 2,
    prepare: withApp,
    act: (auth, _person, { ticket, proof }: WithApp) => auth.signIn.factor({ ticket, proof }),
  },
  {
    operation: "signInWithFactor, over a session",
    requests: 2,
    prepare: withApp,
    act: (auth, _person, { ticket, proof, person }: WithApp) =>
      auth.signIn.factor({ ticket, proof, presentedToken: person.token }),
  },
  {
    operation: "signInWithFactor, wrong code",
    requests: 2,
    prepare: withApp,
    act: (auth, _person, { ticket }: WithApp) =>
      outcome(auth.signIn.factor({ ticket, proof: { type: "totp", code: "000000" } })),
  },
  {
    operation: "signInWithFactor, unknown ticket",
    requests: 1,
    act: (auth) => outcome(auth.signIn.factor({ ticket: "a".repeat(43), proof: { type: "totp", code: "000000" } })),
  },
  {
    operation: "signInWithFactor, malformed ticket",
    requests: 0,
    act: (auth) => outcome(auth.signIn.factor({ ticket: "x", proof: { type: "totp", code: "000000" } })),
  },
  {
    operation: "verifyMfa",
    requests: 2,
    prepare: withApp,
    act: (auth, { userId }, { ticket, proof }: WithApp) => auth.verifyMfa({ ticket, userId, proof }),
  },
  {
    operation: "stepUp",
    requests: 2,
    prepare: withApp,
    act: (auth, _person, { proof, person: { actor } }: WithApp) => auth.stepUp({ actor, transport: token, proof }),
  },
  {
    operation: "stepUp, with the password",
    requests: 2,
    act: (auth, { actor, password }) => auth.stepUp({ actor, transport: token, proof: { type: "password", password } }),
  },
  {
    operation: "factors.replaceRecoveryCodes",
    requests: 2,
    prepare: withApp,
    act: (auth, _person, { person: { actor } }: WithApp) => auth.factors.replaceRecoveryCodes({ actor }),
  },
  { operation: "factors.list", requests: 1, act: (auth, { actor, userId }) => auth.factors.list({ actor, userId }) },
  {
    operation: "factors.revoke",
    requests: 1,
    prepare: withApp,
    act: (auth, _person, { app: { factorId }, person: { actor } }: WithApp) => auth.factors.revoke({ actor, factorId }),
  },
  {
    operation: "mfaPolicies.get",
    requests: 1,
    act: (auth, { actor, userId }) => auth.mfaPolicies.get({ actor, userId }),
  },
  {
    operation: "mfaPolicies.set",
    requests: 1,
    prepare: withApp,
    act: (auth, { userId }, { person: { actor } }: WithApp) => auth.mfaPolicies.set({ actor, userId, required: true }),
  },
  {
    operation: "mfaPolicies.grantEnrollment",
    requests: 1,
    act: (auth, { userId }) => auth.mfaPolicies.grantEnrollment({ actor: system, userId }),
  },
  {
    operation: "passkeys.registrationOptions",
    requests: 1,
    act: (auth, { actor }) => auth.passkeys.registrationOptions({ actor }),
  },
  {
    operation: "passkeys.register",
    requests: 1,
    prepare: async (world, person) => registrationBy(world, person, await newAuthenticator()),
    act: (auth, { actor }, response: unknown) => auth.passkeys.register({ actor, response }),
  },
  {
    operation: "passkeys.register, of what answers nothing",
    requests: 0,
    act: (auth, { actor }) => outcome(auth.passkeys.register({ actor, response: {} })),
  },
  { operation: "passkeys.list", requests: 1, act: (auth, { actor, userId }) => auth.passkeys.list({ actor, userId }) },
  {
    operation: "passkeys.rename",
    requests: 1,
    prepare: withPasskey,
    act: (auth, { actor }, { passkeyId }: Awaited<ReturnType<typeof withPasskey>>) =>
      auth.passkeys.rename({ actor, passkeyId, name: "x" }),
  },
  { operation: "passkeys.signInOptions", requests: 1, act: (auth) => auth.signIn.passkeyOptions() },
  {
    operation: "passkeys.signIn",
    requests: 2,
    prepare: async (world, person) => {
      const { authenticator } = await withPasskey(world, person);
      return await authenticator.get(await world.auth.signIn.passkeyOptions());
    },
    act: (auth, _person, response: unknown) => auth.signIn.passkey({ response }),
  },
  {
    operation: "passkeys.signIn, of what answers nothing",
    requests: 2,
    act: (auth) => outcome(auth.signIn.passkey({ response: {}, context: context() })),
  },
  {
    operation: "passkeys.proofOptions",
    requests: 1,
    act: (auth, { actor }) => auth.passkeys.proofOptions({ actor }),
  },
  {
    operation: "webauthn.signInWithFactor",
    requests: 2,
    prepare: async (world, one) => {
      const { ticket, person } = await withApp(world, one);
      const { authenticator } = await withPasskey(world, person);
      return { ticket, proof: await proofBy(world, authenticator, { ticket }) };
    },
    act: (auth, _person, made: { ticket: string; proof: Awaited<ReturnType<typeof proofBy>> }) =>
      auth.webauthn.signInWithFactor(made),
  },
  {
    operation: "webauthn.stepUp",
    requests: 2,
    prepare: async (world, person) => {
      const { authenticator } = await withPasskey(world, person);
      return await proofBy(world, authenticator, { actor: person.actor });
    },
    act: (auth, { actor }, proof: Awaited<ReturnType<typeof proofBy>>) =>
      auth.webauthn.stepUp({ actor, transport: token, proof }),
  },
  { operation: "securityKeys.enroll", requests: 1, act: (auth, { actor }) => auth.securityKeys.enroll({ actor }) },
  {
    operation: "securityKeys.enroll, by a ticket",
    requests: 1,
    prepare: withEnrollmentTicket,
    act: (auth, _person, ticket: string) => auth.securityKeys.enroll({ ticket }),
  },
  {
    operation: "securityKeys.confirm",
    requests: 1,
    prepare: withPendingKey,
    act: (auth, { actor }, made: Awaited<ReturnType<typeof withPendingKey>>) =>
      auth.securityKeys.confirm({ actor, transport: token, ...made }),
  },
  {
    operation: "tokens.create",
    requests: 1,
    act: (auth, { actor, userId }) => auth.personalAccessTokens.create({ actor, userId, name: "ci", scope: [] }),
  },
  {
    operation: "tokens.get",
    requests: 1,
    prepare: withToken,
    act: (auth, { actor }, { pat }: WithToken) => auth.personalAccessTokens.get({ actor, tokenId: pat.id }),
  },
  {
    operation: "tokens.listForUser",
    requests: 1,
    act: (auth, { actor, userId }) => auth.personalAccessTokens.listForUser({ actor, userId }),
  },
  {
    operation: "tokens.revoke",
    requests: 1,
    prepare: withToken,
    act: (auth, { actor }, { pat }: WithToken) => auth.personalAccessTokens.revoke({ actor, tokenId: pat.id }),
  },
  {
    operation: "administrators.grant",
    requests: 1,
    prepare: (world, { userId }) => world.enroll(userId),
    act: (auth, { userId }) => auth.administrators.grant({ actor: system, userId }),
  },
  {
    operation: "administrators.remove",
    requests: 1,
    act: (auth, { userId }) => auth.administrators.remove({ actor: system, userId }),
  },
  {
    operation: "tuples.check",
    requests: 1,
    act: (auth, { userId }) =>
      auth.tuples.check({
        subjectType: "usr",
        subjectId: userId,
        relation: "viewer",
        objectType: "doc",
        objectId: crypto.randomUUID(),
      }),
  },
  {
    operation: "a batch of two plans and a statement",
    requests: 1,
    act: async (auth, { actor, userId }) =>
      auth.batch([
        await auth.users.create.plan({ actor: system }),
        sql`select 1`,
        await auth.users.update.plan({ actor, userId, displayName: "y" }),
      ]),
  },
  { operation: "purge", requests: 1, act: (auth) => auth.purge() },
  { operation: "health", requests: 1, act: (auth) => auth.health() },
];

describe.each(backendNames)("%s", (name) => {
  let world: World;
  beforeAll(async () => {
    world = await openAuth(name);
  });
  afterAll(() => world.close());

  test.each(budgets)("$operation: $requests", async ({ requests, prepare, act }) => {
    const person = await world.person();
    const prepared = await prepare?.(world, person);
    // One more than the budget is refused before it is sent; one less is told here.
    world.counting.reset(requests);
    try {
      await act(world.auth, person, prepared as never);
      expect(world.counting.requests).toBe(requests);
    } finally {
      world.counting.reset();
    }
  });
});
