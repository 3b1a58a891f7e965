import { freshIdentifier, goodPassword, otherPassword, outcome, type Person, type World } from "../../support/auth.ts";
import { type Budget, context, token } from "./budget.ts";

const ticketOf = async ({ auth }: World, person: Person) => {
  const { ticket, userId, credentialId } = await auth.verifyPassword({ ...person, context: context() });
  return { ticket, userId, credentialId };
};
type Claim = Awaited<ReturnType<typeof ticketOf>>;

export const sessionBudgets: readonly Budget[] = [
  { operation: "sessions.verify", requests: 1, act: (auth, person) => auth.sessions.verify(person) },
  {
    operation: "sessions.verify, unknown",
    requests: 1,
    act: (auth) => outcome(auth.sessions.verify({ token: "a".repeat(43), transport: token })),
  },
  {
    operation: "sessions.verify, malformed",
    requests: 0,
    act: (auth) => outcome(auth.sessions.verify({ token: "x", transport: token })),
  },
  {
    operation: "signUp",
    requests: 1,
    act: (auth) => auth.signUp({ identifier: freshIdentifier(), password: goodPassword, context: context() }),
  },
  {
    operation: "signUp, taken",
    requests: 1,
    act: (auth, { identifier }) => outcome(auth.signUp({ identifier, password: goodPassword, context: context() })),
  },
  {
    operation: "signIn.password",
    requests: 2,
    act: (auth, person) => auth.signIn.password({ ...person, context: context() }),
  },
  {
    operation: "signIn.password, over a session",
    requests: 2,
    act: (auth, person) => auth.signIn.password({ ...person, presentedToken: person.token, context: context() }),
  },
  {
    operation: "signIn.password, wrong password",
    requests: 2,
    act: (auth, { identifier }) =>
      outcome(auth.signIn.password({ identifier, password: otherPassword, context: context() })),
  },
  {
    operation: "signIn.password, unknown",
    requests: 2,
    act: (auth) =>
      outcome(auth.signIn.password({ identifier: freshIdentifier(), password: otherPassword, context: context() })),
  },
  {
    operation: "signIn.password, past the limit",
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
    operation: "sessions.create",
    requests: 1,
    prepare: ticketOf,
    act: (auth, _person, claim: Claim) => auth.sessions.create(claim),
  },
  {
    operation: "sessions.create, for no ticket",
    requests: 1,
    act: (auth, { userId, credentialId }) =>
      outcome(auth.sessions.create({ ticket: "a".repeat(43), userId, credentialId })),
  },
  { operation: "sessions.refresh", requests: 1, act: (auth, person) => auth.sessions.refresh(person as never) },
  {
    operation: "sessions.refresh, repeated",
    requests: 1,
    prepare: ({ auth }, person) => auth.sessions.refresh({ token: person.token, transport: token }),
    act: (auth, person) => auth.sessions.refresh({ token: person.token, transport: token }),
  },
  {
    operation: "sessions.signOut, without a token",
    requests: 0,
    act: (auth) => auth.sessions.signOut({ token: "no token", transport: token }),
  },
  { operation: "sessions.signOut", requests: 1, act: (auth, person) => auth.sessions.signOut(person) },
  {
    operation: "sessions.get",
    requests: 1,
    act: (auth, { actor, session }) => auth.sessions.get({ actor, sessionId: session.id }),
  },
  { operation: "sessions.list", requests: 1, act: (auth, { actor, userId }) => auth.sessions.list({ actor, userId }) },
  { operation: "activity.list", requests: 1, act: (auth, { actor, userId }) => auth.activity.list({ actor, userId }) },
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
];
