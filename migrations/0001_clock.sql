-- The clock that every statement compares with. It is the start of the statement, not of the transaction: a batch that
-- waited for a lock would otherwise accept what expired while it waited.
create function sallyport_now() returns timestamptz language sql stable parallel safe
return statement_timestamp();

-- statement
-- Aborts the transaction with a refusal: the driver reads the code from the error's constraint field. VOLATILE, because
-- the planner may evaluate any other function in a branch that is never taken.
create function sallyport_refuse(code text) returns boolean language plpgsql volatile as $$
begin raise exception using errcode = 'SP001', message = code, constraint = code; end $$;
