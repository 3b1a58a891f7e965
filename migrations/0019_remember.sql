-- serves 0008
-- Whether a session outlives its browser. A ticket carries the choice through the second factor.
alter table ses add column remember boolean not null default true;
-- statement
alter table login_ticket add column remember boolean not null default true;
