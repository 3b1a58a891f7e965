import type { GuardedAct } from "../domain/act.ts";
import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/membership.ts";
import { type MembershipId, newAuditId, newUuid, type OrganizationId, type UserId, uuidFor } from "../domain/id.ts";
import {
  type Member,
  type Membership,
  type MembershipOfUser,
  memberOrganization,
  membership,
  memberUser,
  type Role,
} from "../domain/membership.ts";
import { toValue } from "../domain/record.ts";
import type { Status } from "../domain/user.ts";
import type { Core } from "../engine/core.ts";
import type { Work } from "../engine/execute.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { lockUsersOf } from "../engine/locks.ts";
import { type Page, pageOf } from "../engine/page.ts";
import { type Operation, type PlannableOperation, plannableChange } from "../engine/plan.ts";
import { readAll, readOne, readPage } from "../engine/reads.ts";
import { type Lock, lockUser } from "../store/locks.ts";
import * as changes from "../store/membership-changes.ts";
import * as store from "../store/memberships.ts";
import { lockOrganization } from "../store/organizations.ts";
import type { Statement } from "../store/sql.ts";
import type { OfOrganization } from "./organizations.ts";
import { type MembershipChecks, membershipChecks } from "./verify-membership.ts";

/** The caller, and the membership to act on. */
export interface OfMembership {
  /** The caller: the user of a verified session, or the application. */
  actor: Actor;
  membershipId: MembershipId;
  /** If given, a membership in another organization is not found. */
  organizationId?: OrganizationId | undefined;
}

/** Two memberships after a handover. Both are new. */
export interface TransferredOwnership {
  /** Of the owner before, with the role `member`. */
  readonly from: Membership;
  /** Of the new owner. */
  readonly to: Membership;
}

/**
 * Memberships in organizations (Flametrench `docs/tenancy.md`, ADR 0002 and 0005).
 *
 * Changes need an active organization. Callers change members whose role is not above their own, and give roles that are not above their
 * own. An organization always has an owner with an active account; only the suspension of that account can leave it without
 * one.
 */
