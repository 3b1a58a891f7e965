-- serves 0008
-- Domains that organizations prove by a TXT record. What a record must say is bound to the organization and the domain.
create table org_domain (
  org_id uuid not null references org (id) on delete cascade,
  domain text not null check (length(domain) between 3 and 242),
  value text not null check (value ~ '^[A-Za-z0-9_-]{43}$'),
  -- How users with an address of the domain become members.
  joining text not null default 'none' check (joining in ('none', 'request', 'automatic')),
  created_at timestamptz not null default sallyport_now(),
  proved_at timestamptz,
  checked_at timestamptz,
  -- Until then, a caller who checks the proof again has it alone.
  leased_until timestamptz,
  primary key (org_id, domain),
  check (joining = 'none' or proved_at is not null),
  check (proved_at is null or checked_at is not null)
);

-- A domain is proved by one organization.
-- statement
create unique index org_domain_proved on org_domain (domain) where proved_at is not null;
-- statement
create index org_domain_checked on org_domain (checked_at) where proved_at is not null;

-- statement
create table org_join_request (
  org_id uuid not null references org (id) on delete cascade,
  usr_id uuid not null references usr (id) on delete cascade,
  created_at timestamptz not null default sallyport_now(),
  primary key (org_id, usr_id)
);

-- statement
create index org_join_request_by_usr on org_join_request (usr_id, org_id);
-- statement
create index org_join_request_end on org_join_request (created_at);

-- Both end with their organization, and requests with their user, whoever ends them.
-- statement
create function sallyport_end_domains() returns trigger language plpgsql as $$
begin
  delete from org_domain where org_id = new.id;
  delete from org_join_request where org_id = new.id;
  return null;
end
$$;

-- statement
create trigger org_end_domains after update of status on org
  for each row when (new.status = 'revoked' and old.status <> 'revoked') execute function sallyport_end_domains();

-- statement
create function sallyport_end_join_requests() returns trigger language plpgsql as $$
begin
  delete from org_join_request where usr_id = new.id;
  return null;
end
$$;

-- statement
create trigger usr_end_join_requests after update of status on usr
  for each row when (new.status = 'revoked' and old.status <> 'revoked') execute function sallyport_end_join_requests();

-- A user who has become a member, in whichever way, asks no more.
-- statement
create function sallyport_grant_join_request() returns trigger language plpgsql as $$
begin
  delete from org_join_request where org_id = new.org_id and usr_id = new.usr_id;
  return null;
end
$$;

-- statement
create trigger mem_grant_join_request after insert on mem for each row execute function sallyport_grant_join_request();

-- As in 0012.
-- statement
do $$
declare
  path text := (
    select string_agg(quote_ident(name), ', ' order by n) from unnest(current_schemas(false)) with ordinality as own(name, n));
begin
  execute 'alter function sallyport_end_domains() set search_path = ' || path;
  execute 'alter function sallyport_end_join_requests() set search_path = ' || path;
  execute 'alter function sallyport_grant_join_request() set search_path = ' || path;
end
$$;
