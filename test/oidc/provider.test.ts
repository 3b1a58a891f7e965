import * as openid from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseJws } from "../../src/crypto/jws.ts";
import {
  AuthenticatedAgent,
  createDpop,
  createIdpClient,
  type IdpClientOptions,
  TokenSet,
} from "../../src/oidc/index.ts";
import { type Browser, cancelled, openProvider, type RealIssuer } from "../support/oidc-provider.ts";
import { openStandIn, replyWith } from "../support/stand-in.ts";
import { createKey, type TestKey } from "../support/tokens/signer.ts";

const redirectUri = "https://app.example/callback";
const clientSecret = "s3cret:/+~%";
const api = "https://api.example/";
let issuer: RealIssuer;
let clientKey: TestKey;

beforeAll(async () => {
  clientKey = await createKey("ES256", "client-key");
  const redirect_uris = [redirectUri];
  const web = { client_secret: clientSecret, redirect_uris, post_logout_redirect_uris: ["https://app.example/bye"] };
  issuer = await openProvider([
    { client_id: "app", ...web, grant_types: ["authorization_code", "refresh_token", "client_credentials"] },
    { client_id: "post", ...web, token_endpoint_auth_method: "client_secret_post" },
    { client_id: "public", redirect_uris, token_endpoint_auth_method: "none" },
    { client_id: "key", redirect_uris, token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [clientKey.jwk] } },
    { client_id: "rsa", ...web, id_token_signed_response_alg: "RS256" },
    { client_id: "signed", ...web, userinfo_signed_response_alg: "ES256" },
    { client_id: "bound", ...web, dpop_bound_access_tokens: true },
  ]);
  issuer.users.set("usr_ada", {
    email: "ada@example.com",
    email_verified: true,
    name: "Ada",
    picture: "https://app.example/ada.png",
    organizations: [{ id: "org_1", title: "Engines", scopes: ["owner", "projects:**"], joined_at: 1_700_000_000 }],
  });
  issuer.users.set("usr_eve", { email: "eve@example.com", email_verified: false });
});
afterAll(() => issuer.close());

const clientFor = (clientId: string, more: Partial<IdpClientOptions> = {}) =>
  createIdpClient({
    issuerUrl: issuer.url,
    clientId,
    redirectUri,
    ...(!["public", "key"].includes(clientId) && { clientSecret }),
    ...more,
  });
const scopes = ["openid", "email", "profile", "offline_access"];

async function signIn(client = clientFor("app"), browser: Browser = new Map(), subject = "usr_ada", more: object = {}) {
  const transaction = await client.createAuthorizationUrl({ scopes, ...more });
  return await client.exchangeCallback(await issuer.walk(transaction.url, browser, subject), transaction);
}

describe("a sign-in at oidc-provider", () => {
  test("004.4 to 004.20: the agent, its user and its organizations", async () => {
    const agent = await signIn();
    expect(agent).toMatchObject({
      id: "usr_ada",
      type: "user",
      email: "ada@example.com",
      emailVerified: true,
      organizations: [{ id: "org_1", title: "Engines", scopes: ["owner", "projects:**"], joined_at: 1_700_000_000 }],
    });
    expect([
      agent.hasAccessIn("org_1", "write", "projects.tasks"),
      agent.isOwnerOf("org_1"),
      agent.isAdminOf("org_1"),
    ]).toEqual([true, true, false]);
    expect(await clientFor("app").getUserInfo(agent)).toEqual({
      sub: "usr_ada",
      email: "ada@example.com",
      emailVerified: true,
      name: "Ada",
      picture: "https://app.example/ada.png",
      organizations: agent.organizations,
    });
  });

  test.each<[string, () => Partial<IdpClientOptions>]>([
    ["post", () => ({})],
    ["public", () => ({})],
    ["key", () => ({ privateKey: { key: clientKey.privateKey, keyId: "client-key" } })],
    ["rsa", () => ({})],
    ["bound", () => ({})],
  ])("the client %s", async (clientId, options) => {
    const more =
      clientId === "bound"
        ? { dpop: await createDpop() }
        : clientId === "post"
          ? { clientAuthentication: "post" as const }
          : {};
    const client = clientFor(clientId, { ...options(), ...more });
    const agent = await signIn(client);
    expect(agent.id).toBe("usr_ada");
    expect(agent.tokens.token_type).toBe(clientId === "bound" ? "DPoP" : "Bearer");
    const renewed = await client.refresh(agent);
    expect(renewed.tokens.access_token).not.toBe(agent.tokens.access_token);
    expect((await client.getUserInfo(renewed)).name).toBe("Ada");
  });

  test("signed userinfo", async () => {
    const client = clientFor("signed");
    expect(await client.getUserInfo(await signIn(client))).toMatchObject({ sub: "usr_ada", name: "Ada" });
  });

  test("an unverified address stays unverified", async () => {
    expect(await signIn(clientFor("app"), new Map(), "usr_eve")).toMatchObject({
      email: "eve@example.com",
      emailVerified: false,
    });
  });

  test("OC19: a code that is replayed is refused, and so is another verifier", async () => {
    const client = clientFor("app");
    const transaction = await client.createAuthorizationUrl({ scopes });
    const callback = await issuer.walk(transaction.url, new Map(), "usr_ada");
    await client.exchangeCallback(callback, transaction);
    await expect(client.exchangeCallback(callback, transaction)).rejects.toMatchObject({ error: "invalid_grant" });
    const other = await client.createAuthorizationUrl({ scopes });
    const code = new URL(await issuer.walk(other.url, new Map(), "usr_ada")).searchParams.get("code")!;
    await expect(client.exchangeCode(code, "v".repeat(43))).rejects.toMatchObject({ error: "invalid_grant" });
  });

  test("prompt none without a session: LoginRequiredError; with one: signed in without a page", async () => {
    const browser: Browser = new Map();
    await expect(signIn(clientFor("app"), browser, "usr_ada", { prompt: "none" })).rejects.toMatchObject({
      name: "LoginRequiredError",
    });
    await signIn(clientFor("app"), browser);
    expect((await signIn(clientFor("app"), browser, "nobody", { prompt: "none" })).id).toBe("usr_ada");
  });

  test("maxAge: the ID token proves it", async () => {
    const browser: Browser = new Map();
    await signIn(clientFor("app"), browser);
    expect((await signIn(clientFor("app"), browser, "usr_ada", { maxAge: 300 })).id).toBe("usr_ada");
  });

  test("RFC 8707: an access token for a resource", async () => {
    const agent = await signIn(clientFor("app", { resources: [api] }), new Map(), "usr_ada", {
      scopes: ["openid", "users:read"],
    });
    const [, payload] = agent.tokens.access_token.split(".");
    expect(JSON.parse(atob(payload!.replaceAll("-", "+").replaceAll("_", "/")))).toMatchObject({
      aud: api,
      sub: "usr_ada",
    });
  });

  test("DPoP: the issuer wants a nonce, and binds the tokens", async () => {
    const dpop = await createDpop();
    const client = clientFor("app", { dpop });
    const agent = await signIn(client);
    expect(dpop.nonces.size).toBe(1);
    await expect(clientFor("app").getUserInfo(agent)).rejects.toMatchObject({ error: "invalid_token" });
  });
});

