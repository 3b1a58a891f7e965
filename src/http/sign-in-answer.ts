import type { Context } from "hono";
import { AuthError, errorBody } from "../domain/error.ts";
import type { Transport } from "../domain/session.ts";
import type { WithRealm } from "../engine/realm.ts";
import type { SecondFactorNeeded, SignedIn } from "../operations/sign-in.ts";
import { signedIn } from "./session-cookie.ts";
import { setTicketCookie } from "./ticket.ts";
import type { SignedInBody } from "./wire.ts";

/** The answer to a first factor: a session, or what must follow. */
export function signInAnswer(
  c: Context,
  auth: WithRealm,
  transport: Transport,
  result: SignedIn,
): SignedInBody | Response {
  return result.mfaRequired ? secondFactorNeeded(c, auth, transport, result) : signedIn(c, auth, transport, result);
}

/** Answers that a second factor is required, and which kinds the user has. The first factor has already been proved (S20). */
function secondFactorNeeded(c: Context, auth: WithRealm, transport: Transport, needed: SecondFactorNeeded): Response {
  const { ticket, factors, enroll } = needed;
  const { code, message } = errorBody(
    new AuthError(enroll ? "unauthorized.enrollment_required" : "unauthorized.mfa_required"),
  );
  c.header("WWW-Authenticate", "Bearer");
  if (transport === "token") return c.json({ code, message, details: { factors, ticket } }, 401);
  setTicketCookie(c, auth, ticket);
  return c.json({ code, message, details: { factors } }, 401);
}
