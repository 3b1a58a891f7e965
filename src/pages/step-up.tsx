import { askedActCookie, clearCookie, readCookie } from "../http/cookies.ts";
import type { LinkedIdentity } from "../http/federation.ts";
import { signedIn } from "../http/session-cookie.ts";
import type { AuthError } from "../index.ts";
import { type AskedAct, goOn, keepAct, keptAct, openAct, sealAct } from "./asked-act.ts";
import { respond } from "./layout.tsx";
import { nextPath, pathWith } from "./next-path.ts";
import { Field, Hidden, PasskeyPart } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { type PageRoute, type UserVisit, userForm, userPage, userScript } from "./route.ts";
import { activePasswords } from "./safety.tsx";
import { CodeForms, type FactorKind, wrongPasskey } from "./second-factor.tsx";

/** Proving a factor again, for acts that need a fresh session. */
export const stepUpRoutes: readonly PageRoute[] = [
  userPage("/account/step-up", (visit) => stepUpPage(visit, nextAfterStepUp(visit, visit.c.req.query("next")))),

  userForm("/account/step-up", "/account/step-up", async (visit, form) => {
    const { c, auth, actor } = visit;
    const act = await openAct(visit, form.text("act"));
    const next = nextAfterStepUp(visit, form.text("next") || c.req.query("next"));
    // The script sends the act alone.
    if (act && form.text("type") === "") return await stepUpPage(visit, next, { act });
    const type = typeOf(form.text("type"));
    const proof = type === "password" ? { type, password: form.text("password") } : { type, code: form.text("code") };
    const { value, refusal } = await attempt(auth.stepUp({ actor, transport: "cookie", proof }));
    if (refusal) return await stepUpPage(visit, next, { act, failed: { type, refusal } });
    signedIn(c, auth, "cookie", value);
    return act ? await goOn(await proved(visit, value.token), act) : c.redirect(next, 303);
  }),

  userScript("/account/step-up/passkey/options", "/account/step-up", async ({ c, auth, actor }) =>
    c.json(await auth.passkeys.proofOptions({ actor })),
  ),

  userScript("/account/step-up/passkey", "/account/step-up", async (visit, sent) => {
    const { c, site, auth, actor } = visit;
    const { response, next } = sent;
    const act = await openAct(visit, sent.act);
    const { value, refusal } = await attempt(
      auth.webauthn.stepUp({ actor, transport: "cookie", proof: { type: "webauthn", response } }),
    );
    if (refusal) return c.json({ message: sentenceFor(site, refusal, wrongPasskey) }, refusal.status);
    signedIn(c, auth, "cookie", value);
    if (act) {
      return c.json({
        location: site.path("/account/step-up/continue"),
        act: await sealAct(await proved(visit, value.token), { ...act, sealed: undefined }),
      });
    }
    return c.json({ location: nextAfterStepUp(visit, typeof next === "string" ? next : undefined) });
  }),

  // A proof at a provider leads here. A page that is only read does nothing, so the user sends the act once more.
  userPage("/account/step-up/continue", async (visit) => {
    const { c, site } = visit;
    const act = await keptAct(visit);
    if (!act) return c.redirect(site.path("/account"), 303);
    const children = (
      <>
        <p>{site.say("proof.done")}</p>
        <p>{act.afterProof.does(visit, act.form)}</p>
        <form method="post" action={site.path("/account/step-up/continue")}>
          <Hidden name="act" value={await sealAct(visit, act)} />
          <button type="submit">{site.say("word.continue")}</button>
        </form>
        <p>
          <a href={site.path(act.belongsTo)}>{site.say("word.back")}</a>
        </p>
      </>
    );
    return await respond(visit, { title: site.text("proof.title"), children, signedIn: true });
  }),

  // The script of a passkey cannot show a page, so it sends the act once more.
  userForm("/account/step-up/continue", "/account", async (visit, form) => {
    const { c, auth, site } = visit;
    const act = await openAct(visit, form.text("act"));
    if (readCookie(c, auth, askedActCookie) !== undefined) clearCookie(c, auth, askedActCookie);
    return act ? await goOn(visit, act) : c.redirect(site.path("/account"), 303);
  }),
];

/** The visit in the session that a proof has made. */
async function proved(visit: UserVisit, token: string): Promise<UserVisit> {
  const { auth, context } = visit;
  return { ...visit, ...(await auth.sessions.verify({ token, transport: "cookie", context })) };
}