describe("004.8, 004.9: stored tokens and the issuer's refresh", () => {
  test("a new refresh token each time, and the old one ends everything", async () => {
    const client = clientFor("app");
    const first = await signIn(client);
    const second = await client.refresh(first);
    const stored = JSON.parse(JSON.stringify(second.tokens));
    const third = await client.createAgent(stored, { onRefresh: () => undefined });
    expect([second.id, third.id]).toEqual(["usr_ada", "usr_ada"]);
    // The answer of the first refresh serves this isolate for some seconds. Another isolate would end the family.
    expect((await client.refresh(first)).tokens.access_token).toBe(second.tokens.access_token);
  });

  test("organizations that changed show after the refresh", async () => {
    issuer.users.set("usr_bob", { organizations: [] });
    const client = clientFor("app");
    const agent = await signIn(client, new Map(), "usr_bob");
    issuer.users.set("usr_bob", { organizations: [{ id: "org_2", title: null, scopes: ["member"], joined_at: 1 }] });
    expect((await client.refresh(agent)).isMemberOf("org_2")).toBe(true);
    expect(agent.isMemberOf("org_2")).toBe(false);
  });

  test("a user that the issuer deleted: RefreshError", async () => {
    issuer.users.set("usr_gone", {});
    const client = clientFor("app");
    const agent = await signIn(client, new Map(), "usr_gone");
    issuer.users.delete("usr_gone");
    await expect(client.refresh(agent)).rejects.toMatchObject({
      name: "RefreshError",
      error: "invalid_grant",
      status_code: 400,
    });
  });

  test("keys that are rotated, with the old ones kept or not: everybody stays signed in", async () => {
    const fetch = async (url: string, init: RequestInit) => await globalThis.fetch(url, init);
    const client = clientFor("app", { fetch });
    const agent = await signIn(client);
    await issuer.rotateKeys(true);
    expect((await client.createAgent(agent.tokens)).id).toBe("usr_ada");
    await issuer.rotateKeys();
    // An isolate that begins now.
    const fresh = clientFor("app", { fetch: async (url, init) => await globalThis.fetch(url, init) });
    expect((await fresh.refresh(agent)).id).toBe("usr_ada");
    expect((await signIn(fresh)).id).toBe("usr_ada");
  });
});

