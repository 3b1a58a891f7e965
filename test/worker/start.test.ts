/**
 * `npm start` itself, in a copy of the project: its printed lines can be pasted anywhere, and when it ends, every process ends.
 *
 * Slow: `npm start` runs five times, each with its build, workerd and database.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { isOnThisMachine } from "../../worker/development/database.node.ts";
import { openBackend } from "../support/databases.ts";
import { freePort } from "../support/free-port.ts";
import { openProvider } from "../support/oidc-provider.ts";
import { copyProject, type ProjectCopy } from "../support/started-project.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);

let project: ProjectCopy;
beforeAll(async () => {
  project = await copyProject();
});
afterEach(() => project.kill());
afterAll(() => project.remove());

const paste = (line: string) => project.paste(line);
const processes = () => project.processes();

test("README's three lines: work in any folder, and SIGTERM ends every process", { timeout: 180_000 }, async () => {
  const port = await freePort();
  const { lines, output, terminate } = await project.start(port, ["--memory"]);
  expect(lines).toHaveLength(3);
  expect(output()).toContain("Safari stores no session cookie on http: there use `npm start -- --https`.");
  const [signedUp, signedIn, current] = [await paste(lines[0]!), await paste(lines[1]!), await paste(lines[2]!)];
  expect([signedUp.status, signedIn.status, current.status]).toEqual([201, 200, 200]);
  expect(signedUp.json.user.id).toMatch(/^usr_/);
  expect(signedIn.json.user).toEqual(signedUp.json.user);
  expect(current.json.user).toMatchObject(signedUp.json.user);

  const commands = (await processes()).map(({ command }) => command);
  for (const name of ["npm start", "start.node.ts --memory", "serve.node.ts", "workerd"]) {
    expect(commands).toContainEqual(expect.stringContaining(name));
  }
  expect(await isListening(port)).toBe(true);
  await terminate();
  await expect.poll(() => isListening(port), { timeout: 20_000 }).toBe(false);
  await expect.poll(processes, { timeout: 20_000 }).toEqual([]);
});

test("development server: answered writes survive a restart", { timeout: 240_000 }, async () => {
  const port = await freePort();
  const first = await project.start(port);
  const [signUp, signIn, session] = first.lines;
  const { json } = await paste(signUp!);
  expect((await paste(signIn!)).status).toBe(200);
  await first.terminate();
  await expect.poll(processes, { timeout: 20_000 }).toEqual([]);

  const second = await project.start(port);
  const current = await paste(session!);
  expect(current).toMatchObject({ status: 200, json: { user: json.user } });
  expect((await paste(signUp!)).json.code).toBe("conflict.duplicate_credential");
  await second.terminate();
  await expect.poll(processes, { timeout: 20_000 }).toEqual([]);
});

test("S36: --https serves the same lines over https, which only its own certificate proves", {
  timeout: 180_000,
}, async () => {
  const port = await freePort();
  const { lines, terminate } = await project.start(port, ["--memory", "--https", "--host", "127.0.0.1"]);
  const [signUp, signIn, session] = lines;
  expect(signUp).toContain(` https://127.0.0.1:${port}/auth/sign-up `);
  expect((await paste(signUp!)).status).toBe(201);
  expect((await paste(signIn!)).status).toBe(200);
  const current = await paste(session!);
  expect([current.status, current.json.user.status]).toEqual([200, "active"]);
  await expect(paste(session!.replace(/--cacert '.*?\.pem' /, ""))).rejects.toThrow();
  const { stdout } = await run("sh", ["-c", `${session!.replace("/auth/session", "/health")} -s -D -`]);
  expect(stdout).toContain('{"status":"ok",');
  expect(stdout.toLowerCase()).not.toContain("strict-transport-security");
  await terminate();
});

test("OIDC_ACME_ISSUER and OIDC_ACME_CLIENT_ID alone sign a person in, and no secret of another provider is printed", {
  timeout: 180_000,
}, async () => {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const issuer = await openProvider([
    {
      client_id: "sallyport",
      token_endpoint_auth_method: "none",
      redirect_uris: [`${origin}/auth/oidc/acme/callback`],
    },
  ]);
  issuer.users.set("ada", { email: "ada@example.org", email_verified: true, name: "Ada Lovelace" });
  const variables = { OIDC_ACME_ISSUER: issuer.url, OIDC_ACME_CLIENT_ID: "sallyport" };
  const others = { OIDC_HUB_KIND: "github", OIDC_HUB_CLIENT_ID: "x", OIDC_HUB_CLIENT_SECRET: "hunter2" };
  const { terminate, output } = await project.start(port, ["--memory"], { ...variables, ...others });
  expect(output()).toContain("OIDC_ACME_ISSUER");
  expect(output()).not.toContain("hunter2");
  const ask = async (address: string, cookie: string) => {
    const headers = { "sec-fetch-site": "same-origin", cookie };
    const response = await fetch(new URL(address, origin), { redirect: "manual", headers });
    const cookies = response.headers.getSetCookie().map((line) => line.split(";")[0]!);
    return { status: response.status, location: response.headers.get("location"), cookies, response };
  };
  const page = await ask("/sign-in", "");
  const [, link] = /href="(\/auth\/oidc\/acme\/start[^"]*)"/.exec(await page.response.text())!;
  const begun = await ask(link!, "");
  const back = await issuer.walk(begun.location!, new Map(), "ada");
  const finished = await ask(back, begun.cookies.join("; "));
  expect([finished.status, finished.location]).toEqual([303, "/account"]);
  const session = await ask("/auth/session", finished.cookies.join("; "));
  expect(await session.response.json()).toMatchObject({ user: { status: "active" } });
  const account = await ask("/account", finished.cookies.join("; "));
  expect(await account.response.text()).toContain("Ada Lovelace");
  await terminate();
  await issuer.close();
});

test.each([
  { case: "a site", args: ["--https", "--host", "example.com"], says: "private IPv4 address" },
  { case: "a public address", args: ["--https", "--host", "203.0.113.7"], says: "private IPv4 address" },
  { case: "a host over http", args: ["--host", "192.168.1.20"], says: "--https" },
])("S36: $case: refused before anything starts", { timeout: 60_000 }, async ({ args, says }) => {
  const script = join(root, "worker/development/start.node.ts");
  const ended = run(process.execPath, [script, "--memory", ...args], { env: { PORT: String(await freePort()) } });
  await expect(ended).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(says) });
});

describe("DATABASE_URL", () => {
  const remote = [
    "postgres://u:hunter2@db.example.com/d",
    "postgres://u:hunter2@192.168.1.7/d",
    "postgres://u:hunter2@[2001:db8::1]/d",
    "postgres://u:hunter2@localhost.example.com/d",
    // The client obeys the query.
    "postgres://u:hunter2@localhost/d?host=db.example.com",
  ];
  const local = [
    "postgres://u:hunter2@localhost/d",
    "postgres://u:hunter2@127.0.0.1:5432/d",
    "postgres://u:hunter2@[::1]/d",
    "postgres:///d?host=/var/run/postgresql",
  ];

  test("S65: which databases are on this machine", () => {
    expect(remote.filter(isOnThisMachine)).toEqual([]);
    expect(local.filter((url) => !isOnThisMachine(url))).toEqual([]);
  });

  test.each([
    { case: "on another machine", url: remote[0]!, args: [], says: "--remote-database" },
    { case: "on another machine by its query", url: remote[4]!, args: ["--open-sign-up"], says: "--remote-database" },
    { case: "that is no URL", url: "foo", args: [], says: "postgres://user:password@host/database" },
    {
      case: "of another scheme",
      url: "mysql://u:hunter2@h/d",
      args: [],
      says: "postgres://user:password@host/database",
    },
  ])("S65: one $case: one sentence, before anything is opened", { timeout: 60_000 }, async ({ url, args, says }) => {
    const script = join(root, "worker/development/start.node.ts");
    const env = { PORT: String(await freePort()), DATABASE_URL: url };
    const failure = await run(process.execPath, [script, ...args], { env }).catch((error) => error);
    expect(failure).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(says) });
    expect(failure.stderr).not.toMatch(/hunter2|\n./);
  });
});

test("S65: on another machine's database, sign-up is closed unless asked for, and the greeting says so", {
  timeout: 180_000,
}, async () => {
  const { connectionString } = await openBackend("postgres", { empty: true });
  const url = new URL(connectionString!);
  // No loopback by its name; it leads to this machine all the same.
  url.hostname = "0.0.0.0";
  expect(isOnThisMachine(url.href)).toBe(false);
  const port = await freePort();
  const { output, terminate } = await project.start(port, ["--remote-database"], { DATABASE_URL: url.href });
  expect(output()).toContain("Sign-up is closed");
  expect(output()).not.toMatch(/curl .*sign-up|\/sign-up in a browser|SIGN_UP \("(open|invited)"\)/);
  const origin = `http://localhost:${port}`;
  const response = await fetch(`${origin}/auth/sign-up`, {
    method: "POST",
    headers: { "content-type": "application/json", origin },
    body: JSON.stringify({ identifier: "ada@example.com", password: "correct horse battery staple" }),
  });
  expect([response.status, (await response.json()).code]).toEqual([403, "forbidden.sign_up_closed"]);
  await terminate();
});

test("an old Node: one sentence and no stack", { timeout: 60_000 }, async () => {
  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  // Every script reaches one of the two first.
  for (const name of ["generate", "test"]) {
    const [, ...args] = scripts[name].split(" ");
    const failure = await run(process.execPath, ["--no-experimental-strip-types", ...args], { cwd: root }).catch(
      (error) => error,
    );
    expect(failure).toMatchObject({ code: 1, stdout: "" });
    expect(failure.stderr).toMatch(/^Node [\d.]+ cannot run this project's scripts\. Use Node 22[^\n]*\n$/);
  }
});

test("scripts: nothing that only a Unix shell knows", async () => {
  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  for (const [name, script] of Object.entries<string>(scripts)) {
    expect(script, name).not.toMatch(/\bexec\b|(^|&& )\w+=|[;|<>$'`\\]|\b(rm|cp|mv|mkdir|export) /);
    if (!/^(generate|test|node-version)$/.test(name) && script.includes("node ")) {
      expect(`${script} ${scripts[`pre${name}`] ?? ""}`, name).toMatch(/npm run -s (generate|build)/);
    }
  }
});

async function isListening(port: number): Promise<boolean> {
  const tries = ["127.0.0.1", "::1"].map(async (host) => {
    const socket = connect({ port, host });
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    return isOpen;
  });
  return (await Promise.all(tries)).includes(true);
}
