import { clearCookie, sessionCookie } from "../http/cookies.ts";
import { endKept } from "../http/session-kept.ts";
import type { AuthError } from "../index.ts";
import { respond, respondInAccount, respondWithForm } from "./layout.tsx";
import { Field } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { type PageRoute, type UserVisit, userForm, userPage } from "./route.ts";
import { activePasswords } from "./safety.tsx";

/** Closing the account, for good. */
export const closeRoutes: readonly PageRoute[] = [
  userPage("/account/close", (visit) => closePage(visit)),

  userForm("/account/close", "/account/close", async (visit, form) => {
    const { c, auth, actor, user, context } = visit;
    const endOrganizations = form.text("end_organizations") === "yes";
    const { refusal } = await attempt(
      auth.users.revokeOwn({
        actor,
        userId: user.id,
        currentPassword: form.text("current_password"),
        endOrganizations,
      }),
    );
    if (refusal) return await closePage(visit, refusal, endOrganizations);
    await endKept(c, auth, context);
    clearCookie(c, auth, sessionCookie);
    return await closedPage(visit);
  }),
];

async function closePage(visit: UserVisit, refusal?: AuthError, endsOrganizations = false): Promise<Response> {
  const { site, auth, actor, user } = visit;
  const title = site.text("close.title");
  const passwords = activePasswords(await auth.credentials.list({ actor, userId: user.id }));
  if (passwords.length === 0) {
    const children = (
      <section>
        <p>{site.say("close.no-password")}</p>
      </section>
    );
    return await respondInAccount(visit, "profile", { title, children, refusal });
  }
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
