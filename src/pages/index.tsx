/**
 * The account pages. They are rendered on the server and work without script, except for passkeys.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { acceptedLanguages, matchLanguage } from "../domain/language.ts";
import { type AuthSource, authFor, realmOf, reportFault } from "../http/auth-source.ts";
import { readCookie, sessionCookie } from "../http/cookies.ts";
import { deliverOwed } from "../http/mail-delivery.ts";
import { requestContext } from "../http/request-context.ts";
import { requireSameOrigin } from "../http/same-origin.ts";
import { AuthError, ConfigurationError, type RequestContext } from "../index.ts";
import { askedAct } from "./asked-act.ts";
import { assetsOf } from "./assets.ts";
import { type Form, readForm, readJson } from "./form.ts";
import { english, type PageLanguage, type PageTexts, type TextName } from "./language.ts";
import { refusalPage } from "./layout.tsx";
import { nextPath, pathWith } from "./next-path.ts";
import type { PagePart } from "./page-part.ts";
import { pageRoutes } from "./page-routes.ts";
import { attempt, sentenceFor } from "./refusal.ts";
import type { OpenPage, PageRoute, PagesAuth, UserVisit, Visit } from "./route.ts";
import { securityPolicy } from "./security-policy.ts";
import { type PagesOptions, type Site, sitesOf } from "./site.ts";
import { askForProof } from "./step-up.tsx";
import { signInBecause, whyOf } from "./why.ts";

export type { PageLanguage, PagePart, PagesAuth, PagesOptions, PageTexts, TextName };
export { english };

/**
 * The pages and their assets: `app.route("/", pages(auth))`.
 *
 * They affect only their own requests. A path below `basePath` without a page goes on to the application's later handlers.
 *
 * @throws {ConfigurationError} If an option does not have the required form.
 */
export function pages(source: AuthSource<PagesAuth>, options: PagesOptions = {}): Hono {
  const sites = sitesOf(options);
  const [site] = sites;
  const app = new Hono();
  const rows = [...pageRoutes, ...(site.rows as readonly PageRoute[])];
  for (const row of rows) {
    app.on(row.takes === "nothing" ? "get" : "post", site.path(row.path), (c) =>
      answer(row, c, { source, site: siteFor(c, sites) }),
    );
  }
  // If a user types the address of an act or goes back to it, the act's page is shown.
  for (const { path, belongsTo } of rows) {
    if (!rows.some((row) => row.path === path && row.takes === "nothing")) {
      app.get(site.path(path), (c) => guarded(c.redirect(site.path(belongsTo), 303)));
    }
  }
  for (const { path, type, text } of assetsOf(site)) {
    app.get(site.path(path), (c) => c.body(text, 200, { ...assetHeaders, "Content-Type": type }));
  }
  return app;
}

/** The site in the language of the reader: by `ui_locales` (OpenID Connect Core §3.1.2.1), otherwise by `Accept-Language`. */
function siteFor(c: Context, sites: readonly [Site, ...Site[]]): Site {
  const [first, ...others] = sites;
  if (others.length === 0) return first;
  const accepted = acceptedLanguages(c.req.header("accept-language") ?? "");
  const asked = [...(c.req.query("ui_locales")?.split(" ") ?? []), ...accepted];
  const tags = sites.map(({ language }) => language.tag);
  const found = matchLanguage(tags, asked);
  return sites.find(({ language }) => language.tag === found) ?? first;
}

