/**
 * The Worker itself, in workerd: an account's life over HTTP, its first requests, its configuration, and a failing database.
 *
 * Slow: real hashes at their full cost, in workerd.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "wrangler";
import { everyRoute as routes } from "../../build/openapi/every-route.node.ts";
import { administratorRelation, systemObjectId, systemObjectType } from "../../src/domain/administrator.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import type { NeonFault } from "../../worker/development/neon-proxy.node.ts";
import { freshAddress, freshIdentifier, goodPassword, otherPassword } from "../support/auth.ts";
import { type Backend, backend } from "../support/databases.ts";
import { cookiesOf, type Reply, readReply, requestOf, type Sent, undocumented } from "../support/http.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const secret = randomBytes(32).toString("base64url");
const sealingKey = randomBytes(32).toString("base64url");
const baseUrl = "https://example.com";

type Variables = Record<string, string | undefined>;

/** A forbidden value for each option, and the option that `/health` names. */
const misconfigured: { name: string; change: Variables; option: string }[] = [
  { name: "no-secret", change: { SALLYPORT_SECRET: undefined }, option: "SALLYPORT_SECRET" },
  { name: "empty-secret", change: { SALLYPORT_SECRET: "" }, option: "SALLYPORT_SECRET" },
  {
    name: "short-secret",
    change: { SALLYPORT_SECRET: randomBytes(31).toString("base64url") },
    option: "SALLYPORT_SECRET",
  },
  {
    name: "sample-secret",
    change: { SALLYPORT_SECRET: "changeme-changeme-changeme-changeme-changeme" },
    option: "SALLYPORT_SECRET",
  },
  { name: "plain-secret", change: { SALLYPORT_SECRET: "A".repeat(43) }, option: "SALLYPORT_SECRET" },
  { name: "not-base64-secret", change: { SALLYPORT_SECRET: `${secret}!` }, option: "SALLYPORT_SECRET" },
  { name: "repeated-secret", change: { SALLYPORT_SECRET: `2:${secret},1:${secret}` }, option: "SALLYPORT_SECRET" },
  {
    name: "repeated-version",
    change: { SALLYPORT_SECRET: `1:${secret},1:${randomBytes(32).toString("base64url")}` },
    option: "SALLYPORT_SECRET",
  },
  { name: "development-secret", change: { SALLYPORT_SECRET: `development.${secret}` }, option: "SALLYPORT_SECRET" },
  { name: "no-sealing-keys", change: { SALLYPORT_SEALING_KEYS: undefined }, option: "SALLYPORT_SEALING_KEYS" },
  { name: "root-as-sealing-key", change: { SALLYPORT_SEALING_KEYS: secret }, option: "SALLYPORT_SEALING_KEYS" },
  {
    name: "development-sealing-keys",
    change: { SALLYPORT_SEALING_KEYS: `development.${sealingKey}` },
    option: "SALLYPORT_SEALING_KEYS",
  },
  { name: "no-database", change: { DATABASE_URL: undefined }, option: "DATABASE_URL" },
  { name: "other-database", change: { DATABASE_URL: "mysql://u:pw-canary@h/d" }, option: "DATABASE_URL" },
  { name: "unknown-schema", change: { DATABASE_SCHEMA: "Not a name" }, option: "DATABASE_SCHEMA" },
  { name: "no-origin", change: { BASE_URL: undefined }, option: "BASE_URL" },
  { name: "plain-http", change: { BASE_URL: "http://example.com" }, option: "BASE_URL" },
  { name: "path-origin", change: { BASE_URL: `${baseUrl}/app` }, option: "BASE_URL" },
  { name: "wildcard-origin", change: { BASE_URL: "https://*.example.com" }, option: "BASE_URL" },
  { name: "second-origin", change: { BASE_URL: `${baseUrl} https://*.vercel.app` }, option: "BASE_URL" },
  { name: "open", change: { SIGN_UP: "open" }, option: "SIGN_UP" },
  { name: "unknown-mode", change: { SIGN_UP: "everybody" }, option: "SIGN_UP" },
  // S67: sealing is an option of the finished server.
  { name: "unknown-sealing", change: { SEALING: "maybe" }, option: "SEALING" },
  { name: "unknown-recovery", change: { RECOVERY: "yes" }, option: "RECOVERY" },
  { name: "unknown-sharing", change: { SHARED_DATABASE: "true" }, option: "SHARED_DATABASE" },
  { name: "no-endpoint", change: { NEON_FETCH_ENDPOINT: "nowhere" }, option: "NEON_FETCH_ENDPOINT" },
  // S68: the time-out is an option of the finished server.
  { name: "short-time", change: { REQUEST_MILLISECONDS: "50" }, option: "REQUEST_MILLISECONDS" },
];

