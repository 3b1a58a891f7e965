/**
 * A database as the Flametrench reference schema makes it, of the project's own writing: the tables, columns, checks and indexes
 * that `sallyport migrate` adopts. The names of the constraints are those that Postgres gives.
 *
 * @module
 */
import type { Database } from "../../src/store/sql.ts";

export type ReferenceVersion = "0.2.0" | "0.3.0";

export const referenceVersions: readonly ReferenceVersion[] = ["0.2.0", "0.3.0"];

const states = "check (status in ('active', 'suspended', 'revoked'))";
const times = "created_at timestamptz not null default now(), updated_at timestamptz not null default now()";
const roles = "text not null check (role in ('owner', 'admin', 'member', 'guest', 'viewer', 'editor'))";
const relation = "relation text not null check (relation ~ '^[a-z_]{2,32}$')";
const object = "object_type text not null check (object_type ~ '^[a-z]{2,6}$'), object_id uuid not null";

const statements = (version: ReferenceVersion): readonly string[] => [
  `create function flametrench_touch_updated_at() returns trigger language plpgsql as
    'begin new.updated_at = now(); return new; end'`,
  `create table usr (id uuid primary key, status text not null default 'active' ${states}, display_name text, ${times})`,
  `create table cred (
    id uuid primary key, usr_id uuid not null references usr (id),
    type text not null check (type in ('password', 'passkey', 'oidc')), identifier text not null,
    status text not null default 'active' ${states}, replaces uuid references cred (id),
    password_hash text, passkey_public_key bytea, passkey_sign_count bigint, passkey_rp_id text,
    oidc_issuer text, oidc_subject text, ${times},
    check ((type = 'password' and password_hash is not null and passkey_public_key is null and oidc_issuer is null)
      or (type = 'passkey' and passkey_public_key is not null and passkey_sign_count is not null
        and password_hash is null and oidc_issuer is null)
      or (type = 'oidc' and oidc_issuer is not null and oidc_subject is not null
        and password_hash is null and passkey_public_key is null)))`,
  "create unique index cred_unique_active_identifier on cred (type, identifier) where status = 'active'",
  "create index cred_usr_idx on cred (usr_id)",
  "create index cred_replaces_idx on cred (replaces) where replaces is not null",
  `create table ses (
    id uuid primary key, usr_id uuid not null references usr (id), cred_id uuid not null references cred (id),
    created_at timestamptz not null default now(), expires_at timestamptz not null, revoked_at timestamptz,
    token_hash bytea check (token_hash is null or octet_length(token_hash) = 32), mfa_verified_at timestamptz,
    check (expires_at > created_at), check (revoked_at is null or revoked_at >= created_at),
    constraint ses_mfa_verified_after_created check (mfa_verified_at is null or mfa_verified_at >= created_at))`,
  "create index ses_usr_idx on ses (usr_id)",
  "create index ses_active_idx on ses (usr_id, expires_at) where revoked_at is null",
  `create unique index ses_token_hash_idx on ses (token_hash) where token_hash is not null and revoked_at is null`,
  `create table org (
    id uuid primary key, status text not null default 'active' ${states}, ${times}, name text, slug text,
    constraint org_slug_format check (slug is null or slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'))`,
  "create unique index org_slug_unique on org (slug) where slug is not null",
  `create table mem (
    id uuid primary key, usr_id uuid not null references usr (id), org_id uuid not null references org (id),
    role ${roles}, status text not null default 'active' ${states}, replaces uuid references mem (id),
    invited_by uuid references usr (id), removed_by uuid references usr (id), ${times})`,
  "create unique index mem_unique_active on mem (usr_id, org_id) where status = 'active'",
  "create index mem_org_idx on mem (org_id)",
  "create index mem_usr_idx on mem (usr_id)",
  "create index mem_replaces_idx on mem (replaces) where replaces is not null",
  `create table inv (
    id uuid primary key, org_id uuid not null references org (id), identifier text not null, role ${roles},
    status text not null default 'pending' check (status in ('pending', 'accepted', 'declined', 'revoked', 'expired')),
    pre_tuples jsonb not null default '[]', invited_by uuid not null references usr (id),
    invited_user_id uuid references usr (id), created_at timestamptz not null default now(),
    expires_at timestamptz not null, terminal_at timestamptz, terminal_by uuid references usr (id),
    check ((status = 'pending') = (terminal_at is null)), check (expires_at > created_at))`,
  "create index inv_org_idx on inv (org_id)",
  "create index inv_pending_idx on inv (identifier) where status = 'pending'",
  `create table tup (
    id uuid primary key,
    subject_type text not null check (${version === "0.2.0" ? "subject_type = 'usr'" : "subject_type ~ '^[a-z]{2,6}$'"}),
    subject_id uuid not null, ${relation}, ${object},
    created_at timestamptz not null default now(), created_by uuid references usr (id),
    unique (subject_type, subject_id, relation, object_type, object_id))`,
  "create index tup_object_relation_idx on tup (object_type, object_id, relation)",
  "create index tup_subject_idx on tup (subject_type, subject_id)",
  `create function tup_check(p_subject_type text, p_subject_id uuid, p_relations text[], p_object_type text, p_object_id uuid)
    returns boolean language sql stable as 'select exists (select from tup where subject_type = p_subject_type
      and subject_id = p_subject_id and relation = any(p_relations) and object_type = p_object_type
      and object_id = p_object_id)'`,
  `create table mfa (
    id uuid primary key, usr_id uuid not null references usr (id),
    type text not null check (type in ('totp', 'webauthn', 'recovery')),
    status text not null default 'active' check (status in ('pending', 'active', 'suspended', 'revoked')),
    replaces uuid references mfa (id), identifier text, totp_secret bytea,
    totp_algorithm text check (totp_algorithm is null or totp_algorithm in ('sha1', 'sha256', 'sha512')),
    totp_digits smallint check (totp_digits is null or totp_digits between 6 and 10),
    totp_period smallint check (totp_period is null or totp_period between 15 and 120),
    webauthn_public_key bytea, webauthn_sign_count bigint, webauthn_rp_id text, webauthn_aaguid uuid,
    webauthn_transports text[], recovery_hashes text[], recovery_consumed boolean[],
    pending_expires_at timestamptz, ${times},
    check ((type = 'totp' and totp_secret is not null and totp_algorithm is not null and totp_digits is not null
        and totp_period is not null and identifier is not null and webauthn_public_key is null
        and recovery_hashes is null)
      or (type = 'webauthn' and webauthn_public_key is not null and webauthn_sign_count is not null
        and webauthn_rp_id is not null and identifier is not null and totp_secret is null and recovery_hashes is null)
      or (type = 'recovery' and recovery_hashes is not null and recovery_consumed is not null
        and array_length(recovery_hashes, 1) = array_length(recovery_consumed, 1)
        and identifier is null and totp_secret is null and webauthn_public_key is null)),
    check ((type = 'recovery' and status <> 'pending') or type in ('totp', 'webauthn')),
    check ((status = 'pending') = (pending_expires_at is not null)))`,
  "create index mfa_usr_idx on mfa (usr_id)",
  "create index mfa_replaces_idx on mfa (replaces) where replaces is not null",
  "create index mfa_pending_idx on mfa (pending_expires_at) where status = 'pending'",
  `create unique index mfa_unique_active_singleton on mfa (usr_id, type)
    where status = 'active' and type in ('totp', 'recovery')`,
  `create unique index mfa_webauthn_credential_id_idx on mfa (identifier) where type = 'webauthn' and status = 'active'`,
  `create table usr_mfa_policy (
    usr_id uuid primary key references usr (id), required boolean not null default false, grace_until timestamptz,
    updated_at timestamptz not null default now())`,
  `create table shr (
    id uuid primary key, token_hash bytea not null check (octet_length(token_hash) = 32), ${object}, ${relation},
    created_by uuid not null references usr (id), expires_at timestamptz not null,
    single_use boolean not null default false, consumed_at timestamptz, revoked_at timestamptz,
    created_at timestamptz not null default now(),
    check (expires_at > created_at), check (consumed_at is null or single_use = true),
    check (consumed_at is null or consumed_at >= created_at), check (revoked_at is null or revoked_at >= created_at),
    check (expires_at <= created_at + interval '365 days'))`,
  `create unique index shr_token_hash_active_idx on shr (token_hash) where revoked_at is null and consumed_at is null`,
  "create index shr_token_hash_idx on shr (token_hash)",
  "create index shr_object_idx on shr (object_type, object_id)",
  "create index shr_expires_idx on shr (expires_at) where revoked_at is null",
  ...(version === "0.2.0" ? [] : tokens),
  ...["usr", "cred", "org", "mem", "mfa", "usr_mfa_policy", ...(version === "0.2.0" ? [] : ["pat"])].map(
    (table) => `create trigger ${table}_touch before update on ${table}
      for each row execute function flametrench_touch_updated_at()`,
  ),
];

const tokens: readonly string[] = [
  `create table pat (
    id uuid primary key, usr_id uuid not null references usr (id),
    name text not null check (length(name) >= 1 and length(name) <= 120), scope text[] not null default '{}',
    secret_hash text not null, expires_at timestamptz, last_used_at timestamptz, revoked_at timestamptz, ${times},
    check (expires_at is null or expires_at > created_at), check (last_used_at is null or last_used_at >= created_at),
    check (revoked_at is null or revoked_at >= created_at))`,
  "create index pat_usr_idx on pat (usr_id, created_at desc)",
  "create index pat_usr_active_idx on pat (usr_id, created_at desc) where revoked_at is null",
  "create index pat_expires_idx on pat (expires_at) where revoked_at is null and expires_at is not null",
];

/** Makes the reference schema in an empty database. */
export async function createReferenceSchema(database: Database, version: ReferenceVersion = "0.3.0"): Promise<void> {
  await database.batch(statements(version).map((text) => ({ text, params: [] })));
}