/** Asks for the proof that an act needs, and keeps the act in the form. */
export async function askForProof(visit: UserVisit, { takes }: PageRoute, act: AskedAct): Promise<Response> {
  const { c, site } = visit;
  const next = site.path(act.belongsTo);
  if (takes !== "json") return await stepUpPage(visit, next, { act });
  const location = pathWith(site.path("/account/step-up"), { next });
  return c.json({ message: site.text("proof.title"), location, act: await sealAct(visit, act) }, 401);
}

/** The path after the proof: the part of the account page that the user came from. */
function nextAfterStepUp(visit: UserVisit, asked: string | undefined): string {
  return nextPath(asked, visit, visit.site.path("/account"));
}

type ProofType = "password" | "totp" | "recovery";

function typeOf(text: string): ProofType {
  return text === "totp" || text === "recovery" ? text : "password";
}

async function stepUpPage(
  visit: UserVisit,
  next: string,
  page: { act?: AskedAct | undefined; failed?: { type: ProofType; refusal: AuthError } } = {},
): Promise<Response> {
  const { site, auth, actor, user } = visit;
  const { act: asked, failed } = page;
  const act = asked && (await sealAct(visit, asked));
  const mine = { actor, userId: user.id };
  const [factors, passkeys, credentials] = await Promise.all([
    auth.factors.list(mine),
    auth.passkeys.list(mine),
    auth.credentials.list(mine),
  ]);
  const passwords = activePasswords(credentials);
  const active = factors.data.filter(({ status }) => status === "active").map(({ type }) => type);
  const hasPasskey = passkeys.data.some(({ status }) => status === "active");
  const having = [...new Set<FactorKind>([...active, ...(hasPasskey ? (["webauthn"] as const) : [])])];
  const providers = having.length === 0 ? await providersOf(visit, passwords.length > 0) : [];
  if (asked && providers.length > 0) await keepAct(visit, asked);
  const words = { "unauthorized.invalid_credential": "proof.wrong-password" } as const;
  const failedCode = failed && failed.type !== "password" ? { type: failed.type, refusal: failed.refusal } : undefined;
  const children = (
    <>
      <p>{site.say("proof.why")}</p>
      {asked && <p>{asked.afterProof.does(visit, asked.form)}</p>}
      {providers.map(({ label, stepUpPath }) => (
        <p>
          <a
            class="button quiet"
            href={pathWith(stepUpPath, { next: asked ? site.path("/account/step-up/continue") : next })}
          >
            {site.text("providers.again", { provider: label })}
          </a>
        </p>
      ))}
      {having.length === 0 && passwords.length > 0 && (
        // A user with a factor or passkey must prove it: a password alone would not make the session fresh.
        <form method="post" action={site.path("/account/step-up")}>
          <Hidden name="type" value="password" />
          <Hidden name="next" value={next} />
          {act && <Hidden name="act" value={act} />}
          <Field
            site={site}
            form="step-up"
            name="password"
            label={site.say("field.password")}
            type="password"
            autocomplete="current-password"
            error={failed?.type === "password" ? sentenceFor(site, failed.refusal, words) : undefined}
          />
          <button type="submit">{site.say("word.continue")}</button>
        </form>
      )}
      <CodeForms
        site={site}
        action={site.path("/account/step-up")}
        having={having}
        next={next}
        failed={failedCode}
        carried={act && <Hidden name="act" value={act} />}
      />
      {having.includes("webauthn") && (
        <PasskeyPart
          site={site}
          ceremony="get"
          optionsPath={site.path("/account/step-up/passkey/options")}
          finishPath={site.path("/account/step-up/passkey")}
          next={next}
          act={act}
          button={site.text("proof.passkey")}
          quiet={having.includes("totp")}
        />
      )}
      <p>
        <a href={next}>{site.say("word.back")}</a>
      </p>
    </>
  );
  return await respond(visit, {
    title: site.text("proof.title"),
    children,
    script: true,
    signedIn: true,
    refusal: failed?.refusal,
  });
}

/** The user's own providers, for a user without a factor. With a password, only those that ask for a new proof count. */
async function providersOf({ auth, actor, user }: UserVisit, hasPassword: boolean) {
  if (!auth.federation) return [];
  const { data } = await auth.federation.list({ actor, userId: user.id });
  return auth.federation
    .providers()
    .filter(({ name, provesAgain }) => (provesAgain || !hasPassword) && data.some(isActiveAt(name)));
}

function isActiveAt(name: string): (identity: LinkedIdentity) => boolean {
  return ({ provider, status }) => provider === name && status === "active";
}
