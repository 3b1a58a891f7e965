import type { GuardedAct } from "../domain/act.ts";
import type { Actor, SessionActor } from "../domain/actor.ts";
import * as acts from "../domain/acts/user.ts";
import { generateId, newAuditId, type UserId, uuidFor } from "../domain/id.ts";
import { acceptDisplayName, storableText } from "../domain/text.ts";
import type { Status, User } from "../domain/user.ts";
import type { Core } from "../engine/core.ts";
import { execute, type Work } from "../engine/execute.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { claimFor } from "../engine/idempotency.ts";
import { lockOfCounter } from "../engine/locks.ts";
import { type Page, pageOf } from "../engine/page.ts";
import { type Operation, Plan, type PlannableOperation, plannableChange } from "../engine/plan.ts";
import { readOne, readPage } from "../engine/reads.ts";
import { toUser } from "../engine/sessions.ts";
import type { AskedOfUser } from "../store/audit.ts";
import { claimKey } from "../store/idempotency.ts";
import { type Lock, lockUser } from "../store/locks.ts";
import type { CurrentPassword } from "../store/password-proof.ts";
import { lockAdministrators, lockOrganizationsOf } from "../store/relations.ts";
import type { Statement } from "../store/sql.ts";
import * as store from "../store/users.ts";
import { withOwnPassword } from "./current-password.ts";

/** A new user. */
export interface CreateUser {
  actor: Actor;
  displayName?: string | null;
  idempotencyKey?: string | undefined;
}

/** The caller, and the user to act on. */
export interface OfUser {
  /** The caller: the user of a verified session, or the application. */
  actor: Actor;
  userId: UserId;
}

/** What happens to organizations that the user owns alone. */
export interface EndsOrganizations {
  endOrganizations?: boolean | undefined;
}

/** Users: people or services with an account (Flametrench `docs/identity.md`, ADR 0014 and 0015). */
export interface UserOperations {
  /**
   * Creates a user without credentials. Allowed for the application and administrators.
   *
   * @param input.idempotencyKey The caller's own text for this creation. For 24 hours, a repeat with the same key and name
   * returns the user that the first call created. `plan` does not accept it, because the identifiers of a plan are known
   * beforehand.
   * @throws {AuthError} `invalid_format.name`, `invalid_format.idempotency_key`.
   */
  create: PlannableOperation<CreateUser, User, { userId: UserId }>;
  /** Returns a user. Allowed for the user, the application and administrators. */
  get: Operation<OfUser, User>;
  /**
   * Changes the given members. `displayName: null` clears the name; if it is absent, the name stays.
   *
   * @throws {AuthError} `invalid_format.name`.
   */
  update: PlannableOperation<OfUser & { displayName?: string | null }, User>;
  /**
   * A page of users in order of their ids. `query` matches part of an active credential's identifier, ignoring case.
   *
   * @throws {AuthError} `invalid_format.cursor`.
   */
  list: Operation<
    {
      actor: Actor;
      cursor?: string | undefined;
      limit?: number | undefined;
      query?: string | undefined;
      status?: Status | undefined;
    },
    Page<User>
  >;
  /**
   * Suspends a user and ends all their sessions and tickets. `reinstate` reverses it. A user who is already suspended stays
   * unchanged.
   *
   * @throws {AuthError} `conflict.already_terminal`, `conflict.last_administrator`.
   */
  suspend: PlannableOperation<OfUser, User>;
  /**
   * Lets a suspended user sign in again. Ended sessions stay ended.
   *
   * @throws {AuthError} `precondition.invalid_transition`.
   */
  reinstate: PlannableOperation<OfUser, User>;
  /**
   * Closes the account for good and ends its sessions, tickets, credentials, factors, tokens and tuples. Owners with a password
   * use `revokeOwn`.
   *
   * @param input.endOrganizations True to end the organizations that have no other owner, too. Default false: the last owner is
   *   refused.
   * @throws {AuthError} `conflict.already_terminal`, `conflict.last_administrator`, `conflict.sole_owner`, `forbidden`,
   *   `unauthorized.invalid_credential`, `too_many_requests`, `unavailable.busy`.
   */
  revoke: PlannableOperation<OfUser & EndsOrganizations, User>;
  /**
   * Closes the caller's own account for good. It requires the current password.
   *
   * @param input.endOrganizations As for `revoke`. No security policy of an organization is asked.
   * @throws {AuthError} `conflict.already_terminal`, `conflict.last_administrator`, `conflict.sole_owner`, `forbidden`,
   *   `unauthorized.invalid_credential`, `too_many_requests`, `unavailable.busy`.
   */
  revokeOwn: Operation<{ actor: SessionActor; userId: UserId; currentPassword: string } & EndsOrganizations, User>;
}

