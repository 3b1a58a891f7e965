/** Slow: every act meets every kind of actor, each with its own users. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyAct } from "../../build/every-act.node.ts";
import type { Actor, SessionActor } from "../../src/domain/actor.ts";
import {
  type CredentialId,
  type DeploymentInvitationId,
  generateId,
  newUuid,
  type PersonalAccessTokenId,
  type SessionId,
  type UserId,
  uuidOf,
  wireId,
} from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import type { FullAuth as Auth } from "../support/auth.ts";
import {
  freshIdentifier,
  freshName,
  goodPassword,
  openAuth,
  otherPassword,
  outcome,
  type Person,
  system,
  type World,
} from "../support/auth.ts";
import { freshIdentity, givenIdentity, signInWith } from "../support/practice-provider.ts";

let world: World;
beforeAll(async () => {
  world = await openAuth("pglite");
});
afterAll(() => world.close());

/** The objects of an operation: a user with a second credential and a second session, which the actor does not use. */
interface Target {
  userId: UserId;
  credentialId: CredentialId;
  sessionId: SessionId;
  identifier: string;
  tokenId: PersonalAccessTokenId;
  invitationId: DeploymentInvitationId;
}

interface Operation {
  name: string;
  /** `self`: the owner may. `fresh`: the owner may, within ten minutes of a proof. `never`: not even the owner. */
  owner: "self" | "fresh" | "never";
  administrator: boolean;
  /** The act concerns no single object: 403 instead of the 404 for an absent object. */
  general?: boolean;
  /** The owner is an administrator, so only administrators know the object. */
  ofAdministrator?: boolean;
  /** The event's action, for an operation that changes something. A read leaves an event only for another user's data. */
  change?: string;
  read?: string;
  prepare?: (auth: Auth, target: Target) => Promise<unknown>;
  run: (auth: Auth, actor: Actor, target: Target) => Promise<unknown>;
}

const isSession = (actor: Actor): actor is SessionActor => actor.sessionId !== undefined;

