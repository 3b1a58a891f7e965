import { expect, test, vi } from "vitest";
import { randomBytes, toBase64Url, toHex } from "../../src/crypto/bytes.ts";
import { SealingKeys } from "../../src/crypto/sealing.ts";
import { totpPlace } from "../../src/engine/mfa-settings.ts";
import { decoyHash } from "../../src/runtime/argon2id.ts";
import { sql } from "../../src/store/sql.ts";
import { installTestClock } from "../../src/testing/clock.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { sallyportWith } from "../support/command-line.ts";
import { type BackendOptions, openBackend } from "../support/databases.ts";

async function open(options?: BackendOptions) {
  const { connectionString, database } = await openBackend("postgres", options);
  const doctor = async (...args: string[]) =>
    await sallyportWith({ DATABASE_URL: connectionString! }, "doctor", ...args);
  return { database, doctor };
}

const fine = "Every active password, factor, passkey and token can be used.\n";

/** The lines about rows, without the rows' ids. */
const findings = (stdout: string): string[] =>
  stdout
    .split("\n")
    .filter((line) => /^[a-z]+_[0-9a-f]{32} /.test(line))
    .map((line) => line.replace(/_\S+/, ""))
    .sort();

test("S17: sallyport doctor: a sound database, and one with a settable clock", async () => {
  const { database, doctor } = await open();
  expect(await doctor()).toEqual({
    code: 0,
    stderr: "",
    stdout:
      "The clock is the database's own, and no cache answers for it.\n" +
      "0 authenticator app secrets are not encrypted.\n" +
      fine,
  });
  await installTestClock(database);
  expect((await doctor()).stderr).toBe("sallyport: sallyport_now() is not the production clock.\n");
});

test("S38, S67: names: who must type theirs exactly, and whom another account hides", async () => {
  const { database, doctor } = await open();
  await database.run(sql`
    with person as (insert into usr (id) values (gen_random_uuid()) returning id)
    insert into cred (id, usr_id, type, identifier, password_hash)
    select gen_random_uuid(), id, 'password', name, ${decoyHash} from person,
      unnest(array['fine@example.com', 'Ada@example.com', 'ada @example.com', 'søren@example.com', 'ben@my_host', 'eve@example.com.']) as name`);
  const exact = "cred not in normal form, so its name must be typed exactly as it is stored";
  const found = await doctor();
  expect([found.code, findings(found.stdout)]).toEqual([0, [exact, exact, exact, exact, exact]]);
  expect(found.stdout + found.stderr).not.toContain("@");
  expect(findings((await doctor("--allow-non-ascii")).stdout)).toEqual([exact, exact, exact, exact]);

  await database.run(sql`
    insert into cred (id, usr_id, type, identifier, password_hash)
    select gen_random_uuid(), id, 'password', 'ada@example.com', ${decoyHash} from usr`);
  const hidden = await doctor();
  expect([hidden.code, hidden.stderr]).toEqual([1, "sallyport: 1 stored rows cannot be used: see the ids above.\n"]);
  expect(findings(hidden.stdout)[0]).toBe(
    "cred cannot be used to sign in: another account has its name in normal form",
  );
});

test("S67: hashes, keys and tokens that cannot be used", async () => {
  const { database, doctor } = await open();
  const costly = decoyHash.replace("m=19456,t=2", "m=131072,t=4");
  const device = await newAuthenticator();
  await database.run(sql`
    with person as (insert into usr (id) values (gen_random_uuid()) returning id),
    passwords as (
      insert into cred (id, usr_id, type, identifier, password_hash)
      select gen_random_uuid(), id, 'password', name, hash from person,
        (values ('a', ${costly}), ('b', '$2y$10$abcdefghijklmnopqrstuv'), ('c', ${decoyHash})) as given(name, hash)),
    codes as (
      insert into mfa (id, usr_id, type, recovery_hashes, recovery_consumed)
      select gen_random_uuid(), id, 'recovery', array[${decoyHash}, ${costly}], array[false, false] from person),
    tokens as (insert into pat (id, usr_id, name, secret_hash) select gen_random_uuid(), id, 'ci', 'sha256:00' from person),
    factors as (
      insert into mfa (id, usr_id, type, identifier, webauthn_public_key, webauthn_sign_count, webauthn_rp_id)
      select gen_random_uuid(), id, 'webauthn', name, key, 0, rp from person,
        (values ('with+plus/', decode(${toHex(device.publicKey)}, 'hex'), 'example.com'),
          ('b2s', decode('00', 'hex'), 'example.com'), ('b3s', decode(${toHex(device.publicKey)}, 'hex'), 'example.org'))
          as given(name, key, rp))
    insert into cred (id, usr_id, type, identifier, passkey_public_key, passkey_sign_count)
    select gen_random_uuid(), id, 'passkey', ${device.credentialId}, decode(${toHex(device.publicKey)}, 'hex'), 0 from person`);
  const found = await doctor("--rp-id", "example.com");
  expect([found.code, findings(found.stdout)]).toEqual([
    1,
    [
      "cred has a hash above the limits: outside Workers, `largestHash` of `argon2id` raises them",
      "cred has a hash that is not Argon2id in the PHC form",
      "mfa has a hash above the limits: outside Workers, `largestHash` of `argon2id` raises them",
      "mfa has a public key that is not COSE with ES256, EdDSA or RS256",
      "mfa has an id that is not base64url",
      "mfa is for another relying party than --rp-id",
      "pat has a hash that is not Argon2id in the PHC form",
    ],
  ]);
});

