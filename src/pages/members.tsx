import { places } from "../domain/page-paths.ts";
import { FormLink, PageLinks, Panel, Row } from "./account-acts.tsx";
import { respondInAccount } from "./layout.tsx";
import { memberActs } from "./member-acts.ts";
import { OrganizationLinks } from "./organization-acts.tsx";
import {
  MemberLine,
  MemberName,
  mayManage,
  memberPath,
  membersPath,
  OrganizationName,
  type Own,
  organizationsOf,
  pageOfOrganization,
  pathIn,
} from "./own-organization.tsx";
import { Alert } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import type { PageRoute, UserVisit } from "./route.ts";
import type { Site } from "./site.ts";

/** The most members that one page shows. */
const limit = 50;

/** An organization of the user, with its members. */
export const memberRoutes: readonly PageRoute[] = [
  pageOfOrganization(membersPath, (visit, own) => membersPage(visit, own)),
];

async function membersPage(visit: UserVisit, own: Own): Promise<Response> {
  const { site } = visit;
  // Whatever the organization's policy asks of a session, its member can see what it is and leave.
  const { value: list, refusal } = await attempt(memberList(visit, own));
  const children = (
    <>
      <Panel id="organization" title={site.text("members.organization")} isSaid>
        <Row title={<OrganizationName site={site} of={own.organization} />} state={<StateOf site={site} own={own} />}>
          <OrganizationLinks site={site} own={own} />
        </Row>
      </Panel>
      <Alert>{refusal && sentenceFor(site, refusal)}</Alert>
      {list}
      <p>
        <a href={site.path(places.organizations)}>{site.say("organizations.title")}</a>
      </p>
    </>
  );
  return await respondInAccount(visit, "organizations", {
    title: site.text("members.organization"),
    children,
    refusal,
  });
}

function StateOf({ site, own }: { site: Site; own: Own }): Rendered {
  const { slug, status } = own.organization;
  return (
    <>
      {slug !== null && <>{site.say("members.slug", { slug })} </>}
      {site.say("members.yours", { role: site.text(`role.${own.role}`) })}
      {status === "suspended" && <> {site.say("organizations.suspended")}</>}
    </>
  );
}

/** A page of the members who are active, or of those who are suspended. For a guest, who may not see them, a sentence. */
async function memberList(visit: UserVisit, own: Own): Promise<Rendered> {
  const { c, site, actor } = visit;
  if (own.role === "guest") return <p class="hint">{site.say("members.guest")}</p>;
  const { organizationId } = own;
  const { cursor, status } = c.req.query();
  const isActive = status !== "suspended";
  const { data, nextCursor } = await organizationsOf(visit).memberships.list({
    actor,
    organizationId,
    status: isActive ? "active" : "suspended",
    cursor,
    limit,
  });
  const pathOf = (more: Readonly<Record<string, string>>) => pathIn(site.path(membersPath), own, more);
  return (
    <>
      <Panel id="members" title={site.text(isActive ? "members.title" : "members.suspended")}>
        {data.length === 0 && <Row state={site.say("members.none")} />}
        {data.map((member) => (
          <MemberLine site={site} member={member} own={own}>
            {memberActs.some((act) => act.isOffered(own, member)) && (
              <FormLink
                href={pathIn(site.path(memberPath), own, { mem_id: member.id })}
                about={<MemberName site={site} of={member} />}
              >
                {site.say("members.manage")}
              </FormLink>
            )}
          </MemberLine>
        ))}
      </Panel>
      <PageLinks
        site={site}
        isFirst={cursor === undefined}
        next={nextCursor}
        pathOf={(at) => pathOf(isActive ? at : { status: "suspended", ...at })}
      />
      {mayManage(own) && (
        <p>
          <a href={pathOf(isActive ? { status: "suspended" } : {})}>
            {site.say(isActive ? "members.suspended" : "members.active")}
          </a>
        </p>
      )}
    </>
  );
}
