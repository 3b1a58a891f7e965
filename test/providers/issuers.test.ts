import { describe, expect, test } from "vitest";
import { type AuthpiOptions, authpi } from "../../src/providers/authpi.ts";
import { type GitlabOptions, gitlab } from "../../src/providers/gitlab.ts";
import { type OidcProviderOptions, oidc } from "../../src/providers/oidc.ts";
import { attempt, codeForEs256, codeOf, IssuerStandIn } from "../support/provider-stand-in.ts";

const clientId = "client-1";

function standIn(issuer: string, paths: readonly [string, string, string], claims: Readonly<Record<string, unknown>>) {
  const [authorize, token, keys] = paths.map((path) => `${issuer}${path}`);
  return new IssuerStandIn({
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    metadata: {
      issuer,
      authorization_endpoint: authorize,
      token_endpoint: token!,
      jwks_uri: keys!,
      userinfo_endpoint: `${issuer}/userinfo`,
    } as object as { issuer: string; jwks_uri: string; token_endpoint: string },
    claims: { iss: issuer, aud: clientId, email: "ada@example.com", email_verified: true, name: "Ada", ...claims },
  });
}

describe("OC30: GitLab", () => {
  const paths = ["/oauth/authorize", "/oauth/token", "/oauth/discovery/keys"] as const;
  function world(issuerUrl = "https://gitlab.com", more: Partial<GitlabOptions> = {}) {
    const site = standIn(issuerUrl, paths, { sub: "4124", nickname: "ada", preferred_username: "ada" });
    return { site, provider: gitlab({ clientId, clientSecret: "s3cret", fetch: site.fetch, ...more }) };
  }

  test("a sign-in at gitlab.com: the numeric id, whatever the user name is", async () => {
    const { site, provider } = world();
    expect(provider).toMatchObject({ name: "gitlab", label: "GitLab", issuers: ["https://gitlab.com"] });
    const expected = { issuer: "https://gitlab.com", subject: "4124", email: "ada@example.com", emailVerified: true };
    expect(await site.signIn(provider)).toMatchObject(expected);
    expect((await site.signIn(provider, { preferred_username: "eve" })).subject).toBe("4124");
  });

  test("an own instance, at a private host that is listed", async () => {
    const issuerUrl = "https://gitlab.corp.internal";
    const { site, provider } = world(issuerUrl, { issuerUrl, privateHosts: ["gitlab.corp.internal"] });
    expect((await site.signIn(provider)).issuer).toBe(issuerUrl);
    expect(() => world(issuerUrl, { issuerUrl })).toThrow("issuerUrl");
  });

  test("attack: a token of another algorithm, whose key is in the set: refused", async () => {
    const { site, provider } = world();
    expect(await codeForEs256(site, provider)).toBe("invalid_token_response");
  });

  test("generic OpenID Connect accepts it", async () => {
    const { site } = world();
    const generic = oidc({ name: "g", issuerUrl: "https://gitlab.com", clientId, fetch: site.fetch });
    expect(await codeForEs256(site, generic)).toBe("accepted");
  });

  test("an unverified address is not verified", async () => {
    const { site, provider } = world();
    expect((await site.signIn(provider, { email_verified: false })).emailVerified).toBe(false);
  });
});

