import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/organization.ts";
import { newAuditId, type OrganizationId, uuidFor } from "../domain/id.ts";
import { toValue } from "../domain/record.ts";
import {
  acceptSettings,
  type SecurityPolicy,
  type SecuritySettings,
  securityPolicy,
} from "../domain/security-policy.ts";
import type { Core } from "../engine/core.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { type Operation, type PlannableOperation, plannableChange } from "../engine/plan.ts";
import { readOne } from "../engine/reads.ts";
import { lockOrganization, type OfOrganization } from "../store/organizations.ts";
import * as store from "../store/security-policies.ts";

/** The caller, and the organization whose policy it is. */
export interface OfPolicy {
  /** The caller: the user of a verified session, or the application. */
  actor: Actor;
  organizationId: OrganizationId;
}

/** What an organization asks of the sessions of its members. */
export interface SecurityPolicyOperations {
  /**
   * Returns the security policy of an organization. Until it is set, it asks for nothing. Allowed for the organization's owners and
   * admins, the application and administrators.
   */
  getSecurityPolicy: Operation<OfPolicy, SecurityPolicy>;
  /**
   * Sets the whole security policy of an organization. It ends no session: those that lack what it asks for no longer give their
   * user a role. An owner's own session must have it, and one of the users of `breakGlass` must be an active owner
   * (`precondition.mem_not_active`). For the application, an organization that has ended is
   * `conflict.already_terminal`. Allowed for the organization's owners within ten minutes of a proof, and the
   * application.
   *
   * @throws {AuthError} `precondition.mem_not_active`.
   */
  setSecurityPolicy: PlannableOperation<OfPolicy & SecuritySettings, SecurityPolicy>;
}

export function securityPolicyOperations(core: Core): SecurityPolicyOperations {
  return {
    async getSecurityPolicy(input) {
      return await readOne(core, store.selectSecurityPolicy(ask(input)), toPolicy);
    },

    setSecurityPolicy: plannableChange(core, (input) => {
      const { breakGlass, ...settings } = acceptSettings(input);
      const users = breakGlass?.map((id) => uuidFor("usr", id)) ?? null;
      const asked = { ...ask(input), ...settings, breakGlass: users };
      return guardedWork(acts.setSecurityPolicy, asked, asked.organizationId, {
        locks: [lockOrganization(asked.organizationId)],
        body: store.setSecurityPolicy(asked),
        onLostReply: store.recallSecurityPolicy(asked.organizationId, asked.auditId),
        decode: toPolicy,
      });
    }),
  };
}

function ask({ actor, organizationId }: OfPolicy): OfOrganization {
  return { actor, auditId: newAuditId(), organizationId: uuidFor("org", organizationId) };
}

function toPolicy(row: store.SecurityPolicyRow): SecurityPolicy {
  return toValue(securityPolicy, row);
}
