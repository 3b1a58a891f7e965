import { realmOf, reportFault } from "../http/auth-source.ts";
import { signedIn } from "../http/session-cookie.ts";
import { AuthError, type IssuedSession } from "../index.ts";
import { attempt, sentenceFor } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import type { UserVisit, Visit } from "./route.ts";
import type { Site } from "./site.ts";

/** Where a user accepts the current terms, below the base path. */
export const termsPath = "/account/terms";

/** True if the refusal is about {@link TermsBox}, which shows it. */
export function isAboutTerms(refusal: AuthError | undefined): boolean {
  return refusal?.code === "forbidden.terms_not_accepted" || refusal?.code === "conflict.terms_changed";
}

/** The box of a form: its user accepts the current terms. Nothing if the application has none. */
export function TermsBox({
  visit: { site, auth },
  refusal,
}: {
  visit: Visit;
  refusal?: AuthError | undefined;
}): Rendered {
  if (!auth.terms) return null;
  const { version, url } = auth.terms.current;
  const isWrong = refusal !== undefined && isAboutTerms(refusal);
  return (
    <div class="field">
      <label class="choice">
        <input
          type="checkbox"
          name="terms"
          value={version}
          required
          {...(isWrong && { "aria-invalid": "true", "aria-describedby": "terms-error", autofocus: true })}
        />
        <span>{site.say("terms.accept", { link: <TermsLink site={site} url={url} /> })}</span>
      </label>
      {isWrong && (
        <p class="error" role="alert" id="terms-error">
          {sentenceFor(site, refusal)}
        </p>
      )}
    </div>
  );
}

/** Opens beside the form, so that what was typed stays. */
function TermsLink({ site, url }: { site: Site; url: string }): Rendered {
  return (
    <a href={url} target="_blank" rel="noopener">
      {site.say("terms.link")}
    </a>
  );
}

/** The part of a form that these functions read. */
interface TermsForm {
  text(name: string): string;
}

/** @throws {AuthError} If the application has terms, and the form does not accept their current version. */
export function requireTerms({ auth }: Visit, form: TermsForm): void {
  const accepted = form.text("terms");
  if (!auth.terms || accepted === auth.terms.current.version) return;
  throw new AuthError(accepted === "" ? "forbidden.terms_not_accepted" : "conflict.terms_changed");
}

/**
 * Signs a new user in, records the terms that their form accepts, and leads on.
 *
 * @param next One of the places of `nextPath`. Default: the path after a sign-up.
 */
export async function finishSignUp(
  visit: Visit,
  made: IssuedSession,
  form: TermsForm,
  next: string = visit.site.returnPaths.signUp,
): Promise<Response> {
  const { c, auth, context } = visit;
  signedIn(c, auth, "cookie", made);
  if (auth.terms) {
    const { terms } = auth;
    const accept = async () => {
      const { actor, user } = await auth.sessions.verify({ token: made.token, transport: "cookie", context });
      return await terms.accept({ actor, userId: user.id, version: form.text("terms") });
    };
    // The account exists by now. If its terms could not be recorded, the pages of the account ask for them.
    const { refusal } = await attempt(accept());
    if (refusal && refusal.status >= 500) reportFault(realmOf(auth), refusal);
  }
  return c.redirect(next, 303);
}

/** Asks a user of the account pages who has not accepted the current terms. */
export function TermsNotice({ visit: { site, user, auth } }: { visit: UserVisit }): Rendered {
  if (!auth.terms || user.termsVersion === auth.terms.current.version) return null;
  return (
    <p class="notice" role="note">
      {site.say(user.termsVersion === null ? "terms.first" : "terms.changed")}{" "}
      <a href={site.path(termsPath)}>{site.say("terms.read")}</a>
    </p>
  );
}
