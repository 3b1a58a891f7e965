-- serves 0008
-- Tokens of providers whose identity or user has ended here. The application owes their revocation at the provider.
create table provider_revocation (
  id uuid primary key,
  provider text not null,
  issuer text not null,
  subject text not null,
  -- The column of provider_token that it was in: it is sealed for that.
  kind text not null check (kind in ('access_token', 'refresh_token')),
  token bytea not null,
  attempts integer not null default 0,
  due_at timestamptz not null default sallyport_now(),
  -- Given up then.
  expires_at timestamptz not null default sallyport_now() + interval '7 days'
);

-- statement
create index provider_revocation_due on provider_revocation (due_at);

-- statement
create index provider_revocation_expires on provider_revocation (expires_at);

-- Deletes the tokens of identities, and owes their revocation.
-- statement
create function sallyport_end_provider_tokens(ended uuid[]) returns void language sql as $$
  with gone as (delete from provider_token where cred_id = any(ended) returning *)
  insert into provider_revocation (id, provider, issuer, subject, kind, token)
  select gen_random_uuid(), gone.provider, cred.oidc_issuer, cred.oidc_subject,
    case when gone.refresh_token is null then 'access_token' else 'refresh_token' end, coalesce(gone.refresh_token, gone.access_token)
  from gone join cred on cred.id = gone.cred_id
  -- A merge of two accounts has moved them.
  where not exists (
    select from cred successor join provider_token kept on kept.cred_id = successor.id where successor.replaces = gone.cred_id)
$$;

-- statement
create or replace function sallyport_forget_provider_tokens() returns trigger language plpgsql as $$
begin
  perform sallyport_end_provider_tokens(case when tg_table_name = 'usr'
    then array(select id from cred where usr_id = new.id and type = 'oidc') else array[new.id] end);
  return null;
end
$$;

-- statement
create or replace function sallyport_check_provider_token() returns trigger language plpgsql as $$
begin
  perform from cred join usr on usr.id = cred.usr_id
    where cred.id = new.cred_id and cred.status = 'active' and usr.status = 'active' for share;
  if not found then
    perform sallyport_end_provider_tokens(array[new.cred_id]);
  end if;
  return null;
end
$$;

-- As in 0012.
-- statement
do $$
declare
  path text := (
    select string_agg(quote_ident(name), ', ' order by n) from unnest(current_schemas(false)) with ordinality as own(name, n));
begin
  execute 'alter function sallyport_end_provider_tokens(uuid[]) set search_path = ' || path;
  execute 'alter function sallyport_forget_provider_tokens() set search_path = ' || path;
  execute 'alter function sallyport_check_provider_token() set search_path = ' || path;
end
$$;
