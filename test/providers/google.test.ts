import { describe, expect, test } from "vitest";
import { type GoogleOptions, google } from "../../src/providers/google.ts";
import { attempt, callback, codeForEs256, codeOf, IssuerStandIn, signInAt } from "../support/provider-stand-in.ts";

const issuer = "https://accounts.google.com";
const clientId = "1234987819200.apps.googleusercontent.com";

/** As Google's documentation shows its discovery document and an ID token's payload. */
function world(more: Partial<GoogleOptions> = {}) {
  const site = new IssuerStandIn({
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    metadata: {
      issuer,
      authorization_endpoint: "https://accounts.google.com/o/oauth2/v2/auth",
      token_endpoint: "https://oauth2.googleapis.com/token",
      userinfo_endpoint: "https://openidconnect.googleapis.com/v1/userinfo",
      jwks_uri: "https://www.googleapis.com/oauth2/v3/certs",
      id_token_signing_alg_values_supported: ["RS256"],
      token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
    } as object as { issuer: string; jwks_uri: string; token_endpoint: string },
    claims: {
      iss: issuer,
      azp: clientId,
      aud: clientId,
      sub: "10769150350006150715113082367",
      email: "jsmith@example.com",
      email_verified: true,
      name: "J. Smith",
      hd: "example.com",
    },
  });
  return { site, provider: google({ clientId, clientSecret: "s3cret", fetch: site.fetch, ...more }) };
}

describe("OC31: Google", () => {
  test("a sign-in", async () => {
    const { site, provider } = world();
    expect(provider).toMatchObject({ name: "google", label: "Google", issuers: [issuer] });
    const url = new URL(await provider.begin(attempt()));
    expect(url.searchParams.get("scope")).toBe("openid email profile");
    expect(url.searchParams.has("hd")).toBe(false);
    expect(await site.signIn(provider)).toMatchObject({
      issuer,
      subject: "10769150350006150715113082367",
      email: "jsmith@example.com",
      emailVerified: true,
      name: "J. Smith",
    });
  });

  test("the issuer without https: the same identity", async () => {
    const { site, provider } = world();
    const [one, other] = [await site.signIn(provider), await site.signIn(provider, { iss: "accounts.google.com" })];
    expect({ ...other, tokens: undefined }).toEqual({ ...one, tokens: undefined });
    expect(other.issuer).toBe(issuer);
  });

  test.each([
    "https://accounts.google.com/",
    "http://accounts.google.com",
    "google.com",
    "",
    undefined,
    ["accounts.google.com"],
  ])("attack: the issuer %j: refused", async (iss) => {
    const { site, provider } = world();
    expect(await codeOf(site.signIn(provider, { iss }))).toBe("invalid_token_response");
  });

  test("attack: metadata that names the issuer without https: refused", async () => {
    const { site, provider } = world();
    site.put(`${issuer}/.well-known/openid-configuration`, { json: { issuer: "accounts.google.com" } });
    expect(await codeOf(signInAt(provider))).toBe("issuer_mismatch");
  });

  test.each([
    ["another nonce", { nonce: "x".repeat(64) }],
    ["no nonce", { nonce: undefined }],
    ["another audience", { aud: "other" }],
    ["another party", { azp: "other" }],
    ["expired", { exp: 1 }],
    ["no subject", { sub: undefined }],
    ["a numeric subject", { sub: 10769 }],
  ])("attack: an ID token with %s: refused", async (_, claims) => {
    const { site, provider } = world();
    expect(await codeOf(site.signIn(provider, claims))).toBe("invalid_token_response");
  });

  test("attack: a token of another algorithm, whose key is in the set: refused", async () => {
    const { site, provider } = world();
    expect(await codeForEs256(site, provider)).toBe("invalid_token_response");
  });

  test("attack: a token of another key: refused", async () => {
    const { site, provider } = world();
    const modulus = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
    site.key = crypto.subtle.generateKey({ name: "RSASSA-PKCS1-v1_5", ...modulus }, true, ["sign", "verify"]);
    expect(await codeOf(site.signIn(provider))).toBe("invalid_token_response");
  });

  test.each([
    [true, true],
    ["true", true],
    [false, false],
    ["false", false],
    [1, false],
    ["TRUE", false],
    [undefined, false],
  ])("email_verified %j: %j", async (email_verified, expected) => {
    const { site, provider } = world();
    expect((await site.signIn(provider, { email_verified })).emailVerified).toBe(expected);
  });

  test("no address in the ID token: the userinfo endpoint is asked about the same subject", async () => {
    const { site, provider } = world();
    const url = "https://openidconnect.googleapis.com/v1/userinfo";
    const found = { sub: "10769150350006150715113082367", email: "j@example.com", email_verified: "false" };
    site.put(url, { json: found });
    const claims = { email: undefined, email_verified: undefined };
    expect(await site.signIn(provider, claims)).toMatchObject({ email: "j@example.com", emailVerified: false });
    // What the ID token says counts.
    site.put(url, { json: { ...found, name: "Eve" } });
    expect((await site.signIn(provider, claims)).name).toBe("J. Smith");
    // An ID token that calls no address verified does not vouch for the other one.
    site.put(url, { json: found });
    expect((await site.signIn(provider, { email: undefined, email_verified: true })).emailVerified).toBe(false);
    site.put(url, { json: { ...found, sub: "other" } });
    expect(await codeOf(site.signIn(provider, claims))).toBe("subject_mismatch");
  });

  test("the `iss` of RFC 9207: only its own", async () => {
    const { site, provider } = world();
    const from = (iss: string) => site.signIn(provider, {}, (begun) => callback(begun, { iss }));
    expect(await codeOf(from(issuer))).toBe("accepted");
    expect(await codeOf(from("https://evil.example"))).toBe("issuer_mismatch");
  });
});

describe("OC31: hostedDomain", () => {
  test.each([
    ["the domain", "example.com", "accepted"],
    ["another domain", "evil.example", "account_not_allowed"],
    ["a domain below it", "a.example.com", "account_not_allowed"],
    ["a personal account, which has none", undefined, "account_not_allowed"],
    ["a list", ["example.com"], "account_not_allowed"],
  ])("%s: %s: %s", async (_, hd, expected) => {
    const { site, provider } = world({ hostedDomain: "example.com" });
    // An address of the domain proves no membership.
    expect(await codeOf(site.signIn(provider, { hd, email: "jsmith@example.com" }))).toBe(expected);
  });

  test("is a hint in the URL", async () => {
    const url = new URL(await world({ hostedDomain: "example.com" }).provider.begin(attempt()));
    expect(url.searchParams.get("hd")).toBe("example.com");
  });

  test.each(["Example.com", "*", "", "example"])("%j: refused where the provider is made", (hostedDomain) => {
    expect(() => world({ hostedDomain })).toThrow("hostedDomain");
  });
});
