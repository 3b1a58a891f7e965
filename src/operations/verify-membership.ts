import type { SessionActor } from "../domain/actor.ts";
import { AuthError } from "../domain/error.ts";
import { isValidId, uuidFor } from "../domain/id.ts";
import { type Membership, membership } from "../domain/membership.ts";
import { type Organization, organization } from "../domain/organization.ts";
import { toValue } from "../domain/record.ts";
import type { Core } from "../engine/core.ts";
import { answerOf, execute, executeAll, type Work, work } from "../engine/execute.ts";
import type { Operation } from "../engine/plan.ts";
import { refuse } from "../engine/refuse.ts";
import type { PresentedToken, VerifiedSession } from "../engine/sessions.ts";
import {
  type FoundMembershipRow,
  liveCallerOf,
  type NamedOrganization,
  selectMembershipIn,
} from "../store/memberships.ts";
import { callerOf } from "../store/sessions.ts";
import type { Statement } from "../store/sql.ts";
import { hashOf, verificationOf } from "./verify-session.ts";

/** An active membership, with its organization. */
export interface FoundMembership {
  readonly membership: Membership;
  readonly organization: Organization;
  /**
   * Until when the member may go without the passkey or second factor that the organization's security policy requires. Null if
   * nothing is missing.
   */
  readonly graceUntil: Date | null;
}

/** Checks of memberships for an application's own routes. */
export interface MembershipChecks {
  /**
   * Verifies a session and finds its user's active membership in an organization, in one request.
   *
   * @param input.organization The id of the organization, or its slug.
   * @throws {AuthError} `unauthorized.invalid_token`, `unauthorized.session_expired`, `unauthorized.mfa_required`; `not_found`
   *   if the user is no active member; `precondition.org_not_active` if the organization is suspended; if the session lacks what the
   *   organization's security policy asks for, `unauthorized.reauthentication_required`, `unauthorized.enrollment_required` or
   *   `forbidden.provider_not_allowed`.
   */
  verify: Operation<PresentedToken & { organization: string }, VerifiedSession & FoundMembership>;
  /**
   * Finds the active membership of a session's user in an organization.
   *
   * @param input.organization The id of the organization, or its slug.
   * @throws {AuthError} `not_found` if the user is no active member; `precondition.org_not_active` if the organization is
   *   suspended; and what the security policy asks for, as in `verify`.
   */
  find: Operation<{ actor: SessionActor; organization: string }, FoundMembership>;
}

export function membershipChecks(core: Core): MembershipChecks {
  return {
    async verify({ organization: name, ...presented }) {
      const tokenHash = await hashOf(presented);
      const session = work(verificationOf(core, presented, tokenHash));
      const member = membershipIn(name, callerOf(tokenHash));
      const [sessionRows, memberRows] = await executeAll(core, [session, member]);
      // The session first: without one, nothing is said of the organization.
      const verified = await answerOf(session, sessionRows!);
      return { ...verified, ...(await answerOf(member, memberRows!)) };
    },
    find: async ({ actor, organization: name }) => await execute(core, membershipIn(name, liveCallerOf(actor))),
  };
}

function membershipIn(name: string, caller: Statement): Work<FoundMembership> {
  const named: NamedOrganization = isValidId(name, "org") ? { organizationId: uuidFor("org", name) } : { slug: name };
  return work({
    body: selectMembershipIn(named, caller),
    onLostReply: "repeat",
    decode: (_row: FoundMembershipRow, [row]: readonly FoundMembershipRow[]) => {
      if (!row) throw new AuthError("not_found");
      if (row["organization.status"] !== "active") throw new AuthError("precondition.org_not_active");
      refuseUnmet(row);
      return {
        membership: toValue(membership, row),
        organization: toValue(organization, row, "organization."),
        graceUntil: row["standing.graceUntil"],
      };
    },
  });
}

/** @throws {AuthError} What the session lacks, with what the policy asks for in `details`. */
function refuseUnmet(row: FoundMembershipRow): void {
  const code = row["standing.refusal"];
  if (code === null) return;
  const { "standing.maxAgeSeconds": age, "standing.maxIdleSeconds": idle } = row;
  const asked = {
    require: row["standing.require"],
    ...(age !== null && { max_age_seconds: age }),
    ...(idle !== null && { max_idle_seconds: idle }),
  };
  refuse(code, code === "forbidden.provider_not_allowed" ? undefined : asked);
}
