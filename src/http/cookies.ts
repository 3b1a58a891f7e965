/**
 * Sallyport's cookies. `__Host-` binds each to this exact origin over HTTPS, and a parent domain cannot set it (RFC 6265bis
 * §4.1.3.2). Browsers keep the prefix on http loopback too.
 *
 * @module
 */
import type { Context } from "hono";
import { cookieValues } from "../domain/cookie-header.ts";
import { realm, type WithRealm } from "../engine/realm.ts";

export const sessionCookie = "session";
export const ticketCookie = "login-ticket";
export const knownDeviceCookie = "known-device";
/** The secret of a mailed link, from when a browser opens the link until it is spent. */
export const linkCookie = "mailed-link";
/** What lets the browser that asked for a message use the message's code. */
export const mailRequestCookie = "mail-request";

/** The longest lifetime of a cookie: RFC 6265bis §5.5, 400 days. */
export const longestCookieSeconds: number = 400 * 86_400;

/** An identity that a sign-in has proved, until the owner of the account with its address links it. */
export const identityCookie = "identity";
/** The session of the account that is kept in a merge, while the browser signs in to the other account. */
export const keptSessionCookie = "kept-session";
/** An act that waits for a proof at a provider, which the browser comes back from. */
export const askedActCookie = "asked-act";
/** A sign-in at a provider that has begun. Each provider has a cookie of its own (R081). */
export const providerCookie = "provider-";

/** A provider's answer that came as a form from its own site, without our cookies, until the browser asks again with them. */
export const answerCookie = "answer-";

type CookieName =
  | `${typeof answerCookie}${string}`
  | typeof identityCookie
  | typeof keptSessionCookie
  | typeof askedActCookie
  | `${typeof providerCookie}${string}`
  | typeof sessionCookie
  | typeof ticketCookie
  | typeof knownDeviceCookie
  | typeof linkCookie
  | typeof mailRequestCookie;
const cookieNames: readonly CookieName[] = [
  sessionCookie,
  ticketCookie,
  knownDeviceCookie,
  linkCookie,
  mailRequestCookie,
  identityCookie,
  keptSessionCookie,
  askedActCookie,
];

/** The name as a browser knows it, with the application's prefix. */
export function fullCookieName(auth: WithRealm, name: CookieName): string {
  return `__Host-${auth[realm].core.cookiePrefix}${name}`;
}

/** The only characters that a value may contain, so that no value can end early and begin an attribute. */
const value = /^[A-Za-z0-9._-]+$/;

/**
 * The cookie's value. If a name occurs twice with different values, one may be injected, so the cookie counts as absent (R052).
 */
export function readCookie(c: Context, auth: WithRealm, name: CookieName): string | undefined {
  const [only = "", other] = valuesOf(c, fullCookieName(auth, name));
  return other === undefined && value.test(only) ? only : undefined;
}

/** True if the request carries a Sallyport cookie, valid or not. */
export function carriesOurCookie(c: Context, auth: WithRealm): boolean {
  const isProvider = (c.req.header("cookie") ?? "").includes(fullCookieName(auth, providerCookie));
  return isProvider || cookieNames.some((name) => valuesOf(c, fullCookieName(auth, name)).size > 0);
}

function valuesOf(c: Context, name: string): ReadonlySet<string> {
  return cookieValues(c.req.header("cookie") ?? "", name);
}

/** @param maxAgeSeconds Undefined for a cookie that ends with the browser. */
export function setCookie(
  c: Context,
  auth: WithRealm,
  name: CookieName,
  text: string,
  maxAgeSeconds: number | undefined,
): void {
  if (!value.test(text)) throw new TypeError("The value of a cookie is malformed.");
  const age =
    maxAgeSeconds === undefined
      ? ""
      : `; Max-Age=${Math.min(Math.max(Math.floor(maxAgeSeconds), 0), longestCookieSeconds)}`;
  write(c, `${fullCookieName(auth, name)}=${text}${age}`);
}

export function clearCookie(c: Context, auth: WithRealm, name: CookieName): void {
  write(c, `${fullCookieName(auth, name)}=; Max-Age=0`);
}

/** Sets a cookie and forbids caching: otherwise a cache may store the response and serve it to others (RFC 9111 §7.3). */
function write(c: Context, cookie: string): void {
  c.header("Set-Cookie", `${cookie}; Path=/; Secure; HttpOnly; SameSite=Lax`, { append: true });
  c.header("Cache-Control", "no-store");
}
