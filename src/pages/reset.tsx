import { AuthError } from "../index.ts";
import { widgetFor } from "./captcha.tsx";
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
import { Alert, Field } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { openForm, openPage, type PageRoute, type Visit } from "./route.ts";

/** A forgotten password: asking for a message, and choosing a new password. */
export const resetRoutes: readonly PageRoute[] = [
  openPage("/forgot", (visit) => forgotPage(visit, visit.c.req.query("identifier") ?? "")),

  openForm(
    "/forgot",
    "/forgot",
    async (visit, form) => {
      const identifier = form.text("identifier");
      const { request } = mailOf(visit).passwordReset;
      const { value, refusal } = await attempt(askForMail(visit, { request, purpose: "reset_password", identifier }));
      return value ?? (await forgotPage(visit, identifier, refusal));
    },
    (visit, form, refusal) => forgotPage(visit, form.text("identifier"), refusal),
  ),

  linkPage("/reset", (visit) => resetPage(visit)),

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
    if (refusal) return await resetPage(visit, refusal);
    forgetLink(visit);
    return await donePage(visit, value.identifier);
  }),
];

function forgotPage(visit: Visit, identifier: string, refusal?: AuthError): Response | Promise<Response> {
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
        fault={refusal && sentenceFor(site, refusal)}
        refusal={refusal}
      />
      <p class="foot">
        {site.say("forgot.remembered", { link: <a href={site.path("/sign-in")}>{site.say("word.sign-in")}</a> })}
      </p>
    </>
  );
  return respond(visit, { title: site.text("forgot.title"), children, refusal, widget: widgetFor(site, refusal) });
}

async function resetPage(visit: Visit, refusal?: AuthError): Promise<Response> {
  const { site } = visit;
  const identifier = await linkAddress(visit, "reset_password");
  if (identifier === undefined || refusal?.code === "unauthorized.invalid_link") {
    return await deadLink(visit, <a href={site.path("/forgot")}>{site.say("link.new")}</a>, refusal);
  }
  const sentence = refusal && sentenceFor(site, refusal);
  const isOfPassword = refusal?.code === "invalid_format.password";
  const children = (
    <>
      <form method="post" action={site.path("/reset")}>
        <Alert>{isOfPassword ? undefined : sentence}</Alert>
        <LinkMark visit={visit} />
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

export function donePage(visit: Visit, identifier: string): Response | Promise<Response> {
  const { site } = visit;
  const children = (
    <>
      <p>{site.say("reset.done.text", { user: <bdi>{identifier}</bdi> })}</p>
      <p>
        <a class="button" href={site.path("/sign-in")}>
          {site.say("word.sign-in")}
        </a>
      </p>
      <p class="hint">{site.say("reset.done.note")}</p>
    </>
  );
  return respond(visit, { title: site.text("reset.done"), children });
}
