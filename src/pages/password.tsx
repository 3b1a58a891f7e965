import { minimumPasswordLength, minimumPasswordLengthWithFactor } from "../domain/password.ts";
import { signedIn } from "../http/session-cookie.ts";
import type { AuthError } from "../index.ts";
import { backTo } from "./account-acts.tsx";
import { respondWithForm } from "./layout.tsx";
import { Field } from "./parts.tsx";
import { attempt, sentenceFor, type Words } from "./refusal.ts";
import { type PageRoute, type UserVisit, userForm, userPage } from "./route.ts";

/** Changing the password. */
export const passwordRoutes: readonly PageRoute[] = [
  userPage("/account/password", (visit) => passwordPage(visit)),

  userForm("/account/password", "/account/password", async (visit, form) => {
    const { c, auth, actor } = visit;
    const { value, refusal } = await attempt(
      auth.changePassword({
        actor,
        currentPassword: form.text("current_password"),
        newPassword: form.text("new_password"),
        transport: "cookie",
      }),
    );
    if (refusal) return await passwordPage(visit, refusal);
    signedIn(c, auth, "cookie", value);
    return backTo(visit, "security", "password");
  }),
];

const words: Words = { "unauthorized.invalid_credential": "password.wrong" };

async function passwordPage(visit: UserVisit, refusal?: AuthError): Promise<Response> {
  const { site, auth, actor, user } = visit;
  const { data: factors } = await auth.factors.list({ actor, userId: user.id });
  // An active factor is asked for at every sign-in.
  const hasFactor = factors.some(({ status }) => status === "active");
  const isOfCurrent = refusal?.code === "unauthorized.invalid_credential";
  const isOfNew = refusal?.code === "invalid_format.password";
  const sentence = refusal && sentenceFor(site, refusal, words);
  return await respondWithForm(visit, "security", {
    title: site.text("password.change.title"),
    intro: <p>{site.say("password.change.note")}</p>,
    action: "/account/password",
    fields: (
      <>
        {/* For password managers, which store a password under its identifier. */}
        <input hidden type="text" name="identifier" value={user.identifier ?? ""} autocomplete="username" />
        <Field
          site={site}
          form="password"
          name="current_password"
          label={site.say("field.current-password")}
          type="password"
          autocomplete="current-password"
          error={isOfCurrent ? sentence : undefined}
        />
        <Field
          site={site}
          form="password"
          name="new_password"
          label={site.say("field.new-password")}
          type="password"
          autocomplete="new-password"
          hint={site.text("field.password.least", {
            count: hasFactor ? minimumPasswordLengthWithFactor : minimumPasswordLength,
          })}
          error={isOfNew ? sentence : undefined}
        />
      </>
    ),
    button: site.text("password.change.button"),
    refusal,
    words,
    isShown: isOfCurrent || isOfNew,
  });
}
