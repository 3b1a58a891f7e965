/**
 * `npm start`: the development server, with a database, on http://localhost:8787.
 *
 * `--https` serves https with a certificate of its own, for browsers that store no cookie on http (Safari), and, with `--host`
 * and this machine's private address or mDNS name, for trying on a phone.
 *
 * The database is an embedded Postgres in `.sallyport/database` (`--memory`: not kept), or the one in `DATABASE_URL`. One on another
 * machine needs `--remote-database`, and has no sign-up without `--open-sign-up` (S65). The
 * Worker runs in workerd as it would when deployed, and reaches the database through Neon's protocol on loopback. `PORT`
 * changes the port. Nothing here is part of a deployment.
 *
 * @module
 */
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { developmentSecretPrefix } from "../../src/crypto/root-secrets.ts";
import { isForDevelopment } from "../../src/domain/origin.ts";
import { type CertificateFiles, developmentCertificate } from "./certificate.node.ts";
import { isOnThisMachine, openDevelopmentDatabase } from "./database.node.ts";
import { type NeonProxy, startNeonProxy } from "./neon-proxy.node.ts";
import type { ServeSettings } from "./serve.node.ts";

const root = new URL("../../", import.meta.url);
const folder = new URL(".sallyport/", root);

let isStopping = false;

/** Everything that was started, last first, each with the way to end it. */
const started: { name: string; stop: () => Promise<void> }[] = [];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      memory: { type: "boolean", default: false },
      https: { type: "boolean", default: false },
      host: { type: "string", default: "localhost" },
      "remote-database": { type: "boolean", default: false },
      "open-sign-up": { type: "boolean", default: false },
      "verify-first": { type: "boolean", default: false },
    },
  });
  const port = readPort(process.env.PORT);
  const site = readSite({ ...values, port });
  await assertPortIsFree(port);

  const databaseUrl = process.env.DATABASE_URL || undefined;
  const isRemote = databaseUrl !== undefined && !isOnThisMachine(databaseUrl);
  if (isRemote && !values["remote-database"]) throw new Error(remoteRefusal);
  if (isRemote && values["verify-first"])
    throw new Error("--verify-first needs the mailbox, which shows no real mail.");
  const signUp = values["verify-first"] ? "verify-first" : !isRemote || values["open-sign-up"] ? "open" : "closed";
  const opening = openDevelopmentDatabase({
    databaseUrl,
    schema: process.env.DATABASE_SCHEMA || undefined,
    folder,
    isInMemory: values.memory,
  });
  started.unshift({
    name: "the database",
    // Waits while the database opens, too: an embedded database that is interrupted while it is created cannot be opened again.
    // A database that failed to open has closed itself, and is reported below.
    stop: () =>
      opening.then(
        (opened) => opened.close(),
        () => undefined,
      ),
  });
  const database = await opening;
  if (isStopping) return;
  const proxy = await startNeonProxy({ backend: database.backend });
  started.unshift({ name: "the proxy", stop: proxy.close });
  await startWorker(site, proxy, { signUp, isMailboxShown: !isRemote });
  if (!isStopping) console.log(greeting(site, database.description, { signUp, isMailboxShown: !isRemote }));
}

const remoteRefusal =
  "DATABASE_URL is a database on another machine. `npm start` would migrate it, and encrypt with the keys of this checkout. " +
  "If you want that, run `npm start -- --remote-database`; add `--open-sign-up` to let everyone create accounts in it.";

/** What the server shows to all who reach it. */
interface Openness {
  readonly signUp: "open" | "verify-first" | "closed";
  readonly isMailboxShown: boolean;
}

/** Where the server is reached. */
interface Site {
  readonly baseUrl: string;
  readonly host: string;
  readonly port: number;
  readonly certificate: CertificateFiles | undefined;
}

/** The certificate is made here, so that a host that is not for development is refused before anything starts. */
function readSite({ https, host, port }: { https: boolean; host: string; port: number }): Site {
  const baseUrl = `${https ? "https" : "http"}://${host}:${port}`;
  if (host !== "localhost" && !https) throw new Error("--host needs --https.");
  if (new URL(baseUrl).origin !== baseUrl || !isForDevelopment(baseUrl)) {
    throw new Error("--host is this machine's private IPv4 address, or its name that ends in .local.");
  }
  const certificate = https ? developmentCertificate(fileURLToPath(folder), host, new Date()) : undefined;
  return { baseUrl, host, port, certificate };
}

function readPort(text = "8787"): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error("PORT must be a number from 1 to 65535.");
  return port;
}

/** Checked before anything else, and for both families: `localhost` may be either. */
async function assertPortIsFree(port: number): Promise<void> {
  for (const host of ["127.0.0.1", "::1"]) {
    const server = createServer();
    const code = await new Promise<unknown>((resolve) => {
      server.once("error", (error) => resolve((error as { code?: unknown }).code));
      server.listen(port, host, () => server.close(() => resolve(undefined)));
    });
    if (code === "EADDRINUSE") throw new Error(`Port ${port} is taken. Stop what uses it, or set PORT to another one.`);
    if (code === "EACCES") throw new Error(`Port ${port} is not allowed for this user. Set PORT to one above 1023.`);
  }
}

