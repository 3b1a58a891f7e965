-- serves 0008
-- The session at a provider with which a sign-in here began: the provider's message that it has ended names it.
create table provider_session (
  -- The family of sessions that the sign-in began, or will begin with its second factor.
  family_id uuid primary key,
  cred_id uuid not null references cred (id) on delete cascade,
  sid text not null check (octet_length(sid) between 1 and 255),
  -- The latest end of its sessions.
  expires_at timestamptz not null
);

-- statement
create index provider_session_sid on provider_session (sid);

-- statement
create index provider_session_cred on provider_session (cred_id);

-- statement
create index provider_session_expires on provider_session (expires_at);

-- The family that a sign-in begins once its second factor is proved, if a session at a provider stands behind it.
-- statement
alter table login_ticket add column family_id uuid;

-- An identity of any state: the index of active ones does not serve.
-- statement
create index cred_oidc on cred (oidc_issuer, oidc_subject) where type = 'oidc';