const assetHeaders = {
  "Cache-Control": "public, max-age=300",
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** A page runs and loads only this site's own files. It cannot be framed, and is not cached (R053, R064). */
const pageHeaders = {
  // Not `no-referrer`: a form's `Origin` would then be `null`, and an older browser proves its origin with it (S13).
  "Referrer-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Cache-Control": "no-store",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy":
    "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), geolocation=(), microphone=()",
};

function guarded(response: Response, auth?: PagesAuth): Response {
  const headers = { ...pageHeaders, "Content-Security-Policy": securityPolicy(auth) };
  for (const [name, value] of Object.entries(headers)) {
    // A page may be stricter.
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}

/** Renders an error as a page, for `onError` and `notFound` of an application. Pass the same options as to {@link pages}. */
export async function failurePage(error: unknown, c: Context, options: PagesOptions = {}): Promise<Response> {
  return guarded(await refusalPage({ c, site: siteFor(c, sitesOf(options)) }, refusalOf(error)));
}

/** Checks a request against its row, in this order: where it came from, who sent it, what is in it. */
async function answer(
  row: PageRoute,
  c: Context,
  { source, site }: { source: AuthSource<PagesAuth>; site: Site },
): Promise<Response> {
  let auth: PagesAuth | undefined;
  try {
    auth = authFor(source, c);
    const realm = realmOf(auth);
    realm.check();
    const context = requestContext(c, realm);
    c.header("X-Request-Id", context.requestId);
    requireSameOrigin(c, auth);
    const visit = { c, site, auth, context, signUp: realm.core.signUp };
    const user = row.access === "user" ? await userOf(visit) : undefined;
    const response = guarded(await run(row, { ...visit, ...user }), auth);
    if (response.ok || response.status === 303) deliverOwed(c, auth);
    return response;
  } catch (error) {
    return guarded(await refused(error, row, { c, site, auth }), auth);
  }
}

/**
 * The user of the page.
 *
 * @throws {AuthError} `unauthorized.…`.
 */
async function userOf({ c, auth, context }: Visit & { context: RequestContext }) {
  const token = readCookie(c, auth, sessionCookie);
  if (!token) throw new AuthError("unauthorized.invalid_token");
  return await auth.sessions.verify({ token, transport: "cookie", context });
}

async function run(row: PageRoute, visit: Visit | UserVisit): Promise<Response> {
  const { c } = visit;
  const sent = row.takes === "form" ? await readForm(c) : row.takes === "json" ? await readJson(c) : undefined;
  const refusal = await captchaRefusal(row, visit, sent);
  if (refusal) return await (row as OpenPage).again!(visit, sent as never, refusal);
  try {
    // If the row asks for a user, the visit has one, and the request contains what the row takes.
    return await (row.run as (visit: Visit, sent: unknown) => Response | Promise<Response>)(visit, sent);
  } catch (error) {
    const isStale = error instanceof AuthError && error.code === "unauthorized.reauthentication_required";
    const act = isStale && "session" in visit ? askedAct(row, visit, sent) : undefined;
    if (!act) throw error;
    return await askForProof(visit as UserVisit, row, act);
  }
}

/** Why a form is not accepted without a captcha, if it may ask for one. Nothing has been done then. */
async function captchaRefusal(row: PageRoute, { c, site, auth }: Visit, sent: unknown): Promise<AuthError | undefined> {
  const { captcha } = site;
  if (!captcha || !("again" in row)) return undefined;
  const token = (sent as Form).text(captcha.widget.field);
  const { refusal } = await attempt(captcha.demand(c, auth, { path: row.path, token }));
  if (refusal && refusal.status >= 500) reportFault(realmOf(auth), refusal);
  return refusal;
}

/** Redirects to the page for a proof if a proof would help; otherwise shows why the request was refused. */
async function refused(
  error: unknown,
  row: PageRoute,
  { c, site, auth }: { c: Context; site: Site; auth: PagesAuth | undefined },
): Promise<Response> {
  const refusal = refusalOf(error);
  if (!refusal || refusal.status >= 500) reportFault(auth && realmOf(auth), error);
  const location = refusal && auth && leadsTo(refusal, row, { c, site, auth });
  if (row.takes === "json") {
    const message = refusal ? sentenceFor(site, refusal) : site.text("page.failed.script");
    return c.json({ message, ...(location && { location }) }, refusal?.status ?? 500);
  }
  return location ? c.redirect(location, 303) : await refusalPage({ c, site }, refusal);
}

function leadsTo(
  refusal: AuthError,
  { access, belongsTo }: PageRoute,
  asked: Pick<Visit, "c" | "site" | "auth">,
): string | undefined {
  // Another sign-in would not help who lacks the proof that an organization asks for.
  const isOfSession = refusal.status === 401 && refusal.code !== "unauthorized.enrollment_required";
  if (access !== "user" || !isOfSession) return undefined;
  const here = asked.site.path(belongsTo);
  const { next: wanted } = asked.c.req.query();
  // A page that only leads on is named with its place, or gives way to it.
  const next =
    wanted === undefined ? here : nextPath(pathWith(here, { next: wanted }), asked, nextPath(wanted, asked, here));
  return refusal.code === "unauthorized.reauthentication_required"
    ? pathWith(asked.site.path("/account/step-up"), { next })
    : signInBecause(asked, whyOf(asked, refusal), next);
}

function refusalOf(error: unknown): AuthError | undefined {
  if (error instanceof ConfigurationError) return new AuthError("unavailable.configuration", { cause: error });
  return error instanceof AuthError ? error : undefined;
}
