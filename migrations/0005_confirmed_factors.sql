-- Factors in use from before there was a time of their confirmation, and those of another SDK so far.
update mfa set confirmed_at = created_at where confirmed_at is null and status in ('active', 'suspended');
