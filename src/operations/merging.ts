import { type SessionActor, sessionOf } from "../domain/actor.ts";
import { mergeUsers } from "../domain/acts/merging.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, type UserId, uuidFor } from "../domain/id.ts";
import type { User } from "../domain/user.ts";
import type { Core } from "../engine/core.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { type Operation, type PlannableOperation, plannable } from "../engine/plan.ts";
import { readOne } from "../engine/reads.ts";
import { toUser } from "../engine/sessions.ts";
import { lockUser } from "../store/locks.ts";
import * as store from "../store/merging.ts";
import { lockOrganizationsOf } from "../store/relations.ts";
import { recallUser, type UserRow } from "../store/users.ts";

/** Merging two accounts of one person. */
export interface MergingOperations {
  /**
   * Checks that an account may be kept in a merge: the session is fresh, and the user is no administrator. Call it before the person
   * signs in to the other account.
   *
   * @throws {AuthError} `forbidden`.
   */
  begin: Operation<{ actor: SessionActor }, User>;
  /**
   * Merges the account of `actor` into the account of `into`. Both sessions must be fresh: each user has signed in, or proved a
   * second factor if there is one, in the last ten minutes. Give it two sessions of one browser only, never a session that another
   * person has sent.
   *
   * The passwords, passkeys and linked identities of `actor` open the other account from now on, and its tuples are the other's.
   * Everything else of it ends: sessions, links, second factors, personal access tokens. It is closed for good. No account of an
   * administrator takes part.
   *
   * In `auth.batch`, an application moves its own rows in the same transaction: the plan knows both users.
   *
   * @throws {AuthError} `unauthorized.session_expired`, `forbidden`, `conflict.same_user`, `conflict.sole_owner`,
   *   `precondition.factor_needed_first`, `precondition.invalid_transition`, `precondition.limit_reached`.
   */
  merge: PlannableOperation<MergedSessions, User, MergedUsers>;
}

/** The sessions of the two accounts. */
export interface MergedSessions {
  /** Of the account that ends. */
  readonly actor: SessionActor;
  /** Of the account that is kept. */
  readonly into: SessionActor;
}

/** The users of a merge, known before it happens. */
export interface MergedUsers {
  /** The user that ends. */
  readonly userId: UserId;
  /** The user that is kept. */
  readonly into: UserId;
}

/** The operations that the feature `merging` adds to `auth`. */
export interface MergingAuth {
  readonly merging: MergingOperations;
}

export function mergingParts(core: Core): FeatureParts<MergingAuth> {
  return {
    operations: {
      merging: {
        begin: async ({ actor }) =>
          await readOne(core, store.selectKept({ actor, auditId: newAuditId(), userId: ownId(actor) }), toKept),
        merge: plannable(core, async (sessions) => mergeWork(sessions)),
      },
    },
  };
}

function mergeWork({ actor, into }: MergedSessions) {
  const asked = { actor, auditId: newAuditId(), userId: ownId(actor) };
  const kept = { actor: into, auditId: newAuditId(), userId: ownId(into) };
  const work = guardedWork(mergeUsers, asked, asked.userId, {
    locks: [lockUser(asked.userId), lockUser(kept.userId), ...lockOrganizationsOf(asked.userId)],
    body: store.mergeUsers(asked, kept),
    onLostReply: recallUser(kept.userId, kept.auditId),
    decode: toUser,
  });
  return { work, known: { userId: actor.userId, into: into.userId } };
}

function toKept(row: UserRow & { isAdministrator: boolean }): User {
  if (row.isAdministrator) throw new AuthError("forbidden");
  return toUser(row);
}

/** The UUID of the session's user. */
function ownId(actor: SessionActor): string {
  return uuidFor("usr", sessionOf(actor).userId);
}
