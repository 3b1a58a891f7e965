import { expect } from "vitest";
import type { Membership } from "../../../src/domain/membership.ts";
import type { SecurityPolicy } from "../../../src/domain/security-policy.ts";
import type { AcceptedInvitation } from "../../../src/operations/organization-acceptance.ts";
import { freshIdentifier, otherPassword, type Person, system, type World } from "../../support/auth.ts";
import { verifyAddress } from "../../support/invitations.ts";
import { type Member, organizationsIn } from "../../support/organizations.ts";
import { asksNothing } from "../../support/security-policies.ts";
import { context, hasStatus, opens, type Write } from "./write.ts";

/** An organization of the person, with another member. */
export const withMember = async (world: World, person: Person) => {
  const { form, join } = organizationsIn(world);
  const owner = await form(person);
  return { owner, member: await join(owner.organizationId, "member") };
};
export type WithMember = Awaited<ReturnType<typeof withMember>>;

const isIn = (role: string) => async (_world: World, membership: Membership) =>
  expect(membership).toMatchObject({ role, status: "active" });

const invitationBy = ({ actor, organizationId }: Member, identifier = freshIdentifier()) => ({
  actor,
  organizationId,
  identifier,
  role: "member" as const,
});
const invite = async (world: World, person: Person) =>
  await world.auth.organizationInvitations.create(invitationBy(await organizationsIn(world).form(person)));
type Made = Awaited<ReturnType<typeof invite>>;
/** An invitation of another user, whose address is verified. */
const inviteUser = async (world: World, person: Person) => {
  const invited = await world.person();
  await verifyAddress(world, invited);
  const owner = await organizationsIn(world).form(person);
  return { invited, ...(await world.auth.organizationInvitations.create(invitationBy(owner, invited.identifier))) };
};
type InvitedUser = Awaited<ReturnType<typeof inviteUser>>;

