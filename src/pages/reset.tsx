import type { Child } from "hono/jsx";
import { AuthError } from "../index.ts";
import { widgetFor } from "./captcha.tsx";
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
import { leadingTo, nextPath, pathWith, signInPath } from "./next-path.ts";
import { Alert, Field, Hidden } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { openForm, openPage, type PageRoute, type Visit } from "./route.ts";

/** A forgotten password: asking for a message, and choosing a new password. */
export const resetRoutes: readonly PageRoute[] = [
  openPage("/forgot", (visit) => {
    const { identifier = "", next } = visit.c.req.query();
    return forgotPage(visit, { identifier, next: nextPath(next, visit) });
  }),

  openForm(
    "/forgot",
    "/forgot",
    async (visit, form) => {
      const typed = typedIn(visit, form);
      const { identifier, next } = typed;
      const { request } = mailOf(visit).passwordReset;
      const place = next === visit.site.returnPaths.signIn ? undefined : next;
      const { value, refusal } = await attempt(
        askForMail(visit, { request, purpose: "reset_password", identifier }, place),
      );
      return value ?? (await forgotPage(visit, typed, refusal));
    },
    (visit, form, refusal) => forgotPage(visit, typedIn(visit, form), refusal),
  ),

  linkPage("/reset", (visit) => resetPage(visit, nextPath(visit.c.req.query("next"), visit))),

  linkForm("/reset", "/reset", async (visit, form, token) => {
    const { context } = visit;
    const { passwordReset } = mailOf(visit);
    const { value, refusal } = await attempt(
      passwordReset.confirm({ token, password: form.text("password"), context }).catch((error: unknown) => {
        // The address lost its right between the message and now.
        const isLost = error instanceof AuthError && error.code === "unauthorized.reauthentication_required";
        throw isLost ? new AuthError("unauthorized.invalid_link") : error;
      }),
    );
    const { next } = typedIn(visit, form);
    if (refusal) return await resetPage(visit, next, refusal);
    forgetLink(visit);
    const { site } = visit;
    const review = leadingTo(site.path("/account/review"), next, site.returnPaths.signIn);
    const note = <p class="hint">{site.say("reset.done.note")}</p>;
    return await donePage(visit, value.identifier, pathWith(site.path("/sign-in"), { next: review }), note);
  }),
];

/** What the forms of a reset carry. */
interface Typed {
  readonly identifier: string;
  /** Where the sign-in afterwards leads. */
  readonly next: string;
}

function typedIn(visit: Visit, form: Form): Typed {
  return { identifier: form.text("identifier"), next: nextPath(form.text("next"), visit) };
}

function forgotPage(visit: Visit, { identifier, next }: Typed, refusal?: AuthError): Response | Promise<Response> {
  mailOf(visit);
  const { site } = visit;
  const children = (
    <>
      <p>{site.say("forgot.text")}</p>
      <AskForm
        site={site}
        action={site.path("/forgot")}
        name="forgot"
        identifier={identifier}
        next={next}
        fault={refusal && sentenceFor(site, refusal)}
        refusal={refusal}
      />
      <p class="foot">
        {site.say("forgot.remembered", { link: <a href={signInPath(site, next)}>{site.say("word.sign-in")}</a> })}
      </p>
    </>
  );
  return respond(visit, { title: site.text("forgot.title"), children, refusal, widget: widgetFor(site, refusal) });
}

async function resetPage(visit: Visit, next: string, refusal?: AuthError): Promise<Response> {
  const { site } = visit;
  const identifier = await linkAddress(visit, "reset_password");
  if (identifier === undefined || refusal?.code === "unauthorized.invalid_link") {
    const path = leadingTo(site.path("/forgot"), next, site.returnPaths.signIn);
    return await deadLink(visit, <a href={path}>{site.say("link.new")}</a>, refusal);
  }
  const sentence = refusal && sentenceFor(site, refusal);
  const isOfPassword = refusal?.code === "invalid_format.password";
  const children = (
    <>
      <form method="post" action={site.path("/reset")}>
        <Alert>{isOfPassword ? undefined : sentence}</Alert>
        <LinkMark visit={visit} />
        <Hidden name="next" value={next} />
        <AccountOf site={site} identifier={identifier} />
        <Field
          site={site}
          form="reset"
          name="password"
          label={site.say("field.new-password")}
          type="password"
          autocomplete="new-password"
          hint={site.text("field.password.hint-or-8")}
          error={isOfPassword ? sentence : undefined}
        />
        <button type="submit">{site.say("reset.button")}</button>
      </form>
      <p class="hint">{site.say("reset.note")}</p>
    </>
  );
  return await respond(visit, { title: site.text("reset.title"), children, refusal });
}

/** The page after a new password, with the way to the sign-in. */
export function donePage(visit: Visit, identifier: string, signIn: string, note?: Child): Response | Promise<Response> {
  const { site } = visit;
  const children = (
    <>
      <p>{site.say("reset.done.text", { user: <bdi>{identifier}</bdi> })}</p>
      <p>
        <a class="button" href={signIn}>
          {site.say("word.sign-in")}
        </a>
      </p>
      {note}
    </>
  );
  return respond(visit, { title: site.text("reset.done"), children });
}
