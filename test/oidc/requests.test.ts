import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sha256Base64Url } from "../../src/crypto/digest.ts";
import { createDpop, type OAuthError } from "../../src/oidc/index.ts";
import { type IssuerRequest, json, now, type Spoils, TestIssuer } from "../support/issuer.ts";
import { createKey, headerOf, signRaw } from "../support/tokens/signer.ts";

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

describe("OC9, R089, 004.10: getUserInfo", () => {
  const organizations = [{ id: "org_1", title: "A", scopes: ["member"], joined_at: 1 }];
  const profile = {
    email: "ada@example.com",
    email_verified: true,
    name: "Ada",
    picture: "https://a.example/a.png",
    organizations,
  };
  const ask = async (spoils: Spoils) => {
    const client = issuer.client();
    const agent = await issuer.signIn(client, { sub: "usr_1", ...profile });
    issuer.spoils = spoils;
    return await client.getUserInfo(agent);
  };
  /** Signed userinfo: OpenID Connect Core §5.3.2. */
  const signed = (change: (claims: object) => object, header: object = {}, key = () => issuer.keys[0]!): Spoils => ({
    answer: async (right, { endpoint }) => {
      if (endpoint !== "userinfo") return right;
      const token = await signRaw(
        key(),
        { ...headerOf(key()), ...header },
        change({ sub: "usr_1", iss: issuer.url, aud: "app", name: "Ada" }) as never,
      );
      return new Response(token, { headers: { "content-type": "application/jwt" } });
    },
  });

  test("every field", async () => {
    const { email_verified: emailVerified, ...rest } = profile;
    expect(await ask({})).toEqual({ sub: "usr_1", emailVerified, ...rest });
  });

  test("only the subject, and claims of other types are left out", async () => {
    expect(
      await ask({ userInfo: () => ({ sub: "usr_1", email: 1, email_verified: "true", name: {}, picture: null }) }),
    ).toEqual({
      sub: "usr_1",
      email: undefined,
      emailVerified: undefined,
      name: undefined,
      picture: undefined,
      organizations: [],
    });
  });

  test.each<[string, Spoils, object]>([
    [
      "another subject",
      { userInfo: (right) => ({ ...(right as object), sub: "usr_2" }) },
      { name: "SubjectMismatchError", expected_sub: "usr_1", actual_sub: "usr_2" },
    ],
    ["no subject", { userInfo: () => ({ name: "Ada" }) }, { field: "userinfo.sub" }],
    ["a subject that is a number", { userInfo: () => ({ sub: 1 }) }, { field: "userinfo.sub" }],
    [
      "a malformed organization",
      { userInfo: () => ({ sub: "usr_1", organizations: [{}] }) },
      { field: "userinfo.organizations" },
    ],
    [
      "over 64 KiB",
      { userInfo: () => ({ sub: "usr_1", name: "a".repeat(65_536) }) },
      { error: "issuer_invalid_response" },
    ],
    [
      "too little scope",
      {
        answer: () => json({}, 403, { "www-authenticate": 'Bearer realm="a", error="insufficient_scope", scope="x"' }),
      },
      { name: "InsufficientScopeError" },
    ],
    [
      "a token that ended",
      { answer: () => json({}, 401, { "www-authenticate": 'DPoP error="invalid_token"' }) },
      { name: "OAuthError", error: "invalid_token" },
    ],
    ["an error in the body", { answer: () => json({ error: "user_blocked" }, 403) }, { name: "UserBlockedError" }],
    ["no right", { answer: () => json({}, 401) }, { error: "issuer_invalid_response" }],
    ["signed, for another client", signed((claims) => ({ ...claims, aud: "other" })), { field: "id_token.aud" }],
    [
      "signed, of another issuer",
      signed((claims) => ({ ...claims, iss: "https://other.example" })),
      { field: "id_token.iss" },
    ],
    [
      "signed, about another subject",
      signed((claims) => ({ ...claims, sub: "usr_2" })),
      { name: "SubjectMismatchError" },
    ],
    ["signed, over", signed((claims) => ({ ...claims, exp: 1 })), { field: "id_token.exp" }],
    [
      "signed, with an end that is no number",
      signed((claims) => ({ ...claims, exp: null })),
      { field: "id_token.exp" },
    ],
    ["signed with none", signed((claims) => claims, { alg: "none" }), { field: "id_token" }],
    ["signed as an access token", signed((claims) => claims, { typ: "at+jwt" }), { field: "id_token.typ" }],
  ])("%s: refused", async (_name, spoils, expected) => {
    await expect(ask(spoils)).rejects.toMatchObject(expected);
  });

  test("signed by another key: refused", async () => {
    const attacker = await createKey("ES256", "k1");
    await expect(
      ask(
        signed(
          (claims) => claims,
          {},
          () => attacker,
        ),
      ),
    ).rejects.toMatchObject({ field: "id_token.signature" });
  });

  test.each([
    ["without times", {}],
    ["with times", { exp: 4_102_444_800, iat: 1 }],
  ])("signed %s: accepted", async (_name, times) => {
    expect(await ask(signed((claims) => ({ ...claims, ...times })))).toMatchObject({ sub: "usr_1", name: "Ada" });
  });
});

