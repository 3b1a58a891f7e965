import type { Child } from "hono/jsx";
import { type Role, roles } from "../domain/membership.ts";
import { places } from "../domain/page-paths.ts";
import type { Member, MembershipOfUser, Organization } from "../http/organizations.ts";
import { AuthError, type Id } from "../index.ts";
import type { OrganizationAuth } from "../operations/organization-parts.ts";
import { Row } from "./account-acts.tsx";
import { pathWith } from "./next-path.ts";
import { Day } from "./parts.tsx";
import type { Rendered } from "./rendered.ts";
import { type PageRoute, type UserVisit, userPage, type Visit } from "./route.ts";
import type { Site } from "./site.ts";

/** The page of an organization's members. */
export const membersPath = "/account/organizations/members";

/** The page of one member. The pages of the acts on them are below it. */
export const memberPath = "/account/organizations/member";

/** The user's own membership in an organization that a page is about. */
export type Own = MembershipOfUser;

/** @throws {AuthError} `not_found` if the application has no organizations. */
export function organizationsOf({ auth }: Visit): OrganizationAuth {
  const { organizations, memberships, organizationInvitations } = auth;
  if (!organizations || !memberships || !organizationInvitations) throw new AuthError("not_found");
  return { organizations, memberships, organizationInvitations };
}

/** A page that needs an organization in its address. After a sign-in, the user returns to the list of organizations. */
export function pageOfOrganization(path: string, run: (visit: UserVisit, own: Own) => Promise<Response>): PageRoute {
  const page = async (visit: UserVisit) =>
    await run(visit, await ownIn(visit, visit.c.req.query("org_id") as Id<"org">));
  return { ...userPage(path, page), belongsTo: places.organizations };
}

/**
 * The user's active membership in an organization. The pages ask for it before anything else, so they show administrators of the
 * deployment, too, no organization that they are not a member of.
 *
 * @throws {AuthError} `not_found`, also for an organization of others, for one that has ended, and for a suspended membership.
 */
export async function ownIn(visit: UserVisit, organizationId: Id<"org"> = "" as Id<"org">): Promise<Own> {
  const { memberships } = organizationsOf(visit);
  const { actor, user } = visit;
  const { data } = await memberships.listOfUser({ actor, userId: user.id, organizationId });
  const own = data.find(({ status }) => status === "active");
  if (!own) throw new AuthError("not_found");
  return own;
}

/** The place of a role in their order, 0 for the strongest. */
export const rankOf = ({ role }: { role: Role }): number => roles.indexOf(role);

/** The roles that the user may give: none above their own. */
export function rolesFrom(own: Own): readonly Role[] {
  return roles.slice(rankOf(own));
}

/** A choice among the roles that the user may give. */
export function RoleField(field: { site: Site; own: Own; chosen: string; label: Child }): Rendered {
  const { site, own, chosen, label } = field;
  return (
    <div class="field">
      <label for="role">{label}</label>
      <select id="role" name="role">
        {rolesFrom(own).map((role) => (
          <option value={role} selected={role === chosen}>
            {site.text(`role.${role}`)}
          </option>
        ))}
      </select>
    </div>
  );
}

/** True for owners and admins. */
export function mayManage(own: Own): boolean {
  return rankOf(own) <= roles.indexOf("admin");
}

/** The path of a page about an organization. */
export function pathIn(
  path: string,
  { organizationId }: Pick<Own, "organizationId">,
  more: Readonly<Record<string, string>> = {},
): string {
  return pathWith(path, { org_id: organizationId, ...more });
}

/** The name of an organization, isolated: its author is a stranger to the reader. */
export function OrganizationName({ site, of }: { site: Site; of: Pick<Organization, "name" | "slug"> }): Rendered {
  return <bdi>{shortened(of.name) || of.slug || site.say("organizations.unnamed")}</bdi>;
}

/** The name of a member, isolated. */
export function MemberName({ site, of }: { site: Site; of: Pick<Member, "user"> }): Rendered {
  return <bdi>{shortened(of.user.displayName) || site.say("members.unnamed")}</bdi>;
}

/** The most code points of a stranger's name that a page shows. A member must not fill the pages of the others. */
const longestName = 100;

function shortened(name: string | null): string {
  const characters = [...(name ?? "").trim()];
  return characters.length > longestName ? `${characters.slice(0, longestName).join("")}…` : characters.join("");
}

/** A member in a list: the name, the role, and since when. */
export function MemberLine({
  site,
  member,
  own,
  children,
}: {
  site: Site;
  member: Member;
  own: Own;
  children?: Child;
}): Rendered {
  const { userId, role, status, createdAt } = member;
  const name = <MemberName site={site} of={member} />;
  // Names can be alike. The end of an id tells them apart.
  const code = <code>…{userId.slice(-8)}</code>;
  return (
    <Row
      title={userId === own.userId ? site.say("members.you", { name }) : name}
      badge={{ text: site.text(`role.${role}`) }}
      state={
        <>
          {site.say("members.since", { code, day: <Day site={site} at={createdAt} /> })}
          {status === "suspended" && <> {site.say("members.is-suspended")}</>}
        </>
      }
    >
      {children}
    </Row>
  );
}
