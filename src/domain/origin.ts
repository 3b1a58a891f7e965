/**
 * The origins of a deployment: exact, without patterns, each with its uses.
 *
 * @module
 */

import { given, OptionError } from "../crypto/option-error.ts";

/** A use that an origin is allowed for: credentialed CORS, same-origin proof, redirects, passkeys. */
export type OriginUse = "cors" | "csrf" | "redirect" | "webauthn";

/**
 * An exact origin and its uses. `https://app.example.com` fits every use, an installed application's `capacitor://localhost`
 * `cors`, `csrf` and `webauthn`, an Android application's `android:apk-key-hash:<43 characters>` `webauthn`.
 */
export interface Origin {
  readonly origin: string;
  readonly uses: readonly OriginUse[];
  /**
   * Names of further request headers that pages of a `cors` origin may send. Sallyport's own and those of common tracing tools
   * are always allowed.
   */
  readonly headers?: readonly string[] | undefined;
}

const allUses: readonly OriginUse[] = ["cors", "csrf", "redirect", "webauthn"];

/** The scheme of an installed application or a browser's extension, with a host. No site has such an origin. */
const installed =
  /^(?!(http|ws)s?:|ftp:|file:|javascript:|data:|blob:|about:)[a-z][a-z\d+.-]*:\/\/[\w-]+(\.[\w-]+)*(:\d+)?$/;

/** An Android application: the SHA-256 of its signing certificate, as the platform writes it into the client data. */
const android = /^android:apk-key-hash:[\w-]{42}[AEIMQUYcgkosw048]$/;

/** http on this machine, where it is no risk (Secure Contexts §3.1). */
const loopback = /^http:\/\/(([a-z\d-]+\.)*localhost|127\.0\.0\.1|\[::1])(:\d+)?$/;

/** https on loopback, on private and link-local addresses (RFC 1918, 3927, 4193, 4291 §2.5.6), and on mDNS names (RFC 6762). */
const privateSite =
  /^https:\/\/((127|10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01]))(\.\d+)+|([a-z\d-]+\.)*local(host)?|\[(::1|(f[cd]|fe[89ab]).*:.*)])(:\d+)?$/;

/**
 * Checks the list. The first origin is the base URL and has every use; the others have the uses that they name.
 *
 * @throws {TypeError} For a wildcard, `null`, a trailing dot, a path, http on an origin that is not loopback, a form that does
 *   not fit each of the uses, or the name of a header that is not one.
 */
export function parseOrigins(list: readonly (string | Origin)[]): readonly Origin[] {
  if (!Array.isArray(list) || list.length === 0) throw new OptionError(`it names no origin. The first is ${wanted}.`);
  return list.map((entry, index) => {
    const given = typeof entry === "string" ? { origin: entry, uses: [] } : entry;
    const parsed = index === 0 ? { ...given, uses: allUses } : given;
    requireOrigin(parsed);
    return parsed;
  });
}

/** True if only this machine or its own network reaches a checked origin, so that a development secret may serve it. */
export function isForDevelopment(origin: string): boolean {
  return !origin.startsWith("https:") || privateSite.test(origin);
}

const wanted = "the address that users see, such as https://auth.example.com";

/** @throws {TypeError} */
function requireOrigin({ origin, uses, headers = [] }: Origin): void {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  // Without a URL, an origin that is missing would equal the URL's.
  const isHost = url && url.origin === origin && !origin.includes("*") && !url.hostname.endsWith(".");
  const isSite = isHost && (url.protocol === "https:" || loopback.test(origin));
  const fits = (use: OriginUse): boolean =>
    (use !== "redirect" && installed.test(origin)) || (use === "webauthn" && android.test(origin));
  if (!isSite && !(uses.length > 0 && uses.every(fits))) {
    throw new OptionError(`${faultOf(origin, url)}. An origin is ${wanted}, with nothing after it.`);
  }
  if (!headers.every((name) => /^[\w-]+$/.test(name)))
    throw new OptionError("the name of a header has other characters than A-Z a-z 0-9 _ -.");
}

/** What is wrong, without quoting the text, because two variables may have been swapped. */
function faultOf(origin: unknown, url: URL | undefined): string {
  if (typeof origin !== "string" || !origin) return given(origin || undefined);
  if (!url) return `a text of ${origin.length} characters is no URL`;
  if (origin.includes("*")) return "a wildcard is no origin";
  if (url.hostname.endsWith(".")) return "the host ends with a dot";
  if (url.protocol === "http:") return "http is for loopback only";
  if (url.protocol === "https:") return "there is a path, a slash, a default port or a capital letter too much";
  return "the scheme does not fit the uses";
}
