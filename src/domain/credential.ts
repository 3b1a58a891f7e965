import type { CredentialId, UserId } from "./id.ts";
import type { Status } from "./user.ts";

export type CredentialType = "password" | "passkey" | "oidc";

/** A proof kept on file. Its secret is never part of it. */
export interface Credential {
  readonly id: CredentialId;
  readonly userId: UserId;
  readonly type: CredentialType;
  readonly identifier: string;
  readonly status: Status;
  /** The credential that this one took the place of. */
  readonly replaces: CredentialId | null;
  readonly passkeyRpId: string | null;
  readonly oidcIssuer: string | null;
  readonly oidcSubject: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