describe("OC35: AuthPI", () => {
  const issuerUrl = "https://acme.authpi.example";
  const organization = { id: "org_1", title: "Acme", scopes: ["member"], joined_at: 1_700_000_000 };
  function world(more: Partial<AuthpiOptions> = {}) {
    const claims = { sub: "usr_1", organizations: [organization] };
    const site = standIn(issuerUrl, ["/authorize", "/token", "/jwks.json"], claims);
    return { site, provider: authpi({ clientId, clientSecret: "s3cret", issuerUrl, fetch: site.fetch, ...more }) };
  }

  test("a sign-in: the subject with its prefix", async () => {
    const { site, provider } = world();
    expect(provider).toMatchObject({ name: "authpi", label: "AuthPI", issuers: [issuerUrl] });
    expect(new URL(await provider.begin(attempt())).searchParams.has("org")).toBe(false);
    expect(await site.signIn(provider)).toMatchObject({ issuer: issuerUrl, subject: "usr_1", emailVerified: true });
  });

  test.each([
    ["agt_1", "account_not_allowed"],
    ["key_1", "account_not_allowed"],
    ["tok_1", "account_not_allowed"],
    ["xyz_1", "invalid_token_response"],
    ["USR_1", "invalid_token_response"],
  ])("attack: the subject %s is no user: %s", async (sub, expected) => {
    const { site, provider } = world();
    expect(await codeOf(site.signIn(provider, { sub }))).toBe(expected);
  });

  test("org: in the URL, and checked in the claims, because the user can change the URL", async () => {
    const { site, provider } = world({ org: "org_1" });
    expect(new URL(await provider.begin(attempt())).searchParams.get("org")).toBe("org_1");
    expect(await codeOf(site.signIn(provider))).toBe("accepted");
    const other = [{ ...organization, id: "org_2" }];
    for (const organizations of [other, [], undefined]) {
      expect(await codeOf(site.signIn(provider, { organizations }))).toBe("account_not_allowed");
    }
  });

  test.each([
    ["no list", "org_1"],
    ["an entry without scopes", [{ ...organization, scopes: undefined }]],
    ["one organization twice", [organization, organization]],
  ])("OC15: organizations that are %s: refused", async (_, organizations) => {
    const { site, provider } = world();
    expect(await codeOf(site.signIn(provider, { organizations }))).toBe("invalid_token_response");
  });
});

describe("OC30: generic OpenID Connect", () => {
  const issuerUrl = "https://login.acme.example";
  function world(more: Partial<OidcProviderOptions> = {}) {
    const site = standIn(issuerUrl, ["/authorize", "/token", "/jwks"], {
      sub: "u-1",
      amr: ["pwd", 1, "otp"],
      acr: "high",
    });
    return {
      site,
      provider: oidc({ name: "acme", issuerUrl, clientId, clientSecret: "s3cret", fetch: site.fetch, ...more }),
    };
  }

  test("a sign-in", async () => {
    const { site, provider } = world();
    expect(await site.signIn(provider)).toEqual({
      issuer: issuerUrl,
      subject: "u-1",
      email: "ada@example.com",
      emailVerified: true,
      name: "Ada",
      amr: ["pwd", "otp"],
      acr: "high",
      tokens: { access_token: "access-1", expires_at: expect.any(Number), scope: "openid email profile" },
    });
  });

  test("R087: the same address from two issuers: two identities", async () => {
    const { site, provider } = world();
    const there = await site.signIn(provider);
    const elsewhere = standIn("https://other.example", ["/authorize", "/token", "/jwks"], { sub: "u-1" });
    const other = oidc({ name: "other", issuerUrl: "https://other.example", clientId, fetch: elsewhere.fetch });
    const here = await elsewhere.signIn(other);
    expect([here.email, here.subject]).toEqual([there.email, there.subject]);
    expect(here.issuer).not.toBe(there.issuer);
  });

  test("B39: an address is one text", async () => {
    const { site, provider } = world({ scopes: ["openid"] });
    for (const email of [["ada@example.com"], { address: "ada@example.com" }, 1, ""]) {
      expect((await site.signIn(provider, { email })).email).toBeUndefined();
    }
  });

  test("identityOf: reads an issuer's own claims", async () => {
    const { site, provider } = world({ identityOf: (claims) => ({ name: claims.get("given_name") as string }) });
    expect((await site.signIn(provider, { given_name: "A." })).name).toBe("A.");
  });

  test("the variants of known providers are no options", () => {
    expect(() => world({ variant: {} } as object)).toThrow("variant");
  });
});

test("OC47: an issuer whose identities a function reads sends no messages, because their subjects may be others", () => {
  const options = { name: "acme", issuerUrl: "https://acme.example", clientId: "c", clientSecret: "s" };
  expect(oidc(options).readNotice).toBeTypeOf("function");
  expect(oidc({ ...options, identityOf: () => ({}) }).readNotice).toBeUndefined();
});
