-- serves 0008
-- Invitations to an organization have two secrets, as those to the deployment do. Another SDK's invitations have none, and only the
-- application can accept them.
alter table inv
  add column copied_hash bytea check (octet_length(copied_hash) = 32),
  add column mailed_hash bytea check (octet_length(mailed_hash) = 32),
  add column message_id uuid,
  -- True if the application made it: then the rights of the inviter do not count.
  add column is_trusted boolean not null default false,
  add constraint inv_is_mailed check ((mailed_hash is null) = (message_id is null));

-- statement
create unique index inv_copied on inv (copied_hash) where copied_hash is not null;
-- statement
create unique index inv_mailed on inv (mailed_hash) where mailed_hash is not null;
-- statement
create index inv_end on inv (coalesce(terminal_at, expires_at));
