import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute as routes } from "../../build/openapi/every-route.node.ts";
import { freshIdentifier, goodPassword, type Person } from "../support/auth.ts";
import { type Reply, send } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
let administrator: Person;
beforeAll(async () => {
  world = await openHttp("pglite");
  administrator = await world.administrator();
});
afterAll(() => world.close());

const maximum = 64 * 1024;
const json = { "content-type": "application/json" };

/** The body of `POST /v1/users` may be anything from empty to a name with white space around it. */
const post = (body: BodyInit | undefined, headers: Record<string, string> = json): Promise<Reply> =>
  world.send({ method: "POST", path: "/v1/users", body, headers, token: administrator.token } as never);

/** A body of exactly this many bytes. */
function padded(bytes: number): string {
  return JSON.stringify({ display_name: "Ada" }).padEnd(bytes);
}

/** The same bytes in chunks, without a length. */
function chunked(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}

describe("bodies over 64 KiB", () => {
  const forms: [string, (text: string) => [BodyInit, Record<string, string>]][] = [
    ["with its length", (text) => [text, { ...json, "content-length": String(text.length) }]],
    ["without a length", (text) => [text, json]],
    ["in pieces of 1,000", (text) => [chunked(text, 1000), json]],
    ["in one piece", (text) => [chunked(text, text.length), json]],
    ["with too small a length", (text) => [chunked(text, 4096), { ...json, "content-length": "2" }]],
    ["with a length of letters", (text) => [chunked(text, 4096), { ...json, "content-length": "many" }]],
  ];

  test.each(forms)("%s", async (_case, form) => {
    expect((await post(...form(padded(maximum)))).status).toBe(201);
    const before = await world.lastChange();
    expect((await post(...form(padded(maximum + 1)))).code).toBe("payload_too_large");
    expect(await world.lastChange()).toBe(before);
  });

  test("a larger Content-Length: refused without reading", async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({ pull: () => void pulled++ }, { highWaterMark: 0 });
    expect((await post(body, { ...json, "content-length": String(maximum + 1) })).code).toBe("payload_too_large");
    expect(pulled).toBe(0);
  });

  test("an endless body: refused at the limit", async () => {
    let sent = 0;
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 4096;
        controller.enqueue(new Uint8Array(4096).fill(32));
      },
      cancel: () => {
        isCancelled = true;
      },
    });
    expect((await post(body)).code).toBe("payload_too_large");
    expect([sent < 2 * maximum, isCancelled]).toEqual([true, true]);
  });

  test("an anonymous client's body is not read", async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({ pull: () => void pulled++ }, { highWaterMark: 0 });
    const reply = await world.send({ method: "POST", path: "/v1/users", body, headers: json });
    expect([reply.code, pulled]).toEqual(["unauthorized.invalid_token", 0]);
  });

  test("a body already read by the application's middleware: accepted", async () => {
    const app = new Hono()
      .use(async (c, next) => {
        await c.req.json();
        await next();
      })
      .route("/", applicationOf(world.auth));
    const credentials = { identifier: freshIdentifier(), password: goodPassword };
    expect((await send(app, { method: "POST", path: "/auth/sign-up", json: credentials })).status).toBe(201);
    const large = { ...credentials, display_name: "x".repeat(maximum) };
    expect((await send(app, { method: "POST", path: "/auth/sign-up", json: large })).code).toBe("payload_too_large");
  });
});

describe("R059: which media types are JSON", () => {
  const taken = [
    "application/json",
    "application/json;charset=utf-8",
    "application/json; charset=utf-8",
    "application/json; charset=UTF-8",
    'application/json; charset="utf-8"',
    "application/json ; charset=utf-8",
    "application/json;\tcharset=utf-8",
    "APPLICATION/JSON",
    "Application/Json; Charset=Utf-8",
    " application/json ",
  ];
  const refused = [
    "",
    "text/plain",
    "text/plain; application/json",
    "text/plain;charset=application/json",
    "text/plain, application/json",
    "application/json, text/plain",
    "application/json, application/json",
    "application/json;",
    "application/json; charset",
    "application/json; charset=",
    "application/json; charset=utf-16",
    "application/json; charset=iso-8859-1",
    'application/json; charset="utf-8',
    'application/json; charset=utf-8"',
    "application/json; charset=utf-8; charset=utf-16",
    "application/json; charset=utf-8; boundary=x",
    "application/json; boundary=x",
    "application/json;version=1",
    "application/json charset=utf-8",
    "application/jsonp",
    "application/json5",
    "application/x-json",
    "application/json+x",
    "application/ld+json",
    "application/problem+json",
    "application/vnd.api+json",
    "application/*",
    "*/*",
    "json",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=application/json",
    "application/octet-stream",
    "application/javascript",
    "application /json",
    "application/ json",
    "application/json/",
    "'application/json'",
    "application/json\u00a0",
    "application/jsоn".replace("о", "%D0%BE"),
  ];

  test("media types: more than 40 are tested", () => expect(new Set([...taken, ...refused]).size).toBeGreaterThan(40));

  test.each(taken)("media type %j: accepted", async (type) => {
    expect((await post("{}", { "content-type": type })).status).toBe(201);
  });

  test.each(refused)("media type %j: 415, and no row is made", async (type) => {
    const before = await world.lastChange();
    expect((await post("{}", { "content-type": type })).code).toBe("unsupported_media_type");
    expect(await world.lastChange()).toBe(before);
  });

  test("no media type: 415 with a body, accepted without one", async () => {
    expect((await post(new TextEncoder().encode("{}"), {})).code).toBe("unsupported_media_type");
    expect((await post(undefined, {})).status).toBe(201);
  });

  test("Content-Encoding: not decoded", async () => {
    const reply = await post(new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), {
      ...json,
      "content-encoding": "gzip",
    });
    expect(reply.code).toBe("invalid_format.json");
  });
});

