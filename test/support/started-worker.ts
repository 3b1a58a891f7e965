/**
 * The finished server in workerd, on loopback.
 *
 * @module
 */
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { developmentCertificate } from "../../worker/development/certificate.node.ts";
import type { ServeSettings } from "../../worker/development/serve.node.ts";
import { type Backend, backend } from "./databases.ts";
import { freePort } from "./free-port.ts";

const root = new URL("../../", import.meta.url);

/** The development Worker on its own port. */
export interface StartedWorker {
  readonly baseUrl: string;
  readonly database: Backend["database"];
  close(): Promise<void>;
}

export interface WorkerOptions {
  /** True for https with a certificate of its own, as `npm start -- --https`. Default false. */
  readonly isHttps?: boolean;
  /** Further variables of the Worker, such as `MAILBOX`. Default: anyone can sign up, and nothing is mailed. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Opens everything or nothing: if one part fails, the started parts end. */
export async function openWorker(options: WorkerOptions = {}): Promise<StartedWorker> {
  const endings: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of endings.splice(0).reverse()) await end();
  };
  try {
    const opened = await backend("postgres-over-neon", { timeoutMilliseconds: 10_000 });
    endings.push(opened.close);
    const baseUrl = await start(opened, options, endings);
    return { baseUrl, database: opened.database, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Runs in its own process, which ends with the channel to this one, however this one ends. */
async function start(
  { connectionString, fetchEndpoint }: Backend,
  { isHttps = false, variables = {} }: WorkerOptions,
  endings: (() => Promise<unknown>)[],
): Promise<string> {
  const port = await freePort();
  const baseUrl = `${isHttps ? "https" : "http"}://localhost:${port}`;
  const settings: ServeSettings = {
    config: fileURLToPath(new URL("wrangler.toml", root)),
    entrypoint: fileURLToPath(new URL("worker/development/index.ts", root)),
    port,
    certificate: isHttps ? await freshCertificate(endings) : undefined,
    secrets: {
      DATABASE_URL: connectionString!,
      NEON_FETCH_ENDPOINT: fetchEndpoint!,
      SALLYPORT_SECRET: `development.${randomBytes(32).toString("base64url")}`,
      SALLYPORT_SEALING_KEYS: `development.${randomBytes(32).toString("base64url")}`,
    },
    variables: { BASE_URL: baseUrl, SIGN_UP: "open", ...variables },
  };
  const child = fork(new URL("worker/development/serve.node.ts", root), {
    env: { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" },
    // The options of the test runner are not for this process.
    execArgv: [],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  child.stdout!.on("data", (chunk) => (output += chunk));
  child.stderr!.on("data", (chunk) => (output += chunk));
  const ended = once(child, "exit");
  endings.push(async () => {
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(timer);
  });
  child.send(settings);
  const [message] = await Promise.race([once(child, "message"), ended]);
  if (message !== "ready") throw new Error(`The Worker did not start.\n${output}`);
  return baseUrl;
}

async function freshCertificate(endings: (() => Promise<unknown>)[]): Promise<ServeSettings["certificate"]> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-certificate-"));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  return developmentCertificate(folder, "localhost", new Date());
}
