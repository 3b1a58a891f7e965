/**
 * What `doctor` reads of accounts, in pages by id: rows that another system may have stored. No row leaves the machine, and no
 * secret is printed.
 *
 * @module
 */
import { type Statement, sql } from "./sql.ts";

/** A place in a list: after this id, at most so many rows. */
export interface PageOf {
  readonly after: string | undefined;
  readonly limit: number;
}

const after = (
  page: PageOf,
  id: Statement,
) => sql`(${page.after ?? null}::uuid is null or ${id} > ${page.after ?? null}::uuid)
    order by ${id} limit ${page.limit}::int`;

/** Active passwords. */
export function selectPasswords(
  page: PageOf,
): Statement<{ id: string; identifier: string; hashes: readonly string[] }> {
  return sql`
    select id, identifier, array[password_hash] as hashes from cred
    where type = 'password' and status = 'active' and ${after(page, sql`id`)}`;
}

/** Those of some identifiers that an active password has. */
export function selectHeld(identifiers: readonly string[]): Statement<{ identifier: string }> {
  return sql`
    select identifier from cred
    where type = 'password' and status = 'active' and identifier = any(${identifiers}::text[])`;
}

/** Active sets of recovery codes. */
export function selectRecoveryCodes(page: PageOf): Statement<{ id: string; hashes: readonly string[] }> {
  return sql`
    select id, recovery_hashes as hashes from mfa
    where type = 'recovery' and status = 'active' and ${after(page, sql`id`)}`;
}

/** Personal access tokens that are neither revoked nor expired. */
export function selectTokens(page: PageOf): Statement<{ id: string; hashes: readonly string[] }> {
  return sql`
    select id, array[secret_hash] as hashes from pat
    where revoked_at is null and (expires_at is null or expires_at > sallyport_now()) and ${after(page, sql`id`)}`;
}

/** A passkey or a security key in use. */
export interface StoredKey {
  readonly id: string;
  readonly kind: "cred" | "mfa";
  readonly credentialId: string;
  /** Hex. */
  readonly publicKey: string;
  readonly rpId: string | null;
}

/** Active passkeys and security keys. */
export function selectKeys(page: PageOf): Statement<StoredKey> {
  return sql`
    select * from (
      select id, 'cred' as kind, identifier as "credentialId", encode(passkey_public_key, 'hex') as "publicKey",
        passkey_rp_id as "rpId" from cred where type = 'passkey' and status = 'active'
      union all
      select id, 'mfa', identifier, encode(webauthn_public_key, 'hex'), webauthn_rp_id from mfa
      where type = 'webauthn' and status = 'active') key
    where ${after(page, sql`id`)}`;
}

/**
 * Users whom the other SDK on the database does not serve as Sallyport does: those with a sealed secret, whose codes it cannot
 * check, and those with a factor that the policy does not require, whom it asks for none.
 *
 * @param mark The first bytes of a sealed secret, in hex.
 */
export function selectServedDifferently(
  page: PageOf,
  mark: string,
): Statement<{ id: string; isSealed: boolean; isUnasked: boolean }> {
  return sql`
    select * from (
      select usr.id,
        exists (select from mfa where mfa.usr_id = usr.id and mfa.type = 'totp' and mfa.status = 'active'
          and substring(mfa.totp_secret from 1 for ${mark.length / 2}::int) = decode(${mark}, 'hex')) as "isSealed",
        exists (select from mfa where mfa.usr_id = usr.id and mfa.status = 'active') and not exists (
          select from usr_mfa_policy policy where policy.usr_id = usr.id and policy.required
            and (policy.grace_until is null or policy.grace_until <= sallyport_now())) as "isUnasked"
      from usr where usr.status = 'active') served
    where ("isSealed" or "isUnasked") and ${after(page, sql`id`)}`;
}

/** True if the reference schema was here first: its function for checks is, which Sallyport neither makes nor removes. */
export function selectIsAdopted(): Statement<{ adopted: boolean }> {
  return sql`select to_regprocedure('tup_check(text, uuid, text[], text, uuid)') is not null as adopted`;
}
