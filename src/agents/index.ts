/**
 * Guards for requests on the word of an issuer: of agents, who have signed in there, and of bearers of its access tokens.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { parseJws } from "../crypto/jws.ts";
import { AuthError } from "../domain/error.ts";
import { hasAccess } from "../domain/scope.ts";
import { errorResponse } from "../http/problem.ts";
import { verifyAccessToken } from "../oidc/access-token.ts";
import type { AuthenticatedAgent } from "../oidc/agent.ts";
import type { IdpClient } from "../oidc/client.ts";
import { ConfigurationError, OAuthError, RefreshError } from "../oidc/errors.ts";
import { longestIdToken } from "../oidc/id-token.ts";
import { type ClientSettings, type IdpClientOptions, readSettings } from "../oidc/options.ts";
import type { TokenSetJson } from "../oidc/token-set.ts";
import type { AgentPrincipal, ForeignPrincipal } from "./principal.ts";

export type { AgentPrincipal, ForeignPrincipal, Principal } from "./principal.ts";

/** What a route asks of a principal: an action on a resource, in the scopes of `sallyport/scopes`. */
export interface NeededAccess {
  readonly action: string;
  readonly resource: string;
}

/** The options of {@link requireAgent}: where the agent comes from, and what it must have access to. */
export type AgentGuardOptions = (KeptTokens | KeptAgent) & {
  /** What the agent must have access to, in the organization if the route is about one. Otherwise 403. Default: nothing. */
  readonly access?: NeededAccess & { readonly organization?: (c: Context) => string | undefined };
};

/** Tokens that the application keeps itself. */
export interface KeptTokens {
  /** The tokens that the application keeps for this browser, as `JSON.stringify` wrote them or as an object. None: 401. */
  readonly tokens: (c: Context) => unknown;
  /** Keeps renewed tokens. It is awaited. Needed unless the client has `autoRefresh: false`. */
  readonly save?: (c: Context, tokens: TokenSetJson) => unknown;
}

/** An agent that something else keeps and renews. */
export interface KeptAgent {
  /** The agent of this browser's session, by `createAgent` of `sallyport/oidc/token-rows`. None: 401. */
  readonly agent: (c: Context) => Promise<AuthenticatedAgent | undefined>;
}

/** The options of {@link requireForeignToken}. */
export interface ForeignTokenOptions
  extends Pick<IdpClientOptions, "algorithms" | "clockToleranceSeconds" | "timeoutMs" | "privateHosts" | "fetch"> {
  /** The issuers whose tokens count, exactly as they write themselves. */
  readonly issuers: readonly string[];
  /** This application, as tokens name it in `aud`. */
  readonly audience: string;
  /** Accepts tokens of the type `JWT`, or of none, from issuers that do not follow RFC 9068. Default false. */
  readonly acceptsPlainType?: boolean;
  /** What the token's scopes must give access to. Otherwise 403. Default: nothing. */
  readonly access?: NeededAccess;
}

/** The variables of a handler after a guard. */
export interface PrincipalVariables<Kind> {
  principal: Kind;
}

/**
 * Requires an agent: `c.var.principal` is set for the handler, with tokens that are renewed before they end.
 *
 * Otherwise answers 401 if there are no tokens, or they have ended; 403 without the access; 503 if the issuer does not answer and
 * the tokens have ended.
 *
 * Cookies are the application's, so an unsafe request needs its check of the origin in front, such as `hono/csrf`.
 */
export function requireAgent(
  idp: IdpClient,
  { access, ...from }: AgentGuardOptions,
): MiddlewareHandler<{ Variables: PrincipalVariables<AgentPrincipal> }> {
  return guard<AgentPrincipal>(async (c) => {
    const agent = "agent" in from ? await from.agent(c) : await agentOf(idp, c, from);
    if (!agent) throw new AuthError("unauthorized.invalid_token");
    if (access) {
      const { action, resource, organization } = access;
      const named = organization?.(c);
      // A route about an organization is not opened by the scopes of another.
      const may = organization
        ? named !== undefined && agent.hasAccessIn(named, action, resource)
        : agent.hasAccess(action, resource);
      if (!may) throw new AuthError("forbidden.insufficient_scope");
    }
    const issuer = issuerOf(agent.tokens.id_token ?? "", longestIdToken);
    if (issuer === undefined) throw new AuthError("unauthorized.invalid_token");
    return { type: "agent", issuer, subject: agent.id, agent };
  });
}

