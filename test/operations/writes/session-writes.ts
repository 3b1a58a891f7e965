import { expect } from "vitest";
import type { CredentialId, UserId } from "../../../src/domain/id.ts";
import { freshIdentifier, goodPassword, otherPassword, outcome, type Person, type World } from "../../support/auth.ts";
import { context, opens, type Write } from "./write.ts";

const token = "token" as const;

const claimOf = async ({ auth }: World, person: Person) => {
  const { ticket, userId, credentialId } = await auth.verifyPassword({ ...person, context: context() });
  return { ticket, userId, credentialId };
};

export const sessionWrites: readonly Write[] = [
  {
    name: "signUp",
    action: "identity.sign_up",
    requests: 1,
    prepare: async () => freshIdentifier(),
    act: (auth, _person, identifier: string) => auth.signUp({ identifier, password: goodPassword, context: context() }),
    repeated: "conflict.duplicate_credential",
    check: opens,
  },
  {
    name: "signUp, with a plan",
    action: "identity.sign_up",
    requests: 2,
    prepare: async () => freshIdentifier(),
    act: async (auth, _person, identifier: string) => {
      const plan = await auth.signUp.plan({ identifier, password: goodPassword, context: context() });
      return (await auth.batch([plan]))[0];
    },
    repeated: "conflict.duplicate_credential",
    check: opens,
  },
  {
    name: "signIn.password",
    action: "identity.sign_in",
    requests: 2,
    act: (auth, person) => auth.signIn.password({ ...person, context: context() }),
    repeated: "done",
    check: opens,
  },
  {
    name: "verifyPassword",
    action: "identity.sign_in",
    requests: 2,
    act: (auth, person) => auth.verifyPassword({ ...person, context: context() }),
    repeated: "done",
    check: async (
      world,
      { ticket, userId, credentialId }: { ticket: string; userId: UserId; credentialId: CredentialId },
    ) => expect(await outcome(world.auth.sessions.create({ ticket, userId, credentialId }))).toBe("done"),
  },
  {
    name: "sessions.create",
    action: "identity.session.create",
    requests: 1,
    prepare: claimOf,
    act: (auth, _person, claim: Awaited<ReturnType<typeof claimOf>>) => auth.sessions.create(claim),
    repeated: "unauthorized.invalid_ticket",
    check: opens,
  },
  {
    name: "sessions.refresh",
    action: "identity.session.refresh",
    requests: 1,
    act: (auth, { token: value }) => auth.sessions.refresh({ token: value, transport: token }),
    repeated: "done",
    check: opens,
  },
  {
    name: "sessions.signOut",
    action: "identity.session.sign_out",
    requests: 1,
    act: (auth, { token: value }) => auth.sessions.signOut({ token: value, transport: token }),
    repeated: "done",
  },
  {
    name: "sessions.revoke",
    action: "identity.session.revoke",
    requests: 1,
    prepare: (world, person) => world.signIn(person),
    act: (auth, { actor }, { session }: Person) => auth.sessions.revoke({ actor, sessionId: session.id }),
    repeated: "done",
    check: async (_world, { revokedAt }: { revokedAt: Date | null }) => expect(revokedAt).not.toBeNull(),
  },
  {
    name: "sessions.revokeOthers",
    action: "identity.session.revoke_others",
    requests: 1,
    prepare: async (world, person) => [await world.signIn(person), await world.signIn(person)],
    act: (auth, { actor }) => auth.sessions.revokeOthers({ actor }),
    repeated: "done",
    check: async (_world, result: { revoked: number }) => expect(result).toEqual({ revoked: 2 }),
  },
  {
    name: "changePassword",
    action: "identity.password.change",
    requests: 2,
    act: (auth, { actor }) =>
      auth.changePassword({ actor, currentPassword: goodPassword, newPassword: otherPassword, transport: token }),
    repeated: "unauthorized.invalid_token",
    check: opens,
  },
];
