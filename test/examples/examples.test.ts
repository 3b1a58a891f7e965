import { execFile } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createTestHarness } from "wrangler";
import { secret } from "../support/auth.ts";
import { compile, type Project, projectWithPackage, tool } from "../support/built-package.ts";
import { openBackend } from "../support/databases.ts";
import { expectToSignIn, type Send, start, stopAll, throughProxy } from "../support/example-servers.ts";
import { freePort } from "../support/free-port.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

let project: Project;
beforeAll(async () => {
  project = await projectWithPackage();
  await cp(join(root, "examples"), join(project.folder, "examples"), { recursive: true });
}, 240_000);
afterAll(() => project?.remove());
afterEach(stopAll);

test("Node, Workers and Next.js examples compile in strict mode", async () => {
  const files = [
    "node-pg/server.ts",
    "workers-neon/worker.ts",
    "workers-hyperdrive/worker.ts",
    "next/app/auth/[...route]/route.ts",
  ];
  expect(
    await compile(
      project.folder,
      ["bun/server.ts", ...files].map((file) => `examples/${file}`),
    ),
  ).toBe("");
});

test("the Deno example compiles with Deno's own types", { timeout: 120_000 }, async () => {
  const args = ["check", "--no-remote", "--node-modules-dir=manual", "examples/deno/server.ts"];
  const { stderr } = await promisify(execFile)(tool("deno"), args, { cwd: project.folder });
  expect(stderr).toContain("Check");
});

describe("the example of a server over a socket", () => {
  test.each([
    { name: "Node", program: process.execPath, args: ["examples/node-pg/server.ts"] },
    { name: "Bun", program: tool("bun"), args: ["examples/bun/server.ts"] },
    {
      name: "Deno",
      program: tool("deno"),
      args: [
        "run",
        "--no-prompt",
        "--no-remote",
        "--node-modules-dir=manual",
        "--allow-env",
        "--allow-net",
        "--allow-read",
        "examples/deno/server.ts",
      ],
    },
  ])("$name: signs up, signs in and greets", { timeout: 120_000 }, async ({ program, args }) => {
    const { connectionString } = await openBackend("postgres");
    const port = await freePort();
    const baseUrl = `http://localhost:${port}`;
    const env = { DATABASE_URL: connectionString!, SALLYPORT_SECRET: secret, BASE_URL: baseUrl, PORT: String(port) };
    await start(program, args, project.folder, env, `${baseUrl}/me`);
    await expectToSignIn((path, init) => fetch(`${baseUrl}${path}`, init), baseUrl);
  });
});

test("the example for Hyperdrive is bundled by wrangler, and its page says that the cache is off", {
  timeout: 120_000,
}, async () => {
  const config = join(project.folder, "examples/workers-hyperdrive/wrangler.toml");
  const { stdout } = await promisify(execFile)(tool("wrangler"), ["deploy", "--dry-run", "-c", config], {
    cwd: project.folder,
    env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
  });
  expect(stdout).toMatch(/env\.HYPERDRIVE/);
  for (const page of ["README.md", "workers-hyperdrive/wrangler.toml"]) {
    expect(await readFile(join(root, "examples", page), "utf8")).toContain("--caching-disabled");
  }
});

describe("the example for Workers and Neon", () => {
  test("is the same as in the README", async () => {
    const readme = await readFile(join(root, "README.md"), "utf8");
    const example = await readFile(join(root, "examples/workers-neon/worker.ts"), "utf8");
    expect(/```ts worker\.ts\n([\s\S]*?)```/.exec(readme)![1]).toBe(example);
  });

  test("under wrangler: signs up, signs in and greets", { timeout: 120_000 }, async () => {
    const opened = await openBackend("postgres-over-neon", { timeoutMilliseconds: 10_000 });
    await writeFile(
      join(project.folder, "worker-through-proxy.ts"),
      `${throughProxy(opened)}export { default } from "./examples/workers-neon/worker.ts";\n`,
    );
    const baseUrl = "http://localhost:8787";
    const harness = createTestHarness({
      root: project.folder,
      workers: [
        {
          config: {
            name: "example",
            main: "worker-through-proxy.ts",
            compatibility_date: "2026-06-01",
            vars: { DATABASE_URL: opened.connectionString!, SALLYPORT_SECRET: secret, BASE_URL: baseUrl },
          },
        },
      ],
    });
    await harness.listen();
    try {
      const worker = harness.getWorker("example");
      const send: Send = async (path, init) =>
        (await worker.fetch(`${baseUrl}${path}`, init as never)) as unknown as Response;
      await expectToSignIn(send, baseUrl);
    } finally {
      await harness.close();
    }
  });
});
