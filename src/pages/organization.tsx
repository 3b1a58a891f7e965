import { AuthError } from "../index.ts";
import { respond } from "./layout.tsx";
import { AskForm } from "./mailed-link.tsx";
import { nextPath, pathWith } from "./next-path.ts";
import { federationOf, ProviderLink, type StartQuery } from "./providers.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { openForm, openPage, type PageRoute, type Visit } from "./route.ts";

const path = "/sign-in/organization";

/** Signing in at the provider of an address's domain. The pages exist only if the feature `federation` has the option `domains`. */
export const organizationRoutes: readonly PageRoute[] = [
  openPage(path, (visit) => askPage(visit)),

  openForm(path, path, async (visit, form) => {
    const { c, site, context } = visit;
    const federation = federationOf(visit);
    const identifier = form.text("identifier");
    const { value, refusal } = await attempt(federation.discover({ identifier, context }));
    const listed = value && federation.providers().find(({ name }) => name === value.provider);
    if (!listed) return await askPage(visit, identifier, refusal ?? new AuthError("not_found"));
    const query = queryOf(visit);
    // Not a redirect: the answer to a form may not lead to another site. The link is for a browser that does not go on by itself.
    c.header("Refresh", `0; url=${pathWith(listed.startPath, query)}`);
    const children = <ProviderLink visit={visit} provider={listed} query={query} />;
    return await respond(visit, { title: site.text("organization.title"), children });
  }),
];

/** What the link to this page said of the sign-in. The form's own path keeps it. */
function queryOf(visit: Visit): StartQuery {
  const { next, remember } = visit.c.req.query();
  return { next: nextPath(next, visit), ...(remember === "false" && { remember }) };
}

function askPage(visit: Visit, identifier = "", refusal?: AuthError): Response | Promise<Response> {
  if (federationOf(visit).domains().length === 0) throw new AuthError("not_found");
  const { site } = visit;
  const query = queryOf(visit);
  const children = (
    <>
      <AskForm
        site={site}
        action={pathWith(site.path(path), query)}
        name="organization"
        identifier={identifier}
        error={refusal && sentenceFor(site, refusal, { not_found: "organization.none" })}
        refusal={refusal}
        button={site.text("word.continue")}
      />
      <p class="foot">
        <a href={pathWith(site.path("/sign-in"), query)}>{site.say("link-sign-in.otherwise")}</a>
      </p>
    </>
  );
  return respond(visit, { title: site.text("organization.title"), children, refusal });
}
