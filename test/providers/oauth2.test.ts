import { describe, expect, test } from "vitest";
import { type OAuth2ProviderOptions, oauth2 } from "../../src/providers/oauth2.ts";
import { attempt, callback, codeOf, type Reply, StandIn, signInAt } from "../support/provider-stand-in.ts";

const urls = {
  authorizeUrl: "https://login.acme.example/authorize",
  accessTokenUrl: "https://login.acme.example/token",
  userinfoUrl: "https://api.acme.example/me",
};
const user = { sub: "u-1", email: "ada@acme.example", email_verified: true, name: "Ada" };

function world(more: Partial<OAuth2ProviderOptions> = {}) {
  const site = new StandIn()
    .put(urls.accessTokenUrl, { json: { access_token: "access-1", token_type: "bearer", scope: "email" } })
    .put(urls.userinfoUrl, { json: user });
  const own = { name: "acme", issuer: "https://acme.example", clientId: "client-1", clientSecret: "s3cret" };
  return { site, provider: oauth2({ ...own, ...urls, fetch: site.fetch, ...more }) };
}

describe("OC30: generic OAuth 2", () => {
  test("a sign-in: PKCE, state and scope go out, and the userinfo answer is the identity", async () => {
    const { site, provider } = world();
    const begun = attempt();
    const url = new URL(await provider.begin(begun));
    const parameters = Object.fromEntries(url.searchParams);
    expect(url.origin + url.pathname).toBe(urls.authorizeUrl);
    expect(parameters).toEqual({
      response_type: "code",
      client_id: "client-1",
      redirect_uri: begun.redirectUri,
      scope: "openid email profile",
      state: begun.state,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: "S256",
    });
    expect(await provider.finish(callback(begun), begun)).toEqual({
      issuer: "https://acme.example",
      subject: "u-1",
      email: "ada@acme.example",
      emailVerified: true,
      name: "Ada",
      amr: undefined,
      acr: undefined,
      tokens: { access_token: "access-1", scope: "email" },
    });
    const [token, userinfo] = site.seen;
    expect(Object.fromEntries(token!.form)).toEqual({
      grant_type: "authorization_code",
      code: "code-1",
      redirect_uri: begun.redirectUri,
      code_verifier: begun.codeVerifier,
      client_id: "client-1",
      client_secret: "s3cret",
    });
    expect(userinfo!.headers.get("authorization")).toBe("Bearer access-1");
    expect(site.seen.map(({ headers }) => headers.get("user-agent"))).toEqual(["sallyport", "sallyport"]);
  });

  test("a form works like a URL", async () => {
    const { provider } = world();
    const begun = attempt();
    expect((await provider.finish(callback(begun).searchParams, begun)).subject).toBe("u-1");
  });

  test("requirePkce false, an empty scope, basic authentication: as they say", async () => {
    const { site, provider } = world({ requirePkce: false, scope: "", clientAuthentication: "basic" });
    const url = new URL(await provider.begin(attempt()));
    expect([...url.searchParams.keys()]).toEqual(["response_type", "client_id", "redirect_uri", "state"]);
    await signInAt(provider);
    expect(site.seen[0]!.form.has("code_verifier")).toBe(false);
    expect(site.seen[0]!.headers.get("authorization")).toBe(`Basic ${btoa("client-1:s3cret")}`);
  });

  test("a public client sends no secret", async () => {
    const site = new StandIn()
      .put(urls.accessTokenUrl, { json: { access_token: "access-1", token_type: "bearer" } })
      .put(urls.userinfoUrl, { json: user });
    const provider = oauth2({
      name: "acme",
      issuer: "https://acme.example",
      clientId: "c",
      ...urls,
      fetch: site.fetch,
    });
    await signInAt(provider);
    expect(site.seen[0]!.form.has("client_secret")).toBe(false);
  });
});

