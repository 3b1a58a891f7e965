import { describe, expect, test } from "vitest";
import { ConfigurationError, createIdpClient, type IdpClientOptions } from "../../src/oidc/index.ts";
import { TestIssuer } from "../support/issuer.ts";

const right = { issuerUrl: "https://issuer.example", clientId: "app", clientSecret: "a-secret-that-no-message-shows" };
const made = (options: object) => createIdpClient({ ...right, ...options } as IdpClientOptions);
const thrownBy = (options: object): ConfigurationError => {
  try {
    made(options);
  } catch (error) {
    return error as ConfigurationError;
  }
  throw new Error("It was accepted.");
};
const ecKey = async (usages: KeyUsage[], namedCurve = "P-256") =>
  (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve }, false, usages)) as CryptoKeyPair;

describe("OC1: an option that cannot be used is refused when the client is made", () => {
  test.each<[string, string, unknown]>([
    ["issuer missing", "issuerUrl", undefined],
    ["issuer over http", "issuerUrl", "http://issuer.example"],
    ["issuer with a query", "issuerUrl", "https://issuer.example/?a"],
    ["issuer with an empty query", "issuerUrl", "https://issuer.example/?"],
    ["issuer with a fragment", "issuerUrl", "https://issuer.example/#a"],
    ["issuer with a user", "issuerUrl", "https://a@issuer.example"],
    ["issuer with a password", "issuerUrl", "https://a:b@issuer.example"],
    ["issuer that is no URL", "issuerUrl", "issuer.example"],
    ["issuer of another scheme", "issuerUrl", "ftp://issuer.example"],
    ["issuer with a space", "issuerUrl", "https://issuer.example/a b"],
    ["issuer that is an object", "issuerUrl", new URL("https://issuer.example")],
    ["issuer at a private address", "issuerUrl", "https://10.0.0.1"],
    ["issuer at a private name", "issuerUrl", "https://idp.internal"],
    ["client id missing", "clientId", undefined],
    ["client id empty", "clientId", ""],
    ["client id with a line end", "clientId", "a\n"],
    ["redirect URI with a fragment", "redirectUri", "https://app.example/#"],
    ["redirect URI that is relative", "redirectUri", "/callback"],
    ["secret empty", "clientSecret", ""],
    ["secret a number", "clientSecret", 1],
    ["secret null", "clientSecret", null],
    ["authentication unknown", "clientAuthentication", "client_secret_basic"],
    ["authentication none with a secret", "clientAuthentication", "none"],
    ["autoRefresh a text", "autoRefresh", "false"],
    ["buffer negative", "refreshBufferSeconds", -1],
    ["buffer over an hour", "refreshBufferSeconds", 3_601],
    ["buffer with a fraction", "refreshBufferSeconds", 0.5],
    ["buffer a text", "refreshBufferSeconds", "60"],
    ["six resources", "resources", Array.from({ length: 6 }, (_, at) => `https://api.example/${at}`)],
    ["resource with a fragment", "resources", ["https://api.example/#a"]],
    ["resource that is relative", "resources", ["api"]],
    ["resources a text", "resources", "https://api.example"],
    ["time-out under 100", "timeoutMs", 99],
    ["time-out over 30000", "timeoutMs", 30_001],
    ["tolerance over 60", "clockToleranceSeconds", 61],
    ["tolerance negative", "clockToleranceSeconds", -1],
    ["algorithms empty", "algorithms", []],
    ["algorithm none", "algorithms", ["none"]],
    ["algorithm HS256", "algorithms", ["ES256", "HS256"]],
    ["principal type unknown", "principalType", "admin"],
    ["private host as a URL", "privateHosts", ["https://idp.internal"]],
    ["private host in capitals", "privateHosts", ["IDP.internal"]],
    ["private host with a port", "privateHosts", ["idp.internal:8443"]],
    ["DPoP made by hand", "dpop", { key: {}, header: {}, nonces: new Map() }],
    ["fetch no function", "fetch", {}],
    ["an unknown option", "clientSecrets", "a"],
    ["an option of a prototype", "constructor", "a"],
  ])("%s", (_name, option, value) => {
    const error = thrownBy({ [option]: value });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ error: "configuration_error", option, name: "ConfigurationError" });
    expect(error.message).toContain(option);
    expect(error.message).not.toContain(right.clientSecret);
  });

  test("authentication by key without a key", () => {
    expect(thrownBy({ clientSecret: undefined, clientAuthentication: "private_key_jwt" }).option).toBe("privateKey");
  });

  test.each([["post"], ["basic"]])("%s without a secret", (clientAuthentication) => {
    expect(thrownBy({ clientSecret: undefined, clientAuthentication }).option).toBe("clientSecret");
  });

  test.each([
    ["a public key", async () => (await ecKey(["sign", "verify"])).publicKey],
    ["P-384", async () => (await ecKey(["sign", "verify"], "P-384")).privateKey],
    ["no key", async () => undefined],
    ["a text", async () => "-----BEGIN PRIVATE KEY-----"],
  ])("privateKey: %s", async (_name, make) => {
    expect(thrownBy({ clientSecret: undefined, privateKey: { key: await make() } }).option).toBe("privateKey");
  });

  test("a secret that cannot be used is not quoted", () => {
    expect(thrownBy({ clientSecret: 12_345_678 }).message).not.toContain("12345678");
  });
});

