/**
 * Identities from claims: OpenID Connect Core §5.1, RFC 8176.
 *
 * @module
 */
import type { ProvedIdentity } from "../domain/identity-provider.ts";
import { TokenParseError } from "./errors.ts";
import { type Claims, isSubject } from "./id-token.ts";

/** What the standard claims say about an identity, besides who it is. */
export function profileOfClaims(claims: Claims): Omit<ProvedIdentity, "issuer" | "subject"> {
  const amr = claims.get("amr");
  return {
    email: textOf(claims, "email"),
    emailVerified: isVerified(claims.get("email_verified")),
    name: textOf(claims, "name"),
    amr: Array.isArray(amr) ? amr.filter((method) => typeof method === "string") : undefined,
    acr: textOf(claims, "acr"),
  };
}

/** A claim that is a text and not empty. */
export function textOf(claims: Claims, name: string): string | undefined {
  const claim = claims.get(name);
  return typeof claim === "string" && claim !== "" ? claim : undefined;
}

/** Some providers write the boolean as text. Any other value, such as 1, is not a yes. */
export function isVerified(claim: unknown): boolean {
  return claim === true || claim === "true";
}

/**
 * The subject in a member of a userinfo answer: a text, or a positive integer as text.
 *
 * An integer beyond 2^53 has lost digits, so that two users would be one. Zero is what many servers write for a missing value.
 *
 * @throws {TokenParseError}
 */
export function subjectOf(claims: Claims, name: string): string {
  const claim = claims.get(name);
  const subject = Number.isSafeInteger(claim) && (claim as number) > 0 ? String(claim) : claim;
  if (!isSubject(subject)) throw new TokenParseError(`userinfo.${name}`);
  return subject;
}
