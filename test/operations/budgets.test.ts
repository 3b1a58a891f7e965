import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Auth } from "../../src/operations/auth.ts";
import { sql } from "../../src/store/sql.ts";
import {
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
import { backendNames } from "../support/databases.ts";

interface Row {
  operation: string;
  requests: number;
  prepare?: (world: World, person: Person) => Promise<unknown>;
  act: (auth: Auth, person: Person, prepared: never) => Promise<unknown>;
}

const token = "token" as const;
const context = () => ({ address: freshAddress() });
const ticketOf = async ({ auth }: World, person: Person) => {
  const { ticket, userId, credentialId } = await auth.verifyPassword({ ...person, context: context() });
  return { ticket, userId, credentialId };
};
type Claim = Awaited<ReturnType<typeof ticketOf>>;
const administrator = ({ administrator }: World) => administrator();

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
  { operation: "sign-in", requests: 2, act: (auth, person) => auth.signIn({ ...person, context: context() }) },
  {
    operation: "sign-in, over a session",
    requests: 2,
    act: (auth, person) => auth.signIn({ ...person, presentedToken: person.token, context: context() }),
  },
  {
    operation: "sign-in, wrong password",
    requests: 2,
    act: (auth, { identifier }) => outcome(auth.signIn({ identifier, password: otherPassword, context: context() })),
  },
  {
    operation: "sign-in, unknown",
    requests: 2,
    act: (auth) => outcome(auth.signIn({ identifier: freshIdentifier(), password: otherPassword, context: context() })),
  },
  {
    operation: "sign-in, past the limit",
    requests: 1,
    prepare: async ({ auth }, { identifier }) => {
      for (let time = 0; time < 10; time++)
        await outcome(auth.signIn({ identifier, password: otherPassword, context: context() }));
    },
    act: (auth, { identifier }) => outcome(auth.signIn({ identifier, password: otherPassword, context: context() })),
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
  { operation: "users.revoke", requests: 1, act: (auth, { actor, userId }) => auth.users.revoke({ actor, userId }) },
  {
    operation: "users.suspend, denied: the event is one more",
    requests: 2,
    act: (auth, { actor, userId }) => outcome(auth.users.suspend({ actor, userId })),
  },
  {
    operation: "credentials.createPassword",
    requests: 1,
    act: (auth, { actor, userId }) =>
      auth.credentials.createPassword({ actor, userId, identifier: freshIdentifier(), password: otherPassword }),
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
    act: (auth, { actor, credentialId }) =>
      auth.credentials.rotatePassword({ actor, credentialId, password: otherPassword }),
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
    act: (auth, { actor, credentialId }) => auth.credentials.suspend({ actor, credentialId }),
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
    act: (auth, { actor, credentialId }) => auth.credentials.revoke({ actor, credentialId }),
  },
  {
    operation: "administrators.grant",
    requests: 1,
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
