import type { GuardedAct } from "../domain/act.ts";
import type { SessionActor } from "../domain/actor.ts";
import { sessionOf } from "../domain/actor.ts";
import * as acts from "../domain/acts/verification.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, newUuid, uuidFor, wireId } from "../domain/id.ts";
import { oneMailbox } from "../domain/mail.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import { addressCounters, requireAdmitted } from "../engine/counters.ts";
import { denialOf, recordDenial } from "../engine/denial.ts";
import { execute } from "../engine/execute.ts";
import { identifiersFor, requireIdentifier } from "../engine/identifiers.ts";
import { issueKnownDevice } from "../engine/known-device.ts";
import { locksOf } from "../engine/locks.ts";
import { type MailCore, mailLanguageFor } from "../engine/mail-settings.ts";
import { mailboxCounter, mailboxOf } from "../engine/mailbox.ts";
import { newLink } from "../engine/mailed-secrets.ts";
import type { Operation } from "../engine/plan.ts";
import { refuse } from "../engine/refuse.ts";
import { type IssuedSession, issued, newSession } from "../engine/sessions.ts";
import type { Counter } from "../store/counters.ts";
import * as changes from "../store/identifier-change.ts";
import { requestIdentifierChange } from "../store/link-requests.ts";
import { lockUser } from "../store/locks.ts";
import * as requests from "../store/verification-requests.ts";
import { type RequestedLink, requestLink } from "./link-requests.ts";
import { hashPassword, linkHash, linkOf, provePassword, spendLink, type VerifiedIdentifier } from "./mailed-link.ts";

/** How the person who opens a mailed link shows that the account is theirs. */
export type VerificationProof =
  /** A session of the account, from a proof in the last ten minutes. It goes on, with everything that it has enrolled or proved. */
  | { readonly type: "session"; readonly actor: SessionActor }
  /** The account's password. It stays. */
  | {
      readonly type: "password";
      readonly password: string;
      /** The value that an earlier sign-in gave. A device that the account knows has attempts of its own. */
      readonly knownDevice?: string | undefined;
    }
  /** No proof: the account gets a new password, and every other way in ends. */
  | { readonly type: "new_password"; readonly password: string };

/** Proving that an identifier is the user's address. */
export interface IdentifierOperations {
  /**
   * Owes a link to the address of one of the user's passwords. The link works once, for 24 hours; a later link replaces it.
   * `auth.mail.deliver` sends it. An address gets at most five an hour.
   *
   * @param identifier The address. Default: the identifier that the session was started with.
   * @param acceptLanguage As in the header `Accept-Language`: the language of the message.
   * @throws {AuthError} `not_found`, `invalid_format.identifier`, `precondition.invalid_transition`, `too_many_requests`.
   */
  requestVerification: Operation<
    { actor: SessionActor; identifier?: string | undefined; acceptLanguage?: string | undefined },
    void
  >;
  /**
   * Spends a mailed link: the address is verified from then on. The account may have been made without the address. So with
   * the account's first verified address, everything that could let them in ends: sessions, tickets, tokens, links, factors,
   * passkeys and passwords, except what the proof shows to be the owner's.
   *
   * Only a session can prove the account of an administrator, and an account that has a verified address already. A session
   * proves the first address only if it was started with that address's password, or has added it.
   *
   * @throws {AuthError} `unauthorized.invalid_link`, `unauthorized.invalid_credential`,
   *   `unauthorized.reauthentication_required`, `invalid_format.password`, `too_many_requests`, `unavailable.busy`.
   */
  verify: Operation<
    { token: string; proof: VerificationProof; context?: RequestContext | undefined },
    VerifiedIdentifier
  >;
  /**
   * Owes a link and a code to a new address, in place of the identifier of one of the user's passwords. If an account has the
   * address already, its owner gets a message that says so. The answer and the work are the same. The link works once, for an
   * hour; a later one replaces it. An address gets at most five an hour.
   *
   * @param identifier The new address.
   * @param replaces The old identifier. Default: that of the password that the session was started with, or else of the user's
   *   oldest password.
   * @param acceptLanguage As in the header `Accept-Language`: the language of the message.
   * @throws {AuthError} `not_found`, `invalid_format.identifier`, `precondition.invalid_transition`, `too_many_requests`.
   */
  requestChange: Operation<
    {
      actor: SessionActor;
      identifier: string;
      replaces?: string | undefined;
      acceptLanguage?: string | undefined;
    },
    RequestedLink
  >;
  /**
   * Spends the link of a new address, in a session of the account: the same password is used with the new address from then on.
   * Every session, ticket and link of the user ends, and the acting session goes on with a new token. Personal access tokens,
   * factors and passkeys stay. If no address of the account was verified before, what the session has not enrolled ends, as with
   * `verify`.
   *
   * A verified old address gets a message whose link puts it back, for 72 hours: see `auth.notices.disown`.
   *
   * @param token The secret of the link, or the one that a code was exchanged for.
   * @throws {AuthError} `unauthorized.invalid_link`, `unauthorized.invalid_credential`, `conflict.duplicate_credential`.
   */
  confirmChange: Operation<
    { actor: SessionActor; token: string; transport: Transport },
    IssuedSession & { knownDevice: string }
  >;
}