/**
 * Requires an access token of an issuer for this application (RFC 9068), in the header `Authorization: Bearer`: `c.var.principal`
 * is set for the handler. Otherwise answers 401, 403 without the access, or 503 if the issuer's keys cannot be read.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function requireForeignToken({
  issuers,
  audience,
  acceptsPlainType = false,
  access,
  ...connection
}: ForeignTokenOptions): MiddlewareHandler<{ Variables: PrincipalVariables<ForeignPrincipal> }> {
  const settings = new Map<string, ClientSettings>(
    issuers.map((issuerUrl) => [issuerUrl, readSettings({ ...connection, issuerUrl, clientId: audience })]),
  );
  const types = ["at+jwt", ...(acceptsPlainType ? ["jwt", undefined] : [])];
  return guard<ForeignPrincipal>(async (c) => {
    const token = /^Bearer +([\w.-]+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    const issuer = token === undefined ? undefined : issuerOf(token);
    const of = issuer === undefined ? undefined : settings.get(issuer);
    if (token === undefined || !of) throw new AuthError("unauthorized.invalid_token");
    const claims = await verifyAccessToken(of, token, types);
    const scope = claims.get("scope");
    const scopes = typeof scope === "string" ? scope.split(" ").filter(Boolean) : [];
    if (access && !hasAccess(scopes, access.action, access.resource))
      throw new AuthError("forbidden.insufficient_scope");
    const clientId = claims.get("client_id") ?? claims.get("azp");
    return {
      type: "foreign",
      issuer: of.issuerUrl,
      subject: claims.get("sub") as string,
      clientId: typeof clientId === "string" ? clientId : undefined,
      scopes,
      expiresAt: claims.get("exp") as number,
    };
  });
}

async function agentOf(
  idp: IdpClient,
  c: Context,
  { tokens, save }: KeptTokens,
): Promise<AuthenticatedAgent | undefined> {
  const kept = await tokens(c);
  if (kept === undefined || kept === null) return undefined;
  const onRefresh = (renewed: TokenSetJson) => save?.(c, renewed);
  return await idp.createAgent(typeof kept === "string" ? parsed(kept) : kept, { onRefresh });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AuthError("unauthorized.invalid_token", { cause: error });
  }
}

/** The issuer that a token names. Nothing is true of it before the token is verified. */
function issuerOf(token: string, longest?: number): string | undefined {
  const issuer = parseJws(token, longest)?.claims.get("iss");
  return typeof issuer === "string" ? issuer : undefined;
}

/** A middleware that finds a principal, or answers with the refusal. Another error is the application's to handle. */
function guard<Kind>(find: (c: Context) => Promise<Kind>): MiddlewareHandler<{ Variables: PrincipalVariables<Kind> }> {
  return createMiddleware(async (c, next) => {
    try {
      c.set("principal", await find(c));
    } catch (error) {
      const refusal = refusalFor(error);
      if (!refusal) throw error;
      return errorResponse(c, refusal);
    }
    return await next();
  });
}

/** Codes that speak of the issuer, and not of the token. */
const ofIssuer: ReadonlySet<string> = new Set(["issuer_unreachable", "issuer_timeout", "issuer_invalid_response"]);

/** Undefined for what is no refusal, such as a wrong option. */
function refusalFor(error: unknown): AuthError | undefined {
  if (error instanceof AuthError) return error;
  if (!(error instanceof OAuthError) || error instanceof ConfigurationError) return undefined;
  const isIssuers =
    error instanceof RefreshError
      ? error.status_code === undefined || error.status_code >= 500
      : ofIssuer.has(error.error);
  if (isIssuers) return new AuthError("unavailable.provider", { cause: error, retryAfterSeconds: 5 });
  return new AuthError("unauthorized.invalid_token", { cause: error });
}
