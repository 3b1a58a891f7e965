-- The event that ended a session, so that one event can end many and each still says why it ended. Null while the session is live,
-- after its time has run out, and if another system ended it.
-- serves 0008
alter table ses add column if not exists ended_by uuid;
