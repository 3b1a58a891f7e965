/**
 * A user's passkeys: their credentials, with the data from their authenticators.
 *
 * @module
 */
import * as acts from "../domain/acts/passkey.ts";
import { passkey } from "../domain/passkey.ts";
import type { Prefixed, RowOf } from "../domain/record.ts";
import { type Asked, type AskedOfUser, insertAuditEvent } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { endings } from "./endings.ts";
import { type FactorAttempt, factorEvent } from "./factor-holder.ts";
import { withMethods } from "./factor-spending.ts";
import { type Guarded, guardedChange, guardedList, ofOwned, ofUser } from "./guarded.ts";
import { insertSession, type NewSession, recalled, type SessionUserRow, sessionUserColumns } from "./sessions.ts";
import { type Statement, sql } from "./sql.ts";
import { claimCredentialId, type RegisteredKey, registrantOf } from "./webauthn.ts";

export type PasskeyRow = RowOf<typeof passkey>;

/** A new passkey, and the session that replaces the session of its registration. */
export type RegisteredRow = SessionUserRow & Prefixed<PasskeyRow, "passkey"> & { readonly refusal: string | null };

/** The columns of a {@link PasskeyRow}, read from the rows called `cred` and `w`, the authenticator's data. */
const columns = (prefix = "") =>
  columnsOf(
    "cred",
    passkey,
    {
      name: sql`w.name`,
      transports: sql`coalesce(w.transports, '{}')`,
      aaguid: sql`w.aaguid::text`,
      backupEligible: sql`coalesce(w.backup_eligible, false)`,
      backedUp: sql`coalesce(w.backed_up, false)`,
      lastUsedAt: sql`w.last_used_at`,
    },
    prefix,
  );

/** SQL that joins the data of the authenticator of `cred`, as `w`. */
const withAuthenticator = () => sql`left join webauthn_credential w on w.credential_id = cred.identifier`;

/**
 * A passkey for the user of a fresh session. Its registration proves it, so a session that includes the proof replaces the acting
 * one, as after a step-up: a copy of the old token gains nothing (S14). The batch has locked the user.
 */
export function insertPasskey(
  attempt: FactorAttempt & {
    holder: { sessionId: string };
    passkeyId: string;
    name: string | null;
    key: RegisteredKey;
    most: number;
    session: NewSession;
  },
): Statement<RegisteredRow> {
  const { key } = attempt;
  const holder = registrantOf({ ...attempt, makesSession: true });
  const claim = claimCredentialId(holder.name, key, attempt.name);
  return sql`
    with ${holder.define},
    ${claim.define},
    cred as (
      insert into cred (id, usr_id, type, identifier, passkey_public_key, passkey_sign_count, passkey_rp_id)
      select ${attempt.passkeyId}::uuid, usr_id, 'passkey', credential_id, decode(${key.publicKey}, 'hex'),
        ${String(key.signCount)}::bigint, ${key.rpId}
      from ${claim.claimed}
      returning *)${endings(sql`cred`, attempt.auditId, {
        sessions: sql`ses.id = ${attempt.holder.sessionId}::uuid`,
        grants: sql`mfa_enrollment_grant.usr_id = cred.usr_id`,
      })},
    opened as (${insertSession(
      attempt.session,
      sql`(select holder.usr_id, holder.cred_id, holder.remember, holder.family_id, holder.family_expires_at,
          ${withMethods(sql`holder.amr`, { type: "webauthn" })} as amr, sallyport_now() as auth_time, sallyport_now() as mfa_verified_at
        from holder cross join cred)`,
      sql`proof.remember`,
      { id: sql`proof.family_id`, endsAt: sql`proof.family_expires_at` },
    )}),
    audit as (${insertAuditEvent(
      {
        ...factorEvent(attempt, holder.name),
        outcome: sql`case when cred.id is null then 'failure' else 'success' end`,
        targetKind: "cred",
        targetId: sql`${attempt.passkeyId}::uuid`,
        session: sql`opened.id`,
        metadata: sql`jsonb_strip_nulls(jsonb_build_object('refusal', ${claim.refusal}))`,
      },
      sql`${holder.name} left join cred on true left join opened on true where ${holder.name}.usr_id is not null`,
    )})
    select ${claim.refusal} as refusal, ${columns("passkey.")}, ${sessionUserColumns()}
    from ${holder.name} left join cred on true left join ${claim.claimed} w on true
    left join opened ses on true left join usr on usr.id = ses.usr_id`;
}

/** The outcome of a registration whose reply was lost. */
export function recallRegistration(passkeyId: string, auditId: string, sessionId: string): Statement<RegisteredRow> {
  return sql`
    select aud.metadata ->> 'refusal' as refusal, ${columns("passkey.")}, ${sessionUserColumns()}
    ${recalled({ auditId, sessionId }, sql`left join cred on cred.id = ${passkeyId}::uuid ${withAuthenticator()}`)}`;
}

/** The passkey as it is now, if the operation that made the event committed. */
export function recallPasskey(passkeyId: string, auditId: string): Statement<PasskeyRow> {
  return sql`
    select ${columns()}
    from aud left join cred on cred.id = ${passkeyId}::uuid ${withAuthenticator()}
    where aud.id = ${auditId}::uuid`;
}

/** A user's passkeys that are not revoked, oldest first. If there are none, one row holds the refusal. */
export function selectPasskeysOfUser(asked: AskedOfUser): Statement<Guarded<PasskeyRow>> {
  return guardedList({
    ...ofUser(acts.listPasskeys, asked),
    of: sql`cred`,
    where: sql`cred.type = 'passkey' and cred.status <> 'revoked'`,
    columns: columns(),
    join: withAuthenticator(),
  });
}

/** Renames a passkey. The batch has locked the user. */
export function renamePasskey(asked: Asked & { passkeyId: string; name: string }): Statement<PasskeyRow> {
  return guardedChange({
    ...ofOwned(acts.renamePasskey, asked, sql`cred`, asked.passkeyId),
    refusal: ({ target }) => sql`case when ${target}.type <> 'passkey' then 'not_found'
      when ${target}.status = 'revoked' then 'conflict.already_terminal' end`,
    set: sql`updated_at = sallyport_now()`,
    also: ({ changed }) => sql`,
      renamed as (
        insert into webauthn_credential as k (credential_id, usr_id, name, backup_eligible, backed_up)
        select identifier, usr_id, ${asked.name}, null, null from ${changed}
        on conflict (credential_id) do update set name = excluded.name
        returning k.*)`,
    columns: columns(),
    join: sql`left join renamed w on true`,
  });
}
