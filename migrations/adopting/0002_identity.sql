-- The same step for a database that the Flametrench reference schema (0.2 or 0.3) made: its tables, constraints, indexes and
-- triggers stay, and what they lack is added. The reference's defaults stay too: its CHECKs compare them with now().

create or replace function flametrench_touch_updated_at() returns trigger language plpgsql as $$
begin
  new.updated_at := greatest(sallyport_now(), old.updated_at);
  return new;
end
$$;

-- Where Sallyport has a schema of its own, the triggers of the reference's tables call the function of the same name in theirs.
-- statement
do $$
declare call record;
begin
  for call in
    select tgname, tgrelid::regclass as owner from pg_trigger join pg_proc on pg_proc.oid = tgfoid
    where proname = 'flametrench_touch_updated_at' and tgfoid <> 'flametrench_touch_updated_at()'::regprocedure
      and tgrelid in (to_regclass('usr'), to_regclass('cred'), to_regclass('usr_mfa_policy'), to_regclass('mfa'), to_regclass('pat'))
  loop
    execute format('create or replace trigger %I before update on %s for each row execute function flametrench_touch_updated_at()',
      call.tgname, call.owner);
  end loop;
end
$$;

-- statement
alter table cred add column identifier_verified_at timestamptz;

-- statement
create unique index cred_unique_active_oidc_subject on cred (oidc_issuer, oidc_subject)
  where type = 'oidc' and status = 'active';
-- statement
create index cred_suspended_identifier on cred (type, identifier) where status = 'suspended';

-- statement
alter table ses
  add column family_id uuid,
  add column family_expires_at timestamptz,
  add column idle_seconds integer,
  add column auth_time timestamptz,
  add column amr text[] not null default '{}',
  add column transport text check (transport in ('cookie', 'token')),
  add column last_seen_at timestamptz,
  add column user_agent text,
  add column address text,
  add column successor_id uuid,
  add column derivation_nonce bytea,
  add column derivation_key integer;

-- The reference's index is partial, which `where token_hash = $1` cannot use.
-- statement
create unique index ses_token_hash on ses (token_hash);
-- statement
create index ses_usr_id on ses (usr_id, id);
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

-- Version 0.2 has no personal access tokens.
-- statement
do $$
begin
  if to_regclass('pat') is null then
    create table pat (
      id uuid primary key,
      usr_id uuid not null references usr (id),
      name text not null check (length(name) between 1 and 120),
      scope text[] not null default '{}',
      secret_hash text not null,
      expires_at timestamptz,
      last_used_at timestamptz,
      revoked_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint pat_check check (expires_at > created_at),
      constraint pat_check1 check (last_used_at >= created_at),
      constraint pat_check2 check (revoked_at >= created_at)
    );
  end if;
end
$$;

-- statement
create index if not exists pat_usr_idx on pat (usr_id, created_at desc);
-- statement
create index if not exists pat_usr_active_idx on pat (usr_id, created_at desc) where revoked_at is null;
-- statement
create index if not exists pat_expires_idx on pat (expires_at) where revoked_at is null and expires_at is not null;
-- statement
create or replace trigger pat_touch before update on pat for each row execute function flametrench_touch_updated_at();

-- Version 0.2 knows no subject but users.
-- statement
alter table tup drop constraint tup_subject_type_check;
-- statement
alter table tup add constraint tup_subject_type_check check (subject_type ~ '^[a-z]{2,6}$');
-- statement
create unique index tup_natural_key on tup (object_type, object_id, relation, subject_type, subject_id);

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
