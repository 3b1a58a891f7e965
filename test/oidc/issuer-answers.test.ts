import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { doOnce } from "../../src/oidc/flights.ts";
import type { OAuthError } from "../../src/oidc/index.ts";
import { type Endpoint, json, now, type Spoils, TestIssuer } from "../support/issuer.ts";
import { createKey, signRaw, type TestKey } from "../support/tokens/signer.ts";

let issuer: TestIssuer;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  issuer = await TestIssuer.open();
});
afterEach(() => {
  vi.useRealTimers();
});

const later = (seconds: number) => vi.advanceTimersByTime(seconds * 1_000);
const codeOf = async (answer: Promise<unknown>) =>
  await answer.then(
    () => "accepted",
    (error: OAuthError) => error.error,
  );
const at = (endpoint: Endpoint, answer: () => Response | Promise<Response>): Spoils => ({
  instead: (request) => (request.endpoint === endpoint ? answer() : undefined),
});
const never = () => new Promise<Response>(() => undefined);
const refuse = () => {
  throw new TypeError("connection refused");
};
const body = (text: string | ReadableStream, type = "application/json") =>
  new Response(text, { headers: { "content-type": type } });

describe("OC23, R092, B42: an issuer that fails", () => {
  const faults: readonly (readonly [string, string, () => Response | Promise<Response>])[] = [
    ["is down", "issuer_unreachable", refuse],
    ["does not answer", "issuer_timeout", never],
    ["stops in the middle", "issuer_timeout", () => body(new ReadableStream({ pull: () => never() as never }))],
    ["sends a megabyte", "issuer_invalid_response", () => body(`{"a":"${"a".repeat(1_048_576)}"}`)],
    ["sends HTML", "issuer_invalid_response", () => body("<html></html>", "text/html")],
    ["sends HTML as JSON", "issuer_invalid_response", () => body("<html></html>")],
    ["sends half of its JSON", "issuer_invalid_response", () => body('{"sub":"usr_1"')],
    ["sends JSON as text", "issuer_invalid_response", () => body('{"sub":"usr_1"}', "text/plain")],
    ["sends a member twice", "issuer_invalid_response", () => body('{"sub":"usr_1","sub":"usr_1"}')],
    ["fails", "issuer_invalid_response", () => json({}, 500)],
    ["is too busy", "issuer_invalid_response", () => new Response("busy", { status: 503 })],
    ["sends nothing", "issuer_invalid_response", () => new Response(null, { status: 204 })],
    [
      "redirects to a private address",
      "issuer_invalid_response",
      () => new Response(null, { status: 302, headers: { location: "http://169.254.169.254/" } }),
    ],
  ];

  describe.each(["metadata", "keys", "token", "userinfo"] as const)("%s", (endpoint) => {
    test.each(faults)("%s: %s", async (_name, expected, answer) => {
      // The client's own time-out needs the real clock.
      vi.useRealTimers();
      const client = issuer.client({ timeoutMs: 100 });
      const agent = endpoint === "userinfo" ? await issuer.signIn(client) : undefined;
      issuer.spoils = at(endpoint, answer);
      const since = performance.now();
      expect(await codeOf(agent ? client.getUserInfo(agent) : issuer.signIn(client))).toBe(expected);
      expect(performance.now() - since).toBeLessThan(2_000);
      expect(issuer.count("elsewhere")).toBe(0);
      // Nothing of it is kept.
      issuer.spoils = {};
      const patient = issuer.client();
      expect(await codeOf(agent ? patient.getUserInfo(agent) : issuer.signIn(patient))).toBe("accepted");
    });
  });
});

