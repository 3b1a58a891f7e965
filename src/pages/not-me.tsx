import { deliverSoon } from "../http/mail-delivery.ts";
import type { AuthError } from "../index.ts";
import { respond } from "./layout.tsx";
import { deadLink, forgetLink, linkPage, mailOf, openedLink } from "./mailed-link.tsx";
import { Alert } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { openForm, type PageRoute, type Visit } from "./route.ts";

/** “This was not me”: the link of a notice locks the account. Opening it changes nothing; a button does. */
export const notMeRoutes: readonly PageRoute[] = [
  linkPage("/not-me", (visit) => lockPage(visit)),

  openForm("/not-me", "/not-me", async (visit) => {
    const { c, context } = visit;
    const auth = mailOf(visit);
    const token = openedLink(visit) ?? "";
    const { value, refusal } = await attempt(auth.notices.disown({ token, context }));
    if (refusal) return await lockPage(visit, refusal);
    deliverSoon(c, auth);
    forgetLink(visit);
    return await lockedPage(visit, value.identifier);
  }),
];

function lockPage(visit: Visit, refusal?: AuthError): Response | Promise<Response> {
  const { site } = visit;
  if (refusal?.code === "unauthorized.invalid_link" || openedLink(visit) === undefined) {
    return deadLink(visit, <a href={site.path("/forgot")}>{site.say("not-me.new-password")}</a>, refusal);
  }
  const children = (
    <>
      <p>{site.say("not-me.text")}</p>
      <ul>
        <li>{site.say("not-me.password")}</li>
        <li>{site.say("not-me.sessions")}</li>
        <li>{site.say("not-me.factor")}</li>
        <li>{site.say("not-me.addresses")}</li>
      </ul>
      <form method="post" action={site.path("/not-me")}>
        <Alert>{refusal && sentenceFor(site, refusal)}</Alert>
        <button type="submit">{site.say("not-me.button")}</button>
      </form>
      <p class="hint">{site.say("not-me.was-me")}</p>
    </>
  );
  return respond(visit, { title: site.text("not-me.title"), children, refusal });
}

export function lockedPage(visit: Visit, identifier: string): Response | Promise<Response> {
  const { site } = visit;
  const children = (
    <>
      <p>{site.say("not-me.done.text", { address: <bdi>{identifier}</bdi> })}</p>
      <p class="hint">{site.say("not-me.done.note")}</p>
    </>
  );
  return respond(visit, { title: site.text("not-me.done"), children });
}
