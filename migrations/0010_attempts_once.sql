-- serves 0007
-- An attempt that is sent again, because its reply was lost, is counted once: a counter remembers the last attempts that it
-- counted, and a ticket its last one.
alter table attempt add column recent uuid[] not null default '{}';
-- statement
alter table login_ticket add column last_attempt uuid;
