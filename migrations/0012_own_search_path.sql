-- These functions look for tables and functions by name. They are also fired under other search paths: by an application that
-- deletes a factor's row, or another SDK beside a schema of Sallyport's own. The path is kept as names, because "$user" would be
-- another schema for each role that fires them.
-- serves 0008
do $$
declare
  path text := (
    select string_agg(quote_ident(name), ', ' order by n) from unnest(current_schemas(false)) with ordinality as own(name, n));
begin
  execute 'alter function flametrench_touch_updated_at() set search_path = ' || path;
  execute 'alter function sallyport_factor_ended() set search_path = ' || path;
end
$$;