const operations: readonly Operation[] = [
  {
    name: "users.create",
    owner: "never",
    administrator: true,
    general: true,
    change: "identity.user.create",
    run: (auth, actor) => auth.users.create({ actor }),
  },
  {
    name: "users.get",
    owner: "self",
    administrator: true,
    read: "identity.user.read",
    run: (auth, actor, { userId }) => auth.users.get({ actor, userId }),
  },
  {
    name: "users.list",
    owner: "never",
    administrator: true,
    general: true,
    read: "identity.user.list",
    run: (auth, actor) => auth.users.list({ actor }),
  },
  {
    name: "users.update",
    owner: "self",
    administrator: false,
    change: "identity.user.update",
    run: (auth, actor, { userId }) => auth.users.update({ actor, userId, displayName: "Ada" }),
  },
  {
    name: "terms.accept",
    owner: "self",
    administrator: false,
    change: "identity.terms.accept",
    run: (auth, actor, { userId }) => auth.terms.accept({ actor, userId, version: auth.terms.current.version }),
  },
  {
    name: "users.suspend",
    owner: "never",
    administrator: true,
    change: "identity.user.suspend",
    run: (auth, actor, { userId }) => auth.users.suspend({ actor, userId }),
  },
  {
    name: "users.revoke",
    owner: "fresh",
    administrator: true,
    change: "identity.user.revoke",
    run: (auth, actor, { userId }) =>
      isSession(actor) && actor.userId === userId
        ? auth.users.revokeOwn({ actor, userId, currentPassword: goodPassword })
        : auth.users.revoke({ actor, userId }),
  },
  {
    name: "credentials.createPassword",
    owner: "fresh",
    administrator: false,
    change: "identity.credential.create",
    run: (auth, actor, { userId }) => {
      const added = { userId, identifier: freshIdentifier(), password: otherPassword };
      return isSession(actor) && actor.userId === userId
        ? auth.credentials.createOwnPassword({ ...added, actor, currentPassword: goodPassword })
        : auth.credentials.createPassword({ ...added, actor });
    },
  },
  {
    name: "credentials.get",
    owner: "self",
    administrator: true,
    read: "identity.credential.read",
    run: (auth, actor, { credentialId }) => auth.credentials.get({ actor, credentialId }),
  },
  {
    name: "credentials.list",
    owner: "self",
    administrator: true,
    read: "identity.credential.list",
    run: (auth, actor, { userId }) => auth.credentials.list({ actor, userId }),
  },
  {
    name: "credentials.findByIdentifier",
    owner: "never",
    administrator: true,
    general: true,
    read: "identity.credential.find",
    run: (auth, actor, { identifier }) => auth.credentials.findByIdentifier({ actor, type: "password", identifier }),
  },
  {
    name: "credentials.rotatePassword",
    owner: "fresh",
    administrator: false,
    change: "identity.credential.rotate",
    run: (auth, actor, { userId, credentialId }) => {
      const rotated = { credentialId, password: "another-password-2" };
      return isSession(actor) && actor.userId === userId
        ? auth.credentials.rotateOwnPassword({ ...rotated, actor, currentPassword: otherPassword })
        : auth.credentials.rotatePassword({ ...rotated, actor });
    },
  },
  {
    name: "credentials.suspend",
    owner: "fresh",
    administrator: true,
    change: "identity.credential.suspend",
    run: (auth, actor, { userId, credentialId }) =>
      isSession(actor) && actor.userId === userId
        ? auth.credentials.suspendOwnPassword({ actor, credentialId, currentPassword: otherPassword })
        : auth.credentials.suspend({ actor, credentialId }),
  },
  {
    name: "credentials.reinstate",
    owner: "never",
    administrator: true,
    change: "identity.credential.reinstate",
    prepare: (auth, { credentialId }) => auth.credentials.suspend({ actor: system, credentialId }),
    run: (auth, actor, { credentialId }) => auth.credentials.reinstate({ actor, credentialId }),
  },
  {
    name: "credentials.revoke",
    owner: "fresh",
    administrator: true,
    change: "identity.credential.revoke",
    run: (auth, actor, { userId, credentialId }) =>
      isSession(actor) && actor.userId === userId
        ? auth.credentials.revokeOwnPassword({ actor, credentialId, currentPassword: otherPassword })
        : auth.credentials.revoke({ actor, credentialId }),
  },
  {
    name: "sessions.get",
    owner: "self",
    administrator: true,
    read: "identity.session.read",
    run: (auth, actor, { sessionId }) => auth.sessions.get({ actor, sessionId }),
  },
  {
    name: "sessions.list",
    owner: "self",
    administrator: true,
    read: "identity.session.list",
    run: (auth, actor, { userId }) => auth.sessions.list({ actor, userId }),
  },
  {
    name: "activity.list",
    owner: "self",
    administrator: true,
    read: "identity.activity.list",
    run: (auth, actor, { userId }) => auth.activity.list({ actor, userId }),
  },
  {
    name: "sessions.revoke",
    owner: "self",
    administrator: true,
    change: "identity.session.revoke",
    run: (auth, actor, { sessionId }) => auth.sessions.revoke({ actor, sessionId }),
  },
  {
    name: "personalAccessTokens.create",
    owner: "fresh",
    administrator: false,
    change: "identity.pat.create",
    run: (auth, actor, { userId }) => auth.personalAccessTokens.create({ actor, userId, name: "cd", scope: [] }),
  },
  {
    name: "personalAccessTokens.get",
    owner: "self",
    administrator: true,
    read: "identity.pat.read",
    run: (auth, actor, { tokenId }) => auth.personalAccessTokens.get({ actor, tokenId }),
  },
  {
    name: "personalAccessTokens.list",
    owner: "self",
    administrator: true,
    read: "identity.pat.list",
    run: (auth, actor, { userId }) => auth.personalAccessTokens.list({ actor, userId }),
  },
  {
    name: "personalAccessTokens.revoke",
    owner: "self",
    administrator: true,
    change: "identity.pat.revoke",
    run: (auth, actor, { tokenId }) => auth.personalAccessTokens.revoke({ actor, tokenId }),
  },
  {
    name: "factors.list",
    owner: "self",
    administrator: true,
    read: "identity.mfa.list",
    run: (auth, actor, { userId }) => auth.factors.list({ actor, userId }),
  },
  {
    name: "federation.list",
    owner: "self",
    administrator: true,
    read: "identity.credential.list",
    run: (auth, actor, { userId }) => auth.federation.list({ actor, userId }),
  },
  {
    name: "federation.accessToken",
    owner: "self",
    administrator: false,
    read: "identity.provider_token.read",
    prepare: async (auth, { userId }) => {
      const identity = freshIdentity({ tokens: { access_token: "access" } });
      await givenIdentity(world, userId, "active", identity);
      await signInWith(auth, identity);
    },
    run: (auth, actor, { userId }) => auth.federation.accessToken({ actor, userId, provider: "practice" }),
  },
  {
    name: "passkeys.list",
    owner: "self",
    administrator: true,
    read: "identity.passkey.list",
    run: (auth, actor, { userId }) => auth.passkeys.list({ actor, userId }),
  },
  {
    name: "mfaPolicies.get",
    owner: "self",
    administrator: true,
    read: "identity.mfa_policy.read",
    run: (auth, actor, { userId }) => auth.mfaPolicies.get({ actor, userId }),
  },
  {
    name: "mfaPolicies.grantEnrollment",
    owner: "never",
    administrator: true,
    change: "identity.mfa.grant_enrollment",
    run: (auth, actor, { userId }) => auth.mfaPolicies.grantEnrollment({ actor, userId }),
  },
  {
    name: "administrators.grant",
    owner: "never",
    administrator: true,
    general: true,
    change: "authz.administrator.grant",
    prepare: (_auth, { userId }) => world.enroll(userId),
    run: (auth, actor, { userId }) => auth.administrators.grant({ actor, userId }),
  },
  {
    name: "administrators.remove",
    owner: "never",
    administrator: true,
    general: true,
    ofAdministrator: true,
    change: "authz.administrator.remove",
    prepare: (_auth, { userId }) => world.makeAdministrator(userId),
    run: (auth, actor, { userId }) => auth.administrators.remove({ actor, userId }),
  },
  {
    name: "invitations.create",
    owner: "never",
    administrator: true,
    general: true,
    change: "identity.deployment_invitation.create",
    run: (auth, actor) => auth.invitations.create({ actor, identifier: freshIdentifier() }),
  },
  {
    name: "invitations.list",
    owner: "never",
    administrator: true,
    general: true,
    read: "identity.deployment_invitation.list",
    run: (auth, actor) => auth.invitations.list({ actor }),
  },
  {
    name: "invitations.revoke",
    owner: "never",
    administrator: true,
    change: "identity.deployment_invitation.revoke",
    run: (auth, actor, { invitationId }) => auth.invitations.revoke({ actor, invitationId }),
  },
  {
    name: "recovery.start",
    owner: "never",
    administrator: true,
    change: "identity.recovery.start",
    run: (auth, actor, { userId }) => auth.recovery.start({ actor, userId, identifier: freshIdentifier() }),
  },
  {
    name: "limits.list",
    owner: "never",
    administrator: true,
    general: true,
    read: "identity.limit.list",
    run: (auth, actor, { identifier }) => auth.limits.list({ actor, of: { identifier } }),
  },
];

