-- serves 0008
-- What an organization asks of the sessions of its members. Without a row it asks for nothing.
create table org_security_policy (
  org_id uuid primary key references org (id) on delete cascade,
  require text not null check (require in ('none', 'mfa', 'phishing-resistant')),
  -- Since when it requires at least this: the grace begins here, or when the user became a member.
  required_since timestamptz not null default sallyport_now(),
  grace_days int not null check (grace_days between 0 and 14),
  max_age_seconds int check (max_age_seconds >= 600),
  max_idle_seconds int check (max_idle_seconds >= 600),
  allowed_providers text[] check (cardinality(allowed_providers) <= 50),
  updated_at timestamptz not null default sallyport_now()
);

-- The longest time without use since the last proof. `last_seen_at` forgets it with the next request, whichever route that is for.
-- statement
alter table ses add column longest_idle_seconds int not null default 0;
