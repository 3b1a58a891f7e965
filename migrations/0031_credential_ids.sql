-- serves 0008
-- The id of a passkey or security key is unique for ever, so a registration looks for it in every state. The indexes of active ones
-- do not serve.
create index cred_passkey_id on cred (identifier) where type = 'passkey';

-- statement
create index mfa_webauthn_id on mfa (identifier) where type = 'webauthn';
