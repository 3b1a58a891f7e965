import { places } from "../domain/page-paths.ts";
import { AuthError, type Credential } from "../index.ts";
import { backTo, FormLink, Row } from "./account-acts.tsx";
import { respondWithForm } from "./layout.tsx";
import { reviewOf } from "./next-path.ts";
import { Day, Field, Hidden } from "./parts.tsx";
import { formPath } from "./proof-rows.tsx";
import { attempt, sentenceFor, type Words } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import { type PageRoute, type UserVisit, userForm, userPage } from "./route.ts";
import { activePasswords } from "./safety.tsx";
import { signInBecause } from "./why.ts";

const path = "/account/password/remove";

/** Removing a password, with the name that signs in with it. Another password of the user is asked for: they may not know this one. */
export const passwordRemovalRoutes: readonly PageRoute[] = [
  userPage(path, (visit) => {
    const { credential_id: id, next } = visit.c.req.query();
    return removePage(visit, id, next);
  }),

  userForm(
    path,
    places.security,
    async (visit, form) => {
      const { c, site, auth, actor, session } = visit;
      const { target, proof } = await passwordsOf(visit, form.text("credential_id"));
      const [next, currentPassword] = [form.text("next"), form.text("current_password")];
      const asked = { actor, credentialId: target.id, provedBy: proof.id, currentPassword };
      const { refusal } = await attempt(auth.credentials.revokeOwnPassword(asked));
      if (refusal) return await removePage(visit, target.id, next, refusal);
      return target.id === session.credentialId
        ? c.redirect(signInBecause(visit, "ended", reviewOf(next, visit) ?? site.path(places.security)), 303)
        : backTo(visit, "security", "no-password", next);
    },
    {
      fields: ["credential_id", "next"],
      does: ({ site }) => site.say("proof.then.remove-password"),
      goOn: (visit, form) => removePage(visit, form.text("credential_id"), form.text("next")),
    },
  ),
];

/**
 * A password of the user, and the one that proves its removal: another one of this session, of this name, or any. Without another,
 * it is the same.
 *
 * @throws {AuthError} `not_found`.
 */
async function passwordsOf({ auth, actor, user, session }: UserVisit, id: string | undefined) {
  const passwords = activePasswords(await auth.credentials.list({ actor, userId: user.id }));
  const target = passwords.find((one) => one.id === id);
  if (!target) throw new AuthError("not_found");
  const others = passwords.filter((one) => one !== target);
  const proof =
    others.find((one) => one.id === session.credentialId) ??
    others.find(({ identifier }) => identifier === user.identifier) ??
    others[0] ??
    target;
  return { target, proof };
}

/** @param next The page that led here, as the request names it. */
async function removePage(
  visit: UserVisit,
  id: string | undefined,
  next: string | undefined,
  refusal?: AuthError,
): Promise<Response> {
  const { site, session } = visit;
  const { target, proof } = await passwordsOf(visit, id);
  const name = <bdi>{target.identifier}</bdi>;
  const words: Words = { "unauthorized.invalid_credential": "password.wrong" };
  const isOfField = refusal?.code === "unauthorized.invalid_credential";
  return await respondWithForm(visit, "security", {
    title: site.text("password.remove.title"),
    intro: (
      <>
        <p>{site.say("password.remove.text", { name })}</p>
        {target.id === session.credentialId && <p>{site.say("password.remove.own")}</p>}
      </>
    ),
    action: path,
    fields: (
      <>
        <Hidden name="credential_id" value={target.id} />
        <input hidden type="text" name="identifier" value={proof.identifier} autocomplete="username" />
        <Field
          site={site}
          form="remove"
          name="current_password"
          label={site.say("password.of", { name: <bdi>{proof.identifier}</bdi> })}
          type="password"
          autocomplete="current-password"
          error={isOfField ? sentenceFor(site, refusal, words) : undefined}
        />
      </>
    ),
    button: site.text("password.remove.button"),
    isDanger: true,
    next,
    refusal,
    words,
    isShown: isOfField,
  });
}

/** A line for each further password of the user, by the name that signs in with it. */
export function PasswordRows({
  visit: { site },
  passwords,
  next,
}: {
  visit: UserVisit;
  passwords: readonly Credential[];
  /** The review that shows them, which the form returns to. */
  next?: string | undefined;
}): Rendered {
  return (
    <>
      {passwords.map(({ id, identifier, createdAt }) => {
        const name = <bdi>{identifier}</bdi>;
        return (
          <Row
            title={site.say("password.of", { name })}
            state={site.say("password.since", { day: <Day site={site} at={createdAt} /> })}
          >
            <FormLink href={formPath(site, path, { credential_id: id }, next)} about={name} isDanger>
              {site.say("security.remove")}
            </FormLink>
          </Row>
        );
      })}
    </>
  );
}

/** The password that the user's name signs in with, or else the oldest; and the others. */
export function sortedPasswords(
  { user }: UserVisit,
  passwords: readonly Credential[],
): { own: Credential | undefined; others: readonly Credential[] } {
  const own = passwords.find(({ identifier }) => identifier === user.identifier) ?? passwords[0];
  return { own, others: passwords.filter((one) => one !== own) };
}
