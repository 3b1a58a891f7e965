-- serves 0008
-- An event about a membership is about its user's account. The rest of the function is as in 0018.
create or replace function sallyport_subject_of_event() returns trigger language plpgsql as $$
declare
  target uuid;
begin
  -- A failed or refused act concerns the account of its actor. An object that it named may belong to somebody else.
  if new.outcome <> 'success' and new.actor_usr_id is not null then
    new.subject_usr_id := new.actor_usr_id;
    return new;
  end if;
  -- An application may write events of its own, with targets of any form.
  if new.target_kind in ('usr', 'cred', 'mfa', 'pat', 'ses', 'mem') and new.target_id ~ '_[0-9a-f]{32}$' then
    target := right(new.target_id, 32)::uuid;
  end if;
  new.subject_usr_id := case new.target_kind
    when 'usr' then target
    when 'cred' then (select usr_id from cred where id = target)
    when 'mfa' then coalesce((select usr_id from mfa where id = target), (select usr_id from mfa_registration where id = target))
    when 'pat' then (select usr_id from pat where id = target)
    when 'ses' then (select usr_id from ses where id = target)
    when 'mem' then (select usr_id from mem where id = target)
    when 'login' then coalesce(new.actor_usr_id,
      case when new.metadata ->> 'user' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then (new.metadata ->> 'user')::uuid end)
    else new.actor_usr_id end;
  return new;
end
$$;

-- statement
do $$
begin
  execute 'alter function sallyport_subject_of_event() set search_path = ' || (
    select string_agg(quote_ident(name), ', ' order by n) from unnest(current_schemas(false)) with ordinality as own(name, n));
end
$$;
