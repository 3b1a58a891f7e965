import type { Context, MiddlewareHandler } from "hono";
import { AuthError } from "../domain/error.ts";
import { type Membership, type Role, roles } from "../domain/membership.ts";
import { requireOption } from "../domain/option-error.ts";
import type { Organization } from "../domain/organization.ts";
import type { MembershipChecks } from "../operations/verify-membership.ts";
import type { AuthSource } from "./auth-source.ts";
import { guard, type SessionVerifier, type UserVariables, verifyUser, verifyUserAnd } from "./authenticate.ts";

/** The parts of `auth` that {@link requireMembership} needs. */
export interface MembershipVerifier extends SessionVerifier {
  readonly memberships: MembershipChecks;
}

/** The options of {@link requireMembership}. */
export interface MembershipOptions {
  /**
   * The organization's id or slug in the request: the name of a path parameter, such as `org` in `/teams/:org`, or a function
   * that reads it. A request without one is refused as `not_found`.
   */
  org: string | ((c: Context) => string | undefined);
  /** The weakest role that suffices, in the order `owner`, `admin`, `member`, `editor`, `viewer`, `guest`. Default: any. */
  role?: Role | undefined;
}

/** The variables of a handler after {@link requireMembership}. */
export interface MembershipVariables extends UserVariables {
  membership: Membership;
  organization: Organization;
  /**
   * Until when the member may go without the passkey or second factor that the organization's security policy requires. Null if
   * nothing is missing.
   */
  graceUntil: Date | null;
}

/**
 * Requires a session whose user is an active member of the organization that the request names: `c.var.membership` and
 * `c.var.organization` are set for the handler, besides the variables of `requireUser`. One request to the database, for the session
 * and the membership; if `requireUser` or `authenticate` ran before, one more.
 *
 * Otherwise answers as `requireUser` does, 404 `not_found` to a user who is no member, 403 `forbidden` to one whose role is
 * weaker than `role`, and 409 `precondition.org_not_active` while the organization is suspended. Personal access tokens are
 * refused.
 *
 * A session that lacks what the organization's security policy asks for gets 401 `unauthorized.reauthentication_required` if a
 * step-up helps, 401 `unauthorized.enrollment_required` if the user must first set up a passkey or second factor (both with what is
 * required in `details`), and 403 `forbidden.provider_not_allowed` if they must sign in another way.
 *
 * @throws {TypeError} If `role` is unknown.
 */
export function requireMembership(
  source: AuthSource<MembershipVerifier>,
  { org, role = "guest" }: MembershipOptions,
): MiddlewareHandler<{ Variables: MembershipVariables }> {
  requireOption(roles.includes(role), role, "a role", "role");
  return guard(source, async (c, auth, realm) => {
    const organization = typeof org === "string" ? c.req.param(org) : org(c);
    // Without a name there is no such organization, but a request without a session is told so first.
    if (!organization) {
      await verifyUser(c, auth, realm, {});
      throw new AuthError("not_found");
    }
    const {
      membership,
      organization: of,
      graceUntil,
    } = await verifyUserAnd(c, auth, realm, {
      verify: (presented) => auth.memberships.verify({ ...presented, organization }),
      ask: (actor) => auth.memberships.find({ actor, organization }),
    });
    if (roles.indexOf(membership.role) > roles.indexOf(role)) throw new AuthError("forbidden");
    c.set("membership", membership);
    c.set("organization", of);
    c.set("graceUntil", graceUntil);
  });
}
