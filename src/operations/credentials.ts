import type { GuardedAct } from "../domain/act.ts";
import type { Actor, SessionActor } from "../domain/actor.ts";
import * as acts from "../domain/acts/credential.ts";
import type { Credential, CredentialType } from "../domain/credential.ts";
import { type CredentialId, generateId, newAuditId, type UserId, uuidFor } from "../domain/id.ts";
import { Admissions, hashFor } from "../engine/admission.ts";
import type { Core } from "../engine/core.ts";
import { identifiersFor, requireIdentifier } from "../engine/identifiers.ts";
import { lockOfCounter, lockUsersOf } from "../engine/locks.ts";
import type { Page } from "../engine/page.ts";
import { acceptPassword, hashNewPassword } from "../engine/passwords.ts";
import { type Operation, type PlannableOperation, plannable, plannableChange } from "../engine/plan.ts";
import { readAll, readOne } from "../engine/reads.ts";
import type { Counted } from "../store/counters.ts";
import * as store from "../store/credentials.ts";
import { lockIdentifier } from "../store/identifiers.ts";
import { lockUser } from "../store/locks.ts";
import type { CurrentPassword } from "../store/password-proof.ts";
import { changeWork, credentialWork, toCredential } from "./credential-changes.ts";
import { type CheckedPassword, withOwnPassword } from "./current-password.ts";
import type { OnlyOwn } from "./only-own.ts";

/** The caller, and the credential to act on. */
export interface OfCredential {
  actor: Actor;
  credentialId: CredentialId;
}

/** A new password for a user. */
export interface NewPassword {
  actor: Actor;
  userId: UserId;
  identifier: string;
  password: string;
}

/** The current password of the actor, because the session may be stolen. */
export interface ProvedByPassword {
  actor: SessionActor;
  currentPassword: string;
}

/** Another password of the user that `currentPassword` is. Default: the one that the act is on, of which the actor may know nothing. */
export interface ProvedByAnother {
  provedBy?: CredentialId | undefined;
}

