import { sha256Hex } from "../crypto/digest.ts";
import * as acts from "../domain/acts/mailed-link.ts";
import { generateOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import { execute } from "../engine/execute.ts";
import { cutIdentifier, identifiersFor } from "../engine/identifiers.ts";
import { issueKnownDevice } from "../engine/known-device.ts";
import { lockOfToken, locksOf, lockUsersOf } from "../engine/locks.ts";
import type { MailCore } from "../engine/mail-settings.ts";
import type { Operation } from "../engine/plan.ts";
import { issued, newSession } from "../engine/sessions.ts";
import { digestOfToken } from "../engine/token-digest.ts";
import { requestSignInLink } from "../store/link-requests.ts";
import { recallLinkSignIn, spendSignInLink } from "../store/link-sign-in.ts";
import { lockOfCodes, userOfLink } from "../store/links.ts";
import { type LinkRequest, type RequestedLink, requestLink } from "./link-requests.ts";
import { linkHash } from "./mailed-link.ts";
import type { SignedIn } from "./sign-in.ts";

/** Signing in with a mailed link or code, if the feature `mail` has the option `signIn`. */
export interface MailedSignInOperations {
  /** True if the feature `mail` has the option `signIn`. */
  readonly isOn: boolean;
  /**
   * Owes a link and a code to the address, if it is the verified address of an account. The answer and the work are the same if
   * it is not. The link works once, for an hour; a later one replaces it. An address gets at most five an hour.
   *
   * @throws {AuthError} `not_found`, `too_many_requests`.
   */
  request: Operation<LinkRequest, RequestedLink>;
  /**
   * Signs in with the secret of a link, or the one that a code was exchanged for. The link is a first factor: where a second one
   * is required, the result is a ticket, as after a password.
   *
   * @throws {AuthError} `not_found`, `unauthorized.invalid_link`, `forbidden.enrollment_not_granted`.
   */
  confirm: Operation<
    {
      readonly token: string;
      readonly transport?: Transport;
      /** As for a sign-in with a password. Default true. */
      readonly remember?: boolean | undefined;
      /** A session token that the client already holds. Its session ends when the sign-in succeeds. */
      readonly presentedToken?: string | undefined;
      readonly context?: RequestContext | undefined;
    },
    SignedIn
  >;
}

export function linkSignInOperations(core: MailCore): MailedSignInOperations {
  const requireOn = () => {
    if (!core.signInByMail) throw new AuthError("not_found");
  };
  return {
    get isOn() {
      return core.signInByMail;
    },
    async request(asked) {
      requireOn();
      return await requestLink(core, asked, { kind: "sign_in", act: acts.requestSignInLink }, (request) =>
        requestSignInLink({ ...request, identifiers: identifiersFor(core, cutIdentifier(asked.identifier)) }),
      );
    },
    async confirm({ token, transport = "token", presentedToken, remember, context: given }) {
      requireOn();
      const context = cleanContext(given ?? {});
      const tokenHash = await linkHash(token);
      const made = await newSession(core, { transport, context, remember });
      const ticket = generateOpaqueToken();
      const presentedTokenHash = await digestOfToken(presentedToken);
      const auditId = newAuditId();
      const row = await execute(core, {
        locks: locksOf(
          acts.signInWithLink,
          lockUsersOf(userOfLink(tokenHash)),
          lockOfCodes(tokenHash),
          ...lockOfToken(presentedTokenHash),
        ),
        body: spendSignInLink({
          tokenHash,
          session: made.session,
          ticketHash: await sha256Hex(ticket),
          presentedTokenHash,
          context,
          auditId,
        }),
        mustCommit: true,
        onLostReply: recallLinkSignIn(made.session.sessionId, auditId),
      });
      if (!row.live) throw new AuthError("unauthorized.invalid_link");
      if (row.next === "closed") throw new AuthError("forbidden.enrollment_not_granted");
      const { next, factors } = row;
      if (next !== "session") return { mfaRequired: true, ticket, factors, enroll: next === "enroll" };
      const signedIn = issued(row, made.token);
      return {
        ...signedIn,
        mfaRequired: false,
        knownDevice: await issueKnownDevice(core, signedIn.session.credentialId),
      };
    },
  };
}
