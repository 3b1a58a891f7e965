import type { GuardedAct } from "../domain/act.ts";
import type { Actor } from "../domain/actor.ts";
import { type Credential, type CredentialType, credential } from "../domain/credential.ts";
import { type CredentialId, newAuditId, uuidFor } from "../domain/id.ts";
import { toValue } from "../domain/record.ts";
import type { Core } from "../engine/core.ts";
import type { Work } from "../engine/execute.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { lockOfCounter, lockUsersOf } from "../engine/locks.ts";
import type { Asked } from "../store/audit.ts";
import * as store from "../store/credentials.ts";
import type { Lock } from "../store/locks.ts";
import type { CurrentPassword } from "../store/password-proof.ts";
import type { Statement } from "../store/sql.ts";
import type { OnlyOwn } from "./only-own.ts";

/** The work of changing a credential's state. */
export function changeWork(
  { issuers }: Pick<Core, "issuers">,
  act: GuardedAct,
  { credentialId, ...input }: { actor: Actor; credentialId: CredentialId; onlyType?: CredentialType } & OnlyOwn,
  statement: typeof store.revokeCredential,
  proof: CurrentPassword | undefined,
): Work<Credential> {
  const asked = { ...input, proof, issuers, auditId: newAuditId(), credentialId: uuidFor("cred", credentialId) };
  const locks = [lockUsersOf(store.userOfCredential(asked.credentialId)), ...lockOfCounter(proof?.counter)];
  return credentialWork(act, asked, asked.credentialId, statement(asked), locks);
}

/**
 * The work of an act on a credential.
 *
 * @param asked.resultId The credential to return, if it is not the target.
 */
export function credentialWork(
  act: GuardedAct,
  asked: Asked & { resultId?: string },
  target: string,
  body: Statement<store.CredentialRow>,
  locks: readonly Lock[],
): Work<Credential> {
  return guardedWork(act, asked, target, {
    locks,
    body,
    onLostReply: store.recallCredential(asked.resultId ?? target, asked.auditId),
    decode: toCredential,
  });
}

export function toCredential(row: store.CredentialRow): Credential {
  return toValue(credential, row);
}
