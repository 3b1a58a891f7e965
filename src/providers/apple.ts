/**
 * Apple as a provider.
 *
 * @module
 */
import { type Bytes, fromBase64, utf8 } from "../crypto/bytes.ts";
import { epochSeconds } from "../crypto/epoch.ts";
import { membersOf, tryStrictJson } from "../crypto/json.ts";
import { signJws } from "../crypto/sign-jws.ts";
import type { IdentityProvider } from "../domain/identity-provider.ts";
import { ConfigurationError, requireSetting } from "../oidc/errors.ts";
import type { Claims } from "../oidc/id-token.ts";
import type { NoticeTokens } from "../oidc/notice-token.ts";
import { issuerProvider, type KnownProviderOptions } from "../oidc/provider.ts";
import { checkNames } from "../oidc/provider-options.ts";
import { isVerified, textOf } from "../oidc/standard-claims.ts";

export type { IdentityProvider, ProvedIdentity, ProviderNotice } from "../domain/identity-provider.ts";

/** The options of {@link apple}. */
export interface AppleOptions extends Omit<KnownProviderOptions, "clientSecret"> {
  readonly teamId: string;
  /** The id of the private key. */
  readonly keyId: string;
  /** The private key as Apple gives it: PKCS#8 in PEM. From an environment, `\n` may stand for the ends of its lines. */
  readonly privateKey: string;
}

const issuerUrl = "https://appleid.apple.com";
/** Apple takes up to six months. */
const secretSeconds = 300;

/**
 * A provider for Apple. Apple sends its answer as a form, from its own site.
 *
 * An address of Apple's relay never counts as verified, because no other account can have it; `isPrivateEmail` says that it is one. The name is in the first answer
 * only, and is not signed: it is shown, and identifies no one.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function apple({
  teamId,
  keyId,
  privateKey,
  scopes = ["name", "email"],
  ...options
}: AppleOptions): IdentityProvider {
  checkNames(options, "apple");
  for (const [name, value] of Object.entries({ teamId, keyId })) {
    requireSetting(/^[A-Z0-9]{10}$/.test(value), name, value, "10 capital letters and digits");
  }
  const bytes = keyBytes(privateKey);
  requireSetting(bytes !== undefined, "privateKey", {}, "a private key in PEM");
  const clientSecret = async () => {
    const curve = { name: "ECDSA", namedCurve: "P-256" };
    const key = await crypto.subtle.importKey("pkcs8", bytes!, curve, false, ["sign"]).catch((cause) => {
      throw new ConfigurationError("privateKey", "it must be a key for ES256.", { cause });
    });
    const iat = epochSeconds();
    const claims = { iss: teamId, iat, exp: iat + secretSeconds, aud: issuerUrl, sub: options.clientId };
    return await signJws(key, { kid: keyId }, claims);
  };
  return issuerProvider(
    {
      name: "apple",
      label: "Apple",
      provesAgain: false,
      ...options,
      scopes,
      issuerUrl,
      clientSecret,
      clientAuthentication: "post",
      algorithms: ["RS256"],
    },
    {
      answersByForm: true,
      notices: appleNotices,
      identityOf(claims, answer) {
        const isDirect = [undefined, false, "false"].includes(claims.get("is_private_email") as undefined);
        const isRelay = !isDirect || /@privaterelay\.appleid\.com$/i.test(String(claims.get("email")));
        return {
          emailVerified: isVerified(claims.get("email_verified")) && !isRelay,
          isPrivateEmail: isRelay,
          name: nameOf(answer),
        };
      },
    },
  );
}

/**
 * Apple's notices to servers. Their event is a text in JSON. Withdrawn consent ends sessions alone, because the user can give it
 * again.
 */
const appleNotices: NoticeTokens = {
  name: "notice",
  types: ["jwt", undefined],
  // Apple repeats a notice that was not answered, and names no end.
  longestSeconds: 7 * 86_400,
  wrong: (claims) => (typeof eventOf(claims)?.get("type") === "string" ? undefined : "events"),
  says(claims) {
    const event = eventOf(claims)!;
    const type = event.get("type") as string;
    const isGone = type === "account-delete" || type === "account-deleted";
    return {
      ends: isGone ? "identity" : type === "consent-revoked" ? "sessions" : "nothing",
      subject: textOf(event, "sub"),
    };
  },
};

function eventOf(claims: Claims): Claims | undefined {
  const events = claims.get("events");
  return typeof events === "string" ? membersOf(tryStrictJson(utf8(events))) : undefined;
}

/** RFC 7468 §10. */
function keyBytes(pem: unknown): Bytes | undefined {
  if (typeof pem !== "string") return undefined;
  const text = pem.replaceAll("\\n", "\n").trim();
  const [, base64] = /^-----BEGIN PRIVATE KEY-----([\s\w+/=]+)-----END PRIVATE KEY-----$/.exec(text) ?? [];
  return base64 === undefined ? undefined : fromBase64(base64.replace(/\s/g, "").replace(/=+$/, ""));
}

/** The name in the unsigned field `user`, if it has its form. */
function nameOf(answer: URLSearchParams): string | undefined {
  const text = answer.get("user");
  if (text === null || text.length > 4_096) return undefined;
  const name = membersOf(membersOf(tryStrictJson(utf8(text)))?.get("name"));
  const parts = ["firstName", "lastName"].map((part) => name?.get(part));
  return (
    parts
      .filter((part) => typeof part === "string")
      .join(" ")
      .trim() || undefined
  );
}
