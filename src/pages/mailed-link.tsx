import type { Child } from "hono/jsx";
import {
  clearCookie,
  knownDeviceCookie,
  linkCookie,
  mailRequestCookie,
  readCookie,
  setCookie,
} from "../http/cookies.ts";
import type { LinkRequest, LookedLink, MailAuth, RequestedLink } from "../http/mail.ts";
import { deliverSoon } from "../http/mail-delivery.ts";
import { keepRequest } from "../http/routes/mailed-links.ts";
import { AuthError } from "../index.ts";
import { CaptchaPart } from "./captcha.tsx";
import type { Form } from "./form.ts";
import { respond } from "./layout.tsx";
import { isOfLink, LinkMark } from "./link-mark.tsx";
import { leadingTo, nextPath, pathWith } from "./next-path.ts";
import { Alert, CodeField, Field, Hidden } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import { openForm, openPage, type PageRoute, type UserVisit, userForm, type Visit } from "./route.ts";
import type { Site } from "./site.ts";

/** How long a browser keeps the secret of a link that it has opened, in seconds. */
const openSeconds = 3_600;

/** @throws {AuthError} `not_found` if the application sends no mail. */
export function mailOf({ auth }: Visit): MailAuth & Visit["auth"] {
  if (!auth.mail) throw new AuthError("not_found");
  // The feature adds all of its operations or none.
  return auth as MailAuth & Visit["auth"];
}

/**
 * The page that a mailed link leads to. Opening the link changes nothing, because programs that scan mail open it too: the secret
 * moves from the address into a cookie, and a button spends it.
 *
 * @param requireFeature Throws `not_found` if the application does not have what makes the link. Default: mail.
 */
export function linkPage(
  path: string,
  page: (visit: Visit) => Response | Promise<Response>,
  requireFeature: (visit: Visit) => unknown = mailOf,
): PageRoute {
  return openPage(path, async (visit) => {
    const { c, site, auth } = visit;
    requireFeature(visit);
    const { token, next } = c.req.query();
    if (token === undefined) return await page(withLinkNotice(visit));
    if (/^[\w-]{43}$/.test(token)) setCookie(c, auth, linkCookie, token, openSeconds);
    c.header("Referrer-Policy", "no-referrer");
    const there = site.path(path);
    return c.redirect(next === undefined ? there : pathWith(there, { next: nextPath(next, visit) }), 303);
  });
}

/** The secret of the link that this browser has opened. Only a form of the link's own page gets it, to spend it. */
function openedLink({ c, auth }: Visit): string | undefined {
  return readCookie(c, auth, linkCookie);
}

/** True if this browser has opened a link. */
export function hasLink(visit: Visit): boolean {
  return openedLink(visit) !== undefined;
}

/** The act of a form that spends the opened link. Without an opened link, `token` is empty. */
type Spend<Visited> = (visit: Visited, form: Form, token: string) => Response | Promise<Response>;

/** A form on the page of a mailed link. It spends that link, or none if the browser has opened another link since. */
export function linkForm(path: string, belongsTo: string, spend: Spend<Visit>): PageRoute {
  return openForm(path, belongsTo, onlyItsOwn(belongsTo, spend));
}

/** A form on the page of a mailed link, for a signed-in user. */
export function userLinkForm(path: string, belongsTo: string, spend: Spend<UserVisit>): PageRoute {
  return userForm(path, belongsTo, onlyItsOwn(belongsTo, spend));
}

function onlyItsOwn<Visited extends Visit>(belongsTo: string, spend: Spend<Visited>) {
  return async (visit: Visited, form: Form): Promise<Response> => {
    const token = openedLink(visit) ?? "";
    if (token === "" || (await isOfLink(form, token))) return await spend(visit, form, token);
    const next = form.text("next");
    const query = { link: "changed", ...(next && { next }) };
    return visit.c.redirect(pathWith(visit.site.path(belongsTo), query), 303);
  };
}

