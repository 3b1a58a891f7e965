import { realmOf } from "../http/auth-source.ts";
import type { PagesAuth } from "./route.ts";

/**
 * The Content-Security-Policy of a page: it runs and loads only this site's own files, and cannot be framed (R053, R064). A form
 * may lead on to the places of the option `returnTo`, because a browser checks the whole redirect (CSP3 §6.4.1).
 *
 * @param widgetOrigin Where the script and the frame of the page's captcha come from. Default: it has none.
 */
export function securityPolicy(auth: PagesAuth | undefined, widgetOrigin?: string): string {
  const places = auth ? realmOf(auth).core.returnTo.filter((place) => !place.startsWith("/")) : [];
  const targets = ["'self'", ...new Set(places.map((place) => new URL(place).origin))].join(" ");
  const others = widgetOrigin === undefined ? "" : ` ${widgetOrigin}`;
  const frames = widgetOrigin === undefined ? "" : ` frame-src ${widgetOrigin};`;
  return `default-src 'none'; style-src 'self'; script-src 'self'${others};${frames} img-src 'self'; connect-src 'self'; form-action ${targets}; base-uri 'none'; frame-ancestors 'none'`;
}
