import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { discord } from "../../src/providers/discord.ts";
import { github } from "../../src/providers/github.ts";
import { google } from "../../src/providers/google.ts";
import { microsoft } from "../../src/providers/microsoft.ts";
import { oauth2 } from "../../src/providers/oauth2.ts";
import { oidc } from "../../src/providers/oidc.ts";
import { TestIssuer } from "../support/issuer.ts";
import { openProvider, type RealIssuer } from "../support/oidc-provider.ts";
import { attempt, IssuerStandIn, StandIn, signInAt } from "../support/provider-stand-in.ts";

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

  const identity = (subject: string) => ({ issuer: issuer.url, subject });
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
    const renewed = await provider().refresh!(tokens.refresh_token!, identity("ada"));
    expect(renewed.access_token).not.toBe(tokens.access_token);
    expect(renewed.expires_at).toBeGreaterThan(Date.now() / 1_000);
    expect(Object.keys(renewed).toSorted()).toEqual(["access_token", "expires_at", "refresh_token", "scope"]);
  });

  test("a refresh token that was spent or invented: invalid_grant", async () => {
    const { refresh_token: spent } = await signIn("ada");
    await provider().refresh!(spent!, identity("ada"));
    for (const token of [spent!, "invented"])
      await expect(provider().refresh!(token, identity("ada"))).rejects.toEqual(refusedWith("invalid_grant"));
  });

  test("OC43: revoked, a refresh token and its access tokens are worth nothing; an unknown one counts as revoked", async () => {
    const tokens = await signIn("ada");
    await provider().revoke!(tokens.refresh_token!, "refresh_token");
    const again = provider().refresh!(tokens.refresh_token!, identity("ada"));
    await expect(again).rejects.toEqual(refusedWith("invalid_grant"));
    await expect(provider().revoke!("unknown", "access_token")).resolves.toBeUndefined();
  });

  test("another user's tokens: refused", async () => {
    const { refresh_token: token } = await signIn("eve");
    await expect(provider().refresh!(token!, identity("ada"))).rejects.toEqual(refusedWith("subject_mismatch"));
  });
});

describe("OC46: a refresh that brings an ID token", () => {
  const tenant = "0f2c1e8a-6f0b-4b53-9d1c-3b7f6b1d2a55";
  const base = `https://login.microsoftonline.com/${tenant}`;
  const microsoftSite = () =>
    new IssuerStandIn({
      discoveryUrl: `${base}/v2.0/.well-known/openid-configuration`,
      metadata: {
        ...{ issuer: `${base}/v2.0`, token_endpoint: `${base}/oauth2/v2.0/token`, jwks_uri: `${base}/keys` },
        ...{ authorization_endpoint: `${base}/oauth2/v2.0/authorize` },
        ...{ token_endpoint_auth_methods_supported: ["client_secret_post"] },
      },
      claims: { ver: "2.0", iss: `${base}/v2.0`, sub: "AAAA", aud: "c", tid: tenant, oid: crypto.randomUUID() },
    });
  const microsoftOf = (site: IssuerStandIn, subjectClaim: "sub" | "oid") =>
    microsoft({ clientId: "c", clientSecret: "s", tenant, subjectClaim, fetch: site.fetch });

  test.each(["sub", "oid"] as const)("Microsoft, whose subject is %s: of the same user alone", async (subjectClaim) => {
    const site = microsoftSite();
    const provider = microsoftOf(site, subjectClaim);
    const { issuer, subject } = await site.signIn(provider);
    expect((await provider.refresh!("refresh-1", { issuer, subject })).access_token).toBe("access-1");
    const other = { issuer: issuer.replace(tenant, crypto.randomUUID()), subject };
    for (const identity of [{ issuer, subject: "another" }, other])
      await expect(provider.refresh!("refresh-1", identity)).rejects.toEqual(refusedWith("subject_mismatch"));
  });

  test("keys out of reach: the refresh token is not spent", async () => {
    const site = microsoftSite().put(`${base}/keys`, { status: 503, body: "" });
    const identity = { issuer: `${base}/v2.0`, subject: "AAAA" };
    await expect(microsoftOf(site, "sub").refresh!("refresh-1", identity)).rejects.toEqual(
      refusedWith("issuer_invalid_response"),
    );
    expect(site.to(`${base}/oauth2/v2.0/token`)).toEqual([]);
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
    const renewed = await providerAt(acme).refresh!("refresh-1", { issuer: "https://acme.example", subject: "u-1" });
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
    await expect(
      providerAt(acme).refresh!("refresh-1", { issuer: "https://acme.example", subject: "u-1" }),
    ).rejects.toEqual(refusedWith(error));
  });

  test("GitHub refuses with a code of its own and the status 200", async () => {
    const acme = new StandIn().put("https://github.com/login/oauth/access_token", {
      json: { error: "bad_refresh_token" },
    });
    const provider = github({ clientId: "c", clientSecret: "s", fetch: acme.fetch });
    await expect(provider.refresh!("refresh-1", { issuer: "https://github.com", subject: "1" })).rejects.toEqual(
      refusedWith("bad_refresh_token"),
    );
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

describe("OC43: revoking at an issuer", () => {
  const of = (issuer: TestIssuer) =>
    oidc({ name: "acme", issuerUrl: issuer.url, clientId: "app", clientSecret: "s", fetch: issuer.fetch });

  test("without a revocation endpoint: nothing is asked", async () => {
    const issuer = new TestIssuer();
    issuer.spoils.metadata = ({ revocation_endpoint: _, ...metadata }) => metadata;
    await of(issuer).revoke!("token", "refresh_token");
    expect(issuer.revoked).toEqual([]);
  });
});

describe("OC43: revoking at a site of OAuth 2.0", () => {
  const urls = {
    authorizeUrl: "https://acme.example/authorize",
    accessTokenUrl: "https://acme.example/token",
    userinfoUrl: "https://acme.example/me",
  };
  const revocationUrl = "https://acme.example/revoke";
  const of = (site: StandIn, more: object = { revocationUrl }) =>
    oauth2({
      name: "acme",
      issuer: "https://acme.example",
      clientId: "c",
      clientSecret: "s",
      ...urls,
      ...more,
      fetch: site.fetch,
    });

  test("the token and its kind are sent, with the client's secret", async () => {
    const site = new StandIn().put(revocationUrl, { body: "" });
    await of(site).revoke!("token-1", "refresh_token");
    const [request] = site.to(revocationUrl);
    expect(Object.fromEntries(request!.form)).toEqual({
      ...{ token: "token-1", token_type_hint: "refresh_token", client_id: "c", client_secret: "s" },
    });
  });

  test.each([503, 400])("an answer with status %i: refused, so that it is tried again", async (status) => {
    const site = new StandIn().put(revocationUrl, { status, json: { error: "invalid_client" } });
    await expect(of(site).revoke!("token-1", "refresh_token")).rejects.toThrow();
  });

  test("without the option it revokes nothing, and a wrong URL is refused where the provider is made", () => {
    expect(of(new StandIn(), {}).revoke).toBeUndefined();
    for (const wrong of ["http://acme.example/revoke", "https://127.0.0.1/revoke", "/revoke", ""]) {
      expect(() => of(new StandIn(), { revocationUrl: wrong })).toThrow(/revocationUrl/);
    }
  });

  test("Discord has one", () => {
    expect(discord({ clientId: "c", clientSecret: "s" }).revoke).toBeTypeOf("function");
  });
});