/** The visit of a link's page, with the reason if a form was not done. */
export function withLinkNotice<Visited extends Visit>(visit: Visited): Visited {
  const { c, site } = visit;
  return c.req.query("link") === "changed" ? { ...visit, notice: site.say("link.changed") } : visit;
}

/**
 * What the opened link says, or nothing if the link is dead or not there. A page that cannot know, because the database does not
 * answer, does not call the link dead.
 */
export async function lookAtLink<Said>(
  visit: Visit,
  look: (link: { token: string }) => Promise<Said>,
): Promise<Said | undefined> {
  const token = openedLink(visit);
  if (token === undefined) return undefined;
  const { value, refusal } = await attempt(look({ token }));
  if (refusal && refusal.code !== "unauthorized.invalid_link") throw refusal;
  return value;
}

/** The address of the link that this browser has opened, if the link is for this purpose and still works. */
export async function linkAddress(visit: Visit, purpose: LookedLink["purpose"]): Promise<string | undefined> {
  const said = await lookAtLink(visit, mailOf(visit).mailedLinks.look);
  return said?.purpose === purpose ? said.identifier : undefined;
}

/** Names the account of a form, for its reader and for password managers, which store the password under this name. */
export function AccountOf({ site, identifier }: { site: Site; identifier: string }): Rendered {
  return (
    <>
      <p>{site.say("link.address", { address: <bdi>{identifier}</bdi> })}</p>
      <input type="text" autocomplete="username" value={identifier} readonly hidden />
    </>
  );
}

/** Forgets the link and the request, once the link is spent. */
export function forgetLink({ c, auth }: Visit): void {
  clearCookie(c, auth, linkCookie);
  clearCookie(c, auth, mailRequestCookie);
}

/**
 * A page in place of one whose link is spent, too old or not there.
 *
 * @param refusal Why a form was refused. Default: the page was only looked at.
 */
export function deadLink(visit: Visit, again: Child, refusal?: AuthError): Response | Promise<Response> {
  const { site } = visit;
  const children = (
    <>
      <p role="alert">{site.say("link.dead.text")}</p>
      <p>{again}</p>
    </>
  );
  return respond(visit, { title: site.text("link.dead"), children, refusal });
}

/** What a code is for, as its pages call it: where its form was, and where its secret is spent. */
const codePages = {
  reset_password: { askedAt: "/forgot", spentAt: "/reset" },
  sign_in: { askedAt: "/sign-in/link", spentAt: "/sign-in/link" },
  sign_up: { askedAt: "/sign-up", spentAt: "/sign-up/finish" },
  change_identifier: { askedAt: "/account/address", spentAt: "/address" },
} as const;

type CodePurpose = keyof typeof codePages;

/** Asks for a message, and goes on to the page that takes its code. The browser sees the same for every address. */
export async function askForMail(
  visit: Visit,
  asked: { request: (asked: LinkRequest) => Promise<RequestedLink>; purpose: CodePurpose; identifier: string },
  next?: string,
): Promise<Response> {
  const { c, site, context } = visit;
  const auth = mailOf(visit);
  const knownDevice = readCookie(c, auth, knownDeviceCookie);
  const acceptLanguage = site.language.tag;
  const { requestToken } = await asked.request({
    identifier: asked.identifier,
    next,
    knownDevice,
    acceptLanguage,
    context,
  });
  deliverSoon(c, auth);
  keepRequest(c, auth, requestToken);
  const query = { for: asked.purpose, ...(next !== undefined && { next }) };
  return c.redirect(pathWith(site.path("/check-mail"), query), 303);
}