/** Acts on organizations, their members and their invitations. */
export const organizationWrites: readonly Write[] = [
  {
    name: "organizations.create",
    action: "tenancy.org.create",
    requests: 1,
    act: (auth, { actor, userId }) => auth.organizations.create({ actor, userId, name: "Acme" }),
    repeated: "done",
    check: async (world, { organization }: { organization: { id: Member["organizationId"] } }) =>
      expect(await organizationsIn(world).owners(organization.id)).toBe(1),
  },
  {
    name: "organizations.update",
    action: "tenancy.org.update",
    requests: 1,
    prepare: withMember,
    act: (auth, _person, { owner }: WithMember) => auth.organizations.update({ ...owner, name: "Other" }),
    repeated: "done",
  },
  {
    name: "organizations.suspend",
    action: "tenancy.org.suspend",
    requests: 1,
    prepare: withMember,
    act: (auth, _person, { owner }: WithMember) => auth.organizations.suspend({ ...owner, actor: system }),
    repeated: "done",
    check: hasStatus("suspended"),
  },
  {
    name: "organizations.reinstate",
    action: "tenancy.org.reinstate",
    requests: 1,
    prepare: async (world, person) => {
      const made = await withMember(world, person);
      await world.auth.organizations.suspend({ ...made.owner, actor: system });
      return made;
    },
    act: (auth, _person, { owner }: WithMember) => auth.organizations.reinstate({ ...owner, actor: system }),
    repeated: "precondition.invalid_transition",
    check: hasStatus("active"),
  },
  {
    name: "organizations.revoke",
    action: "tenancy.org.revoke",
    requests: 1,
    prepare: withMember,
    act: (auth, _person, { owner }: WithMember) => auth.organizations.revoke({ ...owner, actor: system }),
    repeated: "conflict.already_terminal",
    check: hasStatus("revoked"),
  },
  {
    name: "organizations.setSecurityPolicy",
    action: "tenancy.org.set_security_policy",
    requests: 1,
    prepare: withMember,
    act: (auth, _person, { owner }: WithMember) =>
      auth.organizations.setSecurityPolicy({ ...owner, ...asksNothing, maxIdleSeconds: 900 }),
    repeated: "done",
    check: async (_world, policy: SecurityPolicy) => expect(policy.maxIdleSeconds).toBe(900),
  },
  {
    name: "memberships.add",
    action: "tenancy.mem.create",
    requests: 1,
    prepare: async (world, person) => ({ ...(await withMember(world, person)), added: await world.person() }),
    act: (auth, _person, { owner, added }: WithMember & { added: Person }) =>
      auth.memberships.add({ ...owner, userId: added.userId, role: "guest" }),
    repeated: "conflict.duplicate_membership",
    check: isIn("guest"),
  },
  {
    name: "memberships.changeRole",
    action: "tenancy.mem.change_role",
    requests: 1,
    prepare: withMember,
    act: (auth, { actor }, { member }: WithMember) => auth.memberships.changeRole({ ...member, actor, role: "admin" }),
    repeated: "precondition.mem_not_active",
    check: isIn("admin"),
  },
  {
    name: "memberships.suspend",
    action: "tenancy.mem.suspend",
    requests: 1,
    prepare: withMember,
    act: (auth, { actor }, { member }: WithMember) => auth.memberships.suspend({ ...member, actor }),
    repeated: "precondition.mem_not_active",
    check: hasStatus("suspended"),
  },
  {
    name: "memberships.reinstate",
    action: "tenancy.mem.reinstate",
    requests: 1,
    prepare: async (world, person) => {
      const made = await withMember(world, person);
      await world.auth.memberships.suspend({ ...made.member, actor: person.actor });
      return made;
    },
    act: (auth, { actor }, { member }: WithMember) => auth.memberships.reinstate({ ...member, actor }),
    repeated: "precondition.invalid_transition",
    check: hasStatus("active"),
  },
  {
    name: "memberships.leave",
    action: "tenancy.mem.leave",
    requests: 1,
    prepare: withMember,
    act: (auth, _person, { owner, member }: WithMember) =>
      auth.memberships.leave({ ...owner, transferTo: member.userId }),
    repeated: "precondition.mem_not_active",
    check: hasStatus("revoked"),
  },
  {
    name: "memberships.remove",
    action: "tenancy.mem.remove",
    requests: 1,
    prepare: withMember,
    act: (auth, { actor }, { member }: WithMember) => auth.memberships.remove({ ...member, actor }),
    repeated: "conflict.already_terminal",
    check: hasStatus("revoked"),
  },
  {
    name: "memberships.transferOwnership",
    action: "tenancy.org.transfer_ownership",
    requests: 1,
    prepare: withMember,
    act: (auth, _person, { owner, member }: WithMember) =>
      auth.memberships.transferOwnership({
        ...owner,
        actor: system,
        fromMembershipId: owner.membershipId,
        toMembershipId: member.membershipId,
      }),
    repeated: "precondition.from_not_active",
    check: async (world, { to }: { to: Membership }) =>
      expect(await organizationsIn(world).owners(to.organizationId)).toBe(1),
  },
  {
    name: "organizationInvitations.create",
    action: "tenancy.inv.create",
    requests: 1,
    prepare: withMember,
    act: (auth, _person, { owner }: WithMember) => auth.organizationInvitations.create(invitationBy(owner)),
    repeated: "done",
    check: async ({ auth }, { token, invitation }: Made) =>
      expect((await auth.organizationInvitations.look({ token })).identifier).toBe(invitation.identifier),
  },
  {
    name: "organizationInvitations.revoke",
    action: "tenancy.inv.revoke",
    requests: 1,
    prepare: invite,
    act: (auth, { actor }, { invitation }: Made) =>
      auth.organizationInvitations.revoke({ actor, invitationId: invitation.id }),
    repeated: "conflict.invitation_not_pending",
    check: hasStatus("revoked"),
  },
  {
    name: "organizationInvitations.decline",
    action: "tenancy.inv.decline",
    requests: 1,
    prepare: invite,
    act: (auth, _person, { token }: Made) => auth.organizationInvitations.decline({ token }),
    repeated: "conflict.invitation_not_pending",
    check: hasStatus("declined"),
  },
  {
    name: "organizationInvitations.declineFor",
    action: "tenancy.inv.decline",
    requests: 1,
    prepare: invite,
    act: (auth, _person, { invitation }: Made) =>
      auth.organizationInvitations.declineFor({ actor: system, invitationId: invitation.id }),
    repeated: "conflict.invitation_not_pending",
    check: hasStatus("declined"),
  },
  {
    name: "organizationInvitations.accept",
    action: "tenancy.inv.accept",
    requests: 1,
    prepare: inviteUser,
    act: (auth, _person, { token, invited }: InvitedUser) =>
      auth.organizationInvitations.accept({ actor: invited.actor, token }),
    repeated: "conflict.invitation_not_pending",
    check: async (world, { membership }: AcceptedInvitation) => await isIn("member")(world, membership),
  },
  {
    name: "organizationInvitations.acceptFor",
    action: "tenancy.inv.accept",
    requests: 1,
    prepare: inviteUser,
    act: (auth, _person, { invitation, invited: { userId, identifier } }: InvitedUser) =>
      auth.organizationInvitations.acceptFor({
        actor: system,
        invitationId: invitation.id,
        userId,
        acceptingIdentifier: identifier,
      }),
    repeated: "conflict.invitation_not_pending",
    check: async (world, { membership }: AcceptedInvitation) => await isIn("member")(world, membership),
  },
  {
    name: "organizationInvitations.acceptAsNewUser",
    action: "tenancy.inv.accept",
    requests: 2,
    prepare: invite,
    act: (auth, _person, { token }: Made) =>
      auth.organizationInvitations.acceptAsNewUser({ token, password: otherPassword, context: context() }),
    repeated: "unauthorized.invalid_link",
    check: opens,
  },
];

