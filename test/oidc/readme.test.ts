/**
 * The README of AuthPI's Python client (version 0.3.0), from its first call to its last, in TypeScript, against a real issuer.
 * The titles have the numbers of its named things.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AuthenticatedAgent,
  createIdpClient,
  hasAccess,
  InsufficientScopeError,
  OAuthError,
  parseScope,
  RefreshError,
  TokenExpiredError,
  TokenSet,
  type TokenSetJson,
  UserBlockedError,
} from "../../src/oidc/index.ts";
import { openProvider, type RealIssuer } from "../support/oidc-provider.ts";

const redirectUri = "https://yourapp.example/callback";
let issuer: RealIssuer;
let now: () => number;

beforeAll(async () => {
  issuer = await openProvider([
    {
      client_id: "your-client-id",
      client_secret: "your-client-secret",
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: ["https://yourapp.example"],
      grant_types: ["authorization_code", "refresh_token", "client_credentials"],
    },
  ]);
  issuer.users.set("usr_123", {
    email: "ada@example.com",
    email_verified: true,
    name: "Ada",
    organizations: [
      {
        id: "org_123",
        title: "Engines",
        scopes: ["owner", "admin", "projects:**", "users:read"],
        joined_at: 1_700_000_000,
      },
      { id: "org_456", title: null, scopes: ["billing:read"], joined_at: 1_700_000_001 },
    ],
  });
  now = () => Math.floor(Date.now() / 1_000);
});
afterAll(() => issuer.close());

// 004.1, 004.2: the client. There is one, which waits with `await`, because these runtimes have no blocking calls.
const clientOfReadme = () =>
  createIdpClient({
    issuerUrl: issuer.url,
    clientId: "your-client-id",
    clientSecret: "your-client-secret",
    redirectUri,
    autoRefresh: true,
    refreshBufferSeconds: 60,
  });

/** The browser's part: the user signs in at the issuer, and comes back with a code and the state. */
async function comeBack(url: string): Promise<URLSearchParams> {
  return new URL(await issuer.walk(url, new Map(), "usr_123")).searchParams;
}

async function signedIn(): Promise<AuthenticatedAgent> {
  const client = clientOfReadme();
  const auth = await client.createAuthorizationUrl({ scopes: ["openid", "profile", "email"] });
  return await client.exchangeCallback(await issuer.walk(auth.url, new Map(), "usr_123"), auth);
}

