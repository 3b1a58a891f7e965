/**
 * Notices: the table of what an account's owner is told of, whether the owner or another person did it.
 *
 * @module
 */
import { grantAdministrator } from "./acts/administrator.ts";
import * as credentials from "./acts/credential.ts";
import * as factors from "./acts/factor.ts";
import { resetPassword } from "./acts/mailed-link.ts";
import * as members from "./acts/membership.ts";
import { keepInMerge } from "./acts/merging.ts";
import { registerPasskey } from "./acts/passkey.ts";
import { createPat } from "./acts/personal-access-token.ts";
import { linkIdentity } from "./acts/provider.ts";
import { refreshSession } from "./acts/session.ts";
import { signIn } from "./acts/sign-in.ts";
import { revokeUser } from "./acts/user.ts";
import { changeIdentifier, verifyIdentifier } from "./acts/verification.ts";

/** The kind of a notice, as a message. */
export type NoticeKind =
  | "password_changed"
  | "password_reset"
  | "password_added"
  | "credential_ended"
  | "passkey_added"
  | "identity_linked"
  | "factor_added"
  | "factor_removed"
  | "recovery_codes_made"
  | "enrollment_permitted"
  | "token_made"
  | "token_reused"
  | "administrator_granted"
  | "address_verified"
  | "address_changed"
  | "new_device"
  | "accounts_merged"
  | "membership_given"
  | "membership_suspended"
  | "membership_ended"
  | "account_closed";

/** The kind of the notice that each act owes to every verified address of the user. */
export function noticeOf(): ReadonlyMap<string, NoticeKind> {
  return new Map<string, NoticeKind>([
    [credentials.changePassword.action, "password_changed"],
    [credentials.rotateCredential.action, "password_changed"],
    [resetPassword.action, "password_reset"],
    [credentials.createCredential.action, "password_added"],
    [credentials.suspendCredential.action, "credential_ended"],
    [credentials.revokeCredential.action, "credential_ended"],
    [registerPasskey.action, "passkey_added"],
    [linkIdentity.action, "identity_linked"],
    [factors.confirmFactor.action, "factor_added"],
    [factors.revokeFactor.action, "factor_removed"],
    // Only of recovery codes: an app or a key is new when it is confirmed.
    [factors.enrollFactor.action, "recovery_codes_made"],
    [factors.grantEnrollment.action, "enrollment_permitted"],
    [createPat.action, "token_made"],
    // Not to the address itself.
    [verifyIdentifier.action, "address_verified"],
    // The old address gets another message, which the change itself owes.
    [changeIdentifier.action, "address_changed"],
    // Only if the token was used a second time, which ends its family.
    [refreshSession.action, "token_reused"],
    [grantAdministrator.action, "administrator_granted"],
    // On the account that is kept. An address that came with the other one gets no link.
    [keepInMerge.action, "accounts_merged"],
    // If another user than the member did it. Without a link: no stranger got into the account.
    [members.addMember.action, "membership_given"],
    [members.changeRole.action, "membership_given"],
    [members.reinstateMembership.action, "membership_given"],
    [members.transferOwnership.action, "membership_given"],
    // To the heir.
    [members.leaveOrganization.action, "membership_given"],
    [members.suspendMembership.action, "membership_suspended"],
    [members.removeMember.action, "membership_ended"],
    // Without a link: an account is closed for good.
    [revokeUser.action, "account_closed"],
    // Only a session on a device and in a network that the user has not signed in from for half a year.
    [signIn.action, "new_device"],
    [factors.verifyFactor.action, "new_device"],
  ]);
}
