-- serves 0008
-- With a list, members come in by an allowed provider alone. The users of the list may sign in otherwise, for the day on which the
-- provider fails. Null: passwords and passkeys are allowed to all.
alter table org_security_policy
  add column break_glass uuid[] check (cardinality(break_glass) between 1 and 10),
  add constraint org_security_policy_break_glass check (break_glass is null or allowed_providers is not null);
