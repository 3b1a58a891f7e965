import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateId, type UserId } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { goodPassword, openAuth, system, type World } from "../support/auth.ts";
import { sallyport, sallyportFed, sallyportWith } from "../support/command-line.ts";

let world: World;
beforeAll(async () => {
  world = await openAuth("postgres", { hasher: "real" });
});
afterAll(() => world.close());

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const users = async (password: string, ...args: string[]) =>
  await sallyportFed(password, { DATABASE_URL: world.backend.connectionString! }, "users", ...args);

test("creates a user who can sign in, and finds them again", async () => {
  const made = await users(`${goodPassword}\n`, "create", "Ada@example.com");
  expect(made).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^usr_[0-9a-f]{32}\n$/) });
  const signedIn = await world.auth.signIn.password({ identifier: "ada@example.com", password: goodPassword });
  expect(signedIn.mfaRequired ? undefined : signedIn.user.id).toBe(made.stdout.trim());
  expect((await users("", "find", "ADA@example.com")).stdout).toBe(made.stdout);

  const events = await world.rows(sql`
    select action, auth ->> 'system_id' as by from aud where auth ->> 'kind' = 'system' order by action`);
  expect(events).toEqual([
    { action: "identity.credential.create", by: "command-line" },
    { action: "identity.user.create", by: "command-line" },
  ]);
});

test.each([
  { case: "a password that is too short", password: "tiny7", identifier: "bob@example.com", message: /too_short/ },
  { case: "no password", password: "", identifier: "bob@example.com", message: /too_short/ },
  {
    case: "a password made of the identifier",
    password: "bob@example.com".repeat(2),
    identifier: "bob@example.com",
    message: /too_predictable/,
  },
  {
    case: "an identifier beyond ASCII",
    password: goodPassword,
    identifier: "søren@example.com",
    message: /identifier/,
  },
  {
    case: "an identifier that is taken",
    password: goodPassword,
    identifier: "eve@example.com",
    message: /taken|already/,
  },
])("refused, and no user is left: $case", async ({ password, identifier, message }) => {
  await users(goodPassword, "create", "eve@example.com");
  const count = async () => (await world.rows(sql<{ n: number }>`select count(*)::int as n from usr`))[0]!.n;
  const before = await count();
  const refused = await users(password, "create", identifier);
  expect([refused.code, refused.stdout]).toEqual([1, ""]);
  expect(refused.stderr).toMatch(message);
  if (password !== "") expect(refused.stderr).not.toContain(password);
  expect(await count()).toBe(before);
});

test("--allow-non-ascii: takes what such a server takes", async () => {
  expect((await users(goodPassword, "create", "søren@example.com", "--allow-non-ascii")).code).toBe(0);
  expect((await users("", "find", "søren@example.com", "--allow-non-ascii")).code).toBe(0);
});

test("find, an identifier that no password has: exit code 1", async () => {
  expect(await users("", "find", "nobody@example.com")).toMatchObject({ code: 1, stdout: "" });
});

test("sallyport users list: finds users in every status by part of an identifier", async () => {
  const made = (await users(goodPassword, "create", "grace@list.example")).stdout.trim();
  const other = (await users(goodPassword, "create", "linus@list.example")).stdout.trim();
  await world.auth.users.suspend({ actor: system, userId: other as UserId });
  const { code, stdout } = await users("", "list", "list.example");
  expect([code, stdout.trim().split("\n")]).toEqual([
    0,
    [`${made}  active  grace@list.example`, `${other}  suspended  linus@list.example`],
  ]);
  expect((await users("", "list", "absent.example")).stdout).toBe("");
  await world.rows(sql`
    update cred set identifier = ${"\u001b[2J\u202egrace@list.example"}::text where identifier = 'grace@list.example'`);
  expect((await users("", "list", "grace@list.example")).stdout).toBe(`${made}  active  [2Jgrace@list.example\n`);
  expect((await users("", "list")).stdout).toContain(made);
});

test("sallyport administrator: accepts an identifier in place of an id", async () => {
  const made = (await users(goodPassword, "create", "root@example.com")).stdout.trim();
  const administrator = async (...args: string[]) =>
    await sallyportWith({ DATABASE_URL: world.backend.connectionString! }, "administrator", ...args);
  expect((await administrator("grant", "root@example.com")).stderr).toBe(
    "sallyport: Set up another second factor first.\n",
  );
  await world.enroll(made);
  expect((await administrator("grant", "ROOT@example.com")).stdout).toBe("The user is an administrator now.\n");
  expect(await administrator("grant", "absent@example.com")).toMatchObject({
    code: 1,
    stdout: "",
  });
});

test("sallyport --version: prints the version of the package", async () => {
  expect(await sallyport("--version")).toEqual({ code: 0, stderr: "", stdout: `${version}\n` });
});

test.each([
  { case: "no verb", args: [] },
  { case: "an unknown verb", args: ["make", "ada@example.com"] },
  { case: "no identifier", args: ["create"] },
  { case: "too much", args: ["find", "ada@example.com", generateId("usr")] },
])("sallyport users, $case: exit code 2", async ({ args }) => {
  expect((await users("", ...args)).code).toBe(2);
});

test("sallyport secret: another key each time, of 32 bytes", async () => {
  const [one, two] = [await sallyport("secret"), await sallyport("secret")];
  expect(one).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^[A-Za-z0-9_-]{43}\n$/) });
  expect(two.stdout).not.toBe(one.stdout);
  // It is one that is accepted.
  expect(() => world.isolate({ secrets: one.stdout.trim() }).origins).not.toThrow();
});
