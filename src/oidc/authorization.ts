/**
 * The way to the issuer and back: the authorization request (OpenID Connect Core §3.1.2.1, RFC 7636, RFC 8707) and its answer
 * (RFC 6749 §4.1.2, RFC 9207).
 *
 * @module
 */

import { randomBytes, toBase64Url } from "../crypto/bytes.ts";
import { sha256Base64Url } from "../crypto/digest.ts";
import { epochSeconds } from "../crypto/epoch.ts";
import { ConfigurationError, errorForCode, OAuthError, requireSetting } from "./errors.ts";
import { isSameText } from "./id-token.ts";
import { readMetadata } from "./issuer.ts";
import { setParameters } from "./issuer-request.ts";
import type { ClientSettings } from "./options.ts";
import { requireEndpoint } from "./token-requests.ts";

/** What to ask the issuer for. */
export interface AuthorizationRequest {
  /** Such as `["openid", "email"]`. `openid` is added if it is missing. */
  readonly scopes: readonly string[];
  /** At least 128 bits. Default: 256 random bits. */
  readonly state?: string | undefined;
  /** At least 128 bits. Default: 256 random bits. */
  readonly nonce?: string | undefined;
  /** 43 to 128 unreserved characters (RFC 7636 §4.1). Default: 256 random bits. */
  readonly codeVerifier?: string | undefined;
  /** The organization that tokens are limited to. */
  readonly org?: string | undefined;
  /** `none`, `login`, `consent`, `select_account` or `create`. */
  readonly prompt?: string | undefined;
  /** How old the user's authentication may be, in seconds. The ID token must prove it. */
  readonly maxAge?: number | undefined;
  /** Authentication contexts. The ID token must have one of them. */
  readonly acrValues?: readonly string[] | undefined;
  readonly loginHint?: string | undefined;
  readonly responseMode?: "query" | "form_post" | undefined;
}

/**
 * A sign-in that has begun: what the answer is checked against. It survives JSON. Keep it where only this browser's next request
 * reads it, and use it once.
 */
export interface AuthorizationTransaction {
  /** Where to send the browser. */
  readonly url: string;
  readonly codeVerifier: string;
  readonly state: string;
  readonly nonce: string;
  readonly issuer: string;
  readonly redirectUri: string;
  /** The scopes that were asked for, separated by spaces: what an answer grants that names none (RFC 6749 §5.1). */
  readonly scope?: string;
  /** In seconds since the Unix epoch. */
  readonly createdAt: number;
  readonly maxAge?: number;
  readonly acrValues?: readonly string[];
}

/** How long a user may take at the issuer, in seconds. */
const longestTransactionSeconds = 600;

/** Begins a sign-in. The code challenge is always S256. */
export async function beginAuthorization(
  settings: ClientSettings,
  request: AuthorizationRequest,
): Promise<AuthorizationTransaction> {
  const { issuerUrl: issuer, clientId, resources } = settings;
  const redirectUri = requireRedirectUri(settings);
  const { state = secret(), nonce = secret(), codeVerifier = secret(), maxAge, acrValues } = request;
  for (const [name, value] of Object.entries({ state, nonce })) {
    // What was given is not quoted.
    requireSetting(isSecret(value), name, {}, "at least 128 bits of base64url");
  }
  requireSetting(/^[\w.~-]{43,128}$/.test(codeVerifier), "codeVerifier", {}, "43 to 128 unreserved characters");
  requireSetting(
    maxAge === undefined || (Number.isInteger(maxAge) && maxAge >= 0),
    "maxAge",
    maxAge,
    "a number of seconds",
  );
  const { authorization_endpoint: endpoint } = await readMetadata(settings);
  const url = new URL(requireEndpoint(endpoint, "authorization"));
  const scope = scopeText([...new Set(["openid", ...request.scopes])]);
  setParameters(url.searchParams, {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: await sha256Base64Url(codeVerifier),
    code_challenge_method: "S256",
    org: request.org,
    prompt: request.prompt,
    max_age: maxAge?.toString(),
    acr_values: acrValues?.join(" ") || undefined,
    login_hint: request.loginHint,
    response_mode: request.responseMode,
  });
  for (const resource of resources) url.searchParams.append("resource", resource);
  return {
    url: url.href,
    codeVerifier,
    state,
    nonce,
    issuer,
    redirectUri,
    scope,
    createdAt: epochSeconds(),
    ...(maxAge !== undefined && { maxAge }),
    ...(acrValues?.length && { acrValues }),
  };
}