/** A secret of this checkout, made the first time and stored in a file of that name. It is for loopback only. */
function developmentSecret(name: "secret" | "sealing-keys"): string {
  const path = new URL(name, folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    const secret = `${developmentSecretPrefix}${randomBytes(32).toString("base64url")}`;
    writeFileSync(path, secret, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EEXIST") throw error;
  }
  return readFileSync(path, "utf8").trim();
}

/** The variables of providers. Secrets are apart from the others, whose values wrangler prints. */
function providerVariables(isTaken: (isSecret: boolean) => boolean): Record<string, string> {
  const given = Object.entries(process.env).flatMap(([name, text]) => {
    const isProviders = /^OIDC_[A-Z0-9]+_/.test(name) && text !== undefined;
    return isProviders && isTaken(/_(CLIENT_SECRET|PRIVATE_KEY)$/.test(name)) ? [[name, text] as const] : [];
  });
  return Object.fromEntries(given);
}

/** Starts the Worker in its own process, out of reach of the terminal's Ctrl-C: this process decides the order of ends. */
async function startWorker(
  site: Site,
  { connectionString, fetchEndpoint }: NeonProxy,
  { signUp, isMailboxShown }: Openness,
): Promise<void> {
  const settings: ServeSettings = {
    config: fileURLToPath(new URL("wrangler.toml", root)),
    entrypoint: fileURLToPath(new URL("worker/development/index.ts", root)),
    hostname: site.host,
    port: site.port,
    certificate: site.certificate,
    secrets: {
      DATABASE_URL: connectionString,
      NEON_FETCH_ENDPOINT: fetchEndpoint,
      SALLYPORT_SECRET: developmentSecret("secret"),
      SALLYPORT_SEALING_KEYS: developmentSecret("sealing-keys"),
      ...providerVariables((isSecret) => isSecret),
    },
    variables: {
      BASE_URL: site.baseUrl,
      SIGN_UP: signUp,
      MAIL_SIGN_IN: "on",
      // Accounts of a database on another machine may be real, and a link opens one.
      MAILBOX: isMailboxShown ? "shown" : "",
      DATABASE_SCHEMA: process.env.DATABASE_SCHEMA ?? "",
      TERMS_VERSION: process.env.TERMS_VERSION ?? "",
      TERMS_URL: process.env.TERMS_URL ?? "",
      RETURN_TO: process.env.RETURN_TO ?? "",
      ...providerVariables((isSecret) => !isSecret),
    },
  };
  const child = fork(new URL("serve.node.ts", import.meta.url), {
    detached: true,
    // Otherwise wrangler would use the network.
    env: {
      ...process.env,
      DATABASE_URL: undefined,
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      WRANGLER_SEND_METRICS: "false",
    },
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  void ended.then(() => {
    if (isStopping) return;
    console.error("The Worker's process ended.");
    void stop(1);
  });
  const end = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(timer);
  };
  started.unshift({ name: "the Worker", stop: end });
  child.send(settings);
  await Promise.race([once(child, "message"), ended]);
}

const signUpSentences: Readonly<Record<Openness["signUp"], string>> = {
  open: "Everyone who reaches it can sign up. With `--verify-first`, a link is mailed first, as in production.",
  "verify-first": "Everyone who reaches it can sign up, with a link that is mailed first.",
  closed: "Sign-up is closed; `--open-sign-up` opens it.",
};

/** The lines can be pasted as they are, in any folder and after a restart too: each start has its own user. */
function greeting({ baseUrl, certificate }: Site, description: string, { signUp, isMailboxShown }: Openness): string {
  const identifier = `ada-${randomBytes(3).toString("hex")}@example.com`;
  const credential = JSON.stringify({ identifier, password: "correct horse battery staple" });
  const json = `-H 'content-type: application/json' -H 'origin: ${baseUrl}'`;
  const curl = certificate ? `curl --cacert ${quoted(certificate.certificate)}` : "curl";
  const jar = quoted(fileURLToPath(new URL("cookies", folder)));
  const programs = [
    "Programs:",
    "",
    `${curl} ${baseUrl}/auth/sign-up ${json} -d '${credential}'`,
    `${curl} -c ${jar} ${baseUrl}/auth/sign-in ${json} -d '${credential}'`,
    `${curl} -b ${jar} ${baseUrl}/auth/session`,
  ];
  return [
    "",
    `Sallyport is on ${baseUrl}; the database is ${description}. Ctrl-C ends it.`,
    signUpSentences[signUp],
    certificate
      ? "Your browser does not know the certificate: accept it once for this site."
      : "Safari stores no session cookie on http: there use `npm start -- --https`.",
    ...(isMailboxShown ? [`Mail: ${baseUrl}/mailbox has every message that is sent.`] : []),
    `Pages: ${baseUrl}/${signUp === "closed" ? "sign-in" : "sign-up"} in a browser.`,
    ...(signUp === "open" ? programs : []),
    "",
  ].join("\n");
}

/** Quotes a text as one word of the shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Ends everything that was started, last first, so that users of a thing end before it. A second signal does not wait. */
async function stop(exitCode: number): Promise<void> {
  if (isStopping) process.exit(1);
  isStopping = true;
  for (const { name, stop: end } of started) {
    await end().catch((error: unknown) => {
      console.error(`Stopping ${name} failed: ${(error as Error).message}`);
      process.exitCode = 1;
    });
  }
  process.exit(process.exitCode ?? exitCode);
}

// npm passes a signal on to its shell alone. Most shells do not pass it on, so their end is the signal.
if (process.env.npm_lifecycle_event === "start") {
  const { ppid: shell } = process;
  setInterval(() => process.ppid !== shell && !isStopping && void stop(0), 200).unref();
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void stop(0));
try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  await stop(1);
}
