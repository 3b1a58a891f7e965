import type { SessionActor } from "../domain/actor.ts";
import { sessionOf } from "../domain/actor.ts";
import * as acts from "../domain/acts/verification.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, uuidFor } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import { addressCounters, requireAdmitted } from "../engine/counters.ts";
import { denialOf, recordDenial } from "../engine/denial.ts";
import { execute } from "../engine/execute.ts";
import { identifiersFor } from "../engine/identifiers.ts";
import { locksOf } from "../engine/locks.ts";
import type { MailCore } from "../engine/mail-settings.ts";
import { mailboxCounter, mailboxOf } from "../engine/mailbox.ts";
import { newLink } from "../engine/mailed-secrets.ts";
import type { Operation } from "../engine/plan.ts";
import { refuse } from "../engine/refuse.ts";
import type { Counter } from "../store/counters.ts";
import { lockUser } from "../store/locks.ts";
import * as requests from "../store/verification-requests.ts";
import { hashPassword, linkOf, provePassword, spendLink, type VerifiedIdentifier } from "./mailed-link.ts";

/** How the person who opens a mailed link shows that the account is theirs. */
export type VerificationProof =
  /** A session of the account, from a proof in the last ten minutes. It goes on, with everything that it has enrolled or proved. */
  | { readonly type: "session"; readonly actor: SessionActor }
  /** The account's password. It stays. */
  | { readonly type: "password"; readonly password: string }
  /** No proof: the account gets a new password, and every other way in ends. */
  | { readonly type: "new_password"; readonly password: string };

/** Proving that an identifier is the user's address. */
export interface IdentifierOperations {
  /**
   * Owes a link to the address of one of the user's passwords. The link works once, for 24 hours; a later link replaces it.
   * `auth.mail.deliver` sends it. An address gets at most five an hour.
   *
   * @param identifier The address. Default: the identifier that the session was started with.
   * @throws {AuthError} `not_found`, `invalid_format.identifier`, `precondition.invalid_transition`, `too_many_requests`.
   */
  requestVerification: Operation<{ actor: SessionActor; identifier?: string | undefined }, void>;
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
}

const linkLifetimeSeconds = 86_400;
export function identifierOperations(core: MailCore): IdentifierOperations {
  return {
    requestVerification: (input) => requestVerification(core, input),
    verify: ({ token, proof, context }) => verify(core, token, proof, cleanContext(context ?? {})),
  };
}

async function requestVerification(
  core: MailCore,
  { actor, identifier }: { actor: SessionActor; identifier?: string | undefined },
): Promise<void> {
  const typed = identifier ?? sessionOf(actor).identifier;
  const identifiers = identifiersFor(core, typed);
  if (identifiers.length === 0) throw new AuthError("invalid_format.identifier");
  const counters: readonly Counter[] = [
    mailboxCounter(await mailboxOf(core, typed)),
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
      ...(await newLink(core, "verify_identifier", linkLifetimeSeconds)),
    }),
    mustCommit: true,
    onLostReply: requests.recallRequest(auditId),
  });
  try {
    refuse(row.refusal);
  } catch (refusal) {
    await recordDenial(
      core,
      denialOf(actor, acts.requestVerification, uuidFor("ses", sessionOf(actor).sessionId), "ses"),
      refusal,
    );
    throw refusal;
  }
  requireAdmitted(row);
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
      : await (proof.type === "password" ? provePassword : hashPassword)(core, link, proof.password);
  return await spendLink(core, link, proved);
}
