/**
 * The specification's operations by their fixture names, on Sallyport's. Fixtures act without any proof, so the actor is the
 * application itself (S48).
 *
 * @module
 */

import { type Bytes, fromHex, randomBytes, toBase64Url, utf8 } from "../../src/crypto/bytes.ts";
import type { Actor } from "../../src/domain/actor.ts";
import { classifyBearer } from "../../src/domain/bearer.ts";
import {
  type CredentialId,
  generateId,
  type InvitationId,
  type MembershipId,
  newUuid,
  type OrganizationId,
  type UserId,
  uuidFor,
  uuidOf,
  wireId,
} from "../../src/domain/id.ts";
import type { Role } from "../../src/domain/membership.ts";
import { isStructurallyValidPatToken } from "../../src/domain/personal-access-token.ts";
import { isValidRecoveryCode } from "../../src/domain/recovery-code.ts";
import { type TotpAlgorithm, totpCode, totpStep } from "../../src/domain/totp.ts";
import { requireEntityId } from "../../src/domain/tuple.ts";
import { verifyAssertion } from "../../src/domain/webauthn/assertion.ts";
import { sharedByAllClients } from "../../src/http/client-address.ts";
import {
  acceptedInvitationBody,
  createdOrganizationBody,
  membershipBody,
  organizationBody,
  organizationInvitationBody,
} from "../../src/http/organization-wire.ts";
import { type OrganizationInvitation, organizations, type PreTupleBody } from "../../src/http/organizations.ts";
import { credentialBody, pageBody, userBody } from "../../src/http/wire.ts";
import type { RewriteRules, Status } from "../../src/index.ts";
import {
  accounts,
  authorization,
  createAuth,
  decodeId,
  encodeId,
  type IdType,
  isValidId,
  passwords,
  rewriteRules,
  systemActor,
  typeOfId,
} from "../../src/index.ts";
import { argon2id } from "../../src/runtime/argon2id.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import { dangerouslyCreateSession } from "../../src/testing/session.ts";
import type { FixtureOperation, FixtureOperations } from "./fixtures.ts";

interface FixtureTuple {
  subject_type: string;
  subject_id: string;
  relation: string;
  object_type: string;
  object_id: string;
}

/** The members that fixtures use, each with its type in them. */
interface Input {
  type: IdType;
  uuid: string;
  id: string;
  expected_type?: IdType;
  phc_hash: string;
  candidate_password: string;
  token: string;
  usr_id: string;
  cred_id: string;
  identifier: string;
  password: string;
  display_name?: string | null;
  expected_display_name?: string | null;
  cursor?: string;
  limit?: number;
  query?: string;
  status?: Status;
  secret_ascii: string;
  timestamp: number;
  digits: number;
  algorithm: TotpAlgorithm;
  period?: number;
  code: string;
  cose_public_key_hex: string;
  stored_rp_id: string;
  expected_origin: string;
  expected_challenge_hex: string;
  stored_sign_count: number;
  authenticator_data_hex: string;
  client_data_json_hex: string;
  signature_hex: string;
  require_user_verified?: boolean;
  require_user_present?: boolean;
  actual?: unknown;
  expected?: unknown;
  given_tuples?: FixtureTuple[];
  create: FixtureTuple;
  check: FixtureTuple & { relations: string[] };
  rules: RewriteRules;
  creator?: UserId;
  org_id: OrganizationId;
  mem_id: MembershipId;
  name?: string | null;
  slug?: string | null;
  role: Role;
  new_role: Role;
  invited_by?: UserId;
  transfer_to?: UserId;
  admin_usr_id: UserId;
  inv_id: InvitationId;
  as_usr_id?: UserId | null;
  accepting_identifier?: string;
  ttl_seconds: number;
  pre_tuples?: readonly PreTupleBody[];
  invitation_status?: OrganizationInvitation["status"];
  expected_status: string;
  from_mem_id: MembershipId;
  to_mem_id: MembershipId;
  expected_name?: string | null;
  expected_slug?: string | null;
  subject_type: string;
  subject_id: string;
  relations: string[];
}

function bytesOf(hex: string): Bytes {
  const bytes = fromHex(hex.toLowerCase());
  if (!bytes) throw new TypeError("A fixture holds what is no hex.");
  return bytes;
}

