import type { UserId } from "../../../src/domain/id.ts";
import { sql } from "../../../src/store/sql.ts";
import type { FullAuth as Auth } from "../../support/auth.ts";
import { freshIdentifier, type Person, system, type World } from "../../support/auth.ts";
import { mailed } from "../../support/links.ts";
import { accountWrites } from "./account-writes.ts";
import { factorWrites } from "./factor-writes.ts";
import { federationWrites } from "./federation-writes.ts";
import { invitationWrites } from "./invitation-writes.ts";
import { mailWrites } from "./mail-writes.ts";
import { organizationDomainReads, organizationDomainWrites } from "./organization-domain-writes.ts";
import { organizationReads, organizationWrites } from "./organization-writes.ts";
import { sessionWrites } from "./session-writes.ts";
import { tupleReads, tupleWrites } from "./tuple-writes.ts";
import { type NewToken, newToken, type Write } from "./write.ts";

const token = "token" as const;

/** Every operation that changes something. */
export const writes: readonly Write[] = [
  ...factorWrites,
  ...sessionWrites,
  ...accountWrites,
  ...mailWrites,
  ...invitationWrites,
  ...federationWrites,
  ...organizationWrites,
  ...organizationDomainWrites,
  ...tupleWrites,
];

/** An operation that changes nothing that lasts. */
interface Read {
  name: string;
  prepare?: (world: World, person: Person) => Promise<unknown>;
  act: (auth: Auth, person: Person, prepared: never) => Promise<unknown>;
}

/** Reads, and refused acts: a failure must never count as permission. */
export const reads: readonly Read[] = [
  ...organizationReads,
  ...organizationDomainReads,
  ...tupleReads,
  {
    name: "sessions.verify",
    act: (auth, { token: value }) => auth.sessions.verify({ token: value, transport: token }),
  },
  { name: "sessions.get", act: (auth, { actor, session }) => auth.sessions.get({ actor, sessionId: session.id }) },
  { name: "sessions.list", act: (auth, { actor, userId }) => auth.sessions.list({ actor, userId }) },
  { name: "activity.list", act: (auth, { actor, userId }) => auth.activity.list({ actor, userId }) },
  { name: "users.get", act: (auth, { actor, userId }) => auth.users.get({ actor, userId }) },
  { name: "invitations.list", act: (auth) => auth.invitations.list({ actor: system }) },
  { name: "invitations.mayInvite", act: (auth, { actor }) => auth.invitations.mayInvite({ actor }) },
  {
    name: "invitations.look",
    prepare: ({ auth }) => auth.invitations.create({ actor: system, identifier: freshIdentifier() }),
    act: (auth, _person, { token: copied }: { token: string }) => auth.invitations.look({ token: copied }),
  },
  {
    name: "mailedLinks.look",
    prepare: (world) => mailed(world, "signUp", freshIdentifier()),
    act: (auth, _person, { token: secret }: { token: string }) => auth.mailedLinks.look({ token: secret }),
  },
  { name: "limits.list", act: (auth, { identifier }) => auth.limits.list({ actor: system, of: { identifier } }) },
  { name: "users.list", act: (auth) => auth.users.list({ actor: system }) },
  { name: "credentials.get", act: (auth, { actor, credentialId }) => auth.credentials.get({ actor, credentialId }) },
  { name: "credentials.list", act: (auth, { actor, userId }) => auth.credentials.list({ actor, userId }) },
  {
    name: "credentials.findByIdentifier",
    act: (auth, { identifier }) => auth.credentials.findByIdentifier({ actor: system, type: "password", identifier }),
  },
  { name: "federation.discover", act: (auth, { identifier }) => auth.federation.discover({ identifier }) },
  { name: "federation.list", act: (auth, { actor, userId }) => auth.federation.list({ actor, userId }) },
  { name: "factors.list", act: (auth, { actor, userId }) => auth.factors.list({ actor, userId }) },
  { name: "mfaPolicies.get", act: (auth, { actor, userId }) => auth.mfaPolicies.get({ actor, userId }) },
  { name: "passkeys.list", act: (auth, { actor, userId }) => auth.passkeys.list({ actor, userId }) },
  {
    name: "personalAccessTokens.list",
    act: (auth, { actor, userId }) => auth.personalAccessTokens.list({ actor, userId }),
  },
  {
    name: "personalAccessTokens.get",
    prepare: newToken,
    act: (auth, { actor }, { pat }: NewToken) => auth.personalAccessTokens.get({ actor, tokenId: pat.id }),
  },
  { name: "tuples.check", act: (auth, { userId }) => auth.tuples.check({ ...questionOf(userId), relation: "viewer" }) },
  {
    name: "tuples.checkAny",
    act: (auth, { userId }) => auth.tuples.checkAny({ ...questionOf(userId), relations: ["viewer", "editor"] }),
  },
  {
    name: "tuples.checkSession",
    act: (auth, { userId, token, transport }) => {
      const { objectType, objectId } = questionOf(userId);
      return auth.tuples.checkSession({ token, transport, relation: "viewer", objectType, objectId });
    },
  },
  { name: "signIn.passkeyOptions", act: (auth) => auth.signIn.passkeyOptions() },
  { name: "passkeys.registrationOptions", act: (auth, { actor }) => auth.passkeys.registrationOptions({ actor }) },
  { name: "merging.begin", act: (auth, { actor }) => auth.merging.begin({ actor }) },
  { name: "passkeys.proofOptions", act: (auth, { actor }) => auth.passkeys.proofOptions({ actor }) },
];

const questionOf = (userId: UserId) =>
  ({ subjectType: "usr", subjectId: userId, objectType: "doc", objectId: crypto.randomUUID() }) as const;

/** Operations that are in no table, with the file that tests their failures, or the reason. */
export const others: Readonly<Record<string, string>> = {
  "federation.accessToken": "provider-tokens.test.ts: a caller that lost a reply keeps its lease",
  "federation.domains": "it asks no database",
  "federation.look": "it asks no database",
  "federation.places": "it asks no database",
  "federation.providers": "it asks no database",
  "federation.revokeOwed": "provider-revocations.test.ts: a token is revoked at least once",
  "federation.start": "it asks no database",
  "personalAccessTokens.verify": "personal-access-tokens.lost-replies.test.ts: it counts, and only then reads",
  "securityKeys.enroll": "lost-replies.test.ts: a lost challenge is not returned again, and enrollment starts over",
  "securityKeys.requireRpId": "it asks no database",
  "mail.deliver": "mail.test.ts: a message is sent at least once",
  purge: "purge.test.ts: the next purge removes what a lost purge has left",
};

/** Prepares a write on the real database, so that only the write meets the faults. */
export async function prepareWrite(world: World, { prepare }: Pick<Write, "prepare">) {
  const person = await world.person();
  const prepared = (await prepare?.(world, person)) as never;
  // Counted in the database: a suite's later tests would read the events of all earlier ones.
  const successes = async (): Promise<Map<string, number>> => {
    const counts = await world.rows<{ action: string; n: number }>(sql`
      select action, count(*)::int as n from aud where outcome = 'success' group by action`);
    return new Map(counts.map(({ action, n }) => [action, n]));
  };
  const known = await successes();
  const happened = async (action: string): Promise<number> =>
    ((await successes()).get(action) ?? 0) - (known.get(action) ?? 0);
  return { person, prepared, happened };
}
