/** Servers that tests start as an application's developer would, and one check for all of them. @module */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "vitest";
import { goodPassword } from "./auth.ts";
import type { Backend } from "./databases.ts";

const running: ChildProcess[] = [];

/** Ends every program that `start` started. */
export async function stopAll(): Promise<void> {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

/** Sends a request, as `fetch` does. */
export type Send = (
  path: string,
  init: { method?: string; headers: Record<string, string>; body?: string },
) => Promise<Response>;

/** Signs up, signs in like a browser, and asks for the signed-in user. */
export async function expectToSignIn(send: Send, baseUrl: string, me = "/me"): Promise<void> {
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

/** Starts a program with the database's variables, and waits until the address answers. */
export async function start(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string>,
  address: string,
): Promise<void> {
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (printed += text));
  for (let attempt = 0; attempt < 300; attempt++) {
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}:\n${printed}`);
    const isUp = await fetch(address).then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`It did not answer:\n${printed}`);
}

/** A line that makes Neon's client use a local proxy. It stands before an example. */
export function throughProxy({ fetchEndpoint }: Backend): string {
  return `import { neonConfig } from "@neondatabase/serverless";\nneonConfig.fetchEndpoint = ${JSON.stringify(fetchEndpoint)};\n`;
}
