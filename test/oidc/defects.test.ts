import * as oauth from "oauth4webapi";
import { beforeAll, describe, expect, test } from "vitest";
import { OAuthError, TokenParseError } from "../../src/oidc/index.ts";
import { type Defect, defects, variations } from "../support/defects.ts";
import { TestIssuer } from "../support/issuer.ts";
import { badTokens } from "../support/tokens/bad-tokens.ts";
import { createKeys, publicSet } from "../support/tokens/signer.ts";

beforeAll(async () => {
  await createKeys();
});

const scopes = ["openid", "email"];
/** Accepts any subject, so that only the protocol decides. */
const options = { principalType: "user", timeoutMs: 1_000 } as const;

/** A whole sign-in with us: "accepted", or the error's code and field. */
async function signInWithUs(issuer: TestIssuer, request: Defect[3] = {}): Promise<string> {
  const client = issuer.client(options);
  try {
    const transaction = await client.createAuthorizationUrl({ scopes, ...request });
    await client.exchangeCallback(issuer.authorize(transaction.url), transaction);
    return "accepted";
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return error instanceof TokenParseError ? `${error.error} ${error.field}` : error.error;
  }
}

/** The same with oauth4webapi, with every check that it has. */
async function doesOauth4webapiAccept(issuer: TestIssuer, request: Defect[3] = {}): Promise<boolean> {
  const more = { [oauth.customFetch]: issuer.fetch as never };
  try {
    const url = new URL(issuer.url);
    const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, more));
    const client: oauth.Client = { client_id: issuer.clientId, [oauth.clockTolerance]: 60 };
    if (request.maxAge !== undefined) client.default_max_age = request.maxAge;
    const [verifier, state, nonce] = [1, 2, 3].map(() => oauth.generateRandomCodeVerifier()) as [
      string,
      string,
      string,
    ];
    const address = new URL(as.authorization_endpoint!);
    const parameters = {
      client_id: issuer.clientId,
      redirect_uri: issuer.redirectUri,
      response_type: "code",
      scope: scopes.join(" "),
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce,
    };
    for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
    const callback = oauth.validateAuthResponse(as, client, new URL(issuer.authorize(address.href)), state);
    const proof = oauth.ClientSecretBasic(issuer.clientSecret);
    const { redirectUri } = issuer;
    const answer = await oauth.authorizationCodeGrantRequest(as, client, proof, callback, redirectUri, verifier, more);
    await oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: nonce, requireIdToken: true });
    await oauth.validateApplicationLevelSignature(as, answer, more);
    return true;
  } catch {
    return false;
  }
}

const opened = async (spoil: Defect[2]) => {
  const issuer = await TestIssuer.open();
  issuer.spoils = await spoil(issuer);
  return issuer;
};

describe("OC4, OC6, R072, R073, R074, R083, R085, R086, R090, B43: an issuer with a fault is refused", () => {
  test("there are at least 57 faults, each with a name of its own", () => {
    expect(defects.length).toBeGreaterThanOrEqual(57);
    expect(new Set(defects.map(([name]) => name)).size).toBe(defects.length);
  });

  test.each<readonly [string, string, Defect]>(defects.map((defect) => [defect[0], defect[1], defect]))(
    "%s: %s",
    async (_name, expected, [, , spoil, request]) => {
      expect(await signInWithUs(await opened(spoil), request)).toBe(expected);
    },
  );

  test("oauth4webapi accepts these, so this client is stricter", async () => {
    const accepted: string[] = [];
    for (const [name, , spoil, request] of defects) {
      if (await doesOauth4webapiAccept(await opened(spoil), request)) accepted.push(name);
    }
    expect(accepted).toMatchInlineSnapshot(`
      [
        "jku",
        "zip",
        "a nested token",
        "typ at+jwt",
        "typ logout+jwt",
        "typ application/at+jwt",
        "ID token: padding",
        "ID token: a line end",
        "a claim twice",
        "aud with a number",
        "azp of another client",
        "azp null",
        "sub empty",
        "sub of 256 characters",
        "sub outside ASCII",
        "exp in milliseconds",
        "iat in the future",
        "at_hash of another token",
        "at_hash of the whole hash",
        "at_hash a number",
        "at_hash null",
        "auth_time in the future",
        "acr missing",
        "acr that was not asked for",
        "organizations no list",
        "organizations over 200",
        "organization twice",
        "organization without an id",
        "organization with a scope that is no text",
        "organization with a time that is a text",
        "organization that is a text",
        "access token with a line end",
        "token type DPoP without a key",
        "answer of metadata: JSON as text",
        "answer of metadata: without a media type",
        "answer of metadata: a byte order mark",
        "answer of metadata: a name twice",
        "answer of metadata: __proto__",
        "answer of metadata: a megabyte",
        "answer of keys: JSON as text",
        "answer of keys: without a media type",
        "answer of keys: a byte order mark",
        "answer of keys: a name twice",
        "answer of keys: __proto__",
        "answer of keys: a megabyte",
        "answer of token: JSON as text",
        "answer of token: without a media type",
        "answer of token: a byte order mark",
        "answer of token: a name twice",
        "answer of token: __proto__",
        "answer of token: a megabyte",
        "userinfo endpoint at a private name",
        "authorization endpoint as a script",
      ]
    `);
  });
});

describe("a right answer in another form is accepted, by this client and by oauth4webapi", () => {
  test.each(variations)("%s", async (_name, spoil) => {
    const issuer = await opened(spoil);
    expect(await signInWithUs(issuer)).toBe("accepted");
    expect(await doesOauth4webapiAccept(issuer)).toBe(true);
  });
});

describe("every malformed token is refused as an ID token too", () => {
  test("none is accepted", async () => {
    const keys = await createKeys();
    const accepted: string[] = [];
    // An ID token may have 64 KiB.
    for (const [name, make] of badTokens.filter(([one]) => one !== "over 8 KiB")) {
      const issuer = await TestIssuer.open();
      issuer.spoils = {
        keys: () => publicSet(keys),
        async idToken(token) {
          const claims = JSON.parse(atob(token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/")));
          const bad = await make(keys, claims);
          if (typeof bad === "string") return bad;
          if ("set" in bad) issuer.spoils.keys = () => bad.set ?? null;
          return bad.token;
        },
      };
      if ((await signInWithUs(issuer)) === "accepted") accepted.push(name);
    }
    expect(accepted).toEqual([]);
  });
});
