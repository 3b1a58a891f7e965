import type { Context, MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import type { Actor } from "../domain/actor.ts";
import { classifyBearer } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import type { Session, Transport } from "../domain/session.ts";
import type { User } from "../domain/user.ts";
import type { SignInAuth } from "../operations/auth.ts";
import { ConfigurationError } from "../operations/options.ts";
import type { VerifiedSession } from "../operations/session-values.ts";
import { readCookie, sessionCookie } from "./cookies.ts";
import { type AuthSource, type ClientAddress, requestContext, resolveAuth } from "./environment.ts";
import { authErrorResponse } from "./problem.ts";
import { requireSameOrigin } from "./same-origin.ts";

/** What the middleware needs of Sallyport: one operation, and the origins that a cookie may come from. */
export interface SessionVerifier extends Pick<SignInAuth, "origins"> {
  readonly sessions: Pick<SignInAuth["sessions"], "verify">;
}

export interface AuthenticateOptions {
  clientAddress?: ClientAddress;
}

/** What a handler sees after {@link requireUser}. */
export interface UserVariables {
  user: User;
  session: Session;
  /** For operations on behalf of the user. */
  actor: Actor;
}

/** What a handler sees after {@link authenticate}: the same, or nothing. */
export type MaybeUserVariables = { [Name in keyof UserVariables]: UserVariables[Name] | undefined };

/**
 * Says who is asking, if anybody: `c.var.user`, `c.var.session` and `c.var.actor`.
 *
 * Reads `Authorization: Bearer` (RFC 6750 §2.1), else the session cookie. A bearer token that is wrong is refused with 401 and
 * never falls back to the cookie; a cookie that has ended counts as nobody. An unsafe request with the cookie must come from
 * our own pages. One request to the database.
 */
export function authenticate(
  source: AuthSource<SessionVerifier>,
  options: AuthenticateOptions = {},
): MiddlewareHandler<{ Variables: MaybeUserVariables }> {
  return createMiddleware<{ Variables: MaybeUserVariables }>(async (c, next) => {
    try {
      const auth = resolveAuth(source, c);
      const presented = presentedSession(c);
      const verified = await verifyPresented(c, auth, options, presented).catch((error: unknown) => {
        if (presented?.transport === "cookie" && error instanceof AuthError && error.status === 401) return undefined;
        throw error;
      });
      expose(c, verified);
    } catch (error) {
      return refused(error, c);
    }
    return await next();
  });
}

/**
 * Lets a request through only with a session that counts now; after it `c.var.user` is never null. Answers 401 otherwise, or
 * 403 for an unsafe request that a foreign page sent with the cookie. Takes what {@link authenticate} found, if it ran.
 */
export function requireUser(
  source: AuthSource<SessionVerifier>,
  options: AuthenticateOptions = {},
): MiddlewareHandler<{ Variables: UserVariables }> {
  return createMiddleware<{ Variables: UserVariables }>(async (c, next) => {
    if (!c.get("actor")) {
      try {
        const auth = resolveAuth(source, c);
        const presented = presentedSession(c);
        if (!presented) throw new AuthError("unauthorized.invalid_token");
        expose(c, await verifyPresented(c, auth, options, presented));
      } catch (error) {
        return refused(error, c);
      }
    }
    return await next();
  });
}

/** The response to a refusal; a fault is the application's `onError` to answer, and to tell of. */
function refused(error: unknown, c: Context): Response {
  if (error instanceof AuthError || error instanceof ConfigurationError) return authErrorResponse(error, c);
  throw error;
}

/** A session token as it came with a request. */
export interface PresentedSession {
  readonly token: string;
  readonly transport: Transport;
}

/**
 * The session token of a request. A bearer of another kind is for another route (S25).
 *
 * @throws {AuthError} `unauthorized.invalid_token` for an `Authorization` header that is not one Bearer token,
 *   `auth.token_format_unrecognized` for another kind of bearer.
 */
export function presentedSession(c: Context): PresentedSession | undefined {
  const header = c.req.header("authorization");
  if (header !== undefined) {
    const token = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header)?.[1];
    if (!token) throw new AuthError("unauthorized.invalid_token");
    if (classifyBearer(token) !== "session") throw new AuthError("auth.token_format_unrecognized");
    return { token, transport: "token" };
  }
  const token = readCookie(c, sessionCookie);
  return token === undefined ? undefined : { token, transport: "cookie" };
}

async function verifyPresented(
  c: Context,
  auth: SessionVerifier,
  options: AuthenticateOptions,
  presented: PresentedSession | undefined,
): Promise<VerifiedSession | undefined> {
  if (!presented) return undefined;
  if (presented.transport === "cookie") requireSameOrigin(c, auth.origins);
  return await auth.sessions.verify({ ...presented, context: requestContext(c, options.clientAddress) });
}

function expose(c: Context, verified: VerifiedSession | undefined): void {
  c.set("user", verified?.user);
  c.set("session", verified?.session);
  c.set("actor", verified?.actor);
}