/** Acts that the rule below does not describe, because the state of the object also decides. */
const elsewhere: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["create", "delete", "delete_all", "read", "list", "find"].map((act) => [
      `authz.tup.${act}`,
      "the option `writers` decides: tuple-writes.test.ts and the matrix of routes",
    ]),
  ),
  "identity.mfa_policy.set": "an owner without a factor may not require one: mfa-policy.test.ts",
  "identity.limit.lift": "it changes counters, which belong to no object: limits.test.ts",
  "identity.credential.import": "the application alone may: federation.import.test.ts",
  "identity.user.reinstate": "its owner is suspended and has no session: users.test.ts",
};

/** Acts that concern only the caller's own account. The matrix of routes tests them (http/access.test.ts). */
const actsOnOwn = [
  "identity.credential.link",
  "identity.credential.link.start",
  "identity.session.step_up.start",
  "identity.identifier.change",
  "identity.identifier.request_change",
  "identity.identifier.request_verification",
  "identity.identifier.verify",
  "identity.mfa.confirm",
  "identity.mfa.enroll",
  "identity.mfa.revoke",
  "identity.passkey.register",
  "identity.passkey.rename",
  "identity.password.change",
  "identity.session.revoke_others",
  "identity.session.step_up",
  "identity.user.merge",
];

test("guarded acts: each is in a table of this file", () => {
  // Roles decide in organizations: organizations.test.ts, memberships.test.ts and the matrix of routes.
  const guarded = everyAct
    .filter(({ who, action }) => who && !action.startsWith("tenancy."))
    .map(({ action }) => action);
  const tabled = operations.map(({ change, read }) => change ?? read);
  expect([...new Set([...tabled, ...Object.keys(elsewhere), ...actsOnOwn])].toSorted()).toEqual(
    [...new Set(guarded)].toSorted(),
  );
});

