/**
 * Writes the `@throws` tags of the operations from the rows of the acts, so that a comment names exactly the codes that the
 * OpenAPI document and the tests read from the same rows.
 *
 * @module
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Act } from "../src/domain/act.ts";
import * as activity from "../src/domain/acts/activity.ts";
import * as administrator from "../src/domain/acts/administrator.ts";
import * as credential from "../src/domain/acts/credential.ts";
import * as invitation from "../src/domain/acts/deployment-invitation.ts";
import * as factor from "../src/domain/acts/factor.ts";
import * as limit from "../src/domain/acts/limit.ts";
import * as mailedLink from "../src/domain/acts/mailed-link.ts";
import * as membership from "../src/domain/acts/membership.ts";
import * as merging from "../src/domain/acts/merging.ts";
import * as notice from "../src/domain/acts/notice.ts";
import * as organization from "../src/domain/acts/organization.ts";
import * as organizationDomain from "../src/domain/acts/organization-domain.ts";
import * as organizationInvitation from "../src/domain/acts/organization-invitation.ts";
import * as passkey from "../src/domain/acts/passkey.ts";
import * as token from "../src/domain/acts/personal-access-token.ts";
import * as identity from "../src/domain/acts/provider.ts";
import * as recovery from "../src/domain/acts/recovery.ts";
import * as session from "../src/domain/acts/session.ts";
import * as signIn from "../src/domain/acts/sign-in.ts";
import * as terms from "../src/domain/acts/terms.ts";
import * as tuple from "../src/domain/acts/tuple.ts";
import * as user from "../src/domain/acts/user.ts";
import * as verification from "../src/domain/acts/verification.ts";

/** The act of each operation, by the type that declares it; `null` for one that is no act, so its comment has no row to follow. */
const acts: Readonly<Record<string, Act | null>> = {
  "OrganizationOperations.create": organization.createOrganization,
  "OrganizationOperations.get": organization.getOrganization,
  "OrganizationOperations.list": organization.listOrganizations,
  "OrganizationOperations.update": organization.updateOrganization,
  "OrganizationOperations.suspend": organization.suspendOrganization,
  "OrganizationOperations.reinstate": organization.reinstateOrganization,
  "OrganizationOperations.revoke": organization.revokeOrganization,
  "SecurityPolicyOperations.getSecurityPolicy": organization.getSecurityPolicy,
  "SecurityPolicyOperations.setSecurityPolicy": organization.setSecurityPolicy,
  "OrganizationDomainOperations.add": organizationDomain.addDomain,
  "OrganizationDomainOperations.list": organizationDomain.listDomains,
  "OrganizationDomainOperations.prove": organizationDomain.proveDomain,
  "OrganizationDomainOperations.setJoining": organizationDomain.setJoining,
  "OrganizationDomainOperations.remove": organizationDomain.removeDomain,
  "JoiningOperations.joinable": organizationDomain.listJoinable,
  "JoiningOperations.join": organizationDomain.joinByDomain,
  "JoiningOperations.withdraw": organizationDomain.withdrawRequest,
  "JoiningOperations.requests": organizationDomain.listRequests,
  "JoiningOperations.approve": organizationDomain.approveRequest,
  "JoiningOperations.decline": organizationDomain.declineRequest,
  "MembershipChecks.verify": null,
  "MembershipChecks.find": null,
  "MembershipOperations.add": membership.addMember,
  "MembershipOperations.get": membership.getMembership,
  "MembershipOperations.list": membership.listMembers,
  "MembershipOperations.listOfUser": membership.listMemberships,
  "MembershipOperations.history": membership.getMembershipHistory,
  "MembershipOperations.changeRole": membership.changeRole,
  "MembershipOperations.suspend": membership.suspendMembership,
  "MembershipOperations.reinstate": membership.reinstateMembership,
  "MembershipOperations.leave": membership.leaveOrganization,
  "MembershipOperations.remove": membership.removeMember,
  "MembershipOperations.transferOwnership": membership.transferOwnership,
  "OrganizationInvitationOperations.create": organizationInvitation.createInvitation,
  "OrganizationInvitationOperations.get": organizationInvitation.getInvitation,
  "OrganizationInvitationOperations.list": organizationInvitation.listInvitations,
  "OrganizationInvitationOperations.revoke": organizationInvitation.revokeInvitation,
  "InvitedOperations.look": organizationInvitation.lookAtInvitation,
  "InvitedOperations.accept": organizationInvitation.acceptInvitation,
  "InvitedOperations.acceptAsNewUser": organizationInvitation.acceptInvitationAsNewUser,
  "InvitedOperations.decline": organizationInvitation.declineInvitation,
  "InvitedOperations.acceptFor": organizationInvitation.acceptInvitationFor,
  "InvitedOperations.declineFor": organizationInvitation.declineInvitationFor,
  "ActivityOperations.list": activity.listActivity,
  "AdministratorOperations.grant": administrator.grantAdministrator,
  "AdministratorOperations.remove": administrator.removeAdministrator,
  "CredentialOperations.createPassword": credential.createCredential,
  "CredentialOperations.createOwnPassword": credential.createCredential,
  "CredentialOperations.get": credential.getCredential,
  "CredentialOperations.list": credential.listCredentials,
  "CredentialOperations.findByIdentifier": credential.findCredential,
  "CredentialOperations.rotatePassword": credential.rotateCredential,
  "CredentialOperations.rotateOwnPassword": credential.rotateCredential,
  "CredentialOperations.suspend": credential.suspendCredential,
  "CredentialOperations.suspendOwnPassword": credential.suspendCredential,
  "CredentialOperations.reinstate": credential.reinstateCredential,
  "CredentialOperations.revoke": credential.revokeCredential,
  "CredentialOperations.revokeOwnPassword": credential.revokeCredential,
  AcceptInvitation: invitation.acceptInvitation,
  "LinkOperations.look": { ...mailedLink.exchangeCode, refusals: ["unauthorized.invalid_link"] },
  LookAtInvitation: {
    ...invitation.acceptInvitation,
    refusals: ["unauthorized.invalid_link", "forbidden.sign_up_closed"],
  },
  "InvitationOperations.create": invitation.createInvitation,
  "InvitationOperations.list": invitation.listInvitations,
  "InvitationOperations.mayInvite": null,
  "InvitationOperations.revoke": invitation.revokeInvitation,
  "DiscoveryOperations.discover": identity.discoverProvider,
  "ImportOperations.import": identity.importIdentity,
  "FederationOperations.start": identity.startProviderSignIn,
  "FederationOperations.look": null,
  "FederationOperations.finish": identity.signInWithProvider,
  "FederationOperations.finishLink": identity.linkIdentity,
  "FederationOperations.finishStepUp": identity.stepUpWithProvider,
  "FederationOperations.link": identity.linkProvedIdentity,
  "FederationOperations.heed": identity.endProviderSessions,
  "FederationOperations.accessToken": identity.readProviderToken,
  "FederationOperations.list": identity.listIdentities,
  "FederationOperations.unlink": identity.unlinkIdentity,
  "MergingOperations.begin": merging.beginMerge,
  "MergingOperations.merge": merging.mergeUsers,
  "TermsOperations.accept": terms.acceptTerms,
  "LimitOperations.list": limit.listLimits,
  "LimitOperations.lift": limit.liftLimit,
  ChangePassword: credential.changePassword,
  "FactorOperations.list": factor.listFactors,
  "FactorOperations.enrollTotp": factor.enrollFactor,
  "FactorOperations.confirmTotp": factor.confirmFactor,
  "FactorOperations.replaceRecoveryCodes": {
    ...factor.enrollFactor,
    refusals: ["precondition.factor_needed_first", "too_many_requests", "unavailable.busy"],
  },
  "FactorOperations.revoke": factor.revokeFactor,
  "IdentifierOperations.requestVerification": verification.requestVerification,
  "IdentifierOperations.verify": verification.verifyIdentifier,
  "IdentifierOperations.requestChange": verification.requestIdentifierChange,
  "IdentifierOperations.confirmChange": verification.changeIdentifier,
  "PasswordResetOperations.request": mailedLink.requestPasswordReset,
  "PasswordResetOperations.confirm": mailedLink.resetPassword,
  "MailedSignInOperations.request": {
    ...mailedLink.requestSignInLink,
    refusals: ["not_found", "too_many_requests"],
  },
  "MailedSignInOperations.confirm": {
    ...mailedLink.signInWithLink,
    refusals: ["not_found", ...mailedLink.signInWithLink.refusals!],
  },
  "MailedSignUpOperations.request": mailedLink.requestSignUp,
  "MailedSignUpOperations.confirm": mailedLink.confirmSignUp,
  "CodeOperations.exchange": mailedLink.exchangeCode,
  "NoticeOperations.disown": notice.disownNotice,
  "RecoveryOperations.start": recovery.startRecovery,
  "RecoveryOperations.cancel": recovery.cancelRecovery,
  "RecoveryOperations.finish": recovery.finishRecovery,
  "MfaPolicyOperations.get": factor.getMfaPolicy,
  "MfaPolicyOperations.set": factor.setMfaPolicy,
  "MfaPolicyOperations.grantEnrollment": factor.grantEnrollment,
  "PasskeyOperations.registrationOptions": null,
  "PasskeyOperations.register": passkey.registerPasskey,
  "PasskeyOperations.list": passkey.listPasskeys,
  "PasskeyOperations.rename": passkey.renamePasskey,
  "PasskeyOperations.revoke": passkey.revokeOwnPasskey,
  "PasskeyOperations.proofOptions": null,
  "PasskeySignInOperations.signIn": signIn.signInWithPasskey,
  "PersonalAccessTokenOperations.create": token.createPat,
  "PersonalAccessTokenOperations.get": token.getPat,
  "PersonalAccessTokenOperations.list": token.listPats,
  "PersonalAccessTokenOperations.revoke": token.revokePat,
  "PersonalAccessTokenOperations.verify": token.verifyPat,
  "SecondFactorOperations.signInWithFactor": factor.verifyFactor,
  "SecondFactorOperations.verifyMfa": factor.verifyFactor,
  "SecondFactorOperations.stepUp": session.stepUp,
  "SecurityKeyOperations.enroll": factor.enrollFactor,
  "SecurityKeyOperations.confirm": factor.confirmFactor,
  "SessionOperations.create": session.createSession,
  "SessionOperations.verify": null,
  "SessionOperations.get": session.getSession,
  "SessionOperations.list": session.listSessions,
  "SessionOperations.refresh": session.refreshSession,
  "SessionOperations.revoke": session.revokeSession,
  "SessionOperations.revokeOthers": session.revokeOtherSessions,
  "SessionOperations.signOut": session.signOut,
  "SignInOperations.signIn": signIn.signIn,
  "SignInOperations.verifyPassword": signIn.signIn,
  SignUp: signIn.signUp,
  "TupleChecks.check": {
    ...tuple.check,
    refusals: tuple.check.refusals!.filter((code) => code !== "invalid_format.relations"),
  },
  "TupleChecks.checkAny": tuple.check,
  "TupleChecks.checkMany": null,
  "TupleChecks.checkSession": null,
  "TupleOperations.create": tuple.createTuple,
  "TupleOperations.delete": {
    ...tuple.deleteTuple,
    // No user writes such tuples, so no route says so.
    refusals: ["precondition.companion_tuple", ...tuple.deleteTuple.refusals!],
  },
  "TupleOperations.get": tuple.getTuple,
  "TupleOperations.listBySubject": tuple.listTuplesBySubject,
  "TupleOperations.listByObject": tuple.listTuplesByObject,
  "TupleOperations.deleteBySubject": {
    ...tuple.deleteTuples,
    refusals: ["invalid_format.subject_type", "invalid_format.subject_id"],
  },
  "TupleOperations.deleteByObject": {
    ...tuple.deleteTuples,
    refusals: ["invalid_format.object_type", "invalid_format.object_id"],
  },
  "UserOperations.create": user.createUser,
  "UserOperations.get": user.getUser,
  "UserOperations.update": user.updateUser,
  "UserOperations.list": user.listUsers,
  "UserOperations.suspend": user.suspendUser,
  "UserOperations.reinstate": user.reinstateUser,
  "UserOperations.revoke": user.revokeUser,
  "UserOperations.revokeOwn": user.revokeUser,
};

