import { clearCookie, knownDeviceCookie, readCookie, sessionCookie, ticketCookie } from "../http/cookies.ts";
import { signedIn } from "../http/session-cookie.ts";
import { endKept } from "../http/session-kept.ts";
import { setTicketCookie } from "../http/ticket.ts";
import { AuthError, type SignedIn, type SignedInUser } from "../index.ts";
import { CaptchaPart, widgetFor } from "./captcha.tsx";
import type { Form } from "./form.ts";
import { respond } from "./layout.tsx";
import { leadingTo, nextPath, pathWith } from "./next-path.ts";
import { Alert, Field, Hidden, PasskeyPart, Remember } from "./parts.tsx";
import { ProviderLinks, sentenceOfProvider } from "./providers.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { openForm, openPage, openScript, type PageRoute, type UserVisit, type Visit } from "./route.ts";
import { sentenceOfWhy } from "./why.ts";

/** Signing in with a password or a passkey, and signing out. */
export const signInRoutes: readonly PageRoute[] = [
  openPage("/", ({ c, site, auth }) =>
    c.redirect(site.path(readCookie(c, auth, sessionCookie) ? "/account" : "/sign-in"), 303),
  ),

  openPage("/sign-in", async (visit) => {
    const next = nextPath(visit.c.req.query("next"), visit);
    const notice = sentenceOfWhy(visit);
    // A link can claim that a session has ended.
    if (notice && (await signedInUser(visit))) return visit.c.redirect(next, 303);
    return await signInPage(visit, { next, notice: notice ?? sentenceOfProvider(visit) });
  }),

  openForm(
    "/sign-in",
    "/sign-in",
    async (visit, form) => {
      const { c, auth, context } = visit;
      const identifier = form.text("identifier");
      const next = nextPath(form.text("next"), visit);
      const { value, refusal } = await attempt(
        auth.signIn.password({
          identifier,
          password: form.text("password"),
          remember: form.text("remember") !== "",
          transport: "cookie",
          context,
          knownDevice: readCookie(c, auth, knownDeviceCookie),
          presentedToken: readCookie(c, auth, sessionCookie),
        }),
      );
      return refusal ? await signInPageAgain(visit, form, refusal) : finishSignIn(visit, value, next);
    },
    signInPageAgain,
  ),

  openScript("/sign-in/passkey/options", "/sign-in", async ({ c, auth }) => c.json(await auth.signIn.passkeyOptions())),

  openScript("/sign-in/passkey", "/sign-in", async (visit, { response, next, remember }) => {
    const { c, site, auth, context } = visit;
    const { value, refusal } = await attempt(
      auth.signIn.passkey({
        response,
        remember: remember !== false,
        transport: "cookie",
        context,
        presentedToken: readCookie(c, auth, sessionCookie),
      }),
    );
    if (refusal) return c.json({ message: sentenceFor(site, refusal, unknownPasskey) }, refusal.status);
    signedIn(c, auth, "cookie", value);
    return c.json({ location: nextPath(typeof next === "string" ? next : undefined, visit) });
  }),

  openForm("/sign-out", "/sign-in", async ({ c, site, auth, context }) => {
    const token = readCookie(c, auth, sessionCookie);
    if (token) await auth.sessions.signOut({ token, transport: "cookie", context });
    await endKept(c, auth, context);
    clearCookie(c, auth, sessionCookie);
    return c.redirect(site.returnPaths.signOut, 303);
  }),
];

/** Goes on after a first factor: to `next`, or to the second factor. */
export function finishSignIn({ c, site, auth }: Visit, result: SignedIn, next: string): Response {
  if (!result.mfaRequired) {
    signedIn(c, auth, "cookie", result);
    return c.redirect(next, 303);
  }
  setTicketCookie(c, auth, result.ticket);
  // After the first factor, the kinds of the second are no secret (S20), and they cannot be read from the ticket.
  const there = result.enroll
    ? pathWith(site.path("/sign-in/enroll"), { next })
    : pathWith(site.path("/sign-in/second-factor"), { with: result.factors.join(" "), next });
  return c.redirect(there, 303);
}

/** The user of this browser's session, if it is live. */
async function signedInUser(visit: Visit): Promise<SignedInUser | undefined> {
  return (await signedInVisit(visit))?.user;
}

/** True if strangers may create an account. */
export function mayApply({ signUp }: Visit): boolean {
  return signUp === "open" || signUp === "verify-first";
}

