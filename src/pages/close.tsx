import { clearCookie, sessionCookie } from "../http/cookies.ts";
import { endKept } from "../http/session-kept.ts";
import type { AuthError } from "../index.ts";
import { respond, respondWithForm } from "./layout.tsx";
import { Field } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { type PageRoute, type UserVisit, userForm, userPage } from "./route.ts";
import { activePasswords } from "./safety.tsx";

/** Closing the account, for good. */
export const closeRoutes: readonly PageRoute[] = [
  userPage("/account/close", (visit) => closePage(visit)),

  userForm(
    "/account/close",
    "/account/close",
    async (visit, form) => {
      const { c, auth, actor, user, context } = visit;
      const endOrganizations = form.text("end_organizations") === "yes";
      const currentPassword = form.text("current_password");
      const asked = { actor, userId: user.id, endOrganizations };
      // Without a password in the form, an account that has one is refused.
      const { refusal } = await attempt(
        currentPassword === "" ? auth.users.revoke(asked) : auth.users.revokeOwn({ ...asked, currentPassword }),
      );
      if (refusal) return await closePage(visit, refusal, endOrganizations);
      await endKept(c, auth, context);
      clearCookie(c, auth, sessionCookie);
      return await closedPage(visit);
    },
    {
      fields: ["end_organizations"],
      does: ({ site }) => site.say("proof.then.close"),
      // A password is asked for again: it is not kept.
      goOn: (visit, form) => closePage(visit, undefined, form.text("end_organizations") === "yes"),
    },
  ),
];

async function closePage(visit: UserVisit, refusal?: AuthError, endsOrganizations = false): Promise<Response> {
  const { site, auth, actor, user } = visit;
  const title = site.text("close.title");
  const hasPassword = activePasswords(await auth.credentials.list({ actor, userId: user.id })).length > 0;
  const isWrong = refusal?.code === "unauthorized.invalid_credential";
  return await respondWithForm(visit, "profile", {
    title,
    intro: <p>{site.say("close.text")}</p>,
    action: "/account/close",
    fields: (
      <>
        {(endsOrganizations || refusal?.code === "conflict.sole_owner") && (
          <label class="choice">
            <input type="checkbox" name="end_organizations" value="yes" checked={endsOrganizations} />
            <span>{site.say("close.end-organizations")}</span>
          </label>
        )}
        {hasPassword && (
          <Field
            site={site}
            form="close"
            name="current_password"
            label={site.say("field.current-password")}
            type="password"
            autocomplete="current-password"
            error={
              isWrong ? sentenceFor(site, refusal, { "unauthorized.invalid_credential": "password.wrong" }) : undefined
            }
          />
        )}
      </>
    ),
    button: site.text("close.button"),
    isDanger: true,
    refusal,
    isShown: isWrong,
  });
}

function closedPage(visit: UserVisit): Response | Promise<Response> {
  const { site } = visit;
  const children = (
    <>
      <p role="status">{site.say("close.done.text")}</p>
      <p>
        <a href={site.brand.homePath}>{site.say("page.home")}</a>
      </p>
    </>
  );
  return respond(visit, { title: site.text("close.done"), children });
}