/** A comment, and the name that it explains: a member of an interface, or a type of an operation. */
const operation = /^( *)\/\*\*(?:(?!\*\/)[\s\S])*?\*\/\n\1(?:export type )?(\w+)(?: =|:) (?:Plannable)?Operation</gm;

/** The lines of a tag, at most 130 wide as the formatter keeps code. */
function tagOf(codes: readonly string[], indent: string): string[] {
  const lines: string[] = [`${indent} * @throws {AuthError}`];
  for (const [index, code] of codes.entries()) {
    const word = `\`${code}\`${index === codes.length - 1 ? "." : ","}`;
    if (`${lines.at(-1)} ${word}`.length <= 128) lines.push(`${lines.pop()} ${word}`);
    else lines.push(`${indent} *   ${word}`);
  }
  return codes.length === 0 ? [] : lines;
}

/** A comment with the tag that belongs to it, whatever it had before. */
function withTag(comment: string, codes: readonly string[], indent: string): string {
  const text = comment
    .replace(/^\s*\/\*\*\s?/, "")
    .replace(/\s*\*\/$/, "")
    .split("\n")
    .map((line) => line.replace(/^ *\* ?/, ""))
    .join("\n")
    .replace(/\n*@throws \{AuthError\}[\s\S]*$/, "")
    .trim();
  const tag = tagOf(codes, indent);
  if (tag.length === 0 && !text.includes("\n")) return `${indent}/** ${text} */`;
  const lines = text.split("\n").map((line) => `${indent} *${line && ` ${line}`}`);
  const gap = tag.length > 0 && !/^@\w/m.test(text) ? [`${indent} *`] : [];
  return [`${indent}/**`, ...lines, ...gap, ...tag, `${indent} */`].join("\n");
}

