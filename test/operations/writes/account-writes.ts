import { expect } from "vitest";
import { sql } from "../../../src/store/sql.ts";
import { freshIdentifier, goodPassword, otherPassword, type Person, system } from "../../support/auth.ts";
import { givenPassword } from "../../support/factors.ts";
import { mailedChange, withVerifiedAddress } from "../../support/links.ts";
import { context, hasStatus, type NewToken, newToken, opens, type Write, withLink } from "./write.ts";

const isVerified: NonNullable<Write["check"]> = async (world, result: { identifier: string }, { identifier }) => {
  expect(result.identifier).toBe(identifier);
  const found = await world.rows(sql`
    select from cred where identifier = ${identifier} and status = 'active' and identifier_verified_at is not null`);
  expect(found).toHaveLength(1);
};

export const accountWrites: readonly Write[] = [
  {
    name: "identifiers.requestVerification",
    action: "identity.identifier.request_verification",
    requests: 1,
    act: (auth, { actor }) => auth.identifiers.requestVerification({ actor }),
    repeated: "done",
    check: async (world, _result, { identifier }) => {
      await world.auth.mail.deliver();
      expect(world.mailbox.newestTo(identifier).to).toBe(identifier);
    },
  },
  {
    name: "identifiers.verify",
    action: "identity.identifier.verify",
    requests: 1,
    prepare: withLink,
    act: (auth, { actor }, token: string) => auth.identifiers.verify({ token, proof: { type: "session", actor } }),
    repeated: "unauthorized.invalid_link",
    check: isVerified,
  },
  {
    name: "identifiers.verify, with the password",
    action: "identity.identifier.verify",
    requests: 2,
    prepare: withLink,
    act: (auth, { password }, token: string) =>
      auth.identifiers.verify({ token, proof: { type: "password", password }, context: context() }),
    repeated: "unauthorized.invalid_link",
    check: isVerified,
  },
  {
    name: "identifiers.verify, with a new password",
    action: "identity.identifier.verify",
    requests: 2,
    prepare: withLink,
    act: (auth, _person, token: string) =>
      auth.identifiers.verify({ token, proof: { type: "new_password", password: otherPassword }, context: context() }),
    repeated: "unauthorized.invalid_link",
    check: isVerified,
  },
  {
    name: "identifiers.requestChange",
    action: "identity.identifier.request_change",
    requests: 1,
    prepare: async () => freshIdentifier(),
    act: (auth, { actor }, identifier: string) => auth.identifiers.requestChange({ actor, identifier }),
    repeated: "done",
    check: async (world, { requestToken }: { requestToken: string }) => {
      const before = world.mailbox.messages.length;
      await world.auth.mail.deliver();
      const sent = world.mailbox.messages.slice(before).filter(({ subject }) => subject.includes("new email address"));
      expect(sent).toHaveLength(1);
      const code = world.mailbox.codeTo(sent[0]!.to);
      expect(await world.auth.mailedCodes.exchange({ requestToken, code })).toHaveProperty("token");
    },
  },
  {
    name: "identifiers.confirmChange",
    action: "identity.identifier.change",
    requests: 1,
    prepare: async (world, person) => (await mailedChange(world, await withVerifiedAddress(world, person))).token,
    act: (auth, { actor }, token: string) => auth.identifiers.confirmChange({ actor, token, transport: "token" }),
    repeated: "unauthorized.invalid_link",
    check: opens,
  },
  {
    name: "users.create",
    action: "identity.user.create",
    requests: 1,
    act: (auth) => auth.users.create({ actor: system, displayName: "Ada" }),
    repeated: "done",
    check: async (_world, { displayName }: { displayName: string }) => expect(displayName).toBe("Ada"),
  },
  {
    name: "users.update",
    action: "identity.user.update",
    requests: 1,
    act: (auth, { actor, userId }) => auth.users.update({ actor, userId, displayName: "Ada" }),
    repeated: "done",
    check: async (_world, { displayName }: { displayName: string }) => expect(displayName).toBe("Ada"),
  },
  {
    name: "terms.accept",
    action: "identity.terms.accept",
    requests: 1,
    act: (auth, { actor, userId }) => auth.terms.accept({ actor, userId, version: auth.terms.current.version }),
    repeated: "done",
    check: async ({ auth }, { termsVersion }: { termsVersion: string | null }) =>
      expect(termsVersion).toBe(auth.terms.current.version),
  },
  {
    name: "users.suspend",
    action: "identity.user.suspend",
    requests: 1,
    act: (auth, { userId }) => auth.users.suspend({ actor: system, userId }),
    repeated: "done",
    check: hasStatus("suspended"),
  },
  {
    name: "users.reinstate",
    action: "identity.user.reinstate",
    requests: 1,
    prepare: ({ auth }, { userId }) => auth.users.suspend({ actor: system, userId }),
    act: (auth, { userId }) => auth.users.reinstate({ actor: system, userId }),
    repeated: "precondition.invalid_transition",
    check: hasStatus("active"),
  },
  {
    name: "users.revoke",
    action: "identity.user.revoke",
    requests: 1,
    act: (auth, { userId }) => auth.users.revoke({ actor: system, userId }),
    repeated: "conflict.already_terminal",
    check: hasStatus("revoked"),
  },
  {
    name: "users.revokeOwn",
    action: "identity.user.revoke",
    requests: 2,
    act: (auth, { actor, userId }) => auth.users.revokeOwn({ actor, userId, currentPassword: goodPassword }),
    repeated: "unauthorized.invalid_token",
    check: hasStatus("revoked"),
  },
  {
    name: "merging.merge",
    action: "identity.user.merge",
    requests: 1,
    prepare: (world) => world.person(),
    act: (auth, { actor }, { actor: into }: Person) => auth.merging.merge({ actor, into }),
    repeated: "unauthorized.invalid_token",
    check: hasStatus("active"),
  },
  {
    name: "credentials.createPassword",
    action: "identity.credential.create",
    requests: 1,
    prepare: async () => freshIdentifier(),
    act: (auth, { userId }, identifier: string) =>
      auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword }),
    repeated: "conflict.duplicate_credential",
    check: hasStatus("active"),
  },
  {
    name: "credentials.createOwnPassword",
    action: "identity.credential.create",
    requests: 2,
    prepare: async () => freshIdentifier(),
    act: (auth, { actor, userId }, identifier: string) =>
      auth.credentials.createOwnPassword({
        actor,
        userId,
        identifier,
        password: otherPassword,
        currentPassword: goodPassword,
      }),
    repeated: "conflict.duplicate_credential",
    check: hasStatus("active"),
  },
  {
    name: "credentials.rotatePassword",
    action: "identity.credential.rotate",
    requests: 1,
    act: (auth, { credentialId }) =>
      auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword }),
    repeated: "conflict.credential_not_active",
    check: async (_world, { replaces }: { replaces: string }, { credentialId }) => expect(replaces).toBe(credentialId),
  },
  {
    name: "credentials.rotateOwnPassword",
    action: "identity.credential.rotate",
    requests: 2,
    act: (auth, { actor, credentialId }) =>
      auth.credentials.rotateOwnPassword({
        actor,
        credentialId,
        currentPassword: goodPassword,
        password: otherPassword,
      }),
    repeated: "unauthorized.invalid_token",
    check: async (_world, { replaces }: { replaces: string }, { credentialId }) => expect(replaces).toBe(credentialId),
  },
  {
    name: "credentials.suspend",
    action: "identity.credential.suspend",
    requests: 1,
    act: (auth, { credentialId }) => auth.credentials.suspend({ actor: system, credentialId }),
    repeated: "done",
    check: hasStatus("suspended"),
  },
  {
    name: "credentials.suspendOwnPassword",
    action: "identity.credential.suspend",
    requests: 2,
    // S33: the owner keeps one way in.
    prepare: (world, { userId }) => givenPassword(world, userId),
    act: (auth, { actor, credentialId }) =>
      auth.credentials.suspendOwnPassword({ actor, credentialId, currentPassword: goodPassword }),
    repeated: "unauthorized.invalid_token",
    check: hasStatus("suspended"),
  },
  {
    name: "credentials.revokeOwnPassword",
    action: "identity.credential.revoke",
    requests: 2,
    prepare: (world, { userId }) => givenPassword(world, userId),
    act: (auth, { actor, credentialId }) =>
      auth.credentials.revokeOwnPassword({ actor, credentialId, currentPassword: goodPassword }),
    repeated: "unauthorized.invalid_token",
    check: hasStatus("revoked"),
  },
  {
    name: "personalAccessTokens.create",
    action: "identity.pat.create",
    requests: 1,
    act: (auth, { actor, userId }) =>
      auth.personalAccessTokens.create({ actor, userId, name: "ci", scope: ["docs:read"] }),
    repeated: "done",
    check: async ({ auth }, { pat, token }: NewToken) =>
      expect((await auth.personalAccessTokens.verify({ token })).tokenId).toBe(pat.id),
  },
  {
    name: "personalAccessTokens.revoke",
    action: "identity.pat.revoke",
    requests: 1,
    prepare: newToken,
    act: (auth, { actor }, { pat }: NewToken) => auth.personalAccessTokens.revoke({ actor, tokenId: pat.id }),
    repeated: "done",
    check: hasStatus("revoked"),
  },
  {
    name: "credentials.reinstate",
    action: "identity.credential.reinstate",
    requests: 1,
    prepare: ({ auth }, { credentialId }) => auth.credentials.suspend({ actor: system, credentialId }),
    act: (auth, { credentialId }) => auth.credentials.reinstate({ actor: system, credentialId }),
    repeated: "precondition.invalid_transition",
    check: hasStatus("active"),
  },
  {
    name: "credentials.revoke",
    action: "identity.credential.revoke",
    requests: 1,
    act: (auth, { credentialId }) => auth.credentials.revoke({ actor: system, credentialId }),
    repeated: "conflict.already_terminal",
    check: hasStatus("revoked"),
  },
  {
    name: "administrators.grant",
    action: "authz.administrator.grant",
    requests: 1,
    prepare: (world, { userId }) => world.enroll(userId),
    act: (auth, { userId }) => auth.administrators.grant({ actor: system, userId }),
    repeated: "done",
    check: async (_world, result: object) => expect(result).toMatchObject({ granted: true }),
  },
  {
    name: "administrators.remove",
    action: "authz.administrator.remove",
    requests: 1,
    prepare: async (world, { userId }) => {
      await world.administrator();
      await world.makeAdministrator(userId);
    },
    act: (auth, { userId }) => auth.administrators.remove({ actor: system, userId }),
    repeated: "done",
    check: async (_world, result: object) => expect(result).toMatchObject({ removed: true }),
  },
  {
    name: "limits.lift",
    action: "identity.limit.lift",
    requests: 1,
    act: (auth, { identifier }) => auth.limits.lift({ actor: system, of: { identifier } }),
    repeated: "done",
    check: async (_world, result: object) => expect(result).toMatchObject({ lifted: expect.any(Number) }),
  },
  {
    name: "batch, of two plans",
    action: "identity.user.create",
    requests: 1,
    act: async (auth, { actor, userId }) =>
      auth.batch([
        await auth.users.create.plan({ actor: system }),
        await auth.users.update.plan({ actor, userId, displayName: "x" }),
      ]),
    repeated: "done",
    check: async (_world, result: unknown[]) =>
      expect(result).toMatchObject([{ status: "active" }, { displayName: "x" }]),
  },
];
