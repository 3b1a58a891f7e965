import { expect, test, vi } from "vitest";
import { type Statement, sql } from "../../src/store/sql.ts";
import { installTestClock, setTestClock } from "../../src/testing/clock.ts";
import { openAuth, system } from "../support/auth.ts";
import { prepareWrite, writes } from "./writes/every-write.ts";

const [minute, hour, day] = [60, 3_600, 86_400];

/** The ends of every column that may lie in the future, in seconds from when the row was written. */
const ends: Readonly<Record<string, readonly number[]>> = {
  "attempt.resets_at": [5 * minute, 15 * minute, hour, day],
  "deployment_invitation.expires_at": [7 * day],
  "idempotency.expires_at": [24 * hour],
  "inv.expires_at": [7 * day],
  "login_ticket.expires_at": [5 * minute],
  "mail_message.created_at": [day],
  "mail_message.due_at": [day],
  "mail_message.expires_at": [hour, day, 3 * day, 4 * day, 7 * day],
  "mfa.pending_expires_at": [10 * minute],
  "mfa_enrollment_grant.expires_at": [7 * day],
  "mfa_registration.pending_expires_at": [10 * minute],
  "ses.expires_at": [day, 30 * day],
  "ses.family_expires_at": [day, 30 * day],
  "spent_challenge.expires_at": [3 * minute, 5 * minute, 10 * minute],
  "verification_token.code_expires_at": [10 * minute],
  "verification_token.created_at": [day],
  "verification_token.expires_at": [hour, day, 4 * day],
};

test("each thing that ends lasts as long as documented, to the second", async () => {
  const world = await openAuth("pglite");
  await installTestClock(world.database);
  const now = new Date("2030-01-01T00:00:00Z");
  await setTestClock(world.database, now);
  // A sign-in at a provider begins by the isolate's clock.
  vi.useFakeTimers({ toFake: ["Date"], now });
  for (const write of writes) {
    const { person, prepared } = await prepareWrite(world, write);
    await write.act(world.auth, person, prepared);
  }
  vi.useRealTimers();
  const { actor } = await world.person();
  await world.auth.securityKeys.enroll({ actor });
  await world.auth.users.create({ actor: system, displayName: "Ada", idempotencyKey: "order-1" });

  const columns = await world.rows<{ table: string; column: string }>(sql`
    select table_name as table, column_name as column from information_schema.columns
    where table_schema = current_schema() and data_type = 'timestamp with time zone'`);
  const seen: Record<string, number[]> = {};
  for (const { table, column } of columns) {
    const text = `select distinct extract(epoch from "${column}" - sallyport_now())::float8 as seconds from "${table}"
      where "${column}" > sallyport_now() + interval '1 second' order by 1`;
    const found = await world.rows({ text, params: [] } as Statement<{ seconds: number }>);
    if (found.length > 0) seen[`${table}.${column}`] = found.map(({ seconds }) => seconds);
  }
  expect(seen).toEqual(ends);
  expect(await world.rows(sql`select distinct idle_seconds as seconds from ses order by 1`)).toEqual(
    [hour, 7 * day].map((seconds) => ({ seconds })),
  );
});
