/** The mailers in the other runtimes, against the same servers: workerd, Deno, Bun and Vercel's edge runtime. @module */
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Bundle, bundle, type RunningWorker, serve } from "../../bench/workerd.node.ts";
import { loadEdgeFunction } from "../package/edge-vm.ts";
import { root, run, tool } from "../package/tarball.ts";
import { confidential, sent } from "../support/mail.ts";
import { type MailApi, openMailApi, status } from "../support/mail-api.ts";
import { certificateFor, openSmtp, reply, type SmtpSink } from "../support/smtp.ts";
import type { Outcome } from "./programs/attempt.ts";
import type { HttpAttempt } from "./programs/http.ts";
import type { SmtpAttempt } from "./programs/smtp.ts";

const program = (name: string): string => fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));

let folder: string;
let api: MailApi;
let built: Bundle;
let worker: RunningWorker;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sallyport-mailers-"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await build({
    entryPoints: [program("server")],
    outfile: join(folder, "server.mjs"),
    bundle: true,
    format: "esm",
    platform: "node",
    external: ["nodemailer"],
  });
  api = await openMailApi();
  // Not wrangler's harness, whose Workers send their requests through Node.
  built = await bundle("test/mailers/programs/http-worker.ts");
  worker = await serve(built);
}, 60_000);
beforeEach(() => {
  api.answer = status(200);
  api.received.length = 0;
});
afterAll(async () => {
  await worker.stop();
  await built.remove();
  await api.close();
  await rm(folder, { recursive: true });
});

/** What the outcomes are. Fails if one shows anything confidential. */
function ended(outcomes: readonly Outcome[]): string[] {
  for (const { shown } of outcomes) expect(confidential.filter((text) => shown.includes(text))).toEqual([]);
  return outcomes.map((outcome) => outcome.ended);
}

interface Attempts {
  readonly http?: readonly HttpAttempt[];
  readonly smtp?: readonly SmtpAttempt[];
}

const servers = [
  { runtime: "the project's Node", command: tool("node"), args: [] },
  {
    runtime: "Deno",
    command: tool("deno"),
    args: ["run", "--no-prompt", "--no-remote", "--node-modules-dir=manual", "-A"],
  },
  { runtime: "Bun", command: tool("bun"), args: ["run"] },
];

const runIn =
  ({ command, args }: (typeof servers)[0]) =>
  async (attempts: Attempts): Promise<{ http: Outcome[]; smtp: Outcome[] }> =>
    JSON.parse(await run(command, [...args, "server.mjs", JSON.stringify(attempts)], folder));

const runtimes: { runtime: string; send: (http: readonly HttpAttempt[]) => Promise<Outcome[]> }[] = [
  ...servers.map((server) => ({
    runtime: server.runtime,
    send: async (http: readonly HttpAttempt[]) => (await runIn(server)({ http })).http,
  })),
  {
    runtime: "workerd",
    async send(http) {
      const response = await fetch(worker.url, { method: "POST", body: JSON.stringify(http) });
      return (await response.json()) as Outcome[];
    },
  },
  {
    runtime: "Vercel's edge runtime",
    async send(http) {
      const { evaluate } = await loadEdgeFunction(root, "test/mailers/programs/http.ts", ["edge-light"]);
      const text = await (evaluate(
        `application.httpAttempts(${JSON.stringify(http)}).then(JSON.stringify)`,
      ) as Promise<string>);
      return JSON.parse(text);
    },
  },
];