const linkLifetimeSeconds = 86_400;
export function identifierOperations(core: MailCore): IdentifierOperations {
  return {
    requestVerification: (input) => requestVerification(core, input),
    requestChange: (input) => requestChange(core, input),
    confirmChange: (input) => confirmChange(core, input),
    verify: ({ token, proof, context }) => verify(core, token, proof, cleanContext(context ?? {})),
  };
}

async function requestVerification(
  core: MailCore,
  { actor, identifier, acceptLanguage }: Parameters<IdentifierOperations["requestVerification"]>[0],
): Promise<void> {
  const typed = identifier ?? sessionOf(actor).identifier;
  const identifiers = identifiersFor(core, typed);
  if (identifiers.length === 0) throw new AuthError("invalid_format.identifier");
  const counters: readonly Counter[] = [
    mailboxCounter(await mailboxOf(core, typed), "account"),
    ...(await addressCounters(core, actor.context.address)),
  ];
  const auditId = newAuditId();
  const row = await execute(core, {
    locks: locksOf(acts.requestVerification, lockUser(uuidFor("usr", sessionOf(actor).userId))),
    body: requests.requestVerification({
      actor,
      identifiers,
      counters,
      auditId,
      ...(await newLink(core, "verify_identifier", linkLifetimeSeconds, {
        language: mailLanguageFor(core, acceptLanguage),
      })),
    }),
    mustCommit: true,
    onLostReply: requests.recallRequest(auditId),
  });
  await recordingDenial(core, actor, acts.requestVerification, () => refuse(row.refusal));
  requireAdmitted(row);
}

/** Does something, and records a refusal with the acting session as its target. */
async function recordingDenial<Result>(
  core: MailCore,
  actor: SessionActor,
  act: GuardedAct,
  run: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await run();
  } catch (refusal) {
    await recordDenial(core, denialOf(actor, act, uuidFor("ses", sessionOf(actor).sessionId), "ses"), refusal);
    throw refusal;
  }
}

async function requestChange(
  core: MailCore,
  { actor, identifier: typed, replaces, acceptLanguage }: Parameters<IdentifierOperations["requestChange"]>[0],
): Promise<RequestedLink> {
  const identifier = requireIdentifier(core, typed);
  if (!new RegExp(oneMailbox).test(identifier)) throw new AuthError("invalid_format.identifier");
  const act = acts.requestIdentifierChange;
  const asked = { kind: "change_identifier", act, locks: [lockUser(uuidFor("usr", sessionOf(actor).userId))] } as const;
  const from = replaces === undefined ? undefined : identifiersFor(core, replaces);
  return await recordingDenial(core, actor, act, () =>
    requestLink(core, { identifier, acceptLanguage, context: actor.context }, asked, (request) =>
      requestIdentifierChange({ ...request, actor, identifier, from, takenKind: "change_identifier_taken" }),
    ),
  );
}

async function confirmChange(
  core: MailCore,
  { actor, token, transport }: { actor: SessionActor; token: string; transport: Transport },
): Promise<IssuedSession & { knownDevice: string }> {
  const tokenHash = await linkHash(token);
  const made = await newSession(core, { transport, context: actor.context });
  const [auditId, newCredentialId] = [newAuditId(), newUuid()];
  const row = await execute(core, {
    locks: locksOf(acts.changeIdentifier, ...changes.lockChange(tokenHash)),
    body: changes.changeIdentifier({
      actor,
      tokenHash,
      newCredentialId,
      session: made.session,
      noticeId: newUuid(),
      auditId,
    }),
    mustCommit: true,
    onLostReply: changes.recallChangedIdentifier(made.session.sessionId, auditId),
  });
  refuse(row.refusal);
  return {
    ...issued(row, made.token),
    knownDevice: await issueKnownDevice(core, wireId("cred", newCredentialId)),
  };
}

async function verify(
  core: MailCore,
  token: string,
  proof: VerificationProof,
  context: RequestContext,
): Promise<VerifiedIdentifier> {
  const link = await linkOf(core, { purpose: "verify_identifier", token, context });
  const proved =
    proof.type === "session"
      ? ({ by: "session", actor: proof.actor } as const)
      : proof.type === "password"
        ? await provePassword(core, link, proof.password, proof.knownDevice)
        : await hashPassword(core, link, proof.password);
  return await spendLink(core, link, proved);
}