describe("OC6: discovery", () => {
  test("is asked for once by many callers, and the keys as well", async () => {
    await Promise.all(Array.from({ length: 100 }, async () => await issuer.signIn(issuer.client())));
    expect([issuer.count("metadata"), issuer.count("keys")]).toEqual([1, 1]);
  });

  test("two functions that ask share nothing", async () => {
    await issuer.signIn(issuer.client());
    const fetch = async (url: string, init: RequestInit) => await issuer.fetch(url, init);
    await issuer.signIn(issuer.client({ fetch }));
    expect(issuer.count("metadata")).toBe(2);
  });

  test("no redirect is followed, and the runtime is told so", async () => {
    const seen: unknown[] = [];
    const fetch = async (url: string, init: RequestInit) => {
      seen.push(init.redirect);
      return await issuer.fetch(url, init);
    };
    await issuer.signIn(issuer.client({ fetch }));
    expect(new Set(seen)).toEqual(new Set(["manual"]));
  });

  test.each([
    [
      "https://issuer.example",
      [
        "https://issuer.example/.well-known/openid-configuration",
        "https://issuer.example/.well-known/oauth-authorization-server",
      ],
    ],
    [
      "https://issuer.example/",
      [
        "https://issuer.example/.well-known/openid-configuration",
        "https://issuer.example/.well-known/oauth-authorization-server",
      ],
    ],
    [
      "https://issuer.example/a/b",
      [
        "https://issuer.example/a/b/.well-known/openid-configuration",
        "https://issuer.example/.well-known/oauth-authorization-server/a/b",
      ],
    ],
  ])("RFC 8414 §3: %s without OpenID's document", async (issuerUrl, urls) => {
    const asked: string[] = [];
    const fetch = async (url: string) => {
      asked.push(url);
      const isOpenId = url.endsWith("openid-configuration");
      return isOpenId ? json({}, 404) : json({ ...issuer.metadata, issuer: issuerUrl });
    };
    await issuer.client({ issuerUrl, fetch }).createAuthorizationUrl({ scopes: [] });
    expect(asked).toEqual(urls);
  });

  test("404 for both: refused", async () => {
    const fetch = async () => json({ error: "not_found" }, 404);
    expect(await codeOf(issuer.signIn(issuer.client({ fetch })))).toBe("not_found");
  });

  test.each([
    ["none", undefined, 300],
    ["a second", "public, max-age=1", 300],
    ["an hour", "max-age=3600", 3_600],
    ["an hour, quoted", 'private, max-age="3600"', 3_600],
    ["shared caches only", "s-maxage=3600", 300],
    ["a year", "max-age=31536000", 86_400],
    ["no-store", "no-store", 300],
    ["nonsense", "max-age=-1, max-age=x", 300],
  ])("Cache-Control %s", async (_name, value, seconds) => {
    issuer.spoils = { answer: (right) => json2(right, value) };
    const client = issuer.client();
    await client.createAuthorizationUrl({ scopes: [] });
    later(seconds - 1);
    await client.createAuthorizationUrl({ scopes: [] });
    expect(issuer.count("metadata")).toBe(1);
    later(2);
    await client.createAuthorizationUrl({ scopes: [] });
    expect(issuer.count("metadata")).toBe(2);
  });

  test("R079: an issuer that is down: what is known serves for 24 hours after its freshness, asked for once a minute", async () => {
    const client = issuer.client();
    await client.createAuthorizationUrl({ scopes: [] });
    issuer.spoils = at("metadata", refuse);
    later(301);
    for (let time = 0; time < 50; time++) await client.createAuthorizationUrl({ scopes: [] });
    expect(issuer.count("metadata")).toBe(2);
    later(61);
    await client.createAuthorizationUrl({ scopes: [] });
    expect(issuer.count("metadata")).toBe(3);
    later(86_400 - 61 - 10);
    await client.createAuthorizationUrl({ scopes: [] });
    later(20);
    expect(await codeOf(client.createAuthorizationUrl({ scopes: [] }))).toBe("issuer_unreachable");
    expect(await codeOf(Promise.resolve(client.createLogoutUrl()))).toBe("issuer_unreachable");
    issuer.spoils = {};
    expect(await codeOf(client.createAuthorizationUrl({ scopes: [] }))).toBe("accepted");
  });

  test("metadata that turns wrong is not used, and the old serves meanwhile", async () => {
    const client = issuer.client();
    await client.createAuthorizationUrl({ scopes: [] });
    issuer.spoils = {
      metadata: (right) => ({
        ...right,
        issuer: "https://attacker.example",
        token_endpoint: "https://attacker.example/",
      }),
    };
    later(301);
    expect(await codeOf(issuer.signIn(client))).toBe("accepted");
    expect(issuer.count("elsewhere")).toBe(0);
  });
});

