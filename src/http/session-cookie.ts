import type { Context } from "hono";
import type { Transport } from "../domain/session.ts";
import type { WithRealm } from "../engine/realm.ts";
import type { IssuedSession } from "../engine/sessions.ts";
import {
  clearCookie,
  knownDeviceCookie,
  longestCookieSeconds,
  readCookie,
  sessionCookie,
  setCookie,
} from "./cookies.ts";
import { accountSessionBody, type SignedInBody, userBody } from "./wire.ts";

/**
 * Gives a session to the browser in a `__Host-` cookie, which no script can read. The response is not cached.
 *
 * A session that is not remembered gets a cookie without `Max-Age`, which ends with the browser.
 *
 * Call `requireSameOrigin(c, auth)` before the handler signs in; otherwise a foreign page can sign its visitor in to an
 * attacker's account.
 *
 * @throws {TypeError} If the session's transport is not `cookie`, because a script could use its token.
 */
export function startSession(c: Context, auth: WithRealm, issued: IssuedSession & { knownDevice?: string }): void {
  const { session, token, knownDevice } = issued;
  if (session.transport !== "cookie") throw new TypeError("The transport of the session is not `cookie`.");
  setCookie(
    c,
    auth,
    sessionCookie,
    token,
    session.remember ? (session.expiresAt.getTime() - session.createdAt.getTime()) / 1000 : undefined,
  );
  if (knownDevice)
    setCookie(c, auth, knownDeviceCookie, knownDevice, session.remember ? longestCookieSeconds : undefined);
}

/** Removes the session cookie. It does not end the session; `auth.sessions.signOut` does. */
export function endSession(c: Context, auth: WithRealm): void {
  clearCookie(c, auth, sessionCookie);
}

/** The session that a sign-in in this browser replaces. A program that asks for a token has none. */
export function replacedToken(c: Context, auth: WithRealm, transport: Transport): string | undefined {
  return transport === "cookie" ? readCookie(c, auth, sessionCookie) : undefined;
}

/** The response of every route that issues a session: the token is in the cookie or in the body, never in both (S08). */
export function signedIn(
  c: Context,
  auth: WithRealm,
  transport: Transport,
  issued: IssuedSession & { knownDevice?: string },
): SignedInBody {
  const { session, user, token } = issued;
  const body = { user: userBody(user), session: accountSessionBody(session, session.id) };
  if (transport === "token") return { ...body, token };
  startSession(c, auth, issued);
  return body;
}
