import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, freshIdentifier, openAuth, otherPassword, outcome } from "../support/auth.ts";
import { sallyportWith } from "../support/command-line.ts";

const page = "https://example.com/recover";

test("S40: prints a link for a user who has lost every way in, an administrator too", async () => {
  const world = await openAuth("postgres");
  const person = await world.administrator();
  const recover = async (...args: string[]) =>
    await sallyportWith({ DATABASE_URL: world.backend.connectionString! }, "recover-account", ...args);
  const identifier = freshIdentifier();
  const done = await recover(person.identifier, "--to", identifier.toUpperCase(), "--page", page);
  expect([done.code, done.stderr]).toEqual([0, "Give this link to the user alone. It works once, for an hour.\n"]);
  const token = /^https:\/\/example\.com\/recover\?token=([\w-]{43})\n$/.exec(done.stdout)![1]!;
  const context = { address: freshAddress() };
  expect(await world.auth.recovery.finish({ token, password: otherPassword, context })).toMatchObject({ identifier });
  expect(await outcome(world.auth.signIn.password({ identifier, password: otherPassword, context }))).toBe("done");
  const told = await world.rows<{ kind: string; recipient: string }>(sql`
    select kind, recipient from mail_message where usr_id = ${uuidFor("usr", person.userId)}::uuid and status = 'owed'
      and kind like 'recovery%' order by kind desc`);
  expect(told.map(({ kind, recipient }) => [kind, recipient])).toEqual([
    ["recovery_started", person.identifier],
    ["recovery_finished", person.identifier],
  ]);

  const { identifier: taken } = await world.person();
  const refused = await recover(person.userId, "--to", taken, "--page", page);
  expect([refused.code, refused.stdout]).toEqual([1, ""]);
  expect(refused.stderr).toBe("sallyport: An active credential with this identifier already exists.\n");

  for (const [user, own] of [
    [person.userId, identifier],
    [identifier, ` ${identifier.toUpperCase()}. `],
  ] as const) {
    const again = await recover(user, "--to", own, "--page", page);
    expect([again.code, again.stdout]).toEqual([2, ""]);
    expect(again.stderr).toContain(
      "The account has this address already. Give --to another address of the user, who can",
    );
  }
  await world.close();
});

test.each([
  { case: "no user", args: ["--to", "ada@example.com", "--page", page] },
  { case: "no address", args: ["ada", "--page", page] },
  { case: "no page", args: ["ada", "--to", "ada@example.com"] },
  { case: "a malformed address", args: ["ada", "--to", "ada@", "--page", page] },
  { case: "a malformed page", args: ["ada", "--to", "ada@example.com", "--page", "recover"] },
  { case: "too much", args: ["ada", "bob", "--to", "ada@example.com", "--page", page] },
])("sallyport recover-account, $case: exit code 2", async ({ args }) => {
  const wrong = await sallyportWith({ DATABASE_URL: "postgres://u:p@127.0.0.1:1/d" }, "recover-account", ...args);
  expect(wrong.code).toBe(2);
});
