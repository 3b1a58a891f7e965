-- serves 0008
-- What is known of a linked identity (a credential of the type `oidc`) beside its issuer and subject.
create table linked_identity (
  cred_id uuid primary key references cred (id) on delete cascade,
  -- The name of the provider in the application's list.
  provider text not null check (octet_length(provider) <= 64),
  -- The normal form of the address that the provider calls verified. It identifies no one.
  email text,
  -- How lists show it: an address or a name at the provider.
  label text check (octet_length(label) <= 1024),
  last_used_at timestamptz not null default sallyport_now()
);

-- An address that a provider has verified is taken, as a verified one of a password is.
-- statement
create index linked_identity_email on linked_identity (email) where email is not null;