async function json2(right: Response, cacheControl: string | undefined): Promise<Response> {
  return json(await right.text(), right.status, cacheControl === undefined ? {} : { "cache-control": cacheControl });
}

describe("OC6, R079: keys", () => {
  const claims = () => ({ iss: issuer.url, aud: "app", sub: "usr_1", exp: now() + 60, iat: now() });
  const stored = async (key: TestKey, kid: string) => ({
    access_token: "a",
    expires_at: now() + 3_600,
    id_token: await signRaw(key, { alg: "ES256", kid }, claims()),
  });

  test("1,000 unknown key ids cause one request a minute", async () => {
    const client = issuer.client();
    await issuer.signIn(client);
    const attacker = await createKey("ES256", "x");
    const flood = async () => {
      const codes = await Promise.all(
        Array.from(
          { length: 1_000 },
          async (_, index) => await codeOf(client.createAgent(await stored(attacker, `x${index}`))),
        ),
      );
      expect(new Set(codes)).toEqual(new Set(["invalid_token_response"]));
    };
    for (const [seconds, count] of [
      [0, 2],
      [59, 2],
      [2, 3],
      [30, 3],
      [31, 4],
    ] as const) {
      later(seconds);
      await flood();
      expect(issuer.count("keys")).toBe(count);
    }
  });

  test("a key that was rotated in is found with one request, while the old key is fresh", async () => {
    const client = issuer.client();
    await issuer.signIn(client);
    await issuer.rotate();
    await Promise.all(Array.from({ length: 20 }, async () => await issuer.signIn(client)));
    expect(issuer.count("keys")).toBe(2);
  });

  test("keys that cannot be asked for: the old ones serve for a day, and then nothing is accepted", async () => {
    const client = issuer.client();
    await issuer.signIn(client);
    issuer.spoils = at("keys", refuse);
    later(3_000);
    expect(await codeOf(issuer.signIn(client))).toBe("accepted");
    // An unknown key id does not end their service.
    const attacker = await createKey("ES256", "x");
    expect(await codeOf(client.createAgent(await stored(attacker, "x")))).toBe("invalid_token_response");
    expect(await codeOf(issuer.signIn(client))).toBe("accepted");
    later(86_400);
    expect(await codeOf(issuer.signIn(client))).toBe("issuer_unreachable");
  });

  test("another issuer's token costs no request", async () => {
    const key = await createKey("ES256", "k1");
    const token = await signRaw(key, { alg: "ES256", kid: "k1" }, { ...claims(), iss: "https://attacker.example" });
    expect(
      await codeOf(issuer.client().createAgent({ access_token: "a", expires_at: now() + 60, id_token: token })),
    ).toBe("invalid_token_response");
    expect(issuer.requests).toEqual([]);
  });
});

describe("one request for many callers", () => {
  const shared = (work: () => Promise<unknown>, key = crypto.randomUUID() as string) => ({
    key,
    timeoutMs: 100,
    work,
  });

  test("a first caller whose request was cancelled, so that its promise never settles, hangs no other", async () => {
    const one = shared(async () => await new Promise(() => undefined));
    void doOnce(one);
    let done = 0;
    const others = Array.from({ length: 100 }, async () => await doOnce({ ...one, work: async () => ++done }));
    later(0.5);
    expect(await Promise.all(others)).toEqual(Array.from({ length: 100 }, () => 1));
  });

  test("a failure is shared by those who wait, and not kept", async () => {
    let tries = 0;
    let fail: (() => void) | undefined;
    const failed = new Promise<void>((resolve) => {
      fail = resolve;
    });
    const one = shared(async () => {
      tries += 1;
      await failed;
      throw new Error(`try ${tries}`);
    });
    const callers = Array.from({ length: 20 }, async () => await doOnce(one));
    fail!();
    const outcomes = await Promise.allSettled(callers);
    expect(new Set(outcomes.map((outcome) => String((outcome as PromiseRejectedResult).reason)))).toEqual(
      new Set(["Error: try 1"]),
    );
    await expect(doOnce(one)).rejects.toThrow("try 2");
  });
});
