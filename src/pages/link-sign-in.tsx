import { readCookie, sessionCookie } from "../http/cookies.ts";
import { AuthError } from "../index.ts";
import { widgetFor } from "./captcha.tsx";
import { respond } from "./layout.tsx";
import { LinkMark } from "./link-mark.tsx";
import {
  AskForm,
  askForMail,
  ElsewhereNote,
  forgetLink,
  hasLink,
  linkAddress,
  linkForm,
  linkPage,
  mailOf,
} from "./mailed-link.tsx";
import { nextPath, signInPath } from "./next-path.ts";
import { Alert, Hidden, Remember } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { openForm, type PageRoute, type Visit } from "./route.ts";
import { finishSignIn } from "./sign-in.tsx";

/** Signing in with a mailed link or code. The pages exist only if the feature `mail` has the option `signIn`. */
export const linkSignInRoutes: readonly PageRoute[] = [
  linkPage("/sign-in/link", (visit) => {
    operationsOf(visit);
    const next = nextPath(visit.c.req.query("next"), visit);
    return hasLink(visit) ? confirmPage(visit, next) : requestPage(visit, next);
  }),

  openForm(
    "/sign-in/link/request",
    "/sign-in/link",
    async (visit, form) => {
      const identifier = form.text("identifier");
      const next = nextPath(form.text("next"), visit);
      const { request } = operationsOf(visit);
      const { value, refusal } = await attempt(askForMail(visit, { request, purpose: "sign_in", identifier }, next));
      return value ?? (await requestPage(visit, next, { identifier, refusal }));
    },
    (visit, form, refusal) =>
      requestPage(visit, nextPath(form.text("next"), visit), { identifier: form.text("identifier"), refusal }),
  ),

  linkForm("/sign-in/link", "/sign-in/link", async (visit, form, token) => {
    const { c, auth, context } = visit;
    const next = nextPath(form.text("next"), visit);
    const presentedToken = readCookie(c, auth, sessionCookie);
    const { value, refusal } = await attempt(
      operationsOf(visit).confirm({
        token,
        remember: form.text("remember") !== "",
        transport: "cookie",
        presentedToken,
        context,
      }),
    );
    if (refusal) return await confirmPage(visit, next, refusal);
    forgetLink(visit);
    return finishSignIn(visit, value, next);
  }),
];

/** @throws {AuthError} `not_found` if users cannot sign in by mail. */
function operationsOf(visit: Visit) {
  const { mailedSignIn } = mailOf(visit);
  if (!mailedSignIn.isOn) throw new AuthError("not_found");
  return mailedSignIn;
}

function requestPage(
  visit: Visit,
  next: string,
  typed: { identifier?: string; refusal?: AuthError | undefined } = {},
): Response | Promise<Response> {
  operationsOf(visit);
  const { site } = visit;
  const { identifier = "", refusal } = typed;
  const children = (
    <>
      <p>{site.say("link-sign-in.text")}</p>
      <AskForm
        site={site}
        action={site.path("/sign-in/link/request")}
        name="sign-in-link"
        identifier={identifier}
        next={next}
        fault={refusal && sentenceFor(site, refusal)}
        refusal={refusal}
      />
      <p class="foot">
        <a href={signInPath(site, next)}>{site.say("link-sign-in.otherwise")}</a>
      </p>
    </>
  );
  return respond(visit, {
    title: site.text("link-sign-in.title"),
    children,
    refusal,
    widget: widgetFor(site, refusal),
  });
}

async function confirmPage(visit: Visit, next: string, refusal?: AuthError): Promise<Response> {
  const { site } = visit;
  const identifier = await linkAddress(visit, "sign_in");
  if (identifier === undefined || refusal?.code === "unauthorized.invalid_link") {
    // Only after a button: the page alone may be another tab's, or another site's link.
    if (refusal) forgetLink(visit);
    // With the form for a new link: this page is the only way to it, and the dead link may stay in the browser for an hour.
    return await requestPage(visit, next, { refusal: new AuthError("unauthorized.invalid_link") });
  }
  const children = (
    <>
      <ElsewhereNote visit={visit} />
      <form method="post" action={site.path("/sign-in/link")}>
        <Alert>{refusal && sentenceFor(site, refusal)}</Alert>
        <LinkMark visit={visit} />
        <p>{site.say("link.address", { address: <bdi>{identifier}</bdi> })}</p>
        <Hidden name="next" value={next} />
        <Remember site={site} />
        <button type="submit">{site.say("link-sign-in.button")}</button>
      </form>
    </>
  );
  return await respond(visit, { title: site.text("sign-in.title"), children, refusal });
}
