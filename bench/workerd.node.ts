/**
 * Runs a Worker on workerd itself, without wrangler, and measures what it costs: CPU time and memory of its process.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type BuildResult, build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

export interface Bundle {
  /** Where `worker.js` and its modules are. */
  readonly folder: string;
  /** Minified script and binaries, in bytes. */
  readonly minifiedBytes: number;
  /** Minified script and binaries, each gzipped at level 9, in bytes. */
  readonly gzipBytes: number;
  /** What each reachable module contributes to the script, minified, in bytes. */
  readonly modules: readonly { readonly path: string; readonly bytes: number }[];
  remove(): Promise<void>;
}

/**
 * Bundles a Worker from the built package, as wrangler would: minified, with the conditions of workerd.
 *
 * @param options.alias Modules to bundle in place of others, by name.
 */
export async function bundle(
  entry: string,
  options: { external?: readonly string[]; alias?: Record<string, string> } = {},
): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-bench-"));
  const result: BuildResult<{ metafile: true }> = await build({
    entryPoints: { worker: join(root, entry) },
    absWorkingDir: root,
    outdir: folder,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
    external: [...(options.external ?? [])],
    alias: options.alias ?? {},
    metafile: true,
    logLevel: "error",
  });
  const script = Object.entries(result.metafile.outputs).find(([path]) => path.endsWith("worker.js"))![1];
  const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
  return {
    folder,
    minifiedBytes: files.reduce((bytes, file) => bytes + file.length, 0),
    gzipBytes: files.reduce((bytes, file) => bytes + gzipSync(file, { level: 9 }).length, 0),
    modules: Object.entries(script.inputs)
      .map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }))
      .filter(({ bytes }) => bytes > 0)
      .sort((a, b) => b.bytes - a.bytes),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface RunningWorker {
  readonly url: string;
  /** CPU time of all threads of the process since it began, in milliseconds. */
  cpuMilliseconds(): Promise<number>;
  /** Resident memory, in MiB. */
  residentMib(): Promise<number>;
  stop(): Promise<void>;
}

export interface ServeOptions {
  /** The path of the first request. Default `/`. */
  readonly path?: string;
  /** Compatibility flags, such as `nodejs_compat`. Default: none. */
  readonly flags?: readonly string[];
  /** The text bindings. Default: none. */
  readonly bindings?: Readonly<Record<string, string>>;
  /** The port of a server that answers every request that the Worker sends, as a proxy does. Default: loopback only. */
  readonly outboundPort?: number;
}

/** Starts workerd on a bundle, and waits until it has answered its first request. */
export async function serve({ folder }: Bundle, options: ServeOptions = {}): Promise<RunningWorker> {
  const { path = "/", flags = [], bindings = {}, outboundPort } = options;
  const port = await freePort();
  const names = (await readdir(folder)).filter((name) => name.endsWith(".wasm"));
  const modules = [
    '(name = "worker.js", esModule = embed "worker.js")',
    ...names.map((name) => `(name = "${name}", wasm = embed "${name}")`),
  ];
  const text = (value: string): string => JSON.stringify(value);
  const settings = [
    `modules = [${modules.join(", ")}]`,
    'compatibilityDate = "2026-06-01"',
    `compatibilityFlags = [${flags.map(text).join(", ")}]`,
    `bindings = [${Object.entries(bindings)
      .map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`)
      .join(", ")}]`,
    ...(outboundPort === undefined ? [] : ['globalOutbound = "outbound"']),
  ];
  const services = [
    '(name = "main", worker = .main)',
    '(name = "internet", network = (allow = ["local"]))',
    ...(outboundPort === undefined
      ? []
      : [`(name = "outbound", external = (address = "127.0.0.1:${outboundPort}", http = (style = proxy)))`]),
  ];
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${services.join(", ")}],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (forwardedProtoHeader = "x-forwarded-proto"), service = "main")]
);
const main :Workerd.Worker = (${settings.join(", ")});
`;
  await writeFile(join(folder, "config.capnp"), config);
  const child = spawn(await workerdBinary(), ["serve", join(folder, "config.capnp")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  while (!(await listens(`${url}${path}`))) {
    if (child.exitCode !== null) throw new Error(`workerd did not start:\n${log}`);
  }
  return {
    url,
    cpuMilliseconds: () => cpuMilliseconds(child),
    residentMib: async () => {
      const status = await readFile(`/proc/${child.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) / 1024;
    },
    async stop() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function listens(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).arrayBuffer();
    return true;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return false;
  }
}

async function cpuMilliseconds({ pid }: ChildProcess): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(
    threads.map(async (thread) =>
      Number((await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8")).split(" ")[0]),
    ),
  );
  return times.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e6;
}

async function workerdBinary(): Promise<string> {
  const packageName = process.arch === "arm64" ? "workerd-linux-arm64" : "workerd-linux-64";
  return join(root, "node_modules/@cloudflare", packageName, "bin/workerd");
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => probe.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
