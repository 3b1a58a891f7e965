import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/organization-invitation.ts";
import { AuthError } from "../domain/error.ts";
import { type InvitationId, newAuditId, newUuid, type UserId, uuidFor, wireId } from "../domain/id.ts";
import { type Membership, membership } from "../domain/membership.ts";
import {
  type OpenOrganizationInvitation,
  type OrganizationInvitation,
  organizationInvitation,
} from "../domain/organization-invitation.ts";
import { toValue } from "../domain/record.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Core } from "../engine/core.ts";
import { execute, type Work, work } from "../engine/execute.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { identifiersFor } from "../engine/identifiers.ts";
import { locksOf, lockUsersOf } from "../engine/locks.ts";
import { type Operation, type PlannableOperation, plannable } from "../engine/plan.ts";
import { lockUser } from "../store/locks.ts";
import * as store from "../store/organization-acceptance.ts";
import { type InvitationRow, lockOrganizationOf, recallInvitation } from "../store/organization-invitations.ts";
import { sql } from "../store/sql.ts";
import { linkHash } from "./mailed-link.ts";
import { type AccountWithSecret, accountWithSecret } from "./secret-sign-up.ts";
import type { SignedUp } from "./sign-up.ts";

/** An invitation that was accepted, and what came of it. The user also holds the invitation's pre-tuples. */
export interface AcceptedInvitation {
  readonly invitation: OrganizationInvitation;
  readonly membership: Membership;
}

/** A secret of an invitation, as its holder presents it. */
export interface PresentedInvitation {
  token: string;
  /** If given, the secret of another invitation is not valid. */
  invitationId?: InvitationId | undefined;
}

/** What the invited person does with an invitation. */
export interface InvitedOperations {
  /**
   * Shows an open invitation to the holder of one of its secrets. It spends nothing.
   *
   * @throws {AuthError} `unauthorized.invalid_link`.
   */
  look: Operation<{ token: string }, OpenOrganizationInvitation>;
  /**
   * Makes the caller a member, with the invitation's pre-tuples. The invited identifier must be the caller's: of an active password, or
   * the verified address of an identity at a provider. With the copied secret, it must be verified.
   *
   * An invitation whose inviter could not make it any more is refused like one that has ended.
   *
   * @throws {AuthError} `unauthorized.invalid_link`, `conflict.invitation_not_pending`, `conflict.invitation_expired`,
   *   `precondition.org_not_active`, `precondition.identifier_mismatch`, `precondition.identifier_unverified`,
   *   `conflict.duplicate_membership`.
   */
  accept: PlannableOperation<{ actor: Actor } & PresentedInvitation, AcceptedInvitation>;
  /**
   * Makes an account with the invited identifier, which is a member, with a session: all of it in one request, or nothing. The
   * identifier is verified if the secret was mailed. The copied secret makes an account only where sign-up is `open`, or if the
   * application made the invitation: otherwise any user could make accounts for others, or see which exist. Where sign-up is
   * `closed`, no secret does.
   *
   * An invitation that has ended, or whose inviter could not make it any more, is refused like one that never was.
   *
   * @throws {AuthError} `unauthorized.invalid_link`, `invalid_format.password`, `invalid_format.name`, `too_many_requests`,
   *   `unavailable.busy`, `forbidden.sign_up_closed`, `conflict.duplicate_credential`.
   */
  acceptAsNewUser: PlannableOperation<AccountWithSecret, SignedUp, { userId: UserId }>;
  /**
   * Declines an invitation for good, with one of its secrets.
   *
   * @throws {AuthError} `not_found`, `unauthorized.invalid_link`, `conflict.invitation_not_pending`.
   */
  decline: PlannableOperation<PresentedInvitation & { context?: RequestContext | undefined }, OrganizationInvitation>;
  /**
   * Makes a user a member without a secret. Allowed for the application alone, which vouches for the user and for the inviter.
   *
   * @param input.acceptingIdentifier An identifier that the application knows to be the user's. It must be the invited one.
   * @throws {AuthError} `conflict.invitation_not_pending`, `conflict.invitation_expired`, `precondition.org_not_active`,
   *   `precondition.identifier_binding_required`, `precondition.identifier_mismatch`, `precondition.user_not_active`,
   *   `conflict.duplicate_membership`.
   */
  acceptFor: PlannableOperation<
    { actor: Actor; invitationId: InvitationId; userId: UserId; acceptingIdentifier?: string | undefined },
    AcceptedInvitation
  >;
  /**
   * Declines an invitation without a secret, for a user or for a person who has no account. Allowed for the application alone.
   *
   * @throws {AuthError} `conflict.invitation_not_pending`.
   */
  declineFor: PlannableOperation<
    { actor: Actor; invitationId: InvitationId; userId?: UserId | undefined },
    OrganizationInvitation
  >;
}

