import type { Core } from "../engine/core.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { type CredentialOperations, credentialOperations } from "./credentials.ts";
import { type ChangePassword, changePasswordOperation } from "./password-change.ts";
import { type SessionOperations, sessionOperations } from "./sessions.ts";
import { type UserOperations, userOperations } from "./users.ts";

/** The operations that the feature `accounts` adds to `auth`. */
export interface AccountAuth {
  readonly users: UserOperations;
  readonly credentials: CredentialOperations;
  readonly sessions: SessionOperations;
  readonly changePassword: ChangePassword;
}

/** The operations on accounts. */
export function accountParts(core: Core): FeatureParts<AccountAuth> {
  return {
    operations: {
      users: userOperations(core),
      credentials: credentialOperations(core),
      sessions: sessionOperations(core),
      changePassword: changePasswordOperation(core),
    },
  };
}
