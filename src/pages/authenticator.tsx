import { places } from "../domain/page-paths.ts";
import { acceptTypedName } from "../domain/text.ts";
import { signedIn } from "../http/session-cookie.ts";
import { AuthError } from "../index.ts";
import { backTo } from "./account-acts.tsx";
import { confirmPage, recoveryCodesPage } from "./enrollment.tsx";
import { FormKey, formKeyOf, sentTwice } from "./form-key.tsx";
import { respondWithForm } from "./layout.tsx";
import { Field, Hidden } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { type PageRoute, type UserVisit, userForm, userPage } from "./route.ts";

const path = "/account/authenticator";
const codesPath = "/account/recovery-codes";

/** The authenticator app, and recovery codes. */
export const authenticatorRoutes: readonly PageRoute[] = [
  userPage(path, (visit) => appPage(visit)),

  userForm(
    path,
    path,
    async (visit, form) => {
      const { auth, actor } = visit;
      const label = form.text("label");
      const enroll = async () =>
        await auth.factors.enrollTotp({
          actor,
          label: acceptTypedName(label),
          idempotencyKey: await formKeyOf(visit, path, form),
        });
      const { value, refusal } = await attempt(enroll());
      if (refusal?.code === "conflict.idempotency_key_used") return await shownBefore(visit, refusal);
      if (refusal) return await appPage(visit, { label, refusal });
      return await confirmPage(visit, { ...confirming(visit), factorId: value.factor.id, enrollment: value });
    },
    { fields: ["label", "form_key"], does: ({ site }) => site.say("proof.then.qr-code") },
  ),

  userForm(
    `${path}/confirm`,
    path,
    async (visit, form) => {
      const { c, auth, actor } = visit;
      const factorId = form.id<"mfa">("factor_id");
      const { value, refusal } = await attempt(
        auth.factors.confirmTotp({ actor, factorId, code: form.text("code"), transport: "cookie" }),
      );
      if (refusal) return await confirmPage(visit, { ...confirming(visit), factorId, refusal });
      signedIn(c, auth, "cookie", value);
      return backTo(visit, "security", "authenticator");
    },
    {
      fields: ["factor_id"],
      does: ({ site }) => site.say("proof.then.confirm-app"),
      goOn: (visit, form) => confirmPage(visit, { ...confirming(visit), factorId: form.id<"mfa">("factor_id") }),
    },
  ),

  userPage(`${path}/remove`, async (visit) => removePage(visit, (await appOf(visit)).id, visit.c.req.query("next"))),

  userForm(
    `${path}/remove`,
    places.security,
    async (visit, form) => {
      const { auth, actor } = visit;
      const factorId = form.id<"mfa">("factor_id");
      const remove = async () => {
        if ((await appOf(visit)).id !== factorId) throw new AuthError("not_found");
        await auth.factors.revoke({ actor, factorId, onlyOwn: true });
      };
      const { refusal } = await attempt(remove());
      const next = form.text("next");
      return refusal
        ? await removePage(visit, factorId, next, refusal)
        : backTo(visit, "security", "no-authenticator", next);
    },
    { fields: ["factor_id", "next"], does: ({ site }) => site.say("proof.then.remove-app") },
  ),

  userPage(codesPath, (visit) => codesPage(visit)),

  userForm(
    codesPath,
    codesPath,
    async (visit, form) => {
      const { auth, actor } = visit;
      const replace = async () =>
        await auth.factors.replaceRecoveryCodes({ actor, idempotencyKey: await formKeyOf(visit, codesPath, form) });
      const { value, refusal } = await attempt(replace());
      if (refusal) return await codesPage(visit, refusal);
      return await recoveryCodesPage(visit, { codes: value.codes, next: visit.site.path(places.security) });
    },
    { fields: ["form_key"], does: ({ site }) => site.say("proof.then.recovery-codes") },
  ),
];

function confirming({ site }: UserVisit) {
  return { action: `${path}/confirm`, next: site.path(places.security), signedIn: true };
}

/**
 * The user's authenticator app.
 *
 * @throws {AuthError} `not_found`.
 */
async function appOf({ auth, actor, user }: UserVisit) {
  const { data } = await auth.factors.list({ actor, userId: user.id });
  const app = data.find(({ type, status }) => type === "totp" && status === "active");
  if (!app) throw new AuthError("not_found");
  return app;
}

/** After a reload of the page with the QR code: asks for the code of the app that still awaits it. */
async function shownBefore(visit: UserVisit, refusal: AuthError): Promise<Response> {
  const { auth, actor, user } = visit;
  const { data } = await auth.factors.list({ actor, userId: user.id });
  const waiting = data.find(({ type, status }) => type === "totp" && status === "pending");
  if (!waiting) return await appPage(visit, { refusal });
  return await confirmPage(visit, { ...confirming(visit), factorId: waiting.id, refusal });
}

async function appPage(visit: UserVisit, typed: { label?: string; refusal?: AuthError } = {}): Promise<Response> {
  const { site, auth, actor, user } = visit;
  const { label = user.identifier?.slice(0, 120) ?? site.text("app.name"), refusal } = typed;
  const { data } = await auth.factors.list({ actor, userId: user.id });
  const hasApp = data.some(({ type, status }) => type === "totp" && status === "active");
  const isOfLabel = refusal?.code === "invalid_format.name";
  return await respondWithForm(visit, "security", {
    title: site.text(hasApp ? "app.switch.title" : "app.add.title"),
    intro: <p>{site.say(hasApp ? "app.switch.text" : "app.none")}</p>,
    action: path,
    fields: (
      <>
        <FormKey visit={visit} act={path} />
        <Field
          site={site}
          form="authenticator"
          name="label"
          label={site.say("enroll.label")}
          value={label}
          maxlength={120}
          autocomplete="off"
          error={isOfLabel ? sentenceFor(site, refusal) : undefined}
        />
      </>
    ),
    button: site.text("enroll.button"),
    refusal,
    isShown: isOfLabel,
  });
}

/** @param next The page that led here, as the request names it. */
function removePage(
  visit: UserVisit,
  factorId: string,
  next: string | undefined,
  refusal?: AuthError,
): Response | Promise<Response> {
  const { site } = visit;
  return respondWithForm(visit, "security", {
    title: site.text("app.remove.title"),
    next,
    intro: <p>{site.say("app.remove.text")}</p>,
    action: `${path}/remove`,
    fields: <Hidden name="factor_id" value={factorId} />,
    button: site.text("app.remove.button"),
    isDanger: true,
    refusal,
  });
}

function codesPage(visit: UserVisit, refusal?: AuthError): Response | Promise<Response> {
  const { site } = visit;
  return respondWithForm(visit, "security", {
    title: site.text("recovery.title"),
    intro: <p>{site.say("recovery.text")}</p>,
    action: codesPath,
    fields: <FormKey visit={visit} act={codesPath} />,
    button: site.text("recovery.button"),
    refusal,
    words: sentTwice("recovery.twice"),
  });
}
