-- serves 0008
-- The session at a provider with which a sign-in here began: the provider's message that it has ended names it.
create table provider_session (
  -- The family of sessions that the sign-in began. If a second factor was still to be proved, no session has it.
  family_id uuid primary key,
  cred_id uuid not null references cred (id) on delete cascade,
  sid text not null check (octet_length(sid) between 1 and 255),
  -- True if a second factor was still to be proved.
  is_half boolean not null,
  -- The latest end of its sessions.
  expires_at timestamptz not null
);

-- statement
create index provider_session_sid on provider_session (sid);

-- statement
create index provider_session_cred on provider_session (cred_id);

-- statement
create index provider_session_expires on provider_session (expires_at);
