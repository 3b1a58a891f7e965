import { sha256Hex } from "../crypto/digest.ts";
import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/organization-invitation.ts";
import { generateOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { type InvitationId, newAuditId, newUuid, type OrganizationId, type UserId, uuidFor } from "../domain/id.ts";
import { oneMailbox } from "../domain/mail.ts";
import type { Role } from "../domain/membership.ts";
import {
  acceptPreTuples,
  type OrganizationInvitation,
  organizationInvitationSeconds,
  type PreTuple,
} from "../domain/organization-invitation.ts";
import type { Core } from "../engine/core.ts";
import { requireAdmitted } from "../engine/counters.ts";
import { denialOf, recordDenial } from "../engine/denial.ts";
import { execute } from "../engine/execute.ts";
import type { Feature } from "../engine/feature.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { claimFor } from "../engine/idempotency.ts";
import { requireIdentifier } from "../engine/identifiers.ts";
import { locksOf } from "../engine/locks.ts";
import { mailboxCounter, mailboxOf } from "../engine/mailbox.ts";
import { newLink } from "../engine/mailed-secrets.ts";
import { type Page, pageOf } from "../engine/page.ts";
import { type Operation, type PlannableOperation, plannableChange } from "../engine/plan.ts";
import { readOne, readPage } from "../engine/reads.ts";
import { refuse } from "../engine/refuse.ts";
import type { AttemptLimit, Counter } from "../store/counters.ts";
import { lockUser } from "../store/locks.ts";
import * as store from "../store/organization-invitations.ts";
import { lockOrganization } from "../store/organizations.ts";
import { sql } from "../store/sql.ts";
import { type InvitedOperations, invitedOperations, toInvitation } from "./organization-acceptance.ts";
import type { OfOrganization } from "./organizations.ts";

/** How many invitations one user makes. */
const inviterLimit: AttemptLimit = { attempts: 50, windowSeconds: 3_600 };

/** The end of the year 9999, in milliseconds. */
const latestTime = 253_402_300_800_000;

/** An invitation to make. */
export interface InviteToOrganization extends OfOrganization {
  /** The address or name of the invited person. */
  identifier: string;
  role: Role;
  /** Relations that the person gets with the membership, at most 50. Default: none, or those of the invitation that is renewed. */
  preTuples?: readonly PreTuple[] | undefined;
  /** When it ends, at most a year ahead. Default: after 7 days. */
  expiresAt?: Date | undefined;
  /** The inviter, an active user, if the application makes it. Other callers are the inviter themselves. */
  invitedBy?: UserId | undefined;
  /**
   * Renews the newest open invitation of the same identifier, if there is one: its earlier links no longer work. Default false.
   */
  renew?: boolean | undefined;
  /**
   * The languages that the invited person prefers, as in the header `Accept-Language`. The message is in the most preferred of
   * these that the option `languages` of `mail` lists. Default: the first in that list.
   */
  acceptLanguage?: string | undefined;
  /**
   * The caller's own text for this invitation. For 24 hours, a repeat with the same key is refused with
   * `conflict.idempotency_key_used`, since the link is given only once.
   */
  idempotencyKey?: string | undefined;
}

/** A new invitation to an organization, with the link to copy. */
export interface MadeOrganizationInvitation {
  readonly invitation: OrganizationInvitation;
  /** True if a message with another link is owed to the address. */
  readonly isMailed: boolean;
  /** The link to hand over by another way than mail. It is given only this once, and proves no address. */
  readonly url: string;
  /** The secret in `url`. */
  readonly token: string;
}

/** The caller, and the invitation to act on. */
export interface OfInvitation {
  /** The caller: the user of a verified session, or the application. */
  actor: Actor;
  invitationId: InvitationId;
  /** If given, an invitation to another organization is not found. */
  organizationId?: OrganizationId | undefined;
}

/**
 * Invitations to an organization (Flametrench `docs/tenancy.md`, ADR 0009).
 *
 * An invitation has two secrets. One is mailed, if the application has the feature `mail` and the identifier is an address: it
 * proves the address, and no answer contains it. The other is in `url`: the inviter has seen it, so it proves nothing. Either works
 * once, and ends both. The id of an invitation alone opens nothing.
 */
export interface OrganizationInvitationOperations extends InvitedOperations {
  /**
   * Invites a person. Allowed for the application, and for the organization's owners and admins, whose invitation counts only as
   * long as they could still make it. They give no role above their own, and relations only on objects of which they are `owner` or
   * `admin`; `owner` there only as `owner`. A role in an organization is no relation to give.
   *
   * A user makes at most 50 an hour, and a mailbox gets at most five messages an hour from users. Those of the application count with the
   * messages that administrators cause.
   *
   * @throws {AuthError} `forbidden`, `forbidden.role_hierarchy`, `invalid_format.identifier`, `invalid_format.relation`,
   *   `invalid_format.object_type`, `invalid_format.object_id`, `precondition.limit_reached`, `precondition.org_not_active`,
   *   `precondition.past_expiration`, `too_many_requests`, `invalid_format.idempotency_key`, `conflict.idempotency_key_used`.
   */
  create: Operation<InviteToOrganization, MadeOrganizationInvitation>;
  /** Returns an invitation. Allowed for the organization's owners and admins, the application and administrators. */
  get: Operation<OfInvitation, OrganizationInvitation>;
  /**
   * A page of an organization's invitations in order of their ids, in every state or only in the given state. Those that ended a month
   * ago are removed. Allowed for the organization's owners and admins, the application and administrators.
   *
   * @throws {AuthError} `invalid_format.cursor`.
   */
  list: Operation<
    OfOrganization & {
      cursor?: string | undefined;
      limit?: number | undefined;
      status?: OrganizationInvitation["status"] | undefined;
    },
    Page<OrganizationInvitation>
  >;
  /**
   * Ends an invitation, and does not send its message if that is still owed. Allowed for the application, and for the organization's
   * owners and admins, if the invitation's role is not above their own.
   *
   * @throws {AuthError} `forbidden.role_hierarchy`, `conflict.invitation_not_pending`.
   */
  revoke: PlannableOperation<OfInvitation, OrganizationInvitation>;
}

/** The settings of invitations to organizations. */
export interface InvitationSettings {
  readonly linkPath: string;
  /** The feature `mail`, if the application has it. */
  readonly mail: Feature | undefined;
}

export function organizationInvitationOperations(
  core: Core,
  settings: InvitationSettings,
): OrganizationInvitationOperations {
  return {
    ...invitedOperations(core),

    create: (input) => create(core, settings, input),

    async get(input) {
      return await readOne(core, store.selectInvitation(ask(input)), toInvitation);
    },

    async list({ actor, organizationId, status, ...input }) {
      const page = pageOf("inv", input);
      const asked = { actor, auditId: newAuditId(), organizationId: uuidFor("org", organizationId), status, ...page };
      return await readPage(core, store.selectInvitations(asked), page.limit, toInvitation);
    },

    revoke: plannableChange(core, (input) => {
      const asked = ask(input);
      return guardedWork(acts.revokeInvitation, asked, asked.invitationId, {
        locks: [store.lockOrganizationOf(sql`inv.id = ${asked.invitationId}::uuid`)],
        body: store.revokeInvitation(asked),
        onLostReply: store.recallInvitation(asked.invitationId, asked.auditId),
        decode: toInvitation,
      });
    }),
  };
}

async function create(
  core: Core,
  { linkPath, mail }: InvitationSettings,
  input: InviteToOrganization,
): Promise<MadeOrganizationInvitation> {
  const { actor, organizationId, role, expiresAt, renew: renews = false } = input;
  // A time that Postgres cannot read is in the past or far ahead.
  if (expiresAt && !(expiresAt.getTime() > 0 && expiresAt.getTime() < latestTime)) {
    throw new AuthError("precondition.past_expiration");
  }
  const identifier = requireIdentifier(core, input.identifier);
  const preTuples = input.preTuples && acceptPreTuples(input.preTuples);
  const isMailed = mail !== undefined && new RegExp(oneMailbox).test(identifier);
  const language = mail?.mailLanguage?.(core, input.acceptLanguage);
  const content = { path: linkPath, ...(language !== undefined && { language }) };
  const link = isMailed
    ? await newLink(core, "organization_invitation", organizationInvitationSeconds, content)
    : undefined;
  const counters: Counter[] = [];
  if (actor.userId) {
    const name = `organization-invitations:${uuidFor("usr", actor.userId)}`;
    counters.push({ name, limit: inviterLimit, kind: "address" });
  }
  if (isMailed)
    counters.push(mailboxCounter(await mailboxOf(core, identifier), actor.userId ? "member" : "administrator"));
  const token = generateOpaqueToken();
  const copiedHash = await sha256Hex(token);
  const inviter = actor.userId ?? input.invitedBy;
  if (inviter === undefined) throw new TypeError("An invitation of the application needs `invitedBy`.");
  const invitedBy = uuidFor("usr", inviter);
  const asked = {
    actor,
    auditId: newAuditId(),
    invitationId: newUuid(),
    organizationId: uuidFor("org", organizationId),
  };
  const claim = await claimFor(
    core,
    actor,
    acts.createInvitation,
    input.idempotencyKey,
    [organizationId],
    asked.invitationId,
  );
  const row = await execute(core, {
    locks: locksOf(acts.createInvitation, lockUser(invitedBy), lockOrganization(asked.organizationId)),
    body: store.createInvitation({
      ...asked,
      identifier,
      role,
      preTuples,
      invitedBy,
      expiresAt,
      renews,
      copiedHash,
      link,
      counters,
      claim,
    }),
    mustCommit: true,
    onLostReply: store.recallCreated(copiedHash, asked.auditId),
  });
  try {
    refuse(row.refusal);
  } catch (refusal) {
    await recordDenial(core, denialOf(actor, acts.createInvitation, asked.organizationId, "org"), refusal);
    throw refusal;
  }
  requireAdmitted(row);
  // The reply was lost, and the invitation was renewed since: the secret is of no use.
  const { id } = row;
  if (id === null) throw new AuthError("unavailable.reply_lost");
  const url = new URL(linkPath, core.origins[0]!.origin);
  url.searchParams.set("token", token);
  return { invitation: toInvitation({ ...row, id }), isMailed, url: url.href, token };
}

function ask({ actor, invitationId, organizationId }: OfInvitation): store.OfInvitation {
  return {
    actor,
    auditId: newAuditId(),
    invitationId: uuidFor("inv", invitationId),
    organizationId: organizationId && uuidFor("org", organizationId),
  };
}
