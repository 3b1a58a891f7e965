import { html } from "hono/html";
import type { Child } from "hono/jsx";
import { type Place, places } from "../domain/page-paths.ts";
import type { CaptchaWidget } from "../http/rate-limit.ts";
import { AuthError } from "../index.ts";
import { allowWidget, widgetFor } from "./captcha.tsx";
import { reviewOf } from "./next-path.ts";
import { Alert, Hidden } from "./parts.tsx";
import { sentenceFor, type Words } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import type { Asked, UserVisit } from "./route.ts";
import type { Site } from "./site.ts";
import { TermsNotice } from "./terms-box.tsx";

/** The content of a page. */
export interface PageContent {
  readonly title: string;
  readonly children: Child;
  /** True if the page uses the passkey script. */
  readonly script?: boolean;
  /** True if a user is signed in, who can then sign out. */
  readonly signedIn?: boolean;
  /** The reason why the page is shown again, or instead of another page. Its status is the page's status. */
  readonly refusal?: AuthError | undefined;
  /** The captcha of the page's form. */
  readonly widget?: CaptchaWidget | undefined;
}

/** Responds with a page of its own: a heading, and what the page says or asks for. */
export function respond(asked: Asked, content: PageContent): Response | Promise<Response> {
  const { site } = asked;
  const { title, children, signedIn } = content;
  const body = (
    <body class="alone">
      <header>
        <Brand site={site} />
        {signedIn && <SignOut site={site} />}
      </header>
      <main>
        <h1>{title}</h1>
        <Alert>{asked.notice}</Alert>
        {children}
      </main>
    </body>
  );
  return send(asked, content, body);
}

