import { Hono, type MiddlewareHandler } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute as routes } from "../../build/openapi/every-route.node.ts";
import { authenticate, requireUser } from "../../src/http/authenticate.ts";
import type { Person } from "../support/auth.ts";
import { requestOf } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
let ada: Person;
beforeAll(async () => {
  world = await openHttp("pglite");
  ada = await world.person();
});
afterAll(() => world.close());

/** `absent`: the request is anonymous, or the cookie's. */
type Outcome = 200 | "absent" | "unauthorized.invalid_token" | "auth.token_format_unrecognized";

/** R066, RFC 6750 §2.1; and S25, S51: by its prefix a bearer is one kind and no other. */
const headers: { case: string; header: (token: string) => string; outcome: Outcome }[] = [
  { case: "Bearer", header: (token) => `Bearer ${token}`, outcome: 200 },
  {
    case: "in another case, which is the same scheme (RFC 9110 §11.1)",
    header: (token) => `bEARER ${token}`,
    outcome: 200,
  },
  { case: "several blanks", header: (token) => `Bearer    ${token}`, outcome: 200 },
  { case: "a blank after", header: (token) => `Bearer ${token} `, outcome: 200 },
  ...(
    [
      ["the scheme alone", () => "Bearer"],
      ["the scheme and a blank", () => "Bearer "],
      ["a tab", (token) => `Bearer\t${token}`],
      ["a colon", (token) => `Bearer: ${token}`],
      ["an equals sign", (token) => `Bearer=${token}`],
      ["quotes", (token) => `Bearer "${token}"`],
      ["a no-break space", (token) => `Bearer\u00a0${token}`],
      ["a no-break space after", (token) => `Bearer ${token}\u00a0`],
      ["the scheme twice", (token) => `Bearer Bearer ${token}`],
      ["two tokens", (token) => `Bearer ${token} ${token}`],
      ["two headers, as they are joined", (token) => `Bearer ${token}, Bearer ${token}`],
      ["two headers, the first empty", (token) => `, Bearer ${token}`],
      ["two schemes", (token) => `Basic eDp5, Bearer ${token}`],
      ["a parameter", (token) => `Bearer ${token};a=b`],
      ["a comma after", (token) => `Bearer ${token},`],
      ["padding", (token) => `Bearer ${token}=`],
      ["a character too many", (token) => `Bearer ${token}A`],
      ["a character too few", (token) => `Bearer ${token.slice(1)}`],
      [
        "standard Base64 of the same bytes",
        (token) =>
          `Bearer ${token
            .replaceAll("-", "+")
            .replaceAll("_", "/")
            .replace(/^[A-Za-z0-9]/, "+")}`,
      ],
      ["another spelling of the last character", (token) => `Bearer ${token.slice(0, -1)}${respelled(token)}`],
      ["in lower case", (token) => `Bearer ${token.toLowerCase()}`],
      ["encoded", (token) => `Bearer %${token.charCodeAt(0).toString(16)}${token.slice(1)}`],
      ["a JWT", () => "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."],
      ["100,000 characters", () => `Bearer ${"A".repeat(100_000)}`],
      ["a character beyond ASCII", (token) => `Bearer ${token}é`],
      ["a path", () => "Bearer ../../etc/passwd"],
      ["PAT_ as a prefix", () => `Bearer PAT_${"A".repeat(39)}`],
      ["pat without its underscore", () => `Bearer pat${"A".repeat(40)}`],
    ] as [string, (token: string) => string][]
  ).map(([name, header]) => ({ case: name, header, outcome: "unauthorized.invalid_token" as const })),
  ...(
    [
      ["no scheme", (token) => token],
      ["nothing", () => ""],
      ["no blank", (token) => `Bearer${token.replace(/^\W/, "A")}`],
      ["Basic", (token) => `Basic ${token}`],
      ["well-formed Basic", (token) => `Basic ${btoa(`x:${token}`)}`],
      ["Digest", (token) => `Digest ${token}`],
      ["DPoP", (token) => `DPoP ${token}`],
      ["Token", (token) => `Token ${token}`],
      ["Negotiate", (token) => `Negotiate ${token}`],
      ["a scheme that ends like it", (token) => `XBearer ${token}`],
      ["a scheme that begins like it", (token) => `Bearers ${token}`],
      ["a scheme that continues it", (token) => `Bearer-2 ${token}`],
      ["Digest with parameters", () => 'Digest username="x", realm="a, b", nonce="c"'],
      ["AWS4-HMAC-SHA256", () => "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c"],
      ["100,000 characters of another scheme", () => `Basic ${"A".repeat(100_000)}`],
    ] as [string, (token: string) => string][]
  ).map(([name, header]) => ({ case: name, header, outcome: "absent" as const })),
  ...["pat_", "shr_"].flatMap((prefix) =>
    [
      ["alone", ""],
      ["and 39 characters, as long as a session token", "A".repeat(39)],
      ["a well-formed token", `${"0".repeat(32)}_${"A".repeat(43)}`],
      ["and characters it cannot hold", "..~+/"],
    ].map(([name, rest]) => ({
      case: `${prefix} ${name}`,
      header: () => `Bearer ${prefix}${rest}`,
      outcome: "auth.token_format_unrecognized" as const,
    })),
  ),
];

/** The last of 43 characters has two unused bits. A lax decoder would accept four spellings of one token. */
function respelled(token: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return alphabet[alphabet.indexOf(token.at(-1)!) ^ 1]!;
}