export function invitedOperations(core: Core): InvitedOperations {
  return {
    async look({ token }) {
      const body = store.selectOpenInvitation(await linkHash(token));
      const { identifier, role, expiresAt, name, slug, isVouched } = await execute(core, {
        body,
        onLostReply: "repeat",
      });
      if (identifier === null) throw new AuthError("unauthorized.invalid_link");
      const makesAccount = core.signUp === "open" || (core.signUp !== "closed" && isVouched);
      return { identifier, role, expiresAt, organization: { name, slug }, makesAccount };
    },

    accept: plannable(core, async ({ actor, ...presented }) => {
      // The application has no identifier of its own.
      if (!actor.userId) throw new AuthError("forbidden");
      const by = await presentedBy(presented);
      const asked = { actor, auditId: newAuditId(), made: newRow(), by };
      return { work: acceptanceOf(acts.acceptInvitation, asked, uuidFor("usr", actor.userId)), known: {} };
    }),

    acceptAsNewUser: accountWithSecret(core, {
      act: acts.acceptInvitationAsNewUser,
      requireOn: () => {
        if (core.signUp === "closed") throw new AuthError("forbidden.sign_up_closed");
      },
      reserve: (attempt) => store.reserveAcceptance({ ...attempt, needsVouching: core.signUp !== "open" }),
      create: (account) =>
        store.createAccountWithInvitation({ ...account, made: newRow(), needsVouching: core.signUp !== "open" }),
      locks: (tokenHash) => [
        lockUsersOf(store.inviterOf(store.isOf(tokenHash))),
        lockOrganizationOf(store.isOf(tokenHash)),
      ],
    }),

    decline: plannable(core, async ({ context, ...presented }) => {
      const by = await presentedBy(presented);
      const auditId = newAuditId();
      return {
        work: work({
          locks: locksOf(acts.declineInvitation, lockOrganizationOf(store.isAsked({ by }))),
          body: store.declineInvitation({ ...by, context: cleanContext(context ?? {}), auditId }),
          onLostReply: store.recallDeclined(auditId),
          decode: toInvitation,
        }),
        known: {},
      };
    }),

    acceptFor: plannable(core, async ({ actor, invitationId, userId, acceptingIdentifier }) => {
      if (acceptingIdentifier === undefined) throw new AuthError("precondition.identifier_binding_required");
      const by = {
        invitationId: uuidFor("inv", invitationId),
        userId: uuidFor("usr", userId),
        identifiers: identifiersFor(core, acceptingIdentifier),
      };
      const asked = { actor, auditId: newAuditId(), made: newRow(), by };
      return { work: acceptanceOf(acts.acceptInvitationFor, asked, by.userId), known: {} };
    }),

    declineFor: plannable(core, async ({ actor, invitationId, userId }) => {
      const asked = {
        actor,
        auditId: newAuditId(),
        invitationId: uuidFor("inv", invitationId),
        userId: userId && uuidFor("usr", userId),
      };
      const body = guardedWork(acts.declineInvitationFor, asked, asked.invitationId, {
        locks: [lockOrganizationOf(sql`inv.id = ${asked.invitationId}::uuid`)],
        body: store.declineInvitationFor(asked),
        onLostReply: recallInvitation(asked.invitationId, asked.auditId),
        decode: toInvitation,
      });
      return { work: body, known: {} };
    }),
  };
}

/** The work of an acceptance by a user: it locks them, the inviter and the organization. */
function acceptanceOf(
  act: typeof acts.acceptInvitation,
  asked: store.Acceptance,
  userId: string,
): Work<AcceptedInvitation> {
  const invitation = store.isAsked(asked);
  const accepting: Work<AcceptedInvitation, store.AcceptedRow> = {
    locks: [lockUser(userId), lockUsersOf(store.inviterOf(invitation)), lockOrganizationOf(invitation)],
    body: store.acceptInvitation(asked),
    onLostReply: store.recallAcceptance(asked),
    decode: (row) => ({ invitation: toInvitation(row), membership: toValue(membership, row, "membership.") }),
  };
  return guardedWork(act, asked, userId, accepting, "usr");
}

async function presentedBy({ token, invitationId }: PresentedInvitation) {
  return { tokenHash: await linkHash(token), invitationId: invitationId && uuidFor("inv", invitationId) };
}

function newRow() {
  return { id: newUuid(), tupleId: newUuid() };
}

export function toInvitation({ invitedUserId, preTuples, ...row }: InvitationRow): OrganizationInvitation {
  return {
    ...toValue(organizationInvitation, row),
    invitedUserId: invitedUserId === null ? null : wireId("usr", invitedUserId),
    preTuples: preTuples.map(({ relation, object_type: objectType, object_id: objectId }) => ({
      relation,
      objectType,
      objectId,
    })),
  };
}