test("S67: in a shared database, whom the other SDK cannot serve", async () => {
  for (const adopted of [undefined, "0.3.0" as const]) {
    const { database, doctor } = await open(adopted && { adopted });
    await database.run(sql`
      with people as (insert into usr (id) select gen_random_uuid() from generate_series(1, 6) returning id),
      numbered as (select id, row_number() over () as n from people),
      policies as (
        insert into usr_mfa_policy (usr_id, required, grace_until)
        select id, n < 6, case n when 4 then now() - interval '1 day' when 5 then now() + interval '1 day' end
        from numbered where n >= 3)
      insert into mfa (id, usr_id, type, identifier, totp_secret, totp_algorithm, totp_digits, totp_period)
      select gen_random_uuid(), id, 'totp', 'phone',
        case n when 1 then convert_to('SPS1', 'UTF8') || decode(repeat('00', 60), 'hex') else decode('00', 'hex') end,
        'sha1', 6, 30 from numbered`);
    if (!adopted) expect((await doctor()).stdout).toContain(fine);
    const found = await doctor(...(adopted ? [] : ["--shared-database"]));
    const unasked = "usr has a second factor, for which the other SDK does not ask";
    expect([found.code, findings(found.stdout)]).toEqual([
      0,
      // Two without a policy, one in its grace period, and one whose policy asks for none.
      ["usr has a sealed authenticator app, whose codes the other SDK cannot check", ...Array(4).fill(unasked)],
    ]);
  }
});

test("organizations without an owner who can act, and memberships without their tuple", async () => {
  const { database, doctor } = await open();
  await database.run(sql`
    with people as (
      insert into usr (id, status) select gen_random_uuid(), status
      from unnest(array['active', 'suspended', 'active', 'active']) status returning id, status),
    numbered as (select id, row_number() over (order by status, id) as n from people),
    organizations as (
      insert into org (id, status) select gen_random_uuid(), status
      from unnest(array['active', 'active', 'active', 'revoked', 'suspended']) status returning id, status),
    placed as (select id, status, row_number() over (order by status, id) as n from organizations),
    -- The first has an active owner, the second an owner whose account is suspended, the third a member alone, the others none.
    members as (
      insert into mem (id, usr_id, org_id, role)
      select gen_random_uuid(), numbered.id, placed.id, case placed.n when 3 then 'member' else 'owner' end
      from placed join numbered on numbered.n = case placed.n when 1 then 1 when 2 then 4 when 3 then 2 end returning *)
    insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
    select gen_random_uuid(), 'usr', usr_id, role, 'org', org_id from members where role = 'owner'`);
  const found = await doctor();
  const ownerless = "org has no owner who can act: hand ownership over";
  expect([found.code, findings(found.stdout)]).toEqual([
    0,
    ["mem has no tuple, so its role counts for nothing", ownerless, ownerless],
  ]);
});

test("organizations with a domain whose proof was not checked for 60 days", async () => {
  const { database, doctor } = await open();
  await database.run(sql`
    with made as (insert into org (id) select gen_random_uuid() from generate_series(1, 3) returning id),
    numbered as (select id, row_number() over () as n from made)
    insert into org_domain (org_id, domain, value, proved_at, checked_at)
    select id, 'd' || n || '.example', repeat('a', 43), case when n < 3 then now() end,
      now() - make_interval(days => case n when 1 then 59 else 61 end)
    from numbered`);
  const found = await doctor();
  const finding =
    "org has a domain whose proof was not checked for 60 days: call `auth.organizationDomains.recheck` from a cron job";
  expect([found.code, findings(found.stdout)]).toEqual([0, [finding]]);
});

