import { sql } from "../../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
  system,
  type World,
} from "../../support/auth.ts";
import { givenPassword } from "../../support/factors.ts";
import { mailedChange } from "../../support/links.ts";
import { withLink } from "../writes/write.ts";
import type { Budget } from "./budget.ts";

const administrator = ({ administrator }: World) => administrator();
/** S33: the owner must keep a way to sign in. */
const secondWayIn = (world: World, { userId }: Person) => givenPassword(world, userId);
const withToken = async ({ auth }: World, { userId }: Person) =>
  await auth.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: [] });
type WithToken = Awaited<ReturnType<typeof withToken>>;

export const accountBudgets: readonly Budget[] = [
  { operation: "merging.begin", requests: 1, act: (auth, { actor }) => auth.merging.begin({ actor }) },
  {
    operation: "merging.merge",
    requests: 1,
    prepare: (world) => world.person(),
    act: (auth, { actor }, { actor: into }: Person) => auth.merging.merge({ actor, into }),
  },
  {
    operation: "identifiers.requestVerification",
    requests: 1,
    act: (auth, { actor }) => auth.identifiers.requestVerification({ actor }),
  },
  {
    operation: "identifiers.verify",
    requests: 1,
    prepare: withLink,
    act: (auth, { actor }, token: string) => auth.identifiers.verify({ token, proof: { type: "session", actor } }),
  },
  ...(["password", "new_password"] as const).map(
    (type): Budget => ({
      operation: `identifiers.verify, ${type}`,
      requests: 2,
      prepare: withLink,
      act: (auth, { password }, token: string) => auth.identifiers.verify({ token, proof: { type, password } }),
    }),
  ),
  {
    operation: "identifiers.requestChange",
    requests: 1,
    act: (auth, { actor }) => auth.identifiers.requestChange({ actor, identifier: freshIdentifier() }),
  },
  {
    operation: "identifiers.confirmChange",
    requests: 1,
    prepare: async (world, person) => (await mailedChange(world, person)).token,
    act: (auth, { actor }, token: string) => auth.identifiers.confirmChange({ actor, token, transport: "token" }),
  },
  {
    operation: "mail.deliver",
    requests: 2,
    prepare: ({ auth }, { actor }) => auth.identifiers.requestVerification({ actor }),
    act: (auth) => auth.mail.deliver(),
  },
  { operation: "mail.deliver, nothing owed", requests: 1, act: (auth) => auth.mail.deliver() },
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
  {
    operation: "terms.accept",
    requests: 1,
    act: (auth, { actor, userId }) => auth.terms.accept({ actor, userId, version: auth.terms.current.version }),
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
    operation: "credentials.list",
    requests: 1,
    act: (auth, { actor, userId }) => auth.credentials.list({ actor, userId }),
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
    operation: "personalAccessTokens.create",
    requests: 1,
    act: (auth, { actor, userId }) => auth.personalAccessTokens.create({ actor, userId, name: "ci", scope: [] }),
  },
  {
    operation: "personalAccessTokens.get",
    requests: 1,
    prepare: withToken,
    act: (auth, { actor }, { pat }: WithToken) => auth.personalAccessTokens.get({ actor, tokenId: pat.id }),
  },
  {
    operation: "personalAccessTokens.list",
    requests: 1,
    act: (auth, { actor, userId }) => auth.personalAccessTokens.list({ actor, userId }),
  },
  {
    operation: "personalAccessTokens.revoke",
    requests: 1,
    prepare: withToken,
    act: (auth, { actor }, { pat }: WithToken) => auth.personalAccessTokens.revoke({ actor, tokenId: pat.id }),
  },
  {
    operation: "personalAccessTokens.verify, the first time on an isolate",
    requests: 2,
    prepare: withToken,
    act: (auth, _person, { token }: WithToken) =>
      auth.personalAccessTokens.verify({ token, context: { address: freshAddress() } }),
  },
  {
    operation: "personalAccessTokens.verify, later",
    requests: 1,
    prepare: async (world, person) => {
      const made = await withToken(world, person);
      await world.auth.personalAccessTokens.verify({ token: made.token, context: { address: freshAddress() } });
      return made;
    },
    act: (auth, _person, { token }: WithToken) =>
      auth.personalAccessTokens.verify({ token, context: { address: freshAddress() } }),
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
    operation: "limits.list",
    requests: 1,
    act: (auth, { identifier }) => auth.limits.list({ actor: system, of: { identifier } }),
  },
  {
    operation: "limits.lift",
    requests: 1,
    act: (auth, { identifier }) => auth.limits.lift({ actor: system, of: { identifier } }),
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
    operation: "tuples.checkAny",
    requests: 1,
    act: (auth, { userId }) =>
      auth.tuples.checkAny({
        subjectType: "usr",
        subjectId: userId,
        relations: ["viewer", "editor"],
        objectType: "doc",
        objectId: crypto.randomUUID(),
      }),
  },
  {
    operation: "tuples.checkSession",
    requests: 1,
    act: (auth, { token, transport }) =>
      auth.tuples.checkSession({
        token,
        transport,
        relation: "viewer",
        objectType: "doc",
        objectId: crypto.randomUUID(),
      }),
  },
  {
    operation: "batch, of two plans and a statement",
    requests: 1,
    act: async (auth, { actor, userId }) =>
      auth.batch([
        await auth.users.create.plan({ actor: system }),
        sql`select 1`,
        await auth.users.update.plan({ actor, userId, displayName: "y" }),
      ]),
  },
  { operation: "purge", requests: 1, act: (auth) => auth.purge() },
];
