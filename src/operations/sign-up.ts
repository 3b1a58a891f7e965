import { OptionError, requireOption } from "../crypto/option-error.ts";
import { signUp as act } from "../domain/acts/sign-in.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, newUuid, type UserId, wireId } from "../domain/id.ts";
import { cleanContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import { acceptDisplayName } from "../domain/text.ts";
import { Admissions } from "../engine/admission.ts";
import type { Core, SignUpMode } from "../engine/core.ts";
import { attemptCounters } from "../engine/counters.ts";
import { execute, work } from "../engine/execute.ts";
import type { Feature, FeatureParts } from "../engine/feature.ts";
import { requireIdentifier } from "../engine/identifiers.ts";
import { issueKnownDevice } from "../engine/known-device.ts";
import { lockOfToken, locksOf } from "../engine/locks.ts";
import { acceptPassword, hashNewPassword } from "../engine/passwords.ts";
import { Plan, type PlannableOperation } from "../engine/plan.ts";
import { type IssuedSession, issued, newSession } from "../engine/sessions.ts";
import { digestOfToken } from "../engine/token-digest.ts";
import type { Counted } from "../store/counters.ts";
import { lockIdentifier } from "../store/identifiers.ts";
import { recallSession, type SessionUserRow } from "../store/sessions.ts";
import * as store from "../store/sign-up.ts";
import type { PasswordProof } from "./sign-in.ts";

/** The operations that the feature `signUp` adds to `auth`. */
export interface SignUpAuth {
  readonly signUp: SignUp;
}

/** The operation of signing up. */
export function signUpParts(core: Core): FeatureParts<SignUpAuth> {
  return { operations: { signUp: signUpOperation(core) } };
}

/** Reads the option `mode` of the feature. */
export function signUpMode(mode: SignUpMode): (features: readonly Feature[]) => SignUpMode {
  return (features) => {
    const modes: readonly SignUpMode[] = ["open", "verify-first", "invited", "closed"];
    requireOption(modes.includes(mode), mode, '"open", "verify-first", "invited" or "closed"');
    if (mode === "verify-first" && !features.some(({ name }) => name === "mail")) {
      throw new OptionError('"verify-first" needs the feature mail(…).');
    }
    return mode;
  };
}

/** The account to create, and the client that requests it. */
export type NewAccount = Omit<PasswordProof, "knownDevice"> & { readonly displayName?: string | null };

/** A new account, signed in. */
export type SignedUp = IssuedSession & { readonly knownDevice: string };

/**
 * Creates an account: the user, the password and a session in one request, or nothing.
 *
 * In mode `open` it reveals whether an identifier is taken.
 *
 * With `plan`, the application's own rows commit with the account: `known.userId` is the future user's id. Planning counts the
 * attempt in a request of its own; the session's token comes with the result of the batch.
 *
 * @throws {AuthError} `forbidden.sign_up_closed`, `invalid_format.identifier`, `invalid_format.name`,
 *   `invalid_format.password`, `conflict.duplicate_credential`, `too_many_requests`, `unavailable.busy`.
 */
export type SignUp = PlannableOperation<NewAccount, SignedUp, { userId: UserId }>;

function signUpOperation(core: Core): SignUp {
  const admissions = new Admissions();
  const signUp = async (account: NewAccount): Promise<SignedUp> => {
    const attempt = await prepare(core, account);
    if (admissions.mustAsk(attempt.counters)) {
      await admit(core, attempt, admissions);
      return await execute(core, (await create(core, attempt)).work);
    }
    const { account: made, token } = await newAccount(core, attempt);
    const row = await execute(core, {
      locks: attempt.locks,
      mustCommit: true,
      body: store.signUp({ ...made, counters: attempt.counters }),
      onLostReply: store.recallSignUp(made.session.sessionId, made.auditId),
    });
    admissions.requireAllowed(attempt.counters, row);
    if (!row.created) throw new AuthError("conflict.duplicate_credential");
    return await signedUp(core, row, token);
  };
  return Object.assign(signUp, {
    plan: async (account: NewAccount) => {
      const attempt = await prepare(core, account);
      await admit(core, attempt, admissions);
      const { work, userId } = await create(core, attempt);
      return new Plan(work, { userId });
    },
  });
}

/** What is known of an account before its password is hashed. */
export interface AccountAttempt
  extends Pick<store.NewAccount, "identifier" | "displayName" | "context" | "presentedTokenHash" | "identifierDigest"> {
  readonly password: string;
  readonly transport: Transport;
  readonly remember?: boolean | undefined;
}

type Attempt = Awaited<ReturnType<typeof prepare>>;

/** Checks what needs no database, and names the counters of the attempt. */
async function prepare(core: Core, account: NewAccount) {
  if (core.signUp !== "open") throw new AuthError("forbidden.sign_up_closed");
  const identifier = requireIdentifier(core, account.identifier);
  const displayName = acceptDisplayName(account.displayName ?? null);
  if (acceptPassword(core, account.password, identifier).needsFactor) {
    throw new AuthError("invalid_format.password", { details: { reason: "too_short" } });
  }
  const { transport = "token", presentedToken, password, remember } = account;
  const context = cleanContext(account.context ?? {});
  const counted = await attemptCounters(core, { identifier, address: context.address, purpose: "sign-up" });
  const presentedTokenHash = await digestOfToken(presentedToken);
  return {
    ...counted,
    identifier,
    displayName,
    password,
    transport,
    remember,
    context,
    presentedTokenHash,
    locks: locksOf(act, ...lockIdentifier(identifier), ...lockOfToken(presentedTokenHash)),
  };
}

/** Counts the attempt in a request of its own, before any password is hashed for it. */
async function admit(core: Core, attempt: Attempt, admissions: Admissions): Promise<void> {
  const { counters, context, identifierDigest } = attempt;
  const row = await execute(core, {
    body: store.admitSignUp({ counters, context, identifierDigest, auditId: newAuditId() }),
    mustCommit: true,
    onLostReply: "repeat",
  });
  admissions.requireAllowed(counters, row);
}

/**
 * The future rows of an attempt, and the token of its session. The password is checked and hashed here; nothing before this
 * costs a hash.
 */
export async function newAccount(
  core: Core,
  attempt: AccountAttempt,
  counted: readonly Counted[] = [],
): Promise<{ account: store.NewAccount; token: string }> {
  const { identifier, displayName, password, context, transport, remember, presentedTokenHash, identifierDigest } =
    attempt;
  const passwordHash = await hashNewPassword(core, password, counted);
  const { session, token } = await newSession(core, { transport, context, remember });
  return {
    account: {
      userId: newUuid(),
      credentialId: newUuid(),
      identifier,
      passwordHash,
      displayName,
      session,
      presentedTokenHash,
      auditId: newAuditId(),
      context,
      identifierDigest,
    },
    token,
  };
}

/** The work that makes the account of an admitted attempt. */
async function create(core: Core, attempt: Attempt) {
  const [own, ...addresses] = attempt.counters;
  const { account, token } = await newAccount(core, attempt, [...addresses, own!]);
  return {
    userId: wireId("usr", account.userId),
    work: work({
      locks: attempt.locks,
      body: store.createAccount(account),
      onLostReply: recallSession(account.session.sessionId, account.auditId),
      decode: (row) => signedUp(core, row, token),
      denial: () => store.recordTakenIdentifier({ ...attempt, auditId: newAuditId() }),
    }),
  };
}

/** A new account as its caller gets it. */
export async function signedUp(core: Core, row: SessionUserRow, token: string): Promise<SignedUp> {
  const session = issued(row, token);
  return { ...session, knownDevice: await issueKnownDevice(core, session.session.credentialId) };
}
