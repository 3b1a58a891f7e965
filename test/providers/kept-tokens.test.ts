import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { github } from "../../src/providers/github.ts";
import { google } from "../../src/providers/google.ts";
import { oauth2 } from "../../src/providers/oauth2.ts";
import { oidc } from "../../src/providers/oidc.ts";
import { openProvider, type RealIssuer } from "../support/oidc-provider.ts";
import { attempt, StandIn, signInAt } from "../support/provider-stand-in.ts";

const redirectUri = "https://app.example/callback";
const refusedWith = (error: string) => expect.objectContaining({ error });

describe("OC46: the tokens of a real issuer", () => {
  let issuer: RealIssuer;
  beforeAll(async () => {
    const client = { client_id: "app", client_secret: "s3cret", redirect_uris: [redirectUri] };
    issuer = await openProvider([{ ...client, grant_types: ["authorization_code", "refresh_token"] }]);
    for (const subject of ["ada", "eve"]) issuer.users.set(subject, { email: `${subject}@example.com` });
  });
  afterAll(() => issuer.close());

  const provider = () =>
    oidc({
      name: "acme",
      issuerUrl: issuer.url,
      clientId: "app",
      clientSecret: "s3cret",
      scopes: ["openid", "email", "offline_access"],
    });

  async function signIn(subject: string) {
    const begun = attempt({ redirectUri });
    const answer = await issuer.walk(await provider().begin(begun), new Map(), subject);
    return (await provider().finish(new URL(answer), begun)).tokens!;
  }

  test("come with a sign-in, and are refreshed", async () => {
    const tokens = await signIn("ada");
    expect(tokens).toMatchObject({ scope: "openid email", expires_at: expect.any(Number) });
    const renewed = await provider().refresh!(tokens.refresh_token!, "ada");
    expect(renewed.access_token).not.toBe(tokens.access_token);
    expect(renewed.expires_at).toBeGreaterThan(Date.now() / 1_000);
    expect(Object.keys(renewed).toSorted()).toEqual(["access_token", "expires_at", "refresh_token", "scope"]);
  });

  test("a refresh token that was spent or invented: invalid_grant", async () => {
    const { refresh_token: spent } = await signIn("ada");
    await provider().refresh!(spent!, "ada");
    for (const token of [spent!, "invented"])
      await expect(provider().refresh!(token, "ada")).rejects.toEqual(refusedWith("invalid_grant"));
  });

  test("another user's tokens: refused", async () => {
    const { refresh_token: token } = await signIn("eve");
    await expect(provider().refresh!(token!, "ada")).rejects.toEqual(refusedWith("subject_mismatch"));
  });
});

describe("OC46: the tokens of OAuth 2 servers", () => {
  const urls = {
    authorizeUrl: "https://login.acme.example/authorize",
    accessTokenUrl: "https://login.acme.example/token",
    userinfoUrl: "https://api.acme.example/me",
  };
  const site = () => new StandIn().put(urls.userinfoUrl, { json: { sub: "u-1" } });
  const providerAt = ({ fetch }: StandIn) =>
    oauth2({
      name: "acme",
      issuer: "https://acme.example",
      clientId: "c",
      clientSecret: "s",
      scope: "repo",
      ...urls,
      fetch,
    });

  test("a token without an end has none, and the scopes are those that were asked for", async () => {
    const endless = { access_token: "access-1", token_type: "bearer" };
    const { tokens } = await signInAt(providerAt(site().put(urls.accessTokenUrl, { json: endless })));
    expect(tokens).toEqual({ access_token: "access-1", scope: "repo" });
  });

  test("a refresh sends the token and the client's proof", async () => {
    const json = { access_token: "access-2", token_type: "bearer", expires_in: 60, refresh_token: "refresh-2" };
    const acme = site().put(urls.accessTokenUrl, { json });
    const renewed = await providerAt(acme).refresh!("refresh-1", "u-1");
    expect(renewed).toMatchObject({ access_token: "access-2", refresh_token: "refresh-2" });
    expect(Object.fromEntries(acme.seen[0]!.form)).toEqual({
      grant_type: "refresh_token",
      refresh_token: "refresh-1",
      client_id: "c",
      client_secret: "s",
    });
  });

  test.each([
    ["an error", { json: { error: "invalid_grant" }, status: 400 }, "invalid_grant"],
    ["HTML", { body: "<html>", headers: { "content-type": "text/html" } }, "issuer_invalid_response"],
    ["no token", { json: { token_type: "bearer" } }, "invalid_token_response"],
  ])("a refresh that is answered with %s: refused", async (_what, reply, error) => {
    const acme = site().put(urls.accessTokenUrl, reply);
    await expect(providerAt(acme).refresh!("refresh-1", "u-1")).rejects.toEqual(refusedWith(error));
  });

  test("GitHub refuses with a code of its own and the status 200", async () => {
    const acme = new StandIn().put("https://github.com/login/oauth/access_token", {
      json: { error: "bad_refresh_token" },
    });
    const provider = github({ clientId: "c", clientSecret: "s", fetch: acme.fetch });
    await expect(provider.refresh!("refresh-1", "1")).rejects.toEqual(refusedWith("bad_refresh_token"));
  });
});

test("OC31: Google is asked for a refresh token only if the application wants one", async () => {
  const metadata = {
    issuer: "https://accounts.google.com",
    authorization_endpoint: "https://accounts.google.com/o/oauth2/v2/auth",
    token_endpoint: "https://oauth2.googleapis.com/token",
    jwks_uri: "https://www.googleapis.com/oauth2/v3/certs",
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
    code_challenge_methods_supported: ["S256"],
  };
  const site = new StandIn().put("https://accounts.google.com/.well-known/openid-configuration", { json: metadata });
  const accessType = async (offline: boolean | undefined) => {
    const provider = google({
      clientId: "c",
      clientSecret: "s",
      fetch: site.fetch,
      ...(offline !== undefined && { offline }),
    });
    return new URL(await provider.begin(attempt())).searchParams.get("access_type");
  };
  expect([await accessType(undefined), await accessType(false), await accessType(true)]).toEqual([
    null,
    null,
    "offline",
  ]);
});
