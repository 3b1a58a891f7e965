-- serves 0008
-- Every address of both accounts hears of a merge once. A user without a verified address of their own hears of changes at the addresses
-- that their providers have verified. The rest of the function is as in 0028.
create or replace function sallyport_owe_notices() returns trigger language plpgsql as $$
declare
  kind text := current_setting('sallyport.notices', true)::jsonb ->> new.action;
  target uuid;
  subject uuid;
begin
  if kind is null then
    return null;
  end if;
  -- An application may write events of its own, with targets of any form.
  if new.target_kind in ('usr', 'cred', 'mfa', 'pat', 'ses') and new.target_id ~ '_[0-9a-f]{32}$' then
    target := right(new.target_id, 32)::uuid;
  end if;
  subject := case new.target_kind
    when 'usr' then target
    when 'cred' then (select usr_id from cred where id = target)
    when 'mfa' then (select usr_id from mfa where id = target)
    when 'pat' then (select usr_id from pat where id = target)
    when 'ses' then (select usr_id from ses where id = target)
    else new.actor_usr_id end;
  if subject is null then
    return null;
  end if;
  if kind = 'recovery_codes_made' and new.metadata ->> 'type' is distinct from 'recovery' then
    return null;
  end if;
  if kind = 'token_reused' then
    if new.outcome <> 'denied' or new.metadata ->> 'reason' is distinct from 'reuse' then
      return null;
    end if;
  elsif new.outcome <> 'success' then
    return null;
  end if;
  -- The newest events are enough, and are found soon, however long the log is.
  if kind = 'new_device' and (not new.metadata ? 'session' or exists (
    select from (
      select * from aud where aud.actor_usr_id = subject and aud.id <> new.id order by aud.id desc limit 20000) seen
    where seen.outcome = 'success' and seen.metadata ? 'session'
      and seen.occurred_at > new.occurred_at - interval '180 days'
      and seen.context ->> 'user_agent' is not distinct from new.context ->> 'user_agent'
      and sallyport_network(seen.context ->> 'ip') is not distinct from sallyport_network(new.context ->> 'ip'))) then
    return null;
  end if;
  insert into mail_message (id, kind, usr_id, cred_id, event_id, used_at, recipient, content, expires_at)
  select gen_random_uuid(), kind, subject, cred.id, new.id, case when linkless.so then sallyport_now() end, cred.identifier,
    jsonb_strip_nulls(jsonb_build_object('at', new.occurred_at, 'ip', context.ip, 'user_agent', context.user_agent,
      'linkless', case when linkless.so then true end)),
    sallyport_now() + interval '7 days'
  from cred
  -- An account is closed for good. Of an address that came with a merged account, the mailbox alone has no power over the other one.
  cross join lateral (select kind = 'account_closed' or (kind = 'accounts_merged' and exists (
    select from cred gone where gone.id = cred.replaces and gone.usr_id <> cred.usr_id)) as so) linkless
  -- An administrator's address and device are their own.
  left join (select new.context ->> 'ip' as ip, new.context ->> 'user_agent' as user_agent
    where new.actor_usr_id is null or new.actor_usr_id = subject) context on true
  where cred.usr_id = subject and cred.type = 'password' and cred.identifier_verified_at is not null
    -- Its reader has just proved it.
    and not (kind = 'address_verified' and cred.id = target)
    and (cred.status = 'active'
      -- The account has ended its passwords with itself.
      or (kind = 'account_closed' and cred.updated_at > new.occurred_at - interval '1 minute'
        and not exists (select from cred successor where successor.replaces = cred.id))
      or (cred.id = target and not exists (select from cred successor where successor.replaces = cred.id)))
    and cred.identifier ~ '^[^\s@<>()\[\]:;,"\\]+@[^\s@<>()\[\]:;,"\\]+$';
  -- After a merge, the addresses of both accounts hear: the one that was found may have come with it.
  if (found and kind <> 'accounts_merged') or kind = 'account_closed' then
    return null;
  end if;
  -- Without a link: the mailbox is no way into the account.
  insert into mail_message (id, kind, usr_id, cred_id, event_id, used_at, recipient, content, expires_at)
  select distinct on (l.email) gen_random_uuid(), kind, subject, cred.id, new.id, sallyport_now(), l.email,
    jsonb_strip_nulls(jsonb_build_object('at', new.occurred_at, 'ip', context.ip, 'user_agent', context.user_agent, 'linkless', true)),
    sallyport_now() + interval '7 days'
  from cred join linked_identity l on l.cred_id = cred.id
  left join (select new.context ->> 'ip' as ip, new.context ->> 'user_agent' as user_agent
    where new.actor_usr_id is null or new.actor_usr_id = subject) context on true
  where cred.usr_id = subject and cred.type = 'oidc' and cred.status = 'active' and cred.id is distinct from target
    and not exists (
      select from cred named where named.usr_id = subject and named.type = 'password' and named.identifier = l.email
        and named.status = 'active' and named.identifier_verified_at is not null)
    and l.email ~ '^[^\s@<>()\[\]:;,"\\]+@[^\s@<>()\[\]:;,"\\]+$'
  order by l.email, cred.id;
  return null;
end
$$;

-- statement
do $$
begin
  execute 'alter function sallyport_owe_notices() set search_path = ' || (
    select string_agg(quote_ident(name), ', ' order by n) from unnest(current_schemas(false)) with ordinality as own(name, n));
end
$$;
