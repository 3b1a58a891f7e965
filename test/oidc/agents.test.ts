import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  AuthenticatedAgent,
  type OAuthError,
  RefreshError,
  SubjectMismatchError,
  TokenExpiredError,
  TokenSet,
  type TokenSetJson,
} from "../../src/oidc/index.ts";
import { json, type Spoils, TestIssuer } from "../support/issuer.ts";

let issuer: TestIssuer;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  issuer = await TestIssuer.open();
});
afterEach(() => {
  vi.useRealTimers();
});

const later = (seconds: number) => vi.advanceTimersByTime(seconds * 1_000);
const signedIn = async () => (await issuer.signIn(issuer.client())).tokens.toJSON();
/** The issuer's answers to the next token requests. */
const answering = (answer: (right: Response) => Response | Promise<Response>): Spoils => ({
  answer: (right, { endpoint }) => (endpoint === "token" ? answer(right) : right),
});
const down: Spoils = {
  instead: ({ endpoint }) => {
    if (endpoint === "token") throw new TypeError("connection refused");
    return undefined;
  },
};

describe("OC7: stored tokens", () => {
  test.each([
    ["an object", (tokens: TokenSetJson) => tokens],
    ["JSON", (tokens: TokenSetJson) => JSON.parse(JSON.stringify(tokens))],
    ["a TokenSet", (tokens: TokenSetJson) => TokenSet.from(tokens)],
    ["JSON of a TokenSet", (tokens: TokenSetJson) => JSON.parse(JSON.stringify(TokenSet.from(tokens)))],
  ])("as %s make the same agent", async (_name, as) => {
    const tokens = await signedIn();
    const agent = await issuer.client().createAgent(as(tokens));
    expect(agent).toBeInstanceOf(AuthenticatedAgent);
    expect([agent.id, agent.tokens.toJSON()]).toEqual(["usr_1", tokens]);
    expect(issuer.count("token")).toBe(1);
  });

  test.each([
    [
      "another issuer's",
      (tokens: TokenSetJson, other: TokenSetJson) => ({ ...tokens, id_token: other.id_token! }),
      "id_token.iss",
    ],
    [
      "changed",
      ({ id_token, ...tokens }: TokenSetJson) => ({ ...tokens, id_token: `${id_token!.slice(0, -4)}AAAA` }),
      "id_token.signature",
    ],
    ["missing", ({ id_token: _, ...tokens }: TokenSetJson) => tokens, "id_token.iss"],
    ["no token", (tokens: TokenSetJson) => ({ ...tokens, id_token: "a.b.c" }), "id_token.iss"],
  ])(
    "with an ID token that is %s: refused, fresh or not, and the refresh token goes nowhere",
    async (name, change, field) => {
      const other = await TestIssuer.open("https://other.example");
      const stranger = (await other.signIn(other.client())).tokens.toJSON();
      const tokens = change(await signedIn(), stranger);
      const refused = expect.objectContaining({ name: "TokenParseError", field });
      await expect(issuer.client().createAgent(tokens)).rejects.toEqual(refused);
      later(3_700);
      // A changed signature cannot bring another subject in: the new ID token decides.
      if (name === "changed") expect((await issuer.client().createAgent(tokens)).id).toBe("usr_1");
      else await expect(issuer.client().createAgent(tokens)).rejects.toEqual(refused);
      expect(issuer.count("token")).toBe(name === "changed" ? 2 : 1);
    },
  );

  test("with another subject in the ID token: refused after a refresh too", async () => {
    const tokens = await signedIn();
    const { tokens: other } = await issuer.signIn(issuer.client(), { sub: "usr_2" });
    issuer.spoils = { claims: ({ nonce: _, ...rest }) => rest };
    later(3_700);
    await expect(issuer.client().createAgent({ ...tokens, id_token: other.id_token })).rejects.toMatchObject({
      name: "SubjectMismatchError",
      expected_sub: "usr_2",
      actual_sub: "usr_1",
    });
  });

  test("the ID token is verified once in an isolate", async () => {
    const tokens = await signedIn();
    const verify = vi.spyOn(crypto.subtle, "verify");
    try {
      for (let time = 0; time < 5; time++) await issuer.client().createAgent(tokens);
      expect(verify).toHaveBeenCalledTimes(1);
    } finally {
      verify.mockRestore();
    }
  });
});

