import type { SystemActor } from "../domain/actor.ts";
import * as acts from "../domain/acts/provider.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, type UserId, uuidFor } from "../domain/id.ts";
import { isIssuerAmong, type LinkedIdentity, linkedIdentity } from "../domain/identity-provider.ts";
import { toValue } from "../domain/record.ts";
import type { FederationCore } from "../engine/federation-settings.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { type PlannableOperation, plannableChange } from "../engine/plan.ts";
import { lockIdentifier } from "../store/identifiers.ts";
import { insertImportedIdentity } from "../store/identity-import.ts";
import { lockIdentity, recallIdentity } from "../store/linked-identities.ts";
import { lockUser } from "../store/locks.ts";
import { isSubject, newIdentity, providerOf } from "./provider-answer.ts";

/** An identity that another system has linked to the user. */
export interface ImportedIdentity {
  /** Only the application may: the identity has not been proved here. */
  readonly actor: SystemActor;
  readonly userId: UserId;
  /** The name of a provider in the list. */
  readonly provider: string;
  /** Default: the provider's own. A provider of many tenants, such as Microsoft, needs it. */
  readonly issuer?: string | undefined;
  /** Who it is at the issuer, as a sign-in would say: 1 to 255 characters. Never an address. */
  readonly subject: string;
  readonly email?: string | undefined;
  /** True only if the other system knows that the provider had verified the address, or verified it itself. Default false. */
  readonly emailVerified?: boolean | undefined;
  /** How lists show an identity without an address. */
  readonly name?: string | undefined;
}

/** Bringing identities from another system. */
export interface ImportOperations {
  /**
   * Links an identity that another system has linked, so that its user can sign in with it. No route does this. Importing it again
   * returns it as it is. One that the user has unlinked does not come back.
   *
   * @throws {AuthError} `not_found`, `invalid_format.subject_id`, `precondition.user_not_active`, `conflict.identity_in_use`,
   *   `conflict.already_terminal`, `precondition.limit_reached`.
   */
  import: PlannableOperation<ImportedIdentity, LinkedIdentity>;
}

export function importOperations(core: FederationCore): ImportOperations {
  return {
    import: plannableChange(core, ({ actor, userId, provider: name, subject, emailVerified = false, ...given }) => {
      const provider = providerOf(core, name);
      const { issuer = provider.issuers[0]! } = given;
      // A template of issuers is none.
      if (!isIssuerAmong(provider.issuers, issuer)) throw new AuthError("not_found");
      if (!isSubject(subject)) throw new AuthError("invalid_format.subject_id");
      const identity = newIdentity(core, name, { ...given, issuer, subject, emailVerified });
      const { credentialId, email } = identity;
      const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
      return guardedWork(acts.importIdentity, asked, credentialId, {
        locks: [...lockIdentity(identity), ...(email === null ? [] : lockIdentifier(email)), lockUser(asked.userId)],
        body: insertImportedIdentity({ ...asked, identity, most: core.maxIdentities }),
        onLostReply: recallIdentity(credentialId, asked.auditId),
        decode: (row) => toValue(linkedIdentity, row),
      });
    }),
  };
}
