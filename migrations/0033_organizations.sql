-- serves 0008
-- Organizations, memberships and invitations to organizations: the tables of the Flametrench reference schema. Columns and
-- indexes that are ours are listed in docs/schema.md.
create table org (
  id uuid primary key,
  status text not null default 'active' check (status in ('active', 'suspended', 'revoked')),
  name text,
  slug text constraint org_slug_format check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  created_at timestamptz not null default sallyport_now(),
  updated_at timestamptz not null default sallyport_now()
);

-- statement
create unique index org_slug_unique on org (slug) where slug is not null;
-- statement
create trigger org_touch before update on org for each row execute function flametrench_touch_updated_at();

-- statement
create table mem (
  id uuid primary key,
  usr_id uuid not null references usr (id),
  org_id uuid not null references org (id),
  role text not null check (role in ('owner', 'admin', 'member', 'guest', 'viewer', 'editor')),
  status text not null default 'active' check (status in ('active', 'suspended', 'revoked')),
  replaces uuid references mem (id),
  invited_by uuid references usr (id),
  removed_by uuid references usr (id),
  created_at timestamptz not null default sallyport_now(),
  updated_at timestamptz not null default sallyport_now()
);

-- statement
create unique index mem_unique_active on mem (usr_id, org_id) where status = 'active';
-- statement
create index mem_replaces_idx on mem (replaces) where replaces is not null;
-- statement
create trigger mem_touch before update on mem for each row execute function flametrench_touch_updated_at();

-- Pages of an organization's members, and of a user's memberships that have not ended, in order of their ids.
-- statement
create index mem_by_org on mem (org_id, id);
-- statement
create index mem_by_org_status on mem (org_id, status, id);
-- statement
create index mem_by_usr on mem (usr_id, id) where status <> 'revoked';
-- statement
create index mem_owners on mem (org_id) where status = 'active' and role = 'owner';

-- statement
create table inv (
  id uuid primary key,
  org_id uuid not null references org (id),
  identifier text not null,
  role text not null check (role in ('owner', 'admin', 'member', 'guest', 'viewer', 'editor')),
  status text not null default 'pending' check (status in ('pending', 'accepted', 'declined', 'revoked', 'expired')),
  pre_tuples jsonb not null default '[]',
  invited_by uuid not null references usr (id),
  invited_user_id uuid references usr (id),
  created_at timestamptz not null default sallyport_now(),
  expires_at timestamptz not null,
  terminal_at timestamptz,
  terminal_by uuid references usr (id),
  check ((status = 'pending') = (terminal_at is null)),
  check (expires_at > created_at)
);

-- statement
create index inv_by_org on inv (org_id, id);
-- statement
create index inv_pending_idx on inv (identifier) where status = 'pending';

-- True if an organization has an active owner besides a user. An owner whose account is suspended cannot act, so they do not count.
-- statement
create function sallyport_has_other_owner(organization uuid, besides uuid) returns boolean language sql stable as $$
  select exists (
    select from mem join usr on usr.id = mem.usr_id and usr.status = 'active'
    where mem.org_id = organization and mem.usr_id <> besides and mem.role = 'owner' and mem.status = 'active')
$$;

-- True if a user is the last active owner of an organization.
-- statement
create function sallyport_owns_alone(owner uuid) returns boolean language sql stable as $$
  select exists (
    select from mem join org on org.id = mem.org_id and org.status <> 'revoked'
    where mem.usr_id = owner and mem.role = 'owner' and mem.status = 'active'
      and not sallyport_has_other_owner(mem.org_id, owner))
$$;

-- The memberships of a user end with the user, whoever ends the user, and each takes its tuple along.
-- statement
create function sallyport_end_memberships() returns trigger language plpgsql as $$
begin
  -- A membership that another SDK replaces at this moment: the statement after the lock sees the new one.
  perform from mem where usr_id = new.id and status <> 'revoked' order by id for no key update;
  with ended as (
    update mem set status = 'revoked' where usr_id = new.id and status <> 'revoked' returning *)
  delete from tup using ended
  where tup.subject_type = 'usr' and tup.subject_id = ended.usr_id and tup.relation = ended.role
    and tup.object_type = 'org' and tup.object_id = ended.org_id;
  return null;
end
$$;

-- statement
create trigger usr_end_memberships after update of status on usr
  for each row when (new.status = 'revoked' and old.status <> 'revoked') execute function sallyport_end_memberships();

-- As in 0012. With the values of one large organization, the planner expects many owners in it, and would read every membership.
-- statement
do $$
declare
  path text := (
    select string_agg(quote_ident(name), ', ' order by n) from unnest(current_schemas(false)) with ordinality as own(name, n));
begin
  execute 'alter function sallyport_has_other_owner(uuid, uuid) set search_path = ' || path;
  execute 'alter function sallyport_owns_alone(uuid) set search_path = ' || path;
  alter function sallyport_has_other_owner(uuid, uuid) set enable_seqscan = off;
  alter function sallyport_owns_alone(uuid) set enable_seqscan = off;
  execute 'alter function sallyport_end_memberships() set search_path = ' || path;
end
$$;
