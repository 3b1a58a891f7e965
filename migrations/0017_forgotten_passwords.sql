-- serves 0008
-- The password hashes of a closed account are of no more use, but to whoever reads the database: the rows stay, and their hashes
-- are erased with the account, those of former passwords too.
create function sallyport_forget_passwords() returns trigger language plpgsql as $$
begin
  update cred set password_hash = ''
  where usr_id = new.id and type = 'password' and password_hash <> '';
  return null;
end
$$;

-- Passwords that are not revoked yet are erased too: another SDK may revoke them after the user.
-- statement
create trigger usr_forget_passwords after update of status on usr
  for each row when (new.status = 'revoked' and old.status <> 'revoked') execute function sallyport_forget_passwords();

-- As in 0012.
-- statement
do $$
declare
  path text := (
    select string_agg(quote_ident(name), ', ' order by n) from unnest(current_schemas(false)) with ordinality as own(name, n));
begin
  execute 'alter function sallyport_forget_passwords() set search_path = ' || path;
end
$$;
