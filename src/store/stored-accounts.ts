/**
 * What `doctor` reads of accounts, in pages by id: rows that another system may have stored. No row leaves the machine, and no
 * secret is printed.
 *
 * @module
 */
import { hasKey, hasStrongProof } from "./held-factors.ts";
import { isOpen, isUpheld } from "./organization-invitations.ts";
import { hasOwnerIn } from "./session-standing.ts";
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

/** Organizations with members and without an owner who can act. */
export function selectOwnerless(page: PageOf): Statement<{ id: string }> {
  return sql`
    select org.id from org
    where org.status <> 'revoked' and exists (select from mem where mem.org_id = org.id and mem.status = 'active')
      and not exists (
        select from mem join usr on usr.id = mem.usr_id and usr.status = 'active'
        where mem.org_id = org.id and mem.role = 'owner' and mem.status = 'active')
      and ${after(page, sql`org.id`)}`;
}

/**
 * Organizations with a security policy that no owner can meet. An owner with an identity at a provider may prove two factors there,
 * which only the next sign-in shows.
 */
export function selectLockedOut(page: PageOf): Statement<{ id: string }> {
  return sql`
    select policy.org_id as id from org_security_policy policy
    where policy.require <> 'none' and exists (
        select from mem where mem.org_id = policy.org_id and mem.role = 'owner' and mem.status = 'active')
      and not exists (
        select from mem join usr on usr.id = mem.usr_id and usr.status = 'active'
        where mem.org_id = policy.org_id and mem.role = 'owner' and mem.status = 'active'
          and case policy.require when 'mfa' then ${hasStrongProof(sql`usr.id`)} or exists (
              select from cred where cred.usr_id = usr.id and cred.type = 'oidc' and cred.status = 'active')
            else ${hasKey(sql`usr.id`)} end)
      and ${after(page, sql`policy.org_id`)}`;
}

/** Organizations that demand a provider of all but a few users, none of whom is an active owner any more. */
export function selectWithoutBreakGlass(page: PageOf): Statement<{ id: string }> {
  return sql`
    select policy.org_id as id from org_security_policy policy
    where policy.break_glass is not null and exists (
        select from mem where mem.org_id = policy.org_id and mem.role = 'owner' and mem.status = 'active')
      and not ${hasOwnerIn(sql`policy.org_id`, sql`policy.break_glass`)} and ${after(page, sql`policy.org_id`)}`;
}

/** Open invitations to organizations with a secret of ours whose inviter may no longer make them. */
export function selectForsakenInvitations(page: PageOf): Statement<{ id: string }> {
  return sql`
    select inv.id from inv
    where inv.copied_hash is not null and ${isOpen()} and not ${isUpheld()} and ${after(page, sql`inv.id`)}`;
}

/** Organizations with a proof of a domain that was not checked for 60 days. */
export function selectUncheckedDomains(page: PageOf): Statement<{ id: string }> {
  return sql`
    select distinct held.org_id as id from org_domain held
    where held.proved_at is not null and held.checked_at < sallyport_now() - interval '60 days'
      and ${after(page, sql`held.org_id`)}`;
}

/** Active memberships without the tuple of their role. */
export function selectWithoutCompanion(page: PageOf): Statement<{ id: string }> {
  return sql`
    select mem.id from mem
    where mem.status = 'active' and not exists (
      select from tup where tup.object_type = 'org' and tup.object_id = mem.org_id and tup.relation = mem.role
        and tup.subject_type = 'usr' and tup.subject_id = mem.usr_id)
      and ${after(page, sql`mem.id`)}`;
}

/** True if the reference schema was here first: its function for checks is, which Sallyport neither makes nor removes. */
export function selectIsAdopted(): Statement<{ adopted: boolean }> {
  return sql`select to_regprocedure('tup_check(text, uuid, text[], text, uuid)') is not null as adopted`;
}
