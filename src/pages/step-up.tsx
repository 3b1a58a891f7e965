import { signedIn } from "../http/session-cookie.ts";
import type { AuthError } from "../index.ts";
import { respond } from "./layout.tsx";
import { nextPath } from "./next-path.ts";
import { Field, Hidden, PasskeyPart } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { type PageRoute, type UserVisit, userForm, userPage, userScript } from "./route.ts";
import { CodeForms, type FactorKind, wrongPasskey } from "./second-factor.tsx";

/** Proving a factor again, for acts that need a fresh session. */
export const stepUpRoutes: readonly PageRoute[] = [
  userPage("/account/step-up", (visit) => stepUpPage(visit, nextAfterStepUp(visit, visit.c.req.query("next")))),

  userForm("/account/step-up", "/account/step-up", async (visit, form) => {
    const { c, auth, actor } = visit;
    const next = nextAfterStepUp(visit, form.text("next"));
    const type = typeOf(form.text("type"));
    const proof = type === "password" ? { type, password: form.text("password") } : { type, code: form.text("code") };
    const { value, refusal } = await attempt(auth.stepUp({ actor, transport: "cookie", proof }));
    if (refusal) return await stepUpPage(visit, next, { type, refusal });
    signedIn(c, "cookie", value);
    return c.redirect(next, 303);
  }),

  userScript("/account/step-up/passkey/options", "/account/step-up", async ({ c, auth, actor }) =>
    c.json(await auth.passkeys.proofOptions({ actor })),
  ),

  userScript("/account/step-up/passkey", "/account/step-up", async (visit, { response, next }) => {
    const { c, auth, actor } = visit;
    const { value, refusal } = await attempt(
      auth.webauthn.stepUp({ actor, transport: "cookie", proof: { type: "webauthn", response } }),
    );
    if (refusal) return c.json({ message: sentenceFor(refusal, wrongPasskey) }, refusal.status);
    signedIn(c, "cookie", value);
    return c.json({ location: nextAfterStepUp(visit, typeof next === "string" ? next : undefined) });
  }),
];

/** The path after the proof: the part of the account page that the user came from. */
function nextAfterStepUp({ site }: UserVisit, asked: string | undefined): string {
  return nextPath(asked, site, site.path("/account"));
}

type ProofType = "password" | "totp" | "recovery";

function typeOf(text: string): ProofType {
  return text === "totp" || text === "recovery" ? text : "password";
}

async function stepUpPage(
  visit: UserVisit,
  next: string,
  failed?: { type: ProofType; refusal: AuthError },
): Promise<Response> {
  const { site, auth, actor, user } = visit;
  const [factors, passkeys] = await Promise.all([
    auth.factors.list({ actor, userId: user.id }),
    auth.passkeys.list({ actor, userId: user.id }),
  ]);
  const active = factors.data.filter(({ status }) => status === "active").map(({ type }) => type);
  const hasPasskey = passkeys.data.some(({ status }) => status === "active");
  const having = [...new Set<FactorKind>([...active, ...(hasPasskey ? (["webauthn"] as const) : [])])];
  const words = { "unauthorized.invalid_credential": "The password is wrong." } as const;
  const failedCode = failed && failed.type !== "password" ? { type: failed.type, refusal: failed.refusal } : undefined;
  const children = (
    <>
      <h1>Confirm that it's you</h1>
      <p>This change affects who can access your account. Confirm that it's you to continue.</p>
      {having.length === 0 && (
        // A user with a factor or passkey must prove it: a password alone would not make the session fresh.
        <form method="post" action={site.path("/account/step-up")}>
          <Hidden name="type" value="password" />
          <Hidden name="next" value={next} />
          <Field
            form="step-up"
            name="password"
            label="Password"
            type="password"
            autocomplete="current-password"
            error={failed?.type === "password" ? sentenceFor(failed.refusal, words) : undefined}
          />
          <button type="submit">Continue</button>
        </form>
      )}
      <CodeForms action={site.path("/account/step-up")} having={having} next={next} failed={failedCode} />
      {having.includes("webauthn") && (
        <PasskeyPart
          ceremony="get"
          optionsPath={site.path("/account/step-up/passkey/options")}
          finishPath={site.path("/account/step-up/passkey")}
          next={next}
          button="Use a passkey or security key"
          quiet
        />
      )}
      <p>
        <a href={next}>Go back</a>
      </p>
    </>
  );
  return await respond(visit, {
    title: "Confirm that it's you",
    children,
    script: true,
    signedIn: true,
    refusal: failed?.refusal,
  });
}