test("hasUserInfo: whether the issuer has the endpoint", async () => {
  expect(await issuer.client().hasUserInfo()).toBe(true);
  const other = await TestIssuer.open();
  other.spoils = { metadata: (right) => ({ ...right, userinfo_endpoint: undefined }) };
  expect(await other.client().hasUserInfo()).toBe(false);
});

describe("OC10, 004.11: createLogoutUrl", () => {
  test("a promise before the issuer is known, and a text after", async () => {
    const client = issuer.client();
    const first = client.createLogoutUrl();
    expect(first).toBeInstanceOf(Promise);
    expect(await first).toBe("https://issuer.example/logout?client_id=app");
    expect(client.createLogoutUrl()).toBe("https://issuer.example/logout?client_id=app");
  });

  test("every option", async () => {
    const url = await issuer
      .client()
      .createLogoutUrl({ idTokenHint: "a.b.c", postLogoutRedirectUri: "https://app.example/?a=b&c", state: "s" });
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      id_token_hint: "a.b.c",
      client_id: "app",
      post_logout_redirect_uri: "https://app.example/?a=b&c",
      state: "s",
    });
  });

  test("an issuer without the endpoint: refused, also once it is known", async () => {
    issuer.spoils = { metadata: (right) => ({ ...right, end_session_endpoint: undefined }) };
    const client = issuer.client();
    await expect(client.createLogoutUrl()).rejects.toMatchObject({ name: "ConfigurationError" });
    expect(() => client.createLogoutUrl()).toThrow(expect.objectContaining({ name: "ConfigurationError" }));
  });
});

