/**
 * Tokens that are bound to a key: proofs of possession (RFC 9449).
 *
 * @module
 */

import { randomBytes, toBase64Url } from "../crypto/bytes.ts";
import { sha256Base64Url } from "../crypto/digest.ts";
import { epochSeconds } from "../crypto/epoch.ts";
import { signJws } from "../crypto/sign-jws.ts";
import type { BoundedAnswer } from "../net/bounded-fetch.ts";

/** A key that tokens are bound to. Its private part cannot be exported. */
export interface Dpop {
  readonly key: CryptoKey;
  /** `typ` and the public key: RFC 9449 §4.2. */
  readonly header: Readonly<Record<string, unknown>>;
  /** The last nonce of each origin: RFC 9449 §8. */
  readonly nonces: Map<string, string>;
}

/** Makes a key for ES256. Tokens that are bound to it end with it, so keep it for as long as the tokens. */
export async function createDpop(): Promise<Dpop> {
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  // Workers' types do not tell kinds of keys and formats apart.
  const { privateKey, publicKey } = (await crypto.subtle.generateKey(curve, false, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  const { kty, crv, x, y } = (await crypto.subtle.exportKey("jwk", publicKey)) as JsonWebKey;
  return { key: privateKey, header: { typ: "dpop+jwt", jwk: { kty, crv, x, y } }, nonces: new Map() };
}

/** The proof for one request: RFC 9449 §4.2. */
export async function dpopProof(
  { key, header, nonces }: Dpop,
  {
    method,
    url,
    accessToken,
  }: { readonly method: string; readonly url: string; readonly accessToken?: string | undefined },
): Promise<string> {
  const { origin, pathname } = new URL(url);
  const nonce = nonces.get(origin);
  return await signJws(key, header, {
    jti: toBase64Url(randomBytes(16)),
    htm: method,
    htu: `${origin}${pathname}`,
    iat: epochSeconds(),
    ...(nonce !== undefined && { nonce }),
    ...(accessToken !== undefined && {
      ath: await sha256Base64Url(accessToken),
    }),
  });
}

/** Keeps the nonce of an answer. True if the server refused the proof for want of it, so that a second try makes sense. */
export function keepNonce({ nonces }: Dpop, url: string, { status, headers, body }: BoundedAnswer): boolean {
  const nonce = headers.get("dpop-nonce");
  if (!nonce || !/^[\x21-\x7e]{1,512}$/.test(nonce)) return false;
  nonces.set(new URL(url).origin, nonce);
  // At the token endpoint the error is in the body, elsewhere in the header.
  const text = new TextDecoder().decode(body) + headers.get("www-authenticate");
  return (status === 400 || status === 401) && text.includes("use_dpop_nonce");
}
