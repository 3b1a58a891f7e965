import { execFile } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createTestHarness } from "wrangler";
import { sealingKey } from "../support/auth.ts";
import { compile, type Project, projectWithPackage, tool } from "../support/built-package.ts";
import { type Backend, openBackend } from "../support/databases.ts";
import { start, stopAll, throughProxy } from "../support/example-servers.ts";
import { freePort } from "../support/free-port.ts";
import { openProvider, type RealIssuer } from "../support/oidc-provider.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const client = { client_id: "example", client_secret: "the-client-secret" };

let project: Project;
let issuer: RealIssuer;
/** The application's address: the issuer knows it, so it is chosen first. */
let home: string;

beforeAll(async () => {
  project = await projectWithPackage();
  await cp(join(root, "examples"), join(project.folder, "examples"), { recursive: true });
  home = `http://localhost:${await freePort()}`;
  issuer = await openProvider([{ ...client, redirect_uris: [`${home}/callback`], post_logout_redirect_uris: [home] }]);
  issuer.users.set("usr_ada", {
    email: "ada@example.com",
    organizations: [{ id: "org_1", title: null, scopes: ["projects:read"], joined_at: 1 }],
  });
}, 240_000);
afterAll(async () => {
  await issuer?.close();
  await project?.remove();
});
afterEach(stopAll);

type Send = (path: string, init?: { method?: string; headers: Record<string, string> }) => Promise<Response>;

/** Signs in and out as a browser does, and tries what an attacker would. */
async function expectToSignInAtIssuer(send: Send): Promise<void> {
  const cookies = new Map<string, string>();
  const ask: Send = async (path, init) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await send(path, { ...init, headers: { cookie } });
    for (const set of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)!;
      for (const attribute of ["HttpOnly", "Secure", "SameSite=Lax"]) expect(set).toContain(`; ${attribute}`);
      if (/max-age=0/i.test(set)) cookies.delete(name!);
      else cookies.set(name!, value!);
    }
    return answer;
  };
  const begin = async () => (await ask("/login")).headers.get("location")!;
  const back = async (address: string) => (await issuer.walk(address, new Map(), "usr_ada")).slice(home.length);

  expect((await ask("/me")).status).toBe(401);
  const callback = await back(await begin());
  // Another browser, which began nothing, brings the code: login CSRF.
  expect((await send(callback, { headers: {} })).status).toBe(400);
  const signedIn = await ask(callback);
  expect([signedIn.status, signedIn.headers.get("location")]).toEqual([302, "/me"]);
  expect([...cookies.keys()]).toEqual(["__Host-session"]);
  expect(await (await ask("/me")).json()).toEqual({ hello: "ada@example.com", mayRead: true });
  // The transaction is spent.
  expect((await ask(callback)).status).toBe(400);
  const other = await back(await begin());
  await begin();
  const refused = await ask(other);
  expect([refused.status, await refused.text()]).toEqual([
    400,
    "The sign-in failed: The answer does not belong to this sign-in.",
  ]);

  const leaving = await ask("/logout", { method: "POST", headers: {} });
  expect([leaving.status, cookies.size]).toEqual([303, 0]);
  expect(leaving.headers.get("location")).toContain(`${issuer.url}/session/end?id_token_hint=`);
  expect((await ask("/me")).status).toBe(401);
}

const variables = (database: Backend) => ({
  ISSUER_URL: issuer.url,
  CLIENT_ID: client.client_id,
  CLIENT_SECRET: client.client_secret,
  BASE_URL: home,
  DATABASE_URL: database.connectionString!,
  TOKEN_KEYS: sealingKey,
});

test("the examples compile in strict mode", async () => {
  const files = ["app", "node", "worker"].map((name) => `examples/oidc/${name}.ts`);
  expect(await compile(project.folder, files)).toBe("");
  const args = ["check", "--no-remote", "--node-modules-dir=manual", "examples/oidc/deno.ts"];
  const { stderr } = await promisify(execFile)(tool("deno"), args, { cwd: project.folder });
  expect(stderr).toContain("Check");
});

test("the application is the one of docs/oidc.md", async () => {
  const page = await readFile(join(root, "docs/oidc.md"), "utf8");
  expect(/```ts app\.ts\n([\s\S]*?)```/.exec(page)![1]).toBe(
    await readFile(join(root, "examples/oidc/app.ts"), "utf8"),
  );
});

describe("OC19, 004.48 to 004.51: signs in at a real issuer", () => {
  const deno = [
    "run",
    "--no-prompt",
    "--no-remote",
    "--node-modules-dir=manual",
    "--allow-env",
    "--allow-net",
    "--allow-read",
  ];

  test.each([
    { name: "Node", program: process.execPath, args: ["examples/oidc/node.ts"] },
    { name: "Deno", program: tool("deno"), args: [...deno, "examples/oidc/deno.ts"] },
  ])("$name", { timeout: 120_000 }, async ({ program, args }) => {
    const env = { ...variables(await openBackend("postgres")), PORT: new URL(home).port };
    await start(program, args, project.folder, env, `${home}/me`);
    await expectToSignInAtIssuer((path, init) => fetch(`${home}${path}`, { ...init, redirect: "manual" }));
  });

  test("Workers", { timeout: 120_000 }, async () => {
    const opened = await openBackend("postgres-over-neon", { timeoutMilliseconds: 10_000 });
    await writeFile(
      join(project.folder, "oidc-through-proxy.ts"),
      `${throughProxy(opened)}export { default } from "./examples/oidc/worker.ts";\n`,
    );
    const config = {
      name: "example",
      main: "oidc-through-proxy.ts",
      compatibility_date: "2026-06-01",
      vars: variables(opened),
      kv_namespaces: [{ binding: "SIGN_INS", id: "sign-ins" }],
    };
    const harness = createTestHarness({ root: project.folder, workers: [{ config }] });
    await harness.listen();
    try {
      const worker = harness.getWorker("example");
      await expectToSignInAtIssuer(async (path, init) => {
        return (await worker.fetch(`${home}${path}`, { ...init, redirect: "manual" } as never)) as unknown as Response;
      });
    } finally {
      await harness.close();
    }
  });
});
