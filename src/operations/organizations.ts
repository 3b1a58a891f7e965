import type { GuardedAct } from "../domain/act.ts";
import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/organization.ts";
import { generateId, newAuditId, newUuid, type OrganizationId, type UserId, uuidFor } from "../domain/id.ts";
import { type Membership, membership } from "../domain/membership.ts";
import { acceptSlug, type Organization, organization } from "../domain/organization.ts";
import { toValue } from "../domain/record.ts";
import { acceptDisplayName, storableText } from "../domain/text.ts";
import type { Status } from "../domain/user.ts";
import type { Core } from "../engine/core.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { claimFor } from "../engine/idempotency.ts";
import { type Page, pageOf } from "../engine/page.ts";
import { type Operation, type PlannableOperation, plannable, plannableChange } from "../engine/plan.ts";
import { readOne, readPage } from "../engine/reads.ts";
import { lockUser } from "../store/locks.ts";
import * as store from "../store/organizations.ts";
import type { Statement } from "../store/sql.ts";
import { type SecurityPolicyOperations, securityPolicyOperations } from "./security-policies.ts";

/** A new organization. */
export interface CreateOrganization {
  /** The caller: the future owner, or the application. */
  actor: Actor;
  /** The first owner. Only the application can name another user than itself. */
  userId: UserId;
  /** At most 4,096 bytes. Default null. */
  name?: string | null | undefined;
  /** Default null: it has none. */
  slug?: string | null | undefined;
  /**
   * 1 to 255 visible ASCII characters. For 24 hours, a repeat of the caller's key makes nothing and throws
   * `conflict.idempotency_key_used`. Default: every call makes an organization.
   */
  idempotencyKey?: string | undefined;
}

/** A new organization, with the membership of its first owner. */
export interface CreatedOrganization {
  readonly organization: Organization;
  readonly membership: Membership;
}

/** The caller, and the organization to act on. */
export interface OfOrganization {
  /** The caller: the user of a verified session, or the application. */
  actor: Actor;
  organizationId: OrganizationId;
}

/** The changes of an organization. Null clears a member; one that is absent stays. */
export interface UpdateOrganization extends OfOrganization {
  name?: string | null | undefined;
  slug?: string | null | undefined;
}

/** Organizations (Flametrench `docs/tenancy.md`, ADR 0002, 0011 and 0025). One that the caller may not know is not found. */
export interface OrganizationOperations extends SecurityPolicyOperations {
  /**
   * Makes an organization with its first owner. Allowed for any user, as the owner, and for the application.
   *
   * @throws {AuthError} `invalid_format.name`, `precondition.org_slug_format`, `conflict.org_slug`,
   *   `precondition.limit_reached`, `too_many_requests`, `invalid_format.idempotency_key`, `conflict.idempotency_key_used`.
   */
  create: PlannableOperation<CreateOrganization, CreatedOrganization, { organizationId: OrganizationId }>;
  /** Returns an organization. Allowed for its members, the application and administrators. */
  get: Operation<OfOrganization, Organization>;
  /**
   * A page of all organizations in order of their ids. `query` matches part of a name or slug, ignoring case. Allowed for the
   * application and administrators.
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
    Page<Organization>
  >;
  /**
   * Changes the name or slug, also of a suspended organization. For the application, one that has ended is
   * `conflict.already_terminal`. Allowed for the application and the organization's owners and admins.
   *
   * @throws {AuthError} `invalid_format.name`, `precondition.org_slug_format`, `conflict.org_slug`.
   */
  update: PlannableOperation<UpdateOrganization, Organization>;
  /**
   * Suspends an organization: its members keep their roles, with which no `check` of a tuple succeeds until `reinstate`. Meanwhile
   * they can still read it, rename it, leave and end it. Allowed for the application and administrators, so an owner cannot undo it.
   *
   * @throws {AuthError} `conflict.already_terminal`.
   */
  suspend: PlannableOperation<OfOrganization, Organization>;
  /**
   * Reverses `suspend`. Allowed for the application and administrators.
   *
   * @throws {AuthError} `precondition.invalid_transition`.
   */
  reinstate: PlannableOperation<OfOrganization, Organization>;
  /**
   * Ends an organization for good, with its memberships and its invitations that wait. It keeps its slug. Allowed for the
   * application, its owners within ten minutes of a proof, and administrators.
   *
   * @throws {AuthError} `conflict.already_terminal`.
   */
  revoke: PlannableOperation<OfOrganization, Organization>;
}

export function organizationOperations(core: Core, maxPerUser: number): OrganizationOperations {
  return {
    ...securityPolicyOperations(core),

    create: plannable(core, async ({ actor, userId, name = null, slug = null, idempotencyKey }) => {
      const organizationId = generateId("org");
      const asked = {
        actor,
        auditId: newAuditId(),
        organizationId: uuidFor("org", organizationId),
        userId: uuidFor("usr", userId),
        membershipId: newUuid(),
        tupleId: newUuid(),
        most: actor.userId ? maxPerUser : undefined,
      };
      const accepted = { name: acceptDisplayName(name), slug: acceptSlug(slug) };
      const claimed = [asked.userId];
      const claim = await claimFor(core, actor, acts.createOrganization, idempotencyKey, claimed, asked.organizationId);
      const work = guardedWork(acts.createOrganization, asked, asked.organizationId, {
        locks: [lockUser(asked.userId)],
        body: store.insertOrganization({ ...asked, ...accepted, claim }),
        onLostReply: store.recallCreated(asked.membershipId, asked.auditId),
        decode: (row) => ({
          organization: toOrganization(row),
          membership: toValue(membership, row, "membership."),
        }),
      });
      return { work, known: { organizationId } };
    }),

    async get(input) {
      return await readOne(core, store.selectOrganization(ask(input)), toOrganization);
    },

    async list({ actor, query, status, ...input }) {
      const page = pageOf("org", input);
      const asked = { actor, auditId: newAuditId(), query: query && storableText(query), status, ...page };
      return await readPage(core, store.selectOrganizations(asked), page.limit, toOrganization);
    },

    update: change(acts.updateOrganization, (asked, input: UpdateOrganization) =>
      store.updateOrganization({
        ...asked,
        name: input.name === undefined ? undefined : acceptDisplayName(input.name),
        slug: input.slug === undefined ? undefined : acceptSlug(input.slug),
      }),
    ),
    suspend: change(acts.suspendOrganization, store.suspendOrganization),
    reinstate: change(acts.reinstateOrganization, store.reinstateOrganization),
    revoke: change(acts.revokeOrganization, store.revokeOrganization),
  };

  function change<Input extends OfOrganization>(
    act: GuardedAct,
    statement: (asked: store.OfOrganization, input: Input) => Statement<store.OrganizationRow>,
  ): PlannableOperation<Input, Organization> {
    return plannableChange(core, (input) => {
      const asked = ask(input);
      return guardedWork(act, asked, asked.organizationId, {
        locks: [store.lockOrganization(asked.organizationId)],
        body: statement(asked, input),
        onLostReply: store.recallOrganization(asked.organizationId, asked.auditId),
        decode: toOrganization,
      });
    });
  }
}

function ask({ actor, organizationId }: OfOrganization): store.OfOrganization {
  return { actor, auditId: newAuditId(), organizationId: uuidFor("org", organizationId) };
}

function toOrganization(row: store.OrganizationRow): Organization {
  return toValue(organization, row);
}