const bytes = (...parts: (string | number[])[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(parts.flatMap((part) => (typeof part === "string" ? [...new TextEncoder().encode(part)] : part)));

describe("R130: malformed bodies", () => {
  test.each<[string, BodyInit, string]>([
    ["nothing but space", " ", "invalid_format.json"],
    ["not closed", '{"display_name":"a"', "invalid_format.json"],
    ["two values", "{}{}", "invalid_format.json"],
    ["a comma too many", '{"display_name":"a",}', "invalid_format.json"],
    ["a comment", '{/**/"display_name":"a"}', "invalid_format.json"],
    ["single quotes", "{'display_name':'a'}", "invalid_format.json"],
    ["no quotes", "{display_name:1}", "invalid_format.json"],
    ["NaN", '{"display_name":NaN}', "invalid_format.json"],
    ["a line end in a string", '{"display_name":"a\nb"}', "invalid_format.json"],
    ["a control character in a string", '{"display_name":"\u0001"}', "invalid_format.json"],
    ["a bad escape", '{"display_name":"\\x41"}', "invalid_format.json"],
    ["a byte order mark", "\ufeff{}", "invalid_format.json"],
    ["UTF-16", bytes([0xff, 0xfe], "{\0}\0"), "invalid_format.json"],
    ["a byte that is not UTF-8", bytes('{"display_name":"', [0xff], '"}'), "invalid_format.json"],
    ["an overlong NUL", bytes('{"display_name":"', [0xc0, 0x80], '"}'), "invalid_format.json"],
    ["a surrogate in UTF-8", bytes('{"display_name":"', [0xed, 0xa0, 0x80], '"}'), "invalid_format.json"],
    ["a form", "display_name=a", "invalid_format.json"],
    ["a name twice", '{"display_name":"a","display_name":"b"}', "invalid_format.json"],
    ["a name twice, once escaped", '{"display_name":"a","display\\u005fname":"b"}', "invalid_format.json"],
    ["a name twice, below", '{"x":[{"y":1,"y":1}]}', "invalid_format.json"],

    ["null", "null", "invalid_format.body"],
    ["a string", '"display_name"', "invalid_format.body"],
    ["a number", "1", "invalid_format.body"],
    ["a list", "[]", "invalid_format.body"],
    ["a list of bodies", '[{"display_name":"a"}]', "invalid_format.body"],
    ["an unknown member", '{"display_name":"a","status":"revoked"}', "invalid_format.body"],
    ["a member in another case", '{"Display_name":"a"}', "invalid_format.body"],
    ["a camelCase member", '{"displayName":"a"}', "invalid_format.body"],
    ["another user's actor (B24)", '{"display_name":"a","actor":{"system":"x"}}', "invalid_format.body"],
    ["a number for a text", '{"display_name":1}', "invalid_format.body"],
    ["a list for a text", '{"display_name":["a"]}', "invalid_format.body"],
    ["an object for a text", '{"display_name":{"$ne":null}}', "invalid_format.body"],
    ["a boolean for a text", '{"display_name":true}', "invalid_format.body"],
    ["__proto__ (B38)", '{"__proto__":{"display_name":"a"}}', "invalid_format.body"],
    ["__proto__ below", '{"x":{"__proto__":1}}', "invalid_format.body"],
    ["__proto__, escaped", '{"\\u005f_proto__":{"a":1}}', "invalid_format.body"],
    ["constructor", '{"constructor":{"prototype":{"a":1}}}', "invalid_format.body"],
    ["toString", '{"toString":"a"}', "invalid_format.body"],
    ["hasOwnProperty", '{"hasOwnProperty":1}', "invalid_format.body"],
    ["10,000 members", `{${Array.from({ length: 5000 }, (_, n) => `"m${n}":1`).join()}}`, "invalid_format.body"],
    ["30,000 nested lists", "[".repeat(30_000) + "]".repeat(30_000), "invalid_format.body"],
    ["10,000 nested objects", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`, "invalid_format.body"],

    ["NUL", '{"display_name":"a\\u0000b"}', "invalid_format.text"],
    ["a lone surrogate", '{"display_name":"\\ud800"}', "invalid_format.text"],
    ["the wrong half alone", '{"display_name":"\\udc00\\ud800"}', "invalid_format.text"],
    ["NUL in a name", '{"a\\u0000":1}', "invalid_format.text"],
  ])("%s: 400, and no row is made", async (_case, body, code) => {
    const before = await world.lastChange();
    const reply = await post(body);
    expect([reply.status, reply.code]).toEqual([400, code]);
    expect(await world.lastChange()).toBe(before);
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });

  test.each([
    ["an emoji", "👩‍💻"],
    ["right to left", "\u202eadA"],
    ["the last code point", "\u{10ffff}"],
    ["noncharacters", "\uffff\ufffe"],
    ["quotes and backslashes", `"'\\%_;--$1\${x}`],
    ["colons and braces", '":{}:","x":1'],
    ["nothing", ""],
  ])("%s: stored unchanged", async (_case, name) => {
    const body = { display_name: name };
    const reply = await post(JSON.stringify(body));
    expect([reply.status, reply.json?.display_name]).toEqual([201, name]);
  });

  test.each([
    "1e999",
    "-1e999",
    "1e-999",
    "9007199254740993",
    `1${"0".repeat(400)}`,
    "-0",
    "0.5",
    "60.0000001",
    "2147483648",
    "null",
    '"60"',
  ])("ttl_seconds of %s: 400 or a refused ticket", async (number) => {
    const body = `{"usr_id":"usr_${"1".repeat(32)}","cred_id":"cred_${"1".repeat(32)}","ttl_seconds":${number}}`;
    const reply = await world.send({ method: "POST", path: "/v1/sessions", body, headers: json });
    expect(reply.code).toBe("invalid_format.body");
  });

  test.each([
    "usr_1",
    `USR_${"1".repeat(32)}`,
    `usr_${"1".repeat(32)}\n`,
    ` usr_${"1".repeat(32)}`,
    `cred_${"1".repeat(32)}`,
    "",
  ])("an identifier of %j in a body: 400", async (usr_id) => {
    const sent = { usr_id, type: "password", identifier: freshIdentifier(), password: goodPassword };
    const reply = await world.send({
      method: "POST",
      path: "/v1/credentials",
      body: JSON.stringify(sent),
      headers: json,
      token: administrator.token,
    });
    expect(reply.json).toEqual({ code: "invalid_format.body", message: expect.any(String) });
  });

  test.each([`canary${"9".repeat(12)}`, "hunterPassword"])(
    "R129, T22: a refusal never repeats what was sent: %s",
    async (canary) => {
      for (const body of [
        `{"${canary}":1}`,
        `{"display_name":["${canary}"]}`,
        `"${canary}"`,
        `{"display_name":"${canary}`,
        `{"a":"${canary}\\u0000"}`,
      ]) {
        const reply = await post(body);
        expect([reply.status, reply.text.includes(canary)]).toEqual([400, false]);
        const open = await world.send({ method: "POST", path: "/auth/sign-in", body, headers: json });
        expect([open.status, open.text.includes(canary)]).toEqual([400, false]);
      }
    },
  );

  test("under /auth a refusal names the invalid member", async () => {
    const body = JSON.stringify({ identifier: "a", password: 1 });
    const reply = await world.send({ method: "POST", path: "/auth/sign-in", body, headers: json });
    expect([reply.code, reply.json.details]).toEqual(["invalid_format.body", { member: "password" }]);
  });

  test.each([
    { path: "/auth/sessions/revoke-others", body: "{", code: "invalid_format.json" },
    { path: "/auth/sessions/revoke-others", body: '{"x":1}', code: "invalid_format.body" },
    { path: "/auth/sessions/revoke-others", body: `{"x":"${"x".repeat(70_000)}"}`, code: "payload_too_large" },
    { path: "/auth/refresh", body: '{"transport":"cookie"}', code: "invalid_format.body" },
  ])("a body where none is expected: $path, $code", async ({ path, body, code }) => {
    const { token } = await world.person();
    const reply = await world.send({ method: "POST", path, body, headers: json, token });
    expect(reply.code).toBe(code);
    expect((await world.send({ method: "GET", path: "/auth/session", token })).status).toBe(200);
    expect((await world.send({ method: "GET", path: "/auth/session?x=1&x=2", token })).status).toBe(200);
  });
});

describe("R130: malformed queries", () => {
  const get = (query: string): Promise<Reply> =>
    world.send({ method: "GET", path: `/v1/users?${query}`, token: administrator.token });

  test.each([
    "limit=1&limit=1",
    "limit=",
    "limit=1e3",
    "limit=+1",
    "limit=%2B1",
    "limit=1.0",
    "limit=0x10",
    "limit=1234567890",
    "limit=١",
    "limit=NaN",
    "status=deleted",
    "status=ACTIVE",
    "query=a%00b",
  ])("%s: 400", async (query) => {
    expect((await get(query)).code).toBe("invalid_format.query");
  });

  test.each([
    "limit=1&LIMIT=2",
    "limit[]=1",
    "unknown=1",
    "unknown=1&unknown=2",
    "__proto__=1",
    "__proto__[limit]=1",
    "constructor=1",
    "toString=1",
    "=1",
  ])("%s: a parameter that the route does not know is ignored", async (query) => {
    expect((await get(query)).status).toBe(200);
  });

  test.each([
    "cursor=",
    "cursor=usr_",
    "cursor=1",
    `cursor=cred_${"1".repeat(32)}`,
    `cursor=usr_${"0".repeat(32)}`,
    "cursor=%27--",
  ])("%s: 400", async (query) => {
    expect((await get(query)).code).toBe("invalid_format.cursor");
  });

  test.each([
    "",
    "limit=1",
    "query=%",
    "query=%ff%fe",
    "query=%25%5f%5c",
    "query='--",
    "query=a+b",
    "status=active&limit=200",
    "&&limit=1&&",
  ])("%s: 200", async (query) => {
    expect((await get(query)).status).toBe(200);
  });

  test("% and _ in a query: taken literally", async () => {
    expect((await get("query=%25")).json.data).toEqual([]);
  });
});

describe("a body that is not an object: refused by every route, and no row is made", () => {
  test.each(routes.filter(({ body, readForm }) => body && !readForm).map((route) => [route.id, route] as const))(
    "%s",
    async (_id, { method, path }) => {
      const own = await world.person();
      const at = path
        .replace(":usr_id", own.userId)
        .replace(":cred_id", own.credentialId)
        .replace(":ses_id", own.session.id);
      const before = await world.lastChange();
      for (const [body, code] of [
        ["{", "invalid_format.json"],
        ['{"a":1}', "invalid_format.body"],
        ['{"__proto__":null}', "invalid_format.body"],
        ['{"a":"\\u0000"}', "invalid_format.text"],
        ["x".repeat(maximum + 1), "payload_too_large"],
      ] as const) {
        const token = path.startsWith("/v1/users") && method === "post" ? administrator.token : own.token;
        const reply = await world.send({ method: method.toUpperCase(), path: at, body, headers: json, token });
        expect([body.slice(0, 20), reply.code]).toEqual([body.slice(0, 20), code]);
      }
      expect(await world.lastChange()).toBe(before);
    },
  );
});

describe("R130: a client that aborts its request", () => {
  test("no row is made, and the next request is served", async () => {
    const failures: unknown[] = [];
    const app = applicationOf(world.auth);
    const statuses: number[] = [];
    const server = createServer(async (incoming, outgoing) => {
      const init = {
        method: incoming.method!,
        headers: incoming.headers as Record<string, string>,
        body: Readable.toWeb(incoming),
        duplex: "half",
      };
      const response = await app.request(`http://localhost${incoming.url}`, init as never);
      statuses.push(response.status);
      outgoing.writeHead(response.status).end(await response.text());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const before = await world.lastChange();
    const options = {
      host: "127.0.0.1",
      port,
      method: "POST",
      path: "/auth/sign-up",
      headers: { ...json, "content-length": "500" },
    };

    for (let tries = 0; tries < 20; tries++) {
      await new Promise<void>((resolve) => {
        const request = httpRequest(options);
        request.on("error", () => resolve());
        request.write('{"identifier":"a', () => request.destroy(new Error("gone")));
      });
    }
    while (statuses.length < 20) await new Promise((resolve) => setImmediate(resolve));
    expect([new Set(statuses), failures]).toEqual([new Set([400]), []]);
    expect(await world.lastChange()).toBe(before);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
