import { places } from "../domain/page-paths.ts";
import type { MembershipOfUser } from "../http/organizations.ts";
import type { AuthError } from "../index.ts";
import { FormLink, PageLinks, Panel, Row } from "./account-acts.tsx";
import { FormKey, formKeyOf, sentTwice } from "./form-key.tsx";
import { respondInAccount, respondWithForm } from "./layout.tsx";
import { pathWith } from "./next-path.ts";
import { acceptTypedNames, nameFields, type TypedNames, typedNamesIn, wordsOfNames } from "./organization-names.tsx";
import { membersPath, OrganizationName, organizationsOf, pathIn } from "./own-organization.tsx";
import { Day } from "./parts.tsx";
import { attempt } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import { type PageRoute, type UserVisit, userForm, userPage } from "./route.ts";
import type { Site } from "./site.ts";

const newPath = "/account/organizations/new";

/** The most organizations that one page shows. */
const limit = 50;

/** The user's organizations, and forming one. The pages exist only with the feature `organizations`. */
export const ownOrganizationRoutes: readonly PageRoute[] = [
  userPage(places.organizations, (visit) => listPage(visit)),

  userPage(newPath, (visit) => newPage(visit, { name: "", slug: "" })),

  userForm(newPath, newPath, async (visit, form) => {
    const { c, site, actor, user } = visit;
    const { organizations } = organizationsOf(visit);
    const typed = typedNamesIn(form);
    const create = async () =>
      await organizations.create({
        ...acceptTypedNames(typed),
        actor,
        userId: user.id,
        idempotencyKey: await formKeyOf(visit, newPath, form),
      });
    const { value, refusal } = await attempt(create());
    if (refusal) return await newPage(visit, typed, refusal);
    return c.redirect(pathIn(site.path(membersPath), value.membership, { done: "organization" }), 303);
  }),
];

async function listPage(visit: UserVisit): Promise<Response> {
  const { c, site, actor, user } = visit;
  const cursor = c.req.query("cursor");
  const { data, nextCursor } = await organizationsOf(visit).memberships.listOfUser({
    actor,
    userId: user.id,
    cursor,
    limit,
  });
  const children = (
    <>
      <p>
        <a class="button" href={site.path(newPath)}>
          {site.say("organizations.new")}
        </a>
      </p>
      <Panel id="organizations" title={site.text("organizations.title")} isSaid>
        {data.length === 0 && <Row state={site.say("organizations.none")} />}
        {data.map((membership) => (
          <OrganizationRow site={site} membership={membership} />
        ))}
      </Panel>
      <PageLinks
        site={site}
        isFirst={cursor === undefined}
        next={nextCursor}
        pathOf={(at) => pathWith(site.path(places.organizations), at)}
      />
    </>
  );
  return await respondInAccount(visit, "organizations", { title: site.text("organizations.title"), children });
}

function OrganizationRow({ site, membership }: { site: Site; membership: MembershipOfUser }): Rendered {
  const { organization, role, status, createdAt } = membership;
  const name = <OrganizationName site={site} of={organization} />;
  const state = (
    <>
      {site.say("organizations.since", { day: <Day site={site} at={createdAt} /> })}
      {status === "suspended" && <> {site.say("organizations.not-you")}</>}
      {organization.status === "suspended" && <> {site.say("organizations.suspended")}</>}
    </>
  );
  return (
    <Row title={name} badge={{ text: site.text(`role.${role}`) }} state={state}>
      {status === "active" && (
        <FormLink href={pathIn(site.path(membersPath), membership)} about={name}>
          {site.say("organizations.open")}
        </FormLink>
      )}
    </Row>
  );
}

async function newPage(visit: UserVisit, typed: TypedNames, refusal?: AuthError): Promise<Response> {
  const { site } = visit;
  // Without the feature there is no form.
  organizationsOf(visit);
  const words = {
    ...wordsOfNames,
    "precondition.limit_reached": "organizations.limit",
    ...sentTwice("organizations.twice"),
  } as const;
  const { fields, isShown } = nameFields(site, typed, refusal);
  return await respondWithForm(visit, "organizations", {
    title: site.text("organizations.new"),
    intro: <p>{site.say("organizations.new.text")}</p>,
    action: newPath,
    fields: (
      <>
        <FormKey visit={visit} act={newPath} />
        {fields}
      </>
    ),
    button: site.text("organizations.create"),
    refusal,
    words,
    isShown,
  });
}
