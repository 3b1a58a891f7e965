-- Counters by when they are forgotten: after a day, and those with a run of failures at a credential or factor, or that are
-- full, after 90. Apart, so that who clears the first away does not read all of the others.
create index attempt_forgotten on attempt (resets_at)
  where not (backs_off and (streak >= maximum or (streak > 0 and bucket ~ '^(credential|factor):')));
-- statement
create index attempt_remembered on attempt (resets_at)
  where backs_off and (streak >= maximum or (streak > 0 and bucket ~ '^(credential|factor):'));
-- statement
drop index attempt_resets_at;
