import { afterAll, describe, expect, test } from "vitest";
import { type GoogleTokenOptions, verifyGoogleToken } from "../../src/providers/google.ts";
import { codeOf, IssuerStandIn, type Reply } from "../support/provider-stand-in.ts";
import {
  endless,
  openStandIn,
  replyJson,
  replyWith,
  type Reply as ServerReply,
  type StandIn,
  stayOpen,
} from "../support/stand-in.ts";
import { createKey, headerOf, segment, signRaw } from "../support/tokens/signer.ts";

const issuer = "https://accounts.google.com";
const clientId = "1234987819200.apps.googleusercontent.com";
const androidId = "1234987819200-android.apps.googleusercontent.com";
const other = "other.apps.googleusercontent.com";
const subject = "3141592653589793238";
const tokenInfoUrl = "https://oauth2.googleapis.com/tokeninfo";
const userInfoUrl = "https://openidconnect.googleapis.com/v1/userinfo";
const accessToken = "ya29.a0AfH6SMBx-1_2";
const nonce = "n".repeat(43);
const inAnHour = Math.floor(Date.now() / 1_000) + 3_600;
type Members = Readonly<Record<string, unknown>>;

const profile = {
  sub: subject,
  email: "elisa.g.beckett@gmail.com",
  email_verified: true,
  name: "Elisa Beckett",
  picture: "https://lh3.googleusercontent.com/a-/e2718281828459045",
};

/** As Google answers: every number and boolean is a text. */
const tokenInfo = {
  azp: clientId,
  aud: clientId,
  sub: subject,
  scope: "openid https://www.googleapis.com/auth/userinfo.email",
  exp: String(inAnHour),
  expires_in: "3599",
  email: profile.email,
  email_verified: "true",
  access_type: "online",
};

function world(more: Partial<GoogleTokenOptions> = {}) {
  const site = new IssuerStandIn({
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    metadata: {
      issuer,
      userinfo_endpoint: userInfoUrl,
      jwks_uri: "https://www.googleapis.com/oauth2/v3/certs",
      token_endpoint: "https://oauth2.googleapis.com/token",
    } as object as { issuer: string; jwks_uri: string; token_endpoint: string },
    claims: { iss: issuer, azp: clientId, aud: clientId, ...profile },
  });
  const options = { clientId, fetch: site.fetch, ...more };
  return {
    site,
    verify: async (token: string) => await verifyGoogleToken(options, token),
    /** Verifies an ID token with other claims. */
    verifyWith: async (claims: Members = {}) => {
      site.claims = claims;
      return await verifyGoogleToken(options, await site.idToken());
    },
    /** Verifies an access token about which Google answers this. */
    verifyAccess: async (info: Members | Reply = {}, user: Members | Reply = {}) => {
      const isReply = (answer: Members | Reply): answer is Reply => ["json", "body"].some((name) => name in answer);
      site.put(tokenInfoUrl, isReply(info) ? info : { json: { ...tokenInfo, ...info } });
      site.put(userInfoUrl, isReply(user) ? user : { json: { ...profile, ...user } });
      return await verifyGoogleToken(options, accessToken);
    },
  };
}

/** The field of a refusal, or its code. */
async function fieldOf(outcome: Promise<unknown>): Promise<string> {
  const error = await outcome.then(
    () => ({ field: "accepted" }),
    (caught: { field?: string; error?: string }) => caught,
  );
  return String(error.field ?? (error as { error?: string }).error ?? error);
}

