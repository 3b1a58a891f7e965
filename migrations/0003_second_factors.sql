-- Second factors in use: each code once, what a ticket is for, and who may set a factor up after the grace.

-- The last step whose code was accepted (RFC 6238 section 5.2), and when a factor was first active: a pending one that nobody
-- confirmed was never a factor.
alter table mfa add column totp_last_step bigint, add column confirmed_at timestamptz;

-- Whether a password is so short that it must not stand alone (R001).
-- statement
alter table cred add column needs_factor boolean not null default false;

-- statement
alter table login_ticket drop constraint login_ticket_purpose_check;
-- statement
alter table login_ticket add constraint login_ticket_purpose_check check (purpose in ('sign_in', 'enroll'));

-- An administrator's leave to set a first factor up, once, after the grace of the policy has ended (S32).
-- statement
create table mfa_enrollment_grant (
  usr_id uuid primary key references usr (id),
  granted_by uuid references usr (id),
  created_at timestamptz not null default sallyport_now(),
  expires_at timestamptz not null
);

-- statement
create index mfa_enrollment_grant_expires_at on mfa_enrollment_grant (expires_at);

-- Passkeys and security keys: a handle for each user that says nothing of them (WebAuthn L3 section 14.6.1), each credential id
-- once for ever and for one user, whatever becomes of it (S27), and challenges that were answered (S46).
-- statement
create table webauthn_user (
  usr_id uuid primary key references usr (id),
  handle bytea not null unique check (octet_length(handle) = 32),
  created_at timestamptz not null default sallyport_now()
);

-- statement
create table webauthn_credential (
  credential_id text primary key,
  usr_id uuid not null references usr (id),
  name text,
  transports text[] not null default '{}',
  aaguid uuid,
  -- Null where another SDK has registered it, and nobody has told us.
  backup_eligible boolean,
  backed_up boolean,
  created_at timestamptz not null default sallyport_now(),
  last_used_at timestamptz
);

-- statement
create index webauthn_credential_usr_id on webauthn_credential (usr_id);

-- statement
create table spent_challenge (
  digest bytea primary key check (octet_length(digest) = 32),
  expires_at timestamptz not null
);

-- statement
create index spent_challenge_expires_at on spent_challenge (expires_at);
