/** A generic OAuth 2 provider against `oidc-provider`, the certified server, over HTTP on loopback. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OAuth2ProviderOptions, oauth2 } from "../../src/providers/oauth2.ts";
import { cancelled, openProvider, type RealIssuer } from "../support/oidc-provider.ts";
import { attempt, codeOf } from "../support/provider-stand-in.ts";

/** The server's public name: a provider's URLs are https URLs of a public host. */
const site = "https://login.acme.example";
const redirectUri = "https://app.example/auth/oidc/acme/callback";
const clientSecret = "s3cret:/+~%";
let issuer: RealIssuer;

beforeAll(async () => {
  const web = { client_secret: clientSecret, redirect_uris: [redirectUri] };
  issuer = await openProvider([
    { client_id: "post", ...web, token_endpoint_auth_method: "client_secret_post" },
    { client_id: "basic", ...web },
    { client_id: "none", redirect_uris: [redirectUri], token_endpoint_auth_method: "none" },
  ]);
  issuer.users.set("ada", { email: "ada@acme.example", email_verified: true, name: "Ada" });
});
afterAll(() => issuer.close());

const providerWith = (clientAuthentication: "post" | "basic" | "none", more: Partial<OAuth2ProviderOptions> = {}) =>
  oauth2({
    ...{ name: "acme", issuer: "https://acme.example", responseIssuer: issuer.url, clientId: clientAuthentication },
    ...(clientAuthentication !== "none" && { clientSecret }),
    clientAuthentication,
    authorizeUrl: `${site}/auth`,
    accessTokenUrl: `${site}/token`,
    userinfoUrl: `${site}/me`,
    revocationUrl: `${site}/token/revocation`,
    fetch: (url, init) => fetch(url.replace(site, issuer.url), init),
    ...more,
  });

/** Signs in as far as the server's answer to the browser. */
async function answered(provider: ReturnType<typeof providerWith>, visitor: string | typeof cancelled = "ada") {
  const begun = attempt({ redirectUri });
  const address = (await provider.begin(begun)).replace(site, issuer.url);
  return { begun, url: new URL(await issuer.walk(address, new Map(), visitor)) };
}

describe("OC30: generic OAuth 2, at a server that is not ours", () => {
  test.each(["post", "basic", "none"] as const)("a client that proves itself by %s: signed in", async (how) => {
    const provider = providerWith(how);
    const { begun, url } = await answered(provider);
    expect(await provider.finish(url, begun)).toMatchObject({
      ...{
        issuer: "https://acme.example",
        subject: "ada",
        email: "ada@acme.example",
        emailVerified: true,
        name: "Ada",
      },
      tokens: { access_token: expect.any(String) },
    });
  });

  test("a code is used a second time: the server refuses it, and has revoked the first token", async () => {
    const provider = providerWith("post");
    const { begun, url } = await answered(provider);
    const { tokens } = await provider.finish(url, begun);
    const me = () => fetch(`${issuer.url}/me`, { headers: { authorization: `Bearer ${tokens!.access_token}` } });
    expect((await me()).status).toBe(200);
    expect(await codeOf(provider.finish(url, begun))).toBe("invalid_grant");
    expect((await me()).status).toBe(401);
  });

  test.each([
    ["another code verifier", () => ({}), { codeVerifier: "x".repeat(64) }, "invalid_grant"],
    ["another redirect URI", () => ({}), { redirectUri: "https://evil.example/callback" }, "invalid_grant"],
    ["another secret", () => ({ clientSecret: "guess" }), {}, "invalid_client"],
    ["another `iss`", () => ({ responseIssuer: "https://evil.example" }), {}, "issuer_mismatch"],
    ["another browser's state", () => ({}), { state: "x".repeat(64) }, "state_mismatch"],
  ] as const)("%s: refused", async (_, more, changed, expected) => {
    const { begun, url } = await answered(providerWith("post"));
    expect(await codeOf(providerWith("post", more()).finish(url, { ...begun, ...changed }))).toBe(expected);
  });

  test("the user cancels: refused", async () => {
    const provider = providerWith("post");
    const { begun, url } = await answered(provider, cancelled);
    expect(await codeOf(provider.finish(url, begun))).toBe("access_denied");
  });

  test("a kept token is refreshed and revoked", async () => {
    const provider = providerWith("post");
    const { begun, url } = await answered(provider);
    const { tokens, ...identity } = await provider.finish(url, begun);
    const next = await provider.refresh!(tokens!.refresh_token!, identity);
    expect(next.access_token).not.toBe(tokens!.access_token);
    await provider.revoke!(next.refresh_token!, "refresh_token");
    expect(await codeOf(provider.refresh!(next.refresh_token!, identity))).toBe("invalid_grant");
  });
});
