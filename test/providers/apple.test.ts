import { describe, expect, test } from "vitest";
import { toBase64 } from "../../src/crypto/bytes.ts";
import { jwsAlgorithm } from "../../src/crypto/jwk.ts";
import { parseJws } from "../../src/crypto/jws.ts";
import { signJws } from "../../src/crypto/sign-jws.ts";
import { type AppleOptions, apple } from "../../src/providers/apple.ts";
import { attempt, callback, codeForEs256, codeOf, IssuerStandIn } from "../support/provider-stand-in.ts";

const issuer = "https://appleid.apple.com";
const clientId = "com.example.web";
const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
const pem = async ({ privateKey }: CryptoKeyPair) => {
  const base64 = toBase64(new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey)));
  const lines = base64.padEnd(Math.ceil(base64.length / 4) * 4, "=").match(/.{1,64}/g)!;
  return `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
};
const privateKey = await pem(keys);

/** As Apple's documentation shows its discovery document and an identity token's claims. */
function world(more: Partial<AppleOptions> = {}) {
  const site = new IssuerStandIn({
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    metadata: {
      issuer,
      authorization_endpoint: `${issuer}/auth/authorize`,
      token_endpoint: `${issuer}/auth/token`,
      jwks_uri: `${issuer}/auth/keys`,
      token_endpoint_auth_methods_supported: ["client_secret_post"],
    } as object as { issuer: string; jwks_uri: string; token_endpoint: string },
    claims: {
      iss: issuer,
      aud: clientId,
      sub: "001234.5b3a3bdf9c0b4f049c1471cae1cd1d8d.0001",
      email: "ada@example.com",
      email_verified: "true",
      nonce_supported: true,
    },
  });
  const own = { clientId, teamId: "ABCDE12345", keyId: "FGHIJ67890", privateKey };
  return { site, provider: apple({ ...own, fetch: site.fetch, ...more }) };
}

const user = JSON.stringify({ name: { firstName: "Ada", lastName: "Lovelace" }, email: "other@example.com" });
const form = (more: Readonly<Record<string, string>>) => (begun: ReturnType<typeof attempt>) =>
  callback(begun, more).searchParams;

describe("OC33: Apple", () => {
  test("the answer is asked for as a form", async () => {
    const { provider } = world();
    expect(provider).toMatchObject({ name: "apple", label: "Apple", issuers: [issuer] });
    const { searchParams } = new URL(await provider.begin(attempt()));
    expect(searchParams.get("response_mode")).toBe("form_post");
    expect(searchParams.get("scope")).toBe("openid name email");
  });

  test("a sign-in: the form, with the name of the first time", async () => {
    const { site, provider } = world();
    expect(await site.signIn(provider, {}, form({ user }))).toMatchObject({
      issuer,
      subject: "001234.5b3a3bdf9c0b4f049c1471cae1cd1d8d.0001",
      email: "ada@example.com",
      emailVerified: true,
      name: "Ada Lovelace",
    });
  });

  test("the client secret: a token for ES256 and 5 minutes, made for each request", async () => {
    const { site, provider } = world();
    await site.signIn(provider);
    await site.signIn(provider);
    const [first, second] = site.to(site.tokenUrl).map((request) => request.form.get("client_secret")!);
    expect(second).not.toBe(first);
    const jws = parseJws(first!)!;
    const { iat, exp, ...claims } = Object.fromEntries(jws.claims) as { iat: number; exp: number };
    expect([jws.algorithm, jws.keyId]).toEqual(["ES256", "FGHIJ67890"]);
    expect(claims).toEqual({ iss: "ABCDE12345", aud: issuer, sub: clientId });
    expect(exp - iat).toBe(300);
    expect(Math.abs(Date.now() / 1000 - iat)).toBeLessThan(30);
    const { hash } = jwsAlgorithm("ES256");
    const { signature, signed } = jws;
    expect(await crypto.subtle.verify({ name: "ECDSA", hash }, keys.publicKey, signature, signed)).toBe(true);
    expect(site.to(site.tokenUrl)[0]!.headers.has("authorization")).toBe(false);
  });

  test("attack: the unsigned field changes neither the subject nor the address", async () => {
    const { site, provider } = world();
    const forged = JSON.stringify({ sub: "victim", email: "victim@example.com", email_verified: true, name: {} });
    expect(await site.signIn(provider, { email: undefined }, form({ user: forged }))).toMatchObject({
      subject: "001234.5b3a3bdf9c0b4f049c1471cae1cd1d8d.0001",
      email: undefined,
      name: undefined,
    });
  });

  test.each([
    ["no JSON", "Ada"],
    ["a text", '"Ada"'],
    ["null", "null"],
    ["a name that is a text", '{"name":"Ada"}'],
    ["parts that are no texts", '{"name":{"firstName":1,"lastName":{}}}'],
    ["an equal name twice", '{"name":{"firstName":"Ada"},"name":{"firstName":"Eve"}}'],
    ["5 KiB", JSON.stringify({ name: { firstName: "A".repeat(5_000) } })],
  ])("a field `user` that is %s: no name, and the sign-in goes on", async (_, wrong) => {
    const { site, provider } = world();
    const identity = await site.signIn(provider, {}, form({ user: wrong }));
    expect([identity.name, identity.emailVerified]).toEqual([undefined, true]);
  });

  test("attack: a token of another algorithm, whose key is in the set: refused", async () => {
    const { site, provider } = world();
    expect(await codeForEs256(site, provider)).toBe("invalid_token_response");
  });

  test("one part of a name is a name", async () => {
    const { site, provider } = world();
    const answer = form({ user: '{"name":{"firstName":"Ada"}}' });
    expect((await site.signIn(provider, {}, answer)).name).toBe("Ada");
  });

  test("attack: a form with another state, the user's refusal, another nonce: refused", async () => {
    const { site, provider } = world();
    expect(await codeOf(site.signIn(provider, {}, form({ state: "x".repeat(64) })))).toBe("state_mismatch");
    const cancelled = form({ error: "user_cancelled_authorize", code: "" });
    expect(await codeOf(site.signIn(provider, {}, cancelled))).toBe("user_cancelled_authorize");
    expect(await codeOf(site.signIn(provider, { nonce: "other" }))).toBe("invalid_token_response");
  });
});

describe("OC33: the address", () => {
  test.each([
    [true, true],
    ["true", true],
    [false, false],
    ["false", false],
    [1, false],
    [undefined, false],
  ])("email_verified %j: %j", async (email_verified, expected) => {
    const { site, provider } = world();
    expect((await site.signIn(provider, { email_verified })).emailVerified).toBe(expected);
  });

  test.each([
    [undefined, true],
    [false, true],
    ["false", true],
    [true, false],
    ["true", false],
    [1, false],
    ["True", false],
  ])("is_private_email %j: verified %j, and told if not", async (is_private_email, expected) => {
    const { site, provider } = world();
    const { emailVerified, isPrivateEmail } = await site.signIn(provider, { is_private_email });
    expect([emailVerified, isPrivateEmail]).toEqual([expected, !expected]);
  });

  test.each([
    ["dpdcnf87nu@privaterelay.appleid.com", true],
    ["dpdcnf87nu@PrivateRelay.AppleID.com", true],
    ["ada@privaterelay.appleid.com.example", false],
    ["ada@notprivaterelay.appleid.com", false],
  ])("%s without the claim: of the relay %j", async (email, isRelay) => {
    const { site, provider } = world();
    const { emailVerified, isPrivateEmail } = await site.signIn(provider, { email });
    expect([emailVerified, isPrivateEmail]).toEqual([!isRelay, isRelay]);
  });
});

describe("the private key", () => {
  test("with `\\n` for the ends of its lines, as environments write it: accepted", async () => {
    const { site, provider } = world({ privateKey: privateKey.replaceAll("\n", "\\n") });
    expect(await codeOf(site.signIn(provider))).toBe("accepted");
  });

  test.each([
    ["empty", ""],
    ["no PEM", "s3cret"],
    ["of another kind", privateKey.replaceAll("PRIVATE KEY", "EC PRIVATE KEY")],
    ["no base64", "-----BEGIN PRIVATE KEY-----\nabc=d\n-----END PRIVATE KEY-----"],
    ["missing", undefined as unknown as string],
  ])("%s: refused where the provider is made, without quoting it", (_, wrong) => {
    expect(() => world({ privateKey: wrong })).toThrow("privateKey: it is of the type object");
  });

  test.each([
    ["of another curve", { name: "ECDSA", namedCurve: "P-384" }],
    [
      "for RSA",
      { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
    ],
  ])("%s: a fault of the configuration", async (_, algorithm) => {
    const pair = (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
    const { site, provider } = world({ privateKey: await pem(pair) });
    expect(await codeOf(site.signIn(provider))).toBe("configuration_error");
  });

  test.each([
    ["teamId", { teamId: "abc" }],
    ["keyId", { keyId: "" }],
  ])("%s %j: refused where the provider is made", (option, more) => {
    expect(() => world(more)).toThrow(option);
  });
});

describe("OC33: Apple's notices to servers", () => {
  const notice = async (events: unknown, more: Readonly<Record<string, unknown>> = {}) => {
    const { site, provider } = world();
    const { privateKey } = await site.key;
    const iat = Math.floor(Date.now() / 1_000);
    const text = typeof events === "string" ? events : JSON.stringify(events);
    const claims = { iss: issuer, aud: clientId, iat, jti: "notice-1", events: text, ...more };
    return await provider.readNotice!(await signJws(privateKey, { kid: "key-1" }, claims));
  };

  test.each([
    ["consent-revoked", "sessions"],
    ["account-delete", "identity"],
    ["account-deleted", "identity"],
    ["email-disabled", "nothing"],
    ["email-enabled", "nothing"],
    ["something-new", "nothing"],
  ])("%s ends %s", async (type, ends) => {
    const said = await notice({ type, sub: "001234.5b3a", event_time: 1_508_184_845 });
    expect(said).toMatchObject({ ends, issuer, subject: "001234.5b3a", id: "notice-1" });
  });

  test.each([
    ["no event", "", {}, "events"],
    ["an event without a type", {}, {}, "events"],
    ["a list", "[]", {}, "events"],
    ["an event in an object", "{}", { events: { type: "account-delete" } }, "events"],
    ["another issuer", {}, { iss: "https://evil.example" }, "iss"],
    ["another application", {}, { aud: "com.example.other" }, "aud"],
    ["older than a week", {}, { iat: 1_508_184_845 }, "iat"],
    ["no id", {}, { jti: undefined }, "jti"],
  ])("%s is refused", async (_what, events, more, field) => {
    await expect(notice(events, more)).rejects.toMatchObject({ field: `notice.${field}` });
  });
});