/** Credentials (Flametrench `docs/identity.md`). Only passwords are created here; `auth.passkeys` registers passkeys. */
export interface CredentialOperations {
  /**
   * Adds a password to a user. Allowed for the application, and for users without a password within ten minutes of a proof.
   * An owner who already has a password proves it with `createOwnPassword`.
   *
   * @throws {AuthError} `invalid_format.identifier`, `invalid_format.password`, `conflict.duplicate_credential`,
   *   `unauthorized.invalid_credential`, `too_many_requests`, `unavailable.busy`.
   */
  createPassword: PlannableOperation<NewPassword, Credential, { credentialId: CredentialId }>;
  /**
   * Adds a password for an owner who already has one and proves it.
   *
   * @throws {AuthError} `invalid_format.identifier`, `invalid_format.password`, `conflict.duplicate_credential`,
   *   `unauthorized.invalid_credential`, `too_many_requests`, `unavailable.busy`.
   */
  createOwnPassword: Operation<NewPassword & ProvedByPassword, Credential>;
  /** Returns a credential. Allowed for its owner, the application and administrators. */
  get: Operation<OfCredential & OnlyOwn, Credential>;
  /** All of a user's credentials in one page, in every state, oldest first. */
  list: Operation<{ actor: Actor; userId: UserId }, Page<Credential>>;
  /** The active credential with an identifier, or `undefined`. Allowed for the application and administrators. */
  findByIdentifier: Operation<{ actor: Actor; type: CredentialType; identifier: string }, Credential | undefined>;
  /**
   * Replaces a password with a new credential, which `replaces` the old one. Ends all sessions and tickets of the user. Allowed
   * for the application only. An owner must prove the old password and uses `rotateOwnPassword`.
   *
   * @throws {AuthError} `invalid_format.password`, `conflict.credential_not_active`, `conflict.credential_type_mismatch`,
   *   `unauthorized.invalid_credential`, `too_many_requests`, `unavailable.busy`.
   */
  rotatePassword: PlannableOperation<OfCredential & { password: string }, Credential, { credentialId: CredentialId }>;
  /**
   * Replaces a password for its owner, who must prove the current password. A caller who
   * may not read the credential gets the answer for an absent credential.
   *
   * @throws {AuthError} `invalid_format.password`, `conflict.credential_not_active`, `conflict.credential_type_mismatch`,
   *   `unauthorized.invalid_credential`, `too_many_requests`, `unavailable.busy`.
   */
  rotateOwnPassword: Operation<OfCredential & ProvedByPassword & { password: string }, Credential>;
  /**
   * Suspends a credential and ends the sessions and tickets that started with it. Only an administrator can reverse this. While
   * a password is suspended, its owner can neither revoke it nor close the account. To suspend their own password, owners use
   * `suspendOwnPassword`, which requires the password.
   *
   * @throws {AuthError} `forbidden`, `conflict.already_terminal`, `conflict.last_way_in`, `conflict.last_factor`,
   *   `conflict.credential_not_active`, `conflict.credential_type_mismatch`, `unauthorized.invalid_credential`,
   *   `too_many_requests`, `unavailable.busy`.
   */
  suspend: PlannableOperation<OfCredential & OnlyOwn, Credential>;
  /**
   * Suspends a password for its owner, who proves the current password.
   *
   * @throws {AuthError} `forbidden`, `conflict.already_terminal`, `conflict.last_way_in`, `conflict.last_factor`,
   *   `conflict.credential_not_active`, `conflict.credential_type_mismatch`, `unauthorized.invalid_credential`,
   *   `too_many_requests`, `unavailable.busy`.
   */
  suspendOwnPassword: Operation<OfCredential & ProvedByPassword & ProvedByAnother, Credential>;
  /**
   * Reinstates a suspended credential, unless its identifier was taken in the meantime. Allowed for the application and
   * administrators.
   *
   * @throws {AuthError} `precondition.invalid_transition`, `precondition.user_not_active`, `conflict.duplicate_credential`.
   */
  reinstate: PlannableOperation<OfCredential, Credential>;
  /**
   * Ends a credential for good, and the sessions and tickets that started with it. To revoke their own password, owners use
   * `revokeOwnPassword`, which requires the password.
   *
   * @throws {AuthError} `forbidden`, `conflict.already_terminal`, `conflict.last_way_in`, `conflict.last_factor`,
   *   `conflict.credential_not_active`, `conflict.credential_type_mismatch`, `unauthorized.invalid_credential`,
   *   `too_many_requests`, `unavailable.busy`.
   */
  revoke: PlannableOperation<OfCredential & OnlyOwn, Credential>;
  /**
   * Revokes a password for its owner, who proves it, or with `provedBy` another password of theirs: the account may have one that
   * its owner did not set.
   *
   * @throws {AuthError} `forbidden`, `conflict.already_terminal`, `conflict.last_way_in`, `conflict.last_factor`,
   *   `conflict.credential_not_active`, `conflict.credential_type_mismatch`, `unauthorized.invalid_credential`,
   *   `too_many_requests`, `unavailable.busy`.
   */
  revokeOwnPassword: Operation<OfCredential & ProvedByPassword & ProvedByAnother, Credential>;
}