describe("the README in its order", () => {
  test("004.4 to 004.6: sign in, with the low-level call", async () => {
    const client = clientOfReadme();
    const auth = await client.createAuthorizationUrl({ scopes: ["openid", "profile", "email"] });
    const session = { state: auth.state, nonce: auth.nonce, codeVerifier: auth.codeVerifier };
    const back = await comeBack(auth.url);
    expect(back.get("state")).toBe(session.state);
    const { agent, nonceVerified } = await client.exchangeCode(back.get("code")!, session.codeVerifier, session);
    expect([agent.id, nonceVerified]).toEqual(["usr_123", true]);
  });

  test("004.52: the same with the call of version 1, which checks everything", async () => {
    const agent = await signedIn();
    expect(agent.email).toBe("ada@example.com");
  });

  test("004.3: the client in a context", async () => {
    const seen: string[] = [];
    {
      const client = clientOfReadme();
      try {
        seen.push((await client.createAuthorizationUrl({ scopes: ["openid"] })).issuer);
      } finally {
        await client[Symbol.asyncDispose]();
      }
      await expect(client.clientCredentials()).rejects.toMatchObject({ name: "ConfigurationError" });
    }
    expect(seen).toEqual([issuer.url]);
  });

  test("004.7, 004.8, 004.14: tokens in a session, and back, with the callbacks", async () => {
    const client = clientOfReadme();
    const session: { tokens: TokenSetJson } = { tokens: (await signedIn()).tokens.toJSON() };
    session.tokens = JSON.parse(JSON.stringify(session.tokens));
    const agent = await client.createAgent(session.tokens);
    expect(await client.createAgent(TokenSet.from(session.tokens), { autoRefresh: false })).toMatchObject({
      id: agent.id,
    });

    const due = { ...session.tokens, expires_at: now() + 59 };
    const failures: OAuthError[] = [];
    const renewed = await client.createAgent(due, {
      onRefresh: async (tokens) => {
        session.tokens = tokens;
      },
      onRefreshError: (error) => failures.push(error),
    });
    expect(session.tokens).toEqual(renewed.tokens.toJSON());
    expect([renewed.id, failures]).toEqual(["usr_123", []]);
  });

  test("004.9, 004.10: refresh by hand, and the user's profile", async () => {
    const client = clientOfReadme();
    const agent = await client.refresh(await signedIn());
    const user = await client.getUserInfo(agent);
    expect([user.sub, user.email, user.name, user.picture]).toEqual(["usr_123", "ada@example.com", "Ada", undefined]);
    expect(user.organizations).toHaveLength(2);
  });

  test("004.11: sign out", async () => {
    const client = clientOfReadme();
    const agent = await signedIn();
    const url = await client.createLogoutUrl({
      idTokenHint: agent.tokens.id_token!,
      postLogoutRedirectUri: "https://yourapp.example",
      state: "optional-state",
    });
    expect(new URL(url).searchParams.get("post_logout_redirect_uri")).toBe("https://yourapp.example");
  });

  test("004.12, 004.13: machine to machine, and revocation", async () => {
    const client = clientOfReadme();
    const agent = await client.clientCredentials();
    expect([agent.type, agent.organizations]).toEqual(["agent", []]);
    await client.revokeToken(agent.tokens.access_token, "access_token");
    await client.revokeToken((await signedIn()).tokens.refresh_token!, "refresh_token");
  });

  test("004.15 to 004.22: the agent", async () => {
    const agent = await signedIn();
    expect([agent.id, agent.type, agent.email, agent.emailVerified]).toEqual([
      "usr_123",
      "user",
      "ada@example.com",
      true,
    ]);
    expect(agent.tokens.token_type).toBe("Bearer");
    expect(agent.organizations.map(({ id, title }) => [id, title])).toEqual([
      ["org_123", "Engines"],
      ["org_456", null],
    ]);
    expect(agent.expiresAt).toBeGreaterThan(now());
    expect(agent.expiresIn).toBeGreaterThan(3_500);
    expect([agent.isExpired(), agent.isExpired(0), agent.isExpired(4_000)]).toEqual([false, false, true]);
  });

  test("004.23 to 004.27: authorization", async () => {
    const agent = await signedIn();
    expect(agent.hasAccess("read", "projects")).toBe(true);
    expect(agent.hasAccess("delete", "projects.tasks")).toBe(true);
    expect(agent.hasAccess("delete", "users")).toBe(false);
    expect(agent.hasAccessIn("org_123", "read", "users")).toBe(true);
    expect(agent.hasAccessIn("org_456", "read", "users")).toBe(false);
    expect(agent.getScopesFor("org_456")).toEqual(["billing:read"]);
    expect([agent.isOwnerOf("org_123"), agent.isAdminOf("org_123"), agent.isMemberOf("org_456")]).toEqual([
      true,
      true,
      true,
    ]);
    // Roll your own.
    const billing = agent.organizations.filter(({ scopes }) => scopes.includes("billing:read")).map(({ id }) => id);
    expect([agent.id, billing]).toEqual(["usr_123", ["org_456"]]);
  });

  test("004.40 to 004.47: scopes on their own", () => {
    expect(hasAccess(["projects:**", "users:read"], "read", "projects")).toBe(true);
    expect(hasAccess(["projects:**"], "delete", "projects.tasks")).toBe(true);
    expect(hasAccess(["users:*"], "write", "users")).toBe(true);
    expect(hasAccess(["*:read"], "read", "users")).toBe(true);
    expect(hasAccess(["*:**"], "write", "anything.at.all")).toBe(true);
    expect(hasAccess(["owner"], "read", "users")).toBe(false);
    expect(parseScope("users.verifiers:write")).toEqual({ resource: "users.verifiers", action: "write" });
    expect(parseScope("projects:**")).toEqual({ resource: "projects", action: "**" });
  });
});

describe("004.28 to 004.39: the error example, with its five branches", () => {
  async function answer(work: () => Promise<unknown>): Promise<string> {
    try {
      await work();
      return "the page";
    } catch (error) {
      if (error instanceof TokenExpiredError) return "sign in again";
      if (error instanceof RefreshError) return `refresh failed: ${error.status_code}`;
      if (error instanceof InsufficientScopeError) return "forbidden";
      if (error instanceof UserBlockedError) return "blocked";
      if (error instanceof OAuthError) return `error: ${error.error} ${error.error_description}`;
      throw error;
    }
  }

  test("no error", async () => {
    expect(await answer(async () => await signedIn())).toBe("the page");
  });

  test("TokenExpiredError", async () => {
    const { refresh_token: _, ...tokens } = (await signedIn()).tokens.toJSON();
    expect(await answer(async () => await clientOfReadme().createAgent({ ...tokens, expires_at: 1 }))).toBe(
      "sign in again",
    );
  });

  test("RefreshError", async () => {
    const tokens = { ...(await signedIn()).tokens.toJSON(), expires_at: 1 };
    await clientOfReadme().revokeToken(tokens.refresh_token!);
    expect(await answer(async () => await clientOfReadme().createAgent(tokens))).toBe("refresh failed: 400");
  });

  test.each([
    ["insufficient_scope", "forbidden"],
    ["user_blocked", "blocked"],
    ["server_error", "error: server_error why"],
  ])("%s: %s", async (error, expected) => {
    const auth = await clientOfReadme().createAuthorizationUrl({ scopes: ["openid"] });
    const query = new URLSearchParams({ error, error_description: "why", state: auth.state, iss: issuer.url });
    const work = async () => await clientOfReadme().exchangeCallback(`${redirectUri}?${query}`, auth);
    expect(await answer(work)).toBe(expected);
  });
});
