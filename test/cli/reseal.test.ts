import { afterAll, beforeAll, expect, test } from "vitest";
import { fromHex, randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import { isSealed, SealingKeys, sealingVersion } from "../../src/crypto/sealing.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { tokenRows } from "../../src/oidc/token-rows.ts";
import { probe } from "../../src/operations/health.ts";
import { keepTokens } from "../../src/operations/provider-tokens.ts";
import { resealSecrets } from "../../src/operations/reseal.ts";
import { sql } from "../../src/store/sql.ts";
import {
  type FullAuth,
  openAuth,
  outcome,
  type Person,
  sealingKey,
  secret,
  system,
  type World,
} from "../support/auth.ts";
import { sallyportWith } from "../support/command-line.ts";
import { type App, addApp, ticketFor } from "../support/factors.ts";
import { freshIdentity, practiceProvider, signInWith } from "../support/practice-provider.ts";

const newKey = toBase64Url(randomBytes(32));
const bothKeys = `2:${newKey},1:${sealingKey}`;

let world: World;
beforeAll(async () => {
  world = await openAuth("postgres");
});
afterAll(() => world.close());

async function stored({ factorId }: App): Promise<Uint8Array<ArrayBuffer>> {
  const [row] = await world.rows<{ secret: string }>(
    sql`select encode(totp_secret, 'hex') as secret from mfa where id = ${uuidFor("mfa", factorId)}::uuid`,
  );
  return fromHex(row!.secret)!;
}

async function canSignIn(auth: FullAuth, person: Person, app: App): Promise<string> {
  await world.rows(sql`update mfa set totp_last_step = null`);
  const ticket = await ticketFor(world, person, auth);
  const proof = { type: "totp", code: await app.code() } as const;
  return await outcome(auth.signIn.factor({ ticket, transport: person.transport, proof }));
}

const reseal = (keys: string) =>
  sallyportWith({ SALLYPORT_SEALING_KEYS: keys, DATABASE_URL: world.backend.connectionString! }, "reseal");

test("S44: sealing keys rotate during use: old, both, resealed, new alone", async () => {
  const { app, person } = await addApp(world, await world.person());
  const [onlyOld, both, onlyNew] = [sealingKey, bothKeys, `2:${newKey}`].map((sealingKeys) =>
    world.isolate({ sealingKeys }),
  ) as [FullAuth, FullAuth, FullAuth];
  expect(await canSignIn(onlyOld, person, app)).toBe("done");
  expect(await canSignIn(both, person, app)).toBe("done");
  // A missing key is the deployment's fault, not the user's: sign-in is refused, and no attempt is counted.
  expect(await canSignIn(onlyNew, person, app)).toBe("unavailable.configuration");

  expect(await reseal(bothKeys)).toMatchObject({ code: 0, stdout: "1 secrets were encrypted with the newest key.\n" });
  expect(sealingVersion(await stored(app))).toBe(2);
  expect(await canSignIn(both, person, app)).toBe("done");
  expect(await canSignIn(onlyNew, person, app)).toBe("done");
  expect(await reseal(bothKeys)).toMatchObject({ code: 0, stdout: "0 secrets were encrypted with the newest key.\n" });
});

test("S44: tokens of providers are sealed again too, and read with the new key alone", async () => {
  const keeping = (sealingKeys: string) =>
    world.isolate({ federation: { providers: [practiceProvider()], keepTokens: keepTokens({ sealingKeys }) } });
  const tokens = {
    access_token: "access",
    refresh_token: "refresh",
    expires_at: Math.floor(Date.now() / 1_000) + 3_600,
  };
  const provider = { ...practiceProvider(), refresh: async () => tokens };
  const auth = world.isolate({
    federation: { providers: [provider], keepTokens: keepTokens({ sealingKeys: sealingKey }) },
  });
  const done = await signInWith(auth, freshIdentity({ tokens }));
  const asked = { actor: system, userId: ("session" in done ? done.session.userId : undefined)!, provider: "practice" };
  const onlyNew = keeping(`2:${newKey}`);
  expect(await outcome(onlyNew.federation.accessToken(asked))).toBe("unavailable.configuration");
  expect(await reseal(bothKeys)).toMatchObject({ code: 0, stdout: "2 secrets were encrypted with the newest key.\n" });
  expect((await onlyNew.federation.accessToken(asked)).accessToken).toBe("access");
  const [row] = await world.rows(sql<{ refresh: string }>`
    select encode(refresh_token, 'hex') as refresh from provider_token`);
  expect(sealingVersion(fromHex(row!.refresh)!)).toBe(2);
  // No SDK writes a plain token, so this one was planted.
  await world.rows(sql`update provider_token set access_token = 'planted'`);
  expect((await reseal(bothKeys)).stderr).toMatch(/^sallyport: 1 secrets cannot be opened/);
  await world.rows(sql`delete from provider_token`);
});

test("S44, OC20: tokens of an application's sessions are sealed again too, and doctor counts them", async () => {
  const rows = (sealingKeys: string) => tokenRows({ database: world.database, sealingKeys });
  const sessions = Array.from({ length: 3 }, () => crypto.randomUUID());
  const tokens = { access_token: "access", token_type: "Bearer", expires_at: 2_000_000_000 };
  for (const session of sessions) await rows(sealingKey).write(session, tokens);
  expect(await reseal(bothKeys)).toMatchObject({ code: 0, stdout: "3 secrets were encrypted with the newest key.\n" });
  for (const session of sessions) expect((await rows(`2:${newKey}`).read(session))!.access_token).toBe("access");
  const doctor = await sallyportWith({ DATABASE_URL: world.backend.connectionString! }, "doctor");
  expect(doctor.stdout).toContain("4 are encrypted with version 2 of the sealing keys.");
  const [event] = await world.rows(sql<{ target: string }>`
    select target_id as target from aud where action = 'identity.mfa.reseal' order by recorded_at desc, id desc limit 1`);
  expect(event!.target).toBe("sys_agent_token");
  await world.rows(sql`delete from agent_token`);
});

test("reseal: resumes where it was cut off and leaves concurrent changes alone", async () => {
  const made = [];
  for (let count = 0; count < 5; count++) made.push(await addApp(world, await world.person()));
  const core = { database: world.database, onError: () => undefined };
  const keys = new SealingKeys(`3:${toBase64Url(randomBytes(32))},${bothKeys}`);
  const first = await resealSecrets(core, keys, "totp_secret", { limit: 2 });
  const inOrder = await world.rows<{ id: string }>(sql`
    select id::text from mfa where type = 'totp' and totp_secret is not null order by id limit 2`);
  expect(first).toEqual({ resealed: 2, unreadable: 0, next: inOrder[1]!.id });
  // A new run starts from the beginning, and finished secrets do not come again.
  let [total, after] = [2, undefined as string | null | undefined];
  while (after !== null) {
    const step = await resealSecrets(core, keys, "totp_secret", { limit: 2, after });
    total += step.resealed;
    after = step.next;
  }
  const [all] = await world.rows<{ n: number }>(sql`select count(*)::int as n from mfa where type = 'totp'`);
  expect(total).toBe(all!.n);
  for (const { app } of made) expect(sealingVersion(await stored(app))).toBe(3);
});

test("reseal, plain secrets of another SDK: refused, accepted during sealing, then sealed", async () => {
  const plain = await world.person();
  const unsealed = world.isolate({ sealing: "off", sealingKeys: undefined });
  const { app, person } = await addApp(world, plain, unsealed);
  expect(isSealed(await stored(app))).toBe(false);
  expect(await canSignIn(world.isolate({ sealingKeys: `2:${newKey}` }), person, app)).toBe("unavailable.configuration");
  const accepting = world.isolate({ sealingKeys: `2:${newKey}`, sealing: "accept-unsealed" });
  expect(await canSignIn(accepting, person, app)).toBe("done");
  const doctor = await sallyportWith({ DATABASE_URL: world.backend.connectionString! }, "doctor");
  expect(doctor.stdout).toContain("1 authenticator app secrets are not encrypted.");

  // The other secrets are sealed with a key that this run does not have.
  expect((await reseal(`2:${newKey}`)).stderr).toMatch(/^sallyport: \d+ secrets cannot be opened with any of the keys/);
  expect(sealingVersion(await stored(app))).toBe(2);
  expect(await canSignIn(world.isolate({ sealingKeys: `2:${newKey}` }), person, app)).toBe("done");
});

test("reseal without usable keys: refused, and the message quotes none", async () => {
  const { code, stderr } = await reseal("hunter2hunter2");
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(
      /^sallyport: SALLYPORT_SEALING_KEYS cannot be used: the secret of 14 characters .*npx --no sallyport secret.*\n$/,
    ),
  ]);
});

test("S34: second factors do not start without a sealing key, or with the root secret as one", async () => {
  for (const sealingKeys of [undefined, "", "A".repeat(43), secret]) {
    await expect(probe(world.isolate({ sealingKeys }))).rejects.toThrow("The option `sealingKeys` cannot be used");
  }
});
