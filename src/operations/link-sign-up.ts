import { confirmSignUp as act, requestSignUp as requestAct } from "../domain/acts/mailed-link.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, type UserId, wireId } from "../domain/id.ts";
import { oneMailbox } from "../domain/mail.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import { acceptDisplayName } from "../domain/text.ts";
import { addressCounters, countedOf, requireAdmitted } from "../engine/counters.ts";
import { execute, work } from "../engine/execute.ts";
import { requireIdentifier } from "../engine/identifiers.ts";
import { lockOfToken, locksOf } from "../engine/locks.ts";
import type { MailCore } from "../engine/mail-settings.ts";
import { acceptPassword, requireIdle } from "../engine/passwords.ts";
import { type Operation, Plan, type PlannableOperation } from "../engine/plan.ts";
import { digestOfToken } from "../engine/token-digest.ts";
import type { Counter } from "../store/counters.ts";
import { lockIdentifier } from "../store/identifiers.ts";
import { requestSignUp } from "../store/link-requests.ts";
import { createAccountWithLink, reserveSignUp } from "../store/link-sign-up.ts";
import { lockOfCodes } from "../store/links.ts";
import { recallSession } from "../store/sessions.ts";
import { recordTakenIdentifier } from "../store/sign-up.ts";
import { type LinkRequest, type RequestedLink, requestLink } from "./link-requests.ts";
import { linkHash } from "./mailed-link.ts";
import { newAccount, type SignedUp, signedUp } from "./sign-up.ts";

/** The account to make with a mailed link. */
export interface NewMailedAccount {
  /** The secret of the link, or the one that a code was exchanged for. */
  readonly token: string;
  readonly password: string;
  readonly displayName?: string | null;
  readonly transport?: Transport;
  /** As for a sign-in with a password. Default true. */
  readonly remember?: boolean | undefined;
  /** A session token that the client already holds. Its session ends when the sign-up succeeds. */
  readonly presentedToken?: string | undefined;
  readonly context?: RequestContext | undefined;
}

/** Signing up with a mailed link, in the modes `verify-first` and `open`: the address is proved before an account is made. */
export interface MailedSignUpOperations {
  /**
   * Owes a link and a code to the address. If an account has it already, its owner gets a message that says so. The answer and the
   * work are the same. No user is made. The link works once, for an hour; a later one replaces it. An address gets at most five
   * an hour.
   *
   * @throws {AuthError} `forbidden.sign_up_closed`, `invalid_format.identifier`, `too_many_requests`.
   */
  request: Operation<LinkRequest, RequestedLink>;
  /**
   * Spends a link, and makes the account of its address, with a session. With `plan`, the application's own rows commit with the
   * account: `known.userId` is the future user's id.
   *
   * @throws {AuthError} `unauthorized.invalid_link`, `invalid_format.password`, `too_many_requests`, `unavailable.busy`,
   *   `forbidden.sign_up_closed`, `invalid_format.name`, `conflict.duplicate_credential`.
   */
  confirm: PlannableOperation<NewMailedAccount, SignedUp, { userId: UserId }>;
}

export function linkSignUpOperations(core: MailCore): MailedSignUpOperations {
  const requireOn = () => {
    if (core.signUp !== "verify-first" && core.signUp !== "open") throw new AuthError("forbidden.sign_up_closed");
  };
  const confirm = async (account: NewMailedAccount): Promise<SignedUp> => {
    requireOn();
    return await execute(core, (await prepare(core, account)).work);
  };
  return {
    async request(asked) {
      requireOn();
      const identifier = requireIdentifier(core, asked.identifier);
      if (!new RegExp(oneMailbox).test(identifier)) throw new AuthError("invalid_format.identifier");
      return await requestLink(core, asked, { kind: "sign_up", act: requestAct }, (request) =>
        requestSignUp({ ...request, identifier, takenKind: "sign_up_taken" }),
      );
    },
    confirm: Object.assign(confirm, {
      plan: async (account: NewMailedAccount) => {
        requireOn();
        const { work, userId } = await prepare(core, account);
        return new Plan(work, { userId });
      },
    }),
  };
}

/** Counts the attempt, hashes the password, and returns the work that spends the link and makes the account. */
async function prepare(core: MailCore, account: NewMailedAccount) {
  const displayName = acceptDisplayName(account.displayName ?? null);
  const tokenHash = await linkHash(account.token);
  requireIdle(core);
  const { transport = "token", presentedToken, password, remember } = account;
  const context = cleanContext(account.context ?? {});
  const own: Counter = { name: `link:${tokenHash}`, limit: core.limits.account, kind: "address" };
  const counters = [own, ...(await addressCounters(core, context.address))];
  const reserved = await execute(core, {
    body: reserveSignUp({ tokenHash, counters, context, auditId: newAuditId(), identifierDigest: tokenHash }),
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
    displayName,
    password,
    transport,
    remember,
    context,
    presentedTokenHash,
    identifierDigest,
  };
  const { account: future, token } = await newAccount(core, attempt, countedOf(counters, null));
  return {
    userId: wireId("usr", future.userId),
    work: work({
      locks: locksOf(act, ...lockIdentifier(identifier), lockOfCodes(tokenHash), ...lockOfToken(presentedTokenHash)),
      body: createAccountWithLink({ ...future, tokenHash }),
      onLostReply: recallSession(future.session.sessionId, future.auditId),
      decode: (row) => signedUp(core, row, token),
      denial: () => recordTakenIdentifier({ context, identifierDigest, auditId: newAuditId() }),
    }),
  };
}
