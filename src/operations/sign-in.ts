import { sha256Hex } from "../crypto/digest.ts";
import { signIn as act } from "../domain/acts/sign-in.ts";
import { generateOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import type { FactorType } from "../domain/factor.ts";
import { type CredentialId, newAuditId, type UserId, wireId } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import type { Core } from "../engine/core.ts";
import { attemptCounters, countedOf, requireAdmitted } from "../engine/counters.ts";
import { execute } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { cutIdentifier, identifiersFor, normalIdentifier } from "../engine/identifiers.ts";
import { issueKnownDevice, verifyKnownDevice } from "../engine/known-device.ts";
import { lockOfToken, locksOf, lockUsersOf } from "../engine/locks.ts";
import { rehash, requireIdle, returningOnBusy, verifyPasswordHash } from "../engine/passwords.ts";
import { TimeLeft } from "../engine/patience.ts";
import type { Operation } from "../engine/plan.ts";
import { executeAndPurge } from "../engine/purge.ts";
import { type IssuedSession, issued, newSession } from "../engine/sessions.ts";
import { digestOfToken } from "../engine/token-digest.ts";
import { userOfCredential } from "../store/credentials.ts";
import type { SessionUserRow } from "../store/sessions.ts";
import * as store from "../store/sign-in.ts";

/** The input of a sign-in with a password. */
export interface PasswordProof {
  readonly identifier: string;
  readonly password: string;
  readonly transport?: Transport;
  /**
   * False for a session that ends with its browser, and after 12 hours without use: its cookie has no `Max-Age`. With the
   * transport `token`, only the 12 hours apply. A session that follows keeps the choice. Default true.
   */
  readonly remember?: boolean | undefined;
  /** A session token that the client already holds, in the same transport. Its session ends when the sign-in succeeds. */
  readonly presentedToken?: string | undefined;
  /** The value of the known-device cookie. */
  readonly knownDevice?: string | undefined;
  readonly context?: RequestContext;
}

/**
 * A sign-in that lacks its second factor: the kinds that the user can prove, or the fact that the user must enroll one first.
 */
export interface SecondFactorNeeded {
  readonly mfaRequired: true;
  /** Single use, five minutes, five attempts. */
  readonly ticket: string;
  readonly factors: readonly FactorType[];
  /** True if the user must have a factor and has none. The ticket then serves only to enroll one. */
  readonly enroll: boolean;
}

/** The result of a sign-in: a session, or a ticket if a second factor must follow. */
export type SignedIn =
  | (IssuedSession & { readonly mfaRequired: false; readonly knownDevice: string })
  | SecondFactorNeeded;

/**
 * The result of a proved password: a ticket that is valid once, within five minutes. It grants only the next step of the
 * sign-in.
 */
export interface VerifiedPassword {
  readonly userId: UserId;
  readonly credentialId: CredentialId;
  readonly mfaRequired: boolean;
  readonly ticket: string;
}

/** The operations that the feature `passwords` adds to `auth`. */
export interface PasswordAuth extends Pick<SignInOperations, "verifyPassword"> {
  readonly signIn: { readonly password: SignInOperations["signIn"] };
}

/** The operations of signing in with a password. */
export function passwordParts(core: Core): FeatureParts<PasswordAuth> {
  return {
    operations: {
      signIn: { password: (proof) => signIn(core, proof) },
      verifyPassword: (proof) => verifyPassword(core, proof),
    },
  };
}

/** Signing in with a password. */
export interface SignInOperations {
  /**
   * Signs in with identifier and password.
   *
   * An unknown identifier, a wrong password and a user who may not sign in get the same refusal, after equal work. A user who must
   * have a second factor, has none and may not enroll one gets `forbidden.enrollment_not_granted`.
   *
   * @throws {AuthError} `unauthorized.invalid_credential`, `forbidden.enrollment_not_granted`, `too_many_requests`,
   *   `unavailable.busy`.
   */
  signIn: Operation<PasswordProof, SignedIn>;
  /**
   * Flametrench `verifyPassword`: the check of `signIn`, but the result is a ticket instead of a session.
   *
   * @throws {AuthError} `unauthorized.invalid_credential`, `forbidden.enrollment_not_granted`, `too_many_requests`,
   *   `unavailable.busy`.
   */
  verifyPassword: Operation<PasswordProof, VerifiedPassword>;
}

/** {@link SignInOperations.signIn}. */
async function signIn(core: Core, proof: PasswordProof): Promise<SignedIn> {
  const { row, session, ticket } = await provePassword(core, proof, false);
  const { next, factors } = row;
  if (next !== "session") return { mfaRequired: true, ticket, factors, enroll: next === "enroll" };
  const signedIn = issued(row, session.token);
  return { ...signedIn, mfaRequired: false, knownDevice: await issueKnownDevice(core, signedIn.session.credentialId) };
}

/** {@link SignInOperations.verifyPassword}. */
async function verifyPassword(core: Core, proof: PasswordProof): Promise<VerifiedPassword> {
  const { row, ticket, credentialId, userId } = await provePassword(core, proof, true);
  const mfaRequired = row.next !== "session";
  return { userId: wireId("usr", userId), credentialId: wireId("cred", credentialId), mfaRequired, ticket };
}

interface ProvedPassword {
  readonly row: store.SignedInRow & SessionUserRow;
  readonly session: { readonly token: string };
  readonly ticket: string;
  readonly credentialId: string;
  readonly userId: string;
}

/** Reserve, hash, spend: two requests and one Argon2id for every caller and every identifier. */
async function provePassword(core: Core, proof: PasswordProof, onlyTicket: boolean): Promise<ProvedPassword> {
  const time = new TimeLeft(core.patience);
  const { password, transport = "token", presentedToken, remember } = proof;
  requireIdle(core);
  const context = cleanContext(proof.context ?? {});
  const typed = cutIdentifier(proof.identifier);
  const identifier = normalIdentifier(core, typed);
  const device = await verifyKnownDevice(core, proof.knownDevice);
  const counters = await attemptCounters(core, {
    // As it is looked up, or more spaces would be more attempts.
    identifier: identifier ?? typed.trim(),
    address: context.address,
    device: device?.nonce,
  });
  const attempt = { auditId: newAuditId(), context, identifierDigest: counters.identifierDigest };

  const reserved = await executeAndPurge(core, {
    time,
    body: store.reservePasswordCheck({
      ...attempt,
      auditId: newAuditId(),
      identifiers: identifiersFor(core, typed),
      counters: counters.counters,
      deviceCredentialId: device?.credentialId,
    }),
    mustCommit: true,
    onLostReply: "repeat",
  });
  requireAdmitted(reserved);

  const counted = countedOf(counters.counters, reserved.counter);
  const form = await returningOnBusy(core, counted, () => verifyPasswordHash(core, reserved.passwordHash, password));
  const { credentialId, userId, passwordHash } = reserved;
  if (!form || credentialId === null) {
    await execute(core, {
      time,
      body: store.recordFailedSignIn({ ...attempt, userId }),
      onLostReply: "repeat",
    });
    throw new AuthError("unauthorized.invalid_credential");
  }

  const made = await newSession(core, { transport, context, remember });
  const ticket = generateOpaqueToken();
  const rehashed = await rehash(core, passwordHash, password, form);
  const presentedTokenHash = await digestOfToken(presentedToken);
  const row = await execute(core, {
    time,
    // The statement reads the required factors and the state of the presented session after these locks.
    locks: locksOf(act, lockUsersOf(userOfCredential(credentialId)), ...lockOfToken(presentedTokenHash)),
    body: store.spendPassword({
      ...attempt,
      credentialId,
      session: made.session,
      ticketHash: await sha256Hex(ticket),
      onlyTicket,
      presentedTokenHash,
      refund: reserved.counter,
      passwordHash,
      rehashed,
    }),
    onLostReply: store.recallSpentPassword(made.session.sessionId, attempt.auditId),
  });
  if (!row.live) throw new AuthError("unauthorized.invalid_credential");
  if (row.next === "closed") throw new AuthError("forbidden.enrollment_not_granted");
  return { row, session: { token: made.token }, ticket, credentialId, userId };
}
