import type { Audited } from "../domain/act.ts";
import { signInLimited, signInWithPasskey } from "../domain/acts/sign-in.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { type AuditEvent, insertAuditEvent } from "./audit.ts";
import { type Admission, admissionColumns, type Counter, countAttempts } from "./counters.ts";
import { type Cte, cte, type Handle, handle, materialized } from "./cte.ts";
import { type FactorAttempt, holderOf } from "./factor-holder.ts";
import type { Material } from "./factor-proofs.ts";
import { passwordNamed } from "./identifiers.ts";
import { type SpentChallenge, spendChallenge } from "./spent-challenges.ts";
import { type AllOrNull, type Statement, sql } from "./sql.ts";

export interface RegistrationOptionsRow {
  readonly refusal: string | null;
  readonly userId: string;
  /** Hex. */
  readonly handle: string;
  /** The identifier that the user signed in with. */
  readonly loginName: string;
  readonly displayName: string | null;
  /** The user's registered credentials, so that no authenticator is registered twice. */
  readonly credentials: readonly StoredCredential[];
  readonly now: Date;
}

/** A credential id, and the transports of its authenticator, all separated by spaces: drivers agree on lists of texts only. */
export type StoredCredential = string;

/**
 * The CTE of the holder who registers a passkey: refused also with as many passkeys as a user may have. The batch has locked the
 * user.
 *
 * @param attempt.most How many that are not revoked.
 * @param attempt.makesSession As in {@link holderOf}.
 */
export function registrantOf(
  attempt: Pick<FactorAttempt, "holder"> & { most: number; makesSession?: boolean },
): Cte<"holder"> {
  const holder = holderOf(attempt, { makesSession: attempt.makesSession ?? false });
  const define = sql`${holder.define},
    registrant as materialized (
      select holder.usr_id, holder.cred_id, coalesce(holder.refusal, case when (
        select count(*) from cred where cred.usr_id = holder.usr_id and cred.type = 'passkey' and cred.status <> 'revoked'
      ) >= ${attempt.most}::int then 'precondition.limit_reached' end) as refusal from holder)`;
  return { define, name: handle(sql`registrant`) };
}

/** The data for the options of a registration. */
export function selectRegistrationOptions(
  attempt: Pick<FactorAttempt, "holder"> & { newHandle: string; most: number },
): Statement<RegistrationOptionsRow> {
  const holder = registrantOf(attempt);
  const webauthn = ensureHandle(holder.name, attempt.newHandle);
  const { columns, join } = registrationOptions(holder.name, webauthn.name);
  return sql`
    with ${holder.define},
    ${webauthn.define}
    select ${holder.name}.refusal, ${columns} from ${holder.name} ${join}`;
}

/** The CTE `handle`: the user's handle, drawn by whichever request is first. */
export function ensureHandle(holder: Handle<"holder">, newHandle: string): Cte<"handle"> {
  const body = sql`
      insert into webauthn_user as w (usr_id, handle)
      select usr_id, decode(${newHandle}, 'hex') from ${holder} where refusal is null
      on conflict (usr_id) do update set usr_id = excluded.usr_id
      returning w.handle`;
  return cte(sql`handle`, body);
}

/** The data for the options of an assertion by a known user. */
export function selectAssertionOptions(
  attempt: Pick<FactorAttempt, "holder">,
): Statement<{ refusal: string | null; credentials: readonly StoredCredential[]; now: Date }> {
  return sql`
    with ${holderOf(attempt, { isStepUp: true }).define}
    select holder.refusal, ${activeCredentials(sql`holder.usr_id`)} as credentials, sallyport_now() as now
    from holder`;
}

