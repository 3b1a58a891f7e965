-- serves 0008
-- The tokens with which the application acts for a user at a provider. They are sealed (feature option `keepTokens`).
create table provider_token (
  cred_id uuid primary key references cred (id) on delete cascade,
  -- The provider that gave them: two may have the same issuer, and each refreshes its own.
  provider text not null,
  access_token bytea not null,
  refresh_token bytea,
  -- The access token's end. Null if the provider states none.
  expires_at timestamptz,
  -- The scopes that were granted, separated by spaces.
  scope text,
  -- Who refreshes the tokens now, and until when nobody else does.
  lease_id uuid,
  lease_until timestamptz,
  updated_at timestamptz not null default sallyport_now()
);

-- statement
create index provider_token_expires on provider_token (expires_at) where refresh_token is null;

-- Another SDK ends identities and users too.
-- statement
create function sallyport_forget_provider_tokens() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'usr' then
    delete from provider_token using cred where cred.id = provider_token.cred_id and cred.usr_id = new.id;
  else
    delete from provider_token where cred_id = new.id;
  end if;
  return null;
end
$$;

-- statement
create trigger cred_forget_provider_tokens after update of status on cred
  for each row when (new.type = 'oidc' and new.status <> 'active' and old.status = 'active')
  execute function sallyport_forget_provider_tokens();

-- statement
create trigger usr_forget_provider_tokens after update of status on usr
  for each row when (new.status <> 'active' and old.status = 'active')
  execute function sallyport_forget_provider_tokens();

-- Whoever ends an identity beside a sign-in does not see the row that the sign-in inserts.
-- statement
create function sallyport_check_provider_token() returns trigger language plpgsql as $$
begin
  perform from cred join usr on usr.id = cred.usr_id
    where cred.id = new.cred_id and cred.status = 'active' and usr.status = 'active' for share;
  if not found then
    delete from provider_token where cred_id = new.cred_id;
  end if;
  return null;
end
$$;

-- statement
create trigger provider_token_check after insert on provider_token
  for each row execute function sallyport_check_provider_token();

-- As in 0012.
-- statement
do $$
declare
  path text := (
    select string_agg(quote_ident(name), ', ' order by n) from unnest(current_schemas(false)) with ordinality as own(name, n));
begin
  execute 'alter function sallyport_forget_provider_tokens() set search_path = ' || path;
  execute 'alter function sallyport_check_provider_token() set search_path = ' || path;
end
$$;
