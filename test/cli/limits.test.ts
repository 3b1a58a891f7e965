import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshAddress, openAuth, secret, type World } from "../support/auth.ts";
import { sallyportWith } from "../support/command-line.ts";
import { attempt, repeat, rightGuess } from "../support/guesses.ts";

let world: World;
beforeAll(async () => {
  world = await openAuth("postgres");
});
afterAll(() => world.close());

const limits = (...args: string[]) =>
  sallyportWith({ DATABASE_URL: world.backend.connectionString!, SALLYPORT_SECRET: secret }, "limits", ...args);

describe("sallyport limits", () => {
  test("an account: listed, lifted by identifier, and recorded", async () => {
    const person = await world.person();
    await repeat(11, () => attempt(world, { identifier: person.identifier }));
    const listed = await limits("list", "--identifier", person.identifier);
    expect(listed.stdout).toMatch(
      /^credential:[\da-f-]{36} {2}11 of 10 {2}10 failures in a row {2}refused, until 2\d{3}-.*Z$/m,
    );
    expect(listed.stdout).not.toContain(person.identifier);
    expect((await limits("list")).stdout).toContain("credential:");
    expect((await limits("lift", "--identifier", person.identifier)).stdout).toBe("2 limits were lifted.\n");
    expect((await limits("list", "--identifier", person.identifier)).stdout).toBe("No attempts are counted.\n");
    expect(await attempt(world, rightGuess(person))).toBe("done");
    const [event] = await world.events({ action: "identity.limit.lift" });
    expect(event!.auth).toEqual({ kind: "system", system_id: "command-line" });
  });

  test("an address, and one counter by its name", async () => {
    const address = freshAddress();
    await attempt(world, { identifier: "ada@example.org", address });
    const { stdout } = await limits("list", "--address", address);
    const name = /^address:[\da-f]{64}/m.exec(stdout)![0];
    expect((await limits("lift", "--name", name)).stdout).toBe("1 limit was lifted.\n");
    expect((await limits("lift", "--address", address)).stdout).toBe("1 limit was lifted.\n");
    expect((await limits("lift", "--subject", "nobody")).stdout).toBe("0 limits were lifted.\n");
  });

  test("without the secret: by name, and never by a digest of the wrong secret", async () => {
    const without = (...args: string[]) =>
      sallyportWith({ DATABASE_URL: world.backend.connectionString!, SALLYPORT_SECRET: "" }, "limits", ...args);
    expect((await without("list")).code).toBe(0);
    expect((await without("lift", "--name", "none")).code).toBe(0);
    const refused = await without("lift", "--identifier", "ada@example.org");
    expect([refused.code, refused.stderr]).toEqual([
      2,
      "sallyport: Give the deployment's root secret in the environment's SALLYPORT_SECRET.\n",
    ]);
  });

  test("a malformed secret: one line without it", async () => {
    const environment = { DATABASE_URL: world.backend.connectionString!, SALLYPORT_SECRET: "hunter2-hunter2" };
    const { code, stderr } = await sallyportWith(environment, "limits", "list", "--identifier", "ada@example.org");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: The option `secrets` cannot be used: [^\n]+\n$/);
    expect(stderr).not.toContain("hunter2");
  });

  test("text that is no address: exit code 1", async () => {
    expect((await limits("list", "--address", "nowhere")).code).toBe(1);
  });

  test.each([
    ["no verb", []],
    ["an unknown verb", ["show"]],
    ["lift without a subject", ["lift"]],
    ["two subjects", ["list", "--identifier", "a@b.example", "--address", "192.0.2.1"]],
    ["too much", ["list", "all"]],
  ])("%s: exit code 2", async (_case, args) => {
    expect((await limits(...args)).code).toBe(2);
  });
});
