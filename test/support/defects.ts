/** Faults of an issuer, each a function that spoils one right answer, and how a sign-in must end. @module */
import { toBase64Url, utf8 } from "../../src/crypto/bytes.ts";
import type { AuthorizationRequest } from "../../src/oidc/index.ts";
import { json, now, type Spoils, type TestIssuer } from "./issuer.ts";
import { createKey, headerOf, segment, signRaw, type TestKey } from "./tokens/signer.ts";

/** A fault by its name, the error of the sign-in (`error` or `error field`), and what was asked for. */
export type Defect = readonly [
  name: string,
  expected: string,
  spoil: (issuer: TestIssuer) => Spoils | Promise<Spoils>,
  request?: Partial<AuthorizationRequest>,
];

const field = (name: string) => `invalid_token_response ${name}`;
const claims = (name: string, expected: string, change: Record<string, unknown>): Defect => [
  name,
  field(`id_token.${expected}`),
  () => ({ claims: (right) => ({ ...right, ...change }) }),
];
const header = (name: string, expected: string, change: Record<string, unknown>): Defect => [
  name,
  field(expected),
  () => ({ header: (right) => ({ ...right, ...change }) }),
];
const tokens = (name: string, expected: string, change: Record<string, unknown>): Defect => [
  name,
  field(expected),
  () => ({ tokens: (right) => ({ ...(right as object), ...change }) }),
];
const metadata = (name: string, expected: string, change: Record<string, unknown>): Defect => [
  name,
  expected,
  () => ({ metadata: (right) => ({ ...right, ...change }) }),
];
const callback = (name: string, expected: string, change: (parameters: URLSearchParams) => void): Defect => [
  name,
  expected,
  () => ({ callback: (url) => change(url.searchParams) }),
];
const answer = (
  name: string,
  endpoint: "metadata" | "keys" | "token",
  change: (response: Response) => Response | Promise<Response>,
): Defect => [
  `answer of ${endpoint}: ${name}`,
  "issuer_invalid_response",
  () => ({ answer: (response, request) => (request.endpoint === endpoint ? change(response) : response) }),
];
/** A finished ID token, changed as text. */
const text = (name: string, expected: string, change: (token: string) => unknown): Defect => [
  name,
  field(expected),
  () => ({ idToken: (token) => change(token) }),
];
/** An ID token of the right claims with another header, signed by HMAC. */
const hmac = (name: string, secretOf: (issuer: TestIssuer) => string): Defect => [
  name,
  field("id_token"),
  () => ({
    async idToken(token, issuer) {
      const signed = `${segment({ alg: "HS256", kid: issuer.keys[0]!.jwk.kid })}.${token.split(".")[1]}`;
      const key = await crypto.subtle.importKey(
        "raw",
        utf8(secretOf(issuer)),
        { name: "HMAC", hash: "SHA-256" },
        false,
        ["sign"],
      );
      return `${signed}.${toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8(signed))))}`;
    },
  }),
];
/** Another key than the one in the set signs, under its id. */
const signedBy = (name: string, expected: string, make: () => Promise<TestKey>, isPublished = false): Defect => [
  name,
  field(expected),
  async () => {
    const key = await make();
    return { signer: () => key, ...(isPublished && { keys: () => ({ keys: [key.jwk] }) }) };
  },
];
const organizations = (name: string, value: unknown) => claims(name, "organizations", { organizations: value });
const organization = { id: "org_1", title: null, scopes: [], joined_at: 1 };