const actors = {
  /** The application: every right, no ownership check. */
  system: async () => system,
  owner: async (owner) => owner.actor,
  "owner after 601 s": async (owner) => {
    await world.age(owner.session, 601);
    return owner.actor;
  },
  "owner after 599 s": async (owner) => {
    await world.age(owner.session, 599);
    return owner.actor;
  },
  "owner with a factor, not proved": async (owner) => {
    await world.enroll(owner.userId);
    return owner.actor;
  },
  "owner with a factor, proved": async (owner) => {
    await world.enroll(owner.userId);
    await world.levelTwo(owner.session);
    return owner.actor;
  },
  stranger: async () => (await world.person()).actor,
  "stranger at level 2": async () => {
    const stranger = await world.person();
    await world.levelTwo(stranger.session);
    return stranger.actor;
  },
  /** The relation on another object of the reserved type, and another relation on the reserved object. */
  "near administrator": async () => {
    const person = await world.person();
    await world.levelTwo(person.session);
    await world.rows(sql`
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
      select gen_random_uuid(), subject_type, ${uuidOf(person.userId)}::uuid, relation, object_type, object_id::uuid
      from (values
        ('usr', 'administrator', 'sys', '73797374-656d-8000-8000-000000000001'),
        ('usr', 'administrator', 'org', '73797374-656d-8000-8000-000000000000'),
        ('usr', 'administrators', 'sys', '73797374-656d-8000-8000-000000000000'),
        ('org', 'administrator', 'sys', '73797374-656d-8000-8000-000000000000'))
        as near(subject_type, relation, object_type, object_id)`);
    return person.actor;
  },
  "administrator without a second factor": async () => {
    const person = await world.person();
    await world.makeAdministrator(person.userId);
    return person.actor;
  },
  "administrator 1,801 s after the second factor": async () => {
    const person = await world.administrator();
    await world.rows(sql`
      update ses set created_at = created_at - interval '1 hour',
        mfa_verified_at = sallyport_now() - interval '1801 seconds'
      where id = ${uuidOf(person.session.id)}::uuid`);
    return person.actor;
  },
  administrator: async () => (await world.administrator()).actor,
  "signed-out owner": async (owner) => {
    await world.auth.sessions.signOut({ token: owner.token, transport: "token" });
    return owner.actor;
  },
  "expired session of the owner": async (owner) => {
    await world.rows(sql`
      update ses set created_at = created_at - interval '1 hour', expires_at = sallyport_now()
      where id = ${uuidOf(owner.session.id)}::uuid`);
    return owner.actor;
  },
  "a suspended administrator": async () => {
    const person = await world.administrator();
    // By hand, so that the session stays: the status alone must suffice.
    await world.rows(sql`update usr set status = 'suspended' where id = ${uuidOf(person.userId)}::uuid`);
    return person.actor;
  },
} as const satisfies Record<string, (owner: Person) => Promise<Actor>>;

type ActorName = keyof typeof actors;

/** The rule, written independently of the SQL that enforces it. */
function expectedOutcome(operation: Operation, actor: ActorName): string {
  const { owner, administrator, general, ofAdministrator } = operation;
  const unknown = general ? "forbidden" : "not_found";
  if (ofAdministrator && actor.startsWith("owner")) {
    return actor === "owner with a factor, proved" ? "done" : "unauthorized.reauthentication_required";
  }
  switch (actor) {
    case "system":
      return "done";
    case "owner":
    case "owner after 599 s":
    case "owner with a factor, proved":
      return owner === "never" ? unknown : "done";
    case "owner after 601 s":
    case "owner with a factor, not proved":
      return owner === "never" ? unknown : owner === "fresh" ? "unauthorized.reauthentication_required" : "done";
    case "stranger":
    case "stranger at level 2":
    case "near administrator":
      return unknown;
    case "administrator without a second factor":
    case "administrator 1,801 s after the second factor":
      return administrator ? "unauthorized.reauthentication_required" : "forbidden";
    case "administrator":
      return administrator ? "done" : "forbidden";
    default:
      return "unauthorized.invalid_token";
  }
}

/** Everything about a user that an operation could change. */
async function fingerprint({ userId }: Target): Promise<unknown> {
  const id = uuidOf(userId);
  const [row] = await world.rows(sql`
    select (select jsonb_agg(to_jsonb(usr)) from usr where id = ${id}::uuid) as usr,
      (select jsonb_agg(to_jsonb(cred) order by id) from cred where usr_id = ${id}::uuid) as cred,
      (select jsonb_agg(to_jsonb(ses) order by id) from ses where usr_id = ${id}::uuid) as ses,
      (select jsonb_agg(to_jsonb(tup) order by id) from tup where subject_id = ${id}::uuid) as tup,
      (select jsonb_agg(to_jsonb(pat) order by id) from pat where usr_id = ${id}::uuid) as pat,
      (select jsonb_agg(to_jsonb(allowed)) from mfa_enrollment_grant allowed where usr_id = ${id}::uuid) as allowed,
      (select jsonb_agg(to_jsonb(inv) order by id) from deployment_invitation inv) as inv,
      (select jsonb_agg(to_jsonb(link) order by token_hash) from verification_token link where usr_id = ${id}::uuid) as links,
      (select count(*)::int from usr) as users`);
  return row;
}