describe("OC30: the subject of an answer", () => {
  test.each([
    { case: "a text", sub: "u-1", expected: "u-1" },
    { case: "an integer", sub: 42, expected: "42" },
    { case: "the largest exact integer", sub: Number.MAX_SAFE_INTEGER, expected: "9007199254740991" },
    { case: "255 characters", sub: "x".repeat(255), expected: "x".repeat(255) },
  ])("$case: accepted", async ({ sub, expected }) => {
    const { site, provider } = world();
    site.put(urls.userinfoUrl, { json: { ...user, sub } });
    expect((await signInAt(provider)).subject).toBe(expected);
  });

  test.each([
    ["missing", "{}"],
    ["missing, with an `id` beside it", '{"id":7}'],
    ["null", '{"sub":null}'],
    ["empty", '{"sub":""}'],
    ["zero, which servers write for a missing value", '{"sub":0}'],
    ["negative", '{"sub":-1}'],
    ["a fraction", '{"sub":1.5}'],
    ["beyond 2^53, where two users would be one", '{"sub":9007199254740993}'],
    ["true", '{"sub":true}'],
    ["a list", '{"sub":["u-1"]}'],
    ["an object", '{"sub":{"id":"u-1"}}'],
    ["256 characters", JSON.stringify({ sub: "x".repeat(256) })],
    ["outside ASCII", '{"sub":"ü"}'],
    ["with a line feed", '{"sub":"a\\nb"}'],
    ["twice", '{"sub":"u-1","sub":"u-2"}'],
  ])("%s: refused", async (_, body) => {
    const { site, provider } = world();
    site.put(urls.userinfoUrl, { body, headers: { "content-type": "application/json" } });
    expect(await codeOf(signInAt(provider))).toMatch(/^(invalid_token_response|issuer_invalid_response)$/);
  });
});

describe("an answer to the browser", () => {
  test.each([
    ["another state", { state: "x".repeat(64) }, "state_mismatch"],
    ["no state", { state: "" }, "state_mismatch"],
    ["the server's error", { error: "access_denied" }, "access_denied"],
    ["no code", { code: "" }, "invalid_callback"],
    ["another issuer", { iss: "https://evil.example" }, "issuer_mismatch"],
    ["its own issuer", { iss: "https://acme.example" }, "accepted"],
  ])("%s: %s", async (_, more, expected) => {
    const { provider } = world();
    expect(await codeOf(signInAt(provider, more))).toBe(expected);
  });

  test("after 10 minutes: refused", async () => {
    const { provider } = world();
    const begun = attempt({ createdAt: Math.floor(Date.now() / 1000) - 601 });
    expect(await codeOf(provider.finish(callback(begun), begun))).toBe("transaction_expired");
  });

  test("a parameter twice: refused", async () => {
    const { provider } = world();
    const begun = attempt();
    const url = callback(begun);
    url.searchParams.append("code", "code-2");
    expect(await codeOf(provider.finish(url, begun))).toBe("invalid_callback");
  });
});

const html = { body: "<h1>Hello</h1>", headers: { "content-type": "text/html" } };
const json = { "content-type": "application/json" };

describe.each(["accessTokenUrl", "userinfoUrl"] as const)("a defect of %s", (endpoint) => {
  const cases: readonly (readonly [string, Reply, string])[] = [
    ["HTML with status 200", html, "issuer_invalid_response"],
    ["HTML with status 503", { ...html, status: 503 }, "issuer_invalid_response"],
    ["an error in an answer with status 200", { json: { error: "bad_verification_code" } }, "bad_verification_code"],
    ["an error with status 400", { status: 400, json: { error: "invalid_grant" } }, "invalid_grant"],
    ["a redirect", { status: 302, body: "", headers: { location: "http://127.0.0.1/" } }, "issuer_invalid_response"],
    ["an empty answer", { body: "", headers: json }, "issuer_invalid_response"],
    ["a list", { json: [user] }, "issuer_invalid_response"],
    ["1 MB", { body: JSON.stringify({ sub: "x".repeat(1e6) }), headers: json }, "issuer_invalid_response"],
    ["an inherited name", { body: '{"__proto__":{"sub":"u-1"}}', headers: json }, "issuer_invalid_response"],
    ["not UTF-8", { body: new Uint8Array([0x7b, 0xff, 0x7d]), headers: json }, "issuer_invalid_response"],
  ];
  test.each(cases)("%s: refused", async (_, reply, expected) => {
    const { site, provider } = world();
    site.put(urls[endpoint], reply);
    expect(await codeOf(signInAt(provider))).toBe(expected);
  });

  test("no answer: refused within the time", async () => {
    const { site, provider } = world({
      timeoutMs: 100,
      fetch: async (url, init) => {
        if (url !== urls[endpoint]) return await site.fetch(url, init);
        return await new Promise((_, reject) => init.signal!.addEventListener("abort", () => reject(new Error())));
      },
    });
    expect(await codeOf(signInAt(provider))).toBe("issuer_timeout");
  });

  test("unreachable: refused", async () => {
    const { site, provider } = world({
      fetch: async (url, init) => {
        if (url === urls[endpoint]) throw new TypeError("fetch failed");
        return await site.fetch(url, init);
      },
    });
    expect(await codeOf(signInAt(provider))).toBe("issuer_unreachable");
  });
});