test("organizations whose security policy none of their owners can meet", async () => {
  const { database, doctor } = await open();
  for (const [require, has, expected] of [
    ["none", "nothing", false],
    ["mfa", "nothing", true],
    ["mfa", "totp", false],
    ["mfa", "passkey", false],
    ["mfa", "oidc", false],
    ["phishing-resistant", "totp", true],
    ["phishing-resistant", "oidc", true],
    ["phishing-resistant", "passkey", false],
    ["phishing-resistant", "the passkey of a suspended owner", true],
  ] as const) {
    await database.run(sql`
      with people as (
        insert into usr (id, status) values (gen_random_uuid(), 'active'), (gen_random_uuid(), 'suspended') returning id, status),
      holder as (select id from people where status = case when ${has}::text like '% suspended %' then 'suspended' else 'active' end),
      made as (insert into org (id) values (gen_random_uuid()) returning id),
      policy as (insert into org_security_policy (org_id, require, grace_days) select id, ${require}, 0 from made),
      members as (
        insert into mem (id, usr_id, org_id, role) select gen_random_uuid(), people.id, made.id, 'owner' from people, made returning *),
      companions as (
        insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
        select gen_random_uuid(), 'usr', usr_id, role, 'org', org_id from members),
      keys as (
        insert into cred (id, usr_id, type, identifier, passkey_public_key, passkey_sign_count, passkey_rp_id)
        select gen_random_uuid(), id, 'passkey', replace(id::text, '-', ''),
          decode('00', 'hex'), 0, 'example.com'
        from holder where ${has}::text like '%passkey%'),
      identities as (
        insert into cred (id, usr_id, type, identifier, oidc_issuer, oidc_subject)
        select gen_random_uuid(), id, 'oidc', id::text, 'https://id.example', id::text from holder where ${has}::text = 'oidc')
      insert into mfa (id, usr_id, type, identifier, totp_secret, totp_algorithm, totp_digits, totp_period)
      select gen_random_uuid(), id, 'totp', 'phone', decode('00', 'hex'), 'sha1', 6, 30 from holder where ${has}::text = 'totp'`);
    const locked = findings((await doctor()).stdout).filter((finding) => finding.includes("security policy"));
    const finding = "org has a security policy that none of its owners can meet: set another one";
    expect([require, has, locked]).toEqual([require, has, expected ? [finding] : []]);
    await database.run(sql`delete from org_security_policy`);
  }
});

test("open invitations to organizations whose inviter has lost the right, and no others", async () => {
  const { database, doctor } = await open();
  await database.run(sql`
    with person as (insert into usr (id) values (gen_random_uuid()) returning id),
    organization as (insert into org (id) values (gen_random_uuid()) returning id),
    -- The inviter may invite members, not owners.
    member as (
      insert into mem (id, usr_id, org_id, role) select gen_random_uuid(), person.id, organization.id, 'admin' from person, organization
      returning *),
    companion as (
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
      select gen_random_uuid(), 'usr', usr_id, role, 'org', org_id from member)
    insert into inv (id, org_id, identifier, role, invited_by, copied_hash, is_trusted, created_at, expires_at, status, terminal_at)
    select gen_random_uuid(), member.org_id, invited.identifier || '@example.com', invited.role, member.usr_id,
      case when invited.identifier <> 'foreign' then decode(repeat(invited.digit, 32), 'hex') end, invited.identifier = 'trusted',
      sallyport_now() - interval '9 days',
      sallyport_now() + case when invited.identifier = 'expired' then interval '-1 day' else '1 day' end,
      case when invited.identifier = 'accepted' then 'accepted' else 'pending' end,
      case when invited.identifier = 'accepted' then sallyport_now() end
    from member, (values ('upheld', 'member', '01'), ('forsaken', 'owner', '02'), ('trusted', 'owner', '03'), ('foreign', 'owner', '04'),
      ('expired', 'owner', '05'), ('accepted', 'owner', '06')) as invited (identifier, role, digit)`);
  const { code, stdout } = await doctor();
  const finding = "inv counts for nothing, because its inviter has lost the right: renew or revoke it";
  expect([code, findings(stdout).filter((line) => line.startsWith("inv"))]).toEqual([0, [finding]]);
});

