import { acceptTypedName } from "../domain/text.ts";
import { signedIn } from "../http/session-cookie.ts";
import { AuthError } from "../index.ts";
import { accountPage } from "./account-page.tsx";
import { confirmPage, recoveryCodesPage } from "./enrollment.tsx";
import { formKeyOf, sentTwice } from "./form-key.tsx";
import { respond } from "./layout.tsx";
import { pathWith, placeOf, type Section } from "./next-path.ts";
import { attempt, sentenceFor } from "./refusal.ts";
import { type PageRoute, type UserVisit, userForm, userPage, userScript } from "./route.ts";
import { sendLink } from "./verify.tsx";
import { signInBecause } from "./why.ts";

/** The account page and all of its acts. */
export const accountRoutes: readonly PageRoute[] = [
  userPage("/account", (visit) => accountPage(visit)),

  userForm("/account/name", placeOf("name"), async (visit, form) => {
    const { auth, actor, user } = visit;
    const typed = { display_name: form.text("display_name") };
    const update = async () =>
      await auth.users.update({ actor, userId: user.id, displayName: acceptTypedName(typed.display_name) || null });
    return await done(visit, "name", update(), { typed });
  }),

  userForm("/account/password", placeOf("password"), async (visit, form) => {
    const { c, auth, actor } = visit;
    const { value, refusal } = await attempt(
      auth.changePassword({
        actor,
        currentPassword: form.text("current_password"),
        newPassword: form.text("new_password"),
        transport: "cookie",
      }),
    );
    const words = { "unauthorized.invalid_credential": "The current password is wrong." } as const;
    if (refusal) return await accountPage(visit, { section: "password", refusal, words });
    signedIn(c, auth, "cookie", value);
    return toPlace(visit, "password");
  }),

  userScript(
    "/account/passkeys/options",
    placeOf("passkeys"),
    async ({ c, auth, actor }) => c.json(await auth.passkeys.registrationOptions({ actor })),
    {
      fields: ["name"],
      does: () => "After that, add your passkey.",
      goOn: (visit, form) => accountPage(visit, undefined, { passkeyName: form.text("name") }),
    },
  ),

  userScript("/account/passkeys", placeOf("passkeys"), async (visit, { response, name }) => {
    const { c, auth, actor } = visit;
    const register = async () => {
      const called = typeof name === "string" ? acceptTypedName(name) || null : null;
      return await auth.passkeys.register({ actor, response, name: called, transport: "cookie" });
    };
    const { value, refusal } = await attempt(register());
    const words = { "conflict.duplicate_credential": "This passkey is already registered." } as const;
    if (refusal) return c.json({ message: sentenceFor(refusal, words) }, refusal.status);
    signedIn(c, auth, "cookie", value);
    return c.json({ location: visit.site.path(whenDone("passkeys")) });
  }),

  userForm("/account/passkeys/rename", placeOf("passkeys"), async (visit, form) => {
    const { auth, actor } = visit;
    const passkeyId = form.id<"cred">("passkey_id");
    const rename = async () =>
      await auth.passkeys.rename({ actor, passkeyId, name: acceptTypedName(form.text("name")) });
    return await done(visit, "passkeys", rename());
  }),

  userForm(
    "/account/passkeys/remove",
    placeOf("passkeys"),
    async (visit, form) => {
      const { auth, actor, session } = visit;
      const passkeyId = form.id<"cred">("passkey_id");
      const answer = await done(visit, "passkeys", auth.passkeys.revoke({ actor, passkeyId }));
      const isEnded = answer.status === 303 && passkeyId === session.credentialId;
      return isEnded
        ? visit.c.redirect(signInBecause(visit, "passkey", visit.site.path(placeOf("passkeys"))), 303)
        : answer;
    },
    { fields: ["passkey_id"], does: () => "After that, the passkey that you chose is removed." },
  ),

  userForm(
    "/account/authenticator",
    placeOf("authenticator"),
    async (visit, form) => {
      const { auth, actor } = visit;
      const label = form.text("label");
      const enroll = async () =>
        await auth.factors.enrollTotp({
          actor,
          label: acceptTypedName(label),
          idempotencyKey: await formKeyOf(visit, "/account/authenticator", form),
        });
      const { value, refusal } = await attempt(enroll());
      if (refusal?.code === "conflict.idempotency_key_used") return await shownBefore(visit, refusal);
      if (refusal) return await accountPage(visit, { section: "authenticator", refusal, typed: { label } });
      return await confirmPage(visit, { ...confirming(visit), factorId: value.factor.id, enrollment: value });
    },
    {
      fields: ["label", "form_key"],
      does: () => "After that, a QR code for your authenticator app is shown.",
    },
  ),

  userForm(
    "/account/authenticator/confirm",
    placeOf("authenticator"),
    async (visit, form) => {
      const { c, auth, actor } = visit;
      const factorId = form.id<"mfa">("factor_id");
      const { value, refusal } = await attempt(
        auth.factors.confirmTotp({ actor, factorId, code: form.text("code"), transport: "cookie" }),
      );
      if (refusal) return await confirmPage(visit, { ...confirming(visit), factorId, refusal });
      signedIn(c, auth, "cookie", value);
      return toPlace(visit, "authenticator");
    },
    {
      fields: ["factor_id"],
      does: () => "After that, enter the current code from your new authenticator app again.",
      goOn: (visit, form) => confirmPage(visit, { ...confirming(visit), factorId: form.id<"mfa">("factor_id") }),
    },
  ),

  userForm(
    "/account/authenticator/remove",
    placeOf("authenticator"),
    async (visit, form) => {
      const { auth, actor, user } = visit;
      const factorId = form.id<"mfa">("factor_id");
      const remove = async () => {
        const { data } = await auth.factors.list({ actor, userId: user.id });
        if (!data.some(({ id, type }) => id === factorId && type === "totp")) throw new AuthError("not_found");
        await auth.factors.revoke({ actor, factorId, onlyOwn: true });
      };
      return await done(visit, "authenticator", remove(), { word: "no-authenticator" });
    },
    {
      fields: ["factor_id"],
      does: () => "After that, your authenticator app is removed, and you are signed out everywhere else.",
    },
  ),

  userForm(
    "/account/recovery-codes",
    placeOf("recovery-codes"),
    async (visit, form) => {
      const { auth, actor } = visit;
      const replace = async () =>
        await auth.factors.replaceRecoveryCodes({
          actor,
          idempotencyKey: await formKeyOf(visit, "/account/recovery-codes", form),
        });
      const { value, refusal } = await attempt(replace());
      const words = sentTwice(
        "These codes were already created, and they still work. They are shown only once: if you did not save them, create new ones.",
      );
      if (refusal) return await accountPage(visit, { section: "recovery-codes", refusal, words });
      return await recoveryCodesPage(visit, { codes: value.codes, next: visit.site.path(placeOf("recovery-codes")) });
    },
    {
      fields: ["form_key"],
      does: () => "After that, new recovery codes are created. Earlier codes stop working.",
    },
  ),

  userForm(
    "/account/tokens",
    placeOf("tokens"),
    async (visit, form) => {
      const { auth, actor, user } = visit;
      const typed = { name: form.text("name"), scopes: form.text("scopes"), last_day: form.text("last_day") };
      const create = async () =>
        await auth.personalAccessTokens.create({
          actor,
          userId: user.id,
          name: acceptTypedName(typed.name),
          scope: typed.scopes.split(/\s+/).filter((scope) => scope !== ""),
          expiresAt: endOf(typed.last_day),
          idempotencyKey: await formKeyOf(visit, "/account/tokens", form),
        });
      const { value, refusal } = await attempt(create());
      const words = sentTwice(
        "This token was already created, and it is shown only once. If you did not copy it, revoke it and create another.",
      );
      if (refusal) return await accountPage(visit, { section: "tokens", refusal, typed, words });
      return await tokenPage(visit, value.token);
    },
    {
      fields: ["name", "scopes", "last_day", "form_key"],
      does: (form) => (
        <>
          After that, the access token “<bdi>{form.text("name").trim()}</bdi>” is created.
        </>
      ),
    },
  ),

  userForm("/account/verification", placeOf("address"), (visit) => done(visit, "address", sendLink(visit))),

  userForm("/account/tokens/revoke", placeOf("tokens"), async (visit, form) => {
    const { auth, actor } = visit;
    return await done(
      visit,
      "tokens",
      auth.personalAccessTokens.revoke({ actor, tokenId: form.id<"pat">("token_id"), onlyOwn: true }),
    );
  }),

  userForm("/account/sessions/revoke", placeOf("sessions"), async (visit, form) => {
    const { auth, actor } = visit;
    const sessionId = form.id<"ses">("session_id");
    return await done(visit, "sessions", auth.sessions.revoke({ actor, sessionId, onlyOwn: true }));
  }),

  userForm("/account/sessions/revoke-others", placeOf("sessions"), async (visit) => {
    const { auth, actor } = visit;
    return await done(visit, "sessions", auth.sessions.revokeOthers({ actor }), { word: "other-sessions" });
  }),
];

