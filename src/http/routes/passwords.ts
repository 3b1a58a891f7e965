import type { Context } from "hono";
import { AuthError, errorBody } from "../../domain/error.ts";
import type { Transport } from "../../domain/session.ts";
import type { PasswordAuth, SecondFactorNeeded } from "../../operations/sign-in.ts";
import { knownDeviceCookie, readCookie, sessionCookie } from "../cookies.ts";
import { openRoute, type Route } from "../route.ts";
import {
  type PasswordCredentialsBody,
  signInBody,
  type VerifyCredentialBody,
  verifyCredentialBody,
} from "../schemas.ts";
import { signedIn } from "../session-cookie.ts";
import { setTicketCookie, ticketHeader } from "../ticket.ts";

/** Signing in with a password. */
export const passwordRoutes: readonly Route<PasswordAuth>[] = [
  openRoute<PasswordCredentialsBody, undefined, PasswordAuth>({
    id: "signIn",
    method: "post",
    path: "/auth/sign-in",
    summary: "Signs in; answers 401 `unauthorized.mfa_required` with a ticket if a second factor is to come",
    access: "anyone",
    body: signInBody,
    status: 200,
    refusals: [
      "unauthorized.invalid_credential",
      "unauthorized.mfa_required",
      "unauthorized.enrollment_required",
      "forbidden.enrollment_not_granted",
      "too_many_requests",
      "unavailable.busy",
    ],
    run: async ({ c, auth, body, context }) => {
      const { transport = "cookie", ...proof } = body;
      const result = await auth.signIn.password({
        ...proof,
        transport,
        context,
        knownDevice: readCookie(c, knownDeviceCookie),
        presentedToken: transport === "cookie" ? readCookie(c, sessionCookie) : undefined,
      });
      return result.mfaRequired
        ? secondFactorNeeded(c, transport, result)
        : c.json(signedIn(c, transport, result), 200);
    },
  }),
  openRoute<VerifyCredentialBody, undefined, PasswordAuth>({
    id: "verifyCredential",
    method: "post",
    path: "/v1/credentials/verify",
    summary: "Checks a credential; its worth is the ticket in the `Login-Ticket` header",
    access: "anyone",
    body: verifyCredentialBody,
    status: 200,
    refusals: [
      "unauthorized.invalid_credential",
      "forbidden.enrollment_not_granted",
      "too_many_requests",
      "unavailable.busy",
    ],
    run: async ({ c, auth, body, context }) => {
      // No ceremony stands behind the other kinds here, so they prove nothing (S04).
      if (body.type !== "password") throw new AuthError("unauthorized.invalid_credential");
      const { identifier, proof } = body;
      const verified = await auth.verifyPassword({ identifier, password: proof.password, transport: "token", context });
      c.header(ticketHeader, verified.ticket);
      return c.json({ usr_id: verified.userId, cred_id: verified.credentialId }, 200);
    },
  }),
];

/** Says that a second factor is needed, and of the user the kinds that they have: the first one is proved (S20). */
function secondFactorNeeded(c: Context, transport: Transport, needed: SecondFactorNeeded): Response {
  const { ticket, factors, enroll } = needed;
  const { code, message } = errorBody(
    new AuthError(enroll ? "unauthorized.enrollment_required" : "unauthorized.mfa_required"),
  );
  c.header("WWW-Authenticate", "Bearer");
  if (transport === "token") return c.json({ code, message, details: { factors, ticket } }, 401);
  setTicketCookie(c, ticket);
  return c.json({ code, message, details: { factors } }, 401);
}
