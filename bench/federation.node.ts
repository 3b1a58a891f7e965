import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import { migrate, migrations } from "sallyport";
import { pglite } from "sallyport/pglite";
import { databaseUrl, googleClient, type Requests, type StandIns, startStandIns } from "./stand-ins.node.ts";
import { type Bundle, bundle, median, type RunningWorker, type ServeOptions, serve } from "./workerd.node.ts";

const peers = fileURLToPath(new URL("peers/", import.meta.url));
const origin = "https://app.example.com";

/** A library: its Worker, and how a browser begins a sign-in there. */
interface Library {
  readonly name: string;
  readonly entry: string;
  /** The package whose version is printed. */
  readonly package?: string;
  /** Compatibility flags without which workerd refuses its bundle. */
  readonly flags?: readonly string[];
  /** Makes its tables. */
  prepare(embedded: PGlite): Promise<unknown>;
  /** Returns the URL at Google. */
  begin(browser: Browser): Promise<string>;
}

const form = { "content-type": "application/x-www-form-urlencoded" };

const libraries: readonly Library[] = [
  {
    name: "Sallyport",
    entry: "bench/workers/federation.ts",
    prepare: (embedded) => migrate(pglite(embedded), migrations),
    begin: async (browser) => (await browser.send("POST", "/auth/oidc/google/start", { headers: form })).location,
  },
  {
    name: "Auth.js",
    entry: "bench/peers/auth-js.ts",
    package: "@auth/core",
    prepare: async (embedded) => embedded.exec(await readFile(`${peers}auth-js.sql`, "utf8")),
    async begin(browser) {
      const { csrfToken } = JSON.parse((await browser.send("GET", "/auth/csrf")).body);
      const body = String(new URLSearchParams({ csrfToken, callbackUrl: `${origin}/` }));
      return (await browser.send("POST", "/auth/signin/google", { headers: form, body })).location;
    },
  },
  {
    name: "better-auth",
    entry: "bench/peers/better-auth.ts",
    package: "better-auth",
    prepare: async (embedded) => embedded.exec(await readFile(`${peers}better-auth.sql`, "utf8")),
    flags: ["nodejs_compat"],
    async begin(browser) {
      const body = JSON.stringify({ provider: "google", callbackURL: "/" });
      const headers = { "content-type": "application/json" };
      return JSON.parse((await browser.send("POST", "/api/auth/sign-in/social", { headers, body })).body).url;
    },
  },
];

const bindings = {
  DATABASE_URL: databaseUrl,
  AUTH_SECRET: crypto.getRandomValues(Buffer.alloc(32)).toString("base64url"),
  GOOGLE_CLIENT_ID: googleClient.id,
  GOOGLE_CLIENT_SECRET: googleClient.secret,
};

interface Measured extends Library {
  readonly bundle: Bundle;
}

/** A Worker that signs in with Google: its size, its start and its requests, compared with Auth.js and better-auth. */
export async function measureFederation(starts = 41): Promise<void> {
  console.log("\n## Sign-in with Google, sessions in Postgres over Neon's HTTP client\n");
  const compared: Measured[] = [];
  for (const library of libraries) {
    if (library.package && !existsSync(`${peers}node_modules/${library.package}`)) {
      console.log(`${library.name} is not measured: it is not installed. \`npm ci --prefix bench/peers\` installs it.`);
      continue;
    }
    // The runtime has Node's modules, if the flags say so.
    compared.push({ ...library, bundle: await bundle(library.entry, { external: ["node:*"] }) });
    const version = library.package ? `${library.package} ${await versionOf(library.package)}` : "this checkout";
    console.log(`${library.name}: ${version}${library.flags ? `, with the flag ${library.flags}` : ""}`);
  }
  const bare = await bundle("bench/workers/bare.ts");
  printSizes(compared, bare);
  await measureStarts(compared, bare, starts);
  await measureRequests(compared);
  for (const one of [...compared.map(({ bundle }) => bundle), bare]) await one.remove();
}

async function versionOf(name: string): Promise<string> {
  return JSON.parse(await readFile(`${peers}node_modules/${name}/package.json`, "utf8")).version;
}

function printSizes(compared: readonly Measured[], bare: Bundle): void {
  console.log("\nSize of the Worker, with Hono's tiny preset and Neon's client:");
  for (const { name, bundle } of [...compared, { name: "bare Hono", bundle: bare }]) {
    const { minifiedBytes, gzipBytes } = bundle;
    console.log(`  ${name.padEnd(12)} ${bytes(minifiedBytes)} minified, ${bytes(gzipBytes)} gzipped`);
  }
}

const bytes = (count: number): string =>
  `${(count / 1024).toFixed(2).padStart(7)} KiB (${String(count).padStart(6)} bytes)`;

/** The first requests whose answers are timed. `status` is the answer of a library. */
const firstRequests = [
  { title: "the first request is `/`, which needs no library", path: "/", status: 200 },
  { title: "the first request is `/me` without a session", path: "/me", status: 401 },
];