export interface MembershipOperations extends MembershipChecks {
  /**
   * Makes a user a member. Allowed for the application and the organization's owners and admins. A user whose membership is
   * suspended is a member.
   *
   * @throws {AuthError} `forbidden.role_hierarchy`, `precondition.org_not_active`, `precondition.user_not_active`,
   *   `conflict.duplicate_membership`.
   */
  add: PlannableOperation<OfOrganization & { userId: UserId; role: Role }, Membership>;
  /**
   * Returns a membership, with the display name of its user. Allowed for its user, the organization's members except guests, the
   * application and administrators.
   */
  get: Operation<OfMembership, Member>;
  /**
   * A page of an organization's memberships in order of their ids, in every state or only in the given state, each with the display
   * name of its user. Allowed for the organization's members except guests, the application and administrators.
   *
   * @throws {AuthError} `invalid_format.cursor`.
   */
  list: Operation<
    OfOrganization & { cursor?: string | undefined; limit?: number | undefined; status?: Status | undefined },
    Page<Member>
  >;
  /**
   * A page of a user's memberships that have not ended, in order of their ids, each with its organization. Allowed for the user,
   * the application and administrators.
   *
   * @param input.organizationId If given, only those in this organization: one, unless another SDK has made a second one.
   * @throws {AuthError} `invalid_format.cursor`.
   */
  listOfUser: Operation<
    {
      actor: Actor;
      userId: UserId;
      organizationId?: OrganizationId | undefined;
      cursor?: string | undefined;
      limit?: number | undefined;
    },
    Page<MembershipOfUser>
  >;
  /**
   * A membership and those that it replaced, newest first, at most 200, as the only page. Allowed for its user, the
   * organization's owners and admins, the application and administrators.
   */
  history: Operation<OfMembership, Page<Membership>>;
  /**
   * Gives a member another role: the membership ends, and a new one replaces it. With the role that they have, nothing changes.
   * Allowed for the application and the organization's owners and admins.
   *
   * @throws {AuthError} `forbidden.role_hierarchy`, `precondition.org_not_active`, `precondition.mem_not_active`,
   *   `conflict.sole_owner`.
   */
  changeRole: PlannableOperation<OfMembership & { role: Role }, Membership>;
  /**
   * Takes a member's role away until `reinstate`. Allowed for the application and the organization's owners and admins.
   *
   * @throws {AuthError} `forbidden.role_hierarchy`, `precondition.org_not_active`, `precondition.mem_not_active`,
   *   `conflict.already_terminal`, `conflict.sole_owner`.
   */
  suspend: PlannableOperation<OfMembership, Membership>;
  /**
   * Reverses `suspend`. Allowed for the application and the organization's owners and admins.
   *
   * @throws {AuthError} `forbidden.role_hierarchy`, `precondition.org_not_active`, `precondition.user_not_active`,
   *   `precondition.invalid_transition`, `conflict.duplicate_membership`.
   */
  reinstate: PlannableOperation<OfMembership, Membership>;
  /**
   * Ends the caller's own membership, also in a suspended organization. The last owner must name an heir.
   *
   * @param input.transferTo The user who becomes an owner if the caller is the last one: an active member. It needs a proof from the
   *   last ten minutes. Otherwise it is not read.
   * @throws {AuthError} `precondition.mem_not_active`, `conflict.sole_owner`, `precondition.self_transfer`,
   *   `unauthorized.reauthentication_required`, `unauthorized.enrollment_required`, `forbidden.provider_not_allowed`.
   */
  leave: PlannableOperation<OfMembership & { transferTo?: UserId | null | undefined }, Membership>;
  /**
   * Ends a membership that is not an owner's. Allowed for the application, the organization's owners and admins, and
   * administrators.
   *
   * @throws {AuthError} `forbidden.role_hierarchy`, `precondition.org_not_active`, `conflict.already_terminal`.
   */
  remove: PlannableOperation<OfMembership, Membership>;
  /**
   * Makes an owner a member and another member an owner. Allowed for that owner within ten minutes of a proof, the application
   * and administrators.
   *
   * @throws {AuthError} `precondition.org_not_active`, `precondition.from_not_active`, `precondition.from_not_owner`,
   *   `precondition.to_not_active`, `precondition.self_transfer`.
   */
  transferOwnership: PlannableOperation<
    OfOrganization & { fromMembershipId: MembershipId; toMembershipId: MembershipId },
    TransferredOwnership
  >;
}