describe("OC7, 004.8: when tokens are refreshed", () => {
  test.each([
    [3_539, 60, false],
    [3_540, 60, true],
    [3_599, 0, false],
    [3_600, 0, true],
    [0, 3_600, true],
  ])("after %i seconds with a buffer of %i: %s", async (seconds, refreshBufferSeconds, isRefreshed) => {
    const tokens = await signedIn();
    later(seconds);
    const agent = await issuer.client({ refreshBufferSeconds }).createAgent(tokens);
    expect(agent.tokens.access_token !== tokens.access_token).toBe(isRefreshed);
  });

  /** Life of the token, refresh token, autoRefresh, the issuer: what is returned or thrown, and which callback is called. */
  const rows: readonly (readonly [
    "fresh" | "due" | "dead",
    boolean,
    boolean,
    "up" | "refuses" | "down",
    string,
    string,
  ])[] = [
    ["fresh", true, true, "up", "old", "none"],
    ["due", true, true, "up", "new", "onRefresh"],
    ["due", true, true, "refuses", "old", "onRefreshError"],
    ["due", true, true, "down", "old", "onRefreshError"],
    ["due", true, false, "up", "old", "none"],
    ["due", false, true, "up", "old", "none"],
    ["dead", true, true, "up", "new", "onRefresh"],
    ["dead", true, true, "refuses", "RefreshError 400", "onRefreshError"],
    ["dead", true, true, "down", "RefreshError undefined", "onRefreshError"],
    ["dead", true, false, "up", "old", "none"],
    ["dead", false, true, "up", "TokenExpiredError", "none"],
    ["dead", false, false, "up", "old", "none"],
  ];

  describe.each(["for the client", "for the call"])("autoRefresh %s", (where) => {
    test.each(rows)(
      "%s, refresh token %s, autoRefresh %s, issuer %s: %s, %s",
      async (life, hasRefresh, autoRefresh, state, expected, callback) => {
        const { refresh_token, ...rest } = await signedIn();
        const tokens = { ...rest, ...(hasRefresh && { refresh_token }) };
        later({ fresh: 0, due: 3_550, dead: 3_700 }[life]);
        issuer.spoils = {
          up: {},
          refuses: answering(() => json({ error: "invalid_grant" }, 400)),
          down,
        }[state];
        const called: unknown[][] = [];
        const options = {
          onRefresh: (stored: TokenSetJson) => called.push(["onRefresh", stored]),
          onRefreshError: (error: OAuthError) => called.push(["onRefreshError", error]),
          ...(where === "for the call" && { autoRefresh }),
        };
        const client = issuer.client({ autoRefresh: where === "for the call" ? !autoRefresh : autoRefresh });
        const outcome = await client.createAgent(tokens, options).catch((error: RefreshError) => error);
        if (outcome instanceof AuthenticatedAgent) {
          expect(outcome.tokens.access_token === tokens.access_token ? "old" : "new").toBe(expected);
          if (expected === "new") expect(called).toEqual([["onRefresh", outcome.tokens.toJSON()]]);
        } else {
          expect(`${outcome.name}${outcome instanceof RefreshError ? ` ${outcome.status_code}` : ""}`).toBe(expected);
          if (callback !== "none") expect(called).toEqual([["onRefreshError", outcome]]);
        }
        expect(called.map(([name]) => name)).toEqual(callback === "none" ? [] : [callback]);
        // Without callbacks the outcome is of the same kind.
      },
    );
  });

  test("without callbacks: the old agent while it lives, then the error", async () => {
    const tokens = await signedIn();
    issuer.spoils = down;
    later(3_550);
    expect((await issuer.client().createAgent(tokens)).tokens.access_token).toBe(tokens.access_token);
    later(100);
    await expect(issuer.client().createAgent(tokens)).rejects.toBeInstanceOf(RefreshError);
  });

  test("onRefresh is awaited, and its error is thrown", async () => {
    const tokens = await signedIn();
    later(3_550);
    const failed = new Error("the store is full");
    const onRefresh = async () => {
      await Promise.resolve();
      throw failed;
    };
    await expect(issuer.client().createAgent(tokens, { onRefresh })).rejects.toBe(failed);
  });

  test("onRefreshError is awaited, and its error is thrown", async () => {
    const tokens = await signedIn();
    later(3_550);
    issuer.spoils = down;
    const failed = new Error("the log is full");
    await expect(
      issuer.client().createAgent(tokens, { onRefreshError: async () => await Promise.reject(failed) }),
    ).rejects.toBe(failed);
  });

  test("TokenExpiredError is an OAuthError with a code", async () => {
    const { refresh_token: _, ...tokens } = await signedIn();
    later(3_601);
    await expect(issuer.client().createAgent(tokens)).rejects.toSatisfy(
      (error) => error instanceof TokenExpiredError && error.error === "token_expired",
    );
  });
});

