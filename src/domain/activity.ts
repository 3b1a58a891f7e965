/**
 * What users read of the audit log: the events of their own account, under names that stay the same when an act is renamed.
 *
 * @module
 */
import type { Audited } from "./act.ts";
import { grantAdministrator, removeAdministrator } from "./acts/administrator.ts";
import * as credentials from "./acts/credential.ts";
import { acceptInvitation } from "./acts/deployment-invitation.ts";
import * as factors from "./acts/factor.ts";
import { resetPassword } from "./acts/mailed-link.ts";
import * as memberships from "./acts/membership.ts";
import { keepInMerge } from "./acts/merging.ts";
import { disownNotice } from "./acts/notice.ts";
import { createOrganization } from "./acts/organization.ts";
import { acceptInvitation as joinOrganization } from "./acts/organization-invitation.ts";
import * as passkeys from "./acts/passkey.ts";
import * as tokens from "./acts/personal-access-token.ts";
import { endProviderSessions, importIdentity, linkIdentity } from "./acts/provider.ts";
import * as recovery from "./acts/recovery.ts";
import * as sessions from "./acts/session.ts";
import { signIn, signUp } from "./acts/sign-in.ts";
import { acceptTerms } from "./acts/terms.ts";
import * as users from "./acts/user.ts";
import { changeIdentifier, verifyIdentifier } from "./acts/verification.ts";
import type { ValueOf } from "./record.ts";

/** An event of an account, as its user sees it. */
export const activityEvent = {
  id: "aud id",
  at: "time",
  type: [
    "account_created",
    "signed_in",
    "first_factor_proved",
    "sign_in_failed",
    "second_factor_failed",
    "signed_out",
    "signed_out_at_provider",
    "session_ended",
    "other_sessions_ended",
    "session_token_reused",
    "password_added",
    "password_changed",
    "password_reset",
    "password_check_failed",
    "credential_suspended",
    "credential_reinstated",
    "credential_removed",
    "address_verified",
    "address_changed",
    "recovery_started",
    "recovery_stopped",
    "recovery_finished",
    "passkey_added",
    "identity_linked",
    "passkey_renamed",
    "factor_added",
    "factor_removed",
    "recovery_codes_made",
    "second_factor_policy_changed",
    "factor_enrollment_permitted",
    "token_created",
    "token_revoked",
    "profile_changed",
    "organization_created",
    "ownership_handed_over",
    "membership_added",
    "membership_role_changed",
    "membership_suspended",
    "membership_reinstated",
    "membership_ended",
    "accounts_merged",
    "terms_accepted",
    "account_locked",
    "account_suspended",
    "account_reinstated",
    "account_closed",
    "administrator_granted",
    "administrator_removed",
  ],
  /** `unknown`: a request without a session, such as a sign-in that failed. */
  by: ["user", "administrator", "application", "unknown"],
  /** The address of the request. Null if an administrator or the application did it: their addresses are their own. */
  address: "text?",
  /** The client's own name for itself. Null as for `address`. */
  userAgent: "text?",
} as const;

/** An event of an account, as its user sees it. */
export interface ActivityEvent extends ValueOf<typeof activityEvent> {}

/** What happened to an account. */
export type ActivityType = ActivityEvent["type"];

/** Which events are shown: those of an action with an outcome, and some only with a certain detail. */
export interface ShownEvent {
  readonly action: string;
  readonly outcome: "success" | "failure" | "denied";
  readonly type: ActivityType;
  /** `session`: it made a session; otherwise the type of its factor, or `none`. Default: any. */
  readonly detail?: "session" | "recovery" | "none";
}

/** The acts that check the current password of a session's user. */
const withPassword: readonly Audited[] = [
  credentials.changePassword,
  credentials.createCredential,
  credentials.rotateCredential,
  credentials.suspendCredential,
  credentials.revokeCredential,
  users.revokeUser,
  verifyIdentifier,
];

