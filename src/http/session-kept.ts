/**
 * The session of the account that is kept in a merge. It waits in a cookie of its own while the browser signs in to the other account.
 *
 * @module
 */
import type { Context } from "hono";
import { AuthError } from "../domain/error.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { freshSeconds } from "../domain/session.ts";
import type { WithRealm } from "../engine/realm.ts";
import type { IssuedSession, VerifiedSession } from "../engine/sessions.ts";
import type { CoreOperations } from "../operations/auth.ts";
import { clearCookie, keptSessionCookie, readCookie, setCookie } from "./cookies.ts";
import { endSession, startSession } from "./session-cookie.ts";

/** A session that waits. */
export type KeptSession = VerifiedSession & Pick<IssuedSession, "token">;

/**
 * Takes the session's token out of the browser's session cookie. After ten minutes a merge would refuse it as no longer fresh. Another
 * session that waits ends: it would live on, and no browser would have it.
 */
export async function setAside(
  c: Context,
  auth: CoreOperations & WithRealm,
  token: string,
  context: RequestContext,
): Promise<void> {
  const former = readCookie(c, auth, keptSessionCookie);
  if (former !== undefined && former !== token) {
    await auth.sessions.signOut({ token: former, transport: "cookie", context });
  }
  setCookie(c, auth, keptSessionCookie, token, freshSeconds);
  endSession(c, auth);
}

/** Signs the session that waits out too. Otherwise, the next person at this browser would get it back by cancelling. */
export async function endKept(c: Context, auth: CoreOperations & WithRealm, context: RequestContext): Promise<void> {
  const token = readCookie(c, auth, keptSessionCookie);
  if (token === undefined) return;
  await auth.sessions.signOut({ token, transport: "cookie", context });
  clearCookie(c, auth, keptSessionCookie);
}

/** The session that waits in this browser, if there is one and it has not ended. */
export async function findKept(
  c: Context,
  auth: CoreOperations & WithRealm,
  context: RequestContext,
): Promise<KeptSession | undefined> {
  const token = readCookie(c, auth, keptSessionCookie);
  if (token === undefined) return undefined;
  try {
    return { ...(await auth.sessions.verify({ token, transport: "cookie", context })), token };
  } catch (error) {
    if (error instanceof AuthError && error.status === 401) return undefined;
    throw error;
  }
}

/** Gives the browser back the session that waited. Without one, only its cookie goes. */
export function takeBack(c: Context, auth: WithRealm, kept: KeptSession | undefined): void {
  clearCookie(c, auth, keptSessionCookie);
  if (kept) startSession(c, auth, kept);
}
