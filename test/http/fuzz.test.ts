/**
 * Requests made from the OpenAPI document: allowed, nearly allowed and hostile, by everybody, with what earlier answers gave
 * (T14, R130, T22). `FUZZ_REQUESTS` and `FUZZ_SEED` ask for more, or for the same again.
 *
 * @module
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, freshIdentifier, system } from "../support/auth.ts";
import { Draws, hostileBody, hostileText, type Known, nearlyValid, queryOf, validValue } from "../support/fuzz.ts";
import {
  cookiesOf,
  type Operation,
  operations,
  origin,
  type Reply,
  readReply,
  requestOf,
  type Sent,
  undocumented,
} from "../support/http.ts";
import { addressHeader, type HttpWorld, openHttp } from "../support/http-world.ts";

const requests = Number(process.env.FUZZ_REQUESTS ?? 20_000);
const seed = Number(process.env.FUZZ_SEED ?? 1);
const draws = new Draws(seed);

/** In every oddity that is sent; no refusal may repeat it. */
const canary = `kanarie${draws.hex(8)}`;
/** In every password; nothing may ever hold it. */
const secretCanary = `geheim${draws.hex(8)}`;
const passwordOf = (text: string): string => `${secretCanary}-${text}-wvkq`;

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
});
afterAll(() => world.close());

interface Account {
  identifier: string;
  password: string;
  userId: string;
  credentialId: string;
  sessionId: string;
  token: string;
  transport: "cookie" | "token";
}

/** What is known: it grows with the answers, and forgets what is old. */
const accounts: Account[] = [];
const administrators: Account[] = [];
const ids: Record<string, string[]> = { usr: [], cred: [], ses: [] };
const tickets: { ticket: string; usr: string; cred: string }[] = [];
/** Every token that was given, and by which request. */
const given = new Map<string, number>();

function remember<Item>(list: Item[], item: Item, most = 20): void {
  list.push(item);
  if (list.length > most) list.shift();
}

async function enlist(isAdministrator = false): Promise<void> {
  const password = passwordOf(draws.hex(8));
  const transport: Account["transport"] = isAdministrator || draws.isOneIn(2) ? "token" : "cookie";
  const identifier = freshIdentifier();
  const { user, session, token } = await world.auth.signUp({
    identifier,
    password,
    transport,
    context: { address: freshAddress() },
  });
  if (isAdministrator) {
    await world.auth.administrators.grant({ actor: system, userId: user.id });
    await world.levelTwo(session);
  }
  const { credentialId, id: sessionId } = session;
  const account: Account = { identifier, password, userId: user.id, credentialId, sessionId, token, transport };
  remember(accounts, account);
  if (isAdministrator) remember(administrators, account, 2);
  given.set(token, -1);
}

/** What somebody would fill in who knows what they do, mostly. */
function knownTo(account: Account | undefined, proved: (typeof tickets)[number] | undefined): Known {
  return (member, { pattern }) => {
    const type = /^\^(usr|cred|ses)_/.exec(pattern ?? "")?.[1];
    if ((type === "usr" || type === "cred") && proved && !draws.isOneIn(6)) return proved[type];
    // An administrator is mostly busy with what was just touched.
    if (type && account && !draws.isOneIn(administrators.includes(account) ? 1 : 3)) {
      return { usr: account.userId, cred: account.credentialId, ses: account.sessionId }[type];
    }
    if (type && ids[type]!.length > 0 && !draws.isOneIn(3)) return draws.one(ids[type]!.slice(-6));
    switch (member) {
      case "identifier":
        return account && !draws.isOneIn(3) ? account.identifier : freshIdentifier();
      case "password":
      case "current_password":
        return account && !draws.isOneIn(4) ? account.password : passwordOf(draws.hex(4));
      case "new_password":
        return passwordOf(draws.hex(8));
      default:
        return undefined;
    }
  };
}

const oddHeaders = [
  "Basic eDp5",
  `Bearer ${canary}`,
  "Bearer pat_x",
  `Bearer ${"A".repeat(43)}`,
  "Bearer",
  "\u00ff\u00fe",
  `${canary.repeat(300)}`,
  "application/json, text/plain",
  "0",
  "-1",
  "18446744073709551616",
  `__Host-session=${canary}; __Host-session=x`,
  "__Host-known-device=a.b.c; __Host-login-ticket=;;=;",
  "null",
  "https://evil.example",
  "same-origin",
  "'; drop table ses; --",
];
const headerNames = [
  "authorization",
  "cookie",
  "origin",
  "sec-fetch-site",
  "content-type",
  "content-length",
  "user-agent",
  "x-request-id",
  "login-ticket",
  addressHeader,
  "accept",
  "content-encoding",
];

function headersFor(
  account: Account | undefined,
  proved: (typeof tickets)[number] | undefined,
): Record<string, string> {
  const headers: Record<string, string> = { [addressHeader]: freshAddress() };
  if (account?.transport === "token") headers.authorization = `Bearer ${account.token}`;
  if (account?.transport === "cookie") Object.assign(headers, { cookie: `__Host-session=${account.token}`, origin });
  if (proved) headers["login-ticket"] = proved.ticket;
  while (draws.isOneIn(6)) headers[draws.one(headerNames)] = draws.one(oddHeaders);
  return headers;
}

interface Made extends Sent {
  readonly json?: unknown;
}

