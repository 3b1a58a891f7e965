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
    return deadLink(visit, <a href={site.path("/forgot")}>Choose a new password</a>, refusal);
  }
  const children = (
    <>
      <h1>Was this not you?</h1>
      <p>Then lock your account now:</p>
      <ul>
        <li>Its password no longer works. We send you a link to choose a new one.</li>
        <li>Everyone is signed out, on every device, and personal access tokens end.</li>
        <li>If the message was about a new passkey or second factor, it is removed.</li>
        <li>Addresses that were added since then are removed.</li>
      </ul>
      <form method="post" action={site.path("/not-me")}>
        <Alert>{refusal && sentenceFor(refusal)}</Alert>
        <button type="submit">Lock my account</button>
      </form>
      <p class="hint">If it was you, close this page. Nothing has changed.</p>
    </>
  );
  return respond(visit, { title: "Was this not you?", children, refusal });
}

function lockedPage(visit: Visit, identifier: string): Response | Promise<Response> {
  const children = (
    <>
      <h1>Your account is locked</h1>
      <p>
        Look for our message to <bdi>{identifier}</bdi>: it has a link to choose a new password. If none comes, an
        administrator has removed this address from your account.
      </p>
      <p class="hint">
        Once you have signed in, check your passkeys, second factors and addresses, and remove any that you do not
        recognize.
      </p>
    </>
  );
  return respond(visit, { title: "Your account is locked", children });
}