describe("OC1: what may be used", () => {
  test.each([
    ["only what is needed", {}],
    ["a public client", { clientSecret: undefined }],
    ["a public client that says so", { clientSecret: undefined, clientAuthentication: "none" }],
    ["http on loopback", { issuerUrl: "http://localhost:8080" }],
    ["http on loopback by its address", { issuerUrl: "http://127.0.0.1:8080/realm" }],
    ["http on loopback by its IPv6 address", { issuerUrl: "http://[::1]:8080" }],
    ["a private host that is listed", { issuerUrl: "https://idp.internal", privateHosts: ["idp.internal"] }],
    ["a private address that is listed", { issuerUrl: "https://10.0.0.1", privateHosts: ["10.0.0.1"] }],
    ["bounds below", { refreshBufferSeconds: 0, timeoutMs: 100, clockToleranceSeconds: 0, resources: [] }],
    ["bounds above", { refreshBufferSeconds: 3_600, timeoutMs: 30_000, clockToleranceSeconds: 60 }],
    ["a secret that is made for each request", { clientSecret: async () => "a" }],
    ["a redirect URI of an app", { redirectUri: "com.example.app:/callback" }],
  ])("%s", (_name, options) => {
    expect(() => made(options)).not.toThrow();
  });
});

describe("OC1: what is missing is refused by the call that needs it", () => {
  test.each([
    [
      "redirectUri",
      "createAuthorizationUrl",
      async (issuer: TestIssuer) =>
        await issuer.client({ redirectUri: undefined as never }).createAuthorizationUrl({ scopes: [] }),
    ],
    [
      "redirectUri",
      "exchangeCode",
      async (issuer: TestIssuer) =>
        await issuer.client({ redirectUri: undefined as never }).exchangeCode("code", "v".repeat(43)),
    ],
    [
      "clientSecret",
      "clientCredentials",
      async (issuer: TestIssuer) => await issuer.client({ clientSecret: undefined as never }).clientCredentials(),
    ],
  ])("%s: %s", async (option, _call, call) => {
    const issuer = await TestIssuer.open();
    await expect(call(issuer)).rejects.toMatchObject({ name: "ConfigurationError", option });
    expect(issuer.requests).toEqual([]);
  });

  test.each([
    ["userinfo_endpoint", async (issuer: TestIssuer) => await issuer.client().readUserInfo("token", "usr_1")],
    ["revocation_endpoint", async (issuer: TestIssuer) => await issuer.client().revokeToken("token")],
    ["end_session_endpoint", async (issuer: TestIssuer) => await issuer.client().createLogoutUrl()],
  ])("an issuer without %s", async (name, call) => {
    const issuer = await TestIssuer.open();
    issuer.spoils = { metadata: (right) => ({ ...right, [name]: undefined }) };
    await expect(call(issuer)).rejects.toMatchObject({ name: "ConfigurationError", option: "issuerUrl" });
  });

  test("an issuer that accepts no way of this client", async () => {
    const issuer = await TestIssuer.open();
    issuer.spoils = { metadata: (right) => ({ ...right, token_endpoint_auth_methods_supported: ["tls_client_auth"] }) };
    await expect(issuer.signIn(issuer.client())).rejects.toMatchObject({ option: "clientAuthentication" });
  });
});

describe("OC2: a closed client refuses every call", () => {
  test("await using closes it", async () => {
    const issuer = await TestIssuer.open();
    const client = issuer.client();
    const agent = await issuer.signIn(client);
    const transaction = await client.createAuthorizationUrl({ scopes: [] });
    await client[Symbol.asyncDispose]();
    const calls: Readonly<Record<string, () => unknown>> = {
      createAuthorizationUrl: () => client.createAuthorizationUrl({ scopes: [] }),
      exchangeCallback: () => client.exchangeCallback(issuer.authorize(transaction.url), transaction),
      exchangeForClaims: () => client.exchangeForClaims(issuer.authorize(transaction.url), transaction),
      exchangeCode: () => client.exchangeCode("code", "v".repeat(43)),
      createAgent: () => client.createAgent(agent.tokens),
      refresh: () => client.refresh(agent),
      hasUserInfo: () => client.hasUserInfo(),
      getUserInfo: () => client.getUserInfo(agent),
      readUserInfo: () => client.readUserInfo("token", "usr_1"),
      createLogoutUrl: async () => client.createLogoutUrl(),
      clientCredentials: () => client.clientCredentials(),
      revokeToken: () => client.revokeToken("token"),
    };
    const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(client)).filter((name) => name !== "constructor");
    expect(Object.keys(calls).sort()).toEqual(methods.sort());
    const asked = issuer.requests.length;
    for (const call of Object.values(calls)) await expect(call()).rejects.toMatchObject({ option: "client" });
    expect(issuer.requests).toHaveLength(asked);
  });
});