describe.each(runtimes)("httpMailer in $runtime", ({ send }) => {
  test("answers: as everywhere", { timeout: 60_000 }, async () => {
    const elsewhere = await openMailApi();
    const paths: Record<string, typeof api.answer> = {
      "/sent": status(202),
      "/refused": status(422),
      "/down": status(503),
      "/elsewhere": (response) => response.writeHead(307, { location: elsewhere.url }).end(),
      "/endless": (response) => response.writeHead(200).write("quoted-reply"),
      "/silent": () => undefined,
      "/broken": (response) => response.destroy(),
    };
    api.answer = (response) => paths[response.req.url!]!(response);
    const options = { headers: { Authorization: "Bearer key-8d2e" } };
    const attempts = Object.keys(paths).map((path) => {
      const url = `http://127.0.0.1:${api.port}${path}`;
      return { options: { ...options, url }, message: sent, ...(path === "/silent" && { limit: 500 }) };
    });
    const outcomes = ended(await send(attempts));
    expect(outcomes.slice(0, -1)).toEqual([
      "sent",
      "Error HTTP_422",
      "Error HTTP_503",
      "Error HTTP_307",
      "sent",
      "Error TIMEOUT",
    ]);
    expect(outcomes.at(-1)).toMatch(/^Error \w+$/);
    expect(elsewhere.received).toEqual([]);
    await elsewhere.close();

    const [first] = api.received;
    expect(first).toMatchObject({
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": expect.stringContaining("sallyport"),
        accept: "application/json",
        authorization: "Bearer key-8d2e",
        "idempotency-key": sent.id,
      },
      json: { to: sent.to, headers: { "Message-ID": sent.messageId, "Auto-Submitted": "auto-generated" } },
    });
  });
});

describe.each(servers)("smtpMailer in $runtime", (server) => {
  const sinks: SmtpSink[] = [];
  const open = async (...args: Parameters<typeof openSmtp>): Promise<SmtpSink> => {
    const sink = await openSmtp(...args);
    sinks.push(sink);
    return sink;
  };
  afterAll(() => Promise.all(sinks.map((sink) => sink.close())));

  test("replies, certificates and silence: as everywhere", { timeout: 60_000 }, async () => {
    const [host, local] = ["0.0.0.0", "127.0.0.1"];
    const { cert: ca, key } = await certificateFor(host);
    const auth = { user: "user-51aa", pass: "pass-9c0d" };
    const plain = await open();
    const startTls = await open({
      ...{ cert: ca, key, disabledCommands: [], authOptional: false },
      onAuth: ({ password }, _session, callback) =>
        password === auth.pass ? callback(null, { user: "ada" }) : callback(reply(535, "5.7.8 quoted-reply")),
    });
    const implicit = await open({ cert: ca, key, secure: true });
    const unknown = await open({ onRcptTo: (_to, _session, callback) => callback(reply(550, "5.1.1 quoted-reply")) });
    const silent = await open({ onRcptTo: () => undefined });
    const attempts: SmtpAttempt[] = [
      { options: { host: local, port: plain.port }, message: sent },
      { options: { host, port: startTls.port, ca, auth }, message: sent },
      { options: { host, port: implicit.port, secure: true, ca }, message: sent },
      { options: { host, port: startTls.port, auth }, message: sent },
      { options: { host, port: implicit.port, secure: true }, message: sent },
      { options: { host, port: startTls.port, ca, auth: { ...auth, pass: "pass-9c0d-wrong" } }, message: sent },
      { options: { host, port: plain.port, auth }, message: sent },
      { options: { host: local, port: unknown.port }, message: sent },
      { options: { host: local, port: silent.port }, message: sent, limit: 1000 },
    ];
    const outcomes = ended((await runIn(server)({ smtp: attempts })).smtp);
    expect([...outcomes.slice(0, 3), ...outcomes.slice(5)]).toEqual([
      "sent",
      "sent",
      "sent",
      "Error SMTP_535",
      "Error SMTP_500",
      "MailRefusedError SMTP_550",
      "Error TIMEOUT",
    ]);
    expect(outcomes.slice(3, 5).every((outcome) => /^Error \w+$/.test(outcome))).toBe(true);
    expect([plain, startTls, implicit].map(({ accepted }) => accepted.length)).toEqual([1, 1, 1]);
    expect([startTls, implicit].map(({ accepted }) => accepted[0]!.isEncrypted)).toEqual([true, true]);
    await silent.closed();
  });
});