/** A source with the tags of its operations. @throws {TypeError} If an operation has no row in the table. */
export function withOperationTags(source: string, remaining: Set<string> = new Set()): string {
  return source.replace(operation, (found: string, indent: string, name: string, offset: number) => {
    const holder = indent && [...source.slice(0, offset).matchAll(/^export interface (\w+)/gm)].at(-1)?.[1];
    const key = holder ? `${holder}.${name}` : name;
    const act = acts[key];
    if (act === undefined) throw new TypeError(`The operation ${key} has no row in build/operation-refusals.node.ts.`);
    remaining.delete(key);
    if (act === null) return found;
    const end = found.lastIndexOf("*/") + 2;
    return withTag(found.slice(0, end), act.refusals ?? [], indent) + found.slice(end);
  });
}

const folder = new URL("../src/operations/", import.meta.url);

/** The files of operations whose text differs from what their acts say, with the right text; and rows without an operation. */
export function operationTags(): { changed: Map<URL, string>; remaining: string[] } {
  const changed = new Map<URL, string>();
  const remaining = new Set(Object.keys(acts));
  for (const name of readdirSync(folder)) {
    const file = new URL(name, folder);
    const source = readFileSync(file, "utf8");
    const written = withOperationTags(source, remaining);
    if (written !== source) changed.set(file, written);
  }
  return { changed, remaining: [...remaining] };
}

export function writeOperationTags(): void {
  for (const [file, text] of operationTags().changed) writeFileSync(file, text);
}
