-- Every run of failures is remembered for 90 days, a stranger's at a name that nobody has too, or 429 would tell which names
-- somebody has; and what a hundred failures closed stays closed, so nobody need read it again to clear the others away.
create index attempt_decayed on attempt (resets_at) where not (backs_off and streak > 0);
-- statement
create index attempt_running on attempt (resets_at) where backs_off and streak > 0 and streak < 100;
-- statement
drop index attempt_forgotten;
-- statement
drop index attempt_remembered;
