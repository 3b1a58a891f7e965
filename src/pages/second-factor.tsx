import type { Child } from "hono/jsx";
import { clearCookie, knownDeviceCookie, readCookie, sessionCookie, ticketCookie } from "../http/cookies.ts";
import { signedIn } from "../http/session-cookie.ts";
import type { AuthError } from "../index.ts";
import { respond } from "./layout.tsx";
import { nextPath, signInPath } from "./next-path.ts";
import { Alert, CodeField, Hidden, PasskeyPart } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import { openForm, openPage, openScript, type PageRoute, type Visit } from "./route.ts";
import { signInAgain } from "./sign-in.tsx";
import type { Site } from "./site.ts";
import { signInBecause } from "./why.ts";

const kinds = ["totp", "webauthn", "recovery"] as const;
export type FactorKind = (typeof kinds)[number];

/** The second half of a sign-in. The ticket from the first half is in its cookie. */
export const secondFactorRoutes: readonly PageRoute[] = [
  openPage("/sign-in/second-factor", (visit) => {
    const { c, auth } = visit;
    const next = nextPath(c.req.query("next"), visit);
    if (!readCookie(c, auth, ticketCookie)) return c.redirect(signInBecause(visit, "ticket", next), 303);
    return factorPage(visit, { having: kindsOf(c.req.query("with")), next });
  }),

  openForm("/sign-in/second-factor", "/sign-in", async (visit, form) => {
    const { c, auth } = visit;
    const next = nextPath(form.text("next"), visit);
    const type = form.text("type") === "recovery" ? "recovery" : "totp";
    const { value, refusal } = await attempt(
      auth.signIn.factor({
        ...presented(visit),
        knownDevice: readCookie(c, auth, knownDeviceCookie),
        proof: { type, code: form.text("code") },
      }),
    );
    if (refusal?.code === "unauthorized.invalid_ticket") return await signInAgain(visit, next);
    if (refusal)
      return await factorPage(visit, { having: kindsOf(form.text("with")), next, failed: { type, refusal } });
    clearCookie(c, auth, ticketCookie);
    signedIn(c, auth, "cookie", value);
    return c.redirect(next, 303);
  }),

  openScript("/sign-in/second-factor/passkey/options", "/sign-in", async (visit) => {
    const { c, site, auth } = visit;
    const { value, refusal } = await attempt(auth.passkeys.proofOptions(presented(visit)));
    return refusal ? c.json({ message: sentenceFor(site, refusal) }, refusal.status) : c.json(value);
  }),

  openScript("/sign-in/second-factor/passkey", "/sign-in", async (visit, { response, next }) => {
    const { c, site, auth } = visit;
    const { value, refusal } = await attempt(
      auth.webauthn.signInWithFactor({ ...presented(visit), proof: { type: "webauthn", response } }),
    );
    if (refusal) return c.json({ message: sentenceFor(site, refusal, wrongPasskey) }, refusal.status);
    clearCookie(c, auth, ticketCookie);
    signedIn(c, auth, "cookie", value);
    return c.json({ location: nextPath(typeof next === "string" ? next : undefined, visit) });
  }),
];

export const wrongPasskey = {
  "unauthorized.invalid_factor": "proof.wrong-passkey",
} as const;

/** The ticket of the sign-in, and the session that the browser had before. */
export function presented({ c, auth, context }: Visit): {
  ticket: string;
  transport: "cookie";
  context: Visit["context"];
  presentedToken: string | undefined;
} {
  const ticket = readCookie(c, auth, ticketCookie) ?? "";
  return { ticket, transport: "cookie", context, presentedToken: readCookie(c, auth, sessionCookie) };
}

/** The kinds in a list, or all kinds if the list names none, such as when a user typed the address without a list. */
function kindsOf(list: string | undefined): readonly FactorKind[] {
  const named = kinds.filter((kind) => list?.split(" ").includes(kind));
  return named.length > 0 ? named : kinds;
}

function factorPage(
  visit: Visit,
  page: { having: readonly FactorKind[]; next: string; failed?: FailedCode },
): Response | Promise<Response> {
  const { having, next, failed } = page;
  const { site } = visit;
  const children = (
    <>
      <p>{site.say("proof.password-was-right")}</p>
      <CodeForms site={site} action={site.path("/sign-in/second-factor")} having={having} next={next} failed={failed} />
      {having.includes("webauthn") && (
        <PasskeyPart
          site={site}
          ceremony="get"
          optionsPath={site.path("/sign-in/second-factor/passkey/options")}
          finishPath={site.path("/sign-in/second-factor/passkey")}
          next={next}
          button={site.text("proof.passkey")}
          quiet={having.includes("totp")}
        />
      )}
      <p>
        <a href={signInPath(site, next)}>{site.say("proof.start-again")}</a>
      </p>
    </>
  );
  return respond(visit, { title: site.text("proof.title"), children, script: true, refusal: failed?.refusal });
}

/** A code that was refused. */
export interface FailedCode {
  readonly type: "totp" | "recovery";
  readonly refusal: AuthError;
}

/** The forms for a code from an app and for a recovery code, if the user has these factors. */
export function CodeForms(forms: {
  site: Site;
  action: string;
  having: readonly FactorKind[];
  next: string;
  failed?: FailedCode | undefined;
  /** More hidden fields: what the proof is for. */
  carried?: Child;
}): Rendered {
  const { site, action, having, next, failed, carried } = forms;
  const errorOf = (type: FailedCode["type"]) => (failed?.type === type ? sentenceFor(site, failed.refusal) : undefined);
  const recovery = having.includes("recovery") && (
    <form method="post" action={action}>
      <Hidden name="type" value="recovery" />
      <Hidden name="with" value={having.join(" ")} />
      <Hidden name="next" value={next} />
      {carried}
      <CodeField
        site={site}
        form="recovery"
        label={site.text("field.recovery-code")}
        isRecovery
        error={errorOf("recovery")}
      />
      <button type="submit" class="quiet">
        {site.say("proof.recovery")}
      </button>
    </form>
  );
  return (
    <>
      {having.includes("totp") && (
        <form method="post" action={action}>
          <Hidden name="type" value="totp" />
          <Hidden name="with" value={having.join(" ")} />
          <Hidden name="next" value={next} />
          {carried}
          <CodeField site={site} form="totp" label={site.text("field.code")} error={errorOf("totp")} />
          <button type="submit">{site.say("word.continue")}</button>
        </form>
      )}
      {!having.includes("totp") && failed?.type === "totp" && <Alert>{errorOf("totp")}</Alert>}
      {recovery && (
        <details {...(failed?.type === "recovery" && { open: true })}>
          <summary>{site.say("proof.recovery.instead")}</summary>
          {recovery}
        </details>
      )}
    </>
  );
}
