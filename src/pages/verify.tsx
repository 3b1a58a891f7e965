import { knownDeviceCookie, readCookie } from "../http/cookies.ts";
import { deliverSoon } from "../http/mail-delivery.ts";
import { AuthError } from "../index.ts";
import { respond } from "./layout.tsx";
import { LinkMark } from "./link-mark.tsx";
import { AccountOf, forgetLink, linkAddress, linkForm, linkPage, mailOf } from "./mailed-link.tsx";
import { pathWith } from "./next-path.ts";
import { Alert, Field, Hidden } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import type { PageRoute, UserVisit, Visit } from "./route.ts";
import { signedInVisit } from "./sign-in.tsx";

/** The proof of an address, with the link that was mailed to it. */
export const verifyRoutes: readonly PageRoute[] = [
  linkPage("/verify", (visit) => verifyPage(visit)),

  linkForm("/verify", "/verify", async (visit, form, token) => {
    const { c, site, context } = visit;
    const { identifiers } = mailOf(visit);
    const [password, newPassword] = [form.text("password"), form.text("new_password")];
    const user = form.text("with") === "session" ? await signedInVisit(visit) : undefined;
    const proof = user
      ? ({ type: "session", actor: user.actor } as const)
      : newPassword
        ? ({ type: "new_password", password: newPassword } as const)
        : ({ type: "password", password, knownDevice: readCookie(c, visit.auth, knownDeviceCookie) } as const);
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
  const { c, site, actor } = visit;
  const auth = mailOf(visit);
  await auth.identifiers.requestVerification({ actor, acceptLanguage: site.language.tag });
  deliverSoon(c, auth);
}

async function verifyPage(
  visit: Visit,
  refusal?: AuthError,
  failed?: "session" | "password" | "new_password",
): Promise<Response> {
  const { site } = visit;
  const [user, address] = await Promise.all([signedInVisit(visit), linkAddress(visit, "verify_identifier")]);
  const words = {
    "unauthorized.invalid_credential": failed === "session" ? "verify.other-way" : "verify.wrong",
    "unauthorized.reauthentication_required": "verify.sign-in-first",
  } as const;
  const sentence = refusal && sentenceFor(site, refusal, words);
  const errorOf = (field: typeof failed) => (failed === field ? sentence : undefined);
  const action = site.path("/verify");
  const isSpent = address === undefined || refusal?.code === "unauthorized.invalid_link";
  const children = isSpent ? (
    <>
      <p role="alert">{site.say("link.dead.text")}</p>
      <p>
        {user
          ? site.say("verify.dead.signed-in", {
              link: <a href={site.path("/account")}>{site.say("verify.dead.account")}</a>,
            })
          : site.say("verify.dead.signed-out", {
              link: <a href={site.path("/sign-in")}>{site.say("word.sign-in")}</a>,
            })}
      </p>
    </>
  ) : user && refusal?.code !== "unauthorized.invalid_credential" ? (
    <>
      <p>
        {site.say("verify.as", { user: <bdi>{user.user.identifier ?? user.user.displayName ?? user.user.id}</bdi> })}
      </p>
      <p>{site.say("verify.address", { address: <bdi>{address}</bdi> })}</p>
      <form method="post" action={action}>
        <Alert>{sentence}</Alert>
        <LinkMark visit={visit} />
        <Hidden name="with" value="session" />
        <button type="submit">{site.say("verify.button")}</button>
      </form>
      <p class="hint">{site.say("verify.ends")}</p>
    </>
  ) : (
    <>
      <p>{site.say("verify.text")}</p>
      <form method="post" action={action}>
        <Alert>{failed === "session" ? sentence : undefined}</Alert>
        <LinkMark visit={visit} />
        <AccountOf site={site} identifier={address} />
        <Field
          site={site}
          form="verify"
          name="password"
          label={site.say("verify.password")}
          type="password"
          autocomplete="current-password"
          error={errorOf("password")}
        />
        <button type="submit">{site.say("verify.button")}</button>
      </form>
      <h2>{site.say("verify.take-over")}</h2>
      <p>{site.say("verify.take-over.text")}</p>
      <form method="post" action={action}>
        <LinkMark visit={visit} />
        <input type="text" autocomplete="username" value={address} readonly hidden />
        <Field
          site={site}
          form="take-over"
          name="new_password"
          label={site.say("field.new-password")}
          type="password"
          autocomplete="new-password"
          hint={site.text("field.password.hint")}
          error={errorOf("new_password")}
        />
        <button type="submit" class="quiet">
          {site.say("verify.take-over.button")}
        </button>
      </form>
    </>
  );
  const title = site.text(isSpent ? "link.dead" : "verify.title");
  return await respond(visit, { title, children, signedIn: user !== undefined, refusal });
}

async function verifiedPage(visit: Visit, identifier: string, user: UserVisit | undefined): Promise<Response> {
  const { site } = visit;
  const children = (
    <>
      <p>{site.say(user ? "verify.done.signed-in" : "verify.done.signed-out", { address: <bdi>{identifier}</bdi> })}</p>
      <p>
        <a class="button" href={user ? site.returnPaths.signIn : site.path("/sign-in")}>
          {site.say(user ? "word.continue" : "word.sign-in")}
        </a>
      </p>
    </>
  );
  return await respond(visit, { title: site.text("verify.done"), children, signedIn: user !== undefined });
}