/** The passkeys of the user with an identifier, and the time: the same work whether or not there is such a user. */
export function selectSignInOptions(
  identifiers: readonly string[],
): Statement<{ credentialIds: readonly string[]; now: Date }> {
  return sql`
    select sallyport_now() as now, array(
      select passkey.identifier from ${passwordNamed(identifiers)} named
      join usr on usr.id = named.usr_id and usr.status = 'active'
      join cred passkey on passkey.usr_id = usr.id and passkey.type = 'passkey' and passkey.status = 'active'
      order by passkey.id) as "credentialIds"`;
}

/** The columns of a {@link RegistrationOptionsRow} except `refusal`, and their sources in addition to `holder`. */
export function registrationOptions(
  holder: Handle<"holder">,
  webauthn: Handle<"handle">,
): { columns: Statement; join: Statement } {
  return {
    columns: sql`${holder}.usr_id as "userId",
      encode(${webauthn}.handle, 'hex') as handle, coalesce(named.identifier, usr.display_name, 'account') as "loginName", usr.display_name as "displayName",
      ${activeCredentials(sql`${holder}.usr_id`)} as credentials, sallyport_now() as now`,
    join: sql`left join ${webauthn} on true left join usr on usr.id = ${holder}.usr_id
    left join lateral (
      select password.identifier from cred password
      where password.usr_id = ${holder}.usr_id and password.type = 'password' and password.status = 'active'
      order by password.id <> ${holder}.cred_id, password.id limit 1) named on true`,
  };
}

function activeCredentials(userId: Statement): Statement {
  return sql`array(
      select concat_ws(' ', held.identifier, array_to_string(coalesce(w.transports, held.transports), ' ')) from (
        select identifier, null as transports from cred
        where cred.usr_id = ${userId} and cred.type = 'passkey' and cred.status = 'active'
        union all
        select identifier, webauthn_transports from mfa
        where mfa.usr_id = ${userId} and mfa.type = 'webauthn' and mfa.status = 'active') held
      left join webauthn_credential w on w.credential_id = held.identifier and w.usr_id = ${userId}
      order by held.identifier)`;
}

/** A new credential of an authenticator, proved by a registration. */
export interface RegisteredKey {
  readonly credentialId: string;
  /** Hex. */
  readonly publicKey: string;
  readonly signCount: number;
  readonly rpId: string;
  readonly transports: readonly string[];
  readonly aaguid: string | null;
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
  /** True if its id is a decoy from sign-in options (S26). */
  readonly isDecoy: boolean;
  readonly challenge: SpentChallenge;
}

/** A claim to the answered challenge, and to the credential id if no user has had it. */
export interface Claim {
  /** The CTEs `unspent` and `claimed`. */
  readonly define: Statement;
  /** The authenticator's data, for a credential id that no user has had. */
  readonly claimed: Handle<"claimed">;
  /** SQL for why the registration is refused, or null. */
  readonly refusal: Statement;
}

export function claimCredentialId(holder: Handle<"holder">, key: RegisteredKey, name: string | null): Claim {
  const from = sql`${holder} where ${holder}.refusal is null and ${key.challenge.expiresAt}::timestamptz > sallyport_now()`;
  const unspent = cte<"unspent">(sql`unspent`, spendChallenge(key.challenge, from));
  const claimed = cte<"claimed">(
    sql`claimed`,
    sql`
      insert into webauthn_credential (credential_id, usr_id, name, transports, aaguid, backup_eligible, backed_up)
      select ${key.credentialId}, ${holder}.usr_id, ${name}::text, ${key.transports}::text[], ${key.aaguid}::uuid,
        ${key.backupEligible}::boolean, ${key.backedUp}::boolean
      from ${holder} cross join ${unspent.name}
      -- Another SDK writes no row to this table, so the next lines look for its credentials.
      where not ${key.isDecoy}::boolean
        and not exists (select from cred other where other.type = 'passkey' and other.identifier = ${key.credentialId})
        and not exists (select from mfa other where other.type = 'webauthn' and other.identifier = ${key.credentialId})
      on conflict (credential_id) do nothing
      returning webauthn_credential.*`,
  );
  const refusal = sql`coalesce(${holder}.refusal,
      case when not exists (select from ${unspent.name}) then 'invalid_format.webauthn'
        when not exists (select from ${claimed.name}) then 'conflict.duplicate_credential' end)`;
  return { define: sql`${unspent.define}, ${claimed.define}`, claimed: claimed.name, refusal };
}

