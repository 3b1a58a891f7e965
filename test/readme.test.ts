import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute as routes } from "../build/openapi/every-route.node.ts";
import { randomBytes, toBase64Url } from "../src/crypto/bytes.ts";
import { authRoutes } from "../src/http/index.ts";
import { probe } from "../src/operations/health.ts";
import { pglite } from "../src/store/drivers/pglite.ts";
import type { Database } from "../src/store/sql.ts";
import { type FullAuth, fullAuth, quickHasher, sealingKey, secret } from "./support/auth.ts";
import { compile, type Project, projectWithPackage } from "./support/built-package.ts";
import { createPglite } from "./support/databases.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);
const readme = await readFile(join(root, "README.md"), "utf8");

/** The examples, by the name after their fence's language. */
const examples: ReadonlyMap<string, string> = new Map(
  [...readme.matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm)].map(([, name, text]) => [name!, text!]),
);

describe("README", () => {
  let project: Project;
  beforeAll(async () => {
    project = await projectWithPackage();
    for (const [name, text] of examples) await writeFile(join(project.folder, name), text);
  }, 240_000);
  afterAll(() => project?.remove());

  test("has the tested examples and no untested TypeScript", () => {
    expect([...examples.keys()]).toEqual(["worker.ts", "everything.ts", "transaction.ts", "browser.ts", "client.ts"]);
    expect(readme.match(/^```(ts|typescript|js|tsx)\b/gm)).toHaveLength(examples.size);
  });

  test("every example compiles in strict mode", { timeout: 120_000 }, async () => {
    expect(await compile(project.folder, [...examples.keys()])).toBe("");
  });

  test("the transaction example runs", { timeout: 120_000 }, async () => {
    const { stderr } = await run(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      join(project.folder, "transaction.ts"),
    ]);
    expect(stderr).toBe("");
  });

  test("the Worker with everything refuses a stranger and reports a wrong configuration", async () => {
    const { default: worker } = await import(join(project.folder, "everything.ts"));
    const ask = (path: string, env: object): Promise<Response> =>
      worker.fetch(new Request(`https://app.example.com${path}`), env);
    const misconfigured = {
      DATABASE_URL: "postgres://u:p@h/d",
      BASE_URL: "https://app.example.com",
      SALLYPORT_SECRET: "",
      SALLYPORT_SEALING_KEYS: toBase64Url(randomBytes(32)),
    };
    const configured = { ...misconfigured, SALLYPORT_SECRET: toBase64Url(randomBytes(32)) };
    const stranger = await ask("/documents", configured);
    expect([stranger.status, (await stranger.json()).code]).toEqual([401, "unauthorized.invalid_token"]);
    expect((await ask("/documents", misconfigured)).status).toBe(503);
    const health = await ask("/health", misconfigured);
    expect([health.status, (await health.json()).details]).toEqual([503, { option: "secrets" }]);
    const { paths } = await (await ask("/openapi.json", configured)).json();
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(["/auth/sign-in", "/v1/users", "/health"]));
    expect((await ask("/sign-in", configured)).headers.get("content-type")).toContain("text/html");
  });

  test("the browser and client examples use the routes", async () => {
    const { signIn } = await import(join(project.folder, "browser.ts"));
    const { whoAmI } = await import(join(project.folder, "client.ts"));
    const login = ["ada@example.com", "correct horse battery staple"] as const;
    const database = await createPglite({});
    const auth = authOn(pglite(database));
    const { token } = await auth.signUp({ identifier: login[0], password: login[1] });
    const app = authRoutes(auth);
    const { fetch } = globalThis;
    const answerWith = (more: Record<string, string>): void => {
      globalThis.fetch = (async (url: string, init: RequestInit = {}) => {
        const headers = { ...Object.fromEntries(new Headers(init.headers)), "sec-fetch-site": "same-origin", ...more };
        return await app.request(new URL(url, site).href, { ...init, headers });
      }) as typeof fetch;
    };
    try {
      answerWith({});
      expect([await signIn(...login), await whoAmI()]).toEqual(["signed in", null]);
      expect(await signIn(login[0], "wrong")).toMatch(/wrong/);
      answerWith({ authorization: `Bearer ${token}` });
      expect(await whoAmI()).toBe(login[0]);
    } finally {
      globalThis.fetch = fetch;
      await database.close();
    }
  });

  test("a role with the grants of step 3 serves, and cannot change the audit log", async () => {
    const statements = /```sql role\n([\s\S]*?)```/.exec(readme)![1]!;
    const database = await createPglite({});
    try {
      await database.exec(statements);
      await database.exec("set role sallyport_app");
      const auth = authOn(pglite(database));
      const login = { identifier: "ada@example.com", password: "correct horse battery staple" };
      await auth.signUp(login);
      const signedIn = await auth.signIn.password(login);
      await auth.sessions.signOut({ token: (signedIn as { token: string }).token, transport: "token" });
      await auth.purge();
      await probe(auth);
      await expect(database.exec("delete from aud")).rejects.toThrow("permission denied");
      await expect(database.exec("alter table usr add extra text")).rejects.toThrow("must be owner");
    } finally {
      await database.close();
    }
  });

  test("every route in the README exists", () => {
    const named = [...readme.matchAll(/\b(GET|POST) (\/auth\/[\w/-]+)/g)].map(
      ([, method, path]) => `${method} ${path}`,
    );
    const known = routes.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(named.length).toBeGreaterThan(0);
    expect(known).toEqual(expect.arrayContaining(named));
  });
});

const site = "https://app.example.com";

function authOn(database: Database): FullAuth {
  const passwordHasher = quickHasher();
  const keys = { secrets: secret, sealingKeys: sealingKey };
  return fullAuth({ database, ...keys, passwordHasher, origins: [site], signUp: "open" });
}

describe("Markdown", () => {
  test("every link to a file of the repository has a target", async () => {
    const folders = [".", "docs", "examples"];
    const broken: string[] = [];
    let count = 0;
    for (const folder of folders) {
      for (const name of await readdir(join(root, folder))) {
        if (!name.endsWith(".md")) continue;
        const text = await readFile(join(root, folder, name), "utf8");
        for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
          count++;
          if (!existsSync(join(root, folder, target!))) broken.push(`${folder}/${name}: ${target}`);
        }
      }
    }
    expect(count).toBeGreaterThan(50);
    expect(broken).toEqual([]);
  });

  test("no command fetches the package from a registry", async () => {
    const files = ["README.md", "CONTRIBUTING.md", "docs/schema.md", "docs/architecture.md", "examples/README.md"];
    for (const file of files) {
      const text = await readFile(join(root, file), "utf8");
      expect(text).not.toMatch(/npx (--yes |-y )?sallyport|npm (install|i|add|exec) (-\S+ )*sallyport\b/);
    }
  });
});
