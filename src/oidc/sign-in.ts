/**
 * From a code, from stored tokens or from a refresh token to an agent: OpenID Connect Core §3.1.3 and §12.
 *
 * @module
 */

import { sha256Base64Url } from "../crypto/digest.ts";
import { epochSeconds } from "../crypto/epoch.ts";
import { parseJws } from "../crypto/jws.ts";
import { isWithinScope } from "../domain/granted-scope.ts";
import { type AuthenticatedAgent, agentOf } from "./agent.ts";
import { OAuthError, RefreshError, SubjectMismatchError, TokenExpiredError, TokenParseError } from "./errors.ts";
import { doOnce, remember } from "./flights.ts";
import { type Claims, type ExpectedToken, longestIdToken, verifyIdToken } from "./id-token.ts";
import { readKeySet } from "./issuer.ts";
import { readObject } from "./issuer-request.ts";
import type { ClientSettings } from "./options.ts";
import { requestTokens } from "./token-requests.ts";
import { TokenSet, type TokenSetJson, tokensOfAnswer } from "./token-set.ts";

/** What a code is exchanged with. */
export interface CodeExchange {
  readonly code: string;
  readonly codeVerifier: string;
  readonly redirectUri: string | undefined;
  /** As in the transaction. Default: not known. */
  readonly scope?: string | undefined;
  readonly expected: Pick<ExpectedToken, "nonce" | "maxAgeSeconds" | "acrValues" | "createdAt">;
}

/** A code's tokens, and the claims of their verified ID token. */
export interface VerifiedTokens {
  readonly tokens: TokenSet;
  readonly claims: Claims;
}

/** Exchanges a code. The answer must have an ID token. */
export async function exchange(settings: ClientSettings, { code, ...more }: CodeExchange): Promise<VerifiedTokens> {
  const answer = await requestTokens(settings, {
    grant_type: "authorization_code",
    code,
    code_verifier: more.codeVerifier,
    redirect_uri: more.redirectUri,
  });
  const tokens = tokensOfAnswer(readObject(answer), {
    previous: { scope: more.scope },
    isBound: settings.dpop !== undefined,
  });
  const claims = await verify(settings, tokens.id_token, { ...more.expected, accessToken: tokens.access_token });
  return { tokens, claims };
}

/** The claims of a token that is for this client. */
export async function verify(
  settings: ClientSettings,
  token: string | undefined,
  more: Partial<ExpectedToken>,
): Promise<Claims> {
  if (token === undefined) throw new TokenParseError("id_token");
  return await verifyIdToken(settings, token, { ...settings, ...more });
}

/** How `createAgent` keeps tokens alive. */
export interface AgentOptions {
  /** Called with the new tokens, and awaited: store them. Its error is thrown. */
  readonly onRefresh?: ((tokens: TokenSetJson) => unknown) | undefined;
  /** Called with the error of a refresh that failed. */
  readonly onRefreshError?: ((error: OAuthError) => unknown) | undefined;
  /** Default: the client's. */
  readonly autoRefresh?: boolean | undefined;
}

/** The agent of stored tokens, which are refreshed first if they end within the client's buffer. */
export async function restore(
  settings: ClientSettings,
  stored: unknown,
  options: AgentOptions,
): Promise<AuthenticatedAgent> {
  const { onRefresh, onRefreshError, autoRefresh = settings.autoRefresh } = options;
  const tokens = TokenSet.from(stored);
  const subject = claimOf(tokens, "sub");
  // Another issuer must not get this refresh token.
  if (claimOf(tokens, "iss") !== settings.issuerUrl || subject === undefined) throw new TokenParseError("id_token.iss");
  const endsWithin = (seconds: number) => epochSeconds() + seconds >= tokens.expires_at;
  const isDue = autoRefresh && endsWithin(settings.refreshBufferSeconds);
  if (isDue && tokens.refresh_token !== undefined) {
    let renewed: AuthenticatedAgent | undefined;
    try {
      // The stored ID token is not verified first: the issuer may have withdrawn its key since. The new one must be.
      renewed = await renew(settings, tokens, subject);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      await onRefreshError?.(error);
      // The clock is asked again, because the issuer may have taken its time.
      if (endsWithin(0)) throw error;
    }
    if (renewed) {
      await onRefresh?.(renewed.tokens.toJSON());
      return renewed;
    }
  } else if (isDue && endsWithin(0)) throw new TokenExpiredError();
  return agentOf(await storedClaims(settings, tokens), tokens, settings.principalType);
}

