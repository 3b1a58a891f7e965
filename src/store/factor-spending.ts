/**
 * Spending a proof: the isolate has checked it, and the database must find its data unchanged.
 *
 * @module
 */
import { refund } from "./counters.ts";
import { type Cte, type Handle, handle } from "./cte.ts";
import { hasPassword } from "./held-factors.ts";
import { renameProviderSession } from "./provider-sessions.ts";
import { type SpentChallenge, spendChallenge } from "./spent-challenges.ts";
import { type Statement, sql } from "./sql.ts";

/** A proof that the isolate has checked. The database must find its data unchanged. */
export type CheckedFactor =
  | { readonly type: "password"; readonly factorId: string; readonly hash: string }
  | { readonly type: "totp"; readonly factorId: string; readonly step: number }
  | { readonly type: "recovery"; readonly factorId: string; readonly slot: number; readonly hash: string }
  | ({ readonly type: "webauthn" } & CheckedAssertion);

/** Any proof of an account's own that steps up a session. */
export type CheckedProof = CheckedFactor | ({ readonly type: "oidc" } & CheckedIdentity);

/** An identity that its provider has proved. */
export interface CheckedIdentity {
  readonly issuer: string;
  readonly subject: string;
  /** When the user proved to the provider, asked for it, that it is them. Without it, the identity counts only for a user without a password. */
  readonly provedAt: Date | undefined;
  /** True if the provider has proved a second factor at that time, and is trusted with it. */
  readonly provesFactor: boolean;
  /** The name of the session at the provider. */
  readonly sid: string | undefined;
  readonly challenge: SpentChallenge;
}

/** A checked assertion, of a passkey or a security key. */
export interface CheckedAssertion {
  /** The row of the credential or of the factor. */
  readonly factorId: string;
  readonly credentialId: string;
  readonly newSignCount: number;
  readonly backedUp: boolean;
  readonly challenge: SpentChallenge;
}

/** The CTEs that store an assertion's counter: `key` and `used`. A counter must grow, or be 0 before and after (§7.2 step 22). */
function useAssertion(holder: Handle<"holder">, checked: CheckedAssertion): Statement {
  const count = sql`${String(checked.newSignCount)}::bigint`;
  const grows = (before: Statement): Statement => sql`(${before} < ${count} or (${before} = 0 and ${count} = 0))`;
  return sql`unspent as (${spendChallenge(
    checked.challenge,
    sql`${holder} where ${holder}.refusal is null and ${checked.challenge.expiresAt}::timestamptz > sallyport_now()`,
  )}),
    own_key as (
      update cred set passkey_sign_count = ${count} from ${holder}, unspent
      where cred.id = ${checked.factorId}::uuid and cred.usr_id = ${holder}.usr_id and cred.type = 'passkey'
        and cred.identifier = ${checked.credentialId} and cred.status = 'active' and ${grows(sql`cred.passkey_sign_count`)}
      returning cred.id),
    own_factor as (
      update mfa set webauthn_sign_count = ${count} from ${holder}, unspent
      where mfa.id = ${checked.factorId}::uuid and mfa.usr_id = ${holder}.usr_id and mfa.type = 'webauthn'
        and mfa.identifier = ${checked.credentialId} and mfa.status = 'active' and ${grows(sql`mfa.webauthn_sign_count`)}
      returning mfa.id),
    seen_key as (
      update webauthn_credential w set last_used_at = sallyport_now(), backed_up = ${checked.backedUp}::boolean
      from (select id from own_key union all select id from own_factor) proved
      where w.credential_id = ${checked.credentialId}),
    factor as (
      select id, 'webauthn' as type, 'cred' as kind from own_key union all select id, 'webauthn', 'mfa' from own_factor)`;
}

/**
 * The CTEs that spend a provider's answer, even if the holder is refused. The refusal of a weak one is no row, because an answer is
 * not asked for again.
 */
