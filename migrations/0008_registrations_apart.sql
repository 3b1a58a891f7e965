-- The reference schema allows no WebAuthn factor without its key, so a security key that awaits its registration has a row
-- here. The columns are those of `mfa`, in the same order. What never became a factor leaves `mfa`.
-- Older releases cannot enroll a security key on this schema.
-- serves 0008
delete from mfa where type = 'webauthn' and webauthn_public_key is null;

-- statement
create table mfa_registration (like mfa including defaults);
-- statement
alter table mfa_registration
  add primary key (id),
  add foreign key (usr_id) references usr (id),
  add check (type = 'webauthn' and status in ('pending', 'revoked'));
-- statement
create index mfa_registration_usr_id on mfa_registration (usr_id);
-- statement
create index mfa_registration_created_at on mfa_registration (created_at);

-- As strict as the reference, which reads these rows too.
-- statement
alter table mfa drop constraint if exists mfa_payload_matches_type;
-- statement
alter table mfa add constraint mfa_payload_matches_type check (
  case type
    when 'totp' then totp_secret is not null and totp_algorithm is not null and totp_digits is not null
      and totp_period is not null and identifier is not null
      and webauthn_public_key is null and recovery_hashes is null
    when 'webauthn' then identifier is not null and webauthn_public_key is not null and webauthn_sign_count is not null
      and webauthn_rp_id is not null and totp_secret is null and recovery_hashes is null
    when 'recovery' then recovery_hashes is not null and recovery_consumed is not null
      and cardinality(recovery_hashes) = cardinality(recovery_consumed)
      and identifier is null and totp_secret is null and webauthn_public_key is null
  end
);

-- Sallyport limits the life of the tokens that it creates. The reference measures a year by its own clock.
-- statement
alter table pat drop constraint if exists pat_expires_within_a_year;
