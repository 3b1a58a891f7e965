-- The same step for a database that has the tables of the Flametrench reference schema: they stay, and what they lack is added.
-- As in 0002, their triggers call Sallyport's function.
do $$
declare call record;
begin
  for call in
    select tgname, tgrelid::regclass as owner from pg_trigger join pg_proc on pg_proc.oid = tgfoid
    where proname = 'flametrench_touch_updated_at' and tgfoid <> 'flametrench_touch_updated_at()'::regprocedure
      and tgrelid in (to_regclass('org'), to_regclass('mem'))
  loop
    execute format('create or replace trigger %I before update on %s for each row execute function flametrench_touch_updated_at()',
      call.tgname, call.owner);
  end loop;
end
$$;

-- statement
create index mem_by_org on mem (org_id, id);
-- statement
create index mem_by_org_status on mem (org_id, status, id);
-- statement
create index mem_by_usr on mem (usr_id, id) where status <> 'revoked';
-- statement
create index mem_owners on mem (org_id) where status = 'active' and role = 'owner';

-- statement
create index inv_by_org on inv (org_id, id);
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
