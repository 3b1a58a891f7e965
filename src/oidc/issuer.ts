/**
 * What an issuer says about itself: its metadata (OpenID Connect Discovery §4, RFC 8414) and its keys (RFC 7517 §5).
 *
 * Both are kept in the isolate for as long as the issuer allows, between 5 minutes and 24 hours, and for 24 hours more while the
 * issuer cannot be asked. A key id that is not in the set causes one new request a minute at most.
 *
 * @module
 */
import { findVerificationKey, type JwkSet, type KeyChoice, parseJwkSet } from "../crypto/jwk.ts";
import type { UnverifiedJws } from "../crypto/jws.ts";
import type { PublicKey } from "../crypto/public-key.ts";
import type { BoundedAnswer } from "../net/bounded-fetch.ts";
import { elapsedMilliseconds } from "./clock.ts";
import { OAuthError } from "./errors.ts";
import { doOnce, identityOf, remember } from "./flights.ts";
import type { IssuerMetadata } from "./issuer-metadata.ts";
import { askIssuer, type IssuerConnection, isReachable, readObject } from "./issuer-request.ts";

const requiredEndpoints = ["token_endpoint", "jwks_uri"] as const;
const optionalEndpoints = [
  "authorization_endpoint",
  "userinfo_endpoint",
  "end_session_endpoint",
  "revocation_endpoint",
] as const;

/** An answer that is kept, with times of this isolate's clock. */
interface Kept<Value> {
  readonly value: Value;
  /** When it was asked for although it was fresh. */
  readonly forcedAt: number;
  readonly freshUntil: number;
  /** After this time it is forgotten, even if the issuer cannot be asked. */
  readonly usableUntil: number;
}

const minute = 60_000;
const day = 1_440 * minute;
/** The least time between two requests for a key set because of an unknown key id, or after a failure. */
const gap = minute;

/** What the isolate knows of issuers, by the function that asks them, so that two configurations share nothing. */
const caches: WeakMap<IssuerConnection["fetch"], Map<string, Kept<unknown>>> = new WeakMap();

/** The issuer's metadata, from the isolate's memory if it is there and fresh. */
export async function readMetadata(connection: IssuerConnection): Promise<IssuerMetadata> {
  if (connection.variant?.metadata) return connection.variant.metadata;
  return await readKept(connection, metadataName(connection), async () => {
    const answer = await askForMetadata(connection);
    return { value: parseMetadata(connection, readObject(answer)), answer };
  });
}

/** The issuer's metadata, if the isolate has it: for what must not wait. */
export function knownMetadata(connection: IssuerConnection): IssuerMetadata | undefined {
  const kept = caches.get(connection.fetch)?.get(metadataName(connection)) as Kept<IssuerMetadata> | undefined;
  return kept && elapsedMilliseconds() <= kept.usableUntil ? kept.value : undefined;
}

/** Metadata that was accepted for a variant is not known to another client of the same issuer. */
function metadataName({ issuerUrl, variant }: IssuerConnection): string {
  return `metadata ${issuerUrl} ${variant?.announced ?? ""}`;
}

/** The issuer's keys. They are asked for although they are fresh if that `isForced`, once a minute. */
export async function readKeySet(connection: IssuerConnection, isForced: boolean = false): Promise<JwkSet> {
  const { jwks_uri: url } = await readMetadata(connection);
  const ask = async () => {
    const answer = await askIssuer(connection, url);
    const value = parseJwkSet(Object.fromEntries(readObject(answer)));
    if (!value) throw new OAuthError("issuer_invalid_response", "The key set is malformed.");
    return { value, answer };
  };
  return await readKept(connection, `keys ${url}`, ask, isForced);
}

/** The issuer's key for a token, or `undefined` if its set has none, or more than one, that fits. */
export async function findIssuerKey(
  connection: IssuerConnection,
  choice: KeyChoice & Pick<UnverifiedJws, "claims">,
): Promise<PublicKey | undefined> {
  const maySign = connection.variant?.maySign;
  const find = (set: JwkSet) =>
    findVerificationKey(maySign ? set.filter((key) => maySign(key, choice.claims)) : set, choice);
  return find(await readKeySet(connection)) ?? find(await readKeySet(connection, true));
}

