import { jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sha256Base64Url } from "../../src/crypto/digest.ts";
import { type AuthorizationTransaction, OAuthError } from "../../src/oidc/index.ts";
import { json, now, TestIssuer } from "../support/issuer.ts";
import { createKey } from "../support/tokens/signer.ts";

let issuer: TestIssuer;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  issuer = await TestIssuer.open();
});
afterEach(() => {
  vi.useRealTimers();
});

const begin = async (more: object = {}) => await issuer.client().createAuthorizationUrl({ scopes: ["email"], ...more });
const codeOf = async (answer: Promise<unknown>) =>
  await answer.then(
    () => "accepted",
    (error: OAuthError) => error.error,
  );

describe("OC3, R081, R082: createAuthorizationUrl", () => {
  test("the request has everything, and openid first", async () => {
    const client = issuer.client({ resources: ["https://a.example", "https://b.example"] });
    const transaction = await client.createAuthorizationUrl({
      scopes: ["email", "openid"],
      org: "org_1",
      prompt: "consent",
      maxAge: 0,
      acrValues: ["urn:one", "urn:two"],
      loginHint: "ada@example.com",
      responseMode: "form_post",
    });
    const url = new URL(transaction.url);
    expect(url.origin + url.pathname).toBe("https://issuer.example/authorize");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: "code",
      client_id: "app",
      redirect_uri: issuer.redirectUri,
      scope: "openid email",
      state: transaction.state,
      nonce: transaction.nonce,
      code_challenge: await sha256Base64Url(transaction.codeVerifier),
      code_challenge_method: "S256",
      org: "org_1",
      prompt: "consent",
      max_age: "0",
      acr_values: "urn:one urn:two",
      login_hint: "ada@example.com",
      response_mode: "form_post",
      resource: "https://b.example",
    });
    expect(url.searchParams.getAll("resource")).toEqual(["https://a.example", "https://b.example"]);
  });

  test("RFC 7636 appendix B: the challenge of the verifier", async () => {
    expect(await sha256Base64Url("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).toBe(
      "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    );
  });

  test("state, nonce and verifier have 256 bits and are new each time", async () => {
    const all = await Promise.all(Array.from({ length: 50 }, async () => await begin()));
    const secrets = all.flatMap(({ state, nonce, codeVerifier }) => [state, nonce, codeVerifier]);
    expect(secrets.every((secret) => /^[\w-]{43}$/.test(secret))).toBe(true);
    expect(new Set(secrets).size).toBe(150);
  });

  test("a transaction survives JSON", async () => {
    const transaction = await begin({ maxAge: 60, acrValues: ["a"] });
    expect(JSON.parse(JSON.stringify(transaction))).toEqual(transaction);
    expect(Object.keys(await begin()).sort()).toEqual([
      "codeVerifier",
      "createdAt",
      "issuer",
      "nonce",
      "redirectUri",
      "scope",
      "state",
      "url",
    ]);
  });

  test("a query of the endpoint stays", async () => {
    issuer.spoils = { metadata: (right) => ({ ...right, authorization_endpoint: `${issuer.url}/a?tenant=1` }) };
    expect(new URL((await begin()).url).searchParams.get("tenant")).toBe("1");
  });

  test.each([
    ["state of 21 characters", { state: "s".repeat(21) }, "state"],
    ["state with a space", { state: `${"s".repeat(30)} ` }, "state"],
    ["nonce of 21 characters", { nonce: "n".repeat(21) }, "nonce"],
    ["nonce a number", { nonce: 1 }, "nonce"],
    ["code verifier of 42 characters", { codeVerifier: "v".repeat(42) }, "codeVerifier"],
    ["code verifier of 129 characters", { codeVerifier: "v".repeat(129) }, "codeVerifier"],
    ["code verifier with a slash", { codeVerifier: "/".repeat(43) }, "codeVerifier"],
    ["maxAge negative", { maxAge: -1 }, "maxAge"],
    ["maxAge with a fraction", { maxAge: 1.5 }, "maxAge"],
    ["a scope with a space", { scopes: ["a b"] }, "scopes"],
    ["a scope with a quotation mark", { scopes: ['a"'] }, "scopes"],
    ["an empty scope", { scopes: [""] }, "scopes"],
    ["a scope outside ASCII", { scopes: ["é"] }, "scopes"],
    ["over 100 scopes", { scopes: Array.from({ length: 101 }, (_, at) => `s${at}`) }, "scopes"],
  ])("%s: refused", async (_name, request, option) => {
    await expect(begin(request)).rejects.toMatchObject({ name: "ConfigurationError", option });
  });

  test("100 scopes of 256 characters are taken, openid among them", async () => {
    const scopes = Array.from({ length: 100 }, (_, at) => `${at}`.padStart(256, "s"));
    const { url } = await begin({ scopes: scopes.slice(1) });
    expect(new URL(url).searchParams.get("scope")!.split(" ")).toHaveLength(100);
    await expect(begin({ scopes })).rejects.toMatchObject({ option: "scopes" });
    await expect(begin({ scopes: ["s".repeat(257)] })).rejects.toMatchObject({ option: "scopes" });
  });

  test("a state and a nonce of 128 bits are taken", async () => {
    const given = { state: "s".repeat(22), nonce: "n".repeat(22), codeVerifier: "~".repeat(128) };
    expect(await begin(given)).toMatchObject(given);
  });
});