export function fixtureOperations(database: Database): FixtureOperations {
  const actor = systemActor("conformance");
  const passwordHasher = argon2id();
  const options = {
    database,
    secrets: toBase64Url(randomBytes(32)),
    origins: ["https://conformance.example"],
    clientAddress: sharedByAllClients,
  };
  const auth = createAuth({
    ...options,
    features: [passwords({ hasher: passwordHasher }), accounts(), organizations()],
  });
  /** The same with the rules of a fixture, in the specification's order. */
  const withRules = (rules: RewriteRules) =>
    createAuth({ ...options, features: [authorization({ rules: rewriteRules(rules, { exactOrder: true }) })] });
  let ruled = withRules({});

  const createUser = async (displayName: string | null | undefined): Promise<ReturnType<typeof userBody>> =>
    userBody(await auth.users.create({ actor, displayName: displayName ?? null }));
  /** The state that a fixture starts from, stored unchanged. */
  const give = async (tuples: readonly FixtureTuple[]): Promise<void> => {
    for (const tuple of tuples) {
      await database.run(sql`
        insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
        values (${uuidFor("tup", generateId("tup"))}::uuid, ${tuple.subject_type},
          ${requireEntityId(tuple.subject_type, tuple.subject_id, "subject")}::uuid, ${tuple.relation},
          ${tuple.object_type}, ${requireEntityId(tuple.object_type, tuple.object_id, "object")}::uuid)`);
    }
  };
  const questionOf = (check: FixtureTuple) => ({
    subjectType: check.subject_type,
    subjectId: check.subject_id,
    objectType: check.object_type,
    objectId: check.object_id,
  });
  const userOf = (input: Input) => ({ actor, userId: input.usr_id as UserId });
  /** A session of a user, for the operations that depend on who acts. */
  const sessionActor = async (userId: UserId): Promise<Actor> => {
    const credentialId = newUuid();
    await database.run(sql`
      insert into cred (id, usr_id, type, identifier, password_hash)
      values (${credentialId}::uuid, ${uuidOf(userId)}::uuid, 'password', ${credentialId}, 'none')`);
    const { token } = await dangerouslyCreateSession(database, {
      userId,
      credentialId: wireId("cred", credentialId),
    });
    return (await auth.sessions.verify({ token, transport: "token" })).actor;
  };
  /** Only the members that the fixture gives: null clears, and a missing member keeps. */
  const named = ({ name, slug }: Input) => ({
    ...(name !== undefined && { name }),
    ...(slug !== undefined && { slug }),
  });
  const organizationOf = (input: Input) => ({ actor, organizationId: input.org_id });
  const invitationOf = (input: Input) => ({ actor, invitationId: input.inv_id });
  const membershipOf = (input: Input) => ({ actor, membershipId: input.mem_id });

  const operations: Record<string, (input: Input) => Promise<unknown>> = {
    encode: async ({ type, uuid }) => encodeId(type as IdType, uuid),
    decode: async ({ id }) => decodeId(id),
    is_valid: async ({ id, expected_type }) => isValidId(id, expected_type),
    type_of: async ({ id }) => typeOfId(id),
    verify_pat_token: async ({ token }) => isStructurallyValidPatToken(token),
    resolve_bearer: async ({ token }) => classifyBearer(token),
    verify_password: async ({ phc_hash, candidate_password }) => passwordHasher.verify(phc_hash, candidate_password),

    totp_compute: async ({ secret_ascii, timestamp, digits, algorithm, period = 30 }) => {
      const parameters = { algorithm, digits, periodSeconds: period };
      return await totpCode(utf8(secret_ascii), totpStep(timestamp, parameters), parameters);
    },
    generate_recovery_code: async ({ code }) => isValidRecoveryCode(code),
    webauthn_verify_assertion: async (input) => {
      const verified = await verifyAssertion({
        response: {
          clientDataJson: bytesOf(input.client_data_json_hex),
          authenticatorData: bytesOf(input.authenticator_data_hex),
          signature: bytesOf(input.signature_hex),
        },
        challenge: bytesOf(input.expected_challenge_hex),
        relyingParty: { rpId: input.stored_rp_id, origins: [input.expected_origin] },
        credential: { publicKey: bytesOf(input.cose_public_key_hex), signCount: input.stored_sign_count },
        policy: {
          userVerification: input.require_user_verified === false ? "discouraged" : "required",
          userPresence: input.require_user_present === false ? "unchecked" : "required",
        },
      });
      return verified.ok ? { ok: true, new_sign_count: verified.newSignCount } : { ok: false, reason: verified.reason };
    },

    create_user: async ({ display_name }) => ({ user: await createUser(display_name) }),
    create_user_with_password_credential: async ({ identifier, password }) => {
      const user = await createUser(null);
      const credential = await auth.credentials.createPassword({
        actor,
        userId: user.id as UserId,
        identifier,
        password,
      });
      return { user, credential: credentialBody(credential) };
    },
    suspend_user: async (input) => userBody(await auth.users.suspend(userOf(input))),
    reinstate_user: async (input) => userBody(await auth.users.reinstate(userOf(input))),
    revoke_user: async (input) => userBody(await auth.users.revoke(userOf(input))),
    revoke_credential: async ({ cred_id }) =>
      credentialBody(await auth.credentials.revoke({ actor, credentialId: cred_id as CredentialId })),
    update_user: async (input) => {
      // A member with null clears the name; a missing member keeps it.
      const given = "display_name" in input ? { displayName: input.display_name ?? null } : {};
      const user = userBody(await auth.users.update({ ...userOf(input), ...given }));
      return { ...user, user };
    },
    get_user: async (input) => {
      const user = userBody(await auth.users.get(userOf(input)));
      return { ...user, user };
    },
    list_users: async ({ cursor, limit, query, status }) => {
      const page = await auth.users.list({ actor, cursor, limit, query, status });
      return pageBody(page, userBody);
    },
    assert_user_fields: async (input) => {
      const { displayName } = await auth.users.get(userOf(input));
      const { expected_display_name: expected } = input;
      if (displayName !== expected) throw new Error(`display_name is ${JSON.stringify(displayName)}`);
    },
    create_org: async (input) => {
      const userId = input.creator ?? ((await createUser(null)).id as UserId);
      return createdOrganizationBody(await auth.organizations.create({ actor, userId, ...named(input) }));
    },
    get_org: async (input) => organizationBody(await auth.organizations.get(organizationOf(input))),
    update_org: async (input) =>
      organizationBody(await auth.organizations.update({ ...organizationOf(input), ...named(input) })),
    suspend_org: async (input) => organizationBody(await auth.organizations.suspend(organizationOf(input))),
    reinstate_org: async (input) => organizationBody(await auth.organizations.reinstate(organizationOf(input))),
    revoke_org: async (input) => organizationBody(await auth.organizations.revoke(organizationOf(input))),
    list_orgs: async ({ cursor, limit, query, status }) =>
      pageBody(await auth.organizations.list({ actor, cursor, limit, query, status }), organizationBody),
    add_member: async (input) => {
      const by = input.invited_by ? await sessionActor(input.invited_by) : actor;
      const asked = { ...organizationOf(input), actor: by, userId: input.usr_id as UserId, role: input.role };
      return membershipBody(await auth.memberships.add(asked));
    },
    get_membership: async (input) => membershipBody(await auth.memberships.get(membershipOf(input))),
    list_members: async ({ cursor, limit, status, ...input }) =>
      pageBody(
        await auth.memberships.list({ ...organizationOf(input as Input), cursor, limit, status }),
        membershipBody,
      ),
    change_role: async (input) =>
      membershipBody(await auth.memberships.changeRole({ ...membershipOf(input), role: input.new_role })),
    suspend_membership: async (input) => membershipBody(await auth.memberships.suspend(membershipOf(input))),
    reinstate_membership: async (input) => membershipBody(await auth.memberships.reinstate(membershipOf(input))),
    self_leave: async (input) =>
      membershipBody(await auth.memberships.leave({ ...membershipOf(input), transferTo: input.transfer_to })),
    admin_remove: async (input) =>
      membershipBody(
        await auth.memberships.remove({ ...membershipOf(input), actor: await sessionActor(input.admin_usr_id) }),
      ),
    transfer_ownership: async (input) => {
      const { from, to } = await auth.memberships.transferOwnership({
        ...organizationOf(input),
        fromMembershipId: input.from_mem_id,
        toMembershipId: input.to_mem_id,
      });
      return { from_membership: membershipBody(from), to_membership: membershipBody(to) };
    },
    create_invitation: async ({ pre_tuples: preTuples = [], ttl_seconds: seconds, ...input }) => {
      const { invitation } = await auth.organizationInvitations.create({
        ...organizationOf(input as Input),
        identifier: input.identifier,
        role: input.role,
        invitedBy: input.invited_by,
        expiresAt: new Date(Date.now() + seconds * 1_000),
        preTuples: preTuples.map(({ relation, object_type: objectType, object_id: objectId }) => ({
          relation,
          objectType,
          objectId,
        })),
      });
      return organizationInvitationBody(invitation);
    },
    get_invitation: async (input) =>
      organizationInvitationBody(await auth.organizationInvitations.get(invitationOf(input))),
    list_invitations: async ({ cursor, limit, invitation_status: status, ...input }) =>
      pageBody(
        await auth.organizationInvitations.list({ ...organizationOf(input as Input), cursor, limit, status }),
        organizationInvitationBody,
      ),
    accept_invitation: async (input) => {
      const { inv_id: invitationId, as_usr_id: existing, accepting_identifier: acceptingIdentifier } = input;
      if (existing) {
        const asked = { actor, invitationId, userId: existing, acceptingIdentifier };
        return acceptedInvitationBody(await auth.organizationInvitations.acceptFor(asked));
      }
      // A new user, who has the invited identifier: both in one transaction.
      const { identifier } = await auth.organizationInvitations.get(invitationOf(input));
      const user = await auth.users.create.plan({ actor });
      const asked = { actor, invitationId, userId: user.known.userId, acceptingIdentifier: identifier };
      const [, accepted] = await auth.batch([user, await auth.organizationInvitations.acceptFor.plan(asked)]);
      return acceptedInvitationBody(accepted);
    },
    decline_invitation: async (input) =>
      organizationInvitationBody(
        await auth.organizationInvitations.declineFor({ ...invitationOf(input), userId: input.as_usr_id ?? undefined }),
      ),
    revoke_invitation: async (input) =>
      organizationInvitationBody(
        await auth.organizationInvitations.revoke({
          ...invitationOf(input),
          actor: input.admin_usr_id ? await sessionActor(input.admin_usr_id) : actor,
        }),
      ),
    // Not an operation of the specification: its fixtures have no clock.
    expire_invitation: async ({ inv_id: id }) => {
      await database.run(sql`
        update inv set created_at = created_at - interval '8 days', expires_at = sallyport_now()
        where id = ${uuidFor("inv", id)}::uuid`);
    },
    assert_invitation_status: async (input) => {
      const { status } = await auth.organizationInvitations.get(invitationOf(input));
      if (status !== input.expected_status) throw new Error(`the status is ${status}`);
    },
    assert_org_fields: async (input) => {
      const found = await auth.organizations.get(organizationOf(input));
      for (const member of ["name", "slug"] as const) {
        const expected = input[`expected_${member}`];
        if (expected !== undefined && found[member] !== expected) throw new Error(`${member} is ${found[member]}`);
      }
    },
    assert_subject_relations: async ({ subject_type: type, subject_id: id, relations }) => {
      const held = await database.run(sql<{ relation: string }>`
        select relation from tup
        where subject_type = ${type} and subject_id = ${requireEntityId(type, id, "subject")}::uuid order by relation`);
      const found = held.map(({ relation }) => relation).join();
      if (found !== [...relations].sort().join()) throw new Error(`the relations are ${found}`);
    },
    assert_equal: async ({ actual, expected }) => {
      if (actual !== expected) throw new Error(`${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
    },

    rules: async ({ rules }) => {
      ruled = withRules(rules);
    },
    create_tuple: async ({ given_tuples, create }) => {
      await give(given_tuples ?? []);
      await ruled.tuples.create({ actor, ...questionOf(create), relation: create.relation });
      return "ok";
    },
    check: async ({ given_tuples, check }) => {
      await give(given_tuples ?? []);
      return await ruled.tuples.check({ ...questionOf(check), relation: check.relation });
    },
    check_any: async ({ given_tuples, check }) => {
      await give(given_tuples ?? []);
      return await ruled.tuples.checkAny({ ...questionOf(check), relations: check.relations });
    },
  };
  return new Map(Object.entries(operations) as unknown as [string, FixtureOperation][]);
}

/** Deletes all users and everything that refers to them. The audit log stays, because nothing empties it. */
export async function emptyDatabase(database: Database): Promise<void> {
  await database.run(sql`truncate usr, org, tup, attempt cascade`);
}