/** A claim of a stored ID token that is not verified: only to compare with. */
function claimOf({ id_token = "" }: TokenSet, name: string): unknown {
  return parseJws(id_token, longestIdToken)?.claims.get(name);
}

/** The claims of stored ID tokens that this isolate has verified, by digest, with the end of each token. */
const verified: Map<string, { readonly claims: Claims; readonly until: number }> = new Map();

/** The claims of a stored ID token. It may have been altered since, so it is verified again, once in each isolate. */
async function storedClaims(settings: ClientSettings, tokens: TokenSet): Promise<Claims> {
  const { issuerUrl, clientId, algorithms } = settings;
  const text = JSON.stringify([issuerUrl, clientId, algorithms, tokens.id_token]);
  const key = await sha256Base64Url(text);
  const known = verified.get(key);
  if (known && epochSeconds() < known.until) return known.claims;
  const claims = await verify(settings, tokens.id_token, { isStored: true });
  remember(verified, key, { claims, until: claims.get("exp") as number });
  return claims;
}

/** How long a refresh answers every caller of the isolate that has the same refresh token. */
const sharedMilliseconds = 10_000;

/**
 * A new agent with new tokens. Callers of one isolate that have the same refresh token share one request.
 *
 * @throws {OAuthError} A class of the issuer's code, `RefreshError` for every other refusal, `SubjectMismatchError`.
 */
export async function renew(settings: ClientSettings, tokens: TokenSet, subject: unknown): Promise<AuthenticatedAgent> {
  const { issuerUrl, clientId, timeoutMs } = settings;
  const refreshToken = tokens.refresh_token;
  if (refreshToken === undefined) throw new TokenParseError("refresh_token");
  const renewed = await doOnce({
    key: JSON.stringify(["refresh", issuerUrl, clientId, refreshToken]),
    timeoutMs,
    keptMilliseconds: () => sharedMilliseconds,
    work: async () => await refreshOnce(settings, tokens, refreshToken),
  });
  const actual = renewed.claims.get("sub") as string;
  if (actual !== subject) throw new SubjectMismatchError(String(subject), actual);
  return agentOf(renewed.claims, renewed.tokens, settings.principalType);
}

async function refreshOnce(
  settings: ClientSettings,
  previous: TokenSet,
  refreshToken: string,
): Promise<VerifiedTokens> {
  const isBound = settings.dpop !== undefined;
  let status: number | undefined;
  try {
    // Before the refresh token is spent: without keys, the answer could not be used.
    await readKeySet(settings);
    const answer = await requestTokens(settings, { grant_type: "refresh_token", refresh_token: refreshToken });
    status = answer.status;
    const tokens = tokensOfAnswer(readObject(answer), { previous, isBound });
    if (!isWithinScope(tokens.scope, previous.scope)) throw new TokenParseError("scope");
    if (tokens.id_token === previous.id_token) return { tokens, claims: await storedClaims(settings, tokens) };
    const claims = await verify(settings, tokens.id_token, { accessToken: tokens.access_token });
    // OpenID Connect Core §12.2: a nonce is the original one.
    if (claims.has("nonce") && claims.get("nonce") !== claimOf(previous, "nonce"))
      throw new TokenParseError("id_token.nonce");
    return { tokens, claims };
  } catch (error) {
    // An error of a class of its own says what to do, such as to sign in again.
    if (!(error instanceof OAuthError) || error.constructor !== OAuthError) throw error;
    throw new RefreshError(status, error);
  }
}
