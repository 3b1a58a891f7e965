-- serves 0008
-- The tokens of users who have signed in at an issuer, by the application's session: `sallyport/oidc/token-rows`.
create table agent_token (
  -- The first 128 bits of a digest of the session's id, which itself is not stored.
  id uuid primary key,
  -- Names these tokens. Each write chooses another, so that a refresh that comes late finds that its tokens are gone.
  set_id uuid not null,
  -- Sealed.
  tokens bytea not null,
  -- The access token's end.
  expires_at timestamptz not null,
  is_refreshable boolean not null,
  -- When the row counts no more.
  ends_at timestamptz not null,
  -- Who refreshes the tokens now, and until when nobody else does.
  lease_id uuid,
  lease_until timestamptz,
  updated_at timestamptz not null default sallyport_now()
);

-- statement
create index agent_token_ends on agent_token (ends_at);