/** Faults of the ID token's form, header and signature. */
const signatures: readonly Defect[] = [
  text("signature left out", "id_token", (token) => token.replace(/[^.]*$/, "")),
  text("signature flipped", "id_token.signature", (token) =>
    token.replace(/\.(.)([^.]*)$/, (_, first: string, rest: string) => `.${first === "A" ? "B" : "A"}${rest}`),
  ),
  text("signature of zeros", "id_token.signature", (token) => token.replace(/[^.]*$/, "A".repeat(86))),
  text("claims exchanged under the signature", "id_token.signature", (token) => {
    const [first, payload, signature] = token.split(".");
    const changed = JSON.parse(atob(payload!.replaceAll("-", "+").replaceAll("_", "/")));
    return [first, segment({ ...changed, sub: "usr_2" }), signature].join(".");
  }),
  text("alg none", "id_token", (token) => `${segment({ alg: "none" })}.${token.split(".")[1]}.`),
  text("alg nOnE", "id_token", (token) => `${segment({ alg: "nOnE" })}.${token.split(".")[1]}.`),
  hmac("alg HS256 with the client secret", ({ clientSecret }) => clientSecret),
  hmac("alg HS256 with the public key", ({ keys }) => JSON.stringify(keys[0]!.jwk)),
  header("alg ES384", "id_token", { alg: "ES384" }),
  header("alg RS256 for an EC key", "id_token.kid", { alg: "RS256" }),
  header("kid unknown", "id_token.kid", { kid: "unknown" }),
  header("kid empty", "id_token", { kid: "" }),
  header("kid a number", "id_token", { kid: 1 }),
  header("crit", "id_token", { crit: ["exp"], exp: 1 }),
  header("b64 false", "id_token", { b64: false, crit: ["b64"] }),
  header("jku", "id_token", { jku: "https://attacker.example/jwks" }),
  header("zip", "id_token", { zip: "DEF" }),
  header("a nested token", "id_token", { cty: "JWT" }),
  header("typ at+jwt", "id_token.typ", { typ: "at+jwt" }),
  header("typ logout+jwt", "id_token.typ", { typ: "logout+jwt" }),
  header("typ application/at+jwt", "id_token.typ", { typ: "application/at+jwt" }),
  [
    "jwk with the attacker's key",
    field("id_token"),
    async () => {
      const attacker = await createKey("ES256", "k1");
      return { signer: () => attacker, header: (right) => ({ ...right, jwk: attacker.jwk }) };
    },
  ],
  signedBy("another key under the same id", "id_token.signature", async () => await createKey("ES256", "k1")),
  signedBy("another key under another id", "id_token.kid", async () => await createKey("ES256", "k2")),
  signedBy("RSA key of 1,024 bits", "id_token.kid", async () => await createKey("RS256", "k1", 1_024), true),
  [
    "key set with the id twice",
    field("id_token.kid"),
    async () => {
      const other = await createKey("ES256", "k1");
      return { keys: ({ keys }) => ({ keys: [...keys, other.jwk] }) };
    },
  ],
  [
    "key set with the private key",
    field("id_token.kid"),
    ({ keys: [key] }) => ({ keys: () => ({ keys: [key!.privateJwk] }) }),
  ],
  ["key set without keys", field("id_token.kid"), () => ({ keys: () => ({ keys: [] }) })],
  ["key set that is none", "issuer_invalid_response", () => ({ keys: () => ({ key: [] }) })],
  [
    "key off the curve",
    field("id_token.signature"),
    () => ({ keys: ({ keys }) => ({ keys: [{ ...keys[0], y: keys[0]!.x }] }) }),
  ],
  text("ID token: padding", "id_token", (token) => `${token}==`),
  text("ID token: a space", "id_token", (token) => ` ${token}`),
  text("ID token: a line end", "id_token", (token) => `${token}\n`),
  text("ID token: an encrypted token", "id_token", (token) => `${token}.AAAA.AAAA`),
  text("ID token: over 64 KiB", "id_token", (token) => `${"A".repeat(65_537)}.${token}`),
  text("ID token: a number", "id_token", () => 1),
  text("ID token: empty", "id_token", () => ""),
  text("ID token: null", "id_token", () => null),
  [
    "a claim twice",
    field("id_token"),
    ({ keys: [key] }) => ({
      async idToken(token) {
        const payload = atob(token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"));
        return await signRaw(key!, headerOf(key!), payload.replace(/}$/, ',"sub":"usr_2"}'));
      },
    }),
  ],
];

