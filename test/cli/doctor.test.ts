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
  const young = await doctor();
  expect([young.code, young.stderr]).toEqual([0, ""]);
  expect(young.stdout).toContain("1 messages are owed; the oldest has waited 5 minutes.\n");
  expect(young.stdout).toContain("1 messages of the last 30 days were refused");
  await owe(31, "owed");
  const old = await doctor();
  expect([old.code, old.stderr]).toEqual([
    1,
    "sallyport: messages are not sent: look at the mailer, and at the schedule that calls `auth.mail.deliver()`.\n",
  ]);
  expect(old.stdout).not.toContain("@");
});
