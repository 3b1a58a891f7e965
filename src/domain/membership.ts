/**
 * Memberships: who belongs to an organization, in which role (Flametrench `docs/tenancy.md`, ADR 0002 and 0005).
 *
 * An active membership has a companion: the tuple of its user, its role and its organization. Each statement that makes, changes or
 * ends a membership does the same to the tuple.
 *
 * @module
 */
import type { RelationOnObject } from "./act.ts";
import type { ValueOf } from "./record.ts";

/** A user's membership in an organization. Another role is another membership, which `replaces` this one. */
export const membership = {
  id: "mem id",
  userId: "usr id",
  organizationId: "org id",
  /** Strongest first. Flametrench ranks the first three and `guest`; `editor` and `viewer` stand between them. */
  role: ["owner", "admin", "member", "editor", "viewer", "guest"],
  status: ["active", "suspended", "revoked"],
  /** The membership that this one replaces, with the role before. */
  replaces: "mem id?",
  /** Null for the user who made the organization, and for a member whom the application added. */
  invitedBy: "usr id?",
  /**
   * The user who removed the member, or ended the organization. Null if the application did, and for every other end: leaving,
   * another role, a closed account.
   */
  removedBy: "usr id?",
  createdAt: "time",
  updatedAt: "time",
} as const;

/** A user's membership in an organization. */
export interface Membership extends ValueOf<typeof membership> {}

/** A role in an organization. */
export type Role = Membership["role"];

/** The roles, strongest first. */
export const roles: typeof membership.role = membership.role;

/** Members of an organization with at least this role. */
export const atLeast = (role: Role): RelationOnObject => ({ on: "org", among: roles, atLeast: role });

/** What the members of an organization see of another member's user. */
export const memberUser = { displayName: "text?" } as const;

/** A membership, with what the organization's members see of its user. */
export interface Member extends Membership {
  readonly user: ValueOf<typeof memberUser>;
}

/** An organization as its members see it in the list of their memberships. */
export const memberOrganization = {
  status: ["active", "suspended", "revoked"],
  name: "text?",
  slug: "text?",
} as const;

/** A membership, with the organization that it is in. */
export interface MembershipOfUser extends Membership {
  readonly organization: ValueOf<typeof memberOrganization>;
}
