import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute as routes } from "../build/openapi/every-route.node.ts";
import { randomBytes, toBase64Url } from "../src/crypto/bytes.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

/** The examples, by the name behind their fence's language. */
async function examples(): Promise<ReadonlyMap<string, string>> {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const found = [...readme.matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm)];
  return new Map(found.map(([, name, text]) => [name!, text!]));
}

describe("README", () => {
  let folder: string;
  beforeAll(async () => {
    // A project beside ours that finds `sallyport` where its package.json says, in sources instead of `dist`.
    folder = await mkdtemp(join(tmpdir(), "sallyport-readme-"));
    await mkdir(join(folder, "node_modules"));
    for (const name of ["hono", "@electric-sql", "@neondatabase", "valibot", "uuid"]) {
      await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
    }
    const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const exports = Object.fromEntries(
      Object.entries<{ default: string }>(manifest.exports).map(([entry, target]) => [
        entry,
        target.default.replace("./dist/", "./src/").replace(/\.js$/, ".ts"),
      ]),
    );
    const installed = join(folder, "sallyport");
    await cp(join(root, "src"), join(installed, "src"), { recursive: true });
    await writeFile(join(installed, "package.json"), JSON.stringify({ name: "sallyport", type: "module", exports }));
    await symlink(installed, join(folder, "node_modules", "sallyport"));
    await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    for (const [name, text] of await examples()) await writeFile(join(folder, name), text);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("has the tested examples", async () => {
    expect([...(await examples()).keys()]).toEqual(["worker.ts", "transaction.ts"]);
  });

  test("every example compiles, strictly", { timeout: 120_000 }, async () => {
    const files = [...(await examples()).keys()];
    const options = { strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true };
    const compilerOptions = {
      ...options,
      module: "NodeNext",
      target: "ES2022",
      lib: ["ES2024", "WebWorker"],
      types: [],
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    const compiled = await run(join(root, "node_modules/.bin/tsc"), ["-p", folder]).then(
      () => "",
      (error: { stdout: string }) => error.stdout,
    );
    expect(compiled).toBe("");
  });

  test("the transaction example runs", { timeout: 120_000 }, async () => {
    const { stderr } = await run(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      join(folder, "transaction.ts"),
    ]);
    expect(stderr).toBe("");
  });

  test("the Worker example refuses a stranger and reports a wrong configuration", async () => {
    const { default: app } = await import(join(folder, "worker.ts"));
    const sealing = { SALLYPORT_SEALING_KEYS: toBase64Url(randomBytes(32)) };
    const misconfigured = { ...sealing, DATABASE_URL: "postgres://u:p@h/d", SALLYPORT_SECRET: "" };
    const configured = { ...misconfigured, SALLYPORT_SECRET: toBase64Url(randomBytes(32)) };
    const stranger = await app.request("/me", {}, configured);
    expect([stranger.status, (await stranger.json()).code]).toEqual([401, "unauthorized.invalid_token"]);
    expect((await app.request("/me", {}, misconfigured)).status).toBe(503);
    const health = await app.request("/health", {}, misconfigured);
    expect([health.status, (await health.json()).details]).toEqual([503, { option: "secrets" }]);
  });

  test("every route that it names exists", async () => {
    const readme = await readFile(join(root, "README.md"), "utf8");
    const named = [...readme.matchAll(/\b(GET|POST) (\/auth\/[\w/-]+)/g)].map(
      ([, method, path]) => `${method} ${path}`,
    );
    const known = routes.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(named.length).toBeGreaterThan(7);
    expect(known).toEqual(expect.arrayContaining(named));
  });
});
