/** `npm start` as a whole, on a database behind a transaction pooler. Slow: each start has its build, workerd and database. @module */
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from "vitest";
import { openBackend } from "../support/databases.ts";
import { freePort } from "../support/free-port.ts";
import { poolers } from "../support/poolers.ts";
import { copyProject, type ProjectCopy } from "../support/started-project.ts";

let project: ProjectCopy;
beforeAll(async () => {
  project = await copyProject();
});
afterEach(() => project.kill());
afterAll(() => project.remove());

test.each(Object.entries(poolers))("S70: npm start works through %s", { timeout: 180_000 }, async (_name, open) => {
  const { connectionString } = await openBackend("postgres", { empty: true });
  const pooler = await open(connectionString!);
  onTestFinished(() => pooler.close());
  const url = new URL(connectionString!);
  url.port = String(pooler.port);
  const { lines, terminate } = await project.start(await freePort(), [], { DATABASE_URL: url.href });
  const [signUp, signIn, session] = lines;
  expect((await project.paste(signUp!)).status).toBe(201);
  // More transactions than the pooler has connections.
  for (let time = 0; time < 5; time += 1) {
    expect((await project.paste(signIn!)).status).toBe(200);
    const current = await project.paste(session!);
    expect([current.status, current.json.user.status]).toEqual([200, "active"]);
  }
  expect((await project.paste(session!.replace("/auth/session", "/health"))).json.status).toBe("ok");
  await terminate();
  await expect.poll(() => project.processes(), { timeout: 20_000 }).toEqual([]);
});
