-- serves 0008
-- Users hear of what others do to their memberships. These notices have no link: no stranger got into the account.
create function sallyport_owe_membership_notices() returns trigger language plpgsql as $$
declare
  kind text := current_setting('sallyport.notices', true)::jsonb ->> new.action;
  mailbox constant text := '^[^\s@<>()\[\]:;,"\\]+@[^\s@<>()\[\]:;,"\\]+$';
  member uuid;
  organization uuid;
begin
  -- An application may write events of its own, with targets of any form.
  if kind is null or new.outcome <> 'success' or new.target_id !~ '_[0-9a-f]{32}$' then
    return null;
  end if;
  if new.target_kind = 'org' then
    organization := right(new.target_id, 32)::uuid;
  else
    select usr_id, org_id into member, organization from mem where id = right(new.target_id, 32)::uuid;
  end if;
  insert into mail_message (id, kind, usr_id, cred_id, event_id, used_at, recipient, content, expires_at)
  select distinct on (usr.id, address.recipient) gen_random_uuid(), kind, usr.id, address.cred_id, new.id, sallyport_now(),
    address.recipient,
    jsonb_strip_nulls(jsonb_build_object('linkless', true, 'organization', org.name, 'role', held.role)),
    sallyport_now() + interval '7 days'
  -- A member who leaves can name an heir. A handover names both users.
  from (
    select member as id
    union
    select right(named.id, 32)::uuid from (
      values (new.metadata ->> 'heir'), (new.metadata ->> 'from'), (new.metadata ->> 'to')) named(id)
    where named.id ~ '^usr_[0-9a-f]{32}$') told
  join usr on usr.id = told.id and usr.status = 'active'
  join org on org.id = organization
  -- The role that a new membership, a replacement, or one that was given back, has.
  left join mem held on held.usr_id = usr.id and held.org_id = org.id and held.status = 'active'
  cross join lateral (
    select cred.id as cred_id, cred.identifier as recipient from cred
    where cred.usr_id = usr.id and cred.type = 'password' and cred.status = 'active' and cred.identifier_verified_at is not null
    union all
    -- A user without a verified address of their own hears at the addresses that their providers have verified.
    select cred.id, l.email from cred join linked_identity l on l.cred_id = cred.id
    where cred.usr_id = usr.id and cred.type = 'oidc' and cred.status = 'active' and not exists (
      select from cred own where own.usr_id = usr.id and own.type = 'password' and own.status = 'active'
        and own.identifier_verified_at is not null and own.identifier ~ mailbox)) address
  where usr.id is distinct from new.actor_usr_id
    and address.recipient ~ mailbox
    -- The owner of an organization must not flood a mailbox.
    and (select count(*) from mail_message sent where sent.usr_id = usr.id and sent.kind like 'membership%'
      and sent.created_at > sallyport_now() - interval '1 hour') < 20
  order by usr.id, address.recipient, address.cred_id;
  return null;
end
$$;

-- statement
create or replace trigger aud_owe_notices after insert on aud for each row
  when (coalesce(current_setting('sallyport.notices', true), '') <> '' and new.target_kind not in ('mem', 'org'))
  execute function sallyport_owe_notices();

-- statement
create trigger aud_owe_membership_notices after insert on aud for each row
  when (coalesce(current_setting('sallyport.notices', true), '') <> '' and new.target_kind in ('mem', 'org'))
  execute function sallyport_owe_membership_notices();

-- statement
do $$
begin
  execute 'alter function sallyport_owe_membership_notices() set search_path = ' || (
    select string_agg(quote_ident(name), ', ' order by n) from unnest(current_schemas(false)) with ordinality as own(name, n));
end
$$;
