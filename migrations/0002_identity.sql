-- Users, credentials, sessions and what stands behind them: the tables of the Flametrench reference schema (0.3), so that
-- another SDK can share the database. Columns, tables and indexes that are ours are listed in docs/schema.md.

create function flametrench_touch_updated_at() returns trigger language plpgsql as $$
begin
  new.updated_at := greatest(sallyport_now(), old.updated_at);
  return new;
end
$$;

-- statement
create table usr (
  id uuid primary key,
  status text not null default 'active' check (status in ('active', 'suspended', 'revoked')),
  display_name text,
  created_at timestamptz not null default sallyport_now(),
  updated_at timestamptz not null default sallyport_now()
);

-- statement
create trigger usr_touch_updated_at before update on usr
  for each row execute function flametrench_touch_updated_at();

-- statement
create table cred (
  id uuid primary key,
  usr_id uuid not null references usr (id),
  type text not null check (type in ('password', 'passkey', 'oidc')),
  identifier text not null,
  status text not null default 'active' check (status in ('active', 'suspended', 'revoked')),
  replaces uuid references cred (id),
  password_hash text,
  passkey_public_key bytea,
  passkey_sign_count bigint,
  passkey_rp_id text,
  oidc_issuer text,
  oidc_subject text,
  identifier_verified_at timestamptz,
  created_at timestamptz not null default sallyport_now(),
  updated_at timestamptz not null default sallyport_now(),
  constraint cred_payload_matches_type check (
    case type
      when 'password' then password_hash is not null and passkey_public_key is null and oidc_issuer is null
      when 'passkey' then passkey_public_key is not null and passkey_sign_count is not null
        and password_hash is null and oidc_issuer is null
      when 'oidc' then oidc_issuer is not null and oidc_subject is not null
        and password_hash is null and passkey_public_key is null
    end
  )
);

-- statement
create unique index cred_unique_active_identifier on cred (type, identifier) where status = 'active';
-- statement
create unique index cred_unique_active_oidc_subject on cred (oidc_issuer, oidc_subject)
  where type = 'oidc' and status = 'active';
-- statement
create index cred_suspended_identifier on cred (type, identifier) where status = 'suspended';
-- statement
create index cred_usr_id on cred (usr_id);
-- statement
create index cred_replaces on cred (replaces) where replaces is not null;
-- statement
create trigger cred_touch_updated_at before update on cred
  for each row execute function flametrench_touch_updated_at();

-- statement
create table ses (
  id uuid primary key,
  usr_id uuid not null references usr (id),
  cred_id uuid not null references cred (id),
  created_at timestamptz not null default sallyport_now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  token_hash bytea,
  mfa_verified_at timestamptz,
  family_id uuid,
  family_expires_at timestamptz,
  idle_seconds integer,
  auth_time timestamptz,
  amr text[] not null default '{}',
  transport text check (transport in ('cookie', 'token')),
  last_seen_at timestamptz,
  user_agent text,
  address text,
  successor_id uuid,
  derivation_nonce bytea,
  derivation_key integer,
  constraint ses_expires_after_creation check (expires_at > created_at),
  constraint ses_revoked_after_creation check (revoked_at >= created_at),
  constraint ses_mfa_after_creation check (mfa_verified_at >= created_at),
  constraint ses_token_hash_is_sha256 check (octet_length(token_hash) = 32)
);

-- The reference's index is partial, which `where token_hash = $1` cannot use: the hottest query would scan the table.
-- statement
create unique index ses_token_hash on ses (token_hash);
-- statement
create index ses_usr_id on ses (usr_id, id);
-- statement
create index ses_live_by_usr on ses (usr_id, expires_at) where revoked_at is null;
-- statement
create index ses_live_by_cred on ses (cred_id) where revoked_at is null;
-- statement
create index ses_live_by_family on ses (family_id) where revoked_at is null;

-- statement
create table login_ticket (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  usr_id uuid not null references usr (id),
  cred_id uuid not null references cred (id),
  factors text[] not null,
  mfa_required boolean not null,
  transport text not null check (transport in ('cookie', 'token')),
  purpose text not null check (purpose in ('sign_in')),
  attempts integer not null default 0,
  created_at timestamptz not null default sallyport_now(),
  expires_at timestamptz not null
);

-- statement
create index login_ticket_usr_id on login_ticket (usr_id);
-- statement
create index login_ticket_expires_at on login_ticket (expires_at);

-- Attempts counted by keyed digest of an identifier, a device or an address; nothing in it names anybody.
-- statement
create table attempt (
  bucket text primary key,
  count integer not null,
  maximum integer not null,
  resets_at timestamptz not null,
  backs_off boolean not null,
  streak integer not null default 0
);

-- statement
create index attempt_resets_at on attempt (resets_at);

-- What a caller's key has made, so that a repeated call makes nothing more. The digest covers caller, operation, key and body.
-- statement
create table idempotency (
  digest text primary key,
  target uuid not null,
  expires_at timestamptz not null
);

-- statement
create index idempotency_expires_at on idempotency (expires_at);

-- statement
create table usr_mfa_policy (
  usr_id uuid primary key references usr (id),
  required boolean not null default false,
  grace_until timestamptz,
  updated_at timestamptz not null default sallyport_now()
);

-- statement
create trigger usr_mfa_policy_touch_updated_at before update on usr_mfa_policy
  for each row execute function flametrench_touch_updated_at();