describe("OC31: attack: an ID token", () => {
  test.each([
    ["for another client", { aud: other, azp: other }, "id_token.aud"],
    ["for another client, asked for by this one", { aud: other }, "id_token.aud"],
    ["asked for by another client", { azp: other }, "id_token.azp"],
    ["for several clients, without a party", { aud: [clientId, other], azp: undefined }, "id_token.azp"],
    ["of another issuer", { iss: "https://evil.example" }, "id_token.iss"],
    ["of an issuer with a slash more", { iss: `${issuer}/` }, "id_token.iss"],
    ["that has expired", { exp: 1 }, "id_token.exp"],
    ["without an end", { exp: undefined }, "id_token.exp"],
    ["whose end is a text", { exp: String(inAnHour) }, "id_token.exp"],
    ["of the future", { iat: inAnHour }, "id_token.iat"],
    ["without a time", { iat: undefined }, "id_token.iat"],
    ["without a subject", { sub: undefined }, "id_token.sub"],
    ["with an id in place of the subject", { sub: undefined, id: subject }, "id_token.sub"],
    ["that is too long", { padding: "x".repeat(8_192) }, "id_token"],
  ])("%s: refused", async (_, claims, field) => {
    expect(await fieldOf(world().verifyWith(claims))).toBe(field);
  });

  test("without a signature (none): refused before Google is asked", async () => {
    const { site, verify } = world();
    const [, payload] = (await site.idToken()).split(".");
    for (const signature of ["", "AAAA"]) {
      expect(await fieldOf(verify(`${segment({ alg: "none", kid: "key-1" })}.${payload}.${signature}`))).toBe(
        "id_token",
      );
    }
    expect(site.seen).toEqual([]);
  });

  test("with a MAC under Google's public key (HS256): refused", async () => {
    const { site, verify } = world();
    const [, payload] = (await site.idToken()).split(".");
    const spki = await crypto.subtle.exportKey("spki", (await site.published).publicKey);
    const key = await crypto.subtle.importKey("raw", spki, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const signed = `${segment({ alg: "HS256", kid: "key-1", typ: "JWT" })}.${payload}`;
    const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(signed)));
    expect(await fieldOf(verify(`${signed}.${segment(mac)}`))).toBe("id_token");
  });

  test("of another algorithm (ES256), whose key is in the set: refused", async () => {
    const { site, verifyWith } = world();
    site.published = crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    site.key = site.published;
    site.keyMembers = { alg: "ES256" };
    expect(await fieldOf(verifyWith())).toBe("id_token.alg");
  });

  test("with an unknown key id: refused, although the set has only one key", async () => {
    const { site, verify } = world();
    const { privateKey } = await site.key;
    const key = { ...(await createKey("RS256", "key-2")), privateKey };
    const [, payload] = (await site.idToken()).split(".");
    const claims = JSON.parse(atob(payload!.replaceAll("-", "+").replaceAll("_", "/"))) as Members;
    expect(await fieldOf(verify(await signRaw(key, headerOf(key), claims)))).toBe("id_token.kid");
    expect(await fieldOf(verify(await signRaw(key, { alg: "RS256", kid: "key-1" }, claims)))).toBe("accepted");
    expect(await fieldOf(verify(await signRaw(key, { alg: "RS256", kid: "key-1", typ: "at+jwt" }, claims)))).toBe(
      "id_token.typ",
    );
  });

  test("of another key with the same id, or with a changed payload: refused", async () => {
    const { site, verify, verifyWith } = world();
    const [header, , signature] = (await site.idToken()).split(".");
    const changed = segment({ iss: issuer, aud: clientId, ...profile, sub: "1", exp: inAnHour, iat: inAnHour - 3_600 });
    expect(await fieldOf(verify(`${header}.${changed}.${signature}`))).toBe("id_token.signature");
    site.key = createKey("RS256", "key-1").then((key) => ({ privateKey: key.privateKey }) as CryptoKeyPair);
    expect(await fieldOf(verifyWith())).toBe("id_token.signature");
  });

  test.each([
    ["another nonce", { nonce: "m".repeat(43) }, "id_token.nonce"],
    ["no nonce", { nonce: undefined }, "id_token.nonce"],
    ["the nonce", { nonce }, "accepted"],
  ])("with %s, where one is expected: %s", async (_, claims, expected) => {
    expect(await fieldOf(world({ nonce }).verifyWith(claims))).toBe(expected);
  });

  test("a refused ID token is not tried as an access token", async () => {
    const { site, verify } = world();
    for (const token of ["a.b.c", "..", `${accessToken}.x`]) expect(await fieldOf(verify(token))).toBe("id_token");
    expect(site.seen).toEqual([]);
  });
});

