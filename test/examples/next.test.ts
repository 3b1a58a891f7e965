/**
 * The example of a Next.js route handler, built and started by Next.js itself.
 *
 * Slow: `next build` runs twice, once for each runtime.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { secret } from "../support/auth.ts";
import { type Project, projectWithPackage, tool } from "../support/built-package.ts";
import { openBackend } from "../support/databases.ts";
import { expectToSignIn, start, stopAll, throughProxy } from "../support/example-servers.ts";
import { freePort } from "../support/free-port.ts";

const example = fileURLToPath(new URL("../../examples/next", import.meta.url));
const route = "app/auth/[...route]/route.ts";

let project: Project;
beforeAll(async () => {
  project = await projectWithPackage();
}, 240_000);
afterAll(() => project?.remove());
afterEach(stopAll);

/** Next.js appends the segments of a catch-all to the URL that an edge function sees; a handler on Node sees the plain URL. */
test.each(["nodejs", "edge"])(
  "Next.js on the runtime %s: signs up, signs in and greets",
  {
    timeout: 240_000,
  },
  async (runtime) => {
    const opened = await openBackend("postgres-over-neon", { timeoutMilliseconds: 10_000 });
    const folder = join(project.folder, `next-on-${runtime}`);
    await cp(example, folder, { recursive: true });
    const source = await readFile(join(folder, route), "utf8");
    expect(source).toContain('export const runtime = "nodejs";');
    await writeFile(
      join(folder, route),
      throughProxy(opened) + source.replace('runtime = "nodejs"', `runtime = "${runtime}"`),
    );
    // The dependencies of the test project are links to folders outside it.
    await writeFile(join(folder, "next.config.mjs"), 'export default { turbopack: { root: "/" } };\n');
    await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));

    const port = await freePort();
    const baseUrl = `http://localhost:${port}`;
    const env = {
      DATABASE_URL: opened.connectionString!,
      SALLYPORT_SECRET: secret,
      BASE_URL: baseUrl,
      NEXT_TELEMETRY_DISABLED: "1",
    };
    const options = { cwd: folder, env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env } };
    await promisify(execFile)(process.execPath, [tool("next"), "build"], options);
    const args = [tool("next"), "start", "--port", String(port), "--hostname", "localhost"];
    await start(process.execPath, args, folder, env, `${baseUrl}/auth/me`);
    await expectToSignIn((path, init) => fetch(`${baseUrl}${path}`, init), baseUrl, "/auth/me");
  },
);
