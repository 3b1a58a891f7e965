import { signUp as act } from "../domain/acts/sign-in.ts";
import { AuthError } from "../domain/error.ts";
import { generateId, uuidFor } from "../domain/id.ts";
import { cleanContext } from "../domain/request-context.ts";
import { storableText } from "../domain/text.ts";
import { newAuditId } from "../engine/audit-id.ts";
import type { Core } from "../engine/core.ts";
import { attemptCounters } from "../engine/counters.ts";
import { execute } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { requireIdentifier } from "../engine/identifiers.ts";
import { issueKnownDevice } from "../engine/known-device.ts";
import { lockOfToken, locksOf } from "../engine/locks.ts";
import { acceptPassword, hashPassword } from "../engine/passwords.ts";
import type { Operation } from "../engine/plan.ts";
import { type IssuedSession, issued, newSession } from "../engine/sessions.ts";
import { digestOfToken } from "../engine/token-digest.ts";
import { lockIdentifier } from "../store/identifiers.ts";
import * as store from "../store/sign-up.ts";
import type { PasswordProof } from "./sign-in.ts";

/** What the feature `signUp` adds to `auth`. */
export interface SignUpAuth {
  readonly signUp: SignUp;
}

/** The operation of signing up. */
export function signUpParts(core: Core): FeatureParts<SignUpAuth> {
  return { operations: { signUp: signUpOperation(core) } };
}

export type SignUp = Operation<
  Omit<PasswordProof, "knownDevice"> & { displayName?: string | null },
  IssuedSession & { knownDevice: string }
>;

/**
 * Makes an account: user, password and session in one request, or none of them.
 *
 * In mode `open` it tells whether an identifier is taken (R018, S39): the application has chosen that.
 *
 * @throws {AuthError} `forbidden.sign_up_closed`, `invalid_format.identifier`, `invalid_format.password`,
 *   `conflict.duplicate_credential`, `too_many_requests`.
 */
export function signUpOperation(core: Core): SignUp {
  return async (account) => {
    if (core.signUp !== "open") throw new AuthError("forbidden.sign_up_closed");
    const identifier = requireIdentifier(core, account.identifier);
    const displayName = storableText(account.displayName ?? null);
    if ((await acceptPassword(core, account.password, identifier)).needsFactor) {
      throw new AuthError("invalid_format.password", { details: { reason: "too_short" } });
    }

    const { transport = "token", presentedToken } = account;
    const context = cleanContext(account.context ?? {});
    const { counters, identifierDigest } = await attemptCounters(core, {
      identifier,
      address: context.address,
      purpose: "sign-up",
    });
    const passwordHash = await hashPassword(core, account.password);
    const made = await newSession(core, { transport, context });
    const auditId = newAuditId();
    const presentedTokenHash = await digestOfToken(presentedToken);
    const row = await execute(core, {
      locks: locksOf(act, ...lockIdentifier(identifier), ...lockOfToken(presentedTokenHash)),
      mustCommit: true,
      body: store.signUp({
        userId: uuidFor("usr", generateId("usr")),
        credentialId: uuidFor("cred", generateId("cred")),
        identifier,
        passwordHash,
        displayName,
        session: made.session,
        presentedTokenHash,
        counters,
        auditId,
        context,
        identifierDigest,
      }),
      onLostReply: store.recallSignUp(made.session.sessionId, auditId),
      decode: (found) => found,
    });
    if (!row.allowed) throw new AuthError("too_many_requests", { retryAfterSeconds: row.retryAfterSeconds ?? 1 });
    if (!row.created) throw new AuthError("conflict.duplicate_credential");
    const signedUp = issued(row, made.token);
    return { ...signedUp, knownDevice: await issueKnownDevice(core, signedUp.session.credentialId) };
  };
}