describe("OC31: attack: an access token", () => {
  test.each([
    ["of another client", { aud: other, azp: other }, "tokeninfo.aud"],
    ["of no client", { aud: undefined, azp: undefined }, "tokeninfo.aud"],
    ["whose client is in a list", { aud: [clientId], azp: [clientId] }, "tokeninfo.aud"],
    ["whose client begins like this one", { aud: `${clientId}.evil.example`, azp: other }, "tokeninfo.aud"],
    ["that has expired", { exp: "1" }, "tokeninfo.exp"],
    ["without an end", { exp: undefined }, "tokeninfo.exp"],
    ["whose end is no number", { exp: "never" }, "tokeninfo.exp"],
    ["whose end is negative", { exp: -1 }, "tokeninfo.exp"],
    ["whose end is in a list", { exp: [inAnHour, inAnHour] }, "tokeninfo.exp"],
    ["without a subject", { sub: undefined }, "tokeninfo.sub"],
    ["whose subject is a number", { sub: 314 }, "tokeninfo.sub"],
  ])("%s: refused, and userinfo is not asked", async (_, info, field) => {
    const { site, verifyAccess } = world();
    expect(await fieldOf(verifyAccess(info))).toBe(field);
    expect(site.to(userInfoUrl)).toEqual([]);
  });

  test.each([
    [
      "is refused",
      { status: 400, json: { error: "invalid_token", error_description: "Invalid Value" } },
      "invalid_token",
    ],
    ["is refused in the older form", { status: 400, json: { error_description: "x" } }, "issuer_invalid_response"],
    ["meets an outage", { status: 503, json: { ...tokenInfo } }, "issuer_invalid_response"],
    ["is answered with HTML", { body: "<html>", headers: { "content-type": "text/html" } }, "issuer_invalid_response"],
    ["is answered with a list", { json: [tokenInfo] }, "issuer_invalid_response"],
    [
      "is answered with a name twice",
      { body: `{"aud":"${other}","aud":"${clientId}"}`, headers: { "content-type": "application/json" } },
      "issuer_invalid_response",
    ],
    ["is answered without a body", { status: 204, body: null as unknown as string }, "issuer_invalid_response"],
  ])("that %s: refused", async (_, reply, code) => {
    const { site, verifyAccess } = world();
    expect(await codeOf(verifyAccess(reply as Reply))).toBe(code);
    expect(site.to(userInfoUrl)).toEqual([]);
  });

  test.each([
    ["another subject", { sub: "1" }, "subject_mismatch"],
    ["no subject", { sub: undefined }, "invalid_token_response"],
    ["an id in place of the subject", { sub: undefined, id: subject }, "invalid_token_response"],
    ["a refusal", { status: 401, json: { error: "invalid_request" } }, "invalid_request"],
    ["HTML", { body: "<html>", headers: { "content-type": "text/html" } }, "issuer_invalid_response"],
  ])("for which userinfo answers with %s: refused", async (_, user, code) => {
    expect(await codeOf(world().verifyAccess({}, user as Members))).toBe(code);
  });

  test.each([
    ["", "empty"],
    ["ya29.a b", "with a space"],
    ["ya29.a\r\nx-evil: 1", "with a new line"],
    ["ya29.ä", "with a letter that no header has"],
    ["y".repeat(2_049), "too long"],
    [undefined as unknown as string, "missing"],
    [{ split: () => [1, 2, 3] } as unknown as string, "an object"],
  ])("%j: refused before Google is asked", async (token) => {
    const { site, verify } = world();
    expect(await fieldOf(verify(token))).toBe("access_token");
    expect(site.seen).toEqual([]);
  });

  test("where a nonce is expected, which it cannot have: refused before Google is asked", async () => {
    const { site, verifyAccess } = world({ nonce });
    expect(await fieldOf(verifyAccess())).toBe("access_token.nonce");
    expect(site.seen).toEqual([]);
  });
});