export function userOperations(core: Core): UserOperations {
  return {
    create: Object.assign(async (input: CreateUser) => await execute(core, (await prepareCreate(input)).work), {
      async plan({ idempotencyKey, ...input }: CreateUser) {
        if (idempotencyKey !== undefined) throw new TypeError("A plan knows its user beforehand, so it takes no key.");
        const prepared = await prepareCreate(input);
        return new Plan(prepared.work, prepared.known);
      },
    }),

    async get({ actor, userId }) {
      const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
      return await readOne(core, store.selectUser(asked), toUser);
    },

    update: change(acts.updateUser, (asked, input: OfUser & { displayName?: string | null }) =>
      store.updateUser({
        ...asked,
        displayName: input.displayName === undefined ? undefined : acceptDisplayName(input.displayName),
      }),
    ),

    async list({ actor, query, status, ...input }) {
      const page = pageOf("usr", input);
      const asked = { actor, auditId: newAuditId(), query: query && storableText(query), status, ...page };
      return await readPage(core, store.selectUsers(asked), page.limit, toUser);
    },

    suspend: change(acts.suspendUser, store.suspendUser, lockAdministrators()),
    reinstate: change(acts.reinstateUser, store.reinstateUser),
    revoke: plannableChange(core, (input) => revokeWork(input, undefined)),

    revokeOwn: async ({ currentPassword, ...input }) =>
      await withOwnPassword(core, { actor: input.actor, currentPassword, act: acts.revokeUser }, (proof) =>
        revokeWork(input, proof),
      ),
  };

  function revokeWork(input: OfUser & EndsOrganizations, proof: CurrentPassword | undefined): Work<User> {
    const { actor, userId, endOrganizations = false } = input;
    const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
    const locks = [
      lockUser(asked.userId),
      ...lockOrganizationsOf(asked.userId),
      lockAdministrators(),
      ...lockOfCounter(proof?.counter),
    ];
    return userWork(acts.revokeUser, asked, store.revokeUser({ ...asked, proof, endOrganizations }), locks);
  }

  async function prepareCreate({ actor, displayName = null, idempotencyKey }: CreateUser) {
    const userId = generateId("usr");
    const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
    const input = [displayName ?? "", String(displayName)];
    const claim = await claimFor(core, actor, acts.createUser, idempotencyKey, input, asked.userId);
    const body = store.insertUser({ ...asked, displayName: acceptDisplayName(displayName), claim });
    return {
      work: userWork(acts.createUser, asked, body, claim ? [claimKey(claim)] : []),
      known: { userId },
    };
  }

  function change<Input extends OfUser>(
    act: GuardedAct,
    statement: (asked: AskedOfUser, input: Input) => Statement<store.UserRow>,
    ...locks: readonly Lock[]
  ): PlannableOperation<Input, User> {
    return plannableChange(core, (input) => {
      const asked = { actor: input.actor, auditId: newAuditId(), userId: uuidFor("usr", input.userId) };
      return userWork(act, asked, statement(asked, input), [lockUser(asked.userId), ...locks]);
    });
  }
}

function userWork(
  act: GuardedAct,
  asked: AskedOfUser,
  body: Statement<store.UserRow>,
  locks: readonly Lock[],
): Work<User> {
  const onLostReply = store.recallUser(asked.userId, asked.auditId);
  return guardedWork(act, asked, asked.userId, { locks, body, onLostReply, decode: toUser });
}
