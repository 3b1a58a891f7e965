-- serves 0008
-- `updated_at` of a credential or factor that has ended says when it ended: erasing its secret, or encrypting it anew, no longer
-- moves it. In an adopted database the triggers may have other names.
do $$
declare
  touch record;
begin
  for touch in
    select tgname, tgrelid::regclass as relation from pg_trigger
    where tgfoid = 'flametrench_touch_updated_at()'::regprocedure and tgrelid in ('cred'::regclass, 'mfa'::regclass)
  loop
    execute format('create or replace trigger %I before update on %s for each row
      when (old.status <> ''revoked'' or new.status <> ''revoked'') execute function flametrench_touch_updated_at()',
      touch.tgname, touch.relation);
  end loop;
end
$$;
