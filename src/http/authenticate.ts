import type { Context, MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import type { SessionActor } from "../domain/actor.ts";
import { classifyBearer } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import type { PersonalAccessTokenId } from "../domain/id.ts";
import { hasScope } from "../domain/personal-access-token.ts";
import type { Session, Transport } from "../domain/session.ts";
import type { User } from "../domain/user.ts";
import { ConfigurationError } from "../engine/options.ts";
import type { SignInAuth } from "../operations/auth.ts";
import type { TokenAuth } from "../operations/personal-access-tokens.ts";
import { readCookie, sessionCookie } from "./cookies.ts";
import { type AuthSource, type ClientAddress, requestContext, resolveAuth } from "./environment.ts";
import { authErrorResponse } from "./problem.ts";
import { requireSameOrigin } from "./same-origin.ts";

/** What the middleware needs of Sallyport: one operation, and the origins that a cookie may come from. */
export interface SessionVerifier extends Pick<SignInAuth, "origins"> {
  readonly sessions: Pick<SignInAuth["sessions"], "verify">;
}

/** What the middleware needs besides, to take personal access tokens: the operation of `createTokens`. */
export interface TokenVerifier {
  readonly tokens: Pick<TokenAuth["tokens"], "verify">;
}

export interface AuthenticateOptions {
  clientAddress?: ClientAddress;
}

/** For routes that personal access tokens may reach. */
export interface ScopedOptions extends AuthenticateOptions {
  /** What a token must hold, compared whole, such as `docs:read`. The route says it; nothing in a request can (S25). */
  scope: string;
}

type MaybeScopedOptions = AuthenticateOptions & { scope?: string | undefined };

/** What a handler sees after {@link requireUser}. */
export interface UserVariables {
  user: User;
  session: Session;
  /** For operations on behalf of the user. */
  actor: SessionActor;
  /** The database's time of the check: what the ages of proofs are counted from. */
  asOf: Date;
}

/** What a handler sees after {@link requireUser} with a scope: a session or a personal access token, never both. */
export interface ScopedVariables {
  user: User;
  session: Session | undefined;
  /** Of a session's user only: nobody acts in an account, or makes a token, by a token. */
  actor: SessionActor | undefined;
  asOf: Date | undefined;
  token: ScopedToken | undefined;
}

/** A personal access token that was proved, and what it may be used for. */
export interface ScopedToken {
  readonly id: PersonalAccessTokenId;
  readonly scope: readonly string[];
}

/** What a handler sees after {@link authenticate}: the same, or nothing. */
export type MaybeUserVariables = { [Name in keyof UserVariables]: UserVariables[Name] | undefined };
/** What a handler sees after {@link authenticate} with a scope: the same, or nothing. */
export type MaybeScopedVariables = { [Name in keyof ScopedVariables]: ScopedVariables[Name] | undefined };

/**
 * Says who is asking, if anybody: `c.var.user`, `c.var.session` and `c.var.actor`.
 *
 * Reads `Authorization: Bearer` (RFC 6750 §2.1), else the session cookie. A bearer token that is wrong is refused with 401 and
 * never falls back to the cookie; a cookie that has ended counts as nobody. An unsafe request with the cookie must come from
 * our own pages. One request to the database. Personal access tokens are refused without a scope, as by {@link requireUser}.
 */
export function authenticate(
  source: AuthSource<SessionVerifier & TokenVerifier>,
  options: ScopedOptions,
): MiddlewareHandler<{ Variables: MaybeScopedVariables }>;
export function authenticate(
  source: AuthSource<SessionVerifier>,
  options?: AuthenticateOptions & { scope?: undefined },
): MiddlewareHandler<{ Variables: MaybeUserVariables }>;
export function authenticate(
  source: AuthSource<SessionVerifier & Partial<TokenVerifier>>,
  options: MaybeScopedOptions = {},
): MiddlewareHandler {
  return createMiddleware(async (c, next) => {
    try {
      const auth = resolveAuth(source, c);
      const presented = presentedBearer(c);
      expose(
        c,
        await verifyPresented(c, auth, options, presented).catch((error: unknown) => {
          if (presented?.transport === "cookie" && error instanceof AuthError && error.status === 401) return undefined;
          throw error;
        }),
      );
    } catch (error) {
      return refused(error, c);
    }
    return await next();
  });
}

/**
 * Lets a request through only with a session that counts now; after it `c.var.user` is never null. Answers 401 otherwise, or
 * 403 for an unsafe request that a foreign page sent with the cookie. Takes what {@link authenticate} found, if it ran.
 *
 * With a scope it also takes a personal access token that holds that very scope, and answers 403 to one that does not. Then
 * `c.var.token` says which, and there is no session and no actor.
 */
export function requireUser(
  source: AuthSource<SessionVerifier & TokenVerifier>,
  options: ScopedOptions,
): MiddlewareHandler<{ Variables: ScopedVariables }>;
export function requireUser(
  source: AuthSource<SessionVerifier>,
  options?: AuthenticateOptions & { scope?: undefined },
): MiddlewareHandler<{ Variables: UserVariables }>;
export function requireUser(
  source: AuthSource<SessionVerifier & Partial<TokenVerifier>>,
  options: MaybeScopedOptions = {},
): MiddlewareHandler {
  return createMiddleware(async (c, next) => {
    try {
      const found: ScopedToken | undefined = c.get("token");
      if (found && options.scope !== undefined) requireScope(found, options.scope);
      else if (!c.get("actor")) {
        const auth = resolveAuth(source, c);
        const presented = presentedBearer(c);
        if (!presented) throw new AuthError("unauthorized.invalid_token");
        expose(c, await verifyPresented(c, auth, options, presented));
      }
    } catch (error) {
      return refused(error, c);
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

/** A bearer as it came with a request, of one kind by its prefix alone (S51). */
type PresentedBearer = PresentedSession | { readonly token: string; readonly transport: "pat" };

/**
 * The session token of a request. A bearer of another kind is for another route (S25).
 *
 * @throws {AuthError} `unauthorized.invalid_token` for an `Authorization` header that is not one Bearer token,
 *   `auth.token_format_unrecognized` for another kind of bearer.
 */
export function presentedSession(c: Context): PresentedSession | undefined {
  const presented = presentedBearer(c);
  if (presented?.transport === "pat") throw new AuthError("auth.token_format_unrecognized");
  return presented;
}

/** What came with a request: a header that is there counts, whatever the cookie holds. Throws as {@link presentedSession} does. */
function presentedBearer(c: Context): PresentedBearer | undefined {
  const header = c.req.header("authorization");
  if (header === undefined) {
    const cookie = readCookie(c, sessionCookie);
    return cookie === undefined ? undefined : { token: cookie, transport: "cookie" };
  }
  const token = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header)?.[1];
  if (!token) throw new AuthError("unauthorized.invalid_token");
  const kind = classifyBearer(token);
  if (kind === "share") throw new AuthError("auth.token_format_unrecognized");
  return { token, transport: kind === "pat" ? "pat" : "token" };
}

/** Who it is, by the one verifier for the kind of bearer; without one, or without a scope, that kind is not taken (M8, F5). */
async function verifyPresented(
  c: Context,
  auth: SessionVerifier & Partial<TokenVerifier>,
  options: MaybeScopedOptions,
  presented: PresentedBearer | undefined,
): Promise<ScopedVariables | undefined> {
  if (!presented) return undefined;
  const { token: text, transport } = presented;
  if (transport === "pat") {
    if (options.scope === undefined || !auth.tokens) throw new AuthError("auth.token_format_unrecognized");
    const verified = await auth.tokens.verify({ token: text, context: requestContext(c, options.clientAddress) });
    const token = { id: verified.tokenId, scope: verified.scope };
    requireScope(token, options.scope);
    return { user: verified.user, session: undefined, actor: undefined, asOf: undefined, token };
  }
  if (transport === "cookie") requireSameOrigin(c, auth.origins);
  const context = requestContext(c, options.clientAddress);
  return { ...(await auth.sessions.verify({ token: text, transport, context })), token: undefined };
}

/** @throws {AuthError} `forbidden.insufficient_scope`. */
function requireScope(token: ScopedToken, scope: string): void {
  if (!hasScope(token.scope, scope)) throw new AuthError("forbidden.insufficient_scope");
}

function expose(c: Context, found: ScopedVariables | undefined): void {
  c.set("user", found?.user);
  c.set("session", found?.session);
  c.set("actor", found?.actor);
  c.set("asOf", found?.asOf);
  c.set("token", found?.token);
}