export function membershipOperations(core: Core): MembershipOperations {
  return {
    ...membershipChecks(core),

    add: plannableChange(core, ({ actor, organizationId, userId, role }) => {
      const made = newRow();
      const asked = {
        actor,
        auditId: newAuditId(),
        organizationId: uuidFor("org", organizationId),
        userId: uuidFor("usr", userId),
        role,
        ...made,
      };
      const work: Work<Membership, store.MembershipRow> = {
        locks: [lockUser(asked.userId), lockOrganization(asked.organizationId)],
        body: store.insertMembership(asked),
        onLostReply: store.recallMembership(made.id, asked.auditId),
        decode: toMembership,
      };
      return guardedWork(acts.addMember, asked, asked.organizationId, work, "org");
    }),

    async get(input) {
      return await readOne(core, store.selectMembership(ask(input)), toMember);
    },

    async list({ actor, organizationId, status, ...input }) {
      const page = pageOf("mem", input);
      const asked = { actor, auditId: newAuditId(), organizationId: uuidFor("org", organizationId), status, ...page };
      return await readPage(core, store.selectMembers(asked), page.limit, toMember);
    },

    async listOfUser({ actor, userId, organizationId, ...input }) {
      const page = pageOf("mem", input);
      const within = inOrganization(organizationId);
      const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId), organizationId: within, ...page };
      return await readPage(core, store.selectMembershipsOfUser(asked), page.limit, toMembershipOfUser);
    },

    async history(input) {
      return await readAll(core, store.selectMembershipHistory(ask(input)), toMembership);
    },

    changeRole: plannableChange(core, ({ role, ...input }) => {
      const asked = { ...ask(input), ...newRow(), role };
      return ofOne(
        acts.changeRole,
        asked,
        changes.changeRole(asked),
        [store.lockOwnersOf(asked.membershipId)],
        asked.id,
      );
    }),

    suspend: plannableChange(core, (input) => {
      const asked = ask(input);
      return ofOne(acts.suspendMembership, asked, store.suspendMembership(asked), [
        store.lockOwnersOf(asked.membershipId),
      ]);
    }),

    reinstate: plannableChange(core, (input) => {
      const asked = { ...ask(input), tupleId: newUuid() };
      const user = lockUsersOf(store.userOfMembership(asked.membershipId));
      return ofOne(acts.reinstateMembership, asked, store.reinstateMembership(asked), [user]);
    }),

    leave: plannableChange(core, ({ transferTo, ...input }) => {
      const heirId = transferTo == null ? undefined : uuidFor("usr", transferTo);
      const asked = { ...ask(input), ...newRow(), heirId };
      return ofOne(acts.leaveOrganization, asked, changes.leaveOrganization(asked), [
        store.lockOwnersOf(asked.membershipId),
      ]);
    }),

    remove: plannableChange(core, (input) => {
      const asked = ask(input);
      return ofOne(acts.removeMember, asked, changes.removeMember(asked));
    }),

    transferOwnership: plannableChange(core, ({ actor, organizationId, fromMembershipId, toMembershipId }) => {
      const asked = {
        actor,
        auditId: newAuditId(),
        organizationId: uuidFor("org", organizationId),
        fromId: uuidFor("mem", fromMembershipId),
        toId: uuidFor("mem", toMembershipId),
        from: newRow(),
        to: newRow(),
      };
      return guardedWork(acts.transferOwnership, asked, asked.organizationId, {
        locks: [lockOrganization(asked.organizationId)],
        body: changes.transferOwnership(asked),
        onLostReply: changes.recallTransfer(asked),
        decode: (row) => ({ from: toValue(membership, row, "from."), to: toValue(membership, row, "to.") }),
      });
    }),
  };
}

/** The work of a change of one membership. Its answer is that membership, or the one in its place. */
function ofOne(
  act: GuardedAct,
  asked: store.OfMembership,
  body: Statement<store.MembershipRow>,
  locks: readonly Lock[] = [],
  answerId: string = asked.membershipId,
): Work<Membership> {
  return guardedWork(act, asked, asked.membershipId, {
    locks: [...locks, store.lockOrganizationOf(asked.membershipId)],
    body,
    onLostReply: store.recallMembership(answerId, asked.auditId),
    decode: toMembership,
  });
}

function ask({ actor, membershipId, organizationId }: OfMembership): store.OfMembership {
  return {
    actor,
    auditId: newAuditId(),
    membershipId: uuidFor("mem", membershipId),
    organizationId: inOrganization(organizationId),
  };
}

/** The organization that a caller names, if any. An empty text names none that exists. */
function inOrganization(organizationId: OrganizationId | undefined): string | undefined {
  return organizationId === undefined ? undefined : uuidFor("org", organizationId);
}

function newRow(): store.Made {
  return { id: newUuid(), tupleId: newUuid() };
}

function toMembership(row: store.MembershipRow): Membership {
  return toValue(membership, row);
}

function toMember(row: store.MemberRow): Member {
  return { ...toMembership(row), user: toValue(memberUser, row, "user.") };
}

function toMembershipOfUser(row: store.MembershipOfUserRow): MembershipOfUser {
  return { ...toMembership(row), organization: toValue(memberOrganization, row, "organization.") };
}
