import type { Who } from "./act.ts";
import * as administrators from "./acts/administrator.ts";
import * as credentials from "./acts/credential.ts";
import * as factors from "./acts/factor.ts";
import * as passkeys from "./acts/passkey.ts";
import * as pats from "./acts/personal-access-token.ts";
import * as sessions from "./acts/session.ts";
import * as users from "./acts/user.ts";

/** Who may do an act: the `who` of its row. */
export type AccessRule = Who;

/** The rules of guarded acts by name, for the table of routes. */
export const accessRules = {
  createUser: users.createUser.who as Who,
  getUser: users.getUser.who as Who,
  updateUser: users.updateUser.who as Who,
  listUsers: users.listUsers.who as Who,
  suspendUser: users.suspendUser.who as Who,
  reinstateUser: users.reinstateUser.who as Who,
  revokeUser: users.revokeUser.who as Who,
  createCredential: credentials.createCredential.who as Who,
  getCredential: credentials.getCredential.who as Who,
  listCredentials: credentials.listCredentials.who as Who,
  findCredential: credentials.findCredential.who as Who,
  rotateCredential: credentials.rotateCredential.who as Who,
  suspendCredential: credentials.suspendCredential.who as Who,
  reinstateCredential: credentials.reinstateCredential.who as Who,
  revokeCredential: credentials.revokeCredential.who as Who,
  changePassword: credentials.changePassword.who as Who,
  revokeOwnPasskey: passkeys.revokeOwnPasskey.who as Who,
  listPasskeys: passkeys.listPasskeys.who as Who,
  registerPasskey: passkeys.registerPasskey.who as Who,
  renamePasskey: passkeys.renamePasskey.who as Who,
  getSession: sessions.getSession.who as Who,
  listSessions: sessions.listSessions.who as Who,
  revokeSession: sessions.revokeSession.who as Who,
  stepUp: sessions.stepUp.who as Who,
  listFactors: factors.listFactors.who as Who,
  enrollFactor: factors.enrollFactor.who as Who,
  confirmFactor: factors.confirmFactor.who as Who,
  revokeFactor: factors.revokeFactor.who as Who,
  revokeOwnFactor: factors.revokeOwnFactor.who as Who,
  getMfaPolicy: factors.getMfaPolicy.who as Who,
  setMfaPolicy: factors.setMfaPolicy.who as Who,
  grantEnrollment: factors.grantEnrollment.who as Who,
  createPat: pats.createPat.who as Who,
  getPat: pats.getPat.who as Who,
  listPats: pats.listPats.who as Who,
  revokePat: pats.revokePat.who as Who,
  revokeOwnPat: pats.revokeOwnPat.who as Who,
  grantAdministrator: administrators.grantAdministrator.who as Who,
  removeAdministrator: administrators.removeAdministrator.who as Who,
} as const;
