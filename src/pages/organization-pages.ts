/**
 * The pages of organizations, their members and their invitations, for the option `parts` of `pages`.
 *
 * @module
 */
import { joinRoutes } from "./join.tsx";
import { oneMemberRoutes } from "./member.tsx";
import { memberRoutes } from "./members.tsx";
import { organizationActRoutes } from "./organization-acts.tsx";
import { organizationInvitationRoutes } from "./organization-invitations.tsx";
import { ownOrganizationRoutes } from "./organizations.tsx";
import type { PagePart } from "./page-part.ts";
import { englishOrganizations } from "./texts/english-organizations.ts";

export type { PageTexts, TextName } from "./language.ts";
export type { PagePart } from "./page-part.ts";

/**
 * Users form organizations, see and manage their members, and invite people, who join: `pages(auth, { parts: [organizationPages]
 * })`. The application has the feature `organizations`.
 */
export const organizationPages: PagePart = {
  name: "organizations",
  rows: [
    ...joinRoutes,
    ...ownOrganizationRoutes,
    ...memberRoutes,
    ...oneMemberRoutes,
    ...organizationActRoutes,
    ...organizationInvitationRoutes,
  ],
  texts: englishOrganizations,
};
