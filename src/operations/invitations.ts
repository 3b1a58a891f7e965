import { sha256Hex } from "../crypto/digest.ts";
import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/deployment-invitation.ts";
import { generateOpaqueToken } from "../domain/bearer.ts";
import {
  type DeploymentInvitation,
  defaultInvitationSeconds,
  deploymentInvitation,
  longestInvitationSeconds,
  shortestInvitationSeconds,
} from "../domain/deployment-invitation.ts";
import { AuthError } from "../domain/error.ts";
import { type DeploymentInvitationId, newAuditId, newUuid, uuidFor } from "../domain/id.ts";
import { oneMailbox } from "../domain/mail.ts";
import { toValue } from "../domain/record.ts";
import { acceptDisplayName } from "../domain/text.ts";
import type { Core } from "../engine/core.ts";
import { requireAdmitted } from "../engine/counters.ts";
import { denialOf, recordDenial } from "../engine/denial.ts";
import { execute } from "../engine/execute.ts";
import type { Feature, FeatureParts } from "../engine/feature.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { claimFor } from "../engine/idempotency.ts";
import { requireIdentifier } from "../engine/identifiers.ts";
import { requireLinkPath } from "../engine/link-path.ts";
import { locksOf } from "../engine/locks.ts";
import { mailboxCounter, mailboxOf } from "../engine/mailbox.ts";
import { newLink } from "../engine/mailed-secrets.ts";
import { checked, requireWhole } from "../engine/options.ts";
import { type Page, pageOf } from "../engine/page.ts";
import type { Operation, PlannableOperation } from "../engine/plan.ts";
import { plannableChange } from "../engine/plan.ts";
import { readPage } from "../engine/reads.ts";
import { refuse } from "../engine/refuse.ts";
import type { Counter } from "../store/counters.ts";
import * as store from "../store/deployment-invitations.ts";
import { lockIdentifier } from "../store/identifiers.ts";
import { purgeInvitations, purgeMail } from "../store/maintenance.ts";
import {
  type AcceptInvitation,
  acceptOperation,
  type LookAtInvitation,
  lookOperation,
} from "./invitation-acceptance.ts";

/** The options of the feature `invitations`. */
export interface InvitationOptions {
  /** How long an invitation counts if its maker names no time, in seconds. Default 7 days; from a minute to 30 days. */
  lifetimeSeconds?: number;
  /**
   * Where the links of invitations lead, as a path on the base URL. Default `/invitation`, which `sallyport/pages` serves. The page
   * reads the secret from the query parameter `token`, and sends it by POST.
   */
  linkPath?: string;
}

/** An invitation to make. */
export interface CreateInvitation {
  /** The caller: an administrator, or the application. */
  readonly actor: Actor;
  /** The address or name of the future account. */
  readonly identifier: string;
  /** The name that the account gets if its user gives none. */
  readonly displayName?: string | null;
  /** How long it counts, from a minute to 30 days. Default: the option `lifetimeSeconds`. */
  readonly ttlSeconds?: number | undefined;
  /**
   * The languages that the invited person prefers, as in the header `Accept-Language`. The message is in the most preferred of
   * these that the option `languages` of `mail` lists. Default: the first in that list.
   */
  readonly acceptLanguage?: string | undefined;
  /**
   * The caller's own text for this invitation. For 24 hours, a repeat with the same key is refused with
   * `conflict.idempotency_key_used`: the link is given only once, and a renewal would end it.
   */
  readonly idempotencyKey?: string | undefined;
}

/** A new invitation, with the link to copy. */
export interface MadeInvitation {
  readonly invitation: DeploymentInvitation;
  /** The link to hand over by another way than mail. It is given only this once, and proves no address. */
  readonly url: string;
  /** The secret in `url`. */
  readonly token: string;
}

/**
 * Invitations to make an account, in every mode of sign-up but `closed`.
 *
 * An invitation has two secrets. One is mailed, if the application has the feature `mail` and the identifier is an address: it
 * proves the address, and no answer contains it. The other is in `url`: the inviter has seen it, so an account that
 * it makes has an address that is not verified. Either works once, and ends both.
 */
export interface InvitationOperations {
  /**
   * Makes an invitation, or renews the open one of the same address: its earlier links no longer work. Allowed for the
   * application, and for administrators with a fresh second factor. An administrator's invitation counts only as long as they are
   * an active administrator.
   *
   * An identifier that has an account is refused, and nothing is mailed. An address gets at most five messages an hour.
   *
   * @throws {AuthError} `forbidden.sign_up_closed`, `invalid_format.identifier`, `invalid_format.name`,
   *   `conflict.duplicate_credential`, `too_many_requests`, `invalid_format.idempotency_key`, `conflict.idempotency_key_used`.
   */
  create: Operation<CreateInvitation, MadeInvitation>;
  /**
   * A page of the invitations that are open, or that expired in the last 30 days, in order of their ids. Allowed for the
   * application, and for administrators with a fresh second factor.
   *
   * @throws {AuthError} `invalid_format.cursor`.
   */
  list: Operation<
    { actor: Actor; cursor?: string | undefined; limit?: number | undefined },
    Page<DeploymentInvitation>
  >;
  /**
   * Ends an invitation, and does not send its message if that is still owed. One that was accepted or revoked stays as it is.
   * Allowed for the application, and for administrators with a fresh second factor.
   */
  revoke: PlannableOperation<{ actor: Actor; invitationId: DeploymentInvitationId }, DeploymentInvitation>;
  /** True for administrators, however old the proof of their second factor is, and for the application. */
  mayInvite: Operation<{ actor: Actor }, boolean>;
  look: LookAtInvitation;
  accept: AcceptInvitation;
}

