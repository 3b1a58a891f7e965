/** No secret in an argument list: every user of a machine reads those with `ps`. @module */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sallyport, sallyportWith } from "../support/command-line.ts";
import { openBackend } from "../support/databases.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sallyport-secrets-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("S64: a database URL in a file", () => {
  test("is read, with white space around it", async () => {
    const { connectionString } = await openBackend("postgres");
    const file = join(folder, "owner.txt");
    await writeFile(file, `${connectionString}\n`);
    // The file is the nearer of the two.
    const migrated = await sallyportWith({ DATABASE_URL: "nonsense" }, "migrate", "--database-url-file", file);
    expect(migrated).toEqual({ code: 0, stdout: "The database is up to date.\n", stderr: "" });
  });

  test.each([
    { case: "an empty file", content: "\n", says: "is empty" },
    { case: "another scheme", content: "mysql://user:hunter2@host/db", says: "postgres://user:password@host/database" },
    { case: "a line of a .env file", content: "DATABASE_URL=postgres://user:hunter2@host/db", says: "of the form" },
  ])("$case: refused, without its content", async ({ content, says }) => {
    const file = join(folder, "wrong.txt");
    await writeFile(file, content);
    const { code, stderr } = await sallyport("doctor", "--database-url-file", file);
    expect([code, stderr]).toEqual([2, expect.stringContaining(says)]);
    expect(stderr).not.toContain("hunter2");
  });
});

test.each(["migrate", "doctor", "reseal", "users", "administrator"])(
  "S64: %s with a database URL in an argument: refused before anything is sent, with what to do instead",
  async (command) => {
    const connections: unknown[] = [];
    const server = createServer((socket) => connections.push(socket.destroy())).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `postgres://user:hunter2@127.0.0.1:${(server.address() as AddressInfo).port}/db`;
    const sealing = {
      SALLYPORT_SEALING_KEYS: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url"),
    };
    const positionals = { users: ["list"], administrator: ["grant", "ada@example.com"] }[command] ?? [];
    const { code, stderr } = await sallyportWith(sealing, command, ...positionals, "--database-url", url);
    server.close();
    expect(code).toBe(2);
    expect(stderr).toContain("every user of this machine");
    expect(stderr).toMatch(/DATABASE_URL.* --database-url-file/);
    expect(stderr).not.toContain("hunter2");
    expect(connections).toEqual([]);
  },
);

test("S64: while a command runs, its arguments hold no part of the URL", async () => {
  let connected = (): void => undefined;
  const waiting = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const server = createServer(() => connected()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const file = join(folder, "silent.txt");
  await writeFile(file, `postgres://someone:hunter2@127.0.0.1:${(server.address() as AddressInfo).port}/db`);
  const child = spawn(process.execPath, [`${root}src/cli/sallyport.ts`, "migrate", "--database-url-file", file]);
  try {
    await waiting;
    const visible = await readFile(`/proc/${child.pid}/cmdline`, "utf8");
    expect(visible).toContain("--database-url-file");
    expect(visible).not.toMatch(/hunter2|someone|postgres:/);
  } finally {
    child.kill("SIGKILL");
    server.close();
  }
});

/** Programs that the documents call. A command is what follows one of them on its line. */
const programs = /(?:^|[\s`(;&|])((?:npx|npm|node|bun|deno|psql|pg_dump|createdb|wrangler|curl|sallyport)\s[^`\n]*)/gm;

/**
 * An argument that is a secret or asks for one: a URL with a password, an option named after a secret, a variable that the shell
 * expands before `ps` sees the arguments. What stands before the program is its environment, and after `<` is its input.
 */
function secretsIn(command: string): string | undefined {
  const args = command.replace(/\s#.*$/, "").replace(/(?<!<)<\s*\S+/g, "");
  return /\w+:\/\/[^\s"'/]*:?[^\s"'/]*[@…]|postgres(ql)?:\/\/|\$\{?\w*(URL|SECRET|KEY|PASSWORD|TOKEN)|--[\w-]*(secret|password|token|keys?|database-url)(?!-file)\b/i.exec(
    args,
  )?.[0];
}

test("S64: the pattern knows a secret in a command", () => {
  for (const command of [
    'npx --no sallyport migrate --database-url "postgres://…"',
    'sallyport migrate --database-url "$DATABASE_URL"',
    "psql postgres://user:password@host/database",
    'psql "$DATABASE_URL"',
    "sallyport users create ada --password hunter2",
    "curl https://user:hunter2@host/",
  ]) {
    expect(secretsIn(command), command).toBeDefined();
  }
  for (const command of [
    "npx --no sallyport migrate --database-url-file owner.txt",
    "npx wrangler secret put DATABASE_URL",
    "sallyport users create ada@example.com < password.txt",
  ]) {
    expect(secretsIn(command), command).toBeUndefined();
  }
});

test("S64: no documented command has a secret in its arguments", async () => {
  const pages: string[] = [];
  for (const place of ["", "docs/", "examples/"]) {
    for (const name of await readdir(join(root, place))) if (name.endsWith(".md")) pages.push(`${place}${name}`);
  }
  const found: string[] = [];
  let count = 0;
  for (const page of pages) {
    for (const [, command] of (await readFile(join(root, page), "utf8")).matchAll(programs)) {
      count++;
      const secret = secretsIn(command!);
      if (secret) found.push(`${page}: ${command} (${secret})`);
    }
  }
  expect(count).toBeGreaterThan(30);
  expect(found).toEqual([]);
});

test("S64: no help names an option or an argument that holds a secret", async () => {
  const list = (await sallyport("--help")).stdout;
  const names = [...list.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(5);
  for (const text of [
    list,
    ...(await Promise.all(names.map(async (name) => (await sallyport(name, "--help")).stdout))),
  ]) {
    expect(text).not.toMatch(
      /--[\w-]*(url|secret|password|token|keys?)(?!-file)\b|<[^>]*(secret|password|token|url)[^>]*>/i,
    );
  }
});
