-- A refusal says which operation of a batch it is of, where the batch has set that: the driver reads it from the error's
-- table field.
create or replace function sallyport_refuse(code text) returns boolean language plpgsql volatile as $$
begin
  raise exception using errcode = 'SP001', message = code, constraint = code,
    table = coalesce(current_setting('sallyport.place', true), '');
end $$;
