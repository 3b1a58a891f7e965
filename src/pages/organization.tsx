import { AuthError } from "../index.ts";
import { respond } from "./layout.tsx";
import { AskForm } from "./mailed-link.tsx";
import { nextPath, pathWith } from "./next-path.ts";
import { federationOf, ProviderLink } from "./providers.tsx";
import { sentenceFor } from "./refusal.ts";
import { openForm, openPage, type PageRoute, type Visit } from "./route.ts";

const path = "/sign-in/organization";

/** Signing in at the provider of an address's domain. The pages exist only if the feature `federation` has the option `domains`. */
export const organizationRoutes: readonly PageRoute[] = [
  openPage(path, (visit) => askPage(visit, nextPath(visit.c.req.query("next"), visit))),

  openForm(path, path, async (visit, form) => {
    const { c, site } = visit;
    const federation = federationOf(visit);
    const [identifier, next] = [form.text("identifier"), nextPath(form.text("next"), visit)];
    const { provider } = await federation.discover({ identifier });
    const listed = federation.providers().find(({ name }) => name === provider);
    if (!listed) return await askPage(visit, next, { identifier, refusal: new AuthError("not_found") });
    // Not a redirect: the answer to a form may not lead to another site. The link is for a browser that does not go on by itself.
    c.header("Refresh", `0; url=${pathWith(listed.startPath, { next })}`);
    const children = <ProviderLink visit={visit} provider={listed} next={next} />;
    return await respond(visit, { title: site.text("organization.title"), children });
  }),
];

function askPage(
  visit: Visit,
  next: string,
  typed: { identifier?: string; refusal?: AuthError } = {},
): Response | Promise<Response> {
  if (federationOf(visit).domains().length === 0) throw new AuthError("not_found");
  const { site } = visit;
  const { identifier = "", refusal } = typed;
  const children = (
    <>
      <AskForm
        site={site}
        action={site.path(path)}
        name="organization"
        identifier={identifier}
        next={next}
        error={refusal && sentenceFor(site, refusal, { not_found: "organization.none" })}
        refusal={refusal}
        button={site.text("word.continue")}
      />
      <p class="foot">
        <a href={pathWith(site.path("/sign-in"), { next })}>{site.say("link-sign-in.otherwise")}</a>
      </p>
    </>
  );
  return respond(visit, { title: site.text("organization.title"), children, refusal });
}
