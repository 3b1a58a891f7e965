/**
 * Invitations to an organization (Flametrench `docs/tenancy.md`, ADR 0009).
 *
 * @module
 */
import { AuthError } from "./error.ts";
import type { UserId } from "./id.ts";
import type { ValueOf } from "./record.ts";
import { requireEntityId, requireEntityType, requireRelation, withheldObjectTypes } from "./tuple.ts";

/** The plain fields of an invitation to an organization. */
export const organizationInvitation = {
  id: "inv id",
  organizationId: "org id",
  /** The address or name of the invited person. */
  identifier: "text",
  role: ["owner", "admin", "member", "editor", "viewer", "guest"],
  status: ["pending", "accepted", "declined", "revoked", "expired"],
  /** The user who made it or last renewed it, or whom the application named. */
  invitedBy: "usr id",
  createdAt: "time",
  expiresAt: "time",
  /** When it was accepted, declined or revoked. Null for one that has expired. */
  terminalAt: "time?",
  /** The user who ended it, if it was one who was signed in. */
  terminalBy: "usr id?",
} as const;

/** An invitation to an organization, without its secrets. */
export interface OrganizationInvitation extends ValueOf<typeof organizationInvitation> {
  /** The user who accepted it. */
  readonly invitedUserId: UserId | null;
  readonly preTuples: readonly PreTuple[];
}

/** What the holder of a secret sees of an open invitation. */
export const openOrganizationInvitation = {
  identifier: "text",
  role: ["owner", "admin", "member", "editor", "viewer", "guest"],
  expiresAt: "time",
  /** Whether `acceptAsNewUser` takes this secret, in the deployment's mode of sign-up. */
  makesAccount: "flag",
} as const;

/** What the holder of a secret sees of the invitation's organization. */
export const invitingOrganization = { name: "text?", slug: "text?" } as const;

/** What the holder of a secret sees of an open invitation. */
export interface OpenOrganizationInvitation extends ValueOf<typeof openOrganizationInvitation> {
  readonly organization: ValueOf<typeof invitingOrganization>;
}

/** A relation that the invited person gets together with the membership. */
export interface PreTuple {
  /** 2 to 32 characters of `a-z` and `_`. */
  readonly relation: string;
  /** 2 to 6 characters of `a-z`. */
  readonly objectType: string;
  /** A UUID, or an identifier of that type. An answer has the UUID. */
  readonly objectId: string;
}

/** A pre-tuple as the database and JSON have it. */
export interface PreTupleBody {
  relation: string;
  object_type: string;
  /** A UUID. */
  object_id: string;
}

/** How many pre-tuples an invitation may have. */
const mostPreTuples = 50;

/** How long an invitation counts if its maker names no end, and at most, in seconds. */
export const organizationInvitationSeconds: number = 7 * 86_400;
export const longestOrganizationInvitationSeconds: number = 366 * 86_400;

/**
 * The pre-tuples in the form in which they are stored. None is about an organization, where a membership gives the role, or about
 * the system.
 *
 * @throws {AuthError} `invalid_format.relation`, `invalid_format.object_type`, `invalid_format.object_id`,
 *   `precondition.limit_reached`.
 */
export function acceptPreTuples(preTuples: readonly PreTuple[]): readonly PreTupleBody[] {
  if (preTuples.length > mostPreTuples) throw new AuthError("precondition.limit_reached");
  return preTuples.map(({ relation, objectType, objectId }) => {
    requireEntityType(objectType, "object");
    if (withheldObjectTypes.includes(objectType)) throw new AuthError("invalid_format.object_type");
    requireRelation(relation);
    return { relation, object_type: objectType, object_id: requireEntityId(objectType, objectId, "object") };
  });
}