/** Faults of the ID token's claims. */
const wrongClaims: readonly Defect[] = [
  claims("iss missing", "iss", { iss: undefined }),
  claims("iss of another issuer in the token", "iss", { iss: "https://attacker.example" }),
  claims("iss with a slash at the end", "iss", { iss: "https://issuer.example/" }),
  claims("iss in capitals", "iss", { iss: "https://ISSUER.example" }),
  claims("iss with the port", "iss", { iss: "https://issuer.example:443" }),
  claims("iss as a list", "iss", { iss: ["https://issuer.example"] }),
  claims("aud missing", "aud", { aud: undefined }),
  claims("aud of another client", "aud", { aud: "other" }),
  claims("aud in capitals", "aud", { aud: "APP" }),
  claims("aud empty", "aud", { aud: [] }),
  claims("aud with a number", "aud", { aud: ["app", 1], azp: "app" }),
  claims("aud an object", "aud", { aud: { app: true } }),
  claims("aud of several without azp", "azp", { aud: ["app", "other"] }),
  claims("azp of another client", "azp", { azp: "other" }),
  claims("azp of another client of several", "azp", { aud: ["app", "other"], azp: "other" }),
  claims("azp null", "azp", { azp: null }),
  claims("sub missing", "sub", { sub: undefined }),
  claims("sub empty", "sub", { sub: "" }),
  claims("sub a number", "sub", { sub: 1 }),
  claims("sub of 256 characters", "sub", { sub: "u".repeat(256) }),
  claims("sub outside ASCII", "sub", { sub: "usr_é" }),
  claims("exp missing", "exp", { exp: undefined }),
  claims("exp over", "exp", { exp: now() - 61 }),
  claims("exp a text", "exp", { exp: "4102444800" }),
  claims("exp a list", "exp", { exp: [4_102_444_800] }),
  claims("exp negative", "exp", { exp: -1 }),
  claims("exp in milliseconds", "exp", { exp: 1e15 }),
  claims("iat missing", "iat", { iat: undefined }),
  claims("iat in the future", "iat", { iat: now() + 600 }),
  claims("iat a text", "iat", { iat: "1" }),
  claims("nbf in the future", "nbf", { nbf: now() + 600 }),
  claims("nbf a text", "nbf", { nbf: "1" }),
  claims("nbf null", "nbf", { nbf: null }),
  claims("nonce missing", "nonce", { nonce: undefined }),
  claims("nonce of another sign-in", "nonce", { nonce: "n".repeat(43) }),
  claims("nonce empty", "nonce", { nonce: "" }),
  claims("nonce a list", "nonce", { nonce: [] }),
  claims("at_hash of another token", "at_hash", { at_hash: "A".repeat(22) }),
  claims("at_hash of the whole hash", "at_hash", { at_hash: "A".repeat(43) }),
  claims("at_hash a number", "at_hash", { at_hash: 1 }),
  claims("at_hash null", "at_hash", { at_hash: null }),
  [
    "auth_time missing",
    field("id_token.auth_time"),
    () => ({ claims: ({ auth_time: _, ...rest }) => rest }),
    { maxAge: 60 },
  ],
  [
    "auth_time too long ago",
    field("id_token.auth_time"),
    () => ({ claims: (right) => ({ ...right, auth_time: now() - 300 }) }),
    { maxAge: 60 },
  ],
  [
    "auth_time in the future",
    field("id_token.auth_time"),
    () => ({ claims: (right) => ({ ...right, auth_time: now() + 86_400 }) }),
    { maxAge: 60 },
  ],
  ["acr missing", field("id_token.acr"), () => ({}), { acrValues: ["urn:two"] }],
  [
    "acr that was not asked for",
    field("id_token.acr"),
    () => ({ claims: (right) => ({ ...right, acr: "urn:one" }) }),
    { acrValues: ["urn:two"] },
  ],
  organizations("organizations no list", {}),
  organizations(
    "organizations over 200",
    Array.from({ length: 201 }, (_, at) => ({ ...organization, id: `org_${at}` })),
  ),
  organizations("organization twice", [organization, organization]),
  organizations("organization without an id", [{ ...organization, id: undefined }]),
  organizations("organization with a scope that is no text", [{ ...organization, scopes: [1] }]),
  organizations("organization with a time that is a text", [{ ...organization, joined_at: "1" }]),
  organizations("organization that is a text", ["org_1"]),
];