/** The form that asks for an address, such as for a message to it. */
export function AskForm(form: {
  site: Site;
  action: string;
  /** The form's name, so that ids are unique on a page. */
  name: string;
  identifier: string;
  autocomplete?: string;
  next?: string;
  /** What is wrong with the address; `fault` says what else is. */
  error?: string | undefined;
  fault?: string | undefined;
  refusal: AuthError | undefined;
  /** What its button says. Default: that a link is sent. */
  button?: string;
}): Rendered {
  const { site, action, name, identifier, autocomplete = "username", next, error, fault, refusal, button } = form;
  return (
    <form method="post" action={action}>
      <Alert>{fault}</Alert>
      {next !== undefined && <Hidden name="next" value={next} />}
      <Field
        site={site}
        form={name}
        name="identifier"
        label={site.say("field.email")}
        value={identifier}
        autocomplete={autocomplete}
        maxlength={254}
        error={error}
      />
      <CaptchaPart site={site} refusal={refusal} />
      <button type="submit">{button ?? site.say("mail.send")}</button>
    </form>
  );
}

/** The page that says to look into the mailbox, and takes the code. */
export const codeRoutes: readonly PageRoute[] = [
  openPage("/check-mail", (visit) => {
    mailOf(visit);
    const { for: purpose = "", next = "", request } = visit.c.req.query();
    const notice = request === "changed" ? visit.site.say("mail.changed") : undefined;
    return codePage({ ...visit, ...(notice && { notice }) }, purpose, next);
  }),

  openForm("/check-mail", "/check-mail", async (visit, form) => {
    const { c, site, context } = visit;
    const auth = mailOf(visit);
    const requestToken = readCookie(c, auth, mailRequestCookie) ?? "";
    const next = form.text("next");
    if (requestToken !== "" && !(await isOfLink(form, requestToken))) {
      // Another tab has asked since: a code of the earlier message would only count as a wrong one of the later.
      const query = { for: form.text("for"), ...(next && { next }), request: "changed" };
      return c.redirect(pathWith(site.path("/check-mail"), query), 303);
    }
    const { value, refusal } = await attempt(
      auth.mailedCodes.exchange({
        requestToken,
        code: form.text("code"),
        knownDevice: readCookie(c, auth, knownDeviceCookie),
        context,
      }),
    );
    if (refusal) return await codePage(visit, form.text("for"), next, refusal);
    setCookie(c, auth, linkCookie, value.token, openSeconds);
    const there = site.path(codePages[value.purpose].spentAt);
    return c.redirect(next ? pathWith(there, { next: nextPath(next, visit) }) : there, 303);
  }),
];

function codePage(visit: Visit, purpose: string, next: string, refusal?: AuthError): Response | Promise<Response> {
  const { c, site, auth } = visit;
  const known: CodePurpose = Object.hasOwn(codePages, purpose) ? (purpose as CodePurpose) : "reset_password";
  const words = { "unauthorized.invalid_link": "mail.code.wrong" } as const;
  const again = leadingTo(site.path(codePages[known].askedAt), nextPath(next, visit, ""), "");
  const children = (
    <>
      <p>
        {site.say(sentTexts[known])} {site.say("mail.open-link")}
      </p>
      {readCookie(c, auth, mailRequestCookie) && (
        <form method="post" action={site.path("/check-mail")}>
          <LinkMark visit={visit} of={mailRequestCookie} />
          <Hidden name="for" value={known} />
          <Hidden name="next" value={next} />
          <CodeField
            site={site}
            form="mail"
            label={site.text("mail.code")}
            error={refusal && sentenceFor(site, refusal, words)}
          />
          <button type="submit">{site.say("word.continue")}</button>
        </form>
      )}
      <p class="hint">
        {site.say("mail.nothing", {
          link: <a href={again}>{site.say("mail.ask-again")}</a>,
        })}
      </p>
    </>
  );
  return respond(visit, { title: site.text("mail.check"), children, refusal });
}

/** No sentence says whether an account has the address (R018). */
const sentTexts = {
  reset_password: "mail.sent-if-known",
  sign_in: "mail.sent-if-known",
  sign_up: "mail.sent",
  change_identifier: "mail.sent",
} as const;

/** A sentence for a link that was opened in another browser than the one that asked. */
export function ElsewhereNote({ visit }: { visit: Visit }): Rendered {
  const { c, site, auth } = visit;
  return readCookie(c, auth, mailRequestCookie) ? null : <p class="hint">{site.say("mail.elsewhere")}</p>;
}
