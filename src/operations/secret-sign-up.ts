import type { Act } from "../domain/act.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, type UserId, wireId } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import { acceptDisplayName } from "../domain/text.ts";
import type { Core } from "../engine/core.ts";
import { addressCounters, countedOf, requireAdmitted } from "../engine/counters.ts";
import { execute, work } from "../engine/execute.ts";
import { lockOfToken, locksOf } from "../engine/locks.ts";
import { acceptPassword, requireIdle } from "../engine/passwords.ts";
import { Plan, type PlannableOperation } from "../engine/plan.ts";
import { digestOfToken } from "../engine/token-digest.ts";
import type { Admission, Counter } from "../store/counters.ts";
import { lockIdentifier } from "../store/identifiers.ts";
import type { Lock } from "../store/locks.ts";
import { recallSession, type SessionUserRow } from "../store/sessions.ts";
import { recordTakenIdentifier, type NewAccount as StoredAccount } from "../store/sign-up.ts";
import type { Statement } from "../store/sql.ts";
import { linkHash } from "./mailed-link.ts";
import { newAccount, type SignedUp, signedUp } from "./sign-up.ts";

/** The account to make with the secret of a mailed link or an invitation, or with a secret that a code was exchanged for. */
export interface AccountWithSecret {
  readonly token: string;
  readonly password: string;
  /** Default: the name in the invitation, if there is one. */
  readonly displayName?: string | null | undefined;
  readonly transport?: Transport;
  /** As for a sign-in with a password. Default true. */
  readonly remember?: boolean | undefined;
  /** A session token that the client already holds. Its session ends when the account is made. */
  readonly presentedToken?: string | undefined;
  readonly context?: RequestContext | undefined;
}

/** A kind of secret that makes an account. */
interface SecretKind {
  readonly act: Act;
  /** @throws {AuthError} `forbidden.sign_up_closed` if it makes none in the mode of the deployment. */
  readonly requireOn: () => void;
  /** Counts an attempt, and finds the identifier of the secret. Null if the secret is not valid; then nothing is counted. */
  readonly reserve: (attempt: {
    tokenHash: string;
    counters: readonly Counter[];
    context: RequestContext;
    auditId: string;
  }) => Statement<Admission & { readonly identifier: string | null; readonly displayName?: string | null }>;
  /** Spends the secret and makes the account. */
  readonly create: (account: StoredAccount & { tokenHash: string }) => Statement<SessionUserRow>;
  /** Locks besides those of the identifier and of the presented session. Default: none. */
  readonly locks?: (tokenHash: string) => readonly Lock[];
}

/** The operation that makes an account with a secret of a kind. */
export function accountWithSecret(
  core: Core,
  kind: SecretKind,
): PlannableOperation<AccountWithSecret, SignedUp, { userId: UserId }> {
  const make = async (account: AccountWithSecret): Promise<SignedUp> =>
    await execute(core, (await prepare(core, kind, account)).work);
  return Object.assign(make, {
    plan: async (account: AccountWithSecret) => {
      const { work, userId } = await prepare(core, kind, account);
      return new Plan(work, { userId });
    },
  });
}

/** Counts the attempt, hashes the password, and returns the work that spends the secret and makes the account. */
async function prepare(core: Core, kind: SecretKind, account: AccountWithSecret) {
  kind.requireOn();
  const { transport = "token", presentedToken, password, displayName, remember } = account;
  const given = displayName === undefined ? undefined : acceptDisplayName(displayName);
  const tokenHash = await linkHash(account.token);
  requireIdle(core);
  const context = cleanContext(account.context ?? {});
  const own: Counter = { name: `link:${tokenHash}`, limit: core.limits.account, kind: "address" };
  const counters = [own, ...(await addressCounters(core, context.address))];
  const reserved = await execute(core, {
    body: kind.reserve({ tokenHash, counters, context, auditId: newAuditId() }),
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
    displayName: given === undefined ? (reserved.displayName ?? null) : given,
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
      locks: locksOf(
        kind.act,
        ...lockIdentifier(identifier),
        ...(kind.locks?.(tokenHash) ?? []),
        ...lockOfToken(presentedTokenHash),
      ),
      body: kind.create({ ...future, tokenHash }),
      onLostReply: recallSession(future.session.sessionId, future.auditId),
      decode: (row) => signedUp(core, row, token),
      denial: () => recordTakenIdentifier({ context, identifierDigest, auditId: newAuditId() }),
    }),
  };
}