describe("OC8, R089: what a refresh accepts", () => {
  const refreshed = async (spoils: Spoils) => {
    const agent = await issuer.signIn(issuer.client());
    issuer.spoils = spoils;
    return { agent, renewed: await issuer.client().refresh(agent) };
  };

  test("a new refresh token replaces the old one", async () => {
    const { agent, renewed } = await refreshed({});
    expect(renewed.tokens.refresh_token).not.toBe(agent.tokens.refresh_token);
    expect(renewed.tokens.id_token).not.toBe(agent.tokens.id_token);
  });

  test("an answer without refresh token, ID token and scope keeps the old ones", async () => {
    const { agent, renewed } = await refreshed({
      tokens: ({ access_token, token_type, expires_in }: never) => ({ access_token, token_type, expires_in }),
    } as Spoils);
    const { access_token: _, expires_at: __, ...old } = agent.tokens.toJSON();
    expect(renewed.tokens.toJSON()).toMatchObject(old);
    expect(renewed.id).toBe("usr_1");
  });

  test("fewer scopes", async () => {
    const { renewed } = await refreshed({ tokens: (right) => ({ ...(right as object), scope: "openid" }) });
    expect(renewed.tokens.scope).toBe("openid");
  });

  describe("RFC 6749 §5.1: scopes that the first answer has not named are those that were asked for", () => {
    const unnamed: Spoils = { tokens: ({ scope: _, ...right }: Record<string, unknown>) => right } as Spoils;
    const refreshedWith = async (
      scope: string | undefined,
      asked: readonly string[] = ["email", "openid", "email"],
    ) => {
      issuer.spoils = unnamed;
      const agent = await issuer.signIn(issuer.client(), undefined, asked);
      issuer.spoils = { tokens: (right) => ({ ...(right as object), scope }) };
      const renewed = await issuer.client().refresh(await issuer.client().createAgent(agent.tokens.toJSON()));
      return [agent.tokens.scope, renewed.tokens.scope];
    };

    test.each([
      ["none again", undefined, "openid email"],
      ["the same in another order", "email openid", "email openid"],
      ["fewer", "openid", "openid"],
      ["an empty text", "", ""],
    ])("%s: accepted", async (_case, scope, expected) => {
      expect(await refreshedWith(scope)).toEqual(["openid email", expected]);
    });

    test.each(["openid email admin", "admin", "openid e-mail", "openid email:write"])(
      "more, %j: refused",
      async (scope) => {
        await expect(refreshedWith(scope)).rejects.toMatchObject({ name: "TokenParseError", field: "scope" });
      },
    );

    test("they limit what the agent may, as named ones do", async () => {
      issuer.spoils = unnamed;
      const agent = await issuer.signIn(issuer.client(), undefined, ["users:read"]);
      expect([agent.hasAccess("read", "users"), agent.hasAccess("write", "users")]).toEqual([true, false]);
    });

    test("a code without its transaction: they are not known, so a refresh is not compared", async () => {
      issuer.spoils = unnamed;
      const begun = await issuer.client().createAuthorizationUrl({ scopes: ["openid"] });
      const code = new URL(issuer.authorize(begun.url)).searchParams.get("code")!;
      const { agent } = await issuer.client().exchangeCode(code, begun.codeVerifier, { nonce: begun.nonce });
      expect(agent.tokens.scope).toBeUndefined();
      issuer.spoils = { tokens: (right) => ({ ...(right as object), scope: "openid admin" }) };
      expect((await issuer.client().refresh(agent)).tokens.scope).toBe("openid admin");
    });
  });

  test("new organizations", async () => {
    const organizations = [{ id: "org_1", title: "A", scopes: ["owner"], joined_at: 1 }];
    const { agent, renewed } = await refreshed({ claims: (right) => ({ ...right, organizations }) });
    expect([agent.organizations, renewed.organizations]).toEqual([[], organizations]);
  });

  test("an ID token without a nonce", async () => {
    const { renewed } = await refreshed({ claims: ({ nonce: _, ...rest }) => rest });
    expect(renewed.id).toBe("usr_1");
  });

  test.each<[string, Spoils, object]>([
    [
      "another subject",
      { claims: (right) => ({ ...right, sub: "usr_2" }) },
      { name: "SubjectMismatchError", error: "subject_mismatch", expected_sub: "usr_1", actual_sub: "usr_2" },
    ],
    ["another issuer", { claims: (right) => ({ ...right, iss: "https://other.example" }) }, { field: "id_token.iss" }],
    ["another client", { claims: (right) => ({ ...right, aud: "other" }) }, { field: "id_token.aud" }],
    ["another nonce", { claims: (right) => ({ ...right, nonce: "n".repeat(43) }) }, { field: "id_token.nonce" }],
    [
      "another access token's hash",
      { claims: (right) => ({ ...right, at_hash: "A".repeat(22) }) },
      { field: "id_token.at_hash" },
    ],
    ["an expired ID token", { claims: (right) => ({ ...right, exp: 1 }) }, { field: "id_token.exp" }],
    ["more scopes", { tokens: (right) => ({ ...(right as object), scope: "openid email admin" }) }, { field: "scope" }],
    ["no access token", { tokens: () => ({ token_type: "Bearer" }) }, { field: "access_token" }],
    [
      "a session that is over",
      answering(() => json({ error: "session_expired" }, 400)),
      { name: "SessionExpiredError" },
    ],
    ["a login that is needed", answering(() => json({ error: "login_required" }, 400)), { name: "LoginRequiredError" }],
    ["a blocked user", answering(() => json({ error: "user_blocked" }, 403)), { name: "UserBlockedError" }],
    [
      "a spent refresh token",
      answering(() => json({ error: "invalid_grant", error_description: "spent" }, 400)),
      { name: "RefreshError", error: "invalid_grant", error_description: "spent", status_code: 400 },
    ],
    [
      "HTML",
      answering(() => new Response("<html>", { status: 502, headers: { "content-type": "text/html" } })),
      { name: "RefreshError", error: "issuer_invalid_response", status_code: 502 },
    ],
    ["no answer", down, { name: "RefreshError", error: "issuer_unreachable", status_code: undefined }],
  ])("%s: refused", async (_name, spoils, expected) => {
    await expect(refreshed(spoils)).rejects.toMatchObject(expected);
  });

  test("an agent without a refresh token: refused, and the issuer is not asked", async () => {
    const agent = await issuer.client().createAgent({ ...(await signedIn()), refresh_token: null });
    await expect(issuer.client().refresh(agent)).rejects.toMatchObject({ field: "refresh_token" });
    expect(issuer.count("token")).toBe(1);
  });

  test("keys that cannot be read: the refresh token is not spent", async () => {
    const tokens = await signedIn();
    const other = new TestIssuer();
    // A fresh isolate, which knows nothing of the issuer.
    const fetch = async (url: string, init: RequestInit) =>
      url.endsWith("/jwks") ? json({}, 500) : await issuer.fetch(url, init);
    later(3_700);
    await expect(other.client({ fetch }).createAgent(tokens)).rejects.toMatchObject({
      name: "RefreshError",
      error: "issuer_invalid_response",
    });
    expect(issuer.count("token")).toBe(1);
    expect((await issuer.client().createAgent(tokens)).id).toBe("usr_1");
  });

  test("a stored ID token whose key was withdrawn: the refresh brings a new one", async () => {
    const tokens = await signedIn();
    await issuer.rotate();
    later(3_700);
    const agent = await issuer.client().createAgent(tokens);
    expect(agent.tokens.id_token).not.toBe(tokens.id_token);
  });

  test("SubjectMismatchError is an OAuthError", () => {
    expect(new SubjectMismatchError("a", "b")).toMatchObject({
      error: "subject_mismatch",
      message: "The answer is about another subject.",
    });
  });
});

