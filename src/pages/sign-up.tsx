import { acceptTypedName } from "../domain/text.ts";
import { readCookie, sessionCookie } from "../http/cookies.ts";
import { AuthError, type IssuedSession, type NewAccount } from "../index.ts";
import { CaptchaPart, widgetFor } from "./captcha.tsx";
import type { Form } from "./form.ts";
import { respond } from "./layout.tsx";
import { LinkMark } from "./link-mark.tsx";
import {
  AccountOf,
  AskForm,
  askForMail,
  deadLink,
  forgetLink,
  linkAddress,
  linkForm,
  linkPage,
  mailOf,
} from "./mailed-link.tsx";
import { leadingTo, nextPath } from "./next-path.ts";
import { Alert, Field, Hidden } from "./parts.tsx";
import { ProviderLinks } from "./providers.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import { openForm, openPage, type PageRoute, type Visit } from "./route.ts";
import { mayApply } from "./sign-in.tsx";
import type { Site } from "./site.ts";
import { finishSignUp, isAboutTerms, requireTerms, TermsBox } from "./terms-box.tsx";

/** The sign-up page. It exists only if strangers may create an account: at once, or with a link that is mailed first. */
export const signUpRoutes: readonly PageRoute[] = [
  openPage("/sign-up", (visit) => {
    const next = nextOf(visit, visit.c.req.query("next"));
    return startPage(visit, { identifier: "", displayName: "", next });
  }),

  openForm(
    "/sign-up",
    "/sign-up",
    async (visit, form) => {
      requireOpen(visit);
      const { auth } = visit;
      const typed = typedIn(visit, form);
      if (visit.signUp !== "open") {
        const { identifier } = typed;
        const { request } = mailOf(visit).mailedSignUp;
        const { value, refusal } = await attempt(
          askForMail(visit, { request, purpose: "sign_up", identifier }, placeIn(visit, typed)),
        );
        return value ?? (await requestPage(visit, typed, refusal));
      }
      const { value, refusal } = await attempt(
        newAccount(visit, form, (fields) => auth.signUp({ ...fields, identifier: typed.identifier })),
      );
      return refusal ? await signUpPage(visit, typed, refusal) : await finishSignUp(visit, value, form, typed.next);
    },
    (visit, form, refusal) => startPage(visit, typedIn(visit, form), refusal),
  ),

  linkPage("/sign-up/finish", (visit) => {
    requireOpen(visit);
    return finishPage(visit, { displayName: "", next: nextOf(visit, visit.c.req.query("next")) });
  }),

  linkForm("/sign-up/finish", "/sign-up/finish", async (visit, form, token) => {
    requireOpen(visit);
    const { mailedSignUp } = mailOf(visit);
    const { value, refusal } = await attempt(
      newAccount(visit, form, (fields) => mailedSignUp.confirm({ ...fields, token })),
    );
    const typed = typedIn(visit, form);
    if (refusal) return await finishPage(visit, typed, refusal);
    forgetLink(visit);
    return await finishSignUp(visit, value, form, typed.next);
  }),
];

/** Makes an account from the fields of {@link NameAndPassword}. */
export async function newAccount(
  visit: Visit,
  form: Form,
  make: (fields: Omit<NewAccount, "identifier" | "transport"> & { transport: "cookie" }) => Promise<IssuedSession>,
): Promise<IssuedSession> {
  const { c, auth, context } = visit;
  requireTerms(visit, form);
  return await make({
    password: form.text("password"),
    displayName: acceptTypedName(form.text("display_name")) || null,
    transport: "cookie",
    context,
    presentedToken: readCookie(c, auth, sessionCookie),
  });
}

function requireOpen(visit: Visit): void {
  if (!mayApply(visit)) throw new AuthError("not_found");
}

/** The sign-in for a user who has an account. Without a place that was asked for, it leads where a sign-in leads. */
function signInPath(site: Site, next: string): string {
  return leadingTo(site.path("/sign-in"), next, site.returnPaths.signUp);
}

/** What was typed on the first page, but for the password. */
interface Typed {
  readonly identifier: string;
  readonly displayName: string;
  /** Where the account leads. */
  readonly next: string;
}

function typedIn(visit: Visit, form: Form): Typed {
  const next = nextOf(visit, form.text("next"));
  return { identifier: form.text("identifier"), displayName: form.text("display_name"), next };
}

/** A place after a sign-up: that of a sign-in alone, such as the account, is none. */
function nextOf(visit: Visit, asked: string | undefined): string {
  return nextPath(asked, visit, visit.site.returnPaths.signUp);
}

/** The place that a mailed link carries: not the usual one. */
function placeIn({ site }: Visit, { next }: Typed): string | undefined {
  return next === site.returnPaths.signUp ? undefined : next;
}

/** The first page: it makes the account, or asks for a link. */
function startPage(visit: Visit, typed: Typed, refusal?: AuthError): Response | Promise<Response> {
  requireOpen(visit);
  return visit.signUp === "open" ? signUpPage(visit, typed, refusal) : requestPage(visit, typed, refusal);
}

