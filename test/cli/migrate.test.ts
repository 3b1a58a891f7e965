import { describe, expect, test } from "vitest";
import { installTestClock } from "../../src/testing/clock.ts";
import { sallyportWith } from "../support/command-line.ts";
import { openBackend } from "../support/databases.ts";
import { createReferenceSchema } from "../support/reference-database.ts";

describe("sallyport migrate", () => {
  test("migrates, and says so", async () => {
    const { connectionString, database } = await openBackend("postgres", { empty: true });
    const url = { DATABASE_URL: connectionString! };
    const dry = await sallyportWith(url, "migrate", "--dry-run");
    expect([dry.code, dry.stdout]).toEqual([0, expect.stringMatching(/^pending 0001_clock\n/)]);
    const real = await sallyportWith(url, "migrate");
    expect([real.code, real.stdout]).toEqual([0, dry.stdout.replaceAll("pending", "applied")]);
    expect((await sallyportWith(url, "migrate")).stdout).toBe("The database is up to date.\n");
    await installTestClock(database);
    const refused = await sallyportWith(url, "migrate");
    expect([refused.code, refused.stderr]).toEqual([1, "sallyport: sallyport_now() is not the production clock.\n"]);
  });

  test("S66: adopts a database of the reference schema, as the dry run says", async () => {
    const { connectionString, database } = await openBackend("postgres", { empty: true });
    await createReferenceSchema(database);
    const url = { DATABASE_URL: connectionString! };
    const dry = await sallyportWith(url, "migrate", "--dry-run");
    expect([dry.code, dry.stderr, dry.stdout]).toEqual([
      0,
      "",
      expect.stringMatching(/^The tables of the Flametrench reference schema stay,.*\npending 0001_clock\n/),
    ]);
    const real = await sallyportWith(url, "migrate");
    expect([real.code, real.stdout]).toEqual([0, dry.stdout.replaceAll("pending", "applied")]);
    expect((await sallyportWith(url, "migrate")).stdout).toBe("The database is up to date.\n");
  });

  test("S64: another `usr` in the database: the same refusal from both runs, and no trace", async () => {
    const { connectionString, database } = await openBackend("postgres", { empty: true });
    await database.run({ text: "create table usr (id int4)", params: [] });
    const url = { DATABASE_URL: connectionString! };
    const dry = await sallyportWith(url, "migrate", "--dry-run");
    expect(dry).toEqual({
      code: 1,
      stdout: "",
      stderr: "sallyport: The database already has these, and they are not Sallyport's: usr. Nothing was changed.\n",
    });
    expect(await sallyportWith(url, "migrate")).toEqual(dry);
    expect(
      await database.run({
        text: `select relname::text as name from pg_class where relnamespace = 'public'::regnamespace
          union all select proname::text from pg_proc where pronamespace = 'public'::regnamespace`,
        params: [],
      }),
    ).toEqual([{ name: "usr" }]);
  });

  test.each([
    { case: "no database", url: "", args: ["migrate"], code: 2 },
    { case: "not a URL", url: "secret", args: ["migrate"], code: 2 },
    { case: "another scheme", url: "mysql://user:secret@host/db", args: ["migrate"], code: 2 },
    { case: "a stray URL", url: "", args: ["migrate", "postgres://user:secret@127.0.0.1:1/db"], code: 2 },
    { case: "a misspelt option", url: "", args: ["migrate", "--databse-url=postgres://user:secret@host/db"], code: 2 },
    { case: "an unknown driver", url: "postgres://u:secret@h/d", args: ["migrate", "--driver=x"], code: 2 },
    { case: "an unknown command", url: "", args: ["postgres://secret"], code: 2 },
    { case: "a file that is not there", url: "", args: ["migrate", "--database-url-file", "no/such/file"], code: 2 },
    { case: "no server", url: "postgres://user:secret@127.0.0.1:1/db", args: ["migrate"], code: 1 },
  ])("$case: exit code $code and one line that does not quote the URL", async ({ url, args, code }) => {
    const result = await sallyportWith({ DATABASE_URL: url }, ...args);
    expect(result.code).toBe(code);
    expect(result.stdout).toBe("");
    expect(result.stderr).toMatch(/^sallyport: [^\n]+\n$/);
    expect(result.stderr).not.toContain("secret");
  });
});