test.each([
  ["no token", {}],
  ["another token type", { access_token: "access-1", token_type: "mac" }],
  ["a token that is no text", { access_token: 1, token_type: "bearer" }],
])("a token answer with %s: refused", async (_, body) => {
  const { site, provider } = world();
  site.put(urls.accessTokenUrl, { json: body });
  expect(await codeOf(signInAt(provider))).toBe("invalid_token_response");
});

describe("email_verified, in every spelling", () => {
  test.each([
    [true, true],
    ["true", true],
    [false, false],
    ["false", false],
    ["True", false],
    ["yes", false],
    [1, false],
    ["1", false],
    [null, false],
    [undefined, false],
    [["true"], false],
    [{}, false],
  ])("%j: %j", async (email_verified, expected) => {
    const { site, provider } = world();
    site.put(urls.userinfoUrl, { json: { ...user, email_verified } });
    expect((await signInAt(provider)).emailVerified).toBe(expected);
  });

  test("a list of addresses is no address", async () => {
    const { site, provider } = world();
    site.put(urls.userinfoUrl, { json: { ...user, email: ["ada@acme.example", "eve@evil.example"] } });
    expect((await signInAt(provider)).email).toBeUndefined();
  });
});

describe("identityOf", () => {
  const url = "https://api.acme.example/addresses";
  const world2 = () =>
    world({ identityOf: async (_, read) => ({ name: JSON.stringify(await read(url)) ?? "nothing" }) });

  test.each([
    ["a list", { json: [1] }, "[1]"],
    ["status 403", { status: 403, json: {} }, "nothing"],
    ["status 404", { status: 404, json: {} }, "nothing"],
  ])("reads %s with the user's token", async (_, reply, expected) => {
    const { site, provider } = world2();
    site.put(url, reply);
    expect((await signInAt(provider)).name).toBe(expected);
    expect(site.to(url)[0]!.headers.get("authorization")).toBe("Bearer access-1");
  });

  test.each([
    ["status 500", { status: 500, json: {} }],
    ["status 403 with a time to come back", { status: 403, json: {}, headers: { "retry-after": "60" } }],
    ["status 403 without requests left", { status: 403, json: {}, headers: { "x-ratelimit-remaining": "0" } }],
    ["HTML", html],
    ["128 KiB", { json: "x".repeat(131_072) }],
  ])("%s: refused", async (_, reply) => {
    const { site, provider } = world2();
    site.put(url, reply);
    expect(await codeOf(signInAt(provider))).toBe("issuer_invalid_response");
  });

  test("reads from no private host", async () => {
    const { site, provider } = world({
      identityOf: async (_, read) => ({ name: String(await read("https://10.0.0.1/")) }),
    });
    expect(await codeOf(signInAt(provider))).toBe("issuer_invalid_response");
    expect(site.to("https://10.0.0.1/")).toEqual([]);
  });
});

describe("a wrong option is refused where the provider is made", () => {
  test.each([
    ["issuer", { issuer: "http://acme.example" }],
    ["authorizeUrl", { authorizeUrl: "http://login.acme.example/authorize" }],
    ["accessTokenUrl", { accessTokenUrl: "https://192.168.0.1/token" }],
    ["userinfoUrl", { userinfoUrl: "https://user:password@api.acme.example/me" }],
    ["userinfoUrl", { userinfoUrl: "/me" }],
    ["authorizeUrl", { authorizeUrl: "https://login.acme.example/authorize#top" }],
    ["clientId", { clientId: "" }],
    ["clientSecret", { clientSecret: "" }],
    ["scope", { scope: 'a"b' }],
    ["scope", { scope: ["a"] as unknown as string }],
    ["timeoutMs", { timeoutMs: 5 }],
    ["redirectUrl", { redirectUrl: "https://app.example/callback" } as object],
  ])("%s: %j", (option, more) => {
    const made = () => world(more);
    expect(made).toThrow(expect.objectContaining({ error: "configuration_error" }));
    expect(made).toThrow(option === "issuer" ? "issuerUrl" : option);
    expect(made).not.toThrow(/s3cret|password@/);
  });

  test("a listed private host: accepted", async () => {
    const userinfoUrl = "https://idp.corp.internal/me";
    const { site, provider } = world({ userinfoUrl, privateHosts: ["idp.corp.internal"] });
    site.put(userinfoUrl, { json: user });
    expect((await signInAt(provider)).subject).toBe("u-1");
  });
});
