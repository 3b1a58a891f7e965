import { expect } from "vitest";
import {
  generateId,
  type InvitationId,
  type MembershipId,
  newUuid,
  type OrganizationId,
  type UserId,
  uuidFor,
} from "../../src/domain/id.ts";
import { type Role, roles } from "../../src/domain/membership.ts";
import { sql } from "../../src/store/sql.ts";
import { freshName, type Person, quickDecoy, system, type World } from "./auth.ts";
import { publish } from "./practice-resolver.ts";

/** A user in an organization. */
export interface Member extends Person {
  readonly organizationId: OrganizationId;
  readonly membershipId: MembershipId;
}

/** Organizations with members of every role, for stories and races. */
export function organizationsIn(world: World) {
  /** An organization with its first owner. */
  async function form(owner?: Person, named: { name?: string; slug?: string } = {}): Promise<Member> {
    const person = owner ?? (await world.person());
    const { actor, userId } = person;
    const { organization, membership } = await world.auth.organizations.create({ actor, userId, ...named });
    return { ...person, organizationId: organization.id, membershipId: membership.id };
  }

  /** Makes a user a member, by the application. */
  async function join(organizationId: OrganizationId, role: Role, user?: Person): Promise<Member> {
    const person = user ?? (await world.person());
    const added = await world.auth.memberships.add({ actor: system, organizationId, userId: person.userId, role });
    return { ...person, organizationId, membershipId: added.id };
  }

  /** The active memberships, as `user role`. They must be exactly the tuples of the built-in relations. */
  async function members(organizationId: OrganizationId): Promise<string[]> {
    const id = uuidFor("org", organizationId);
    const [row] = await world.rows(sql<{ memberships: string[]; tuples: string[] }>`
      select
        array(select usr_id || ' ' || role from mem where org_id = ${id}::uuid and status = 'active' order by 1) as memberships,
        array(select subject_id || ' ' || relation from tup where object_type = 'org' and object_id = ${id}::uuid
          and subject_type = 'usr' and relation = any(${roles}::text[]) order by 1) as tuples`);
    expect(row!.tuples).toEqual(row!.memberships);
    return row!.memberships;
  }

  /** How many active owners an organization has, once its memberships and tuples agree. */
  async function owners(organizationId: OrganizationId): Promise<number> {
    return (await members(organizationId)).filter((member) => member.endsWith(" owner")).length;
  }

  /** Adds a second membership of a suspended member, as another SDK does. */
  async function addBeside({ userId, organizationId }: Member): Promise<void> {
    await world.rows(sql`
      insert into mem (id, usr_id, org_id, role) values (${newUuid()}::uuid, ${uuidFor("usr", userId)}::uuid,
        ${uuidFor("org", organizationId)}::uuid, 'guest')`);
  }

  const named = ({ userId }: Person, role: Role) => `${uuidFor("usr", userId)} ${role}`;

  return { form, join, members, owners, named, addBeside };
}

/** What a route about organizations is about. */
export interface OrganizationFor {
  readonly organizationId: OrganizationId;
  readonly membershipId: MembershipId;
  readonly ownMembershipId: MembershipId;
  readonly organizationInvitationId: InvitationId;
  /** The copied secret of the invitation. */
  readonly invitationToken: string;
  /** A domain of the organization, and a user who asks to join by it. */
  readonly domain: string;
  readonly requesterId: UserId;
}

/** The bodies of the routes about domains of organizations and about joining. */
export function domainBodies({
  domain,
  organizationId,
  requesterId,
}: Readonly<Record<"domain" | "organizationId" | "requesterId", string>>): Readonly<Record<string, object>> {
  return {
    addOrgDomain: { domain },
    proveOrgDomain: { domain },
    setOrgDomainJoining: { domain, joining: "automatic" },
    removeOrgDomain: { domain },
    approveJoinRequest: { usr_id: requesterId },
    declineJoinRequest: { usr_id: requesterId },
    joinOrg: { org_id: organizationId },
    withdrawJoinRequest: { org_id: organizationId },
  };
}

/** The routes whose body is the secret of an invitation to an organization. */
export const invitationRoutes: readonly string[] = [
  "acceptInvitation",
  "acceptOwnInvitation",
  "declineInvitation",
  "declineOwnInvitation",
  "lookAtInvitation",
];

