-- serves 0008
-- What is known of an identity beside its issuer and subject is personal, and of no more use once the identity has ended.
create function sallyport_forget_identity() returns trigger language plpgsql as $$
begin
  delete from linked_identity where cred_id = new.id;
  return null;
end
$$;

-- statement
create trigger cred_forget_identity after update of status on cred
  for each row when (new.type = 'oidc' and new.status = 'revoked' and old.status <> 'revoked')
  execute function sallyport_forget_identity();

-- As in 0012.
-- statement
do $$
declare
  path text := (
    select string_agg(quote_ident(name), ', ' order by n) from unnest(current_schemas(false)) with ordinality as own(name, n));
begin
  execute 'alter function sallyport_forget_identity() set search_path = ' || path;
end
$$;

-- statement
delete from linked_identity using cred where cred.id = linked_identity.cred_id and cred.status = 'revoked';
