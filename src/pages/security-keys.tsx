import { places } from "../domain/page-paths.ts";
import { signedIn } from "../http/session-cookie.ts";
import { AuthError, type Id } from "../index.ts";
import { backTo, placeWhen } from "./account-acts.tsx";
import { respondInAccount, respondWithForm } from "./layout.tsx";
import { Hidden, PasskeyPart } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { type PageRoute, type UserVisit, userForm, userPage, userScript } from "./route.ts";

const newPath = "/account/security-keys/new";

/** Security keys as second factors: unlike passkeys, they never sign in alone. */
export const securityKeyRoutes: readonly PageRoute[] = [
  userPage(newPath, (visit) => newPage(visit)),

  userScript(
    "/account/security-keys/options",
    newPath,
    async ({ c, auth, actor }) => {
      const { factor, options } = await auth.securityKeys.enroll({ actor });
      return c.json({ ...options, factor_id: factor.id });
    },
    {
      fields: [],
      does: ({ site }) => site.say("proof.then.security-key"),
      goOn: (visit) => newPage(visit, true),
    },
  ),

  userScript("/account/security-keys", newPath, async (visit, { response, factor_id: id }) => {
    const { c, site, auth, actor } = visit;
    const factorId = (typeof id === "string" ? id : "") as Id<"mfa">;
    const { value, refusal } = await attempt(
      auth.securityKeys.confirm({ actor, factorId, response, transport: "cookie" }),
    );
    const words = { "conflict.duplicate_credential": "keys.registered" } as const;
    if (refusal) return c.json({ message: sentenceFor(site, refusal, words) }, refusal.status);
    signedIn(c, auth, "cookie", value);
    return c.json({ location: site.path(placeWhen("security", "security-key")) });
  }),

  userPage("/account/security-keys/remove", async (visit) => {
    const { factor_id: id, next } = visit.c.req.query();
    return await removePage(visit, await keyOf(visit, id), next);
  }),

  userForm(
    "/account/security-keys/remove",
    places.security,
    async (visit, form) => {
      const { auth, actor } = visit;
      const key = await keyOf(visit, form.text("factor_id"));
      const { refusal } = await attempt(auth.factors.revoke({ actor, factorId: key.id, onlyOwn: true }));
      const next = form.text("next");
      return refusal ? await removePage(visit, key, next, refusal) : backTo(visit, "security", "no-security-key", next);
    },
    { fields: ["factor_id", "next"], does: ({ site }) => site.say("proof.then.remove-key") },
  ),
];

/**
 * A security key of the user.
 *
 * @throws {AuthError} `not_found`.
 */
async function keyOf({ auth, actor, user }: UserVisit, id: string | undefined) {
  const { data } = await auth.factors.list({ actor, userId: user.id });
  const key = data.find((one) => one.id === id && one.status === "active");
  if (key?.type !== "webauthn") throw new AuthError("not_found");
  return key;
}

/** @param isNext True if the user has just given the proof for it. */
function newPage(visit: UserVisit, isNext = false): Response | Promise<Response> {
  const { site } = visit;
  const children = (
    <section>
      <p>{site.say("keys.add.text")}</p>
      <PasskeyPart
        site={site}
        ceremony="create"
        optionsPath={site.path("/account/security-keys/options")}
        finishPath={site.path("/account/security-keys")}
        button={site.text("keys.add")}
        isNext={isNext}
      />
      <p>
        <a href={site.path(places.security)}>{site.say("word.back")}</a>
      </p>
    </section>
  );
  return respondInAccount(visit, "security", { title: site.text("keys.add"), children, script: true });
}

/** @param next The page that led here, as the request names it. */
function removePage(
  visit: UserVisit,
  { id }: { id: string },
  next: string | undefined,
  refusal?: AuthError,
): Response | Promise<Response> {
  const { site } = visit;
  return respondWithForm(visit, "security", {
    title: site.text("keys.remove.title"),
    next,
    intro: <p>{site.say("keys.remove.text")}</p>,
    action: "/account/security-keys/remove",
    fields: <Hidden name="factor_id" value={id} />,
    button: site.text("keys.remove.button"),
    isDanger: true,
    refusal,
  });
}