describe("OC31: attack: an account", () => {
  const way = [
    ["an ID token", (claims: Members, more?: Partial<GoogleTokenOptions>) => world(more).verifyWith(claims)],
    ["an access token", (claims: Members, more?: Partial<GoogleTokenOptions>) => world(more).verifyAccess({}, claims)],
  ] as const;

  describe.each(way)("of %s", (_, verify) => {
    test.each([false, "false", undefined, null, 1, "TRUE", ""])(
      "with an address whose email_verified is %j: refused",
      async (email_verified) => {
        expect(await codeOf(verify({ email_verified }))).toBe("account_not_allowed");
      },
    );

    test("of another domain than the Workspace's: refused", async () => {
      const hostedDomain = "example.com";
      // An address of the domain proves no membership.
      const email = "elisa@example.com";
      expect(await codeOf(verify({ email }, { hostedDomain }))).toBe("account_not_allowed");
      expect(await codeOf(verify({ email, hd: "a.example.com" }, { hostedDomain }))).toBe("account_not_allowed");
      expect(await codeOf(verify({ email, hd: "example.com" }, { hostedDomain }))).toBe("accepted");
    });

    test("without an address: accepted, and nothing counts as verified", async () => {
      const claims = { email: undefined, email_verified: true };
      expect(await verify(claims)).toMatchObject({ email: null, email_verified: false });
    });

    test("with email_verified as the text true: accepted", async () => {
      expect(await verify({ email_verified: "true" })).toMatchObject({ email: profile.email, email_verified: true });
    });
  });
});

test.each([{ nonce: undefined }, { nonce: "short" }, { hostedDomain: "Example.com" }, { hostedDomain: "" }])(
  "OC31: the options %j: refused before the token is read",
  async (options) => {
    const refused = verifyGoogleToken({ clientId, ...options } as never, "a.b.c");
    await expect(refused).rejects.toMatchObject({ name: "ConfigurationError" });
  },
);

describe("OC31: attack: a service in Google's place", () => {
  let servers: StandIn[] = [];
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
    servers = [];
  });

  /** The code of a refusal if a real server answers one of the URLs in this way. */
  async function codeAt(url: string, reply: ServerReply): Promise<{ code: string; server: StandIn }> {
    const server = await openStandIn("/");
    servers.push(server);
    server.replies = [reply];
    const { site } = world();
    site.put(tokenInfoUrl, { json: tokenInfo }).put(userInfoUrl, { json: profile });
    const send = async (asked: string, init: RequestInit) =>
      asked === url ? await fetch(server.url, init) : await site.fetch(asked, init);
    return { code: await codeOf(verifyGoogleToken({ clientId, timeoutMs: 300, fetch: send }, accessToken)), server };
  }

  describe.each([
    ["tokeninfo", tokenInfoUrl, tokenInfo],
    ["userinfo", userInfoUrl, profile],
  ])("at %s", (_, url, right) => {
    test("that answers rightly: accepted", async () => {
      const { code, server } = await codeAt(url, replyJson(right));
      expect(code).toBe("accepted");
      expect(server.asked[0]!.headers.authorization).toBe(`Bearer ${accessToken}`);
    });

    test("that never answers: refused in time", async () => {
      expect((await codeAt(url, stayOpen)).code).toBe("issuer_timeout");
    });

    test("that answers without an end: refused", async () => {
      expect((await codeAt(url, endless)).code).toBe("issuer_invalid_response");
    });

    test("that leads to another address: refused, and the token does not go there", async () => {
      const elsewhere = await openStandIn("/");
      servers.push(elsewhere);
      elsewhere.replies = [replyJson(right)];
      expect((await codeAt(url, replyWith(302, "", { location: elsewhere.url }))).code).toBe("issuer_invalid_response");
      expect((await codeAt(url, replyWith(307, "", { location: elsewhere.url }))).code).toBe("issuer_invalid_response");
      expect(elsewhere.asked).toEqual([]);
    });
  });
});

