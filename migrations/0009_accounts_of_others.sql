-- Rows that another SDK stores in the same tables: identifiers that are not in normal form, and the policy that it looks at.

-- What an identifier looks like to people: white space at both ends, compatibility characters and the case of ASCII letters
-- aside. A normal form is its own.
create function sallyport_folded(identifier text) returns text language sql immutable parallel safe
return lower(btrim(normalize(identifier, NFKC), E' \t\n\r\f\x0B') collate "C");

-- Empty where nobody else writes: sign-up asks whether a name looks like one that is taken.
-- statement
create index cred_unfolded_identifier on cred (sallyport_folded(identifier))
  where type = 'password' and status <> 'revoked' and identifier <> sallyport_folded(identifier);

-- Another SDK asks for a second factor only if the policy requires one. So an active factor makes the row require one, and
-- these columns keep what was set: `by_factor` if nothing requires a factor, and the grace that an active factor leaves no
-- use for. `own_changes` counts Sallyport's changes, so that those of others are told apart.
-- statement
alter table usr_mfa_policy
  add column by_factor boolean not null default false,
  add column waived_grace_until timestamptz,
  add column own_changes integer not null default 0;

-- statement
create function sallyport_policy_set_by_others() returns trigger language plpgsql as $$
begin
  if new.own_changes = old.own_changes then
    new.by_factor := false;
    new.waived_grace_until := null;
  end if;
  return new;
end
$$;

-- statement
create trigger usr_mfa_policy_set_by_others before update of required, grace_until on usr_mfa_policy
  for each row execute function sallyport_policy_set_by_others();

-- The end of the last factor, whoever ends it, brings back what was set. A role without the right to delete leaves a row that
-- requires nothing.
-- statement
create function sallyport_factor_ended() returns trigger language plpgsql as $$
begin
  if exists (select from mfa where usr_id = old.usr_id and status = 'active') then
    return null;
  end if;
  if has_table_privilege('usr_mfa_policy', 'delete') then
    delete from usr_mfa_policy where usr_id = old.usr_id and by_factor and waived_grace_until is null;
  end if;
  update usr_mfa_policy
  set required = required and not by_factor, grace_until = coalesce(waived_grace_until, grace_until), by_factor = false,
    waived_grace_until = null, own_changes = own_changes + 1
  where usr_id = old.usr_id and (by_factor or waived_grace_until is not null);
  return null;
end
$$;

-- statement
create trigger mfa_ended after update of status on mfa for each row
  when (old.status = 'active' and new.status <> 'active') execute function sallyport_factor_ended();
-- statement
create trigger mfa_deleted after delete on mfa for each row
  when (old.status = 'active') execute function sallyport_factor_ended();

-- The factors that Sallyport confirmed until now.
-- statement
insert into usr_mfa_policy as policy (usr_id, required, by_factor)
select distinct usr_id, true, true from mfa
where status = 'active' and (totp_last_step is not null or (type = 'webauthn' and exists (
  select from webauthn_credential w where w.credential_id = mfa.identifier)))
on conflict (usr_id) do update
set required = true, by_factor = policy.by_factor or not policy.required, grace_until = null,
  waived_grace_until = coalesce(policy.waived_grace_until, policy.grace_until), own_changes = policy.own_changes + 1
where not policy.required or policy.grace_until is not null;