function make(operation: Operation): Made {
  const account = draws.isOneIn(6) ? undefined : draws.one(draws.isOneIn(4) ? administrators : accounts);
  const proved = operation.operationId === "createSession" ? tickets.at(-1) : undefined;
  const known = knownTo(account, proved);
  const { parameters = [], requestBody } = operation;
  const path = operation.template.replace(/\{(\w+)\}/g, (_all, name: string) => {
    const { schema } = parameters.find((one) => one.name === name)!;
    return draws.isOneIn(8)
      ? encodeURIComponent(hostileText(draws, canary).toWellFormed()) || "x"
      : String(validValue(schema, draws, known, name));
  });
  const sent = {
    method: draws.isOneIn(60) ? draws.one(["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"]) : operation.method,
    path: path + queryOf(parameters, draws, known, canary),
    headers: headersFor(account, proved),
  };
  if (!requestBody || sent.method === "HEAD" || sent.method === "GET") return sent;
  const value = validValue(requestBody.content["application/json"]!.schema, draws, known);
  const kind = draws.below(10);
  if (kind < 6) return { ...sent, json: value };
  const body = kind < 9 ? nearlyValid(value, draws, canary) : hostileBody(draws, canary);
  return { ...sent, body, headers: { "content-type": "application/json", ...sent.headers } };
}

/** Keeps what an answer gave, for requests to come. */
function learn(sent: Made, reply: Reply, number: number): void {
  for (const [id, type] of reply.text.matchAll(/\b(usr|cred|ses)_[0-9a-f]{32}\b/g)) remember(ids[type!]!, id);
  const ticket = reply.headers.get("login-ticket") ?? reply.json?.details?.ticket;
  const { usr_id: usr, cred_id: cred } = reply.json ?? {};
  if (ticket && usr && cred) remember(tickets, { ticket, usr, cred });
  const inCookie = cookiesOf(reply)["__Host-session"]?.value;
  const token: string | undefined = reply.json?.token ?? inCookie;
  for (const one of [ticket, token]) if (one) given.set(one, number);
  const { session, user } = reply.json ?? {};
  if (!token || !session) return;
  const { identifier, password } = (sent.json ?? {}) as { identifier?: string; password?: string };
  const old = accounts.find(({ userId }) => userId === session.usr_id);
  remember(accounts, {
    identifier: identifier ?? old?.identifier ?? freshIdentifier(),
    password: password ?? old?.password ?? passwordOf("lost"),
    userId: user?.id ?? session.usr_id,
    credentialId: session.cred_id,
    sessionId: session.id,
    token,
    transport: inCookie ? "cookie" : "token",
  });
}

/** Secrets in an answer that it must not hold: what was sent as one, and tokens that another request was given. */
function leaked(reply: Reply, number: number): string | undefined {
  const said = `${reply.text}\n${[...reply.headers].join("\n")}`;
  if (said.includes(secretCanary)) return "a password came back";
  if (reply.status >= 400 && said.includes(canary)) return "an oddity came back";
  for (const [run] of said.matchAll(/(?<![\w-])[\w-]{43}(?![\w-])/g)) {
    // The same refresh again within ten seconds gets the same token (S18).
    if ((given.get(run) ?? number) !== number && !reply.headers.has("set-cookie") && reply.json?.token !== run)
      return "a token came back";
  }
  return undefined;
}

const seen = new Map<string, number>();
/** Operations to come next, last first. */
const follow: Operation[] = [];
const wrong: string[] = [];

test(`T14: ${requests} requests: no 5xx, nothing undocumented, no secret`, { timeout: 600_000 }, async () => {
  for (let number = 0; number < requests; number++) {
    if (number % 100 === 0) for (const isAdministrator of [true, false, false]) await enlist(isAdministrator);
    const operation = follow.pop() ?? draws.one(operations);
    const sent = make(operation);
    const reply = await readReply(await world.app.request(sent.path, requestOf(sent)));
    const breach = undocumented(sent, reply) ?? (reply.status >= 500 ? "a 5xx" : undefined) ?? leaked(reply, number);
    if (breach)
      wrong.push(
        `#${number} ${sent.method} ${sent.path.slice(0, 200)}: ${breach}: ${reply.status} ${reply.text.slice(0, 300)}`,
      );
    learn(sent, reply, number);
    // What was suspended is soon asked to be reinstated.
    const verb = /^suspend(\w+)$/.exec(operation.operationId)?.[1];
    if (verb && reply.status < 300) {
      const reinstate = operations.find(({ operationId }) => operationId === `reinstate${verb}`)!;
      follow.push(...new Array<Operation>(8).fill(reinstate));
    }
    const key = `${operation.operationId} ${reply.status < 300 ? "success" : "refusal"}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  expect(wrong).toEqual([]);
  expect(world.errors).toEqual([]);
});

test("and it was no sham: each operation has succeeded and, where it can be, was refused", () => {
  const alwaysRight = ["health", "openapi"];
  for (const { operationId } of operations) {
    expect([operationId, (seen.get(`${operationId} success`) ?? 0) > 0]).toEqual([operationId, true]);
    if (!alwaysRight.includes(operationId))
      expect([operationId, (seen.get(`${operationId} refusal`) ?? 0) > 10]).toEqual([operationId, true]);
  }
  expect([...seen.values()].reduce((sum, count) => sum + count, 0)).toBe(requests);
});

test("T22, R129: no table holds a password, a token or a ticket", async () => {
  const tables = await world.rows(
    sql<{ name: string }>`select tablename::text as name from pg_tables where schemaname = 'public'`,
  );
  let characters = 0;
  for (const { name } of tables) {
    const rows = await world.database.run<{ text: string }>({
      text: `select to_jsonb(t)::text as text from ${name} t`,
      params: [],
    });
    for (const { text } of rows) {
      characters += text.length;
      expect([name, text.includes(secretCanary)]).toEqual([name, false]);
      for (const [run] of text.matchAll(/(?<![\w-])[\w-]{43}(?![\w-])/g))
        expect([name, given.has(run)]).toEqual([name, false]);
    }
  }
  expect([tables.length > 10, characters > 500_000, given.size > 300]).toEqual([true, true, true]);
});
