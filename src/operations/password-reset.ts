import { requestPasswordReset as requestAct } from "../domain/acts/mailed-link.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import { cutIdentifier, identifiersFor } from "../engine/identifiers.ts";
import type { MailCore } from "../engine/mail-settings.ts";
import type { Operation } from "../engine/plan.ts";
import { requestReset } from "../store/link-requests.ts";
import { type LinkRequest, type RequestedLink, requestLink } from "./link-requests.ts";
import { hashPassword, linkOf, spendLink, type VerifiedIdentifier } from "./mailed-link.ts";

/** The way back for a user who has forgotten the password. */
export interface PasswordResetOperations {
  /**
   * Owes a link and a code to the address, if an account has it. The answer and the work are the same if none has. The link works
   * once, for an hour; a later one replaces it. An address gets at most five an hour.
   *
   * An address that is not verified counts only if it would be the account's first; the reset then proves it, as
   * `auth.identifiers.verify` does with a new password.
   *
   * @throws {AuthError} `too_many_requests`.
   */
  request: Operation<LinkRequest, RequestedLink>;
  /**
   * Spends a link, and sets a new password. It ends the user's sessions, tickets, links and personal access tokens. Passkeys and
   * second factors stay, and the next sign-in asks for them as before. It makes no session.
   *
   * @param token The secret of the link, or the one that a code was exchanged for.
   * @throws {AuthError} `unauthorized.invalid_link`, `invalid_format.password`, `too_many_requests`, `unavailable.busy`.
   */
  confirm: Operation<{ token: string; password: string; context?: RequestContext | undefined }, VerifiedIdentifier>;
}

export function passwordResetOperations(core: MailCore): PasswordResetOperations {
  return {
    request: (asked) =>
      requestLink(core, asked, { kind: "reset_password", act: requestAct }, (request) =>
        requestReset({ ...request, identifiers: identifiersFor(core, cutIdentifier(asked.identifier)) }),
      ),
    async confirm({ token, password, context = {} }) {
      const link = await linkOf(core, { purpose: "reset_password", token, context: cleanContext(context) });
      return await spendLink(core, link, await hashPassword(core, link, password));
    },
  };
}
