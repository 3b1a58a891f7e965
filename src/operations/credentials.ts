import type { Actor } from "../domain/actor.ts";
import { type Credential, type CredentialType, credential } from "../domain/credential.ts";
import { type CredentialId, generateId, uuidFor } from "../domain/id.ts";
import { toValue } from "../domain/record.ts";
import { newAuditId } from "../engine/audit-id.ts";
import type { Core } from "../engine/core.ts";
import { denialOf } from "../engine/denial.ts";
import { type Work, work } from "../engine/execute.ts";
import { normalIdentifier, requireIdentifier } from "../engine/identifiers.ts";
import { lockOfCounter } from "../engine/locks.ts";
import { acceptPassword, hashPassword } from "../engine/passwords.ts";
import { type Operation, type PlannableOperation, plannable } from "../engine/plan.ts";
import { readAll, readOne } from "../engine/reads.ts";
import * as store from "../store/credentials.ts";
import { lockIdentifier } from "../store/identifiers.ts";
import type { Lock } from "../store/locks.ts";
import type { CurrentPassword } from "../store/password-proof.ts";
import { type Statement, sql } from "../store/sql.ts";
import { type CheckedPassword, withOwnPassword } from "./current-password.ts";

interface OfCredential {
  actor: Actor;
  credentialId: string;
}

interface NewPassword {
  actor: Actor;
  userId: string;
  identifier: string;
  password: string;
}

/** Of the actor: a session of theirs may be a thief's (R008). */
interface Proved {
  currentPassword: string;
}

/** Password credentials (Flametrench `docs/identity.md`); passkeys and OpenID Connect ones are read here, not made. */
export interface CredentialOperations {
  /**
   * Adds a password to a user: for themself, within ten minutes of signing in, if they have none; and for the application.
   *
   * @throws {AuthError} `unauthorized.invalid_credential` to an owner who has one and has not proved it.
   */
  createPassword: PlannableOperation<NewPassword, Credential, { credentialId: CredentialId }>;
  /** The same by somebody who has one, and proves it. Throws as `auth.changePassword` does. */
  createOwnPassword: Operation<NewPassword & Proved, Credential>;
  /** The credential; for its owner, the application and administrators. @throws {AuthError} `not_found`. */
  get: Operation<OfCredential, Credential>;
  /** All of a user's, in every state, oldest first. */
  listForUser: Operation<{ actor: Actor; userId: string }, readonly Credential[]>;
  /** The active one with an identifier, or `undefined`; for the application and administrators. */
  findByIdentifier: Operation<{ actor: Actor; type: CredentialType; identifier: string }, Credential | undefined>;
  /**
   * Puts a new password in the old one's place, as a new credential that `replaces` it. Ends all sessions and tickets of
   * the user. For the application; an owner proves the old one: `rotateOwnPassword`.
   */
  rotatePassword: PlannableOperation<OfCredential & { password: string }, Credential, { credentialId: CredentialId }>;
  /**
   * The same by its owner, who proves the current password (R008). Throws as `auth.changePassword` does; for whoever may not
   * know the credential it is not there.
   */
  rotateOwnPassword: Operation<OfCredential & Proved & { password: string }, Credential>;
  /**
   * Ends the sessions and tickets that it gave; reversible by an administrator alone, and until then its owner can neither revoke
   * a password nor close the account. An owner proves a password: `suspendOwnPassword`.
   */
  suspend: PlannableOperation<OfCredential, Credential>;
  suspendOwnPassword: Operation<OfCredential & Proved, Credential>;
  /** @throws {AuthError} `conflict.duplicate_credential` if the identifier was taken meanwhile. */
  reinstate: PlannableOperation<OfCredential, Credential>;
  /**
   * Ends it for good, with the sessions and tickets that it gave. An owner proves a password: `revokeOwnPassword`.
   *
   * @param input.onlyOwnPasskey Nothing else, and not even an administrator ends another user's. Default false.
   */
  revoke: PlannableOperation<OfCredential & { onlyOwnPasskey?: boolean }, Credential>;
  revokeOwnPassword: Operation<OfCredential & Proved, Credential>;
}