describe("OC4: exchangeCallback", () => {
  test.each([
    ["a text", (url: string) => url],
    ["a URL", (url: string) => new URL(url)],
    ["parameters", (url: string) => new URL(url).searchParams],
    [
      "a form",
      (url: string) => {
        const form = new FormData();
        for (const [name, value] of new URL(url).searchParams) form.append(name, value);
        return form;
      },
    ],
  ])("takes the answer as %s, with a transaction from JSON", async (_name, as) => {
    const transaction = await begin();
    const answer = as(
      issuer.authorize(transaction.url, { sub: "usr_1", email: "ada@example.com", email_verified: true }),
    );
    const agent = await issuer.client().exchangeCallback(answer, JSON.parse(JSON.stringify(transaction)));
    expect(agent).toMatchObject({ id: "usr_1", type: "user", email: "ada@example.com", emailVerified: true });
  });

  test("the token request has the code, the verifier and the client's proof", async () => {
    await issuer.signIn(issuer.client());
    const { form, headers } = issuer.requests.find(({ endpoint }) => endpoint === "token")!;
    expect(Object.keys(Object.fromEntries(form)).sort()).toEqual([
      "code",
      "code_verifier",
      "grant_type",
      "redirect_uri",
    ]);
    const [, credentials] = /^Basic (.*)$/.exec(headers.get("authorization")!)!;
    expect(atob(credentials!).split(":").map(decodeURIComponent)).toEqual(["app", issuer.clientSecret]);
  });

  test("a code works once", async () => {
    const transaction = await begin();
    const answer = issuer.authorize(transaction.url);
    expect(await codeOf(issuer.client().exchangeCallback(answer, transaction))).toBe("accepted");
    expect(await codeOf(issuer.client().exchangeCallback(answer, transaction))).toBe("invalid_grant");
  });

  test("B34: two browsers' transactions exchanged: refused, and no code is sent", async () => {
    const [ada, eve] = [await begin(), await begin()];
    expect(await codeOf(issuer.client().exchangeCallback(issuer.authorize(eve.url), ada))).toBe("state_mismatch");
    expect(issuer.count("token")).toBe(0);
  });

  test("R084: mix-up of two issuers: the code of one is not sent to the other", async () => {
    const attacker = await TestIssuer.open("https://attacker.example");
    const honest = await begin();
    const evil = await attacker.client().createAuthorizationUrl({ scopes: [], state: honest.state });
    // The browser began at the attacker's issuer, which sent it on to the honest one.
    const answer = issuer.authorize(honest.url);
    expect(await codeOf(attacker.client().exchangeCallback(answer, evil))).toBe("issuer_mismatch");
    expect(attacker.count("token")).toBe(0);
    // The transaction of one is given to the client of the other.
    expect(await codeOf(attacker.client().exchangeCallback(answer, honest))).toBe("issuer_mismatch");
    expect(attacker.count("token")).toBe(0);
  });

  test("iss of another issuer is refused although none is announced, and a missing one is not", async () => {
    issuer.spoils = { metadata: (right) => ({ ...right, authorization_response_iss_parameter_supported: undefined }) };
    const transaction = await begin();
    const answer = new URL(issuer.authorize(transaction.url));
    answer.searchParams.set("iss", "https://attacker.example");
    expect(await codeOf(issuer.client().exchangeCallback(answer, transaction))).toBe("issuer_mismatch");
    answer.searchParams.delete("iss");
    expect(await codeOf(issuer.client().exchangeCallback(answer, transaction))).toBe("accepted");
  });

  test.each([
    [0, "accepted"],
    [600, "accepted"],
    [601, "transaction_expired"],
    [-1, "transaction_expired"],
  ])("after %i seconds: %s", async (seconds, expected) => {
    const transaction = await begin();
    const answer = issuer.authorize(transaction.url);
    vi.setSystemTime(Date.now() + seconds * 1_000);
    expect(await codeOf(issuer.client().exchangeCallback(answer, transaction))).toBe(expected);
  });

  test.each<[keyof AuthorizationTransaction, unknown, string]>([
    ["nonce", undefined, "state_mismatch"],
    ["nonce", "", "state_mismatch"],
    ["state", undefined, "state_mismatch"],
    ["codeVerifier", undefined, "state_mismatch"],
    ["createdAt", undefined, "transaction_expired"],
    ["createdAt", "1", "transaction_expired"],
    ["issuer", undefined, "issuer_mismatch"],
  ])("a transaction that was stored without %s (%j): %s", async (name, value, expected) => {
    const transaction = await begin();
    const answer = issuer.authorize(transaction.url);
    expect(await codeOf(issuer.client().exchangeCallback(answer, { ...transaction, [name]: value } as never))).toBe(
      expected,
    );
    expect(issuer.count("token")).toBe(0);
  });

  test.each(["", "code", "/callback?code=1&state=2", "not a url"])("%j is no answer", async (answer) => {
    expect(await codeOf(issuer.client().exchangeCallback(answer, await begin()))).toBe("invalid_callback");
  });

  test("the order: age, issuer, state, iss, error, code", async () => {
    const transaction = await begin();
    const broken = new URL("https://app.example/callback?error=access_denied&iss=https://attacker.example&state=other");
    const ask = async (more: object = {}) =>
      await codeOf(issuer.client().exchangeCallback(broken, { ...transaction, ...more }));
    expect(await ask({ createdAt: 0, issuer: "https://attacker.example" })).toBe("transaction_expired");
    expect(await ask({ issuer: "https://attacker.example" })).toBe("issuer_mismatch");
    expect(await ask()).toBe("state_mismatch");
    broken.searchParams.set("state", transaction.state);
    expect(await ask()).toBe("issuer_mismatch");
    broken.searchParams.set("iss", issuer.url);
    expect(await ask()).toBe("access_denied");
    broken.searchParams.delete("error");
    expect(await ask()).toBe("invalid_callback");
  });

  test("exchangeForClaims: every claim, for subjects that are no agents", async () => {
    const client = issuer.client({ principalType: undefined as never });
    const transaction = await client.createAuthorizationUrl({ scopes: [] });
    const { claims } = await client.exchangeForClaims(
      issuer.authorize(transaction.url, { sub: "1234", hd: "a.example" }),
      transaction,
    );
    expect([claims.get("sub"), claims.get("hd")]).toEqual(["1234", "a.example"]);
  });
});