async function makeTarget(): Promise<{ owner: Person; target: Target }> {
  const owner = await world.person();
  const { session } = await world.signIn(owner);
  const identifier = freshIdentifier();
  const { userId } = owner;
  const { id } = await world.auth.credentials.createPassword({
    actor: system,
    userId,
    identifier,
    password: otherPassword,
  });
  const { pat } = await world.auth.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: [] });
  const { invitation } = await world.auth.invitations.create({ actor: system, identifier: freshName() });
  const target = { userId, credentialId: id, sessionId: session.id, identifier, tokenId: pat.id };
  return { owner, target: { ...target, invitationId: invitation.id } };
}

describe.each(operations)("R108, S05, S06: $name", (operation) => {
  const { change, read } = operation;

  test.each(Object.keys(actors) as ActorName[])("%s", async (name) => {
    const { owner, target } = await makeTarget();
    await operation.prepare?.(world.auth, target);
    const actor = await actors[name](owner);
    const before = await fingerprint(target);
    // Every later write has a higher transaction number.
    const [mark] = await world.rows<{ transaction: string }>(sql`select txid_current()::text as transaction`);

    const expected = expectedOutcome(operation, name);
    expect(await outcome(operation.run(world.auth, actor, target))).toBe(expected);

    if (expected !== "done" || read) expect(await fingerprint(target)).toEqual(before);
    else expect(await fingerprint(target)).not.toEqual(before);

    // S03, S41: one event for an act, one for a denial, and none if a user acts on their own objects.
    const events = await world.rows<{
      action: string;
      outcome: string;
      reason: string | null;
      actor: string | null;
    }>(sql`
      select action, outcome, metadata ->> 'reason' as reason, actor_usr_id::text as actor
      from aud where xmin::text::int8 > ${mark!.transaction}::int8`);
    const isDenied = expected !== "done" && expected !== "unauthorized.invalid_token";
    const readsAnother = read !== undefined && expected === "done" && name === "administrator";
    const by = actor.userId ? uuidOf(actor.userId) : null;
    expect(events.map(({ action, outcome, reason, actor }) => [action, outcome, reason, actor])).toEqual([
      ...(change && expected === "done" ? [[change, "success", null, by]] : []),
      ...(change && isDenied ? [[change, "denied", expected, by]] : []),
      ...(readsAnother ? [[read, "success", null, by]] : []),
    ]);
  });
});

describe("R108, B25: an absent object is answered like another user's object", () => {
  const absent = (): Target => ({
    userId: generateId("usr"),
    credentialId: generateId("cred"),
    sessionId: generateId("ses"),
    identifier: freshIdentifier(),
    tokenId: generateId("pat"),
    invitationId: wireId("join", newUuid()),
  });
  const impossible: Target = {
    userId: `usr_${"0".repeat(32)}`,
    credentialId: `cred_${"f".repeat(32)}`,
    sessionId: "ses_x' or true --",
    identifier: freshIdentifier(),
    tokenId: `pat_${"0".repeat(31)}`,
    invitationId: `join_${"0".repeat(32)}`,
  };

  test.each(operations.filter(({ general }) => !general))("$name: not_found", async ({ run, administrator }) => {
    const stranger = await world.person();
    expect(await outcome(run(world.auth, stranger.actor, absent()))).toBe("not_found");
    expect(await outcome(run(world.auth, system, absent()))).toBe("not_found");
    expect(await outcome(run(world.auth, stranger.actor, impossible))).toBe("not_found");
    const admin = await world.administrator();
    expect(await outcome(run(world.auth, admin.actor, absent()))).toBe(administrator ? "not_found" : "forbidden");
  });

  test("R100: an id of another kind: not_found", async () => {
    const { auth } = world;
    const { userId, actor } = await world.person();
    // Values that the types refuse may still come from outside.
    const asOther = (type: string) => `${type}_${userId.slice(4)}` as never;
    expect(await outcome(auth.users.get({ actor, userId: asOther("org") }))).toBe("not_found");
    expect(await outcome(auth.sessions.get({ actor, sessionId: asOther("usr") }))).toBe("not_found");
    expect(await outcome(auth.credentials.get({ actor, credentialId: asOther("usr") }))).toBe("not_found");
  });
});
