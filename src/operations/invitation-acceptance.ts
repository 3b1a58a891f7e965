import { acceptInvitation as act } from "../domain/acts/deployment-invitation.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, type UserId, wireId } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import { acceptDisplayName } from "../domain/text.ts";
import type { Core } from "../engine/core.ts";
import { addressCounters, countedOf, requireAdmitted } from "../engine/counters.ts";
import { execute, work } from "../engine/execute.ts";
import { lockOfToken, locksOf, lockUsersOf } from "../engine/locks.ts";
import { acceptPassword, requireIdle } from "../engine/passwords.ts";
import { type Operation, Plan, type PlannableOperation } from "../engine/plan.ts";
import { digestOfToken } from "../engine/token-digest.ts";
import type { Counter } from "../store/counters.ts";
import { lockIdentifier } from "../store/identifiers.ts";
import * as store from "../store/invitation-acceptance.ts";
import { recallSession } from "../store/sessions.ts";
import { recordTakenIdentifier } from "../store/sign-up.ts";
import { linkHash } from "./mailed-link.ts";
import { newAccount, type SignedUp, signedUp } from "./sign-up.ts";

/** The account to make with an invitation. */
export interface InvitedAccount {
  /** The secret of the link, mailed or copied. */
  readonly token: string;
  readonly password: string;
  /** Default: the name in the invitation. */
  readonly displayName?: string | null | undefined;
  readonly transport?: Transport;
  /** As for a sign-in with a password. Default true. */
  readonly remember?: boolean | undefined;
  /** A session token that the client already holds. Its session ends when the account is made. */
  readonly presentedToken?: string | undefined;
  readonly context?: RequestContext | undefined;
}

/** What an open invitation says to the holder of its secret. */
export interface OpenInvitation {
  readonly identifier: string;
  readonly displayName: string | null;
}

/**
 * Shows an open invitation to the holder of one of its secrets. It spends nothing.
 *
 * @throws {AuthError} `unauthorized.invalid_link`, `forbidden.sign_up_closed`.
 */
export type LookAtInvitation = Operation<{ token: string }, OpenInvitation>;

/**
 * Makes the account of an invitation, with a session: the user, the password and the session in one request, or nothing. The
 * identifier is the invitation's. It is verified if the secret was mailed. Either secret works once, and then neither does.
 *
 * An invitation that was used, revoked or renewed, that has expired, or whose administrator is none any more is refused like one
 * that never was. It is of no use to a user who has an account: they sign in.
 *
 * With `plan`, the application's own rows commit with the account: `known.userId` is the future user's id.
 *
 * @throws {AuthError} `unauthorized.invalid_link`, `invalid_format.password`, `too_many_requests`, `unavailable.busy`,
 *   `forbidden.sign_up_closed`, `invalid_format.name`, `conflict.duplicate_credential`.
 */
export type AcceptInvitation = PlannableOperation<InvitedAccount, SignedUp, { userId: UserId }>;

export function lookOperation(core: Core): LookAtInvitation {
  return async ({ token }) => {
    requireOn(core);
    const body = store.selectOpenInvitation(await linkHash(token));
    const { identifier, displayName } = await execute(core, { body, onLostReply: "repeat" });
    if (identifier === null) throw new AuthError("unauthorized.invalid_link");
    return { identifier, displayName };
  };
}

export function acceptOperation(core: Core): AcceptInvitation {
  const accept = async (account: InvitedAccount): Promise<SignedUp> =>
    await execute(core, (await prepare(core, account)).work);
  return Object.assign(accept, {
    plan: async (account: InvitedAccount) => {
      const { work, userId } = await prepare(core, account);
      return new Plan(work, { userId });
    },
  });
}

function requireOn(core: Core): void {
  if (core.signUp === "closed") throw new AuthError("forbidden.sign_up_closed");
}

/** Counts the attempt, hashes the password, and returns the work that spends the invitation and makes the account. */
async function prepare(core: Core, account: InvitedAccount) {
  requireOn(core);
  const { transport = "token", presentedToken, password, displayName, remember } = account;
  const given = displayName === undefined ? undefined : acceptDisplayName(displayName);
  const tokenHash = await linkHash(account.token);
  requireIdle(core);
  const context = cleanContext(account.context ?? {});
  const own: Counter = { name: `link:${tokenHash}`, limit: core.limits.account, kind: "address" };
  const counters = [own, ...(await addressCounters(core, context.address))];
  const reserved = await execute(core, {
    body: store.reserveAcceptance({ tokenHash, counters, context, auditId: newAuditId() }),
    mustCommit: true,
    onLostReply: "repeat",
  });
  const { identifier } = reserved;
  if (identifier === null) throw new AuthError("unauthorized.invalid_link");
  requireAdmitted(reserved);
  if (acceptPassword(core, password, identifier).needsFactor) {
    throw new AuthError("invalid_format.password", { details: { reason: "too_short" } });
  }
  const presentedTokenHash = await digestOfToken(presentedToken);
  const identifierDigest = await core.keys.digest("login", identifier);
  const attempt = {
    identifier,
    displayName: given === undefined ? reserved.displayName : given,
    password,
    transport,
    context,
    remember,
    presentedTokenHash,
    identifierDigest,
  };
  const { account: future, token } = await newAccount(core, attempt, countedOf(counters, null));
  return {
    userId: wireId("usr", future.userId),
    work: work({
      locks: locksOf(
        act,
        ...lockIdentifier(identifier),
        lockUsersOf(store.inviterOf(tokenHash)),
        ...lockOfToken(presentedTokenHash),
      ),
      body: store.createAccountWithInvitation({ ...future, tokenHash }),
      onLostReply: recallSession(future.session.sessionId, future.auditId),
      decode: (row) => signedUp(core, row, token),
      denial: () => recordTakenIdentifier({ context, identifierDigest, auditId: newAuditId() }),
    }),
  };
}
