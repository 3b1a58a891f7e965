/** Guards for agents, and for access tokens of issuers. @module */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type AgentGuardOptions,
  type ForeignTokenOptions,
  type Principal,
  requireAgent,
  requireForeignToken,
} from "../../src/agents/index.ts";
import type { IdpClientOptions } from "../../src/oidc/index.ts";
import { now, TestIssuer } from "../support/issuer.ts";
import { createKey, headerOf, signRaw } from "../support/tokens/signer.ts";

type Members = Record<string, unknown>;

let issuer: TestIssuer;
beforeEach(async () => {
  issuer = await TestIssuer.open();
});

/** Asks a route behind a guard. The answer has what the handler saw, or the refusal. */
async function ask(
  guard: MiddlewareHandler,
  headers: Record<string, string> = {},
  path = "/projects/org_1",
): Promise<{ status: number; body: Members; authenticate: string | null }> {
  const app = new Hono();
  app.onError((_error, c) => c.json({ code: "fault" }, 500));
  app.get("/projects/:org", guard, (c: Context) => {
    const { agent: _, ...principal } = c.get("principal");
    return c.json({ principal });
  });
  const response = await app.request(path, { headers });
  const body = (await response.json()) as Members;
  return { status: response.status, body, authenticate: response.headers.get("www-authenticate") };
}

describe("requireAgent", () => {
  const organizations = [
    { id: "org_1", title: "One", scopes: ["projects:read"], joined_at: 1 },
    { id: "org_2", title: "Two", scopes: ["projects:*", "owner"], joined_at: 1 },
  ];

  /** The tokens of a user who has signed in, as the application keeps them. */
  async function signedIn(more: Members = {}, options: Partial<IdpClientOptions> = {}) {
    const idp = issuer.client(options);
    const transaction = await idp.createAuthorizationUrl({ scopes: ["openid", "offline_access"] });
    const callback = await issuer.authorize(transaction.url, { sub: "usr_ada", organizations, ...more });
    const agent = await idp.exchangeCallback(callback, transaction);
    return { idp, tokens: agent.tokens.toJSON() };
  }

  const access = { action: "write", resource: "projects" };
  const organization = (c: Context) => c.req.param("org");

  test("a user of 200 organizations, whose ID token is longer than other tokens may be: the issuer is known", async () => {
    const many = Array.from({ length: 200 }, (_, index) => ({ ...organizations[0]!, id: `org_${index}` }));
    const { idp, tokens } = await signedIn({ organizations: many });
    expect(tokens.id_token!.length).toBeGreaterThan(8_192);
    const { status, body } = await ask(requireAgent(idp, { tokens: () => tokens }));
    expect([status, body.principal]).toMatchObject([
      200,
      { subject: "usr_ada", issuer: expect.stringMatching(/^https?:/) },
    ]);
  });

  test.each([
    ["as an object", (tokens: object) => tokens],
    ["as JSON", (tokens: object) => JSON.stringify(tokens)],
    ["from a store", async (tokens: object) => JSON.stringify(tokens)],
  ])("tokens %s: the handler sees who it is", async (_how, kept) => {
    const { idp, tokens } = await signedIn();
    expect(await ask(requireAgent(idp, { tokens: () => kept(tokens) }))).toMatchObject({
      status: 200,
      body: { principal: { type: "agent", issuer: issuer.url, subject: "usr_ada" } },
    });
  });

  test.each<[string, AgentGuardOptions["access"], string, number]>([
    ["read in the first", { action: "read", resource: "projects", organization }, "/projects/org_1", 200],
    ["write in the first", { ...access, organization }, "/projects/org_1", 403],
    ["write in the second", { ...access, organization }, "/projects/org_2", 200],
    ["write in another", { ...access, organization }, "/projects/org_3", 403],
    [
      "in no organization that the route can name",
      { ...access, organization: () => undefined },
      "/projects/org_2",
      403,
    ],
    ["write anywhere", access, "/projects/org_1", 200],
    ["another resource", { action: "read", resource: "users" }, "/projects/org_1", 403],
    ["a name of every object", { action: "constructor", resource: "__proto__", organization }, "/projects/org_2", 403],
  ])("access: %s", async (_what, needed, path, status) => {
    const { idp, tokens } = await signedIn();
    const answer = await ask(requireAgent(idp, { tokens: () => tokens, ...(needed && { access: needed }) }), {}, path);
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.body.code).toBe("forbidden.insufficient_scope");
  });

  test.each<[string, unknown]>([
    ["none", undefined],
    ["null", null],
    ["text that is no JSON", "x"],
    ["a number", 5],
    ["an empty object", {}],
    ["a list", []],
  ])("tokens that are %s: 401", async (_what, kept) => {
    const { idp } = await signedIn();
    const answer = await ask(requireAgent(idp, { tokens: () => kept }));
    expect([answer.status, answer.body.code]).toEqual([401, "unauthorized.invalid_token"]);
    expect(answer.authenticate).toMatch(/^Bearer/);
  });

  test("tokens of another issuer, and with an altered ID token: 401", async () => {
    const { idp, tokens } = await signedIn();
    const [header, , signature] = tokens.id_token!.split(".");
    const payload = btoa(JSON.stringify({ iss: issuer.url, sub: "usr_eve", aud: "app", exp: now() + 60, iat: now() }));
    const altered = { ...tokens, id_token: `${header}.${payload.replace(/=+$/, "")}.${signature}` };
    const other = (await TestIssuer.open("https://other.example")).client();
    expect((await ask(requireAgent(idp, { tokens: () => altered }))).status).toBe(401);
    expect((await ask(requireAgent(other, { tokens: () => tokens }))).status).toBe(401);
  });

  test("tokens that end soon are renewed, and kept before the handler runs", async () => {
    const { idp, tokens } = await signedIn();
    const kept: object[] = [];
    const dying = { ...tokens, expires_at: now() + 5 };
    const guard = requireAgent(idp, {
      tokens: () => dying,
      save: async (_c, renewed) => {
        await Promise.resolve();
        kept.push(renewed);
      },
    });
    expect((await ask(guard)).status).toBe(200);
    expect(kept).toMatchObject([{ expires_at: expect.any(Number) }]);
  });

  test.each([
    ["the issuer refuses", () => Response.json({ error: "invalid_grant" }, { status: 400 }), 401],
    ["the issuer fails", () => new Response("", { status: 503 }), 503],
    [
      "the issuer does not answer",
      () => {
        throw new TypeError("no network");
      },
      503,
    ],
  ])("tokens that have ended, and %s", async (_what, instead, status) => {
    const { idp, tokens } = await signedIn();
    issuer.spoils.instead = ({ endpoint }) => (endpoint === "token" ? instead() : undefined);
    const answer = await ask(requireAgent(idp, { tokens: () => ({ ...tokens, expires_at: now() - 5 }) }));
    expect([answer.status, answer.body.code]).toEqual([
      status,
      status === 401 ? "unauthorized.invalid_token" : "unavailable.provider",
    ]);
  });

  test("an error of the application's store is the application's", async () => {
    const { idp } = await signedIn();
    const failing = () => {
      throw new RangeError("the store is down");
    };
    expect(await ask(requireAgent(idp, { tokens: failing }))).toMatchObject({ status: 500, body: { code: "fault" } });
  });
});

