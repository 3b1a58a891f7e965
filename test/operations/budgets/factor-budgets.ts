import { outcome, type Person, system, type World } from "../../support/auth.ts";
import { appOf } from "../../support/factors.ts";
import { type Budget, token, withApp, withEnrollmentTicket } from "./budget.ts";

type WithApp = Awaited<ReturnType<typeof withApp>>;
/** A pending app, and its first code. */
const withPendingApp = async (world: World, { actor }: Person) => {
  const app = appOf(world, await world.auth.factors.enrollTotp({ actor, label: "phone" }));
  return { factorId: app.factorId, code: await app.code() };
};
const withPendingAppByTicket = async (world: World, person: Person) => {
  const ticket = await withEnrollmentTicket(world, person);
  const app = appOf(world, await world.auth.factors.enrollTotp({ ticket, label: "phone" }));
  return { ticket, factorId: app.factorId, code: await app.code() };
};

export const factorBudgets: readonly Budget[] = [
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
    operation: "signIn.factor",
    requests: 2,
    prepare: withApp,
    act: (auth, _person, { ticket, proof }: WithApp) => auth.signIn.factor({ ticket, proof }),
  },
  {
    operation: "signIn.factor, over a session",
    requests: 2,
    prepare: withApp,
    act: (auth, _person, { ticket, proof, person }: WithApp) =>
      auth.signIn.factor({ ticket, proof, presentedToken: person.token }),
  },
  {
    operation: "signIn.factor, wrong code",
    requests: 2,
    prepare: withApp,
    act: (auth, _person, { ticket }: WithApp) =>
      outcome(auth.signIn.factor({ ticket, proof: { type: "totp", code: "000000" } })),
  },
  {
    operation: "signIn.factor, unknown ticket",
    requests: 1,
    act: (auth) => outcome(auth.signIn.factor({ ticket: "a".repeat(43), proof: { type: "totp", code: "000000" } })),
  },
  {
    operation: "signIn.factor, malformed ticket",
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
];