/** Faults of the token endpoint's answer. */
const wrongTokens: readonly Defect[] = [
  tokens("ID token missing", "id_token", { id_token: undefined }),
  tokens("access token missing", "access_token", { access_token: undefined }),
  tokens("access token a number", "access_token", { access_token: 1 }),
  tokens("access token empty", "access_token", { access_token: "" }),
  tokens("access token with a line end", "access_token", { access_token: "a\nb" }),
  tokens("refresh token a number", "refresh_token", { refresh_token: 1 }),
  tokens("token type missing", "token_type", { token_type: undefined }),
  tokens("token type mac", "token_type", { token_type: "mac" }),
  tokens("token type DPoP without a key", "token_type", { token_type: "DPoP" }),
  tokens("life negative", "expires_in", { expires_in: -1 }),
  tokens("life a word", "expires_in", { expires_in: "soon" }),
  tokens("life an object", "expires_in", { expires_in: {} }),
  tokens("scope a list", "scope", { scope: ["openid"] }),
];

const body = (text: string, headers: Record<string, string> = {}) => json(text, 200, headers);
const everyAnswer = (["metadata", "keys", "token"] as const).flatMap((endpoint): Defect[] => [
  answer("HTML", endpoint, () => body("<html></html>", { "content-type": "text/html" })),
  answer("JSON as text", endpoint, async (right) => body(await right.text(), { "content-type": "text/plain" })),
  answer("without a media type", endpoint, async (right) => new Response(utf8(await right.text()))),
  answer("truncated", endpoint, async (right) => body((await right.text()).slice(0, -1))),
  answer("a list", endpoint, async (right) => body(`[${await right.text()}]`)),
  answer("null", endpoint, () => body("null")),
  answer("empty", endpoint, () => body("")),
  answer("a byte order mark", endpoint, async (right) => body(`\ufeff${await right.text()}`)),
  answer("a name twice", endpoint, async (right) => body((await right.text()).replace(/}$/, ',"x":1,"x":1}'))),
  answer("__proto__", endpoint, async (right) => body((await right.text()).replace(/}$/, ',"__proto__":{}}'))),
  answer("a megabyte", endpoint, async (right) => body((await right.text()) + " ".repeat(1_048_576))),
  answer("status 201", endpoint, async (right) => json(await right.text(), 201)),
  answer("status 204", endpoint, () => new Response(null, { status: 204 })),
  answer("status 500", endpoint, () => json({}, 500)),
  answer(
    "redirect to a private address",
    endpoint,
    () => new Response(null, { status: 302, headers: { location: "http://169.254.169.254/" } }),
  ),
]);

/** Faults of the metadata and of the way back. */
const ways: readonly Defect[] = [
  metadata("metadata of another issuer", "issuer_mismatch", { issuer: "https://attacker.example" }),
  metadata("metadata's issuer with a slash", "issuer_mismatch", { issuer: "https://issuer.example/" }),
  metadata("metadata without an issuer", "issuer_mismatch", { issuer: undefined }),
  metadata("metadata without a token endpoint", "issuer_invalid_response", { token_endpoint: undefined }),
  metadata("metadata without keys", "issuer_invalid_response", { jwks_uri: undefined }),
  metadata("metadata without an authorization endpoint", "configuration_error", { authorization_endpoint: undefined }),
  metadata("token endpoint over http", "issuer_invalid_response", { token_endpoint: "http://issuer.example/token" }),
  metadata("token endpoint at a private address", "issuer_invalid_response", { token_endpoint: "https://10.0.0.1/" }),
  metadata("keys at the metadata service", "issuer_invalid_response", {
    jwks_uri: "https://[::ffff:169.254.169.254]/",
  }),
  metadata("keys on this machine", "issuer_invalid_response", { jwks_uri: "http://localhost/jwks" }),
  metadata("token endpoint with a password", "issuer_invalid_response", {
    token_endpoint: "https://a:b@issuer.example/",
  }),
  metadata("userinfo endpoint at a private name", "issuer_invalid_response", {
    userinfo_endpoint: "https://a.internal/",
  }),
  metadata("authorization endpoint as a script", "issuer_invalid_response", {
    authorization_endpoint: "javascript:alert(1)",
  }),
  metadata("endpoint that is no text", "issuer_invalid_response", { token_endpoint: 1 }),
  callback("state missing", "state_mismatch", (parameters) => parameters.delete("state")),
  callback("state empty", "state_mismatch", (parameters) => parameters.set("state", "")),
  callback("state of another sign-in", "state_mismatch", (parameters) => parameters.set("state", "s".repeat(43))),
  callback("state twice", "state_mismatch", (parameters) => parameters.append("state", parameters.get("state")!)),
  callback("iss missing although announced", "issuer_mismatch", (parameters) => parameters.delete("iss")),
  callback("iss of another issuer", "issuer_mismatch", (parameters) =>
    parameters.set("iss", "https://attacker.example"),
  ),
  callback("iss with a slash", "issuer_mismatch", (parameters) => parameters.set("iss", "https://issuer.example/")),
  callback("iss twice", "invalid_callback", (parameters) => parameters.append("iss", "https://issuer.example")),
  callback("code missing", "invalid_callback", (parameters) => parameters.delete("code")),
  callback("code empty", "invalid_callback", (parameters) => parameters.set("code", "")),
  callback("code twice", "invalid_callback", (parameters) => parameters.append("code", "other")),
  callback("code of 8 KiB that is unknown", "invalid_grant", (parameters) => parameters.set("code", "c".repeat(8_192))),
  callback("code over 8 KiB", "invalid_callback", (parameters) => parameters.set("code", "c".repeat(8_193))),
  callback("code that is unknown", "invalid_grant", (parameters) => parameters.set("code", "other")),
  callback("error beside a code", "access_denied", (parameters) => parameters.set("error", "access_denied")),
  callback("error twice", "invalid_callback", (parameters) => {
    parameters.append("error", "access_denied");
    parameters.append("error", "login_required");
  }),
];

