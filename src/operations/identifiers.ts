import { sha256Hex } from "../crypto/digest.ts";
import type { SessionActor } from "../domain/actor.ts";
import { sessionOf } from "../domain/actor.ts";
import * as acts from "../domain/acts/verification.ts";
import { isOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { type CredentialId, newAuditId, newUuid, uuidFor, wireId } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import { addressCounters, countedOf, requireAdmitted } from "../engine/counters.ts";
import { denialOf, recordDenial } from "../engine/denial.ts";
import { execute } from "../engine/execute.ts";
import { identifiersFor, normalIdentifier } from "../engine/identifiers.ts";
import { locksOf, lockUsersOf } from "../engine/locks.ts";
import { type MailCore, newLink } from "../engine/mail-settings.ts";
import {
  acceptPassword,
  hashNewPassword,
  requireIdle,
  returningOnBusy,
  verifyPasswordHash,
} from "../engine/passwords.ts";
import { TimeLeft } from "../engine/patience.ts";
import type { Operation } from "../engine/plan.ts";
import { refuse } from "../engine/refuse.ts";
import type { AttemptLimit, Counter } from "../store/counters.ts";
import { lockUser } from "../store/locks.ts";
import * as requests from "../store/verification-requests.ts";
import * as store from "../store/verifications.ts";

/** How the person who opens a mailed link shows that the account is theirs. */
export type VerificationProof =
  /** A session of the account, from a proof in the last ten minutes. It goes on, with everything that it has enrolled or proved. */
  | { readonly type: "session"; readonly actor: SessionActor }
  /** The account's password. It stays. */
  | { readonly type: "password"; readonly password: string }
  /** No proof: the account gets a new password, and every other way in ends. */
  | { readonly type: "new_password"; readonly password: string };

/** An address that has been proved. */
export interface VerifiedIdentifier {
  readonly credentialId: CredentialId;
  readonly identifier: string;
}

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
/** Messages that requests may ask for to one mailbox, whether or not an account has it. */
const mailboxLimit: AttemptLimit = { attempts: 5, windowSeconds: 3_600 };

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
  const mailbox = await core.keys.digest("mailbox", normalIdentifier(core, typed) ?? typed);
  const counters: Counter[] = [
    { name: `mailbox:${mailbox}`, limit: mailboxLimit, kind: "address" },
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
  if (!isOpaqueToken(token)) throw new AuthError("unauthorized.invalid_link");
  const tokenHash = await sha256Hex(token);
  const time = new TimeLeft(core.patience);
  const checked: store.LinkProof =
    proof.type === "session"
      ? { by: "session", actor: proof.actor }
      : await checkPassword(core, { tokenHash, proof, context, time });
  const auditId = newAuditId();
  const row = await execute(core, {
    time,
    locks: locksOf(acts.verifyIdentifier, lockUsersOf(store.userOfLink(tokenHash))),
    body: store.spendLink({
      tokenHash,
      proof: checked,
      context: proof.type === "session" ? proof.actor.context : context,
      auditId,
    }),
    mustCommit: true,
    onLostReply: store.recallSpentLink(auditId),
  });
  refuse(row.refusal);
  return { credentialId: wireId("cred", row.credentialId), identifier: row.identifier };
}

/** Counts an attempt, then verifies the password, or hashes the new one. */
async function checkPassword(
  core: MailCore,
  attempt: {
    tokenHash: string;
    proof: Exclude<VerificationProof, { type: "session" }>;
    context: RequestContext;
    time: TimeLeft;
  },
): Promise<store.LinkProof> {
  const { tokenHash, proof, context, time } = attempt;
  requireIdle(core);
  const addresses = await addressCounters(core, context.address);
  const { account: limit } = core.limits;
  // A password counts with those at sign-in. A new one counts for the link, whatever address it comes from.
  const own: Counter =
    proof.type === "password"
      ? { name: "link", limit, kind: "account" }
      : { name: `link:${tokenHash}`, limit, kind: "address" };
  const counters = [own, ...addresses];
  const reserved = await execute(core, {
    time,
    body: store.reserveLink({ tokenHash, counters, context, auditId: newAuditId() }),
    mustCommit: true,
    onLostReply: "repeat",
  });
  const { credentialId, identifier, passwordHash, counter } = reserved;
  if (credentialId === null || identifier === null) throw new AuthError("unauthorized.invalid_link");
  requireAdmitted(reserved);
  if (reserved.needsSession) throw new AuthError("unauthorized.reauthentication_required");
  const counted = countedOf(counters, counter);

  if (proof.type === "new_password") {
    const { needsFactor } = acceptPassword(core, proof.password, identifier);
    if (needsFactor) throw new AuthError("invalid_format.password", { details: { reason: "too_short" } });
    const hash = await hashNewPassword(core, proof.password, counted);
    return { by: "new_password", newCredentialId: newUuid(), passwordHash: hash };
  }
  const matches = await returningOnBusy(core, counted, () => verifyPasswordHash(core, passwordHash, proof.password));
  if (matches && passwordHash !== null && counter !== null) return { by: "password", passwordHash, counter };
  await execute(core, {
    time,
    body: store.recordWrongLinkPassword({ credentialId, context, auditId: newAuditId() }),
    onLostReply: "repeat",
  });
  throw new AuthError("unauthorized.invalid_credential");
}