function signUpPage(visit: Visit, typed: Typed, refusal?: AuthError): Response | Promise<Response> {
  const { site } = visit;
  const isTaken = refusal?.code === "conflict.duplicate_credential";
  const { next } = typed;
  const signInLink = <a href={signInPath(site, next)}>{site.say("sign-up.taken.link")}</a>;
  const sentence = isTaken ? site.say("sign-up.taken", { link: signInLink }) : refusal && sentenceFor(site, refusal);
  const isOfIdentifier = isTaken || refusal?.code === "invalid_format.identifier";
  const children = (
    <>
      <form method="post" action={site.path("/sign-up")}>
        <Alert>{isOfIdentifier || isOfNewAccount(refusal) ? undefined : sentence}</Alert>
        <Hidden name="next" value={next} />
        <Field
          site={site}
          form="sign-up"
          name="identifier"
          label={site.say("field.identifier")}
          value={typed.identifier}
          autocomplete="username"
          maxlength={254}
          error={isOfIdentifier ? sentence : undefined}
        />
        <NameAndPassword visit={visit} displayName={typed.displayName} refusal={refusal} />
        <CaptchaPart site={site} refusal={refusal} />
        <button type="submit">{site.say("word.sign-up")}</button>
      </form>
      <OtherSites visit={visit} next={next} />
      <AlreadyHere site={site} next={next} />
    </>
  );
  return respond(visit, { title: site.text("sign-up.title"), children, refusal, widget: widgetFor(site, refusal) });
}

/** True if a refusal is about a field of {@link NameAndPassword}, which shows it. */
export function isOfNewAccount(refusal: AuthError | undefined): boolean {
  const codes = ["invalid_format.password", "invalid_format.name", "invalid_format.text"];
  return codes.includes(refusal?.code ?? "") || isAboutTerms(refusal);
}

/** The fields of every new account. */
export function NameAndPassword({
  visit,
  displayName,
  refusal,
}: {
  visit: Visit;
  displayName: string;
  refusal?: AuthError | undefined;
}): Rendered {
  const { site } = visit;
  const sentence = refusal && sentenceFor(site, refusal, { "invalid_format.name": "error.display-name" });
  const isOfPassword = refusal?.code === "invalid_format.password";
  return (
    <>
      <Field
        site={site}
        form="sign-up"
        name="display_name"
        label={site.say("field.display-name")}
        value={displayName}
        autocomplete="name"
        maxlength={400}
        required={false}
        error={isOfNewAccount(refusal) && !isOfPassword && !isAboutTerms(refusal) ? sentence : undefined}
      />
      <Field
        site={site}
        form="sign-up"
        name="password"
        label={site.say("field.password")}
        type="password"
        autocomplete="new-password"
        hint={site.text("field.password.hint")}
        error={isOfPassword ? sentence : undefined}
      />
      <TermsBox visit={visit} refusal={refusal} />
    </>
  );
}

function requestPage(visit: Visit, typed: Typed, refusal?: AuthError): Response | Promise<Response> {
  const { site } = visit;
  const { identifier, next } = typed;
  const sentence = refusal && sentenceFor(site, refusal, { "invalid_format.identifier": "sign-up.one-address" });
  const isOfIdentifier = refusal?.code === "invalid_format.identifier";
  const children = (
    <>
      <p>{site.say("sign-up.link-first")}</p>
      <AskForm
        site={site}
        action={site.path("/sign-up")}
        name="sign-up"
        identifier={identifier}
        autocomplete="email"
        next={next}
        error={isOfIdentifier ? sentence : undefined}
        fault={isOfIdentifier ? undefined : sentence}
        refusal={refusal}
      />
      <OtherSites visit={visit} next={next} />
      <AlreadyHere site={site} next={next} />
    </>
  );
  return respond(visit, { title: site.text("sign-up.title"), children, refusal, widget: widgetFor(site, refusal) });
}

async function finishPage(
  visit: Visit,
  { displayName, next }: Omit<Typed, "identifier">,
  refusal?: AuthError,
): Promise<Response> {
  const { site } = visit;
  const isTaken = refusal?.code === "conflict.duplicate_credential";
  const identifier = isTaken ? undefined : await linkAddress(visit, "sign_up");
  if (identifier === undefined) {
    const again = isTaken ? (
      site.say("sign-up.exists", { link: <a href={signInPath(site, next)}>{site.say("word.sign-in")}</a> })
    ) : (
      <a href={leadingTo(site.path("/sign-up"), next, site.returnPaths.signUp)}>{site.say("link.new")}</a>
    );
    return await deadLink(visit, again, refusal);
  }
  const children = (
    <>
      <form method="post" action={site.path("/sign-up/finish")}>
        <Alert>{isOfNewAccount(refusal) || !refusal ? undefined : sentenceFor(site, refusal)}</Alert>
        <LinkMark visit={visit} />
        <AccountOf site={site} identifier={identifier} />
        <Hidden name="next" value={next} />
        <NameAndPassword visit={visit} displayName={displayName} refusal={refusal} />
        <button type="submit">{site.say("sign-up.finish.button")}</button>
      </form>
      <AlreadyHere site={site} next={next} />
    </>
  );
  return await respond(visit, { title: site.text("sign-up.finish"), children, refusal });
}

/** The other sites with which an account is made. */
function OtherSites({ visit, next }: { visit: Visit; next: string }): Rendered {
  const { site, auth } = visit;
  return auth.federation ? (
    <>
      <p class="or">{site.say("word.or")}</p>
      <ProviderLinks visit={visit} query={{ next }} />
    </>
  ) : null;
}

function AlreadyHere({ site, next }: { site: Site; next: string }): Rendered {
  const link = <a href={signInPath(site, next)}>{site.say("word.sign-in")}</a>;
  return <p class="foot">{site.say("sign-up.have-account", { link })}</p>;
}
