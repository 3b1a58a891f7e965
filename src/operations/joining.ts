import type { GuardedAct } from "../domain/act.ts";
import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/organization-domain.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, newUuid, type OrganizationId, type UserId, uuidFor, wireId } from "../domain/id.ts";
import { type Membership, membership } from "../domain/membership.ts";
import { type JoinableOrganization, type JoinRequest, joinRequest } from "../domain/organization-domain.ts";
import { toValue } from "../domain/record.ts";
import type { Core } from "../engine/core.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { type Page, pageOf } from "../engine/page.ts";
import { type Operation, type PlannableOperation, plannableChange } from "../engine/plan.ts";
import { readAll, readPage } from "../engine/reads.ts";
import * as store from "../store/joining.ts";
import { lockUser } from "../store/locks.ts";
import { type MembershipRow, recallMembership } from "../store/memberships.ts";
import { recallDone } from "../store/organization-domains.ts";
import { lockOrganization } from "../store/organizations.ts";
import type { Statement } from "../store/sql.ts";

/** The caller, and the organization to join or to leave alone. */
export interface ToJoin {
  /** The caller: the user of a verified session, or the application. */
  actor: Actor;
  organizationId: OrganizationId;
}

/** A request to join, as an owner or admin decides about it. */
export interface OfRequest extends ToJoin {
  userId: UserId;
}

/** What came of joining. */
export interface JoinedOrganization {
  /** `requested`: an owner or admin decides. */
  readonly status: "joined" | "requested";
  /** Null if it was requested. */
  readonly membership: Membership | null;
}

/**
 * Joining by the domain of an address.
 *
 * It needs an active password whose identifier is a verified address of exactly a proved domain, in an active organization that lets
 * users join. To any other user, the organization does not exist.
 */
export interface JoiningOperations {
  /** The organizations that the acting user may join, or ask to join, and is not a member of. */
  joinable: Operation<{ actor: Actor }, Page<JoinableOrganization>>;
  /**
   * Makes the acting user a member, or asks an owner or admin to do so. A user who was a member before only asks, also where joining
   * is automatic. Asking twice is asking once.
   *
   * @throws {AuthError} `not_found`, `conflict.duplicate_membership`, `precondition.limit_reached`.
   */
  join: PlannableOperation<ToJoin, JoinedOrganization>;
  /**
   * Takes the acting user's own request back.
   *
   * @throws {AuthError} `not_found`.
   */
  withdraw: PlannableOperation<ToJoin, void>;
  /**
   * A page of the requests that can be approved, in order of their users' ids. Those of users whose address is no longer verified, or
   * no longer of a domain that lets users join, are left out. Allowed for the organization's owners and admins, the application and
   * administrators.
   *
   * @throws {AuthError} `invalid_format.cursor`.
   */
  requests: Operation<ToJoin & { cursor?: string | undefined; limit?: number | undefined }, Page<JoinRequest>>;
  /**
   * Makes a user who asked a member. Allowed for the organization's owners and admins, and the application.
   *
   * @throws {AuthError} `precondition.org_not_active`.
   */
  approve: PlannableOperation<OfRequest, Membership>;
  /** Removes a request. The user may ask again. Allowed for the organization's owners and admins, and the application. */
  decline: PlannableOperation<OfRequest, void>;
}

export function joiningOperations(core: Core): JoiningOperations {
  return {
    async joinable({ actor }) {
      requireUser(actor);
      const convert = ({ id, name, how, requestedAt }: store.JoinableRow): JoinableOrganization => ({
        organizationId: wireId("org", id!),
        name,
        how,
        requestedAt,
      });
      return await readAll(core, store.selectJoinable({ actor, auditId: newAuditId() }), convert);
    },

    join: plannableChange(core, (input) => {
      const userId = requireUser(input.actor);
      const asked = { ...ask(input), made: { id: newUuid(), tupleId: newUuid() } };
      return guardedWork(
        acts.joinByDomain,
        asked,
        asked.organizationId,
        {
          locks: [lockUser(userId), lockOrganization(asked.organizationId)],
          body: store.join(asked),
          onLostReply: store.recallJoining(asked),
          decode: (row): JoinedOrganization =>
            row.id === null
              ? { status: "requested", membership: null }
              : { status: "joined", membership: toValue(membership, row as MembershipRow) },
        },
        "org",
      );
    }),

    withdraw: removal(acts.withdrawRequest, ({ actor }) => requireUser(actor), store.withdrawRequest),

    async requests({ actor, organizationId, ...input }) {
      const page = pageOf("usr", input);
      const asked = { ...ask({ actor, organizationId }), ...page };
      const convert = (row: store.RequestRow) => ({
        ...toValue(joinRequest, row as Parameters<typeof toValue<typeof joinRequest, "request">>[1], "request."),
        id: wireId("usr", row.id!),
      });
      const { data, nextCursor } = await readPage(core, store.selectRequests(asked), page.limit, convert);
      return { data: data.map(({ id: _id, ...request }) => request), nextCursor };
    },

    approve: plannableChange(core, (input) => {
      const made = { id: newUuid(), tupleId: newUuid() };
      const asked = { ...ask(input), userId: uuidFor("usr", input.userId), made };
      return guardedWork(
        acts.approveRequest,
        asked,
        asked.organizationId,
        {
          locks: [lockUser(asked.userId), lockOrganization(asked.organizationId)],
          body: store.approveRequest(asked),
          onLostReply: recallMembership(made.id, asked.auditId),
          decode: (row) => toValue(membership, row),
        },
        "org",
      );
    }),

    decline: removal(acts.declineRequest, ({ userId }: OfRequest) => uuidFor("usr", userId), store.declineRequest),
  };

  function removal<Input extends ToJoin>(
    act: GuardedAct,
    userOf: (input: Input) => string,
    statement: (asked: store.OfRequest) => Statement<unknown>,
  ): PlannableOperation<Input, void> {
    return plannableChange(core, (input: Input) => {
      const asked = { ...ask(input), userId: userOf(input) };
      return guardedWork(act, asked, asked.organizationId, {
        locks: [lockUser(asked.userId), lockOrganization(asked.organizationId)],
        body: statement(asked),
        onLostReply: recallDone(asked.auditId),
        decode: () => undefined,
      });
    });
  }
}

/**
 * The acting user's UUID. The application has no address of its own: it adds members instead.
 *
 * @throws {AuthError} `forbidden`.
 */
function requireUser({ userId }: Actor): string {
  if (!userId) throw new AuthError("forbidden");
  return uuidFor("usr", userId);
}

function ask({ actor, organizationId }: ToJoin) {
  return { actor, auditId: newAuditId(), organizationId: uuidFor("org", organizationId) };
}
