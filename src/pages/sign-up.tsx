import { acceptTypedName } from "../domain/text.ts";
import { readCookie, sessionCookie } from "../http/cookies.ts";
import { signedIn } from "../http/session-cookie.ts";
import { AuthError } from "../index.ts";
import { respond } from "./layout.tsx";
import { Alert, Field } from "./parts.tsx";
import { attempt, longDisplayName, sentenceFor } from "./refusal.ts";
import { openForm, openPage, type PageRoute, type Visit } from "./route.ts";

/** The sign-up page. It exists only if sign-up is open. */
export const signUpRoutes: readonly PageRoute[] = [
  openPage("/sign-up", (visit) => {
    requireOpen(visit);
    return signUpPage(visit, { identifier: "", displayName: "" });
  }),

  openForm("/sign-up", "/sign-up", async (visit, form) => {
    requireOpen(visit);
    const { c, site, auth, context } = visit;
    const typed = { identifier: form.text("identifier"), displayName: form.text("display_name") };
    const signUp = async () =>
      await auth.signUp({
        identifier: typed.identifier,
        password: form.text("password"),
        displayName: acceptTypedName(typed.displayName) || null,
        transport: "cookie",
        context,
        presentedToken: readCookie(c, auth, sessionCookie),
      });
    const { value, refusal } = await attempt(signUp());
    if (refusal) return await signUpPage(visit, typed, refusal);
    signedIn(c, auth, "cookie", value);
    return c.redirect(site.returnPaths.signUp, 303);
  }),
];

function requireOpen({ signUpIsOpen }: Visit): void {
  if (!signUpIsOpen) throw new AuthError("not_found");
}

function signUpPage(
  visit: Visit,
  typed: { identifier: string; displayName: string },
  refusal?: AuthError,
): Response | Promise<Response> {
  const { site } = visit;
  const words = {
    "conflict.duplicate_credential": "An account with this name already exists. If it is yours, sign in.",
    "invalid_format.name": longDisplayName,
  } as const;
  const sentence = refusal && sentenceFor(refusal, words);
  const errorOf = (...codes: readonly string[]) => (refusal && codes.includes(refusal.code) ? sentence : undefined);
  const ofIdentifier = errorOf("invalid_format.identifier", "conflict.duplicate_credential");
  const ofPassword = errorOf("invalid_format.password");
  const ofName = errorOf("invalid_format.name", "invalid_format.text");
  const children = (
    <>
      <h1>Sign up</h1>
      <form method="post" action={site.path("/sign-up")}>
        <Alert>{ofIdentifier || ofPassword || ofName ? undefined : sentence}</Alert>
        <Field
          form="sign-up"
          name="identifier"
          label="Email or user name"
          value={typed.identifier}
          autocomplete="username"
          maxlength={254}
          error={ofIdentifier}
        />
        <Field
          form="sign-up"
          name="display_name"
          label="Your name"
          value={typed.displayName}
          autocomplete="name"
          maxlength={400}
          required={false}
          error={ofName}
        />
        <Field
          form="sign-up"
          name="password"
          label="Password"
          type="password"
          autocomplete="new-password"
          hint="15 characters or more. Several words in a row work well."
          error={ofPassword}
        />
        <button type="submit">Sign up</button>
      </form>
      <p>
        Already have an account? <a href={site.path("/sign-in")}>Sign in</a>
      </p>
    </>
  );
  return respond(visit, { title: "Sign up", children, refusal });
}