/** CPU of workerd to the first answer, as in the part `cold`. */
async function measureStarts(compared: readonly Measured[], bare: Bundle, starts: number): Promise<void> {
  const flagged = compared.filter(({ flags }) => flags);
  const bases = [{}, ...flagged].map(({ flags = [] }: Partial<Measured>) => ({
    ...{ name: ["bare Hono", ...flags].join(", "), bundle: bare, flags, isBare: true },
  }));
  const all = [...bases, ...compared.map((one) => ({ ...one, isBare: false }))];
  for (const { title, path, status } of firstRequests) {
    const rows = all.map(({ name, bundle, flags = [], isBare }) => ({
      ...{ name, bundle, options: { path, flags, bindings }, status: isBare ? 200 : status, times: [] as number[] },
    }));
    for (const { bundle, options, status } of rows) await requireStatus(bundle, options, status);
    for (let start = 0; start < starts; start++) {
      for (const { bundle, options, times } of rows) times.push(await timeStart(bundle, options));
    }
    console.log(`\nCold start, CPU of workerd to the first answer; ${title}:`);
    for (const { name, times } of rows) {
      const ratio = median(times.map((time, start) => time / rows[0]!.times[start]!)).toFixed(2);
      console.log(`  ${name.padEnd(24)} ${median(times).toFixed(1).padStart(6)} ms, ${ratio} ×`);
    }
  }
  console.log(`Method: ${starts} starts of each in turn; all threads of the process; the median of the ratios.`);
}

/** A start counts only if its first answer is the right one. */
async function requireStatus(bundle: Bundle, options: ServeOptions, wanted: number): Promise<void> {
  const worker = await serve(bundle, options);
  const { status } = await fetch(`${worker.url}${options.path}`);
  await worker.stop();
  if (status !== wanted) throw new Error(`${options.path}: ${status} instead of ${wanted}.`);
}

async function timeStart(bundle: Bundle, options: ServeOptions): Promise<number> {
  const worker = await serve(bundle, options);
  const milliseconds = await worker.cpuMilliseconds();
  await worker.stop();
  return milliseconds;
}

/** Requests to the database and to Google: each Worker runs in workerd, and the proxy of all that it sends counts. */
async function measureRequests(compared: readonly Measured[]): Promise<void> {
  console.log("\nRequests to the database + to Google:");
  for (const library of compared) {
    const embedded = await PGlite.create();
    await library.prepare(embedded);
    const standIns = await startStandIns(embedded);
    const counts = await countRequests(library, standIns);
    await standIns.close();
    await embedded.close();
    console.log(`  ${library.name}`);
    for (const [title, { database, provider }] of counts) {
      const paths = provider.map((url) => url.replace("https://", "")).join(", ");
      console.log(`    ${title.padEnd(40)} ${database} + ${provider.length}${paths && `  ${paths}`}`);
    }
  }
  console.log(
    "Method: the same bundles in workerd, whose proxy counts and answers as Google and Neon. A batch is one request.",
  );
  console.log("Every sign-in is checked by a request for the user afterwards, which is not counted.");
}

async function countRequests(library: Measured, standIns: StandIns): Promise<readonly [string, Requests][]> {
  const { bundle, flags = [] } = library;
  const start = () => serve(bundle, { flags, bindings, outboundPort: standIns.port });
  const browser = new Browser(await start());
  const counts: [string, Requests][] = [];
  const counted = async <Result>(title: string, work: Promise<Result>): Promise<Result> => {
    const result = await work;
    // Some requests may follow the answer.
    await setTimeout(200);
    counts.push([title, standIns.count()]);
    return result;
  };
  const finish = async (title: string, url: string): Promise<void> => {
    await counted(title, browser.send("GET", url.slice(origin.length)));
    await browser.requireUser();
    standIns.count();
  };
  try {
    const first = await counted("begin, new isolate", library.begin(browser));
    // The callback may come to an isolate that knows nothing yet.
    await browser.moveTo(await start());
    await finish("callback, new isolate, new user", standIns.agree(first));
    browser.forget();
    const second = await counted("begin, same isolate", library.begin(browser));
    await finish("callback, same isolate, known user", standIns.agree(second));
  } finally {
    await browser.leave();
  }
  return counts;
}

interface Answer {
  readonly status: number;
  readonly location: string;
  readonly body: string;
}

/** A browser with cookies, which takes the Worker for the site. */
class Browser {
  readonly #cookies = new Map<string, string>();
  #worker: RunningWorker;

  constructor(worker: RunningWorker) {
    this.#worker = worker;
  }

  async send(
    method: string,
    path: string,
    { headers = {}, body = "" }: { headers?: Readonly<Record<string, string>>; body?: string } = {},
  ): Promise<Answer> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const own = { host: new URL(origin).host, "x-forwarded-proto": "https", "cf-connecting-ip": "192.0.2.1", cookie };
    const fromPage = method === "POST" ? { origin, "sec-fetch-site": "same-origin" } : {};
    return await new Promise((resolve, reject) => {
      const sent = request(`${this.#worker.url}${path}`, { method, headers: { ...own, ...fromPage, ...headers } });
      sent.once("error", reject).once("response", async (response) => {
        for (const line of response.headers["set-cookie"] ?? []) this.#keep(line);
        let text = "";
        for await (const chunk of response.setEncoding("utf8")) text += chunk;
        const { statusCode: status = 0, headers } = response;
        if (status >= 400 && path !== "/me") reject(new Error(`${method} ${path}: ${status} ${text.slice(0, 500)}`));
        resolve({ status, location: headers.location ?? "", body: text });
      });
      sent.end(body);
    });
  }

  #keep(line: string): void {
    const [pair = "", ...attributes] = line.split(";");
    const [name = "", value = ""] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    const hasEnded = attributes.some((attribute) => /^\s*max-age=0$/i.test(attribute));
    if (hasEnded || value === "") this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }

  /** A figure counts only if the sign-in has succeeded. */
  async requireUser(): Promise<void> {
    const { status, body } = await this.send("GET", "/me");
    if (status !== 200) throw new Error(`The sign-in has failed: ${status} ${body}`);
  }

  async moveTo(worker: RunningWorker): Promise<void> {
    await this.#worker.stop();
    this.#worker = worker;
  }

  forget(): void {
    this.#cookies.clear();
  }

  async leave(): Promise<void> {
    await this.#worker.stop();
  }
}