/** Responds with a page of the account, beside its navigation. */
export function respondInAccount(
  visit: UserVisit,
  place: Place,
  content: Omit<PageContent, "signedIn">,
): Response | Promise<Response> {
  const { site, user, auth } = visit;
  const { title, children } = content;
  const entries = (Object.entries(places) as [Place, string][]).filter(
    ([name]) =>
      (name !== "activity" && name !== "organizations") ||
      (auth[name] && (name === "activity" || site.parts.includes(name))),
  );
  const body = (
    <body>
      <a class="skip" href="#content">
        {site.say("page.skip")}
      </a>
      <header>
        <Brand site={site} />
        <p class="who">
          <bdi>{user.displayName ?? user.identifier ?? user.id}</bdi>
        </p>
        <SignOut site={site} />
      </header>
      <div class="columns">
        <nav aria-label={site.text("nav.label")}>
          <ul>
            {entries.map(([name, path]) => (
              <li>
                <a href={site.path(path)} {...(name === place && { "aria-current": "page" })}>
                  {site.say(`nav.${name}`)}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <main id="content">
          <h1>{title}</h1>
          <Done visit={visit} />
          <Alert>{visit.notice}</Alert>
          <TermsNotice visit={visit} />
          {children}
        </main>
      </div>
    </body>
  );
  return send(visit, content, body);
}

/** A form of the account on a page of its own, with the way back. */
export function respondWithForm(
  visit: UserVisit,
  place: Place,
  form: {
    title: string;
    /** What the form is about, before it. */
    intro?: Child;
    /** The path that it is sent to, below the base path. */
    action: string;
    /** The fields, and the label of the button. */
    fields?: Child;
    button: string;
    /** True if what the button does cannot be undone. */
    isDanger?: boolean;
    refusal?: AuthError | undefined;
    words?: Words;
    /** True if a field shows the refusal. */
    isShown?: boolean;
    /** Where the way back leads, below the base path. Default: the place. */
    back?: string;
    /** The page that led here, as the request names it. A review is returned to. */
    next?: string | undefined;
    /** The path of an act instead, below the base path. */
    cancel?: string;
  },
): Response | Promise<Response> {
  const { site } = visit;
  const {
    title,
    intro,
    action,
    fields,
    button,
    isDanger,
    refusal,
    words,
    isShown,
    back = places[place],
    next,
    cancel,
  } = form;
  const review = reviewOf(next, visit);
  const children = (
    <section>
      {intro}
      <form method="post" action={site.path(action)}>
        <Alert>{refusal && !isShown ? sentenceFor(site, refusal, words) : undefined}</Alert>
        {fields}
        {review && <Hidden name="next" value={review} />}
        <p class="acts">
          <button type="submit" class={isDanger ? "danger" : ""}>
            {button}
          </button>
          {cancel ? (
            <button type="submit" class="quiet" formaction={site.path(cancel)}>
              {site.say("word.cancel")}
            </button>
          ) : (
            <a class="button quiet" href={review ?? site.path(back)}>
              {site.say("word.cancel")}
            </a>
          )}
        </p>
      </form>
    </section>
  );
  return respondInAccount(visit, place, { title, children, refusal });
}

/** The page for a refusal that no other page shows. An `undefined` refusal is a fault, and gets no detail. */
export function refusalPage(asked: Asked, reason: AuthError | undefined): Response | Promise<Response> {
  const { c, site } = asked;
  // There is no form here for a captcha, so only the time to wait is of use.
  const { retryAfterSeconds, limit } = reason ?? {};
  const refusal = widgetFor(site, reason) ? new AuthError("too_many_requests", { retryAfterSeconds, limit }) : reason;
  const words = { not_found: "page.not-found.text" } as const;
  const title = site.text(refusal?.code === "not_found" ? "page.not-found" : "page.failed");
  const children = (
    <>
      <p role="alert">{refusal ? sentenceFor(site, refusal, words) : site.say("page.failed.text")}</p>
      <p>
        <a href={site.brand.homePath}>{site.say("page.home")}</a>
      </p>
    </>
  );
  if (!refusal) c.status(500);
  return respond(asked, { title, children, refusal });
}

/** The headers of a refusal that a page repeats: when to try again (RFC 9110 §10.2.3), and the scheme of a 401 (§11.6.1). */
const ofRefusals = /^(retry-after|ratelimit(-policy)?|www-authenticate)$/;

function send(asked: Asked, content: PageContent, body: Child): Response | Promise<Response> {
  const { c, site } = asked;
  const { refusal, title, script, widget } = content;
  if (widget) allowWidget(asked, widget);
  if (refusal) {
    c.status(refusal.status);
    for (const [name, value] of refusal.getResponse().headers) if (ofRefusals.test(name)) c.header(name, value);
  }
  const page = (
    <html lang={site.language.tag} data-locale={site.language.locale}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        {/* Screen readers read the title first. */}
        <title>
          {refusal ? site.text("page.error", { title }) : title} – {site.brand.name}
        </title>
        <link rel="stylesheet" href={site.path("/pages/style.css")} />
        {site.brandStyle && <link rel="stylesheet" href={site.path("/pages/brand.css")} />}
        <link rel="icon" href={site.path("/pages/icon.svg")} type="image/svg+xml" />
        <script src={site.path("/pages/page.js")} defer />
        {script && <script src={site.path("/pages/passkey.js")} defer />}
        {widget && <script src={widget.scriptUrl} async defer />}
      </head>
      {body}
    </html>
  );
  return c.html(html`<!DOCTYPE html>${page}`);
}

function Brand({ site: { brand } }: { site: Site }): Rendered {
  return (
    <a class="brand" href={brand.homePath}>
      {brand.logoPath !== undefined && <img src={brand.logoPath} alt="" />}
      {brand.name}
    </a>
  );
}

function SignOut({ site }: { site: Site }): Rendered {
  return (
    <form method="post" action={site.path("/sign-out")}>
      <button class="quiet" type="submit">
        {site.say("word.sign-out")}
      </button>
    </form>
  );
}

/** What was done, by the name in the address that the act leads to. */
const doneTexts = {
  name: "profile.name.done",
  address: "profile.address.sent",
  "new-address": "address.done",
  password: "password.done",
  "no-password": "password.removed",
  passkeys: "passkeys.done",
  authenticator: "app.done",
  merge: "merge.done",
  "no-authenticator": "app.removed",
  "security-key": "keys.done",
  "no-security-key": "keys.removed",
  tokens: "tokens.done",
  sessions: "devices.done",
  "other-sessions": "devices.others.done",
  invitations: "invitations.done",
  joined: "join.done",
  identities: "identities.done",
  organization: "organizations.done",
  "organization-name": "organizations.rename.done",
  "organization-end": "organizations.end.done",
  "member-role": "member.role.done",
  "member-transfer": "member.transfer.done",
  "member-leave": "member.leave.done",
  "member-suspend": "member.suspend.done",
  "member-reinstate": "member.reinstate.done",
  "member-remove": "member.remove.done",
} as const;

export type Done = keyof typeof doneTexts;

function Done({ visit: { c, site } }: { visit: UserVisit }): Rendered {
  const done = c.req.query("done") ?? "";
  // Shown only after an act on these very pages: a link from another site shows no message here.
  const isOwn =
    c.req.header("sec-fetch-site") === "same-origin" &&
    Object.hasOwn(doneTexts, done) &&
    // A part that the application does not have says nothing.
    site.find(doneTexts[done as Done]) !== undefined;
  return isOwn ? (
    <p class="done" role="status">
      {site.say(doneTexts[done as Done])}
    </p>
  ) : null;
}
