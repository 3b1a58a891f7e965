/**
 * Tokens that an application keeps to act for its users at a provider.
 *
 * @module
 */
import type { ProviderTokens } from "../domain/identity-provider.ts";
import type { BoundedAnswer } from "../net/bounded-fetch.ts";
import { readKeySet } from "./issuer.ts";
import { readObject } from "./issuer-request.ts";
import type { ClientSettings } from "./options.ts";
import { requestTokens } from "./token-requests.ts";
import { tokensOfAnswer } from "./token-set.ts";

/** The tokens of a token endpoint's answer, without those that are of no use later. */
export function providerTokens(answer: BoundedAnswer): ProviderTokens & { readonly id_token?: string | undefined } {
  const members = readObject(answer);
  const { access_token, refresh_token, id_token, expires_at, scope } = tokensOfAnswer(members, { isBound: false });
  // Some servers give tokens that have no end.
  const hasEnd = (members.get("expires_in") ?? null) !== null;
  return { access_token, refresh_token, id_token, scope, ...(hasEnd && { expires_at }) };
}

/**
 * New tokens for a refresh token (RFC 6749 §6).
 *
 * @param check Checks an ID token that came with them (OpenID Connect Core §12.2). Default: there is none.
 */
export async function refreshTokens(
  settings: ClientSettings,
  refreshToken: string,
  check?: (idToken: string, accessToken: string) => Promise<void>,
): Promise<ProviderTokens> {
  // Before the refresh token is spent: without keys, the answer could not be used.
  if (check) await readKeySet(settings);
  const answer = await requestTokens(settings, { grant_type: "refresh_token", refresh_token: refreshToken });
  const { id_token: idToken, ...tokens } = providerTokens(answer);
  if (idToken !== undefined) await check?.(idToken, tokens.access_token);
  return tokens;
}
