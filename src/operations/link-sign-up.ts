import { confirmSignUp as act, requestSignUp as requestAct } from "../domain/acts/mailed-link.ts";
import { AuthError } from "../domain/error.ts";
import type { UserId } from "../domain/id.ts";
import { oneMailbox } from "../domain/mail.ts";
import { requireIdentifier } from "../engine/identifiers.ts";
import type { MailCore } from "../engine/mail-settings.ts";
import type { Operation, PlannableOperation } from "../engine/plan.ts";
import { requestSignUp } from "../store/link-requests.ts";
import { createAccountWithLink, reserveSignUp } from "../store/link-sign-up.ts";
import { lockOfCodes } from "../store/links.ts";
import { type LinkRequest, type RequestedLink, requestLink } from "./link-requests.ts";
import { type AccountWithSecret, accountWithSecret } from "./secret-sign-up.ts";
import type { SignedUp } from "./sign-up.ts";

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
  confirm: PlannableOperation<AccountWithSecret, SignedUp, { userId: UserId }>;
}

export function linkSignUpOperations(core: MailCore): MailedSignUpOperations {
  const requireOn = () => {
    if (core.signUp !== "verify-first" && core.signUp !== "open") throw new AuthError("forbidden.sign_up_closed");
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
    confirm: accountWithSecret(core, {
      act,
      requireOn,
      reserve: (attempt) => reserveSignUp({ ...attempt, identifierDigest: attempt.tokenHash }),
      create: createAccountWithLink,
      locks: (tokenHash) => [lockOfCodes(tokenHash)],
    }),
  };
}
