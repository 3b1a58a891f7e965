import type { LinkRequest } from "../http/mail.ts";
import { deliverSoon } from "../http/mail-delivery.ts";
import { signedIn } from "../http/session-cookie.ts";
import { AuthError } from "../index.ts";
import { backTo } from "./account-acts.tsx";
import { disown } from "./disown.tsx";
import { respond, respondWithForm } from "./layout.tsx";
import { LinkMark } from "./link-mark.tsx";
import { askForMail, deadLink, forgetLink, hasLink, linkAddress, linkForm, linkPage, mailOf } from "./mailed-link.tsx";
import { pathWith } from "./next-path.ts";
import { Alert, Field } from "./parts.tsx";
import { attempt, sentenceFor, type Words } from "./refusal.ts";
import { type PageRoute, type UserVisit, userForm, userPage, type Visit } from "./route.ts";
import { signedInVisit } from "./sign-in.tsx";

const words: Words = {
  "conflict.duplicate_credential": "address.taken",
  "precondition.invalid_transition": "address.own",
};

/** Asking for a new address. */
export const addressRoutes: readonly PageRoute[] = [
  userPage("/account/address", (visit) => askPage(visit, "")),

  userForm(
    "/account/address",
    "/account/address",
    async (visit, form) => {
      const { actor } = visit;
      const { identifiers } = mailOf(visit);
      const identifier = form.text("identifier");
      const request = ({ acceptLanguage }: LinkRequest) =>
        identifiers.requestChange({ actor, identifier, acceptLanguage });
      const { value, refusal } = await attempt(
        askForMail(visit, { request, purpose: "change_identifier", identifier }),
      );
      return value ?? (await askPage(visit, identifier, refusal));
    },
    {
      fields: ["identifier"],
      does: ({ site }, form) =>
        site.say("proof.then.address", { address: <bdi>{form.text("identifier").trim()}</bdi> }),
    },
  ),
];

/** The links that a change of address is mailed with: the new address's and the old one's. */
export const addressLinkRoutes: readonly PageRoute[] = [
  linkPage("/address", (visit) => confirmPage(visit)),

  linkForm("/address", "/address", async (visit, _form, token) => {
    const { c, site } = visit;
    const auth = mailOf(visit);
    const user = await signedInVisit(visit);
    if (!user) return await confirmPage(visit);
    const { actor } = user;
    const { value, refusal } = await attempt(
      auth.identifiers.confirmChange({ actor, token, transport: "cookie" }),
    ).catch((error: unknown) => {
      if (!isStale(error)) throw error;
      return { value: undefined, refusal: undefined };
    });
    if (refusal) return await confirmPage(visit, refusal);
    // The session's proof is too old: after a new one, the user comes back to the button.
    if (!value) return c.redirect(pathWith(site.path("/account/step-up"), { next: site.path("/address") }), 303);
    signedIn(c, auth, "cookie", value);
    deliverSoon(c, auth);
    forgetLink(visit);
    return backTo(user, "profile", "new-address");
  }),

  linkPage("/address/back", (visit) => backPage(visit)),

  linkForm("/address/back", "/address/back", (visit, form, token) =>
    disown(visit, { form, token }, { action: "/address/back", title: "address.back.title", again: backPage }),
  ),
];

function isStale(error: unknown): error is AuthError {
  return error instanceof AuthError && error.code === "unauthorized.reauthentication_required";
}

function askPage(visit: UserVisit, typed: string, refusal?: AuthError): Response | Promise<Response> {
  const { site } = visit;
  mailOf(visit);
  const isOfField =
    refusal?.code === "invalid_format.identifier" || refusal?.code === "precondition.invalid_transition";
  return respondWithForm(visit, "profile", {
    title: site.text("address.title"),
    intro: <p>{site.say("address.text")}</p>,
    action: "/account/address",
    fields: (
      <Field
        site={site}
        form="address"
        name="identifier"
        label={site.say("address.new")}
        value={typed}
        autocomplete="email"
        maxlength={254}
        error={isOfField ? sentenceFor(site, refusal, words) : undefined}
      />
    ),
    button: site.text("mail.send"),
    refusal,
    words,
    isShown: isOfField,
  });
}

/** The page of the new address's link. Only a session of the account can use the link. */
async function confirmPage(visit: Visit, refusal?: AuthError): Promise<Response> {
  const { site } = visit;
  const [user, address] = await Promise.all([signedInVisit(visit), linkAddress(visit, "change_identifier")]);
  if (address === undefined || refusal?.code === "unauthorized.invalid_link") {
    return await deadLink(visit, <a href={site.path("/account/address")}>{site.say("link.new")}</a>, refusal);
  }
  const children = user ? (
    <>
      <p>
        {site.say("verify.as", { user: <bdi>{user.user.identifier ?? user.user.displayName ?? user.user.id}</bdi> })}
      </p>
      <p>{site.say("address.to", { address: <bdi>{address}</bdi> })}</p>
      <form method="post" action={site.path("/address")}>
        <Alert>{refusal && sentenceFor(site, refusal, words)}</Alert>
        <LinkMark visit={visit} />
        <button type="submit">{site.say("address.button")}</button>
      </form>
      <p class="hint">{site.say("address.ends")}</p>
    </>
  ) : (
    <>
      <p>{site.say("address.sign-in-first")}</p>
      <p>
        <a class="button" href={pathWith(site.path("/sign-in"), { next: site.path("/address") })}>
          {site.say("word.sign-in")}
        </a>
      </p>
    </>
  );
  return await respond(visit, { title: site.text("address.confirm"), children, signedIn: user !== undefined, refusal });
}

/** The page of the old address's link. */
function backPage(visit: Visit, refusal?: AuthError): Response | Promise<Response> {
  const { site } = visit;
  if (refusal?.code === "unauthorized.invalid_link" || !hasLink(visit)) {
    return deadLink(visit, <a href={site.path("/sign-in")}>{site.say("word.sign-in")}</a>, refusal);
  }
  const action = site.path("/address/back");
  const children = (
    <>
      <p>{site.say("address.back.text")}</p>
      <ul>
        <li>{site.say("not-me.password")}</li>
        <li>{site.say("not-me.sessions")}</li>
        <li>{site.say("address.back.added")}</li>
      </ul>
      <form method="post" action={action}>
        <Alert>{refusal && sentenceFor(site, refusal, words)}</Alert>
        <LinkMark visit={visit} />
        <button type="submit">{site.say("address.back.button")}</button>
      </form>
      <p class="hint">{site.say("not-me.was-me")}</p>
    </>
  );
  return respond(visit, { title: site.text("address.back.title"), children, refusal });
}
