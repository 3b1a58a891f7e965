import { AuthError } from "../index.ts";
import { respond } from "./layout.tsx";
import { AskForm, askForMail, deadLink, forgetLink, linkPage, mailOf, openedLink } from "./mailed-link.tsx";
import { Alert, Field } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { openForm, openPage, type PageRoute, type Visit } from "./route.ts";

/** A forgotten password: asking for a message, and choosing a new password. */
export const resetRoutes: readonly PageRoute[] = [
  openPage("/forgot", (visit) => {
    mailOf(visit);
    return forgotPage(visit, visit.c.req.query("identifier") ?? "");
  }),

  openForm("/forgot", "/forgot", async (visit, form) => {
    const identifier = form.text("identifier");
    const { request } = mailOf(visit).passwordReset;
    const { value, refusal } = await attempt(askForMail(visit, { request, purpose: "reset_password", identifier }));
    return value ?? (await forgotPage(visit, identifier, refusal));
  }),

  linkPage("/reset", (visit) => resetPage(visit)),

  openForm("/reset", "/reset", async (visit, form) => {
    const { context } = visit;
    const { passwordReset } = mailOf(visit);
    const token = openedLink(visit) ?? "";
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
  const { site } = visit;
  const children = (
    <>
      <h1>Forgot your password?</h1>
      <p>We send a link to the address of your account. With it, you choose a new password.</p>
      <AskForm
        action={site.path("/forgot")}
        name="forgot"
        identifier={identifier}
        fault={refusal && sentenceFor(refusal)}
      />
      <p>
        Remembered it? <a href={site.path("/sign-in")}>Sign in</a>
      </p>
    </>
  );
  return respond(visit, { title: "Forgot your password?", children, refusal });
}

function resetPage(visit: Visit, refusal?: AuthError): Response | Promise<Response> {
  const { site } = visit;
  if (refusal?.code === "unauthorized.invalid_link" || openedLink(visit) === undefined) {
    return deadLink(visit, <a href={site.path("/forgot")}>Ask for a new link</a>, refusal);
  }
  const sentence = refusal && sentenceFor(refusal);
  const isOfPassword = refusal?.code === "invalid_format.password";
  const children = (
    <>
      <h1>Choose a new password</h1>
      <form method="post" action={site.path("/reset")}>
        <Alert>{isOfPassword ? undefined : sentence}</Alert>
        <Field
          form="reset"
          name="password"
          label="New password"
          type="password"
          autocomplete="new-password"
          hint="15 characters or more, or 8 beside a second factor. Several words in a row work well."
          error={isOfPassword ? sentence : undefined}
        />
        <button type="submit">Change the password</button>
      </form>
      <p class="hint">You are signed out everywhere, and personal access tokens end.</p>
    </>
  );
  return respond(visit, { title: "Choose a new password", children, refusal });
}

function donePage(visit: Visit, identifier: string): Response | Promise<Response> {
  const { site } = visit;
  const children = (
    <>
      <h1>Your password is changed</h1>
      <p>
        Sign in as <bdi>{identifier}</bdi> with the new password.
      </p>
      <p>
        <a class="button" href={site.path("/sign-in")}>
          Sign in
        </a>
      </p>
      <p class="hint">
        Passkeys and authenticator apps of the account are as before. If you have lost control of the account, remove
        any that you do not recognize.
      </p>
    </>
  );
  return respond(visit, { title: "Your password is changed", children });
}