test("organizations that need a provider, and have no owner who may come in without it", async () => {
  const { database, doctor } = await open();
  await database.run(sql`
    with people as (
      insert into usr (id, status) select id::uuid, status from (values
        ('00000000-0000-7000-8000-000000000001', 'active'), ('00000000-0000-7000-8000-000000000002', 'suspended'),
        ('00000000-0000-7000-8000-000000000003', 'active')) person (id, status) returning id, status),
    organizations as (
      insert into org (id) select ('00000000-0000-7000-8000-0000000000a' || n)::uuid from generate_series(1, 4) n returning id),
    members as (
      insert into mem (id, usr_id, org_id, role)
      select gen_random_uuid(), people.id, organizations.id, case when people.id::text like '%3' then 'member' else 'owner' end
      from people, organizations returning *),
    companions as (
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
      select gen_random_uuid(), 'usr', usr_id, role, 'org', org_id from members)
    insert into org_security_policy (org_id, require, grace_days, allowed_providers, break_glass)
    select organizations.id, 'none', 0, '{google}', case right(organizations.id::text, 1)
      when '1' then '{00000000-0000-7000-8000-000000000001}'::uuid[]
      -- An owner whose account is suspended, and a user who is no owner.
      when '2' then '{00000000-0000-7000-8000-000000000002}'
      when '3' then '{00000000-0000-7000-8000-000000000003}' end
    from organizations`);
  const finding = "org has a security policy that lets no owner in without its providers: set another one";
  const { code, stdout } = await doctor();
  expect([code, findings(stdout)]).toEqual([0, [finding, finding]]);
  for (const organization of ["a2", "a3"])
    expect(stdout).toContain(`org_0000000000007000800000000000${organization.padStart(4, "0")} has a`);
});

test("S59: the versions of the keys, and what each version of the sealing keys has encrypted; never a key", async () => {
  const { database, doctor } = await open();
  const [old, next] = [toBase64Url(randomBytes(32)), toBase64Url(randomBytes(32))];
  const seal = async (list: string) =>
    toHex(await new SealingKeys(list).seal(totpPlace(crypto.randomUUID(), crypto.randomUUID()), randomBytes(20)));
  const sealed = [await seal(`1:${old}`), await seal(`1:${old}`), await seal(`2:${next},1:${old}`)];
  await database.run(sql`
    with person as (insert into usr (id) select gen_random_uuid() from unnest(${sealed}::text[]) returning id)
    insert into mfa (id, usr_id, type, status, totp_secret, totp_algorithm, totp_digits, totp_period, identifier)
    select gen_random_uuid(), id, 'totp', 'active', decode(secret, 'hex'), 'sha1', 6, 30, 'phone' from (
      select id, row_number() over () as n from person) p
    join unnest(${sealed}::text[]) with ordinality as s(secret, n) on s.n = p.n`);
  vi.stubEnv("SALLYPORT_SECRET", `1:${old},2:${next}:read`);
  vi.stubEnv("SALLYPORT_SEALING_KEYS", `2:${next},1:${old}`);
  try {
    const { stdout, stderr } = await doctor();
    expect(stdout).toContain("2 are encrypted with version 1 of the sealing keys.\n1 are encrypted with version 2");
    expect(stdout).toContain("SALLYPORT_SECRET: version 1 writes; 2 and 1 are read.\n");
    expect(stdout).toContain("SALLYPORT_SEALING_KEYS: version 2 writes; 2 and 1 are read.\n");
    for (const one of [old, next]) expect(stdout + stderr).not.toContain(one);
  } finally {
    vi.unstubAllEnvs();
  }
});

test("messages that nobody sends are a fault, and refused ones are told", async () => {
  const { database, doctor } = await open();
  const owe = (minutes: number, status: string) =>
    database.run(sql`
      insert into mail_message (id, kind, recipient, content, status, created_at, ended_at, expires_at)
      select gen_random_uuid(), 'sign_up_taken', case when owed.so then 'ada@example.com' end,
        case when owed.so then '{}'::jsonb end, ${status}, now() - make_interval(mins => ${minutes}::int),
        case when not owed.so then now() end, now() + interval '1 day'
      from (select ${status} = 'owed' as so) owed`);
  await owe(5, "owed");
  await owe(60, "refused");
  await owe(60, "expired");
  await database.run(sql`
    insert into mail_message (id, kind, status, ended_at, expires_at)
    select gen_random_uuid(), 'sign_in', 'expired', now(), now() - interval '1 minute'`);
  const young = await doctor();
  expect([young.code, young.stderr]).toEqual([0, ""]);
  expect(young.stdout).toContain("1 messages are owed; the oldest has waited 5 minutes.\n");
  expect(young.stdout).toContain("1 messages of the last 30 days were refused");
  expect(young.stdout).toContain(
    "1 messages of the last 30 days were given up, because they could not be sent in time.\n",
  );
  await owe(31, "owed");
  const old = await doctor();
  expect([old.code, old.stderr]).toEqual([
    1,
    "sallyport: messages are not sent: look at the mailer, and at the schedule that calls `auth.mail.deliver()`.\n",
  ]);
  expect(old.stdout).not.toContain("@");
});
