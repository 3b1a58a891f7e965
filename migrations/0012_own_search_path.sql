-- These functions look for tables and functions by name. They are also fired under other search paths: by an application that
-- deletes a factor's row, or another SDK beside a schema of Sallyport's own.
-- serves 0008
alter function flametrench_touch_updated_at() set search_path from current;
-- statement
alter function sallyport_factor_ended() set search_path from current;