/** Reads of organizations, memberships and invitations. */
export const organizationReads = [
  {
    name: "organizationInvitations.get",
    prepare: invite,
    act: (auth: World["auth"], { actor }: Person, { invitation }: Made) =>
      auth.organizationInvitations.get({ actor, invitationId: invitation.id }),
  },
  {
    name: "organizationInvitations.list",
    prepare: withMember,
    act: (auth: World["auth"], _person: Person, { owner }: WithMember) => auth.organizationInvitations.list(owner),
  },
  {
    name: "organizationInvitations.look",
    prepare: invite,
    act: (auth: World["auth"], _person: Person, { token }: Made) => auth.organizationInvitations.look({ token }),
  },
  {
    name: "organizations.get",
    prepare: withMember,
    act: (auth: World["auth"], _person: Person, { owner }: WithMember) => auth.organizations.get(owner),
  },
  {
    name: "organizations.getSecurityPolicy",
    prepare: withMember,
    act: (auth: World["auth"], _person: Person, { owner }: WithMember) => auth.organizations.getSecurityPolicy(owner),
  },
  { name: "organizations.list", act: (auth: World["auth"]) => auth.organizations.list({ actor: system }) },
  {
    name: "memberships.get",
    prepare: withMember,
    act: (auth: World["auth"], _person: Person, { member }: WithMember) => auth.memberships.get(member),
  },
  {
    name: "memberships.history",
    prepare: withMember,
    act: (auth: World["auth"], _person: Person, { member }: WithMember) => auth.memberships.history(member),
  },
  {
    name: "memberships.list",
    prepare: withMember,
    act: (auth: World["auth"], _person: Person, { owner }: WithMember) => auth.memberships.list(owner),
  },
  {
    name: "memberships.find",
    prepare: withMember,
    act: (auth: World["auth"], _person: Person, { member }: WithMember) =>
      auth.memberships.find({ actor: member.actor, organization: member.organizationId }),
  },
  {
    name: "memberships.verify",
    prepare: withMember,
    act: (auth: World["auth"], _person: Person, { member: { token, transport, organizationId } }: WithMember) =>
      auth.memberships.verify({ token, transport, organization: organizationId }),
  },
  {
    name: "memberships.listOfUser",
    act: (auth: World["auth"], { actor, userId }: Person) => auth.memberships.listOfUser({ actor, userId }),
  },
] as const;
