/**
 * A user's passkeys: credentials of theirs with what their authenticators have told.
 *
 * @module
 */
import { accessRules } from "../domain/access-rules.ts";
import type { Actor } from "../domain/actor.ts";
import { passkey } from "../domain/passkey.ts";
import type { RowOf } from "../domain/record.ts";
import { insertAuditEvent } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { type FactorAttempt, factorEvent, holderOf } from "./factor-holder.ts";
import { guardedChange, guardRead, ofUser } from "./guarded.ts";
import { type Statement, sql } from "./sql.ts";
import { claimCredentialId, claimRefusal, type RegisteredKey } from "./webauthn.ts";

export type PasskeyRow = RowOf<typeof passkey>;

/** The columns of a {@link PasskeyRow}, of the rows that are called `cred` and `w`, what its authenticator has told. */
const columns = () =>
  columnsOf("cred", passkey, {
    name: sql`w.name`,
    transports: sql`coalesce(w.transports, '{}')`,
    aaguid: sql`w.aaguid::text`,
    backupEligible: sql`coalesce(w.backup_eligible, false)`,
    backedUp: sql`coalesce(w.backed_up, false)`,
    lastUsedAt: sql`w.last_used_at`,
  });

/** A passkey for the user of a fresh session. The batch has locked the user. */
export function insertPasskey(
  attempt: FactorAttempt & { passkeyId: string; name: string | null; key: RegisteredKey },
): Statement<PasskeyRow & { refusal: string | null }> {
  const { key } = attempt;
  return sql`
    with ${holderOf(attempt, false)},
    ${claimCredentialId(key, attempt.name)},
    cred as (
      insert into cred (id, usr_id, type, identifier, passkey_public_key, passkey_sign_count, passkey_rp_id)
      select ${attempt.passkeyId}::uuid, usr_id, 'passkey', credential_id, decode(${key.publicKey}, 'hex'),
        ${String(key.signCount)}::bigint, ${key.rpId}
      from claimed
      returning *),
    used_leave as (delete from mfa_enrollment_grant leave using cred where leave.usr_id = cred.usr_id),
    audit as (${insertAuditEvent(
      {
        ...factorEvent(attempt),
        outcome: sql`case when cred.id is null then 'failure' else 'success' end`,
        targetKind: "cred",
        targetId: sql`${attempt.passkeyId}::uuid`,
        metadata: sql`jsonb_strip_nulls(jsonb_build_object('refusal', ${claimRefusal()}))`,
      },
      sql`holder left join cred on true where holder.usr_id is not null`,
    )})
    select ${claimRefusal()} as refusal, ${columns()}
    from holder left join cred on true left join claimed w on true`;
}

/** The passkey as it is now, if the operation that made the event committed. */
export function recallPasskey(passkeyId: string, auditId: string): Statement<PasskeyRow & { refusal: string | null }> {
  return sql`
    select aud.metadata ->> 'refusal' as refusal, ${columns()}
    from aud left join cred on cred.id = ${passkeyId}::uuid
    left join webauthn_credential w on w.credential_id = cred.identifier
    where aud.id = ${auditId}::uuid`;
}

interface PasskeyAct {
  readonly actor: Actor;
  readonly auditId: string;
}

/** A user's passkeys that are not revoked, oldest first, with one row that holds the refusal where there are none. */
export function selectPasskeysOfUser(
  act: PasskeyAct & { userId: string },
): Statement<PasskeyRow & { refusal: string | null }> {
  return sql`
    with ${guardRead(ofUser(act, "identity.passkey.list", accessRules.listPasskeys))}
    select verdict.refusal, ${columns()}
    from verdict left join cred on cred.usr_id = verdict.id and verdict.refusal is null and cred.type = 'passkey'
      and cred.status <> 'revoked'
    left join webauthn_credential w on w.credential_id = cred.identifier
    order by cred.id`;
}

/** Gives a passkey another name. The batch has locked the user. */
export function renamePasskey(act: PasskeyAct & { passkeyId: string; name: string }): Statement<PasskeyRow> {
  return guardedChange({
    actor: act.actor,
    auditId: act.auditId,
    rule: accessRules.renamePasskey,
    table: sql`cred`,
    id: act.passkeyId,
    owner: sql`target.usr_id`,
    action: "identity.passkey.rename",
    targetKind: "cred",
    refusal: sql`case when target.type <> 'passkey' then 'not_found'
      when target.status = 'revoked' then 'conflict.already_terminal' end`,
    set: sql`updated_at = sallyport_now()`,
    when: sql`true`,
    cascade: sql`,
      renamed as (
        insert into webauthn_credential as k (credential_id, usr_id, name, backup_eligible, backed_up)
        select identifier, usr_id, ${act.name}, null, null from changed
        on conflict (credential_id) do update set name = excluded.name
        returning k.*)`,
    columns: columns(),
    join: sql`left join renamed w on true`,
  });
}