/** An organization of a user with another member and an invitation, in a state in which a route has something to do. */
export async function organizationFor(
  { auth, person, rows }: Pick<World, "auth" | "person" | "rows">,
  userId: UserId,
  { id, path }: { id: string; path: string },
): Promise<OrganizationFor> {
  const user = /:org_id|:inv_id|\/organization/.test(path)
    ? await auth.users.get({ actor: system, userId })
    : undefined;
  // A suspended user founds and joins none. For declining, no user is needed.
  const isDeclined = /^(decline(Own)?|lookAt)Invitation$/.test(id);
  if (user?.status !== "active" && !isDeclined) {
    return {
      organizationId: generateId("org"),
      membershipId: generateId("mem"),
      ownMembershipId: generateId("mem"),
      organizationInvitationId: generateId("inv"),
      invitationToken: "A".repeat(43),
      domain: "example.com",
      requesterId: generateId("usr"),
    };
  }
  const other = await person();
  const joins = /^(joinOrg|withdrawJoinRequest)$/.test(id);
  const isOwn = joins || /^(selfLeave|getMembership|((accept|decline)(Own)?|lookAt)Invitation)$/.test(id);
  const [founder, member] = isOwn ? [other.userId, userId] : [userId, other.userId];
  const made = await auth.organizations.create({ actor: system, userId: founder });
  const asked = { actor: system, organizationId: made.organization.id };
  const isInvited = /^accept(Own)?Invitation$/.test(id);
  const identifier = (isInvited && (await verifiedAddressOf(rows, userId))) || freshName();
  const invited = { ...asked, identifier, role: "member" as const, invitedBy: founder };
  const { invitation, token } = await auth.organizationInvitations.create(invited);
  const joined = await auth.memberships.add({
    ...asked,
    userId: isInvited || isDeclined || joins ? (await person()).userId : member,
    role: "member",
  });
  if (id === "reinstateMembership") await auth.memberships.suspend({ ...asked, membershipId: joined.id });
  if (id === "reinstateOrg") await auth.organizations.suspend(asked);
  const isAboutDomains = joins || /Domain|JoinRequest/.test(id);
  const requesterId = joins || !isAboutDomains ? userId : (await person()).userId;
  const domain = isAboutDomains ? await joinedBy({ auth, rows }, asked, requesterId) : "example.com";
  if (/JoinRequests?$/.test(id)) {
    await rows(sql`
      insert into org_join_request (org_id, usr_id)
      values (${uuidFor("org", made.organization.id)}::uuid, ${uuidFor("usr", requesterId)}::uuid)`);
  }
  return {
    domain,
    requesterId,
    organizationId: made.organization.id,
    membershipId: joined.id,
    ownMembershipId: made.membership.id,
    organizationInvitationId: invitation.id,
    invitationToken: token,
  };
}

/** The identifier of a user's password, which counts as verified from now on. */
async function verifiedAddressOf(rows: World["rows"], userId: UserId): Promise<string | undefined> {
  const [credential] = await rows<{ identifier: string }>(sql`
    update cred set identifier_verified_at = sallyport_now()
    where usr_id = ${uuidFor("usr", userId)}::uuid and type = 'password' and status = 'active' returning identifier`);
  return credential?.identifier;
}

/** Gives an organization a proved domain, of which a user has a verified address. */
async function joinedBy(
  { auth, rows }: Pick<World, "auth" | "rows">,
  asked: { actor: typeof system; organizationId: OrganizationId },
  userId: UserId,
): Promise<string> {
  const domain = `d${newUuid()}.example`;
  const { record } = await auth.organizationDomains.add({ ...asked, domain });
  publish(record.name, [record.text]);
  await auth.organizationDomains.prove({ ...asked, domain });
  await auth.organizationDomains.setJoining({ ...asked, domain, joining: "request" });
  const identifier = `ada@${domain}`;
  // Without an operation, which would owe a notice.
  await rows(sql`
    insert into cred (id, usr_id, type, identifier, identifier_verified_at, password_hash)
    values (${newUuid()}::uuid, ${uuidFor("usr", userId)}::uuid, 'password', ${identifier}, sallyport_now(), ${quickDecoy})`);
  return domain;
}
