/**
 * Who may do what, operation by operation: the one table of it. The statements enforce it, the routes and the OpenAPI
 * document state it, and a matrix of every route and kind of caller tests it.
 *
 * @module
 */

/** Who may do an operation to an object; the application itself always may. */
export interface AccessRule {
  /** The user whom the object belongs to. `"fresh"`: only within ten minutes of proving who they are (S04). */
  readonly owner: boolean | "fresh";
  /** An administrator with a second factor proved within half an hour (S05). */
  readonly administrator: boolean;
}

/**
 * An administrator reads, suspends, reinstates and revokes, and never gets a secret or gives a proof for somebody else: a
 * password, a session and its renewal are its owner's alone (S05, R030).
 */
const table = {
  createUser: { owner: false, administrator: true },
  getUser: { owner: true, administrator: true },
  updateUser: { owner: true, administrator: false },
  listUsers: { owner: false, administrator: true },
  suspendUser: { owner: false, administrator: true },
  reinstateUser: { owner: false, administrator: true },
  revokeUser: { owner: "fresh", administrator: true },

  createCredential: { owner: "fresh", administrator: false },
  getCredential: { owner: true, administrator: true },
  listCredentials: { owner: true, administrator: true },
  findCredential: { owner: false, administrator: true },
  rotateCredential: { owner: "fresh", administrator: false },
  suspendCredential: { owner: "fresh", administrator: true },
  // What an administrator has suspended, its owner must not bring back.
  reinstateCredential: { owner: false, administrator: true },
  revokeCredential: { owner: "fresh", administrator: true },
  // Under `/auth` everybody acts on their own account.
  revokeOwnPasskey: { owner: "fresh", administrator: false },
  changePassword: { owner: "fresh", administrator: false },

  getSession: { owner: true, administrator: true },
  listSessions: { owner: true, administrator: true },
  revokeSession: { owner: true, administrator: true },

  listFactors: { owner: true, administrator: true },
  enrollFactor: { owner: "fresh", administrator: false },
  confirmFactor: { owner: "fresh", administrator: false },
  revokeFactor: { owner: "fresh", administrator: true },
  revokeOwnFactor: { owner: "fresh", administrator: false },
  // Their owner and whoever forgot them; nobody proves a factor for somebody else.
  stepUp: { owner: true, administrator: false },
  getMfaPolicy: { owner: true, administrator: true },
  // An owner raises the policy and never lowers it (S04).
  setMfaPolicy: { owner: "fresh", administrator: true },
  grantEnrollment: { owner: false, administrator: true },

  listPasskeys: { owner: true, administrator: true },
  registerPasskey: { owner: "fresh", administrator: false },
  renamePasskey: { owner: true, administrator: false },

  createPat: { owner: "fresh", administrator: false },
  getPat: { owner: true, administrator: true },
  listPats: { owner: true, administrator: true },
  revokePat: { owner: true, administrator: true },
  revokeOwnPat: { owner: true, administrator: false },

  grantAdministrator: { owner: false, administrator: true },
  removeAdministrator: { owner: false, administrator: true },
} as const;

export type GuardedOperation = keyof typeof table;

export const accessRules: Readonly<Record<GuardedOperation, AccessRule>> = table;
