import { places } from "../domain/page-paths.ts";
import { AuthError } from "../index.ts";
import { backTo, FormLink } from "./account-acts.tsx";
import { respondWithForm } from "./layout.tsx";
import { invitationsPath } from "./organization-invitations.tsx";
import { acceptTypedNames, nameFields, type TypedNames, typedNamesIn, wordsOfNames } from "./organization-names.tsx";
import {
  mayManage,
  membersPath,
  OrganizationName,
  type Own,
  organizationsOf,
  ownIn,
  pageOfOrganization,
  pathIn,
} from "./own-organization.tsx";
import { Hidden } from "./parts.tsx";
import { attempt } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import { type PageRoute, type UserVisit, userForm } from "./route.ts";
import type { Site } from "./site.ts";

const renamePath = "/account/organizations/rename";
const leavePath = "/account/organizations/leave";
const endPath = "/account/organizations/end";

/** Renaming, leaving and ending an organization. */
export const organizationActRoutes: readonly PageRoute[] = [
  pageOfOrganization(renamePath, async (visit, own) => {
    const { name, slug } = own.organization;
    return await renamePage(visit, own, { name: name ?? "", slug: slug ?? "" });
  }),

  userForm(renamePath, places.organizations, async (visit, form) => {
    const { c, site, actor } = visit;
    const own = await ownIn(visit, form.id<"org">("org_id"));
    const { organizationId } = own;
    const typed = typedNamesIn(form);
    const update = async () =>
      await organizationsOf(visit).organizations.update({ ...acceptTypedNames(typed), actor, organizationId });
    const { refusal } = await attempt(update());
    if (refusal) return await renamePage(visit, own, typed, refusal);
    return c.redirect(pathIn(site.path(membersPath), own, { done: "organization-name" }), 303);
  }),

  pageOfOrganization(leavePath, (visit, own) => leavePage(visit, own)),

  userForm(leavePath, places.organizations, async (visit, form) => {
    const { actor } = visit;
    const own = await ownIn(visit, form.id<"org">("org_id"));
    const { refusal } = await attempt(organizationsOf(visit).memberships.leave({ actor, membershipId: own.id }));
    return refusal ? await leavePage(visit, own, refusal) : backTo(visit, "organizations", "member-leave");
  }),

  pageOfOrganization(endPath, (visit, own) => endPage(visit, own)),

  userForm(
    endPath,
    places.organizations,
    async (visit, form) => {
      const { actor } = visit;
      const own = await ownIn(visit, form.id<"org">("org_id"));
      const { organizationId } = own;
      const { refusal } = await attempt(organizationsOf(visit).organizations.revoke({ actor, organizationId }));
      return refusal ? await endPage(visit, own, refusal) : backTo(visit, "organizations", "organization-end");
    },
    { fields: ["org_id"], does: ({ site }) => site.say("proof.then.end-organization") },
  ),
];

/** The links to the acts on an organization that the user's role permits. */
export function OrganizationLinks({ site, own }: { site: Site; own: Own }): Rendered {
  const name = <OrganizationName site={site} of={own.organization} />;
  const to = (path: string) => pathIn(site.path(path), own);
  return (
    <>
      {mayManage(own) && (
        <>
          <FormLink href={to(invitationsPath)} about={name}>
            {site.say("invitations.title")}
          </FormLink>
          <FormLink href={to(renamePath)} about={name}>
            {site.say("organizations.rename")}
          </FormLink>
        </>
      )}
      <FormLink href={to(leavePath)} about={name} isDanger>
        {site.say("organizations.leave")}
      </FormLink>
      {own.role === "owner" && (
        <FormLink href={to(endPath)} about={name} isDanger>
          {site.say("organizations.end")}
        </FormLink>
      )}
    </>
  );
}

/** @throws {AuthError} `forbidden` unless the user is an owner or admin. */
async function renamePage(visit: UserVisit, own: Own, typed: TypedNames, refusal?: AuthError): Promise<Response> {
  const { site } = visit;
  if (!mayManage(own)) throw refusal ?? new AuthError("forbidden");
  const { fields, isShown } = nameFields(site, typed, refusal);
  return await respondWithForm(visit, "organizations", {
    title: site.text("organizations.rename.title"),
    action: renamePath,
    fields: (
      <>
        <Hidden name="org_id" value={own.organizationId} />
        {fields}
      </>
    ),
    button: site.text("word.save"),
    refusal,
    words: wordsOfNames,
    isShown,
    back: pathIn(membersPath, own),
  });
}

async function leavePage(visit: UserVisit, own: Own, refusal?: AuthError): Promise<Response> {
  const { site } = visit;
  return await respondWithForm(visit, "organizations", {
    title: site.text("member.leave.title"),
    intro: (
      <>
        <p>{site.say("organizations.leave.text", { name: <OrganizationName site={site} of={own.organization} /> })}</p>
        {own.role === "owner" && !refusal && <p>{site.say("organizations.leave.owner")}</p>}
      </>
    ),
    action: leavePath,
    fields: <Hidden name="org_id" value={own.organizationId} />,
    button: site.text("organizations.leave"),
    isDanger: true,
    refusal,
    words: { "conflict.sole_owner": "organizations.leave.sole-owner" },
    back: pathIn(membersPath, own),
  });
}

/** @throws {AuthError} `forbidden` unless the user is an owner. */
async function endPage(visit: UserVisit, own: Own, refusal?: AuthError): Promise<Response> {
  const { site } = visit;
  if (own.role !== "owner") throw refusal ?? new AuthError("forbidden");
  return await respondWithForm(visit, "organizations", {
    title: site.text("organizations.end.title"),
    intro: (
      <p>{site.say("organizations.end.text", { name: <OrganizationName site={site} of={own.organization} /> })}</p>
    ),
    action: endPath,
    fields: <Hidden name="org_id" value={own.organizationId} />,
    button: site.text("organizations.end.button"),
    isDanger: true,
    refusal,
    back: pathIn(membersPath, own),
  });
}