describe("OC1, OC4: the bounds of an ID token", () => {
  const signIn = async (options: object, claims: (right: Record<string, unknown>) => object, request: object = {}) => {
    issuer.spoils = { claims: (right) => ({ ...right, ...claims(right) }) };
    const client = issuer.client(options);
    const transaction = await client.createAuthorizationUrl({ scopes: [], ...request });
    const answer = client.exchangeCallback(issuer.authorize(transaction.url), transaction);
    return await answer.then(
      () => "accepted",
      ({ field }: { field: string }) => field,
    );
  };

  test.each([
    ["exp 59 seconds ago", {}, () => ({ exp: now() - 59 }), "accepted"],
    ["exp 60 seconds ago", {}, () => ({ exp: now() - 60 }), "id_token.exp"],
    ["exp now, without tolerance", { clockToleranceSeconds: 0 }, () => ({ exp: now() }), "id_token.exp"],
    ["exp in a second, without tolerance", { clockToleranceSeconds: 0 }, () => ({ exp: now() + 1 }), "accepted"],
    ["iat in 60 seconds", {}, () => ({ iat: now() + 60 }), "accepted"],
    ["iat in 61 seconds", {}, () => ({ iat: now() + 61 }), "id_token.iat"],
    ["iat in a second, without tolerance", { clockToleranceSeconds: 0 }, () => ({ iat: now() + 1 }), "id_token.iat"],
    ["nbf in 60 seconds", {}, () => ({ nbf: now() + 60 }), "accepted"],
    ["nbf in 61 seconds", {}, () => ({ nbf: now() + 61 }), "id_token.nbf"],
  ])("%s: %s", async (_name, options, claims, expected) => {
    expect(await signIn(options, claims)).toBe(expected);
  });

  test.each([
    [159, "accepted"],
    [160, "accepted"],
    [161, "id_token.auth_time"],
  ])("maxAge 100, authenticated %i seconds ago: %s", async (seconds, expected) => {
    expect(await signIn({}, () => ({ auth_time: now() - seconds }), { maxAge: 100 })).toBe(expected);
  });

  test("an algorithm that the application does not list is refused", async () => {
    const key = await createKey("RS256", "k9");
    for (const [algorithms, expected] of [
      [["ES256"], "id_token.alg"],
      [["ES256", "RS256"], "accepted"],
    ] as const) {
      const sign = signIn({ algorithms }, () => ({}));
      Object.assign(issuer.spoils, { signer: () => key, keys: () => ({ keys: [key.jwk] }) });
      expect(await sign).toBe(expected);
    }
  });

  test("64 KiB are accepted, and more are not", async () => {
    const sized = async (length: number) => {
      issuer.spoils = {};
      const client = issuer.client();
      const transaction = await client.createAuthorizationUrl({ scopes: [] });
      let size = 0;
      issuer.spoils = {
        claims: (right) => ({ ...right, more: "m".repeat(length) }),
        idToken: (token) => {
          size = token.length;
          return token;
        },
      };
      const answer = client.exchangeCallback(issuer.authorize(transaction.url), transaction);
      const outcome = await answer.then(
        () => "accepted",
        ({ field }: { field: string }) => field,
      );
      return [size, outcome] as const;
    };
    const [size] = await sized(40_000);
    const room = Math.floor(((65_536 - size) * 3) / 4);
    const [longest, accepted] = await sized(40_000 + room);
    expect([longest > 65_530, longest <= 65_536, accepted]).toEqual([true, true, "accepted"]);
    expect((await sized(40_000 + room + 8))[1]).toBe("id_token");
  });
});

