import { describe, expect, test } from "vitest";
import { type MicrosoftOptions, microsoft } from "../../src/providers/microsoft.ts";
import { oidc } from "../../src/providers/oidc.ts";
import { attempt, callback, codeForEs256, codeOf, IssuerStandIn, signInAt } from "../support/provider-stand-in.ts";

const clientId = "00001111-aaaa-2222-bbbb-3333cccc4444";
const tid = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const otherTid = "bbbbcccc-1111-dddd-2222-eeee3333ffff";
const personal = "9188040d-6c67-4c5b-b112-36a304b66dad";
const oid = "11112222-bbbb-3333-cccc-4444dddd5555";
const issuerOf = (tenant: string) => `https://login.microsoftonline.com/${tenant}/v2.0`;
const discoveryUrlOf = (tenant: string) => `${issuerOf(tenant)}/.well-known/openid-configuration`;

/** As Microsoft's documentation shows the metadata of a tenant, and the payload of an ID token. */
function world(more: Partial<MicrosoftOptions> = {}, announced?: string) {
  const { tenant = "organizations" } = more;
  const isOne = tenant !== "organizations" && tenant !== "common";
  const site = new IssuerStandIn({
    discoveryUrl: discoveryUrlOf(tenant),
    metadata: {
      issuer: announced ?? issuerOf(isOne ? tenant : "{tenantid}"),
      authorization_endpoint: `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/authorize`,
      token_endpoint: `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`,
      userinfo_endpoint: "https://graph.microsoft.com/oidc/userinfo",
      jwks_uri: `https://login.microsoftonline.com/${tenant}/discovery/v2.0/keys`,
      token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt", "client_secret_basic"],
    } as object as { issuer: string; jwks_uri: string; token_endpoint: string },
    claims: {
      ver: "2.0",
      iss: issuerOf(tid),
      sub: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
      aud: clientId,
      tid,
      oid,
      name: "Abe Lincoln",
      preferred_username: "abeli@contoso.com",
      email: "abeli@contoso.com",
    },
  });
  const provider = microsoft({ clientId, clientSecret: "s3cret", fetch: site.fetch, ...more });
  return { site, provider };
}

describe("OC34: Microsoft", () => {
  test.each(["organizations", "common"])("%s: the issuer is the tenant's own", async (tenant) => {
    const { site, provider } = world({ tenant });
    expect(provider).toMatchObject({ name: "microsoft", label: "Microsoft", issuers: [issuerOf("{tenantid}")] });
    const url = new URL(await provider.begin(attempt()));
    expect(url.pathname).toBe(`/${tenant}/oauth2/v2.0/authorize`);
    expect(await site.signIn(provider)).toMatchObject({
      issuer: issuerOf(tid),
      subject: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
      email: "abeli@contoso.com",
      emailVerified: false,
      name: "Abe Lincoln",
    });
  });

  test("R087: the same subject and address in two tenants: two identities", async () => {
    const { site, provider } = world();
    const one = await site.signIn(provider);
    const other = await site.signIn(provider, { tid: otherTid, iss: issuerOf(otherTid) });
    expect([other.subject, other.email]).toEqual([one.subject, one.email]);
    expect(other.issuer).not.toBe(one.issuer);
  });

  test.each([
    ["tid of another tenant", { tid: otherTid }],
    ["iss of another tenant", { iss: issuerOf(otherTid) }],
    ["no tid", { tid: undefined }],
    ["the template itself", { tid: "{tenantid}", iss: issuerOf("{tenantid}") }],
    ["the name common", { tid: "common", iss: issuerOf("common") }],
    ["a path in tid", { tid: `${tid}/x`, iss: issuerOf(`${tid}/x`) }],
    ["tid in capital letters", { tid: tid.toUpperCase(), iss: issuerOf(tid.toUpperCase()) }],
    ["tid in a list", { tid: [tid] }],
    ["an issuer of version 1", { iss: `https://sts.windows.net/${tid}/` }],
    ["an issuer of another cloud", { iss: `https://login.microsoftonline.us/${tid}/v2.0` }],
    ["no iss", { iss: undefined }],
  ])("attack: %s: refused", async (_, claims) => {
    for (const tenant of ["common", "organizations", tid]) {
      const { site, provider } = world({ tenant });
      expect(await codeOf(site.signIn(provider, claims)), tenant).toBe("invalid_token_response");
    }
  });

  test.each([
    ["all tenants", issuerOf("{tenantid}"), "accepted"],
    ["this tenant", issuerOf(tid), "accepted"],
    ["personal accounts", issuerOf(personal), "invalid_token_response"],
    ["another tenant", issuerOf(otherTid), "invalid_token_response"],
    ["nothing that is a text", null, "invalid_token_response"],
  ])("a key for %s", async (_, issuer, expected) => {
    const { site, provider } = world({ tenant: "common" });
    site.keyMembers = { issuer };
    expect(await codeOf(site.signIn(provider))).toBe(expected);
  });

  test("attack: a token of another algorithm, whose key is in the set: refused", async () => {
    const { site, provider } = world();
    expect(await codeForEs256(site, provider)).toBe("invalid_token_response");
  });

  test("one tenant: accepts its own users and no others", async () => {
    const { site, provider } = world({ tenant: tid });
    expect(provider.issuers).toEqual([issuerOf(tid)]);
    expect((await site.signIn(provider)).issuer).toBe(issuerOf(tid));
    const other = { tid: otherTid, iss: issuerOf(otherTid) };
    expect(await codeOf(site.signIn(provider, other))).toBe("invalid_token_response");
  });

  test("one tenant: metadata with the template is refused", async () => {
    const { provider } = world({ tenant: tid }, issuerOf("{tenantid}"));
    expect(await codeOf(signInAt(provider))).toBe("issuer_mismatch");
  });

  test.each([issuerOf(tid), issuerOf("common"), "https://evil.example/{tenantid}/v2.0"])(
    "common: metadata of %s is refused",
    async (announced) => {
      const { provider } = world({ tenant: "common" }, announced);
      expect(await codeOf(signInAt(provider))).toBe("issuer_mismatch");
    },
  );

  test("a generic client of common accepts neither the metadata nor what microsoft() has read of it", async () => {
    const { site, provider } = world({ tenant: "common" });
    await site.signIn(provider);
    const generic = oidc({ name: "generic", issuerUrl: issuerOf("common"), clientId, fetch: site.fetch });
    expect(await codeOf(site.signIn(generic))).toBe("issuer_mismatch");
  });

  test("the `iss` of RFC 9207: a tenant of Microsoft's, or refused", async () => {
    const { site, provider } = world();
    const from = (iss: string) => site.signIn(provider, {}, (begun) => callback(begun, { iss }));
    expect(await codeOf(from(issuerOf(tid)))).toBe("accepted");
    for (const iss of [issuerOf("common"), `https://evil.example/${tid}/v2.0`, `${issuerOf(tid)}/`, tid]) {
      expect(await codeOf(from(iss)), iss).toBe("issuer_mismatch");
    }
  });
});