describe("OC21, B44: 1,000 callers with one refresh token", () => {
  test("make one request, and all get the same tokens", async () => {
    const tokens = await signedIn();
    later(3_700);
    const stored: TokenSetJson[] = [];
    const agents = await Promise.all(
      Array.from(
        { length: 1_000 },
        async () => await issuer.client().createAgent({ ...tokens }, { onRefresh: (renewed) => stored.push(renewed) }),
      ),
    );
    expect(issuer.count("token")).toBe(2);
    expect(new Set(agents.map(({ tokens: { access_token } }) => access_token)).size).toBe(1);
    expect(stored).toHaveLength(1_000);
  });

  test("share a failure, and the next caller asks again", async () => {
    const tokens = await signedIn();
    later(3_700);
    issuer.spoils = down;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 1_000 }, async () => await issuer.client().createAgent(tokens)),
    );
    expect(outcomes.every(({ status }) => status === "rejected")).toBe(true);
    expect(issuer.count("token")).toBeLessThan(4);
    issuer.spoils = {};
    expect((await issuer.client().createAgent(tokens)).id).toBe("usr_1");
  });

  test("for 10 seconds a caller with the old tokens gets the new ones, and after that the issuer decides", async () => {
    const tokens = await signedIn();
    later(3_700);
    const first = await issuer.client().createAgent(tokens);
    later(10);
    expect((await issuer.client().createAgent(tokens)).tokens.access_token).toBe(first.tokens.access_token);
    later(1);
    await expect(issuer.client().createAgent(tokens)).rejects.toMatchObject({ error: "invalid_grant" });
  });
});

describe("OC16: how long a token lives", () => {
  test.each([
    [0, 3_600, false, false],
    [3_569, 31, false, false],
    [3_570, 30, true, false],
    [3_599, 1, true, false],
    [3_600, 0, true, true],
    [3_700, -100, true, true],
  ])("after %i seconds: %i left, isExpired() %s, isExpired(0) %s", async (seconds, left, isExpired, isOver) => {
    const agent = await issuer.signIn(issuer.client());
    later(seconds);
    expect([agent.expiresIn, agent.isExpired(), agent.isExpired(0)]).toEqual([left, isExpired, isOver]);
    expect(agent.expiresAt).toBe(agent.tokens.expires_at);
  });
});
