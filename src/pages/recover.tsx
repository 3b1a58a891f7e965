import { deliverSoon } from "../http/mail-delivery.ts";
import type { AuthError } from "../index.ts";
import { respond } from "./layout.tsx";
import { LinkMark } from "./link-mark.tsx";
import { deadLink, forgetLink, hasLink, linkForm, linkPage, mailOf } from "./mailed-link.tsx";
import { Alert, Field } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { donePage } from "./reset.tsx";
import type { PageRoute, Visit } from "./route.ts";

/** An account that an administrator gives to a new address: the link of the new address, and the links that stop it. */
export const recoverRoutes: readonly PageRoute[] = [
  linkPage("/recover", (visit) => recoverPage(visit)),

  linkForm("/recover", "/recover", async (visit, form, token) => {
    const { c, site, context } = visit;
    const auth = mailOf(visit);
    const { value, refusal } = await attempt(auth.recovery.finish({ token, password: form.text("password"), context }));
    if (refusal) return await recoverPage(visit, refusal);
    deliverSoon(c, auth);
    forgetLink(visit);
    return await donePage(visit, value.identifier, site.path("/sign-in"));
  }),

  linkPage("/recover/stop", (visit) => stopPage(visit)),

  linkForm("/recover/stop", "/recover/stop", async (visit, _form, token) => {
    const { site, context } = visit;
    const { recovery } = mailOf(visit);
    const { refusal } = await attempt(recovery.cancel({ token, context }));
    if (refusal) return await stopPage(visit, refusal);
    forgetLink(visit);
    const children = <p>{site.say("recover.stopped.text")}</p>;
    return await respond(visit, { title: site.text("recover.stopped"), children });
  }),
];

function recoverPage(visit: Visit, refusal?: AuthError): Response | Promise<Response> {
  const { site } = visit;
  if (refusal?.code === "unauthorized.invalid_link" || !hasLink(visit)) {
    return deadLink(visit, site.say("recover.dead"), refusal);
  }
  const sentence = refusal && sentenceFor(site, refusal, { "conflict.duplicate_credential": "address.taken" });
  const isOfPassword = refusal?.code === "invalid_format.password";
  const children = (
    <>
      <form method="post" action={site.path("/recover")}>
        <Alert>{isOfPassword ? undefined : sentence}</Alert>
        <LinkMark visit={visit} />
        <Field
          site={site}
          form="recover"
          name="password"
          label={site.say("field.new-password")}
          type="password"
          autocomplete="new-password"
          hint={site.text("field.password.hint")}
          error={isOfPassword ? sentence : undefined}
        />
        <button type="submit">{site.say("word.save")}</button>
      </form>
      <p class="hint">{site.say("recover.note")}</p>
    </>
  );
  return respond(visit, { title: site.text("reset.title"), children, refusal });
}

function stopPage(visit: Visit, refusal?: AuthError): Response | Promise<Response> {
  const { site } = visit;
  if (refusal?.code === "unauthorized.invalid_link" || !hasLink(visit)) {
    return deadLink(visit, <a href={site.path("/sign-in")}>{site.say("word.sign-in")}</a>, refusal);
  }
  const children = (
    <>
      <p>{site.say("recover.stop.text")}</p>
      <form method="post" action={site.path("/recover/stop")}>
        <Alert>{refusal && sentenceFor(site, refusal)}</Alert>
        <LinkMark visit={visit} />
        <button type="submit">{site.say("recover.stop.button")}</button>
      </form>
      <p class="hint">{site.say("recover.stop.note")}</p>
    </>
  );
  return respond(visit, { title: site.text("recover.stop"), children, refusal });
}
