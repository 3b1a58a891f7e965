import type { CredentialId } from "../../../src/domain/id.ts";
import { type FullAuth, outcome, type Person, type World } from "../../support/auth.ts";
import { type Authenticator, newAuthenticator } from "../../support/authenticator.ts";
import { addPasskey, registrationBy } from "../../support/factors.ts";
import { type Budget, context, token, withApp, withEnrollmentTicket } from "./budget.ts";

const withPasskey = async (world: World, person: Person) => {
  const authenticator = await newAuthenticator();
  const { id: passkeyId } = await addPasskey(world, person, authenticator);
  return { authenticator, passkeyId };
};
/** The proof of a passkey, for a session's user or a ticket's. */
const proofBy = async (
  { auth }: World,
  authenticator: Authenticator,
  of: Parameters<FullAuth["passkeys"]["proofOptions"]>[0],
) => ({ type: "webauthn", response: await authenticator.get(await auth.passkeys.proofOptions(of)) }) as const;
/** A login ticket, and the passkey's proof for it. */
const withProvedTicket = async (world: World, one: Person) => {
  const { ticket, person } = await withApp(world, one);
  const { authenticator } = await withPasskey(world, person);
  return { ticket, proof: await proofBy(world, authenticator, { ticket }) };
};
type ProvedTicket = Awaited<ReturnType<typeof withProvedTicket>>;
const withPendingKey = async ({ auth }: World, { actor }: Person) => {
  const { factor, options } = await auth.securityKeys.enroll({ actor });
  return { factorId: factor.id, response: await (await newAuthenticator()).create(options) };
};

export const passkeyBudgets: readonly Budget[] = [
  {
    operation: "passkeys.registrationOptions",
    requests: 1,
    act: (auth, { actor }) => auth.passkeys.registrationOptions({ actor }),
  },
  {
    operation: "passkeys.register",
    requests: 1,
    prepare: async (world, person) => registrationBy(world, person, await newAuthenticator()),
    act: (auth, { actor }, response: unknown) => auth.passkeys.register({ actor, response, transport: "token" }),
  },
  {
    operation: "passkeys.register, of what answers nothing",
    requests: 0,
    act: (auth, { actor }) => outcome(auth.passkeys.register({ actor, response: {}, transport: "token" })),
  },
  { operation: "passkeys.list", requests: 1, act: (auth, { actor, userId }) => auth.passkeys.list({ actor, userId }) },
  {
    operation: "passkeys.rename",
    requests: 1,
    prepare: withPasskey,
    act: (auth, { actor }, { passkeyId }: Awaited<ReturnType<typeof withPasskey>>) =>
      auth.passkeys.rename({ actor, passkeyId, name: "x" }),
  },
  {
    operation: "passkeys.revoke",
    requests: 1,
    prepare: async (world, person) => {
      const { passkeyId } = await withPasskey(world, person);
      await world.levelTwo(person.session);
      return passkeyId;
    },
    act: (auth, { actor }, passkeyId: CredentialId) => auth.passkeys.revoke({ actor, passkeyId }),
  },
  { operation: "signIn.passkeyOptions", requests: 1, act: (auth) => auth.signIn.passkeyOptions() },
  {
    operation: "signIn.passkey",
    requests: 2,
    prepare: async (world, person) => {
      const { authenticator } = await withPasskey(world, person);
      return await authenticator.get(await world.auth.signIn.passkeyOptions());
    },
    act: (auth, _person, response: unknown) => auth.signIn.passkey({ response }),
  },
  {
    operation: "signIn.passkey, of what answers nothing",
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
    prepare: withProvedTicket,
    act: (auth, _person, made: ProvedTicket) => auth.webauthn.signInWithFactor(made),
  },
  {
    operation: "webauthn.verifyMfa",
    requests: 2,
    prepare: withProvedTicket,
    act: (auth, { userId }, made: ProvedTicket) => auth.webauthn.verifyMfa({ userId, ...made }),
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
  {
    operation: "securityKeys.requireRpId",
    requests: 0,
    act: async (auth) => auth.securityKeys.requireRpId("example.com"),
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
];