function confirming({ site }: UserVisit) {
  return { action: "/account/authenticator/confirm", next: site.path(placeOf("authenticator")), signedIn: true };
}

/** After a reload of the page with the QR code: asks for the code of the app that still awaits it. */
async function shownBefore(visit: UserVisit, refusal: AuthError): Promise<Response> {
  const { auth, actor, user } = visit;
  const { data } = await auth.factors.list({ actor, userId: user.id });
  const waiting = data.find(({ type, status }) => type === "totp" && status === "pending");
  if (!waiting) return await accountPage(visit, { section: "authenticator", refusal });
  return await confirmPage(visit, { ...confirming(visit), factorId: waiting.id, refusal });
}

/** Waits for an act, then shows its part of the page with the change or the refusal. */
async function done(
  visit: UserVisit,
  section: Section,
  act: Promise<unknown>,
  { typed, word }: { typed?: Record<string, string>; word?: string } = {},
): Promise<Response> {
  const { refusal } = await attempt(act);
  if (refusal) return await accountPage(visit, { section, refusal, ...(typed && { typed }) });
  return toPlace(visit, section, word);
}

function toPlace({ c, site }: UserVisit, section: Section, word?: string): Response {
  return c.redirect(site.path(whenDone(section, word)), 303);
}

function whenDone(section: Section, word: string = section): string {
  return placeOf(section).replace("/account", pathWith("/account", { done: word }));
}

/**
 * The end of a day in UTC, or null for an empty text.
 *
 * @throws {AuthError} `pat.expires_in_past` if the text is not a day.
 */
function endOf(day: string): Date | null {
  if (day === "") return null;
  const end = new Date(`${day}T23:59:59.999Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day) || !end.toJSON()?.startsWith(day)) throw new AuthError("pat.expires_in_past");
  return end;
}

async function tokenPage(visit: UserVisit, token: string): Promise<Response> {
  const children = (
    <>
      <h1>Your new token</h1>
      <p>Copy it now. It is shown only once, and anyone who has it can use it.</p>
      <p>
        <code class="secret" id="token">
          {token}
        </code>
      </p>
      <p>
        <a class="button" href={visit.site.path(placeOf("tokens"))}>
          I have copied it
        </a>
      </p>
    </>
  );
  return await respond(visit, { title: "Your new token", children, signedIn: true });
}
