import { AuthError, type TermsOperations } from "../index.ts";
import { respond } from "./layout.tsx";
import { nextPath } from "./next-path.ts";
import { Alert, Hidden } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { type PageRoute, type UserVisit, userForm, userPage, type Visit } from "./route.ts";
import { isAboutTerms, requireTerms, TermsBox, termsPath } from "./terms-box.tsx";

/** The page on which a user accepts the current terms. It exists only if the application has any. */
export const termsRoutes: readonly PageRoute[] = [
  userPage(termsPath, (visit) => termsPage(visit, nextPath(visit.c.req.query("next"), visit))),

  userForm(termsPath, termsPath, async (visit, form) => {
    const { c, actor, user } = visit;
    const terms = termsOf(visit);
    const next = nextPath(form.text("next"), visit);
    const accept = async () => {
      requireTerms(visit, form);
      return await terms.accept({ actor, userId: user.id, version: form.text("terms") });
    };
    const { refusal } = await attempt(accept());
    return refusal ? await termsPage(visit, next, refusal) : c.redirect(next, 303);
  }),
];

function termsPage(visit: UserVisit, next: string, refusal?: AuthError): Response | Promise<Response> {
  const { site, user } = visit;
  const { version } = termsOf(visit).current;
  const isAccepted = user.termsVersion === version;
  const children = (
    <>
      <p>{site.say(isAccepted ? "terms.accepted" : user.termsVersion === null ? "terms.first" : "terms.changed")}</p>
      <form method="post" action={site.path(termsPath)}>
        <Alert>{refusal && !isAboutTerms(refusal) ? sentenceFor(site, refusal) : undefined}</Alert>
        <Hidden name="next" value={next} />
        {!isAccepted && <TermsBox visit={visit} refusal={refusal} />}
        <p class="acts">
          {!isAccepted && <button type="submit">{site.say("terms.button")}</button>}
          <a class="button quiet" href={next}>
            {site.say(isAccepted ? "word.continue" : "terms.later")}
          </a>
        </p>
      </form>
    </>
  );
  return respond(visit, { title: site.text("terms.title"), children, refusal, signedIn: true });
}

/** @throws {AuthError} `not_found` if the application has no terms. */
function termsOf({ auth }: Visit): TermsOperations {
  if (!auth.terms) throw new AuthError("not_found");
  return auth.terms;
}
