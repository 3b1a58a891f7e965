-- serves 0008
-- Invitations to make an account, by an administrator or by the application. Flametrench's `inv` are another thing: invitations
-- to an organization.
create table deployment_invitation (
  id uuid primary key,
  identifier text not null,
  display_name text,
  status text not null default 'pending' check (status in ('pending', 'accepted', 'revoked')),
  -- Null for the application alone. A row whose administrator is gone must not read as the application's, so it goes too.
  invited_by uuid references usr (id) on delete cascade,
  -- The digests of two secrets: one that the inviter sees, and one that only the mailbox gets, which proves the address.
  copied_hash bytea not null check (octet_length(copied_hash) = 32),
  mailed_hash bytea check (octet_length(mailed_hash) = 32),
  -- The message with the second secret.
  message_id uuid,
  -- The user who accepted it.
  usr_id uuid references usr (id) on delete cascade,
  created_at timestamptz not null default sallyport_now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  constraint deployment_invitation_is_ended check ((status = 'pending') = (ended_at is null)),
  constraint deployment_invitation_is_accepted check ((status = 'accepted') = (usr_id is not null)),
  constraint deployment_invitation_is_mailed check ((mailed_hash is null) = (message_id is null))
);

-- An address has one invitation, whose secrets are the newest.
-- statement
create unique index deployment_invitation_newest on deployment_invitation (identifier) where status = 'pending';
-- statement
create unique index deployment_invitation_copied on deployment_invitation (copied_hash);
-- statement
create unique index deployment_invitation_mailed on deployment_invitation (mailed_hash) where mailed_hash is not null;
-- statement
create index deployment_invitation_invited_by on deployment_invitation (invited_by) where invited_by is not null;
-- statement
create index deployment_invitation_usr_id on deployment_invitation (usr_id) where usr_id is not null;
-- statement
create index deployment_invitation_end on deployment_invitation (coalesce(ended_at, expires_at));
