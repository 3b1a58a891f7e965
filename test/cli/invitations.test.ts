import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, goodPassword, openAuth, outcome, secret, type World } from "../support/auth.ts";
import { sallyport, sallyportWith } from "../support/command-line.ts";

let world: World;
beforeAll(async () => {
  world = await openAuth("postgres", { auth: { signUp: "invited" } });
});
afterAll(() => world.close());

const BASE_URL = "https://example.com";
const run = (more: Record<string, string>, ...args: string[]) =>
  sallyportWith({ DATABASE_URL: world.backend.connectionString!, BASE_URL, SALLYPORT_SECRET: "", ...more }, ...args);
const tokenIn = (stdout: string) => /^https:\/\/example\.com\/invitation\?token=([\w-]{43})$/m.exec(stdout)![1]!;
const accept = (token: string) => world.auth.invitations.accept({ token, password: goodPassword });

describe("sallyport invite", () => {
  test("S10: prints the link to copy, once, on standard output alone; it makes an account that is not verified", async () => {
    const identifier = freshIdentifier();
    const { code, stdout, stderr } = await run({}, "invite", identifier.toUpperCase(), "--name", "Ada", "--days", "2");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`  ${identifier}  pending until `);
    expect(stdout).toContain("not mailed  by the application");
    const account = await accept(tokenIn(stdout));
    expect(account.user.displayName).toBe("Ada");
    const { user } = await world.auth.sessions.verify({ token: account.token, transport: "token" });
    expect(user).toMatchObject({ identifier, identifierVerified: false });
    const [event] = await world.events({ action: "identity.deployment_invitation.create" });
    expect(event!.auth).toEqual({ kind: "system", system_id: "command-line" });
  });

  test("S10: --mail owes a message, whose secret the deployment derives and the command never prints", async () => {
    const identifier = freshIdentifier();
    const { stdout } = await run({ SALLYPORT_SECRET: secret }, "invite", identifier, "--mail", "--link-path", "/join");
    expect(stdout).toContain("A message to the address is owed. The deployment sends it if it has a mailer.\n");
    expect(stdout).toContain("https://example.com/join?token=");
    await world.auth.mail.deliver();
    const token = world.mailbox.secretTo(identifier);
    expect(world.mailbox.newestTo(identifier).text).toContain("https://example.com/join?token=");
    expect(stdout).not.toContain(token);
    const account = await accept(token);
    const { user } = await world.auth.sessions.verify({ token: account.token, transport: "token" });
    expect(user.identifierVerified).toBe(true);
  });

  test("a user name gets no message", async () => {
    const { stdout } = await run({ SALLYPORT_SECRET: secret }, "invite", `ada${Date.now()}`, "--mail");
    expect(stdout).toContain("No message is owed");
  });

  test("an address that has an account is refused", async () => {
    const { stdout } = await run({}, "invite", "grace@example.com");
    await accept(tokenIn(stdout));
    const again = await run({}, "invite", "grace@example.com");
    expect([again.code, again.stdout]).toEqual([1, ""]);
    expect(again.stderr).toMatch(/^sallyport: An active credential with this identifier already exists\.\n$/);
  });

  test("S64: --mail without the deployment's secret: exit code 2", async () => {
    const { code, stderr } = await run({}, "invite", freshIdentifier(), "--mail");
    expect([code, stderr]).toEqual([
      2,
      "sallyport: --mail needs the deployment's root secret in the environment's SALLYPORT_SECRET.\n",
    ]);
  });

  test.each([
    ["no address", []],
    ["two addresses", ["a@example.com", "b@example.com"]],
    ["no days", ["a@example.com", "--days", "0"]],
    ["too many days", ["a@example.com", "--days", "31"]],
    ["no base URL", ["a@example.com", "--origin", ""]],
  ])("%s: exit code 2", async (_case, args) => {
    expect((await run({}, "invite", ...args)).code).toBe(2);
  });

  test.each([
    ["an address that none may have", ["ä@example.com"]],
    ["a link elsewhere", ["a@example.com", "--link-path", "//evil.example"]],
    ["a base URL that is none", ["a@example.com", "--origin", "example.com"]],
  ])("%s: one line, and no link", async (_case, args) => {
    const { code, stdout, stderr } = await run({}, "invite", ...args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^sallyport: [^\n]+\n$/);
  });
});

describe("sallyport invitations", () => {
  test("lists without secrets, and revokes by id or address", async () => {
    const [first, second] = [freshIdentifier(), freshIdentifier()];
    const links = [await run({}, "invite", first), await run({}, "invite", second)].map(({ stdout }) =>
      tokenIn(stdout),
    );
    const { stdout } = await run({}, "invitations", "list");
    for (const token of links) expect(stdout).not.toContain(token);
    const id = stdout
      .split("\n")
      .find((line) => line.includes(first))!
      .split("  ")[0]!;
    expect(id).toMatch(/^join_[\da-f]{32}$/);
    expect((await run({}, "invitations", "revoke", id)).stdout).toBe("The invitation is revoked.\n");
    expect((await run({}, "invitations", "revoke", id)).stdout).toBe("The invitation is revoked.\n");
    expect((await run({}, "invitations", "revoke", ` ${second.toUpperCase()}`)).stdout).toBe(
      "The invitation is revoked.\n",
    );
    for (const token of links) expect(await outcome(accept(token))).toBe("unauthorized.invalid_link");
    const gone = await run({}, "invitations", "revoke", first);
    expect([gone.code, gone.stderr]).toEqual([1, "sallyport: There is no invitation of this address.\n"]);
    const absent = await run({}, "invitations", "revoke", `join_${"0".repeat(12)}7${"0".repeat(19)}`);
    expect([absent.code, absent.stderr]).toEqual([1, "sallyport: Not found.\n"]);
  });

  test.each([[[]], [["list", "x"]], [["revoke"]], [["revoke", "a", "b"]], [["make"]]])(
    "%j: exit code 2",
    async (args) => {
      expect((await run({}, "invitations", ...args)).code).toBe(2);
    },
  );

  test("doctor counts those of former administrators", async () => {
    const open = world.isolate({ signUp: "open" });
    const { user } = await open.signUp({ identifier: freshIdentifier(), password: goodPassword });
    await world.rows(sql`
      insert into deployment_invitation (id, identifier, invited_by, copied_hash, expires_at)
      values (gen_random_uuid(), 'left@example.com', ${uuidFor("usr", user.id)}::uuid, decode(repeat('00', 32), 'hex'),
        sallyport_now() + interval '1 day')`);
    const { stdout } = await run({ SALLYPORT_SECRET: secret }, "doctor");
    expect(stdout).toContain("Open invitations that do not count, because their inviter is not an administrator: 1.\n");
  });

  test("help names both commands", async () => {
    const { stdout } = await sallyport("--help");
    expect(stdout).toMatch(/^ {2}invite /m);
    expect(stdout).toMatch(/^ {2}invitations /m);
  });
});
