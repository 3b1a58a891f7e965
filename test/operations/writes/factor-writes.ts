import { expect } from "vitest";
import type { CredentialId, FactorId } from "../../../src/domain/id.ts";
import type { RegisteredPasskey } from "../../../src/operations/passkeys.ts";
import { type FullAuth, outcome, type Person, system, type World } from "../../support/auth.ts";
import { type Authenticator, newAuthenticator } from "../../support/authenticator.ts";
import { addApp, addPasskey, appOf, givenApp, givenPasskey, registrationBy, ticketFor } from "../../support/factors.ts";
import { context, hasStatus, opens, type WithApp, type Write, withApp } from "./write.ts";

const token = "token" as const;

const withPendingApp = async (world: World, { userId }: Person) => {
  const { factorId, code } = await givenApp(world, userId, "pending");
  return { factorId, code: await code(), transport: token };
};
type Confirmation = Awaited<ReturnType<typeof withPendingApp>>;

/** A registered passkey's authenticator. */
async function ownDevice(world: World, person: Person): Promise<Authenticator> {
  const device = await newAuthenticator();
  await addPasskey(world, person, device);
  return device;
}
const proofOf = async (
  { auth }: World,
  device: Authenticator,
  of: Parameters<FullAuth["passkeys"]["proofOptions"]>[0],
) => ({ type: "webauthn", response: await device.get(await auth.passkeys.proofOptions(of)) }) as const;
/** The ticket of a password, and a passkey's proof for it. */
async function provedTicket(world: World, one: Person) {
  const { ticket, person } = await withApp(world, one);
  const device = await ownDevice(world, person);
  return { ticket, proof: await proofOf(world, device, { ticket }) };
}
type ProvedTicket = Awaited<ReturnType<typeof provedTicket>>;

