/**
 * Acts as rows. Everything known about an act is written once, in its row in `domain/acts`: the guard in SQL, the event of a
 * success and of a denial, the locks, the refusals in the OpenAPI document and the matrix of tests all read that row.
 *
 * @module
 */
import type { ErrorCode } from "./error.ts";
import type { IdType } from "./id.ts";

/** The kinds of locks, in the order in which every statement takes them. Several of one kind are taken by id or name. */
export const lockOrder = ["identifier", "user", "organization", "owners", "administrators", "key", "counter"] as const;

export type LockKind = (typeof lockOrder)[number];

/** The targets of audit events: an object with an identifier, the login that was tried, or the system. */
export type TargetKind = IdType | "login" | "sys";

/** The name of an act in the audit log, and the kind of its target. */
export interface Audited {
  /** Dot-namespaced, such as `identity.user.suspend`. */
  readonly action: string;
  readonly target: TargetKind;
}

/** Who may perform an act on an object. The application itself always may. */
export interface Who {
  /** The object's owner. `"fresh"`: only within ten minutes of a proof. */
  readonly owner?: true | "fresh";
  /** An administrator with a second factor proved within half an hour. */
  readonly administrator?: true;
  /** A user with a relation on the object. */
  readonly relation?: RelationOnObject;
  /** A user who may write this tuple, or any tuple of this object, by the option `writers`. */
  readonly writer?: "tuple" | "object";
}

/** A relation of the tuple table on an act's object. On an organization, it counts only with an active membership in that role. */
export interface RelationOnObject {
  /** The object's type in the tuple table, such as `org`. */
  readonly on: string;
  /** The relations with which a user knows the object. The strongest comes first. */
  readonly among: readonly string[];
  /** The weakest of them that suffices. */
  readonly atLeast: string;
  /** Only within ten minutes of a proof. `"strongest"`: only if the act gives or takes the strongest relation. */
  readonly fresh?: true | "strongest";
  /** The act gives or takes relations, none of which may be stronger than the strongest that the actor holds. */
  readonly notAboveOwn?: true;
  /** An organization's last owner may, whatever its security policy asks for: it must not hold them. */
  readonly freesLastOwner?: true;
}

/** The refusals of an act that takes a key and answers with a secret or a new object: a repeat makes nothing and gets no answer twice. */
export const withKey: readonly ErrorCode[] = ["invalid_format.idempotency_key", "conflict.idempotency_key_used"];

/** An act: an operation that changes or reads something, or that proves something. */
export interface Act extends Audited {
  /** The specification's operation id, or ours. */
  readonly name: string;
  /** Absent where the request itself is the proof: a password, a token, a ticket. */
  readonly who?: Who;
  /** The locks that it always takes before its statement. Default: none. */
  readonly locks?: readonly LockKind[];
  /** The codes of its own refusals, besides those that `who` gives. Default: none. */
  readonly refusals?: readonly ErrorCode[];
}

/** The refusals for a user who is not active. A caller's own user is always active, since suspension ends the sessions. */
const refusedUnlessActive: readonly ErrorCode[] = ["conflict.already_terminal", "precondition.user_not_active"];

/** The same act for the owner alone: administrators are refused, as on an act that never allows them. */
export function ownerOnly({ who, refusals = [], ...act }: GuardedAct): GuardedAct {
  return {
    ...act,
    who: who.owner ? { owner: who.owner } : {},
    refusals: act.target === "usr" ? refusals.filter((code) => !refusedUnlessActive.includes(code)) : refusals,
  };
}

/** An act on a user's object. A guard stands before it. */
export interface GuardedAct extends Act {
  readonly who: Who;
}