-- statement
create table mfa (
  id uuid primary key,
  usr_id uuid not null references usr (id),
  type text not null check (type in ('totp', 'webauthn', 'recovery')),
  status text not null default 'active' check (status in ('pending', 'active', 'suspended', 'revoked')),
  replaces uuid references mfa (id),
  identifier text,
  totp_secret bytea,
  totp_algorithm text check (totp_algorithm in ('sha1', 'sha256', 'sha512')),
  totp_digits smallint check (totp_digits between 6 and 10),
  totp_period smallint check (totp_period between 15 and 120),
  webauthn_public_key bytea,
  webauthn_sign_count bigint,
  webauthn_rp_id text,
  webauthn_aaguid uuid,
  webauthn_transports text[],
  recovery_hashes text[],
  recovery_consumed boolean[],
  pending_expires_at timestamptz,
  created_at timestamptz not null default sallyport_now(),
  updated_at timestamptz not null default sallyport_now(),
  constraint mfa_pending_has_end check ((status = 'pending') = (pending_expires_at is not null)),
  constraint mfa_recovery_never_pending check (type <> 'recovery' or status <> 'pending'),
  constraint mfa_payload_matches_type check (
    case type
      when 'totp' then totp_secret is not null and totp_algorithm is not null and totp_digits is not null
        and totp_period is not null and identifier is not null
        and webauthn_public_key is null and recovery_hashes is null
      when 'webauthn' then totp_secret is null and recovery_hashes is null
        and (status in ('pending', 'revoked') or (identifier is not null and webauthn_public_key is not null
          and webauthn_sign_count is not null and webauthn_rp_id is not null))
      when 'recovery' then recovery_hashes is not null and recovery_consumed is not null
        and cardinality(recovery_hashes) = cardinality(recovery_consumed)
        and identifier is null and totp_secret is null and webauthn_public_key is null
    end
  )
);

-- statement
create unique index mfa_unique_active_singleton on mfa (usr_id, type)
  where status = 'active' and type in ('totp', 'recovery');
-- statement
create unique index mfa_webauthn_credential_id_idx on mfa (identifier) where type = 'webauthn' and status = 'active';
-- statement
create index mfa_usr_id on mfa (usr_id);
-- statement
create index mfa_replaces on mfa (replaces) where replaces is not null;
-- statement
create index mfa_pending_expires_at on mfa (pending_expires_at) where status = 'pending';
-- statement
create trigger mfa_touch_updated_at before update on mfa
  for each row execute function flametrench_touch_updated_at();

-- statement
create table pat (
  id uuid primary key,
  usr_id uuid not null references usr (id),
  name text not null check (length(name) between 1 and 120),
  scope text[] not null default '{}',
  secret_hash text not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default sallyport_now(),
  updated_at timestamptz not null default sallyport_now(),
  constraint pat_expires_after_creation check (expires_at > created_at),
  constraint pat_expires_within_a_year check (expires_at <= created_at + interval '31536000 seconds'),
  constraint pat_used_after_creation check (last_used_at >= created_at),
  constraint pat_revoked_after_creation check (revoked_at >= created_at)
);

-- statement
create index pat_usr_id on pat (usr_id, created_at desc);
-- statement
create index pat_live_by_usr on pat (usr_id, created_at desc) where revoked_at is null;
-- statement
create index pat_expires_at on pat (expires_at) where expires_at is not null;
-- statement
create trigger pat_touch_updated_at before update on pat
  for each row execute function flametrench_touch_updated_at();

-- statement
create table tup (
  id uuid primary key,
  subject_type text not null check (subject_type ~ '^[a-z]{2,6}$'),
  subject_id uuid not null,
  relation text not null check (relation ~ '^[a-z_]{2,32}$'),
  object_type text not null check (object_type ~ '^[a-z]{2,6}$'),
  object_id uuid not null,
  created_at timestamptz not null default sallyport_now(),
  created_by uuid references usr (id)
);

-- Led by the object: a hop uses its prefix, a look-up the whole.
-- statement
create unique index tup_natural_key on tup (object_type, object_id, relation, subject_type, subject_id);
-- statement
create index tup_subject on tup (subject_type, subject_id);

-- The audit log, in the shape of Flametrench ADR 0019. It refers to rows by value: an event outlives what it is about.
-- statement
create table aud (
  id uuid primary key,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null default sallyport_now(),
  actor_usr_id uuid,
  auth jsonb,
  on_behalf jsonb,
  action text not null,
  target_kind text not null,
  target_id text not null,
  scope_kind text,
  scope_id text,
  outcome text not null check (outcome in ('success', 'failure', 'denied', 'pending')),
  metadata jsonb not null default '{}',
  context jsonb,
  constraint aud_size check (octet_length(metadata::text) + coalesce(octet_length(context::text), 0) <= 65536)
);

-- statement
create index aud_actor on aud (actor_usr_id, id);
-- statement
create index aud_target on aud (target_kind, target_id, id);

-- statement
create function sallyport_audit_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'The audit log is append-only.' using errcode = 'SP002';
end
$$;

-- statement
create trigger aud_append_only before update or delete on aud
  for each row execute function sallyport_audit_is_append_only();
-- statement
create trigger aud_no_truncate before truncate on aud
  for each statement execute function sallyport_audit_is_append_only();

-- The start-up probe writes, changes and reads a row here, to find a cache of queries between us and the database.
-- statement
create table sallyport_probe (
  id integer primary key,
  value text not null
);