describe("004.11 to 004.13: without a user, and the end", () => {
  test("client credentials", async () => {
    const agent = await clientFor("app", { resources: [api] }).clientCredentials(["users:read"]);
    expect([agent.id, agent.type, agent.organizations]).toEqual(["app", "agent", []]);
    expect([agent.hasAccess("read", "users"), agent.hasAccess("write", "users")]).toEqual([true, false]);
  });

  test("a revoked token is refused, and revoking an unknown token succeeds", async () => {
    const client = clientFor("app");
    const agent = await signIn(client);
    await client.revokeToken(agent.tokens.access_token, "access_token");
    await expect(client.getUserInfo(agent)).rejects.toMatchObject({ error: "invalid_token" });
    await expect(client.revokeToken("unknown")).resolves.toBeUndefined();
  });

  test("signing out at the issuer ends its session", async () => {
    const client = clientFor("app");
    const browser: Browser = new Map();
    const agent = await signIn(client, browser);
    const url = await client.createLogoutUrl({
      idTokenHint: agent.tokens.id_token!,
      postLogoutRedirectUri: "https://app.example/bye",
      state: "done",
    });
    expect(await issuer.walk(url, browser, "usr_ada")).toBe("https://app.example/bye?state=done");
    await expect(signIn(client, browser, "usr_ada", { prompt: "none" })).rejects.toMatchObject({
      error: "login_required",
    });
  });
});

describe("what the issuer can do for other tests", () => {
  test("signing out at the issuer tells its clients by the back channel", async () => {
    const listener = await openStandIn("/back-channel");
    listener.replies = [replyWith(200, "")];
    const told = { client_id: "told", client_secret: clientSecret, redirect_uris: [redirectUri] };
    const other = await openProvider([
      { ...told, backchannel_logout_uri: listener.url, backchannel_logout_session_required: true },
    ]);
    try {
      other.users.set("usr_ada", {});
      const client = createIdpClient({ issuerUrl: other.url, clientId: "told", clientSecret, redirectUri });
      const browser: Browser = new Map();
      const transaction = await client.createAuthorizationUrl({ scopes: ["openid"] });
      const agent = await client.exchangeCallback(await other.walk(transaction.url, browser, "usr_ada"), transaction);
      await other.walk(await client.createLogoutUrl({ idTokenHint: agent.tokens.id_token! }), browser, "usr_ada");
      expect(other.failures).toEqual([]);
      const token = new URLSearchParams(listener.asked[0]!.text).get("logout_token")!;
      expect(parseJws(token)).toMatchObject({ type: "logout+jwt" });
      expect(Object.fromEntries(parseJws(token)!.claims)).toMatchObject({
        iss: other.url,
        aud: "told",
        sub: "usr_ada",
      });
      // R074: it is no ID token.
      await expect(client.createAgent({ ...agent.tokens.toJSON(), id_token: token })).rejects.toMatchObject({
        field: "id_token.typ",
      });
    } finally {
      await other.close();
      await listener.close();
    }
  });

  test("a user who cancels", async () => {
    const client = clientFor("app");
    const transaction = await client.createAuthorizationUrl({ scopes });
    const callback = await issuer.walk(transaction.url, new Map(), cancelled);
    await expect(client.exchangeCallback(callback, transaction)).rejects.toMatchObject({ error: "access_denied" });
  });
});

describe("openid-client and this client understand each other", () => {
  const configured = async () =>
    await openid.discovery(new URL(issuer.url), "app", clientSecret, openid.ClientSecretBasic(clientSecret), {
      execute: [openid.allowInsecureRequests],
    });

  test("openid-client ends the sign-in that this client began", async () => {
    const transaction = await clientFor("app").createAuthorizationUrl({ scopes });
    const callback = await issuer.walk(transaction.url, new Map(), "usr_ada");
    const tokens = await openid.authorizationCodeGrant(await configured(), new URL(callback), {
      pkceCodeVerifier: transaction.codeVerifier,
      expectedState: transaction.state,
      expectedNonce: transaction.nonce,
    });
    expect(tokens.claims()?.sub).toBe("usr_ada");
    const stored = TokenSet.from({ ...tokens, expires_at: Math.floor(Date.now() / 1_000) + tokens.expires_in! });
    const agent = await clientFor("app").createAgent(stored);
    expect(agent).toBeInstanceOf(AuthenticatedAgent);
    expect(agent.email).toBe("ada@example.com");
  });

  test("this client ends the sign-in that openid-client began", async () => {
    const configuration = await configured();
    const codeVerifier = openid.randomPKCECodeVerifier();
    const [state, nonce] = [openid.randomState(), openid.randomNonce()];
    const url = openid.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: scopes.join(" "),
      code_challenge: await openid.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: "S256",
      state,
      nonce,
    });
    const callback = await issuer.walk(url.href, new Map(), "usr_ada");
    const createdAt = Math.floor(Date.now() / 1_000);
    const transaction = { url: url.href, codeVerifier, state, nonce, issuer: issuer.url, redirectUri, createdAt };
    const agent = await clientFor("app").exchangeCallback(callback, transaction);
    expect(agent.id).toBe("usr_ada");
    // Either refreshes what the other got.
    const refreshed = await openid.refreshTokenGrant(configuration, agent.tokens.refresh_token!);
    expect(refreshed.claims()?.sub).toBe("usr_ada");
    const info = await openid.fetchUserInfo(configuration, refreshed.access_token, "usr_ada");
    expect(info.email).toBe("ada@example.com");
  });
});