describe("OC5, 004.6: exchangeCode", () => {
  const exchange = async (options: { nonce?: string }) => {
    const transaction = await begin();
    const code = new URL(issuer.authorize(transaction.url)).searchParams.get("code")!;
    const nonce = options.nonce === "right" ? transaction.nonce : options.nonce;
    const more = nonce === undefined ? {} : { nonce };
    return await issuer.client().exchangeCode(code, transaction.codeVerifier, more);
  };

  test("without a nonce, the result says so", async () => {
    expect(await exchange({})).toMatchObject({ nonceVerified: false, agent: { id: "usr_1" } });
  });

  test("with the nonce", async () => {
    expect(await exchange({ nonce: "right" })).toMatchObject({ nonceVerified: true });
  });

  test("with another nonce: refused", async () => {
    await expect(exchange({ nonce: "n".repeat(43) })).rejects.toMatchObject({ field: "id_token.nonce" });
  });

  test("with another verifier: refused", async () => {
    const code = new URL(issuer.authorize((await begin()).url)).searchParams.get("code")!;
    expect(await codeOf(issuer.client().exchangeCode(code, "v".repeat(43)))).toBe("invalid_grant");
  });
});

describe("OC14: the type of an agent", () => {
  test.each([
    ["usr_1", "user"],
    ["tok_1", "personal_token"],
    ["key_1", "api_key"],
    ["agt_1", "agent"],
  ])("%s is a %s", async (sub, type) => {
    expect(await issuer.signIn(issuer.client({ principalType: undefined as never }), { sub })).toMatchObject({
      id: sub,
      type,
    });
    // The prefix goes before the option.
    expect(await issuer.signIn(issuer.client({ principalType: "agent" }), { sub })).toMatchObject({ type });
  });

  test.each(["alice", "USR_1", "usr", "adm_1", "__proto__"])(
    "%s has none: refused, unless the option says so",
    async (sub) => {
      await expect(issuer.signIn(issuer.client({ principalType: undefined as never }), { sub })).rejects.toMatchObject({
        field: "id_token.sub",
      });
      expect(await issuer.signIn(issuer.client({ principalType: "user" }), { sub })).toMatchObject({ type: "user" });
    },
  );
});

