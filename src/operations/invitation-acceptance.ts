import { acceptInvitation as act } from "../domain/acts/deployment-invitation.ts";
import { AuthError } from "../domain/error.ts";
import type { UserId } from "../domain/id.ts";
import type { Core } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import { lockUsersOf } from "../engine/locks.ts";
import type { Operation, PlannableOperation } from "../engine/plan.ts";
import * as store from "../store/invitation-acceptance.ts";
import { linkHash } from "./mailed-link.ts";
import { type AccountWithSecret, accountWithSecret } from "./secret-sign-up.ts";
import type { SignedUp } from "./sign-up.ts";

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
export type AcceptInvitation = PlannableOperation<AccountWithSecret, SignedUp, { userId: UserId }>;

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
  return accountWithSecret(core, {
    act,
    requireOn: () => requireOn(core),
    reserve: store.reserveAcceptance,
    create: store.createAccountWithInvitation,
    locks: (tokenHash) => [lockUsersOf(store.inviterOf(tokenHash))],
  });
}

function requireOn(core: Core): void {
  if (core.signUp === "closed") throw new AuthError("forbidden.sign_up_closed");
}
