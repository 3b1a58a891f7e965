-- serves 0008
-- The version of the terms that a user has accepted last, and when.
alter table usr add column terms_version text;
-- statement
alter table usr add column terms_accepted_at timestamptz;
