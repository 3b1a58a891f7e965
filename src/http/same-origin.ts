import type { Context } from "hono";
import { AuthError } from "../domain/error.ts";
import type { Origin } from "../domain/origin.ts";
import type { WithRealm } from "../engine/realm.ts";
import { carriesOurCookie } from "./cookies.ts";

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Requires that an unsafe request, or one that opens a WebSocket, came from the site's own pages, or from a program that is not
 * a browser.
 *
 * A current browser sends `Sec-Fetch-Site`, an older one `Origin`. A program sends neither, and is admitted if it sends no
 * Sallyport cookie. Another origin counts only if the deployment lists it for `csrf`.
 *
 * @throws {AuthError} `forbidden.cross_origin`.
 */
export function requireSameOrigin(c: Context, auth: WithRealm & { readonly origins: readonly Origin[] }): void {
  // A WebSocket is as unsafe as a POST, and neither a preflight nor CORS headers keep a foreign page from opening one.
  if (safeMethods.has(c.req.method) && !/websocket/i.test(c.req.header("upgrade") ?? "")) return;
  const [base, ...others] = auth.origins.filter(({ uses }) => uses.includes("csrf")).map(({ origin }) => origin);
  const site = c.req.header("sec-fetch-site");
  const origin = c.req.header("origin");

  const proved =
    site === "same-origin" ||
    (origin !== undefined && others.includes(origin)) ||
    (site === undefined && origin !== undefined && origin === base) ||
    (site === undefined && origin === undefined && !carriesOurCookie(c, auth));
  if (!proved) throw new AuthError("forbidden.cross_origin");
}
