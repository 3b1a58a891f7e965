/**
 * Google as a provider.
 *
 * @module
 */
import type { IdentityProvider, ProvedIdentity } from "../domain/identity-provider.ts";
import { OAuthError } from "../oidc/errors.ts";
import { isSameText, verifyIdToken } from "../oidc/id-token.ts";
import { issuerProvider, type KnownProviderOptions } from "../oidc/provider.ts";
import { checkNames } from "../oidc/provider-options.ts";
import { profileOfClaims } from "../oidc/standard-claims.ts";
import {
  googleSettings,
  issuerUrl,
  requireDomain,
  requireHostedDomain,
  requireNonce,
  variant,
} from "./google-token.ts";

export type { IdentityProvider, ProvedIdentity, ProviderNotice } from "../domain/identity-provider.ts";
export { type GoogleTokenOptions, type VerifiedIdentityClaims, verifyGoogleToken } from "./google-token.ts";

/** The options of {@link google}. */
export interface GoogleOptions extends KnownProviderOptions {
  /** Accepts only accounts of this Workspace domain, such as `example.com`. Default: every account. */
  readonly hostedDomain?: string;
  /**
   * True to ask for a refresh token, so that the application can act for its users while they are away (`keepTokens` of `federation`).
   * Google gives one when the user consents; with `prompt: "consent"`, it asks each time. Default false.
   */
  readonly offline?: boolean;
}

/**
 * A provider for Google accounts.
 *
 * Google's tokens name it in two ways, with and without `https://`. Both are one identity, which has the form with it.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function google({ hostedDomain, offline, ...options }: GoogleOptions): IdentityProvider {
  checkNames(options, "site");
  requireHostedDomain(hostedDomain);
  const provider = issuerProvider(
    { name: "google", label: "Google", provesAgain: false, ...options, issuerUrl, algorithms: ["RS256"] },
    {
      variant,
      // Only a hint: the user can take it out of the URL, so that the claim is checked.
      parameters: { hd: hostedDomain, access_type: offline ? "offline" : undefined },
      identityOf(claims) {
        requireDomain(claims, hostedDomain);
        return {};
      },
    },
  );
  return {
    ...provider,
    pageClientId: options.clientId,
    finish: (answer, attempt) =>
      answer instanceof URLSearchParams && answer.has("credential")
        ? readCredential({ ...options, hostedDomain }, answer, attempt.nonce)
        : provider.finish(answer, attempt),
  };
}

/** The options of {@link verifyOneTap}. */
export interface OneTapOptions
  extends Pick<GoogleOptions, "clientId" | "timeoutMs" | "clockToleranceSeconds" | "fetch"> {
  /** As for {@link google}. */
  readonly hostedDomain?: string | undefined;
}

/** What Google's One Tap, or its button with FedCM, has sent to the application. */
export interface OneTapAnswer {
  readonly form: URLSearchParams;
  /** The value of the cookie `g_csrf_token`, which Google's script has set on the page. */
  readonly csrfCookie: string | undefined;
  /** The nonce that the page gave to Google: at least 128 bits, made for this browser, and used once. */
  readonly nonce: string;
}

/**
 * The identity of a One Tap answer.
 *
 * The caller keeps the nonce where only this browser's next request reads it, and spends it.
 *
 * @throws {OAuthError} `state_mismatch` if the form comes from another site, `invalid_callback`, `account_not_allowed`.
 * @throws {TokenParseError} If the token is not acceptable.
 */
export async function verifyOneTap(options: OneTapOptions, answer: OneTapAnswer): Promise<ProvedIdentity> {
  const { form, csrfCookie = "", nonce } = answer;
  requireNonce(nonce);
  const tokens = form.getAll("g_csrf_token");
  if (csrfCookie === "" || tokens.length !== 1 || !isSameText(tokens[0], csrfCookie)) {
    throw new OAuthError("state_mismatch");
  }
  return await readCredential(options, form, nonce);
}

/** The identity of the ID token in the field `credential`. */
async function readCredential(
  { clientId, hostedDomain, timeoutMs, clockToleranceSeconds, fetch }: OneTapOptions,
  form: URLSearchParams,
  nonce: string,
): Promise<ProvedIdentity> {
  // An option with the value `undefined` counts as one that is not given.
  const settings = googleSettings({ clientId, timeoutMs, clockToleranceSeconds, fetch } as GoogleOptions);
  const [credential, ...others] = form.getAll("credential");
  if (credential === undefined || others.length > 0) throw new OAuthError("invalid_callback");
  const claims = await verifyIdToken(settings, credential, { ...settings, nonce });
  requireDomain(claims, hostedDomain);
  return { issuer: issuerUrl, subject: claims.get("sub") as string, ...profileOfClaims(claims) };
}