/** A value that is kept. It is asked for again once it is no longer fresh, and the old value serves while that fails. */
async function readKept<Value>(
  connection: IssuerConnection,
  name: string,
  ask: () => Promise<{ readonly value: Value; readonly answer: BoundedAnswer }>,
  isForced: boolean = false,
): Promise<Value> {
  const { fetch, timeoutMs } = connection;
  const cache = caches.get(fetch) ?? new Map<string, Kept<unknown>>();
  caches.set(fetch, cache);
  const kept = cache.get(name) as Kept<Value> | undefined;
  const now = elapsedMilliseconds();
  const isDue = isForced && kept && now - kept.forcedAt >= gap;
  if (kept && now < kept.freshUntil && !isDue) return kept.value;
  return await doOnce({
    key: `${identityOf(fetch)} ${isForced} ${name}`,
    timeoutMs,
    work: async () => {
      const forcedAt = isDue ? now : (kept?.forcedAt ?? Number.NEGATIVE_INFINITY);
      try {
        const { value, answer } = await ask();
        remember(cache, name, { value, forcedAt, ...lifetimeOf(answer) });
        return value;
      } catch (error) {
        if (!kept || elapsedMilliseconds() > kept.usableUntil) throw error;
        // Not asked again at once: each request would wait for an issuer that does not answer.
        const freshUntil = Math.min(elapsedMilliseconds() + gap, kept.usableUntil);
        remember(cache, name, { ...kept, forcedAt, freshUntil });
        return kept.value;
      }
    },
  });
}

/** RFC 9111 §5.2.2: the answer's `max-age`, within our own bounds. */
function lifetimeOf({ headers }: BoundedAnswer): { readonly freshUntil: number; readonly usableUntil: number } {
  const [, maxAge = "0"] = /(?:^|[,\s])max-age="?(\d{1,9})/i.exec(headers.get("cache-control") ?? "") ?? [];
  const freshUntil = elapsedMilliseconds() + Math.min(Math.max(Number(maxAge) * 1_000, 5 * minute), day);
  return { freshUntil, usableUntil: freshUntil + day };
}

/** OpenID Connect Discovery §4 appends to the issuer; RFC 8414 §3 inserts before its path. */
async function askForMetadata(connection: IssuerConnection): Promise<BoundedAnswer> {
  const { issuerUrl } = connection;
  const openid = `${issuerUrl.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const answer = await askIssuer(connection, openid);
  if (answer.status !== 404) return answer;
  const { origin, pathname } = new URL(issuerUrl);
  const path = pathname === "/" ? "" : pathname;
  return await askIssuer(connection, `${origin}/.well-known/oauth-authorization-server${path}`);
}

/** @throws {OAuthError} `issuer_mismatch`, `issuer_invalid_response`. */
function parseMetadata(connection: IssuerConnection, members: ReadonlyMap<string, unknown>): IssuerMetadata {
  // Byte for byte (OpenID Connect Discovery §4.3).
  if (members.get("issuer") !== (connection.variant?.announced ?? connection.issuerUrl))
    throw new OAuthError("issuer_mismatch");
  const endpoint = (name: string): string => {
    const url = members.get(name);
    if (typeof url === "string" && isReachable(connection, url)) return url;
    throw new OAuthError("issuer_invalid_response", `${name} is not an https URL of a public host.`);
  };
  const texts = (name: string): readonly string[] => {
    const list = members.get(name);
    return Array.isArray(list) ? list.filter((text) => typeof text === "string") : [];
  };
  const present = [...requiredEndpoints, ...optionalEndpoints.filter((name) => members.has(name))];
  return {
    issuer: connection.issuerUrl,
    ...(Object.fromEntries(present.map((name) => [name, endpoint(name)])) as Pick<
      IssuerMetadata,
      "token_endpoint" | "jwks_uri"
    >),
    token_endpoint_auth_methods_supported: texts("token_endpoint_auth_methods_supported"),
    dpop_signing_alg_values_supported: texts("dpop_signing_alg_values_supported"),
    authorization_response_iss_parameter_supported:
      members.get("authorization_response_iss_parameter_supported") === true,
  };
}
