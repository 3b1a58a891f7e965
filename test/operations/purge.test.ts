import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedByAllClients } from "../../src/http/client-address.ts";
import { mfa } from "../../src/http/mfa.ts";
import { passkeys } from "../../src/http/passkeys.ts";
import { createAuth, passwords } from "../../src/index.ts";
import { purgeExpired } from "../../src/store/maintenance.ts";
import { sql } from "../../src/store/sql.ts";
import { quickHasher, sealingKey, secret } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { givenApp } from "../support/factors.ts";

describeWorld("purge", { on: ["pglite"] }, (world) => {
  test("each feature has its own rows purged, and no other feature's", async () => {
    const { userId } = await world.person();
    const left = async () =>
      (
        await world.rows<{ factors: number; challenges: number }>(sql`
          select (select count(*)::int from mfa where status = 'pending') as factors,
            (select count(*)::int from spent_challenge) as challenges`)
      )[0]!;
    await givenApp(world, userId, "pending");
    await world.rows(
      sql`update mfa set pending_expires_at = sallyport_now() - interval '1 hour' where status = 'pending'`,
    );
    await world.rows(sql`
      insert into spent_challenge (digest, expires_at) values (sha256('spent'), sallyport_now() - interval '1 hour')`);
    expect(await left()).toEqual({ factors: 1, challenges: 1 });
    const settings = {
      database: world.database,
      secrets: secret,
      origins: ["https://app.example.com"],
      clientAddress: sharedByAllClients,
    };
    await createAuth({ ...settings, features: [passwords({ hasher: quickHasher() })] }).purge();
    expect(await left()).toEqual({ factors: 1, challenges: 1 });
    await createAuth({ ...settings, features: [mfa({ sealingKeys: sealingKey })] }).purge();
    expect(await left()).toEqual({ factors: 0, challenges: 1 });
    await createAuth({ ...settings, features: [mfa({ sealingKeys: sealingKey }), passkeys()] }).purge();
    expect(await left()).toEqual({ factors: 0, challenges: 0 });
  });

  test("S46: a purge does not read counters that are kept for long", async () => {
    await world.rows(sql`
      insert into attempt (bucket, count, maximum, resets_at, backs_off, streak)
      select 'credential:' || gen_random_uuid(), 11, 10, sallyport_now() - make_interval(days => 10 * (n % 20)), true,
        case when n % 20 < 5 then 50 else 100 end
      from generate_series(1, 20000) as n`);
    await world.rows(sql`analyze attempt`);
    const [, lines] = await world.database.batch([
      sql`set local enable_seqscan = off`,
      sql`explain (analyze, costs off, timing off) ${purgeExpired(100)}`,
    ]);
    const plan = JSON.stringify(lines);
    expect(plan).toContain("attempt_decayed");
    expect(plan).toContain("attempt_running");
    expect(plan).not.toContain("Seq Scan on attempt");
    expect(plan).not.toContain("Rows Removed");
  });
});

describeWorld("purge beside another connection", { on: ["postgres"] }, (world) => {
  let other: pg.Client;
  beforeAll(async () => {
    other = new pg.Client({ connectionString: world.backend.connectionString! });
    await other.connect();
  });
  afterAll(() => other.end());

  test("S35, S46: an idempotency key that is renewed during a purge stays", async () => {
    await world.rows(sql`
      insert into idempotency (digest, target, expires_at)
      values ('renewed', gen_random_uuid(), sallyport_now() - interval '1 hour')`);
    await other.query("begin");
    await other.query("update idempotency set expires_at = now() + interval '1 day' where digest = 'renewed'");
    await world.auth.purge();
    await other.query("commit");
    expect(await world.rows(sql`select digest from idempotency where digest = 'renewed'`)).toHaveLength(1);
  });
});
