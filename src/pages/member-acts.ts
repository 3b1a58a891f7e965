import { roles } from "../domain/membership.ts";
import type { Member } from "../http/organizations.ts";
import { AuthError, type Id } from "../index.ts";
import type { Form } from "./form.ts";
import { mayManage, type Own, organizationsOf, rankOf } from "./own-organization.tsx";
import type { UserVisit } from "./route.ts";

/** What a member may do about another member: a line of the member's page, a page that asks, and the act. */
export interface MemberAct {
  /** The end of its path, and the name of its texts. */
  readonly name: "role" | "suspend" | "reinstate" | "remove" | "transfer" | "leave";
  readonly isDanger?: true;
  /** True if the user may have to prove first who they are. */
  readonly isProved?: true;
  /** Whether the page offers it. The operation decides whether it is done. */
  isOffered(own: Own, member: Member): boolean;
  run(visit: UserVisit, asked: AskedOfMember, form: Form): Promise<unknown>;
}

/** The membership of an act, and the user's own in the same organization. */
interface AskedOfMember {
  readonly own: Own;
  readonly membershipId: Id<"mem">;
}

/** Every act on a member, as the page lists them. */
export const memberActs: readonly MemberAct[] = [
  {
    name: "role",
    isOffered: (own, member) => manages(own, member) && member.status === "active",
    run: (visit, asked, form) => {
      const role = roles.find((one) => one === form.text("role"));
      if (!role) throw new AuthError("invalid_format.body");
      return organizationsOf(visit).memberships.changeRole({ ...of(visit, asked), role });
    },
  },
  {
    name: "transfer",
    isProved: true,
    isOffered: (own, member) => own.organization.status === "active" && isHeir(own, member) && member.role !== "owner",
    run: ({ actor, ...visit }, { own, membershipId }) =>
      organizationsOf(visit).memberships.transferOwnership({
        actor,
        organizationId: own.organizationId,
        fromMembershipId: own.id,
        toMembershipId: membershipId,
      }),
  },
  {
    name: "leave",
    isDanger: true,
    isProved: true,
    isOffered: isHeir,
    run: async (visit, asked) => {
      const { memberships } = organizationsOf(visit);
      const heir = await memberships.get(of(visit, asked));
      const { own } = asked;
      return await memberships.leave({ actor: visit.actor, membershipId: own.id, transferTo: heir.userId });
    },
  },
  {
    name: "suspend",
    isDanger: true,
    isOffered: (own, member) => manages(own, member) && isOther(own, member) && member.status === "active",
    run: (visit, asked) => organizationsOf(visit).memberships.suspend(of(visit, asked)),
  },
  {
    name: "reinstate",
    isOffered: (own, member) => manages(own, member) && isOther(own, member) && member.status === "suspended",
    run: (visit, asked) => organizationsOf(visit).memberships.reinstate(of(visit, asked)),
  },
  {
    name: "remove",
    isDanger: true,
    isOffered: (own, member) => manages(own, member) && isOther(own, member) && member.role !== "owner",
    run: (visit, asked) => organizationsOf(visit).memberships.remove(of(visit, asked)),
  },
];

function of({ actor }: UserVisit, { own: { organizationId }, membershipId }: AskedOfMember) {
  return { actor, organizationId, membershipId };
}

function manages(own: Own, member: Member): boolean {
  return own.organization.status === "active" && mayManage(own) && rankOf(member) >= rankOf(own);
}

function isOther(own: Own, member: Member): boolean {
  return member.userId !== own.userId;
}

function isHeir(own: Own, member: Member): boolean {
  return own.role === "owner" && isOther(own, member) && member.status === "active";
}
