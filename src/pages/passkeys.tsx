import { places } from "../domain/page-paths.ts";
import { acceptTypedName } from "../domain/text.ts";
import { signedIn } from "../http/session-cookie.ts";
import { AuthError } from "../index.ts";
import { backTo, placeWhen } from "./account-acts.tsx";
import { respondInAccount, respondWithForm } from "./layout.tsx";
import { reviewOf } from "./next-path.ts";
import { Field, Hidden, PasskeyPart } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { type PageRoute, type UserVisit, userForm, userPage, userScript } from "./route.ts";
import { signInBecause } from "./why.ts";

const newPath = "/account/passkeys/new";

/** Adding, renaming and removing passkeys. */
export const passkeyRoutes: readonly PageRoute[] = [
  userPage(newPath, (visit) => newPage(visit)),

  userScript(
    "/account/passkeys/options",
    newPath,
    async ({ c, auth, actor }) => c.json(await auth.passkeys.registrationOptions({ actor })),
    {
      fields: ["name"],
      does: ({ site }) => site.say("proof.then.passkey"),
      goOn: (visit, form) => newPage(visit, form.text("name")),
    },
  ),

  userScript("/account/passkeys", newPath, async (visit, { response, name }) => {
    const { c, site, auth, actor } = visit;
    const register = async () => {
      const called = typeof name === "string" ? acceptTypedName(name) || null : null;
      return await auth.passkeys.register({ actor, response, name: called, transport: "cookie" });
    };
    const { value, refusal } = await attempt(register());
    const words = { "conflict.duplicate_credential": "passkeys.registered" } as const;
    if (refusal) return c.json({ message: sentenceFor(site, refusal, words) }, refusal.status);
    signedIn(c, auth, "cookie", value);
    return c.json({ location: site.path(placeWhen("security", "passkeys")) });
  }),

  userPage("/account/passkeys/rename", (visit) => {
    const { passkey_id: id, next } = visit.c.req.query();
    return withPasskey(visit, id, (passkey) => renamePage(visit, passkey, next));
  }),

  userForm("/account/passkeys/rename", places.security, async (visit, form) => {
    const { auth, actor } = visit;
    const passkeyId = form.id<"cred">("passkey_id");
    const typed = form.text("name");
    const rename = async () => await auth.passkeys.rename({ actor, passkeyId, name: acceptTypedName(typed) });
    const { refusal } = await attempt(rename());
    const next = form.text("next");
    if (!refusal) return backTo(visit, "security", "passkeys", next);
    return await withPasskey(visit, passkeyId, (passkey) =>
      renamePage(visit, { ...passkey, name: typed }, next, refusal),
    );
  }),

  userPage("/account/passkeys/remove", (visit) => {
    const { passkey_id: id, next } = visit.c.req.query();
    return withPasskey(visit, id, (passkey) => removePage(visit, passkey, next));
  }),

  userForm(
    "/account/passkeys/remove",
    places.security,
    async (visit, form) => {
      const { c, site, auth, actor, session } = visit;
      const passkeyId = form.id<"cred">("passkey_id");
      const { refusal } = await attempt(auth.passkeys.revoke({ actor, passkeyId }));
      const next = form.text("next");
      if (refusal) return await withPasskey(visit, passkeyId, (passkey) => removePage(visit, passkey, next, refusal));
      return passkeyId === session.credentialId
        ? c.redirect(signInBecause(visit, "passkey", reviewOf(next, visit) ?? site.path(places.security)), 303)
        : backTo(visit, "security", "passkeys", next);
    },
    { fields: ["passkey_id", "next"], does: ({ site }) => site.say("proof.then.remove-passkey") },
  ),
];

interface Named {
  readonly id: string;
  readonly name: string | null;
}

/**
 * A page about one passkey of the user.
 *
 * @throws {AuthError} `not_found`.
 */
async function withPasskey(
  visit: UserVisit,
  id: string | undefined,
  page: (passkey: Named) => Response | Promise<Response>,
): Promise<Response> {
  const { auth, actor, user } = visit;
  const { data } = await auth.passkeys.list({ actor, userId: user.id });
  const passkey = data.find((one) => one.id === id);
  if (!passkey) throw new AuthError("not_found");
  return await page(passkey);
}

/** @param name The name of a passkey that is to be added, after the proof for it. */
function newPage(visit: UserVisit, name?: string): Response | Promise<Response> {
  const { site } = visit;
  const children = (
    <section>
      <p>{site.say("passkeys.add.text")}</p>
      <PasskeyPart
        site={site}
        ceremony="create"
        optionsPath={site.path("/account/passkeys/options")}
        finishPath={site.path("/account/passkeys")}
        button={site.text("passkeys.add")}
        named={{ label: site.text("field.passkey-name"), value: name ?? "" }}
        isNext={name !== undefined}
      />
      <p>
        <a href={site.path(places.security)}>{site.say("word.back")}</a>
      </p>
    </section>
  );
  return respondInAccount(visit, "security", { title: site.text("passkeys.add"), children, script: true });
}

/** @param next The page that led here, as the request names it. */
function renamePage(
  visit: UserVisit,
  { id, name }: Named,
  next: string | undefined,
  refusal?: AuthError,
): Response | Promise<Response> {
  const { site } = visit;
  return respondWithForm(visit, "security", {
    title: site.text("passkeys.rename.title"),
    next,
    action: "/account/passkeys/rename",
    fields: (
      <>
        <Hidden name="passkey_id" value={id} />
        <Field
          site={site}
          form="rename"
          name="name"
          label={site.say("field.passkey-name")}
          value={name ?? ""}
          maxlength={120}
          autocomplete="off"
          error={refusal && sentenceFor(site, refusal)}
        />
      </>
    ),
    button: site.text("word.save"),
    refusal,
    isShown: true,
  });
}

/** @param next The page that led here, as the request names it. */
function removePage(
  visit: UserVisit,
  { id, name }: Named,
  next: string | undefined,
  refusal?: AuthError,
): Response | Promise<Response> {
  const { site, session } = visit;
  const called = <bdi>{name ?? site.say("passkeys.unnamed")}</bdi>;
  return respondWithForm(visit, "security", {
    title: site.text("passkeys.remove.title"),
    next,
    intro: (
      <>
        <p>{site.say("passkeys.remove.text", { name: called })}</p>
        {id === session.credentialId && <p>{site.say("passkeys.remove.own")}</p>}
      </>
    ),
    action: "/account/passkeys/remove",
    fields: <Hidden name="passkey_id" value={id} />,
    button: site.text("passkeys.remove.button"),
    isDanger: true,
    refusal,
  });
}
