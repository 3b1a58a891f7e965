-- serves 0008
-- Messages that are owed. A message is inserted together with the change that it is about, and sent after it. It holds no
-- secret: the one in a link is derived from `content` and a key of the deployment when the message is sent.
create table mail_message (
  id uuid primary key,
  kind text not null check (octet_length(kind) <= 64),
  usr_id uuid references usr (id) on delete cascade,
  -- Erased with `content` once the message is sent or given up.
  recipient text,
  content jsonb,
  status text not null default 'owed' check (status in ('owed', 'sent', 'refused', 'expired')),
  attempts integer not null default 0,
  created_at timestamptz not null default sallyport_now(),
  -- The next attempt; during an attempt, when another worker may begin one.
  due_at timestamptz not null default sallyport_now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  constraint mail_message_is_erased check (
    (status = 'owed') = (recipient is not null) and (status = 'owed') = (content is not null)
    and (status = 'owed') = (ended_at is null))
);

-- statement
create index mail_message_due on mail_message (due_at) where status = 'owed';
-- statement
create index mail_message_ended_at on mail_message (ended_at) where status <> 'owed';
-- statement
create index mail_message_usr_id on mail_message (usr_id) where usr_id is not null;

-- One-time secrets that were sent by mail. A new one for the same purpose replaces the last.
-- statement
create table verification_token (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  purpose text not null check (octet_length(purpose) <= 64),
  usr_id uuid not null references usr (id),
  cred_id uuid not null references cred (id),
  created_at timestamptz not null default sallyport_now(),
  expires_at timestamptz not null
);

-- statement
create unique index verification_token_newest on verification_token (cred_id, purpose);
-- statement
create index verification_token_usr_id on verification_token (usr_id);
-- statement
create index verification_token_expires_at on verification_token (expires_at);