function useIdentity(
  holder: Handle<"holder">,
  { issuer, subject, provedAt: at, sid, challenge }: CheckedIdentity,
): Statement {
  return sql`unspent as (${spendChallenge(
    challenge,
    sql`(select 1) one where ${challenge.expiresAt}::timestamptz > sallyport_now()`,
  )}),
    factor as (
      select cred.id, cred.type, 'cred' as kind from cred cross join unspent join ${holder} on ${holder}.usr_id = cred.usr_id
      where ${holder}.refusal is null and cred.type = 'oidc' and cred.oidc_issuer = ${issuer} and cred.oidc_subject = ${subject} and cred.status = 'active'
        and (${at !== undefined}::boolean or not ${hasPassword(sql`cred.usr_id`)})),
    renamed as (${renameProviderSession(sid, sql`(select ${holder}.family_id, factor.id as cred_id from ${holder} cross join factor)`)})`;
}

/**
 * The methods of RFC 8176 that a proof adds: codes of either kind are one-time passwords, and a key proves that a user is
 * present.
 */
const methods: Readonly<Record<CheckedProof["type"], readonly string[]>> = {
  password: ["pwd"],
  totp: ["otp", "mfa"],
  recovery: ["otp", "mfa"],
  webauthn: ["pop", "user", "mfa"],
  // RFC 8176 has no value for it.
  oidc: ["fed"],
};

/**
 * The CTE `factor`: one row with the `id` and `type` of the proved factor, and the `kind` of the id. It spends a code once, even
 * if several requests have it: no row if another was first. The batch has locked the user.
 */
export function consumeFactor(holder: Handle<"holder">, checked: CheckedProof): Cte<"factor"> {
  return { define: consumption(holder, checked), name: handle(sql`factor`) };
}

function consumption(holder: Handle<"holder">, checked: CheckedProof): Statement {
  if (checked.type === "oidc") return useIdentity(holder, checked);
  const own = sql`mfa.id = ${checked.factorId}::uuid and mfa.usr_id = ${holder}.usr_id and mfa.status = 'active'
        and ${holder}.refusal is null`;
  switch (checked.type) {
    case "password":
      return sql`factor as (
      select cred.id, cred.type, 'cred' as kind from cred join ${holder} on ${holder}.usr_id = cred.usr_id and ${holder}.refusal is null
      where cred.id = ${checked.factorId}::uuid and cred.status = 'active' and cred.password_hash = ${checked.hash})`;
    case "totp":
      return sql`factor as (
      update mfa set totp_last_step = ${String(checked.step)}::bigint from ${holder}
      where ${own} and coalesce(mfa.totp_last_step, -1) < ${String(checked.step)}::bigint
      returning mfa.id, mfa.type, 'mfa' as kind)`;
    case "recovery":
      return sql`factor as (
      update mfa set recovery_consumed[${checked.slot + 1}::int] = true from ${holder}
      where ${own} and not mfa.recovery_consumed[${checked.slot + 1}::int]
        and mfa.recovery_hashes[${checked.slot + 1}::int] = ${checked.hash}
      returning mfa.id, mfa.type, 'mfa' as kind)`;
    case "webauthn":
      return useAssertion(holder, checked);
  }
}

/** The CTE `refunded`: a success refunds its attempt, if one was counted, and ends the run of failures (S22). */
export function refundFactor(factor: Handle<"factor">, counter: string | undefined): Statement {
  return sql`refunded as (${refund(counter ?? null, sql`exists (select from ${factor})`)})`;
}

function methodsOf(checked: Proof): readonly string[] {
  return "provesFactor" in checked && checked.provesFactor ? [...methods.oidc, "mfa"] : methods[checked.type];
}

type Proof = CheckedProof | { readonly type: CheckedFactor["type"] };

/** SQL for the methods of a session or ticket together with those of a proof, each once. */
export function withMethods(before: Statement, proof: Proof): Statement {
  return sql`array(select distinct m from unnest(${before} || ${methodsOf(proof)}::text[]) as m order by m)`;
}

/** SQL for whether a proof is for a second factor. */
export function provesSecondFactor(proof: Proof): Statement {
  return sql`${methodsOf(proof).includes("mfa")}::boolean`;
}

/** SQL for the time of a proof. An identity's is what its provider says, and never later than now. */
export function provedAt(checked: CheckedProof): Statement {
  const at = checked.type === "oidc" ? checked.provedAt : undefined;
  return at ? sql`least(${at}::timestamptz, sallyport_now())` : sql`sallyport_now()`;
}