/** The data to verify an assertion. */
export type AssertionMaterial = AllOrNull<{
  /** The row of the credential or of the factor. */
  readonly factorId: string;
  readonly userId: string;
  /** Hex. */
  readonly publicKey: string;
  readonly signCount: string;
}> & {
  readonly backupEligible: boolean | null;
  /** Hex. */
  readonly handle: string | null;
};

/** Reads the holder's key with a given id. */
export function assertionMaterial(credentialId: string): Material {
  return {
    columns: sql`key.id as "factorId", encode(key.public_key, 'hex') as "publicKey", key.sign_count::text as "signCount",
    w.backup_eligible as "backupEligible", encode(coalesce(w.handle, whose.handle), 'hex') as handle`,
    join: (holder) => sql`left join (
      select id, usr_id, passkey_public_key as public_key, passkey_sign_count as sign_count from cred
      where type = 'passkey' and identifier = ${credentialId} and status = 'active'
      union all
      select id, usr_id, webauthn_public_key, webauthn_sign_count from mfa
      where type = 'webauthn' and identifier = ${credentialId} and status = 'active') key on key.usr_id = ${holder}.usr_id
    left join webauthn_credential w on w.credential_id = ${credentialId} and w.usr_id = key.usr_id
    left join webauthn_user whose on whose.usr_id = key.usr_id`,
  };
}

export type ReservedAssertionRow = AssertionMaterial & Admission;

/**
 * Counts an attempt to sign in with a passkey and returns its key. Always one row. It counts for the address only: signatures
 * cannot be guessed, and a stranger's passwords or assertions must not keep an owner from their passkey (S22).
 */
export function reservePasskeySignIn(attempt: {
  credentialId: string;
  counters: readonly Counter[];
  auditId: string;
  context: RequestContext;
  credentialDigest: string;
}): Statement<ReservedAssertionRow> {
  const { columns, join } = assertionMaterial(attempt.credentialId);
  const holder = materialized<"holder">(
    sql`holder`,
    sql`
      select cred.id, cred.usr_id from cred join usr on usr.id = cred.usr_id and usr.status = 'active'
      where cred.type = 'passkey' and cred.identifier = ${attempt.credentialId} and cred.status = 'active'`,
  );
  return sql`
    with ${holder.define},
    ${countAttempts({ id: attempt.auditId, counters: attempt.counters })},
    audit as (${insertAuditEvent(
      { ...passkeyEvent(attempt, signInLimited), outcome: "denied", repeatable: true },
      sql`reserved where just_limited`,
    )})
    select ${admissionColumns()}, holder.usr_id as "userId", ${columns}
    from reserved left join holder on reserved.allowed ${join(holder.name)}`;
}

/** The event of a failed sign-in with a passkey. It is also written for unknown passkeys. */
export function recordFailedPasskey(attempt: {
  auditId: string;
  context: RequestContext;
  credentialDigest: string;
  reason: string;
}): Statement {
  return insertAuditEvent(
    {
      ...passkeyEvent(attempt, signInWithPasskey),
      outcome: "failure",
      repeatable: true,
      metadata: sql`jsonb_build_object('method', 'passkey', 'reason', ${attempt.reason}::text)`,
    },
    sql`(select 1) one`,
  );
}

function passkeyEvent(
  { auditId, context, credentialDigest }: { auditId: string; context: RequestContext; credentialDigest: string },
  act: Audited,
): Omit<AuditEvent, "outcome"> {
  return { id: auditId, act, context, targetId: sql`${credentialDigest}::text` };
}