describe("OC34: personal accounts", () => {
  const claims = { tid: personal, iss: issuerOf(personal) };

  test("refused unless they are allowed", async () => {
    for (const tenant of ["common", "organizations"]) {
      const { site, provider } = world({ tenant });
      expect(await codeOf(site.signIn(provider, claims))).toBe("account_not_allowed");
    }
    const { site, provider } = world({ tenant: "common", allowPersonalAccounts: true });
    expect((await site.signIn(provider, claims)).issuer).toBe(issuerOf(personal));
  });

  test("their tenant alone: needs the same permission", async () => {
    expect(() => world({ tenant: personal })).toThrow("tenant");
    const { site, provider } = world({ tenant: personal, allowPersonalAccounts: true });
    expect((await site.signIn(provider, claims)).issuer).toBe(issuerOf(personal));
  });
});

describe("OC34: the subject", () => {
  test("oid: with the tenant in the issuer, one identity in all applications", async () => {
    const { site, provider } = world({ subjectClaim: "oid" });
    expect(await site.signIn(provider)).toMatchObject({ issuer: issuerOf(tid), subject: oid });
  });

  test.each([undefined, null, "", "admin", 1, oid.toUpperCase()])("attack: the oid %j: refused", async (wrong) => {
    const { site, provider } = world({ subjectClaim: "oid" });
    expect(await codeOf(site.signIn(provider, { oid: wrong }))).toBe("invalid_token_response");
  });
});

describe("OC34: the address", () => {
  test.each([
    [true, true],
    ["1", true],
    [false, false],
    ["0", false],
    ["true", false],
    [1, false],
    [undefined, false],
  ])("xms_edov %j: %j, whatever email_verified says", async (xms_edov, expected) => {
    const { site, provider } = world();
    const claims = { xms_edov, email_verified: true };
    expect((await site.signIn(provider, claims)).emailVerified).toBe(expected);
  });

  test("attack: an administrator of another tenant sets the victim's address: not verified", async () => {
    const { site, provider } = world({ trustedTenants: [tid] });
    const email = "victim@contoso.com";
    const claims = { email, email_verified: true, tid: otherTid, iss: issuerOf(otherTid) };
    expect((await site.signIn(provider, claims)).emailVerified).toBe(false);
    expect((await site.signIn(provider, { email })).emailVerified).toBe(true);
  });

  test("no address in the token: the userinfo endpoint is not asked, and the user name is no address", async () => {
    const { site, provider } = world();
    const identity = await site.signIn(provider, { email: undefined });
    expect(identity.email).toBeUndefined();
    expect(site.to("https://graph.microsoft.com/oidc/userinfo")).toEqual([]);
  });
});

test.each([
  ["tenant", { tenant: "consumers" }],
  ["tenant", { tenant: "contoso.com" }],
  ["tenant", { tenant: "" }],
  ["trustedTenants", { trustedTenants: ["contoso.com"] }],
  ["subjectClaim", { subjectClaim: "email" as "sub" }],
])("%s %j: refused where the provider is made", (option, more) => {
  expect(() => world(more)).toThrow(option);
});

test("OC47: its messages do not name its identities, so none is heeded", () => {
  expect(microsoft({ clientId: "c", clientSecret: "s" }).readNotice).toBeUndefined();
});
