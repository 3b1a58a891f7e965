import type { Context, MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import type { SessionActor } from "../domain/actor.ts";
import { AuthError } from "../domain/error.ts";
import type { PersonalAccessTokenId } from "../domain/id.ts";
import { hasScope } from "../domain/personal-access-token.ts";
import type { Session } from "../domain/session.ts";
import type { SignedInUser } from "../domain/user.ts";
import type { Realm, WithRealm } from "../engine/realm.ts";
import type { PresentedToken, VerifiedSession } from "../engine/sessions.ts";
import type { CoreOperations } from "../operations/auth.ts";
import type { PersonalAccessTokenAuth } from "../operations/personal-access-tokens.ts";
import { type AuthSource, authFor, realmOf, reportFault } from "./auth-source.ts";
import { type PresentedBearer, presentedBearer } from "./bearer.ts";
import { errorResponse, isRefusal } from "./problem.ts";
import { requestContext } from "./request-context.ts";
import { requireSameOrigin } from "./same-origin.ts";

/** The parts of `auth` that a guard needs. Any `auth` from `createAuth` has them. */
export type SessionVerifier = Pick<CoreOperations, "sessions" | "origins"> & WithRealm;

/**
 * The operation that a guard also needs to accept personal access tokens. The feature `personalAccessTokens` adds it to `auth`.
 */
export interface TokenVerifier {
  readonly personalAccessTokens: Pick<PersonalAccessTokenAuth["personalAccessTokens"], "verify">;
}

/** The options of a guard on a route that personal access tokens may reach. */
export interface ScopedOptions {
  /** The scope that a token must hold, compared as a whole, such as `docs:read`. A request cannot choose it. */
  scope: string;
}

interface MaybeScopedOptions {
  scope?: string | undefined;
}

/** The variables of a handler after {@link requireUser}. */
export interface UserVariables {
  user: SignedInUser;
  session: Session;
  /** The caller to pass to operations on behalf of the user. */
  actor: SessionActor;
  /** The database's time of the check. Compute the age of a proof from it. */
  asOf: Date;
}

/**
 * The variables of a handler after {@link requireUser} with a scope. There is a session or a personal access token, never both.
 */
export interface ScopedVariables {
  user: SignedInUser;
  session: Session | undefined;
  /** Set only for a session: a personal access token cannot change an account or create other tokens. */
  actor: SessionActor | undefined;
  asOf: Date | undefined;
  token: ScopedToken | undefined;
}

/** A verified personal access token and its scopes. */
export interface ScopedToken {
  readonly id: PersonalAccessTokenId;
  readonly scope: readonly string[];
}

/** The variables of a handler after {@link authenticate}: those of {@link UserVariables}, or all undefined. */
export type MaybeUserVariables = { [Name in keyof UserVariables]: UserVariables[Name] | undefined };
/** The variables of a handler after {@link authenticate} with a scope: those of {@link ScopedVariables}, or all undefined. */
export type MaybeScopedVariables = { [Name in keyof ScopedVariables]: ScopedVariables[Name] | undefined };

type Verified = ScopedVariables | undefined;

type VerifySession = SessionVerifier["sessions"]["verify"];

/**
 * Identifies the user if there is one, as `c.var.user`, `c.var.session` and `c.var.actor`, and lets anonymous requests
 * through.
 *
 * Reads `Authorization: Bearer` (RFC 6750 §2.1), else the session cookie; another scheme counts as absent. A wrong bearer token
 * is refused with 401 and never falls back to the cookie; a cookie whose session has ended counts as anonymous. An unsafe
 * request or WebSocket with the cookie must come from the site's own pages. One request to the database. Without a scope,
 * personal access tokens are refused.
 */
export function authenticate(
  source: AuthSource<SessionVerifier & TokenVerifier>,
  options: ScopedOptions,
): MiddlewareHandler<{ Variables: MaybeScopedVariables }>;
/**
 * Identifies the user of a session if there is one, and lets anonymous requests through. Personal access tokens are refused.
 */
export function authenticate(
  source: AuthSource<SessionVerifier>,
  options?: { scope?: undefined },
): MiddlewareHandler<{ Variables: MaybeUserVariables }>;
export function authenticate(
  source: AuthSource<SessionVerifier & Partial<TokenVerifier>>,
  options: MaybeScopedOptions = {},
): MiddlewareHandler {
  return guard(source, async (c, auth, realm) => {
    const presented = presentedBearer(c, auth);
    try {
      remember(c, realm, await verifyPresented(c, auth, options, presented));
    } catch (error) {
      const isEnded = error instanceof AuthError && error.status === 401;
      if (presented?.transport !== "cookie" || !isEnded) throw error;
      remember(c, realm, undefined);
    }
  });
}

/**
 * Requires a live session: `c.var.user` is set for the handler. Otherwise answers 401, or 403 for an unsafe request that a
 * foreign page sent with the cookie. If {@link authenticate} of the same `auth` ran before, its result is used.
 *
 * With a scope it also accepts a personal access token that holds exactly that scope, and answers 403 to one that does not.
 * Then `c.var.token` is set, and there is no session and no actor.
 */
export function requireUser(
  source: AuthSource<SessionVerifier & TokenVerifier>,
  options: ScopedOptions,
): MiddlewareHandler<{ Variables: ScopedVariables }>;
/** Requires a live session, as the overload with a scope does. Personal access tokens are refused. */
export function requireUser(
  source: AuthSource<SessionVerifier>,
  options?: { scope?: undefined },
): MiddlewareHandler<{ Variables: UserVariables }>;
export function requireUser(
  source: AuthSource<SessionVerifier & Partial<TokenVerifier>>,
  options: MaybeScopedOptions = {},
): MiddlewareHandler {
  return guard(source, async (c, auth, realm) => {
    await verifyUser(c, auth, realm, options);
  });
}

/**
 * The checks of {@link requireUser} before it admits a request.
 *
 * @param verify Verifies a session, if no earlier guard of the same `auth` has. Default: the operation that does nothing else.
 */
export async function verifyUser(
  c: Context,
  auth: SessionVerifier & Partial<TokenVerifier>,
  realm: Realm,
  options: MaybeScopedOptions,
  verify: VerifySession = auth.sessions.verify,
): Promise<ScopedVariables> {
  const known = verified.get(c)?.get(realm);
  if (known?.token && options.scope !== undefined) requireScope(known.token, options.scope);
  if (known && (known.actor || options.scope !== undefined)) return remember(c, realm, known);
  const presented = presentedBearer(c, auth);
  const found = presented && (await verifyPresented(c, auth, options, presented, verify));
  if (!found) throw new AuthError("unauthorized.invalid_token");
  return remember(c, realm, found);
}

/**
 * The checks of {@link requireUser}, with a question about the user.
 *
 * @param questions.verify Verifies a session and answers the question, in one request.
 * @param questions.ask Answers the question alone. It is used if an earlier guard of the same `auth` has verified the session.
 */
export async function verifyUserAnd<Answer>(
  c: Context,
  auth: SessionVerifier,
  realm: Realm,
  questions: {
    readonly verify: (presented: PresentedToken) => Promise<VerifiedSession & Answer>;
    readonly ask: (actor: SessionActor) => Promise<Answer>;
  },
): Promise<Answer> {
  let answer: Answer | undefined;
  const { actor } = await verifyUser(c, auth, realm, {}, async (presented) => {
    const verified = await questions.verify(presented);
    answer = verified;
    return verified;
  });
  return answer ?? (await questions.ask(actor!));
}

/**
 * A middleware that refuses by throwing. It answers its own refusals; any other error is the application's to handle.
 */
export function guard<Auth extends WithRealm>(
  source: AuthSource<Auth>,
  check: (c: Context, auth: Auth, realm: Realm) => Promise<void>,
): MiddlewareHandler {
  return createMiddleware(async (c, next) => {
    let realm: Realm | undefined;
    try {
      const auth = authFor(source, c);
      realm = realmOf(auth);
      realm.check();
      await check(c, auth, realm);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const response = errorResponse(c, error);
      if (response.status >= 500) reportFault(realm, error);
      return response;
    }
    return await next();
  });
}

/**
 * The verified user or token of a request, by the `auth` that verified it. Only this module writes here. A variable of the
 * context admits no request, because other middleware can set one.
 */
const verified = new WeakMap<Context, Map<Realm, Verified>>();

function remember<Found extends Verified>(c: Context, realm: Realm, found: Found): Found {
  const ofRequest = verified.get(c) ?? new Map<Realm, Verified>();
  verified.set(c, ofRequest.set(realm, found));
  c.set("user", found?.user);
  c.set("session", found?.session);
  c.set("actor", found?.actor);
  c.set("asOf", found?.asOf);
  c.set("token", found?.token);
  return found;
}

/** Verifies a bearer with the one verifier for its kind. Without that feature, or without a scope, the kind is refused. */
async function verifyPresented(
  c: Context,
  auth: SessionVerifier & Partial<TokenVerifier>,
  options: MaybeScopedOptions,
  presented: PresentedBearer | undefined,
  verify: VerifySession = auth.sessions.verify,
): Promise<Verified> {
  if (!presented) return undefined;
  const { token: text, transport } = presented;
  const context = requestContext(c, realmOf(auth));
  if (transport === "pat") {
    if (options.scope === undefined || !auth.personalAccessTokens) {
      throw new AuthError("auth.token_format_unrecognized");
    }
    const proved = await auth.personalAccessTokens.verify({ token: text, context });
    const token = { id: proved.tokenId, scope: proved.scope };
    requireScope(token, options.scope);
    const user = { ...proved.user, identifier: null, identifierVerified: false };
    return { user, session: undefined, actor: undefined, asOf: undefined, token };
  }
  if (transport === "cookie") requireSameOrigin(c, auth);
  return { ...(await verify({ token: text, transport, context })), token: undefined };
}

/** @throws {AuthError} `forbidden.insufficient_scope`. */
function requireScope(token: ScopedToken, scope: string): void {
  if (!hasScope(token.scope, scope)) throw new AuthError("forbidden.insufficient_scope");
}