export function credentialOperations(core: Core): CredentialOperations {
  const admissions = new Admissions();
  return {
    createPassword: plannable(core, async (input) => await prepareCreation(input, undefined)),

    async createOwnPassword({ currentPassword, ...input }) {
      // Checked before an attempt is counted.
      acceptPassword(core, input.password, requireIdentifier(core, input.identifier));
      const proving = { actor: input.actor, currentPassword, act: acts.createCredential };
      return await withOwnPassword(core, proving, async (proof) => (await prepareCreation(input, proof)).work);
    },

    async get({ actor, credentialId, onlyOwn }) {
      const asked = { actor, onlyOwn, auditId: newAuditId(), credentialId: uuidFor("cred", credentialId) };
      return await readOne(core, store.selectCredential(asked), toCredential);
    },

    async list({ actor, userId }) {
      const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
      return await readAll(core, store.selectCredentialsOfUser(asked), toCredential);
    },

    async findByIdentifier({ actor, type, identifier }) {
      const identifiers = type === "password" ? identifiersFor(core, identifier) : [identifier];
      const body = store.selectCredentialByIdentifier({ actor, auditId: newAuditId(), type, identifiers });
      return await readOne(core, body, (row) => (row.id === null ? undefined : toCredential(row)));
    },

    rotatePassword: plannable(core, async (input) => await prepareRotation(input, undefined)),

    async rotateOwnPassword({ currentPassword, ...input }) {
      const { actor, credentialId, password } = input;
      // Checked before an attempt is counted.
      acceptPassword(core, password, actor.subject);
      const proving = { actor, currentPassword, credentialId, act: acts.rotateCredential };
      return await withOwnPassword(core, proving, async (proof) => (await prepareRotation(input, proof)).work);
    },

    suspend: change(acts.suspendCredential, store.suspendCredential),
    suspendOwnPassword: changeOwnPassword(acts.suspendCredential, store.suspendCredential),
    reinstate: change(acts.reinstateCredential, store.reinstateCredential),
    revoke: change(acts.revokeCredential, store.revokeCredential),
    revokeOwnPassword: changeOwnPassword(acts.revokeCredential, store.revokeCredential),
  };

  async function prepareCreation(
    { actor, userId, identifier, password }: NewPassword,
    proof: CurrentPassword | undefined,
  ) {
    const normal = requireIdentifier(core, identifier);
    const { needsFactor } = acceptPassword(core, password, normal);
    const credentialId = generateId("cred");
    const asked = { actor, auditId: newAuditId(), newCredentialId: uuidFor("cred", credentialId) };
    const owner = uuidFor("usr", userId);
    const passwordHash = await hashOf(password, actor, proof);
    const body = store.insertPasswordCredential({
      ...asked,
      ...{ proof, userId: owner, identifier: normal, passwordHash, needsFactor },
    });
    // In a batch of several plans, all locks come first, in order, and this lock must be one of them (S30).
    const locks = [lockUser(owner), ...lockIdentifier(normal), ...lockOfCounter(proof?.counter)];
    const work = credentialWork(acts.createCredential, asked, asked.newCredentialId, body, locks);
    return { work, known: { credentialId } };
  }

  async function prepareRotation(
    { actor, credentialId, password }: OfCredential & { password: string },
    proof: CheckedPassword | undefined,
  ) {
    const { needsFactor } = acceptPassword(core, password, proof?.identifier ?? actor.subject);
    const newId = generateId("cred");
    const asked = { actor, auditId: newAuditId(), credentialId: uuidFor("cred", credentialId) };
    const newCredentialId = uuidFor("cred", newId);
    const passwordHash = await hashOf(password, actor, proof);
    const body = store.rotatePasswordCredential({ ...asked, proof, newCredentialId, passwordHash, needsFactor });
    const locks = [lockUsersOf(store.userOfCredential(asked.credentialId))];
    const work = credentialWork(
      acts.rotateCredential,
      { ...asked, resultId: newCredentialId },
      asked.credentialId,
      body,
      locks,
    );
    return { work, known: { credentialId: newId } };
  }

  /** If the current password was proved, an attempt has already been counted. */
  async function hashOf(password: string, actor: Actor, proof: CurrentPassword | undefined): Promise<string> {
    await core.acceptance.history?.(core, password, actor.userId);
    const hash = (counted: readonly Counted[] = []) => hashNewPassword(core, password, counted);
    return proof ? await hash() : await hashFor(core, admissions, actor, hash);
  }

  function change(
    act: GuardedAct,
    statement: typeof store.revokeCredential,
  ): PlannableOperation<OfCredential & OnlyOwn, Credential> {
    return plannableChange(core, (input) => changeWork(core, act, input, statement, undefined));
  }

  function changeOwnPassword(
    act: GuardedAct,
    statement: typeof store.revokeCredential,
  ): Operation<OfCredential & ProvedByPassword & ProvedByAnother, Credential> {
    return async ({ currentPassword, provedBy, ...input }) => {
      const { actor, credentialId } = input;
      const proving = { actor, currentPassword, credentialId: provedBy ?? credentialId, act };
      return await withOwnPassword(core, proving, (proof) =>
        changeWork(core, act, { ...input, onlyType: "password" }, statement, proof),
      );
    };
  }
}