/** The visit in this browser's session, if it is live. */
export async function signedInVisit(visit: Visit): Promise<UserVisit | undefined> {
  const { c, auth, context } = visit;
  const token = readCookie(c, auth, sessionCookie);
  if (!token) return undefined;
  try {
    return { ...visit, ...(await auth.sessions.verify({ token, transport: "cookie", context })) };
  } catch (error) {
    if (error instanceof AuthError && error.status === 401) return undefined;
    throw error;
  }
}

const unknownPasskey = {
  "unauthorized.invalid_credential": "sign-in.unknown-passkey",
} as const;

/**
 * The sign-in page, shown again because the login ticket has ended, and its cookie is removed. A reload after the sign-in was
 * finished has no ticket either, so a user who is signed in reads that.
 */
export async function signInAgain(visit: Visit, next: string): Promise<Response> {
  clearCookie(visit.c, visit.auth, ticketCookie);
  const refusal = new AuthError("unauthorized.invalid_ticket");
  const user = await signedInUser(visit);
  if (!user) return await signInPage(visit, { next, refusal });
  const { site } = visit;
  const children = (
    <>
      <p>{site.say("signed-in.text", { user: <bdi>{user.identifier ?? user.displayName ?? user.id}</bdi> })}</p>
      <p>{site.say("signed-in.codes")}</p>
      <p>
        <a href={next}>{site.say("word.continue")}</a>
      </p>
    </>
  );
  return await respond(visit, { title: site.text("signed-in.title"), children, signedIn: true, refusal });
}

/** The sign-in page with what was typed, but for the password. */
function signInPageAgain(visit: Visit, form: Form, refusal: AuthError): Response | Promise<Response> {
  const next = nextPath(form.text("next"), visit);
  const isRemembered = form.text("remember") !== "";
  return signInPage(visit, { next, identifier: form.text("identifier"), refusal, isRemembered });
}

function signInPage(
  visit: Visit,
  page: { next: string; identifier?: string; refusal?: AuthError; notice?: string | undefined; isRemembered?: boolean },
): Response | Promise<Response> {
  const { site, auth } = visit;
  const { next, identifier, refusal, notice, isRemembered = true } = page;
  const words = { "unauthorized.invalid_credential": "sign-in.wrong" } as const;
  const children = (
    <>
      {notice && <p role="status">{notice}</p>}
      <form method="post" action={site.path("/sign-in")} aria-describedby={refusal ? "sign-in-error" : undefined}>
        <div id="sign-in-error">
          <Alert>{refusal && sentenceFor(site, refusal, words)}</Alert>
        </div>
        <Hidden name="next" value={next} />
        <Field
          site={site}
          form="sign-in"
          name="identifier"
          label={site.say("field.identifier")}
          value={identifier}
          autocomplete="username webauthn"
          maxlength={254}
        />
        <Field
          site={site}
          form="sign-in"
          name="password"
          label={site.say("field.password")}
          type="password"
          autocomplete="current-password"
        />
        <Remember site={site} isChecked={isRemembered} />
        <CaptchaPart site={site} refusal={refusal} />
        <button type="submit">{site.say("word.sign-in")}</button>
        {auth.mail && (
          <p class="aside">
            <a href={leadingTo(site.path("/forgot"), next, site.returnPaths.signIn)}>{site.say("sign-in.forgot")}</a>
          </p>
        )}
      </form>
      <p class="or">{site.say("word.or")}</p>
      <PasskeyPart
        site={site}
        ceremony="get"
        optionsPath={site.path("/sign-in/passkey/options")}
        finishPath={site.path("/sign-in/passkey")}
        next={next}
        button={site.text("sign-in.passkey")}
        autofill
        quiet
      />
      {auth.mailedSignIn?.isOn && (
        <p>
          <a class="button quiet" href={pathWith(site.path("/sign-in/link"), { next })}>
            {site.say("sign-in.by-mail")}
          </a>
        </p>
      )}
      {/* The box of the form above decides which of the two is shown, without a script. */}
      <div class="kept">
        <ProviderLinks visit={visit} query={{ next }} />
      </div>
      <div class="brief">
        <ProviderLinks visit={visit} query={{ next, remember: "false" }} />
      </div>
      {mayApply(visit) && (
        <p class="foot">
          {site.say("sign-in.new-here", {
            link: (
              <a href={leadingTo(site.path("/sign-up"), next, site.returnPaths.signIn)}>{site.say("word.sign-up")}</a>
            ),
          })}
        </p>
      )}
    </>
  );
  return respond(visit, {
    title: site.text("sign-in.title"),
    children,
    script: true,
    refusal,
    widget: widgetFor(site, refusal),
  });
}