let opened: Backend;
let harness: TestHarness;
let fault: NeonFault | undefined;

const developmentWorkers = ["main", "aborted", "crowd", "down"];

beforeAll(async () => {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";
  process.env.WRANGLER_SEND_METRICS = "false";
  opened = await backend("postgres-over-neon", { faults: () => fault });
  const vars: Variables = {
    DATABASE_URL: opened.connectionString,
    NEON_FETCH_ENDPOINT: opened.fetchEndpoint,
    SALLYPORT_SECRET: secret,
    SALLYPORT_SEALING_KEYS: sealingKey,
    BASE_URL: baseUrl,
  };
  const worker = (name: string, main: string, change: Variables = {}) => ({
    config: {
      name,
      main,
      compatibility_date: "2026-06-01",
      vars: JSON.parse(JSON.stringify({ ...vars, ...change })) as Record<string, string>,
    },
  });
  harness = createTestHarness({
    root,
    workers: [
      ...developmentWorkers.map((name) => worker(name, "worker/development/index.ts", { SIGN_UP: "open" })),
      worker("loopback", "worker/development/index.ts", {
        SIGN_UP: "open",
        BASE_URL: "http://localhost:8787",
        SALLYPORT_SECRET: `development.${secret}`,
      }),
      worker("production", "worker/index.ts"),
      worker("closed", "worker/index.ts", { SIGN_UP: "closed" }),
      ...misconfigured.map(({ name, change }) => worker(name, "worker/index.ts", change)),
    ],
  });
  await harness.listen();
}, 120_000);

afterAll(async () => {
  await harness.close();
  await opened.close();
});

const fetchFrom = (name: string, sent: Sent, more: RequestInit = {}): Promise<Response> => {
  const init = requestOf({ ...sent, headers: { "cf-connecting-ip": freshAddress(), ...sent.headers } });
  return harness
    .getWorker(name)
    .fetch(`${baseUrl}${sent.path}`, { ...init, ...more } as never) as unknown as Promise<Response>;
};

/** Sends a request and checks the answer against the document. */
async function send(name: string, sent: Sent): Promise<Reply> {
  const reply = await readReply(await fetchFrom(name, sent));
  const breach = undocumented(sent, reply);
  if (breach) throw new Error(`${sent.method} ${sent.path}: ${breach}\n${reply.status} ${reply.text}`);
  const isDevelopment = [...developmentWorkers, "loopback"].includes(name);
  expect(reply.headers.get("strict-transport-security")).toBe(isDevelopment ? null : "max-age=31536000");
  return reply;
}

const post = (name: string, path: string, json?: unknown, more: Partial<Sent> = {}): Promise<Reply> =>
  send(name, { method: "POST", path, json, ...more });

