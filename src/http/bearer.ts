import type { Context } from "hono";
import { classifyBearer } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import type { Transport } from "../domain/session.ts";
import type { WithRealm } from "../engine/realm.ts";
import { readCookie, sessionCookie } from "./cookies.ts";

/** A session token as the request presents it, not yet verified. */
export interface PresentedSession {
  readonly token: string;
  readonly transport: Transport;
}

/** A bearer as the request presents it. Its prefix alone decides its kind (S51). */
export type PresentedBearer = PresentedSession | { readonly token: string; readonly transport: "pat" };

/**
 * The session token of a request, from `Authorization: Bearer` or else from the session cookie. The token is not verified: pass
 * it to `auth.sessions.verify` or `auth.sessions.signOut`. For an unsafe request, call `requireSameOrigin(c, auth)` first.
 *
 * @throws {AuthError} `unauthorized.invalid_token` for a Bearer scheme that is not followed by one token,
 *   `auth.token_format_unrecognized` for another kind of bearer.
 */
export function presentedSession(c: Context, auth: WithRealm): PresentedSession | undefined {
  const presented = presentedBearer(c, auth);
  if (presented?.transport === "pat") throw new AuthError("auth.token_format_unrecognized");
  return presented;
}

/** Our scheme, also as a part of headers that were joined into a list, where it is malformed. */
const ours = /(?:^|,)\s*Bearer(?![\w-])/i;

/**
 * The bearer of a request. If the header has the Bearer scheme, it counts, and the cookie is ignored. Another scheme, such as
 * the Basic of a proxy in front, counts as absent. Throws as {@link presentedSession} does.
 */
export function presentedBearer(c: Context, auth: WithRealm): PresentedBearer | undefined {
  const header = c.req.header("authorization") ?? "";
  if (!ours.test(header)) {
    const cookie = readCookie(c, auth, sessionCookie);
    return cookie === undefined ? undefined : { token: cookie, transport: "cookie" };
  }
  const token = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header)?.[1];
  if (!token) throw new AuthError("unauthorized.invalid_token");
  const kind = classifyBearer(token);
  if (kind === "share") throw new AuthError("auth.token_format_unrecognized");
  return { token, transport: kind === "pat" ? "pat" : "token" };
}