export function credentialOperations(core: Core): CredentialOperations {
  return {
    createPassword: plannable(core, async (_core, input) => await prepareCreation(input, undefined)),

    async createOwnPassword({ currentPassword, ...input }) {
      // Before an attempt is counted.
      await acceptPassword(core, input.password, requireIdentifier(core, input.identifier));
      const proving = { actor: input.actor, currentPassword, action: "identity.credential.create" };
      return await withOwnPassword(core, proving, async (proof) => (await prepareCreation(input, proof)).work);
    },

    async get({ actor, credentialId }) {
      const act = { actor, auditId: newAuditId(), credentialId: uuidFor("cred", credentialId) };
      return await readOne(core, store.selectCredential(act), toCredential);
    },

    async listForUser({ actor, userId }) {
      return await readAll(
        core,
        store.selectCredentialsOfUser({ actor, auditId: newAuditId(), userId: uuidFor("usr", userId) }),
        toCredential,
      );
    },

    async findByIdentifier({ actor, type, identifier }) {
      const stored = type === "password" ? normalIdentifier(core, identifier) : identifier;
      if (stored === undefined) return undefined;
      const body = store.selectCredentialByIdentifier({ actor, auditId: newAuditId(), type, identifier: stored });
      return await readOne(core, body, (row) => (row.id === null ? undefined : toCredential(row)));
    },

    rotatePassword: plannable(core, async (_core, input) => await prepareRotation(input, undefined)),

    async rotateOwnPassword({ currentPassword, ...input }) {
      const { actor, credentialId, password } = input;
      // Before an attempt is counted.
      await acceptPassword(core, password, actor.subject);
      const proving = { actor, currentPassword, credentialId, action: "identity.credential.rotate" };
      return await withOwnPassword(core, proving, async (proof) => (await prepareRotation(input, proof)).work);
    },

    suspend: change("suspend", store.suspendCredential),
    suspendOwnPassword: changeOwnPassword("suspend", store.suspendCredential),
    reinstate: change("reinstate", store.reinstateCredential),
    revoke: change("revoke", store.revokeCredential),
    revokeOwnPassword: changeOwnPassword("revoke", store.revokeCredential),
  };

  async function prepareCreation(
    { actor, userId, identifier, password }: NewPassword,
    proof: CurrentPassword | undefined,
  ) {
    const normal = requireIdentifier(core, identifier);
    const { needsFactor } = await acceptPassword(core, password, normal);
    const credentialId = generateId("cred");
    const act = { actor, auditId: newAuditId(), credentialId: uuidFor("cred", credentialId) };
    const body = store.insertPasswordCredential({
      ...act,
      proof,
      userId: uuidFor("usr", userId),
      identifier: normal,
      passwordHash: await hashPassword(core, password),
      needsFactor,
    });
    // In a batch of several plans the lock must be one of those that come first, in order (S30).
    const locks = [
      { on: "usr", key: sql`select ${uuidFor("usr", userId)}::uuid as id` } as const,
      ...lockIdentifier(normal),
      ...lockOfCounter(proof?.bucket),
    ];
    return { work: { ...credentialWork(act, "create", body), locks }, known: { credentialId } };
  }

  async function prepareRotation(
    { actor, credentialId, password }: OfCredential & { password: string },
    proof: CheckedPassword | undefined,
  ) {
    const { needsFactor } = await acceptPassword(core, password, proof?.identifier ?? actor.subject);
    const newCredentialId = generateId("cred");
    const act = { actor, auditId: newAuditId(), credentialId: uuidFor("cred", credentialId) };
    const body = store.rotatePasswordCredential({
      ...act,
      proof,
      newCredentialId: uuidFor("cred", newCredentialId),
      passwordHash: await hashPassword(core, password),
      needsFactor,
    });
    const rotation = credentialWork({ ...act, resultId: uuidFor("cred", newCredentialId) }, "rotate", body);
    return { work: locked(rotation, act.credentialId), known: { credentialId: newCredentialId } };
  }

  function change(
    verb: string,
    statement: typeof store.revokeCredential,
  ): PlannableOperation<OfCredential & { onlyOwnPasskey?: boolean }, Credential> {
    return plannable(core, async (_core, input) => ({
      work: changeWork(input, verb, statement, undefined),
      known: {},
    }));
  }

  function changeOwnPassword(
    verb: string,
    statement: typeof store.revokeCredential,
  ): Operation<OfCredential & Proved, Credential> {
    return async ({ currentPassword, ...input }) =>
      await withOwnPassword(core, { ...input, currentPassword, action: `identity.credential.${verb}` }, (proof) =>
        changeWork(input, verb, statement, proof),
      );
  }
}

function changeWork(
  { credentialId, ...input }: OfCredential & { onlyOwnPasskey?: boolean },
  verb: string,
  statement: typeof store.revokeCredential,
  proof: CurrentPassword | undefined,
): Work<Credential> {
  const act = { ...input, proof, auditId: newAuditId(), credentialId: uuidFor("cred", credentialId) };
  return locked(credentialWork(act, verb, statement(act)), act.credentialId, lockOfCounter(proof?.bucket));
}

function credentialWork(
  act: { actor: Actor; auditId: string; credentialId: string; resultId?: string },
  verb: string,
  body: Statement<store.CredentialRow>,
): Work<Credential> {
  return work({
    body,
    onLostReply: store.recallCredential(act.resultId ?? act.credentialId, act.auditId),
    answer: toCredential,
    denial: denialOf(act.actor, `identity.credential.${verb}`, "cred", act.credentialId),
  });
}

function locked(change: Work<Credential>, credentialId: string, more: readonly Lock[] = []): Work<Credential> {
  return { ...change, locks: [{ on: "usr", key: store.userOfCredential(credentialId) }, ...more] };
}

function toCredential(row: store.CredentialRow): Credential {
  return toValue(credential, row);
}