export const factorWrites: readonly Write[] = [
  {
    name: "factors.enrollTotp",
    action: "identity.mfa.enroll",
    requests: 1,
    act: (auth, { actor }) => auth.factors.enrollTotp({ actor, label: "phone" }),
    repeated: "done",
    check: async (world, enrolled: Parameters<typeof appOf>[1], { actor }) => {
      const { factorId, code } = appOf(world, enrolled);
      const confirmation = { actor, transport: token, factorId, code: await code() };
      expect(await outcome(world.auth.factors.confirmTotp(confirmation))).toBe("done");
    },
  },
  {
    name: "factors.confirmTotp",
    action: "identity.mfa.confirm",
    requests: 2,
    prepare: withPendingApp,
    act: (auth, { actor }, confirmation: Confirmation) => auth.factors.confirmTotp({ actor, ...confirmation }),
    repeated: "unauthorized.invalid_token",
    check: async (world, result: { token: string; factor: { status: string } }) => {
      expect(result.factor.status).toBe("active");
      await opens(world, result);
    },
  },
  {
    name: "factors.confirmTotp, by a ticket",
    action: "identity.mfa.confirm",
    requests: 2,
    prepare: async (world, person) => {
      await world.requireFactor(person.userId);
      return { ticket: await ticketFor(world, person), ...(await withPendingApp(world, person)) };
    },
    act: (auth, _person, confirmation: Confirmation & { ticket: string }) =>
      auth.factors.confirmTotp({ context: context(), ...confirmation }),
    repeated: "unauthorized.invalid_ticket",
    check: opens,
  },
  ...(["totp", "recovery"] as const).map((type) => ({
    name: `signIn.factor, ${type}`,
    action: "identity.mfa.verify",
    requests: 2,
    prepare: withApp,
    act: (auth: FullAuth, _person: Person, { ticket, ...made }: WithApp) =>
      auth.signIn.factor({ ticket, proof: made[type], context: context() }),
    repeated: "unauthorized.invalid_ticket",
    check: opens,
  })),
  {
    name: "verifyMfa",
    action: "identity.mfa.verify",
    requests: 2,
    prepare: withApp,
    act: (auth, { userId }, { ticket, totp }: WithApp) =>
      auth.verifyMfa({ ticket, userId, proof: totp, context: context() }),
    repeated: "unauthorized.invalid_ticket",
    check: async (world, { ticket }: { ticket: string }, { userId, credentialId }) =>
      expect(await outcome(world.auth.sessions.create({ ticket, userId, credentialId }))).toBe("done"),
  },
  {
    name: "stepUp",
    action: "identity.session.step_up",
    requests: 2,
    prepare: withApp,
    act: (auth, _person, { totp, person: { actor } }: WithApp) => auth.stepUp({ actor, transport: token, proof: totp }),
    repeated: "unauthorized.invalid_token",
    check: opens,
  },
  {
    name: "stepUp, with the password",
    action: "identity.session.step_up",
    requests: 2,
    act: (auth, { actor, password }) => auth.stepUp({ actor, transport: token, proof: { type: "password", password } }),
    repeated: "unauthorized.invalid_token",
    check: opens,
  },
  {
    name: "factors.replaceRecoveryCodes",
    action: "identity.mfa.enroll",
    requests: 2,
    prepare: (world, person) => addApp(world, person),
    act: (auth, _person, { person: { actor } }: { person: Person }) => auth.factors.replaceRecoveryCodes({ actor }),
    repeated: "done",
    check: async (world, { codes }: { codes: string[] }, person) => {
      const ticket = await ticketFor(world, person);
      const proof = { type: "recovery", code: codes[0]! } as const;
      expect(await outcome(world.auth.signIn.factor({ ticket, proof, context: context() }))).toBe("done");
    },
  },
  {
    name: "factors.revoke",
    action: "identity.mfa.revoke",
    requests: 1,
    prepare: (world, { userId }) => givenApp(world, userId, "active"),
    act: (auth, _person, { factorId }: { factorId: FactorId }) => auth.factors.revoke({ actor: system, factorId }),
    repeated: "conflict.already_terminal",
    check: hasStatus("revoked"),
  },
  {
    name: "mfaPolicies.set",
    action: "identity.mfa_policy.set",
    requests: 1,
    act: (auth, { userId }) => auth.mfaPolicies.set({ actor: system, userId, required: true }),
    repeated: "done",
    check: async (_world, result: object) => expect(result).toMatchObject({ required: true, graceUntil: null }),
  },
  {
    name: "mfaPolicies.grantEnrollment",
    action: "identity.mfa.grant_enrollment",
    requests: 1,
    act: (auth, { userId }) => auth.mfaPolicies.grantEnrollment({ actor: system, userId }),
    repeated: "done",
  },
  {
    name: "passkeys.register",
    action: "identity.passkey.register",
    requests: 1,
    prepare: async (world, person) => {
      // With a passkey, a password alone no longer makes a session fresh.
      await world.levelTwo(person.session);
      return await registrationBy(world, person, await newAuthenticator());
    },
    act: (auth, { actor }, response: unknown) =>
      auth.passkeys.register({ actor, response, name: "laptop", transport: "token" }),
    repeated: "unauthorized.invalid_token",
    check: async (world, registered: RegisteredPasskey) => {
      const { passkey } = registered;
      expect(passkey).toMatchObject({ status: "active", name: "laptop", transports: ["hybrid", "internal"] });
      await opens(world, registered);
    },
  },
  {
    name: "passkeys.rename",
    action: "identity.passkey.rename",
    requests: 1,
    prepare: (world, { userId }) => givenPasskey(world, userId),
    act: (auth, { actor }, passkeyId: CredentialId) => auth.passkeys.rename({ actor, passkeyId, name: "laptop" }),
    repeated: "done",
    check: async (_world, passkey: object) => expect(passkey).toMatchObject({ name: "laptop" }),
  },
  {
    name: "passkeys.revoke",
    action: "identity.credential.revoke",
    requests: 1,
    prepare: async (world, { userId, session }) => {
      const passkeyId = await givenPasskey(world, userId);
      await world.levelTwo(session);
      return passkeyId;
    },
    act: (auth, { actor }, passkeyId: CredentialId) => auth.passkeys.revoke({ actor, passkeyId }),
    repeated: "conflict.already_terminal",
    check: hasStatus("revoked"),
  },
  {
    name: "webauthn.signInWithFactor",
    action: "identity.mfa.verify",
    requests: 2,
    prepare: provedTicket,
    act: (auth, _person, made: ProvedTicket) => auth.webauthn.signInWithFactor({ ...made, context: context() }),
    repeated: "unauthorized.invalid_ticket",
    check: opens,
  },
  {
    name: "webauthn.verifyMfa",
    action: "identity.mfa.verify",
    requests: 2,
    prepare: provedTicket,
    act: (auth, { userId }, made: ProvedTicket) => auth.webauthn.verifyMfa({ userId, ...made, context: context() }),
    repeated: "unauthorized.invalid_ticket",
  },
  {
    name: "webauthn.stepUp",
    action: "identity.session.step_up",
    requests: 2,
    prepare: async (world, person) => {
      const device = await ownDevice(world, person);
      return await proofOf(world, device, { actor: person.actor });
    },
    act: (auth, { actor }, proof: Awaited<ReturnType<typeof proofOf>>) =>
      auth.webauthn.stepUp({ actor, transport: token, proof }),
    repeated: "unauthorized.invalid_token",
    check: opens,
  },
  {
    name: "signIn.passkey",
    action: "identity.sign_in",
    requests: 2,
    prepare: async (world, person) => {
      const device = await ownDevice(world, person);
      return await device.get(await world.auth.signIn.passkeyOptions());
    },
    act: (auth, _person, response: unknown) => auth.signIn.passkey({ response, context: context() }),
    repeated: "unauthorized.invalid_credential",
    check: opens,
  },
  {
    name: "securityKeys.confirm",
    action: "identity.mfa.confirm",
    requests: 1,
    prepare: async ({ auth }, { actor }) => {
      const { factor, options } = await auth.securityKeys.enroll({ actor });
      return { factorId: factor.id, response: await (await newAuthenticator()).create(options), transport: token };
    },
    act: (auth, { actor }, made: { factorId: FactorId; response: unknown; transport: typeof token }) =>
      auth.securityKeys.confirm({ actor, ...made }),
    repeated: "unauthorized.invalid_token",
    check: opens,
  },
];
