import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createTestHarness } from "wrangler";
import { loadEdgeFunction } from "../package/edge-vm.ts";
import { goodPassword, secret } from "../support/auth.ts";
import { compile, type Project, projectWithPackage, tool } from "../support/built-package.ts";
import { type Backend, openBackend } from "../support/databases.ts";
import { freePort } from "../support/free-port.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

let project: Project;
beforeAll(async () => {
  project = await projectWithPackage();
  await cp(join(root, "examples"), join(project.folder, "examples"), { recursive: true });
}, 240_000);
afterAll(() => project?.remove());

const running: ChildProcess[] = [];
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});

/** Sends a request, as `fetch` does. */
type Send = (
  path: string,
  init: { method?: string; headers: Record<string, string>; body?: string },
) => Promise<Response>;

/** Signs up, signs in like a browser, and asks for the signed-in user. */
async function expectToSignIn(send: Send, baseUrl: string, me = "/me"): Promise<void> {
  const login = { identifier: "ada@example.com", password: goodPassword };
  const post = (path: string): Promise<Response> =>
    send(path, {
      method: "POST",
      headers: { origin: baseUrl, "content-type": "application/json" },
      body: JSON.stringify(login),
    });
  const stranger = await send(me, { headers: {} });
  expect([stranger.status, await codeOf(stranger)]).toEqual([401, "unauthorized.invalid_token"]);
  expect((await post("/auth/sign-up")).status).toBe(201);
  const signedIn = await post("/auth/sign-in");
  expect(signedIn.status).toBe(200);
  const cookie = signedIn.headers.get("set-cookie")!.split(";")[0]!;
  expect(cookie).toMatch(/^__Host-session=/);
  const greeting = await send(me, { headers: { cookie } });
  expect([greeting.status, await greeting.json()]).toEqual([200, { hello: login.identifier }]);
}

async function codeOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { code?: unknown }).code;
}

test("Node, Workers and Next.js examples compile in strict mode", async () => {
  const files = ["node-pg/server.ts", "workers-neon/worker.ts", "next/app/auth/[...route]/route.ts"];
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
  /** Starts a program with the database's variables, and waits until it answers. */
  async function start(program: string, args: readonly string[], env: Record<string, string>): Promise<void> {
    const child = spawn(program, args, {
      cwd: project.folder,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.push(child);
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (printed += text));
    for (let attempt = 0; attempt < 300; attempt++) {
      if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}:\n${printed}`);
      const isUp = await fetch(`${env.BASE_URL}/me`).then(
        () => true,
        () => false,
      );
      if (isUp) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`It did not answer:\n${printed}`);
  }

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
    await start(program, args, {
      DATABASE_URL: connectionString!,
      SALLYPORT_SECRET: secret,
      BASE_URL: baseUrl,
      PORT: String(port),
    });
    await expectToSignIn((path, init) => fetch(`${baseUrl}${path}`, init), baseUrl);
  });
});

/** Makes the example's Neon client use a local proxy, with a line before the example. */
async function throughProxy({ fetchEndpoint }: Backend, example: string, entry: string): Promise<void> {
  await writeFile(
    join(project.folder, entry),
    [
      `import { neonConfig } from "@neondatabase/serverless";`,
      `neonConfig.fetchEndpoint = ${JSON.stringify(fetchEndpoint)};`,
      `export * from ${JSON.stringify(example)};`,
      ...(example.includes("worker") ? [`export { default } from ${JSON.stringify(example)};`] : []),
    ].join("\n"),
  );
}

describe("the example for Workers and Neon", () => {
  test("is the same as in the README", async () => {
    const readme = await readFile(join(root, "README.md"), "utf8");
    const example = await readFile(join(root, "examples/workers-neon/worker.ts"), "utf8");
    expect(/```ts worker\.ts\n([\s\S]*?)```/.exec(readme)![1]).toBe(example);
  });

  test("under wrangler: signs up, signs in and greets", { timeout: 120_000 }, async () => {
    const opened = await openBackend("postgres-over-neon", { timeoutMilliseconds: 10_000 });
    await throughProxy(opened, "./examples/workers-neon/worker.ts", "worker-through-proxy.ts");
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

describe("the example of a Next.js route handler", () => {
  const baseUrl = "https://app.example.com";
  /** Next.js appends the segments of a catch-all to the URL that an edge function sees. */
  const urlOf = (path: string): string => {
    const query = path
      .split("/")
      .slice(2)
      .map((segment) => `route=${encodeURIComponent(segment)}`)
      .join("&");
    return `${baseUrl}${path}?${query}`;
  };

  test("on the Node runtime", { timeout: 120_000 }, async () => {
    const opened = await openBackend("pglite-over-neon", { timeoutMilliseconds: 10_000 });
    await throughProxy(opened, "./examples/next/app/auth/[...route]/route.ts", "next-on-node.ts");
    Object.assign(process.env, { DATABASE_URL: opened.connectionString, SALLYPORT_SECRET: secret, BASE_URL: baseUrl });
    try {
      const handler = await import(join(project.folder, "next-on-node.ts"));
      const send: Send = (path, { method = "GET", ...init }) =>
        handler[method](new Request(`${baseUrl}${path}`, { method, ...init }));
      await expectToSignIn(send, baseUrl, "/auth/me");
    } finally {
      for (const name of ["DATABASE_URL", "SALLYPORT_SECRET", "BASE_URL"]) delete process.env[name];
    }
  });

  test("on the edge runtime", { timeout: 120_000 }, async () => {
    const opened = await openBackend("pglite-over-neon", { timeoutMilliseconds: 10_000 });
    await throughProxy(opened, "./examples/next/app/auth/[...route]/route.ts", "next-on-edge.ts");
    const env = { DATABASE_URL: opened.connectionString, SALLYPORT_SECRET: secret, BASE_URL: baseUrl };
    const { evaluate } = await loadEdgeFunction(project.folder, "next-on-edge.ts", ["edge-light"]);
    evaluate(`globalThis.process = { env: ${JSON.stringify(env)} }`);
    const send: Send = async (path, { method = "GET", headers, body }) => {
      const init = JSON.stringify({ method, headers: {}, ...(body && { body }) });
      // A script may not set a browser's `Origin` and `Cookie`, so they are added once the request is made.
      const answer = await evaluate(`(async () => {
        const request = new Request(${JSON.stringify(urlOf(path))}, ${init});
        for (const [name, value] of Object.entries(${JSON.stringify(headers)})) request.headers.set(name, value);
        const response = await application.${method}(request);
        return JSON.stringify([response.status, [...response.headers], await response.text()]);
      })()`);
      const [status, answered, text] = JSON.parse(answer as string);
      return new Response(text, { status, headers: answered });
    };
    await expectToSignIn(send, baseUrl, "/auth/me");
  });
});
