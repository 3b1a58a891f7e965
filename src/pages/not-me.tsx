import type { AuthError } from "../index.ts";
import { disown } from "./disown.tsx";
import { respond } from "./layout.tsx";
import { LinkMark } from "./link-mark.tsx";
import { deadLink, hasLink, linkForm, linkPage } from "./mailed-link.tsx";
import { Alert } from "./parts.tsx";
import { sentenceFor } from "./refusal.ts";
import type { PageRoute, Visit } from "./route.ts";

/** “This was not me”: the link of a notice locks the account. Opening it changes nothing; a button does. */
export const notMeRoutes: readonly PageRoute[] = [
  linkPage("/not-me", (visit) => lockPage(visit)),

  linkForm("/not-me", "/not-me", (visit, form, token) =>
    disown(visit, { form, token }, { action: "/not-me", title: "not-me.title", again: lockPage }),
  ),
];

function lockPage(visit: Visit, refusal?: AuthError): Response | Promise<Response> {
  const { site } = visit;
  if (refusal?.code === "unauthorized.invalid_link" || !hasLink(visit)) {
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
        <LinkMark visit={visit} />
        <button type="submit">{site.say("not-me.button")}</button>
      </form>
      <p class="hint">{site.say("not-me.was-me")}</p>
    </>
  );
  return respond(visit, { title: site.text("not-me.title"), children, refusal });
}
