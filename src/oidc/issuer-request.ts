/**
 * Requests to an issuer: https to public hosts only, without redirects, bounded in time and size (R091, R092).
 *
 * @module
 */
import { membersOf, tryStrictJson } from "../crypto/json.ts";
import { isLoopbackHost } from "../domain/service-url.ts";
import { type BoundedAnswer, fetchBounded } from "../net/bounded-fetch.ts";
import { isPublicHost } from "../net/public-host.ts";
import { errorForCode, OAuthError } from "./errors.ts";
import type { IssuerMetadata } from "./issuer-metadata.ts";

/** How an issuer is reached. */
export interface IssuerConnection {
  readonly issuerUrl: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly timeoutMs: number;
  /** Hosts, such as `idp.corp.internal`, that may be asked although they are not public. */
  readonly privateHosts: readonly string[];
  readonly variant?: IssuerVariant | undefined;
}

/** Where a provider is known to differ from OpenID Connect. It comes from the provider's own module, and is no option. */
export interface IssuerVariant {
  /** What the provider's documentation says, if it publishes no metadata. */
  readonly metadata?: IssuerMetadata;
  /** The issuer that the metadata names. Default: the issuer's URL. */
  readonly announced?: string;
  /** True if a token's `iss`, with its other claims, is this issuer's. Default: it is the issuer's URL. */
  readonly isIssuerOf?: (claims: ReadonlyMap<string, unknown>) => boolean;
  /** True if a key of the issuer's set may sign a token of these claims. Default: every key may. */
  readonly maySign?: (key: ReadonlyMap<string, unknown>, claims: ReadonlyMap<string, unknown>) => boolean;
  /** True for an `iss` of the provider's answers to the browser (RFC 9207). Default: it is the issuer's URL. */
  readonly isAnswerOf?: (issuer: string) => boolean;
}

/** The most bytes of metadata, of a key set and of the answer to a token request. */
export const longestAnswer = 262_144;

/** What is sent with a request. */
export interface RequestParts {
  readonly method?: "POST";
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: URLSearchParams;
}

/**
 * An issuer's answer of any status.
 *
 * @throws {OAuthError} `issuer_unreachable`, `issuer_timeout`, or `issuer_invalid_response` if it is too long.
 */
export async function askIssuer(
  connection: IssuerConnection,
  url: string,
  parts: RequestParts = {},
  maxBytes: number = longestAnswer,
): Promise<BoundedAnswer> {
  if (!isReachable(connection, url)) throw new OAuthError("issuer_invalid_response");
  const { fetch, timeoutMs: milliseconds } = connection;
  const init = { ...parts, headers: { accept: "application/json", ...parts.headers } };
  try {
    return await fetchBounded({ url, init, milliseconds, maxBytes, fetch }, (status) => status !== 204);
  } catch (error) {
    throw new OAuthError(codes.get((error as { code?: string }).code) ?? "issuer_unreachable", undefined, {
      cause: error,
    });
  }
}

const codes: ReadonlyMap<unknown, string> = new Map([
  ["TIMEOUT", "issuer_timeout"],
  ["TOO_LARGE", "issuer_invalid_response"],
]);

/** Parameters of a request. */
export type Parameters = Readonly<Record<string, string | undefined>>;

/** Sets the parameters that have a value. */
export function setParameters(target: URLSearchParams, parameters: Parameters): void {
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) target.set(name, value);
}

/** True if a request may go there: https and public, or one of the issuer's own exceptions. */
export function isReachable({ issuerUrl, privateHosts }: IssuerConnection, address: string): boolean {
  if (!URL.canParse(address)) return false;
  const url = new URL(address);
  if (url.username || url.password) return false;
  if (isLoopbackHost(url) && isLoopbackHost(new URL(issuerUrl))) return /^https?:$/.test(url.protocol);
  return url.protocol === "https:" && (isPublicHost(url) || privateHosts.includes(url.hostname));
}

/**
 * The members of an answer with status 200 and a JSON object.
 *
 * @throws {OAuthError} The issuer's own error, or `issuer_invalid_response`.
 */
export function readObject(answer: BoundedAnswer): ReadonlyMap<string, unknown> {
  const members = membersOf(tryJson(answer));
  const error = members?.get("error");
  // RFC 6749 §5.2: the characters of a code. GitHub sends errors with status 200.
  const isError = (answer.status === 200 || answer.status >= 400) && typeof error === "string";
  if (isError && /^[\x20-\x7e]+$/.test(error)) throw errorForCode(error, members?.get("error_description"));
  if (answer.status === 200 && members) return members;
  throw new OAuthError("issuer_invalid_response", `The status is ${answer.status}.`);
}

/** The JSON of an answer, or `undefined` if its media type or its body is anything else. */
export function tryJson({ headers, body }: BoundedAnswer): unknown {
  const isJson = /^application\/([\w.-]+\+)?json\s*(;|$)/i.test(headers.get("content-type") ?? "");
  return isJson ? tryStrictJson(body) : undefined;
}