describe("OC31: the claims", () => {
  const names = [
    ...["provider", "provider_user_id", "email", "email_verified", "name", "picture", "issuer", "audience"],
    ...["expires_at", "issued_at", "raw_data"],
  ];

  test("of an ID token: the eleven names of lexigram", async () => {
    const claims = await world().verifyWith({ iat: inAnHour - 3_600, exp: inAnHour });
    expect(Object.keys(claims)).toEqual(names);
    const { sub: _, ...shown } = profile;
    expect(claims).toMatchObject({
      ...shown,
      provider: "google",
      provider_user_id: subject,
      issuer,
      audience: clientId,
      expires_at: inAnHour,
      issued_at: inAnHour - 3_600,
      raw_data: { iss: issuer, sub: subject, azp: clientId },
    });
  });

  test("of an access token: the same names, and no time of issue", async () => {
    const { site, verifyAccess } = world();
    const claims = await verifyAccess();
    expect(Object.keys(claims)).toEqual(names);
    const { sub: _, ...shown } = profile;
    expect(claims).toEqual({
      ...shown,
      provider: "google",
      provider_user_id: subject,
      issuer,
      audience: clientId,
      expires_at: inAnHour,
      issued_at: null,
      raw_data: profile,
    });
    const [asked] = site.to(tokenInfoUrl);
    expect(asked).toMatchObject({ method: "POST", url: tokenInfoUrl });
    expect(asked!.headers.get("authorization")).toBe(`Bearer ${accessToken}`);
    expect(site.seen.filter(({ url, form }) => `${url}${form}`.includes(accessToken))).toEqual([]);
  });

  test("the issuer without https: with it in the claims", async () => {
    expect((await world().verifyWith({ iss: "accounts.google.com" })).issuer).toBe(issuer);
  });

  test.each([
    ["the name", {}, "Elisa Beckett"],
    ["no name: the given name", { name: undefined, given_name: "Elisa" }, "Elisa"],
    ["an empty name: the given name", { name: "", given_name: "Elisa" }, "Elisa"],
    ["no name at all", { name: undefined }, null],
  ])("%s", async (_, claims, name) => {
    expect((await world().verifyWith(claims)).name).toBe(name);
    expect((await world().verifyAccess({}, claims)).name).toBe(name);
  });

  test("neither picture nor address: null", async () => {
    const claims = await world().verifyWith({ picture: undefined, email: undefined });
    expect(claims).toMatchObject({ picture: null, email: null });
  });

  test.each([
    ["aud is this client, azp another", { azp: androidId }, clientId],
    ["azp is this client, aud another", { aud: androidId }, androidId],
    ["azp is this client, and there is no aud", { aud: undefined }, clientId],
    ["the end is a number", { exp: inAnHour }, clientId],
  ])("an access token: %s: accepted", async (_, info, audience) => {
    expect(await world().verifyAccess(info)).toMatchObject({ audience, expires_at: inAnHour });
  });
});

describe("OC31: presenters", () => {
  test("an ID token that the Android app asked for: accepted only if the app is listed", async () => {
    const claims = { azp: androidId };
    expect(await fieldOf(world().verifyWith(claims))).toBe("id_token.azp");
    expect((await world({ presenters: [androidId] }).verifyWith(claims)).audience).toBe(clientId);
    expect(await fieldOf(world({ presenters: [androidId] }).verifyWith({ azp: other }))).toBe("id_token.azp");
  });

  test("attack: a token that is for the Android app itself: refused", async () => {
    const { verifyWith, verifyAccess } = world({ presenters: [androidId] });
    expect(await fieldOf(verifyWith({ aud: androidId, azp: androidId }))).toBe("id_token.aud");
    expect(await fieldOf(verifyAccess({ aud: androidId, azp: androidId }))).toBe("tokeninfo.aud");
  });

  test.each([androidId, [undefined], null])("%j: refused", async (presenters) => {
    const { verifyWith } = world({ presenters: presenters as unknown as string[] });
    expect(await codeOf(verifyWith())).toBe("configuration_error");
  });
});

test.each([
  ["no client id", { clientId: "" }],
  ["an unknown option", { hostedDomian: "example.com" } as object],
])("OC31: %s: refused", async (_, options) => {
  expect(await codeOf(world(options).verifyWith())).toBe("configuration_error");
});
