-- serves 0008
-- Links that anyone can ask for, and their codes. A row without a credential is of a sign-up, or of an address that no account
-- has; the latter is there so that the work is the same, and opens nothing.
alter table verification_token
  alter column usr_id drop not null,
  alter column cred_id drop not null,
  -- The address of a sign-up.
  add column identifier text,
  -- The keyed digest of a sign-up's address, which has one link: the newest.
  add column mailbox text,
  -- The browser that asked. Only it can use the code.
  add column browser_hash bytea check (octet_length(browser_hash) = 32),
  -- Keyed, because a code has only six digits.
  add column code_mac bytea check (octet_length(code_mac) = 32),
  add column code_expires_at timestamptz,
  add column attempts integer not null default 0;

-- statement
create unique index verification_token_browser on verification_token (browser_hash) where browser_hash is not null;

-- statement
create unique index verification_token_sign_up on verification_token (mailbox) where purpose = 'sign_up';