/** The events that are shown. Reads, refreshes, refusals and steps that lead to an event of this table are not in it. */
export function shownEvents(): readonly ShownEvent[] {
  const done = ({ action }: Audited, type: ActivityType): ShownEvent => ({ action, outcome: "success", type });
  const failed = ({ action }: Audited, type: ActivityType): ShownEvent => ({ action, outcome: "failure", type });
  return [
    done(signUp, "account_created"),
    done(users.createUser, "account_created"),
    done(acceptInvitation, "account_created"),
    // Whichever of the three makes the session has signed the user in.
    { ...done(signIn, "signed_in"), detail: "session" },
    { ...done(factors.verifyFactor, "signed_in"), detail: "session" },
    done(sessions.createSession, "signed_in"),
    { ...done(signIn, "first_factor_proved"), detail: "none" },
    failed(signIn, "sign_in_failed"),
    failed(factors.verifyFactor, "second_factor_failed"),
    failed(factors.confirmFactor, "second_factor_failed"),
    failed(sessions.stepUp, "second_factor_failed"),
    failed(disownNotice, "second_factor_failed"),
    done(sessions.signOut, "signed_out"),
    done(sessions.revokeSession, "session_ended"),
    done(sessions.revokeOtherSessions, "other_sessions_ended"),
    done(endProviderSessions, "signed_out_at_provider"),
    { ...done(sessions.refreshSession, "session_token_reused"), outcome: "denied" },
    done(credentials.createCredential, "password_added"),
    done(credentials.changePassword, "password_changed"),
    done(credentials.rotateCredential, "password_changed"),
    done(resetPassword, "password_reset"),
    ...withPassword.map((act) => failed(act, "password_check_failed")),
    done(credentials.suspendCredential, "credential_suspended"),
    done(credentials.reinstateCredential, "credential_reinstated"),
    done(credentials.revokeCredential, "credential_removed"),
    done(verifyIdentifier, "address_verified"),
    done(changeIdentifier, "address_changed"),
    done(recovery.startRecovery, "recovery_started"),
    done(recovery.cancelRecovery, "recovery_stopped"),
    done(recovery.finishRecovery, "recovery_finished"),
    done(passkeys.registerPasskey, "passkey_added"),
    done(linkIdentity, "identity_linked"),
    done(importIdentity, "identity_linked"),
    done(passkeys.renamePasskey, "passkey_renamed"),
    done(factors.confirmFactor, "factor_added"),
    done(factors.revokeFactor, "factor_removed"),
    // Recovery codes have nothing to confirm.
    { ...done(factors.enrollFactor, "recovery_codes_made"), detail: "recovery" },
    done(factors.setMfaPolicy, "second_factor_policy_changed"),
    done(factors.grantEnrollment, "factor_enrollment_permitted"),
    done(tokens.createPat, "token_created"),
    done(tokens.revokePat, "token_revoked"),
    done(users.updateUser, "profile_changed"),
    done(createOrganization, "organization_created"),
    done(memberships.transferOwnership, "ownership_handed_over"),
    done(memberships.addMember, "membership_added"),
    done(joinOrganization, "membership_added"),
    done(memberships.changeRole, "membership_role_changed"),
    done(memberships.suspendMembership, "membership_suspended"),
    done(memberships.reinstateMembership, "membership_reinstated"),
    done(memberships.leaveOrganization, "membership_ended"),
    done(memberships.removeMember, "membership_ended"),
    done(keepInMerge, "accounts_merged"),
    done(acceptTerms, "terms_accepted"),
    done(disownNotice, "account_locked"),
    done(users.suspendUser, "account_suspended"),
    done(users.reinstateUser, "account_reinstated"),
    done(users.revokeUser, "account_closed"),
    done(grantAdministrator, "administrator_granted"),
    done(removeAdministrator, "administrator_removed"),
  ];
}