describe("S53: requireForeignToken", () => {
  const audience = "https://api.example.com";

  async function token(
    change: { claims?: (claims: Members) => Members; header?: (header: Members) => Members; key?: "other" } = {},
  ): Promise<string> {
    const key = change.key ? await createKey("ES256", "k1") : issuer.keys[0]!;
    const header = { typ: "at+jwt", ...headerOf(key) };
    const claims = {
      iss: issuer.url,
      aud: audience,
      sub: "client-7",
      client_id: "job",
      iat: now(),
      exp: now() + 300,
      jti: "1",
      scope: "projects:read users:*",
    };
    return await signRaw(key, change.header?.(header) ?? header, change.claims?.(claims) ?? claims);
  }
  const guardFor = (more: Partial<ForeignTokenOptions> = {}) =>
    requireForeignToken({ issuers: [issuer.url], audience, fetch: issuer.fetch, ...more });
  const present = async (text: string, more: Partial<ForeignTokenOptions> = {}) =>
    await ask(guardFor(more), { authorization: `Bearer ${text}` });
  const without =
    (name: string) =>
    ({ [name]: _, ...rest }: Members) =>
      rest;
  const having = (more: Members) => (claims: Members) => ({ ...claims, ...more });

  test("the handler sees a principal of its own kind", async () => {
    expect(await present(await token())).toMatchObject({
      status: 200,
      body: {
        principal: {
          type: "foreign",
          issuer: issuer.url,
          subject: "client-7",
          clientId: "job",
          scopes: ["projects:read", "users:*"],
        },
      },
    });
  });

  test.each([
    ["for several audiences", { claims: having({ aud: ["x", audience] }) }],
    ["of the full media type", { header: having({ typ: "application/at+jwt" }) }],
    ["without scopes", { claims: without("scope") }],
    ["without a client", { claims: without("client_id") }],
  ])("%s: accepted", async (_what, change) => {
    expect((await present(await token(change))).status).toBe(200);
  });

  test.each([
    ["an ID token", { header: having({ typ: "JWT" }) }],
    ["no type", { header: without("typ") }],
    ["a logout token", { header: having({ typ: "logout+jwt" }) }],
    ["another audience", { claims: having({ aud: "https://other.example.com" }) }],
    ["no audience", { claims: without("aud") }],
    ["another issuer", { claims: having({ iss: "https://evil.example" }) }],
    ["no issuer", { claims: without("iss") }],
    ["an issuer that is no text", { claims: having({ iss: {} }) }],
    ["no subject", { claims: without("sub") }],
    ["no end", { claims: without("exp") }],
    ["ended", { claims: having({ exp: now() - 61 }) }],
    ["not begun", { claims: having({ nbf: now() + 100 }) }],
    ["made in the future", { claims: having({ iat: now() + 100 }) }],
    ["another key", { key: "other" as const }],
    ["an unknown key", { header: having({ kid: "k9" }) }],
    ["no signature", { header: having({ alg: "none" }) }],
    ["a key of its own", { header: having({ jwk: {} }) }],
  ])("%s: 401", async (_what, change) => {
    const answer = await present(await token(change));
    expect([answer.status, answer.body.code]).toEqual([401, "unauthorized.invalid_token"]);
  });

  test.each(["", "a.b.c", "x".repeat(9_000)])("no token: %j", async (text) => {
    expect((await present(text)).status).toBe(401);
    expect(issuer.requests).toEqual([]);
  });

  test("no header, and other schemes", async () => {
    expect((await ask(guardFor())).status).toBe(401);
    for (const authorization of [`Basic ${await token()}`, await token(), `Bearer ${await token()}, Bearer x`]) {
      expect((await ask(guardFor(), { authorization })).status).toBe(401);
    }
  });

  test("a plain type only if the application accepts it", async () => {
    const plain = await token({ header: having({ typ: "JWT" }) });
    expect((await present(plain, { acceptsPlainType: true })).status).toBe(200);
    const logout = await token({ header: having({ typ: "logout+jwt" }) });
    expect((await present(logout, { acceptsPlainType: true })).status).toBe(401);
  });

  test("access by its scopes", async () => {
    const may = async (action: string, resource: string) =>
      (await present(await token(), { access: { action, resource } })).status;
    expect([await may("read", "projects"), await may("write", "projects"), await may("delete", "users")]).toEqual([
      200, 403, 200,
    ]);
  });

  test("each issuer's keys are for its own tokens", async () => {
    const other = await TestIssuer.open("https://other.example");
    const fetch = (url: string, init: RequestInit) => (url.startsWith(other.url) ? other : issuer).fetch(url, init);
    const both = { issuers: [issuer.url, other.url], fetch };
    const forged = await token({ claims: having({ iss: other.url }) });
    expect((await present(forged, both)).status).toBe(401);
    expect((await present(await token(), both)).status).toBe(200);
  });

  test("an issuer that does not answer: 503", async () => {
    issuer.spoils.instead = () => new Response("", { status: 500 });
    const answer = await present(await token());
    expect([answer.status, answer.body.code]).toEqual([503, "unavailable.provider"]);
  });

  test("a flood of unknown keys asks the issuer twice", async () => {
    const unknown = await token({ header: having({ kid: "k9" }) });
    const guard = guardFor();
    for (let i = 0; i < 20; i++) await ask(guard, { authorization: `Bearer ${unknown}` });
    expect(issuer.count("keys")).toBe(2);
  });

  test.each([
    ["no audience", { audience: "" }, "clientId"],
    ["http", { issuers: ["http://issuer.example"] }, "issuerUrl"],
  ])("%s: refused where it is made", (_what, more, option) => {
    expect(() => guardFor(more)).toThrow(option);
  });
});

test("the principals are a closed union: a new one is refused by the compiler wherever each is handled", () => {
  const nameOf = (principal: Principal): string => {
    switch (principal.type) {
      case "agent":
        return principal.agent.id;
      case "foreign":
        return principal.subject;
      default: {
        const none: never = principal;
        return none;
      }
    }
  };
  const foreign = { issuer: issuer.url, subject: "s", clientId: undefined, scopes: [], expiresAt: 0 };
  expect(nameOf({ type: "foreign", ...foreign })).toBe("s");
});