/** @throws {ConfigurationError} */
export function requireRedirectUri({ redirectUri }: ClientSettings): string {
  if (redirectUri !== undefined) return redirectUri;
  throw new ConfigurationError("redirectUri", "the code flow needs one.");
}

/** 22 characters of base64url are 128 bits. */
const isSecret = (value: unknown) => typeof value === "string" && /^[\w.~+/=-]{22,512}$/.test(value);

/** 256 bits: also a code verifier of 43 characters (RFC 7636 §4.1). */
function secret(): string {
  return toBase64Url(randomBytes(32));
}

/**
 * Scopes as one text: RFC 6749 §3.3.
 *
 * @throws {ConfigurationError}
 */
export function scopeText(scopes: readonly string[]): string {
  const areScopes = scopes.length <= 100 && scopes.every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(scope));
  requireSetting(areScopes, "scopes", scopes, "scopes without spaces and quotation marks");
  return scopes.join(" ");
}

/** The issuer's answer: the URL that the browser came to, or the form that it sent. */
export type CallbackAnswer = string | URL | URLSearchParams | FormData;

/**
 * The code of the issuer's answer, if the answer belongs to the transaction. In this order: age, state, issuer, error, code.
 *
 * @throws {OAuthError} `transaction_expired`, `state_mismatch`, `issuer_mismatch`, `invalid_callback`, or the issuer's error.
 */
export async function readCallback(
  settings: ClientSettings,
  answer: CallbackAnswer,
  transaction: AuthorizationTransaction,
): Promise<string> {
  const { issuerUrl, variant } = settings;
  const age = epochSeconds() - transaction.createdAt;
  if (!(age >= 0 && age <= longestTransactionSeconds)) throw new OAuthError("transaction_expired");
  // Another client's transaction: a mix-up (RFC 9700 §4.4).
  if (transaction.issuer !== issuerUrl) throw new OAuthError("issuer_mismatch");
  const parameters = parametersOf(answer);
  const value = (name: string): string | undefined => {
    const [first, ...others] = parameters.getAll(name).map(String);
    // RFC 6749 §3.1: parameters are not repeated.
    if (others.length > 0) throw new OAuthError("invalid_callback");
    return first === "" ? undefined : first;
  };
  // A transaction that was stored in part would switch a check off.
  const isWhole = [transaction.state, transaction.nonce, transaction.codeVerifier].every(isSecret);
  // Before the other parameters: an answer from elsewhere says nothing about this sign-in. Two states joined are none.
  if (!isWhole || !isSameText(parameters.getAll("state").join(), transaction.state))
    throw new OAuthError("state_mismatch");
  const [issuer, error, description, code] = ["iss", "error", "error_description", "code"].map(value);
  const { authorization_response_iss_parameter_supported: isAnnounced } = await readMetadata(settings);
  const isIssuers = issuer === undefined ? !isAnnounced : (variant?.isAnswerOf?.(issuer) ?? issuer === issuerUrl);
  if (!isIssuers) throw new OAuthError("issuer_mismatch");
  if (error !== undefined) throw errorForCode(error, description);
  if (code === undefined || code.length > 8_192) throw new OAuthError("invalid_callback");
  return code;
}

function parametersOf(answer: CallbackAnswer): URLSearchParams | FormData {
  if (answer instanceof URLSearchParams || answer instanceof FormData) return answer;
  if (!URL.canParse(`${answer}`)) throw new OAuthError("invalid_callback");
  return new URL(answer).searchParams;
}
