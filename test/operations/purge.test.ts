import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { purgeExpired } from "../../src/store/maintenance.ts";
import { sql } from "../../src/store/sql.ts";
import { describeWorld } from "../support/describe-world.ts";

describeWorld("purge", { on: ["pglite"] }, (world) => {
  test("S46: counters that are kept for long are not read at each purge", async () => {
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

  test("S35, S46: an idempotency key that is renewed at the same time stays", async () => {
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