/** The operations that the feature `invitations` adds to `auth`. */
export interface InvitationAuth {
  readonly invitations: InvitationOperations;
}

/** The settings of invitations. */
export interface InvitationSettings {
  readonly lifetimeSeconds: number;
  readonly linkPath: string;
  /** True if a message is owed to the address. */
  readonly sendsMail: boolean;
  /** The tag of the message's language. Without it, the message is in the first language of the deployment that sends it. */
  readonly mailLanguage: Feature["mailLanguage"];
}

/** The operations on invitations. They owe messages if the application has the feature `mail`. */
export function invitationParts(
  core: Core,
  { lifetimeSeconds = defaultInvitationSeconds, linkPath = "/invitation" }: InvitationOptions,
  features: readonly Feature[],
): FeatureParts<InvitationAuth> {
  const mail = features.find(({ name }) => name === "mail");
  const settings = { lifetimeSeconds, linkPath, sendsMail: mail !== undefined, mailLanguage: mail?.mailLanguage };
  return {
    operations: { invitations: invitationOperations(core, settings) },
    check: () => checkSettings(core, settings),
    purges: [purgeInvitations, purgeMail],
  };
}

function checkSettings(core: Core, { lifetimeSeconds, linkPath }: InvitationSettings): void {
  checked("lifetimeSeconds", () =>
    requireWhole("lifetimeSeconds", lifetimeSeconds, shortestInvitationSeconds, longestInvitationSeconds),
  );
  checked("linkPath", () => requireLinkPath(core.origins[0]!.origin, linkPath, "/invitation"));
}

function invitationOperations(core: Core, settings: InvitationSettings): InvitationOperations {
  return {
    create: (input) => create(core, settings, input),

    async list({ actor, ...input }) {
      const page = pageOf("join", input);
      const body = store.selectInvitations({ actor, auditId: newAuditId(), ...page });
      return await readPage(core, body, page.limit, toInvitation);
    },

    revoke: plannableChange(core, ({ actor, invitationId }) => {
      const asked = { actor, auditId: newAuditId(), invitationId: uuidFor("join", invitationId) };
      return guardedWork(acts.revokeInvitation, asked, asked.invitationId, {
        locks: [store.lockInvitation(asked.invitationId)],
        body: store.revokeInvitation(asked),
        onLostReply: store.recallInvitation(asked.invitationId, asked.auditId),
        decode: toInvitation,
      });
    }),

    mayInvite: async ({ actor }) =>
      await execute(core, {
        body: store.selectMayInvite(actor),
        onLostReply: "repeat",
        decode: ({ mayInvite }) => mayInvite,
      }),

    look: lookOperation(core),
    accept: acceptOperation(core),
  };
}

async function create(
  core: Core,
  settings: InvitationSettings,
  { actor, displayName = null, ttlSeconds: lifetimeSeconds = settings.lifetimeSeconds, ...input }: CreateInvitation,
): Promise<MadeInvitation> {
  checkSettings(core, settings);
  if (core.signUp === "closed") throw new AuthError("forbidden.sign_up_closed");
  const isWhole = Number.isInteger(lifetimeSeconds);
  if (!isWhole || lifetimeSeconds < shortestInvitationSeconds || lifetimeSeconds > longestInvitationSeconds) {
    throw new RangeError("An invitation lasts a minute to 30 days, in whole seconds.");
  }
  const identifier = requireIdentifier(core, input.identifier);
  const name = acceptDisplayName(displayName);
  const isMailed = settings.sendsMail && new RegExp(oneMailbox).test(identifier);
  const language = settings.mailLanguage?.(core, input.acceptLanguage);
  const content = { path: settings.linkPath, ...(language !== undefined && { language }) };
  const link = isMailed ? await newLink(core, "invitation", lifetimeSeconds, content) : undefined;
  const counters: Counter[] = [];
  // A program makes as many as it likes; a stolen session of an administrator does not.
  if (actor.userId) {
    counters.push({ name: `invitations:${uuidFor("usr", actor.userId)}`, limit: core.limits.address, kind: "address" });
  }
  if (isMailed) counters.push(mailboxCounter(await mailboxOf(core, identifier), "administrator"));
  const token = generateOpaqueToken();
  const copiedHash = await sha256Hex(token);
  const asked = { actor, auditId: newAuditId(), invitationId: newUuid() };
  const claim = await claimFor(core, actor, acts.createInvitation, input.idempotencyKey, [], asked.invitationId);
  const row = await execute(core, {
    locks: locksOf(acts.createInvitation, ...lockIdentifier(identifier)),
    body: store.createInvitation({
      ...asked,
      identifier,
      displayName: name,
      lifetimeSeconds,
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
    await recordDenial(core, denialOf(actor, acts.createInvitation, asked.invitationId), refusal);
    throw refusal;
  }
  requireAdmitted(row);
  // The reply was lost, and the invitation was renewed since: the secret is of no use.
  const { id } = row;
  if (id === null) throw new AuthError("unavailable.reply_lost");
  const url = new URL(settings.linkPath, core.origins[0]!.origin);
  url.searchParams.set("token", token);
  return { invitation: toInvitation({ ...row, id }), url: url.href, token };
}

function toInvitation(row: store.InvitationRow): DeploymentInvitation {
  return toValue(deploymentInvitation, row);
}
