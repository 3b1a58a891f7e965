import { afterAll, beforeAll, expect, test } from "vitest";
import { goodPassword, openAuth, outcome, system, type World } from "../support/auth.ts";
import { sallyportWith } from "../support/command-line.ts";

let world: World;
beforeAll(async () => {
  world = await openAuth("postgres");
});
afterAll(() => world.close());

const audit = (...args: string[]) => sallyportWith({ DATABASE_URL: world.backend.connectionString! }, "audit", ...args);
const lines = ({ stdout }: { stdout: string }) => stdout.split("\n").filter((line) => line !== "");

test("sallyport audit list: newest first, of one user or of all, without addresses and names", async () => {
  const ada = await world.person();
  const bob = await world.person();
  await outcome(world.auth.signIn.password({ identifier: ada.identifier, password: "wrong wrong wrong" }));
  await world.auth.users.suspend({ actor: system, userId: ada.userId });
  const all = await audit("list");
  expect([all.code, all.stderr]).toEqual([0, ""]);
  expect(lines(all)).toHaveLength(4);
  expect(lines(all)[0]).toMatch(/^\d{4}-\S+Z {2}identity\.user\.suspend {2}success {2}test {2}usr_[0-9a-f]{32}$/);
  const own = lines(await audit("list", "--user", ada.userId));
  expect(own.map((line) => line.split("  ")[1])).toEqual(["identity.user.suspend", "identity.sign_up"]);
  expect(lines(await audit("list", "--user", bob.userId))).toHaveLength(1);
  expect(lines(await audit("list", "--action", "identity.sign_in"))[0]).toContain("  failure  -  login_");
  expect(lines(await audit("list", "--limit", "3"))).toEqual(lines(all).slice(0, 3));
  for (const secret of [ada.identifier, goodPassword, "2001:db8", ada.token]) expect(all.stdout).not.toContain(secret);
});

test("it pages through more than one page, in order and without repeats", async () => {
  const { userId } = await world.person();
  for (let time = 0; time < 205; time++) await world.auth.users.update({ actor: system, userId, displayName: "x" });
  const found = lines(await audit("list", "--user", userId, "--limit", "1000"));
  expect([found.length, new Set(found.map((line) => line.slice(0, 24))).size > 100]).toEqual([206, true]);
  expect(found.at(-1)).toContain("identity.sign_up");
  expect(found).toEqual(found.toSorted().toReversed());
});

test.each([
  { case: "no verb", args: [] },
  { case: "another verb", args: ["drop"] },
  { case: "another argument", args: ["list", "postgres://secret"] },
  { case: "no id of a user", args: ["list", "--user", "ada@example.com"] },
  { case: "no number", args: ["list", "--limit", "many"] },
  { case: "zero", args: ["list", "--limit", "0"] },
])("wrong: $case", async ({ args }) => {
  const { code, stdout, stderr } = await audit(...args);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).not.toContain("secret");
});