describe("OC11, 004.12: clientCredentials", () => {
  const machine = (options: object = {}) => issuer.client({ principalType: undefined as never, ...options });

  test("an agent with the token's scopes, without organizations", async () => {
    const agent = await machine().clientCredentials(["users:read", "posts:*"]);
    expect(agent).toMatchObject({ id: "app", type: "agent", organizations: [] });
    expect(agent.email).toBeUndefined();
    expect(agent.tokens.refresh_token).toBeUndefined();
    expect([
      agent.hasAccess("read", "users"),
      agent.hasAccess("write", "users"),
      agent.hasAccess("write", "posts"),
    ]).toEqual([true, false, true]);
    expect(Object.fromEntries(issuer.requests.at(-1)!.form)).toEqual({
      grant_type: "client_credentials",
      scope: "users:read posts:*",
    });
  });

  test("an answer that names no scopes grants those that were asked for (RFC 6749 §5.1)", async () => {
    issuer.spoils = { tokens: ({ scope: _, ...right }: Record<string, unknown>) => right } as Spoils;
    const agent = await machine().clientCredentials(["users:read"]);
    expect([agent.tokens.scope, agent.hasAccess("read", "users")]).toEqual(["users:read", true]);
    expect((await machine().clientCredentials()).tokens.scope).toBeUndefined();
  });

  test("1,000 callers make one request, and the token serves until 60 seconds before its end", async () => {
    await Promise.all(Array.from({ length: 1_000 }, async () => await machine().clientCredentials(["a:b"])));
    later(3_540);
    await machine().clientCredentials(["a:b"]);
    expect(issuer.count("token")).toBe(1);
    later(1);
    await machine().clientCredentials(["a:b"]);
    expect(issuer.count("token")).toBe(2);
  });

  test.each<[string, object, string[]]>([
    ["scopes", {}, ["c:d"]],
    ["resources", { resources: ["https://api.example"] }, ["a:b"]],
    ["secret", { clientSecret: "another" }, ["a:b"]],
    ["function that makes the secret", { clientSecret: async () => "another" }, ["a:b"]],
    ["client", { clientId: "other" }, ["a:b"]],
  ])("another %s has a token of its own", async (_name, options, scopes) => {
    const first = await machine().clientCredentials(["a:b"]);
    const second = await machine(options).clientCredentials(scopes);
    expect(second.tokens.access_token).not.toBe(first.tokens.access_token);
    expect((await machine().clientCredentials(["a:b"])).tokens.access_token).toBe(first.tokens.access_token);
  });

  test("another key has a token of its own", async () => {
    const [one, other] = [await createKey("ES256", "a"), await createKey("ES256", "b")];
    const made = async ({ privateKey: key }: typeof one) =>
      (await machine({ clientSecret: undefined, privateKey: { key } }).clientCredentials()).tokens.access_token;
    expect(await made(one)).not.toBe(await made(other));
    expect(await made(one)).toBe(await made(one));
  });

  test("a refusal is thrown, and not kept", async () => {
    issuer.spoils = {
      instead: ({ endpoint }) => (endpoint === "token" ? json({ error: "invalid_client" }, 401) : undefined),
    };
    expect(await codeOf(machine().clientCredentials())).toBe("invalid_client");
    issuer.spoils = {};
    expect(await codeOf(machine().clientCredentials())).toBe("accepted");
  });
});

describe("OC12, 004.13: revokeToken", () => {
  test.each([undefined, "access_token", "refresh_token"] as const)("with the hint %s", async (hint) => {
    await issuer.client({ resources: ["https://api.example"] }).revokeToken("some token", hint);
    const { form, headers } = issuer.requests.at(-1)!;
    expect(Object.fromEntries(form)).toEqual({ token: "some token", ...(hint && { token_type_hint: hint }) });
    expect(headers.get("authorization")).toMatch(/^Basic /);
  });

  test("an empty answer of 200 is a success, whatever its media type", async () => {
    issuer.spoils = { answer: (right, { endpoint }) => (endpoint === "revocation" ? new Response("") : right) };
    expect(await codeOf(issuer.client().revokeToken("unknown"))).toBe("accepted");
  });

  test.each([
    ["unsupported_token_type", () => json({ error: "unsupported_token_type" }, 400), "unsupported_token_type"],
    ["503", () => new Response("", { status: 503 }), "issuer_invalid_response"],
    ["302", () => new Response("", { status: 302 }), "issuer_invalid_response"],
  ])("%s: refused", async (_name, answer, expected) => {
    issuer.spoils = { answer: (right, { endpoint }) => (endpoint === "revocation" ? answer() : right) };
    expect(await codeOf(issuer.client().revokeToken("token"))).toBe(expected);
  });
});