describe("OC1: how the client proves itself", () => {
  const request = async (options: object, methods?: readonly string[]) => {
    if (methods)
      issuer.spoils = { metadata: (right) => ({ ...right, token_endpoint_auth_methods_supported: methods }) };
    await issuer.signIn(issuer.client(options));
    return issuer.requests.find(({ endpoint }) => endpoint === "token")!;
  };

  test.each([
    ["basic before post", {}, ["client_secret_post", "client_secret_basic"], "basic"],
    ["post if only that is announced", {}, ["client_secret_post"], "post"],
    ["basic if nothing is announced", {}, [], "basic"],
    ["post by the option", { clientAuthentication: "post" }, undefined, "post"],
    ["none without a secret", { clientSecret: undefined }, undefined, "none"],
  ])("%s", async (_name, options, methods, way) => {
    const { form, headers } = await request(options, methods);
    expect(headers.has("authorization")).toBe(way === "basic");
    expect(form.get("client_secret")).toBe(way === "post" ? issuer.clientSecret : null);
    expect(form.get("client_id")).toBe(way === "basic" ? null : "app");
  });

  test("a secret that is made for each request", async () => {
    let made = 0;
    const { form } = await request({ clientAuthentication: "post", clientSecret: async () => `secret-${++made}` });
    expect(form.get("client_secret")).toBe("secret-1");
  });

  test.each(["ES256", "RS256", "PS256", "EdDSA"] as const)(
    "private_key_jwt with %s, which jose verifies",
    async (algorithm) => {
      const key = await createKey(algorithm, "client-key");
      const { form } = await request({
        clientSecret: undefined,
        privateKey: { key: key.privateKey, keyId: "client-key" },
      });
      expect(form.get("client_assertion_type")).toBe("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
      const publicKey = await crypto.subtle.importKey(
        "jwk",
        { ...key.jwk, alg: undefined } as unknown as JsonWebKey,
        key.privateKey.algorithm as never,
        true,
        ["verify"],
      );
      const { payload, protectedHeader } = await jwtVerify(form.get("client_assertion")!, publicKey, {
        issuer: "app",
        subject: "app",
        audience: issuer.url,
        currentDate: new Date(),
      });
      expect(protectedHeader).toEqual({ alg: algorithm, kid: "client-key", typ: "client-authentication+jwt" });
      expect(payload.exp! - payload.iat!).toBe(60);
      expect(payload.jti).toMatch(/^[\da-f-]{36}$/);
    },
  );
});

describe("OC18: an error of the issuer", () => {
  const errors = [
    ["insufficient_scope", "InsufficientScopeError"],
    ["session_expired", "SessionExpiredError"],
    ["user_blocked", "UserBlockedError"],
    ["account_linking_required", "AccountLinkingRequiredError"],
    ["interaction_required", "InteractionRequiredError"],
    ["login_required", "LoginRequiredError"],
    ["consent_required", "ConsentRequiredError"],
    ["access_denied", "OAuthError"],
    ["__proto__", "OAuthError"],
    ["constructor", "OAuthError"],
  ] as const;

  test.each(errors)("%s on the way back: %s", async (error, name) => {
    const transaction = await begin();
    issuer.spoils = {
      callback: (url) => {
        url.searchParams.delete("code");
        url.searchParams.set("error", error);
        url.searchParams.set("error_description", "why");
      },
    };
    const answer = issuer.client().exchangeCallback(issuer.authorize(transaction.url), transaction);
    await expect(answer).rejects.toBeInstanceOf(OAuthError);
    await expect(answer).rejects.toMatchObject({ name, error, error_description: "why" });
  });

  test.each(errors)("%s of the token endpoint: %s", async (error, name) => {
    issuer.spoils = { answer: (right, { endpoint }) => (endpoint === "token" ? json({ error }, 400) : right) };
    await expect(issuer.signIn(issuer.client())).rejects.toMatchObject({ name, error, error_description: undefined });
  });

  test("its texts are cut at 256 characters and have no control characters, and are in no message", async () => {
    const transaction = await begin();
    issuer.spoils = {
      callback: (url) => {
        url.searchParams.set("error", `x\r\n\u0000\u202e${"y".repeat(300)}`);
        url.searchParams.set("error_description", `${"a".repeat(255)}\u{1f600}`);
      },
    };
    const error = await issuer
      .client()
      .exchangeCallback(issuer.authorize(transaction.url), transaction)
      .catch((thrown: OAuthError) => thrown);
    if (!(error instanceof OAuthError)) throw new Error("It was accepted.");
    expect(error.error).toMatch(/^xy{251}$/);
    expect(error.error_description).toBe("a".repeat(255));
    expect(error.message).toBe("The issuer refused the request.");
  });

  test("a description that is no text is left out", async () => {
    issuer.spoils = {
      answer: (right, { endpoint }) =>
        endpoint === "token" ? json({ error: "invalid_client", error_description: {} }, 401) : right,
    };
    await expect(issuer.signIn(issuer.client())).rejects.toMatchObject({
      error: "invalid_client",
      error_description: undefined,
    });
  });
});