describe("R066: bearer header at Sallyport's routes", () => {
  test.each(headers)("$case: $outcome", async ({ header, outcome }) => {
    // As bytes, the way they are sent.
    const authorization = unescape(encodeURIComponent(header(ada.token)));
    const reply = await world.send({ method: "GET", path: "/auth/session", headers: { authorization } });
    expect(reply.code ?? reply.status).toBe(outcome === "absent" ? "unauthorized.invalid_token" : outcome);
    if (outcome !== 200) expect(reply.headers.get("www-authenticate")).toBe("Bearer");
  });
});

describe("S77: only the Bearer scheme is Sallyport's", () => {
  test.each(headers)("$case, beside a session cookie: $outcome", async ({ header, outcome }) => {
    const bob = await world.person({ transport: "cookie" });
    const authorization = unescape(encodeURIComponent(header(ada.token)));
    const sent = { path: "/auth/session", cookie: bob.token, headers: { authorization } };
    const reply = await world.send({ method: "GET", ...sent });
    const seen = reply.code ?? reply.json.user.id;
    expect(seen).toBe(outcome === 200 ? ada.userId : outcome === "absent" ? bob.userId : outcome);
    const app = new Hono().get("/", requireUser(world.auth), (c) => c.text(c.var.user.id));
    const guarded = await app.request("/", requestOf({ method: "GET", ...sent, path: "/" }));
    const text = await guarded.text();
    expect(guarded.ok ? text : JSON.parse(text).code).toBe(seen);
  });

  test("a foreign page does not act with the cookie by adding another scheme", async () => {
    const bob = await world.person({ transport: "cookie" });
    const headers = { authorization: "Basic eDp5", "sec-fetch-site": "cross-site", origin: "https://evil.test" };
    const reply = await world.send({ method: "POST", path: "/auth/sign-out", cookie: bob.token, headers });
    expect(reply.code).toBe("forbidden.cross_origin");
    expect((await world.send({ method: "GET", path: "/auth/session", cookie: bob.token })).status).toBe(200);
  });

  test("/v1 ignores the cookie beside another scheme, too", async () => {
    const bob = await world.person({ transport: "cookie" });
    const reply = await world.send({
      method: "GET",
      path: `/v1/users/${bob.userId}`,
      cookie: bob.token,
      headers: { authorization: "Basic eDp5" },
    });
    expect(reply.code).toBe("unauthorized.invalid_token");
  });
});

describe("R066: bearer header at an application's route", () => {
  const guards: [string, () => MiddlewareHandler][] = [
    ["requireUser", () => requireUser(world.auth)],
    ["authenticate", () => authenticate(world.auth)],
  ];
  test.each(guards)("%s", async (_name, guard) => {
    const app = new Hono().get("/", guard(), (c) => c.text("handled"));
    for (const { case: name, header, outcome } of headers) {
      const absent = guard === guards[1]![1] ? "handled" : "unauthorized.invalid_token";
      const expected = outcome === 200 ? "handled" : outcome === "absent" ? absent : outcome;
      const authorization = unescape(encodeURIComponent(header(ada.token)));
      const response = await app.request("/", { headers: { authorization } });
      const text = await response.text();
      expect([name, response.ok ? text : JSON.parse(text).code]).toEqual([name, expected]);
    }
  });
});

describe("a token outside the header", () => {
  const places: [
    string,
    (token: string) => Partial<{ path: string; headers: Record<string, string>; json: unknown }>,
  ][] = [
    ["access_token in the query (R053)", (token) => ({ path: `/auth/session?access_token=${token}` })],
    ["token in the query", (token) => ({ path: `/auth/session?token=${token}` })],
    ["X-Auth-Token", (token) => ({ headers: { "x-auth-token": token } })],
    ["Proxy-Authorization", (token) => ({ headers: { "proxy-authorization": `Bearer ${token}` } })],
    ["X-Forwarded-Authorization", (token) => ({ headers: { "x-forwarded-authorization": `Bearer ${token}` } })],
    ["a cookie of another name", (token) => ({ headers: { cookie: `session=${token}; token=${token}` } })],
  ];
  test.each(places)("%s: anonymous", async (_case, place) => {
    const reply = await world.send({ method: "GET", path: "/auth/session", ...place(ada.token) });
    expect(reply.code).toBe("unauthorized.invalid_token");
  });
});

describe("S25: bearers of other kinds at routes that need a session: refused unread", () => {
  const rows = routes.filter(({ access }) => access !== "anyone" && access !== "ticket");
  test.each(rows.map((route) => [route.id, route] as const))("%s", async (_id, { method, path }) => {
    for (const kind of ["pat_", "shr_"]) {
      world.counting.reset(0);
      const token = `${kind}${"0".repeat(32)}_${"A".repeat(43)}`;
      const reply = await world.send({ method: method.toUpperCase(), path: path.replace(/:\w+/, "x"), token });
      world.counting.reset();
      expect(reply.code).toBe("auth.token_format_unrecognized");
    }
  });
});

describe("public routes: a bearer is not read", () => {
  test.each(["Basic eDp5", "Bearer pat_x", "Bearer !", ""])("%j", async (authorization) => {
    const json = { identifier: ada.identifier, password: ada.password, transport: "token" };
    const reply = await world.send({ method: "POST", path: "/auth/sign-in", json, headers: { authorization } });
    expect(reply.status).toBe(200);
    const proved = await world.app.request(
      "/v1/credentials/verify",
      requestOf({
        method: "POST",
        path: "",
        json: { type: "password", identifier: ada.identifier, proof: { password: ada.password } },
        headers: { authorization },
      }),
    );
    const sent = { usr_id: ada.userId, cred_id: ada.credentialId, ttl_seconds: 60 };
    const ticket = proved.headers.get("login-ticket")!;
    const made = await world.send({
      method: "POST",
      path: "/v1/sessions",
      json: sent,
      headers: { authorization, "login-ticket": ticket },
    });
    expect(made.status).toBe(201);
  });
});