describe("OC24, RFC 9449: DPoP", () => {
  const bound: Spoils = { tokens: (right) => ({ ...(right as object), token_type: "DPoP" }) };
  const proofOf = async ({ headers, url }: IssuerRequest) => {
    const { payload, protectedHeader } = await jwtVerify<{ htm: string; ath?: string; nonce?: string }>(
      headers.get("dpop")!,
      EmbeddedJWK,
      {
        typ: "dpop+jwt",
        currentDate: new Date(),
      },
    );
    expect(payload).toMatchObject({ htu: url, iat: now() });
    expect(protectedHeader.alg).toBe("ES256");
    expect(Object.keys(protectedHeader.jwk!).sort()).toEqual(["crv", "kty", "x", "y"]);
    return { ...payload, thumbprint: await calculateJwkThumbprint(protectedHeader.jwk!) };
  };
  const asked = (endpoint: string) => issuer.requests.filter((request) => request.endpoint === endpoint);

  test("each request has a proof of its own of one key, and userinfo's has the token's hash", async () => {
    issuer.spoils = bound;
    const client = issuer.client({ dpop: await createDpop() });
    const agent = await issuer.signIn(client);
    await client.refresh(agent);
    await client.getUserInfo(agent);
    const [first, second] = await Promise.all(asked("token").map(proofOf));
    const third = await proofOf(asked("userinfo")[0]!);
    expect([first!.htm, third.htm]).toEqual(["POST", "GET"]);
    expect(new Set([first!.jti, second!.jti, third.jti]).size).toBe(3);
    expect(new Set([first!.thumbprint, second!.thumbprint, third.thumbprint]).size).toBe(1);
    expect([first!.ath, third.ath]).toEqual([undefined, await sha256Base64Url(agent.tokens.access_token)]);
    expect(asked("userinfo")[0]!.headers.get("authorization")).toBe(`DPoP ${agent.tokens.access_token}`);
    expect(agent.tokens.token_type).toBe("DPoP");
  });

  test("the private key cannot be exported", async () => {
    const { key } = await createDpop();
    expect(key.extractable).toBe(false);
  });

  test("a nonce that the issuer wants: one more try, with a new proof and a new assertion", async () => {
    const wanted = "nonce-1";
    issuer.spoils = {
      ...bound,
      instead: ({ endpoint, headers }) => {
        if (endpoint !== "token") return undefined;
        const claims = JSON.parse(atob(headers.get("dpop")!.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/")));
        return claims.nonce === wanted ? undefined : json({ error: "use_dpop_nonce" }, 400, { "dpop-nonce": wanted });
      },
    };
    const { privateKey: key } = await createKey("ES256", "a");
    const client = issuer.client({ dpop: await createDpop(), clientSecret: undefined as never, privateKey: { key } });
    const agent = await issuer.signIn(client);
    expect(asked("token")).toHaveLength(2);
    expect(new Set(asked("token").map(({ form }) => form.get("client_assertion"))).size).toBe(2);
    // The nonce is known now.
    await client.refresh(agent);
    expect(asked("token")).toHaveLength(3);
  });

  test("userinfo wants a nonce too", async () => {
    issuer.spoils = bound;
    const client = issuer.client({ dpop: await createDpop() });
    const agent = await issuer.signIn(client);
    let tries = 0;
    issuer.spoils = {
      instead: ({ endpoint }) => {
        if (endpoint !== "userinfo" || tries++ > 0) return undefined;
        return json({}, 401, { "www-authenticate": 'DPoP error="use_dpop_nonce"', "dpop-nonce": "n" });
      },
    };
    expect((await client.getUserInfo(agent)).sub).toBe("usr_1");
    expect((await proofOf(asked("userinfo")[1]!)).nonce).toBe("n");
  });

  test("an issuer that wants another nonce each time: refused after two tries", async () => {
    let nonce = 0;
    issuer.spoils = {
      instead: ({ endpoint }) =>
        endpoint === "token" ? json({ error: "use_dpop_nonce" }, 400, { "dpop-nonce": `n${++nonce}` }) : undefined,
    };
    expect(await codeOf(issuer.signIn(issuer.client({ dpop: await createDpop() })))).toBe("use_dpop_nonce");
    expect(asked("token")).toHaveLength(2);
  });

  test("tokens that are not bound: refused", async () => {
    await expect(issuer.signIn(issuer.client({ dpop: await createDpop() }))).rejects.toMatchObject({
      field: "token_type",
    });
  });

  test("an issuer that does not announce it: refused before anything is sent", async () => {
    issuer.spoils = { metadata: ({ dpop_signing_alg_values_supported: _, ...rest }) => rest };
    const refused = issuer.signIn(issuer.client({ dpop: await createDpop() }));
    await expect(refused).rejects.toMatchObject({ name: "ConfigurationError", option: "dpop" });
    expect(issuer.count("token")).toBe(0);
  });

  test("two keys have client tokens of their own", async () => {
    issuer.spoils = bound;
    const made = async () =>
      (await issuer.client({ dpop: await createDpop() }).clientCredentials()).tokens.access_token;
    expect(await made()).not.toBe(await made());
  });
});