describe("an account's life over HTTP in workerd", () => {
  test.each(["token", "cookie"] as const)("%s", async (transport) => {
    const credentials = { identifier: freshIdentifier(), password: goodPassword, transport };
    const show = (reply: Reply): Partial<Sent> => {
      const token = reply.json.token ?? cookiesOf(reply)["__Host-session"]!.value;
      return transport === "token" ? { token } : { cookie: token };
    };
    const signedUp = await post("main", "/auth/sign-up", credentials);
    expect(signedUp.status).toBe(201);
    const signedIn = await post("main", "/auth/sign-in", credentials);
    const current = await send("main", { method: "GET", path: "/auth/session", ...show(signedIn) });
    const { identifier } = credentials;
    expect(current.json.user).toEqual({ ...signedUp.json.user, identifier, identifier_verified: false });
    const refreshed = await post("main", "/auth/refresh", undefined, show(signedIn));
    expect(refreshed.status).toBe(200);
    const changed = await post(
      "main",
      "/auth/password",
      { current_password: goodPassword, new_password: otherPassword },
      show(refreshed),
    );
    expect(changed.status).toBe(200);
    expect((await post("main", "/auth/sign-out", undefined, show(changed))).status).toBe(204);
    expect((await send("main", { method: "GET", path: "/auth/session", ...show(changed) })).code).toBe(
      "unauthorized.session_expired",
    );
    expect((await post("main", "/auth/sign-in", credentials)).code).toBe("unauthorized.invalid_credential");
    // S59: which key writes.
    expect((await send("main", { method: "GET", path: "/health" })).json).toEqual({
      status: "ok",
      writes: { SALLYPORT_SECRET: 1, SALLYPORT_SEALING_KEYS: 1 },
    });
    expect((await send("main", { method: "GET", path: "/openapi.json" })).status).toBe(200);
    expect((await send("main", { method: "GET", path: "/nowhere" })).code).toBe("not_found");
  });

  test("S23, S41: the audit log has only Cloudflare's address", async () => {
    const headers = {
      "cf-connecting-ip": "192.0.2.7",
      "x-forwarded-for": "198.51.100.1",
      "x-real-ip": "198.51.100.2",
      "user-agent": "test/1",
    };
    await post("main", "/auth/sign-up", { identifier: freshIdentifier(), password: goodPassword }, { headers });
    const rows = await opened.database.run(sql<{ context: object }>`
      select context from aud order by recorded_at desc, id desc limit 1`);
    expect(rows[0]!.context).toEqual({
      ip: "192.0.2.7",
      user_agent: "test/1",
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test("S42, F12: fifty sign-ins at once: each gets a session or a retry time, and later all succeed", async () => {
    // An attempt that the database was too slow for stays counted, so only two at a time are of one person.
    const people: { identifier: string; password: string; transport: string }[] = [];
    while (people.length < 25) {
      const credentials = { identifier: freshIdentifier(), password: goodPassword, transport: "token" };
      expect((await post("main", "/auth/sign-up", credentials)).status).toBe(201);
      people.push(credentials);
    }
    let waiting = Array.from({ length: 50 }, (_, index) => people[index % people.length]!);
    const tokens = new Set<string>();
    let waves = 0;
    while (waiting.length > 0) {
      waves += 1;
      const replies = await Promise.all(waiting.map((credentials) => post("main", "/auth/sign-in", credentials)));
      for (const reply of replies) {
        if (reply.status === 200) tokens.add(reply.json.token);
        else {
          // On a busy machine the database may be too slow for the fifty, too.
          expect(["unavailable.busy", "unavailable.database"]).toContain(reply.code);
          expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
        }
      }
      const left = waiting.filter((_, index) => replies[index]!.status !== 200);
      // The queue takes sixteen. On a busy machine some of them wait too long.
      expect(left.length).toBeLessThan(waiting.length);
      waiting = left;
    }
    expect([tokens.size, waves <= 12]).toEqual([50, true]);
  });
});

test("S46: the scheduled purge removes ended rows", async () => {
  await opened.database.run(sql`
    insert into attempt (bucket, count, maximum, resets_at, backs_off)
    values ('address:ended', 1, 1, sallyport_now() - interval '2 days', false)`);
  const left = async (): Promise<number> =>
    (await opened.database.run(sql`select bucket from attempt where bucket = 'address:ended'`)).length;
  expect(await left()).toBe(1);
  await harness.getWorker("main").scheduled({ cron: "17 * * * *" });
  expect(await left()).toBe(0);
});

describe("first requests of a Worker isolate", () => {
  test("if the client aborts the first, later ones are served", async () => {
    const controller = new AbortController();
    const first = fetchFrom("aborted", { method: "GET", path: "/v1/users" }, { signal: controller.signal });
    controller.abort();
    await expect(first).rejects.toThrow();
    for (let number = 0; number < 3; number++) {
      expect((await send("aborted", { method: "GET", path: "/v1/users" })).code).toBe("unauthorized.invalid_token");
    }
    expect(
      (await post("aborted", "/auth/sign-up", { identifier: freshIdentifier(), password: goodPassword })).status,
    ).toBe(201);
  });

  test("32 at once: all served, after retries if busy", async () => {
    const credentials = Array.from({ length: 8 }, () => ({ identifier: freshIdentifier(), password: goodPassword }));
    let waiting: { ask: () => Promise<Reply>; status: number }[] = [
      ...credentials.map((json) => ({ ask: () => post("crowd", "/auth/sign-up", json), status: 201 })),
      ...Array.from({ length: 24 }, () => ({
        ask: () => send("crowd", { method: "GET", path: "/auth/session" }),
        status: 401,
      })),
    ];
    for (let waves = 0; waves < 4 && waiting.length > 0; waves++) {
      const replies = await Promise.all(waiting.map(({ ask }) => ask()));
      const refused = waiting.filter((_, index) => replies[index]!.status === 503);
      expect(refused.length).toBeLessThan(waiting.length);
      for (const [index, { status }] of waiting.entries()) expect([status, 503]).toContain(replies[index]!.status);
      waiting = refused;
    }
    expect(waiting).toEqual([]);
  });

  test("a database that is down at first: served once it is up", async () => {
    fault = "500";
    const reply = await send("down", { method: "GET", path: "/auth/session" });
    expect([reply.code, reply.headers.get("retry-after")]).toEqual(["unavailable.database", "5"]);
    fault = undefined;
    expect((await send("down", { method: "GET", path: "/auth/session" })).code).toBe("unauthorized.invalid_token");
  });
});

describe("Worker with a failing database", () => {
  test.each<[string, NeonFault]>([
    ["a 500", "500"],
    ["garbage", "garbage"],
    ["no answer", { delayMilliseconds: 6000 }],
    ["dropped before", "drop-before"],
    ["dropped after", "drop-after-commit"],
  ])("F10, %s: 503 without detail, within five seconds", async (_name, kind) => {
    const credentials = { identifier: freshIdentifier(), password: goodPassword, transport: "token" };
    const { token } = (await post("main", "/auth/sign-up", credentials)).json;
    fault = kind;
    const asked: Sent[] = [
      { method: "GET", path: "/auth/session", token },
      { method: "POST", path: "/auth/sign-in", json: credentials },
      { method: "POST", path: "/auth/refresh", token },
      { method: "GET", path: "/health" },
    ];
    const start = performance.now();
    const replies = await Promise.all(asked.map((sent) => send("main", sent)));
    expect(performance.now() - start).toBeLessThan(5000);
    fault = undefined;
    for (const reply of replies) {
      expect([reply.text, Number(reply.headers.get("retry-after")) > 0]).toEqual([
        '{"code":"unavailable.database","message":"The service is temporarily unavailable."}',
        true,
      ]);
    }
    expect((await send("main", { method: "GET", path: "/health" })).status).toBe(200);
  });
});

describe("S34: Worker with an unsafe configuration", () => {
  test.each(misconfigured.map((row) => [row.name, row] as const))(
    "%s: every route answers 503, /health names the option",
    async (name, { change, option }) => {
      const health = await send(name, { method: "GET", path: "/health" });
      expect([health.status, health.json]).toEqual([
        503,
        { code: "unavailable.configuration", message: "The service is not configured correctly.", details: { option } },
      ]);
      for (const { method, path } of routes) {
        const reply = await send(name, {
          method: method.toUpperCase(),
          path: path.replace(/:\w+/, "x"),
          token: "A".repeat(43),
        });
        expect([path, reply.status, reply.text]).toEqual([
          path,
          503,
          '{"code":"unavailable.configuration","message":"The service is not configured correctly."}',
        ]);
      }
      const values = Object.values(change).filter((value) => value !== undefined && value.length > 3) as string[];
      for (const value of values) expect(health.text).not.toContain(value);
    },
  );

  test("S34: the log says what is wrong and what is wanted, and contains no secret", () => {
    const logged = harness
      .getLogs()
      .map(({ message }) => message)
      .join("\n");
    for (const words of [
      "`npx --no sallyport secret` prints one",
      "the secret is a published sample",
      "is not base64url, which has no + / =",
      "two secrets have the same version or value",
      "a development secret serves loopback and private addresses only",
      "it must differ from the root secret",
      "it is missing. It has the form postgres://user:password@host/database",
      "is no connection string",
      "http is for loopback only",
      "a wildcard is no origin",
      "An origin is the address that users see, such as https://auth.example.com",
      'it is "open", and must be "verify-first", "invited" or "closed"',
      'it is "maybe", and must be "on", "accept-unsealed" or "off"',
      'it is "true", and must be "yes", "inherited" or "no"',
      'it is "nowhere", and must be the URL of a SQL endpoint',
      'it is "50", and must be 2000 to 50000',
      "it is a text of 10 characters, and must be a lower-case identifier, such as auth",
    ]) {
      expect(logged).toContain(words);
    }
    expect(logged).not.toMatch(/canary|changeme|vmqkzh|@example\.com|postgres:\/\/(?!user:password@host\/database)/);
    expect(logged).not.toContain(secret);
    expect(logged).not.toContain(sealingKey);
    // Names, the fixed message of an option, and places in the sources.
    const fault =
      /^sallyport: [\w.]+( \w+)?( < The option `\w+` cannot be used: [^<]+(<new>,1:<old>[^<]+)?)?( < \w+( \w+)?)* at ([\w.<>#]+ (\[as \w+\] )?\()?file:\/\/[\w./-]+\.js:\d+:\d+\)?$/;
    const mode = /^sallyport: sign-up is [a-z-]+, (because [\w ]+|as npm start says)\.$/;
    expect(logged.split("\n").filter((line) => !fault.test(line) && !mode.test(line))).toEqual([]);
  });

  test("a development secret: serves loopback", async () => {
    expect((await send("loopback", { method: "GET", path: "/health" })).status).toBe(200);
  });
});

describe("S39: deployed Worker", () => {
  test.each(["production", "closed"])("%s: no sign-up for strangers", async (name) => {
    const reply = await post(name, "/auth/sign-up", { identifier: freshIdentifier(), password: goodPassword });
    expect(reply.code).toBe("forbidden.sign_up_closed");
  });

  test.each(["production", "closed"])("%s: no sign-up page", async (name) => {
    const page = (path: string) => fetchFrom(name, { method: "GET", path, headers: { accept: "text/html" } });
    const [signUp, signIn] = [await page("/sign-up"), await page("/sign-in")];
    expect([signUp.status, signIn.status, (await signIn.text()).includes("Sign up")]).toEqual([404, 200, false]);
  });

  test("S10: without a mailer, whom an administrator invites makes an account with the copied link", async () => {
    const administrator = { identifier: freshIdentifier(), password: goodPassword, transport: "token" };
    const signedUp = await post("main", "/auth/sign-up", administrator);
    const userId = uuidFor("usr", signedUp.json.user.id);
    await opened.database.run(sql`
      with right_of as (
        insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
        values (gen_random_uuid(), 'usr', ${userId}::uuid, ${administratorRelation}, ${systemObjectType}, ${systemObjectId}::uuid))
      update ses set amr = array['pwd', 'mfa'], mfa_verified_at = greatest(sallyport_now(), created_at)
      where usr_id = ${userId}::uuid`);
    const { token } = signedUp.json;
    const identifier = freshIdentifier();
    const invited = await post("production", "/v1/deployment-invitations", { identifier }, { token });
    expect(invited.json).toMatchObject({ invitation: { identifier, mailed: false, status: "pending" } });
    expect(invited.json.url).toBe(`${baseUrl}/invitation?token=${invited.json.token}`);
    const account = { token: invited.json.token, password: otherPassword, transport: "cookie" };
    expect((await post("closed", "/auth/invitations/accept", account)).code).toBe("forbidden.sign_up_closed");
    const accepted = await post("production", "/auth/invitations/accept", account);
    expect([accepted.status, accepted.json.token]).toEqual([201, undefined]);
    const own = { cookie: cookiesOf(accepted)["__Host-session"]!.value };
    const { json } = await send("production", { method: "GET", path: "/auth/session", ...own });
    expect(json.user).toMatchObject({ identifier, identifier_verified: false });
    expect((await post("production", "/auth/sign-in", { identifier, password: otherPassword })).status).toBe(200);
    expect((await post("production", "/auth/invitations/accept", account)).code).toBe("unauthorized.invalid_link");
    expect((await post("production", "/v1/deployment-invitations", { identifier: freshIdentifier() }, own)).code).toBe(
      "unauthorized.invalid_token",
    );
  });

  test("S37: contains nothing of the development server", async () => {
    const bundled = async (entry: string): Promise<string[]> => {
      const { metafile } = await build({
        absWorkingDir: root,
        entryPoints: [entry],
        bundle: true,
        write: false,
        metafile: true,
        format: "esm",
        external: ["*.wasm"],
        conditions: ["workerd", "worker"],
        logLevel: "silent",
      });
      return Object.keys(metafile.inputs);
    };
    const [production, development] = [await bundled("worker/index.ts"), await bundled("worker/development/index.ts")];
    const dangerous = /development|\.node\.ts$|^src\/testing|^test\//;
    expect(production.filter((path) => dangerous.test(path))).toEqual([]);
    expect(development.filter((path) => dangerous.test(path))).toEqual([
      "worker/development/mailbox.ts",
      "worker/development/index.ts",
    ]);
    expect(production.length).toBeGreaterThan(60);
  });
});