export const defects: readonly Defect[] = [...signatures, ...wrongClaims, ...wrongTokens, ...everyAnswer, ...ways];

/** Answers that differ from the usual ones and are right. */
export const variations: readonly (readonly [string, (issuer: TestIssuer) => Spoils | Promise<Spoils>])[] = [
  ["as usual", () => ({})],
  ["aud as a list", () => ({ claims: (right) => ({ ...right, aud: ["app"] }) })],
  ["aud of several with azp", () => ({ claims: (right) => ({ ...right, aud: ["other", "app"], azp: "app" }) })],
  ["typ JWT", () => ({ header: (right) => ({ ...right, typ: "JWT" }) })],
  ["an unknown header parameter", () => ({ header: (right) => ({ ...right, more: 1 }) })],
  ["no kid, and one key", () => ({ header: ({ kid: _, ...rest }) => rest })],
  ["no at_hash", () => ({ claims: ({ at_hash: _, ...rest }) => rest })],
  ["nbf in the past", () => ({ claims: (right) => ({ ...right, nbf: 1 }) })],
  ["over since 30 seconds", () => ({ claims: (right) => ({ ...right, exp: now() - 30 }) })],
  ["made in 30 seconds", () => ({ claims: (right) => ({ ...right, iat: now() + 30 }) })],
  ["times with fractions", () => ({ claims: (right) => ({ ...right, exp: now() + 60.5, iat: now() - 0.5 }) })],
  ["unknown claims", () => ({ claims: (right) => ({ ...right, more: { a: [1] }, email: 1, email_verified: "true" }) })],
  ["sub of 255 characters", () => ({ claims: (right) => ({ ...right, sub: "u".repeat(255) }) })],
  ["token type in lower case", () => ({ tokens: (right) => ({ ...(right as object), token_type: "bearer" }) })],
  ["no life", () => ({ tokens: (right) => ({ ...(right as object), expires_in: undefined }) })],
  ["life as a text", () => ({ tokens: (right) => ({ ...(right as object), expires_in: "3600" }) })],
  [
    "no refresh token, no scope",
    () => ({ tokens: (right) => ({ ...(right as object), refresh_token: undefined, scope: undefined }) }),
  ],
  ["unknown members", () => ({ tokens: (right) => ({ ...(right as object), more: [] }) })],
  [
    "media type with a charset",
    () => ({
      answer: async (right) =>
        json(await right.text(), right.status, { "content-type": "application/json; charset=utf-8" }),
    }),
  ],
  [
    "another key in the set",
    async () => {
      const other = await createKey("ES256", "k2");
      return { keys: ({ keys }) => ({ keys: [other.jwk, { kty: "oct", kid: "k3" }, ...keys] }) };
    },
  ],
  ...(["RS256", "PS256", "EdDSA"] as const).map(
    (algorithm) =>
      [
        `signed with ${algorithm}`,
        async () => {
          const key = await createKey(algorithm, "k9");
          return { signer: () => key, keys: () => ({ keys: [key.jwk] }) };
        },
      ] as const,
  ),
];
