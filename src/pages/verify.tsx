import { deliverSoon } from "../http/mail-delivery.ts";
import { AuthError } from "../index.ts";
import { respond } from "./layout.tsx";
import { forgetLink, linkPage, mailOf, openedLink } from "./mailed-link.tsx";
import { pathWith } from "./next-path.ts";
import { Alert, Field, Hidden } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { openForm, type PageRoute, type UserVisit, type Visit } from "./route.ts";
import { signedInVisit } from "./sign-in.tsx";

/** The proof of an address, with the link that was mailed to it. */
export const verifyRoutes: readonly PageRoute[] = [
  linkPage("/verify", (visit) => verifyPage(visit)),

  openForm("/verify", "/verify", async (visit, form) => {
    const { c, site, context } = visit;
    const { identifiers } = mailOf(visit);
    const token = openedLink(visit) ?? "";
    const [password, newPassword] = [form.text("password"), form.text("new_password")];
    const user = form.text("with") === "session" ? await signedInVisit(visit) : undefined;
    const proof = user
      ? ({ type: "session", actor: user.actor } as const)
      : newPassword
        ? ({ type: "new_password", password: newPassword } as const)
        : ({ type: "password", password } as const);
    const { value, refusal } = await attempt(identifiers.verify({ token, proof, context })).catch((error: unknown) => {
      if (!isStale(error)) throw error;
      return { value: undefined, refusal: user ? undefined : error };
    });
    if (refusal) return await verifyPage(visit, refusal, user ? "session" : newPassword ? "new_password" : "password");
    // The session's proof is too old: after a new one, the user comes back to the button.
    if (!value) return c.redirect(pathWith(site.path("/account/step-up"), { next: site.path("/verify") }), 303);
    forgetLink(visit);
    return await verifiedPage(visit, value.identifier, user);
  }),
];

function isStale(error: unknown): error is AuthError {
  return error instanceof AuthError && error.code === "unauthorized.reauthentication_required";
}

/** Sends the user a link to their address. */
export async function sendLink(visit: UserVisit): Promise<void> {
  const { c, actor } = visit;
  const auth = mailOf(visit);
  await auth.identifiers.requestVerification({ actor });
  deliverSoon(c, auth);
}

async function verifyPage(
  visit: Visit,
  refusal?: AuthError,
  failed?: "session" | "password" | "new_password",
): Promise<Response> {
  const { site } = visit;
  const user = await signedInVisit(visit);
  const isSpent = refusal?.code === "unauthorized.invalid_link" || openedLink(visit) === undefined;
  const words = {
    "unauthorized.invalid_credential":
      failed === "session"
        ? "You are signed in another way. Enter the password of this address."
        : "The password is wrong.",
    "unauthorized.reauthentication_required": "Sign in to this account first. Then open the link again.",
  } as const;
  const sentence = refusal && sentenceFor(refusal, words);
  const errorOf = (field: typeof failed) => (failed === field ? sentence : undefined);
  const action = site.path("/verify");
  const children = isSpent ? (
    <>
      <h1>This link does not work</h1>
      <p role="alert">It was used already, it is too old, or a newer link was sent.</p>
      <p>
        <a href={site.path(user ? "/account" : "/sign-in")}>{user ? "Your account" : "Sign in"}</a>
        {user ? ", where you can ask for a new one." : " to ask for a new one."}
      </p>
    </>
  ) : user && refusal?.code !== "unauthorized.invalid_credential" ? (
    <>
      <h1>Confirm your address</h1>
      <p>
        You are signed in as <bdi>{user.user.identifier ?? user.user.displayName ?? user.user.id}</bdi>.
      </p>
      <form method="post" action={action}>
        <Alert>{sentence}</Alert>
        <Hidden name="with" value="session" />
        <button type="submit">Confirm this address</button>
      </form>
      <p class="hint">
        Everything that was set up on other devices ends: sessions, passkeys, authenticator apps and tokens.
      </p>
    </>
  ) : (
    <>
      <h1>Confirm your address</h1>
      <p>You opened the link that we sent. Show that the account is yours, or take it over.</p>
      <form method="post" action={action}>
        <Alert>{failed === "session" ? sentence : undefined}</Alert>
        <Field
          form="verify"
          name="password"
          label="Password of the account"
          type="password"
          autocomplete="current-password"
          error={errorOf("password")}
        />
        <button type="submit">Confirm this address</button>
      </form>
      <h2>You do not know the password, or the account is not yours?</h2>
      <p>Choose a new password. Whoever made the account is signed out, and everything that they set up ends.</p>
      <form method="post" action={action}>
        <Field
          form="take-over"
          name="new_password"
          label="New password"
          type="password"
          autocomplete="new-password"
          hint="15 characters or more. Several words in a row work well."
          error={errorOf("new_password")}
        />
        <button type="submit" class="quiet">
          Confirm this address with a new password
        </button>
      </form>
    </>
  );
  return await respond(visit, { title: "Confirm your address", children, signedIn: user !== undefined, refusal });
}

async function verifiedPage(visit: Visit, identifier: string, user: UserVisit | undefined): Promise<Response> {
  const { site } = visit;
  const children = (
    <>
      <h1>Your address is confirmed</h1>
      <p>
        <bdi>{identifier}</bdi> is yours. {user ? "You stay signed in on this device." : "Sign in to continue."}
      </p>
      <p>
        <a class="button" href={user ? site.returnPaths.signIn : site.path("/sign-in")}>
          {user ? "Continue" : "Sign in"}
        </a>
      </p>
    </>
  );
  return await respond(visit, { title: "Your address is confirmed", children, signedIn: user !== undefined });
}
