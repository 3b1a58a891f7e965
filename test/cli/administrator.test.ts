import { expect, test } from "vitest";
import { generateId, wireId } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { sallyportWith } from "../support/command-line.ts";
import { openBackend } from "../support/databases.ts";

const nobody = generateId("usr");

test("S06: grants the first administrator, and never removes the last", async () => {
  const { connectionString, database } = await openBackend("postgres");
  const rows = await database.run(sql<{ id: string }>`
    insert into usr (id) select gen_random_uuid() from generate_series(1, 2) returning id`);
  const [first, second] = rows.map(({ id }) => wireId("usr", id));
  const administrator = async (...args: string[]) =>
    await sallyportWith({ DATABASE_URL: connectionString! }, "administrator", ...args);

  const early = await administrator("grant", first!);
  expect([early.code, early.stderr]).toEqual([1, "sallyport: Set up another second factor first.\n"]);
  await database.run(sql`
    insert into mfa (id, usr_id, type, identifier, totp_secret, totp_algorithm, totp_digits, totp_period)
    select gen_random_uuid(), id, 'totp', 'phone', decode('00', 'hex'), 'sha1', 6, 30 from usr`);
  expect((await administrator("grant", first!)).stdout).toBe("The user is an administrator now.\n");
  expect((await administrator("grant", first!)).stdout).toBe("The user was an administrator already.\n");
  const refused = await administrator("remove", first!);
  expect([refused.code, refused.stderr]).toEqual([1, "sallyport: The last administrator cannot be removed.\n"]);
  expect((await administrator("grant", second!)).code).toBe(0);
  expect((await administrator("remove", first!)).stdout).toBe("The user is no longer an administrator.\n");
  expect((await administrator("remove", first!)).stdout).toBe("The user was not an administrator.\n");
  expect((await administrator("grant", nobody)).stderr).toBe("sallyport: Not found.\n");

  const events = await database.run(sql<{ action: string; auth: unknown }>`
    select action, auth from aud order by recorded_at`);
  expect(events.map((event) => event.action)).toEqual([
    "authz.administrator.grant",
    "authz.administrator.grant",
    "authz.administrator.remove",
  ]);
  expect(events[0]!.auth).toEqual({ kind: "system", system_id: "command-line" });
});

test.each([
  { case: "no verb", args: [] },
  { case: "an unknown verb", args: ["make", nobody] },
  { case: "no user", args: ["grant"] },
  { case: "too much", args: ["grant", nobody, nobody] },
])("sallyport administrator, $case: exit code 2", async ({ args }) => {
  expect((await sallyportWith({ DATABASE_URL: "postgres://u:p@127.0.0.1:1/d" }, "administrator", ...args)).code).toBe(
    2,
  );
});
