/** S34: every option with a wrong value: the error names the option, says what was given and what is wanted, and holds no secret. */
import { describe, expect, test } from "vitest";
import { randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import { describeFault } from "../../src/engine/faults.ts";
import { ConfigurationError } from "../../src/engine/options.ts";
import { rewriteRules } from "../../src/engine/rule-set.ts";
import { realmOf } from "../../src/http/auth-source.ts";
import { cloudflareAddress, forwardedAddress } from "../../src/http/client-address.ts";
import { authorization } from "../../src/http/features/authorization.ts";
import { mfa } from "../../src/http/features/mfa.ts";
import { passkeys } from "../../src/http/features/passkeys.ts";
import { passwords } from "../../src/http/features/passwords.ts";
import { personalAccessTokens } from "../../src/http/features/personal-access-tokens.ts";
import { signUp } from "../../src/http/features/sign-up.ts";
import { requireFreshMfa } from "../../src/http/fresh-mfa.ts";
import { openapiRoutes } from "../../src/http/openapi.ts";
import { attestation } from "../../src/http/passkeys.ts";
import { createAuth } from "../../src/operations/auth.ts";
import { argon2id } from "../../src/runtime/argon2id.ts";
import { neon } from "../../src/store/drivers/neon.ts";
import { pglite } from "../../src/store/drivers/pglite.ts";
import { postgres } from "../../src/store/drivers/postgres.ts";
import { sealingKey, secret } from "../support/auth.ts";
import { pages } from "../support/every-page.ts";

const url = "postgres://user:pw-canary@h.example/d";
const command = "npx --no sallyport secret";

type Options = Readonly<Record<string, unknown>>;

/** The application's options with every feature; a dotted name is a feature's. */
function optionsWith(name: string, value: unknown): object {
  const [feature, option] = name.includes(".") ? name.split(".") : ["createAuth", name];
  const of = (wanted: string, good: Options = {}): never =>
    ({ ...good, ...(feature === wanted && { [option!]: value }) }) as never;
  return of("createAuth", {
    database: neon(url),
    secrets: secret,
    origins: ["https://example.com"],
    clientAddress: cloudflareAddress,
    features: [
      passwords(of("passwords", { hasher: argon2id() })),
      signUp(of("signUp", { mode: "open" })),
      mfa(of("mfa", { sealingKeys: sealingKey })),
      passkeys(of("passkeys")),
      personalAccessTokens(of("personalAccessTokens")),
      authorization(of("authorization")),
    ],
  });
}

function refusal(make: () => object): ConfigurationError {
  try {
    realmOf(createAuth(make as () => never)(undefined as never) as never).check();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return error as ConfigurationError;
  }
  throw new Error("It was accepted.");
}

const standard = Buffer.from(new Uint8Array(32).fill(255).map((byte, index) => byte - index * 7)).toString("base64");
type Row = [name: string, value: unknown, ...words: string[]];

const rows: readonly Row[] = [
  ["database", undefined, "it is missing", "a driver, such as neon(url)"],
  ["database", url, "a text of 37 characters", "a driver"],
  ["secrets", undefined, "missing", command],
  ["secrets", toBase64Url(randomBytes(31)), "42 characters", "shorter than 32 bytes", command],
  ["secrets", standard, "44 characters", "not base64url", "+ / =", command],
  ["secrets", `${secret},${secret}`, "same version or value", command],
  ["secrets", "A".repeat(43), "published sample", command],
  ["secrets", `development.${secret}`, "loopback", command],
  ["origins", undefined, "names no origin", "https://auth.example.com"],
  ["origins", [], "names no origin", "https://auth.example.com"],
  ["origins", [""], "it is missing", "https://auth.example.com"],
  ["origins", [undefined], "it is missing", "https://auth.example.com"],
  ["origins", ["http://example.com"], "http is for loopback only"],
  ["origins", ["https://example.com/"], "a slash", "nothing after it"],
  ["origins", ["https://*.example.com"], "a wildcard"],
  ["origins", [secret], "a text of 43 characters is no URL"],
  ["clientAddress", undefined, "it is missing", "cloudflareAddress"],
  ["clientAddress", "cf-connecting-ip", "cf-connecting-ip", "a function"],
  ["lifetimes", { retrySeconds: 31 }, "`retrySeconds`: it is 31", "0 to 30"],
  ["lifetimes", { level1: { absoluteSeconds: 10, idleSeconds: 5 } }, "`absoluteSeconds`: it is 10", "60 to 34560000"],
  ["lifetimes", { level2: { absoluteSeconds: 100, idleSeconds: 101 } }, "`idleSeconds`: it is 101", "60 to 100"],
  ["limits", { account: { attempts: 0, windowSeconds: 60 } }, "`account.attempts`: it is 0", "1 to 100"],
  ["timeouts", { requestMilliseconds: 1 }, "`requestMilliseconds`: it is 1", "500 to 60000"],
  ["timeouts", { firstMilliseconds: 4_000 }, "`firstMilliseconds`: it is 4000", "5000 to 60000"],
  ["features", undefined, "it is missing", "a list of features"],
  ["features", [undefined], "it is a list", "a list of features, such as passwords(…)"],
  ["features", [{ name: "passwords" }], "it is a list", "a list of features, such as passwords(…)"],
  ["onError", "console", 'it is "console"', "a function"],
  ["sharedDatabase", "yes", 'it is "yes"', 'true, false or "inherited"'],
  ["allowNonAsciiIdentifiers", "yes", 'it is "yes"', "true or false"],
  ...["Shop-", "shop", "-", "a b-", "a=b-", "a;b-", "ä-", `${"a".repeat(33)}-`, 1].map(
    (prefix): Row => ["cookiePrefix", prefix, "must be letters a to z or digits, and a hyphen"],
  ),
  ["passwords.hasher", undefined, "`hasher` is missing", "argon2id()"],
  ["passwords.decoyHash", "", 'it is ""', "hasher can verify"],
  ["passwords.predictableWords", "acme", "a list of texts"],
  ["passwords.predictableWords", ["acme", 5], "a list of texts"],
  ["passwords.blocklist", ["baseball"], "it is a list", "a function"],
  ["passwords.isCompromised", true, "it is true", "a function"],
  ["passwords.history", 5, "it is 5", "a function"],
  ["signUp.mode", undefined, "it is missing", '"open", "verify-first", "invited" or "closed"'],
  ["signUp.mode", "opne", 'it is "opne"', '"open", "verify-first", "invited" or "closed"'],
  ["mfa.sealingKeys", undefined, "missing", command],
  ["mfa.sealingKeys", secret, "differ from the root secret", command],
  ["mfa.sealing", "maybe", 'it is "maybe"', '"on", "accept-unsealed" or "off"'],
  ["mfa.issuer", "", 'it is ""', "a text"],
  ["passkeys.rpId", "other.example", "a text of 13 characters", "example.com or a parent"],
  ["passkeys.rpName", " ", "a text"],
  ["passkeys.identifierFirst", 1, "it is 1", "true or false"],
  ["passkeys.secondFactorVerification", "never", 'it is "never"', '"required", "preferred" or "discouraged"'],
  ["passkeys.maxPerUser", 0, "it is 0", "a whole number from 1 to 10000"],
  ["passkeys.frames", {}, "`topOrigins`", "a list of origins"],
  ["passkeys.verifier", null, "it is missing", "a verifier, such as simpleWebAuthn()"],
  ["passkeys.verifier", "simplewebauthn", 'it is "simplewebauthn"', "a verifier"],
  ["passkeys.verifier", { registration: () => undefined }, "of the type object", "a verifier"],
  ["passkeys.attestation", attestation({ anchors: [] }), "at least one certificate"],
  ["personalAccessTokens.maxTokenChecks", 501, "it is 501", "a whole number from 1 to 500"],
  ["authorization.rules", { doc: { viewer: [] } }, "of the type object", "made by rewriteRules(…)"],
  ["authorization.rules", "doc.viewer", "a text of 10 characters", "made by rewriteRules(…)"],
  ["personalAccessTokens.maxPerUser", "many", 'it is "many"', "a whole number from 1 to 10000"],
];

describe("S34: each option of createAuth and of the features", () => {
  test.each(rows)("%s = %j", (name, value, ...words) => {
    const error = refusal(() => optionsWith(name, value));
    expect(error.option).toBe(named(name));
    for (const word of words) expect(error.message).toContain(word);
  });

  /** The options of `passwords` are checked together, but for the decoy. */
  const named = (name: string): string => (name === "passwords.hasher" ? "passwords" : name.split(".").at(-1)!);
});

describe("S34: each option of rewriteRules", () => {
  const good = { doc: { viewer: [] } };
  test.each<[place: string, make: () => unknown, ...words: string[]]>([
    ["rules", () => rewriteRules(undefined as never), "it is missing", "an object"],
    ["rules.project", () => rewriteRules({ project: {} }), 'it is "project"', "2 to 6 of a-z"],
    [
      "rules.doc.viewer[1].relation",
      () => rewriteRules({ doc: { viewer: [{ type: "this" }, { type: "computed_userset", relation: "Editor" }] } }),
      'it is "Editor"',
      "2 to 32 of a-z and _",
    ],
    ["rules.maxDepth", () => rewriteRules(good, { maxDepth: 0 }), "it is 0", "a whole number from 1 to 32"],
    ["rules.maxDepth", () => rewriteRules(good, { maxDepth: 33 }), "it is 33", "from 1 to 32"],
    ["rules.maxDepth", () => rewriteRules(good, { maxDepth: 1.5 }), "it is 1.5", "a whole number"],
    ["rules.maxFanOut", () => rewriteRules(good, { maxFanOut: 100_001 }), "it is 100001", "from 1 to 100000"],
    ["rules.maxFanOut", () => rewriteRules(good, { maxFanOut: "9" as never }), 'it is "9"', "a whole number"],
    ["rules.maxWork", () => rewriteRules(good, { maxWork: 1_000_001 }), "it is 1000001", "from 1 to 1000000"],
    ["rules.maxWork", () => rewriteRules(good, { maxWork: Number.NaN }), "it is NaN", "a whole number"],
    ["rules.exactOrder", () => rewriteRules(good, { exactOrder: 1 as never }), "it is 1", "true or false"],
  ])("%s is refused at the first use, not where it is made", (place, make, ...words) => {
    const rules = make();
    const error = refusal(() => optionsWith("authorization.rules", rules));
    expect(error.option).toBe(place);
    for (const word of words) expect(error.message).toContain(word);
  });
});

describe("S34: each option of a driver, the hasher and the address", () => {
  const made: readonly [string, () => unknown, string, ...string[]][] = [
    ["neon(undefined)", () => neon(undefined as never), "database", "it is missing", "postgres://user:password@host/"],
    ["neon(text)", () => neon("pw-canary"), "database", "a text of 9 characters", "postgres://user:password@host/"],
    [
      "fetchEndpoint",
      () => neon(url, { fetchEndpoint: "nowhere" }),
      "fetchEndpoint",
      "nowhere",
      "the URL of a SQL endpoint",
    ],
    ["timeout", () => neon(url, { timeoutMilliseconds: -1 }), "database", "`timeoutMilliseconds`: it is -1", "above 0"],
    [
      "first timeout",
      () => neon(url, { firstTimeoutMilliseconds: Number.NaN }),
      "database",
      "`firstTimeoutMilliseconds`: it is NaN",
      "above 0",
    ],
    ["postgres()", () => postgres(undefined as never), "database", "it is missing", "a pool or a client of pg"],
    ["pglite()", () => pglite(undefined as never), "database", "it is missing", "an instance of PGlite"],
    ["queueLength", () => argon2id({ queueLength: 0 }), "queueLength", "it is 0", "1 to 1,000"],
    [
      "largestHash",
      () => argon2id({ largestHash: { memoryKiB: 1, passes: 1, lanes: 1 } }),
      "largestHash",
      "65,536 to 2,097,152 KiB",
    ],
    ["hops", () => forwardedAddress(0), "clientAddress", "it is 0", "your own proxies"],
    [
      "an error that is not ours",
      () => {
        throw new Error(`cannot parse ${url}`);
      },
      "database",
      "reading it failed",
    ],
  ];
  test.each(made)("%s", (_name, make, option, ...words) => {
    const error = refusal(make as () => object);
    expect(error.option).toBe(option);
    for (const word of words) expect(error.message).toContain(word);
    expect(error.message).not.toContain("canary");
    expect(describeFault(error)).toContain(error.message);
  });
});

describe("S34: each option of a route", () => {
  const auth = createAuth(optionsWith("onError", undefined) as never);
  const made: readonly [string, () => unknown, ...string[]][] = [
    ["withinSeconds", () => requireFreshMfa(auth, { withinSeconds: 0 }), "it is 0", "a number of seconds above 0"],
    ["describes", () => openapiRoutes(auth, { describes: ["auth" as never] }), "it is a list", '"/auth"'],
    ["describes", () => openapiRoutes(auth, { describes: "/auth" as never }), "a text of 5", '"/auth"'],
    ["basePath", () => pages(auth as never, { basePath: "me" }), "basePath", "a path such as /me"],
    ["brand.name", () => pages(auth as never, { brand: { name: " " } }), "brand.name", "a text"],
    ["returnPaths", () => pages(auth as never, { returnPaths: { signIn: "https://a.example" } }), "returnPaths.signIn"],
  ];
  test.each(made)("%s is checked where the routes are made", (_name, make, ...words) => {
    expect(make).toThrow(TypeError);
    for (const word of words) expect(make).toThrow(word);
  });
});

test("S34, R129: no error contains a secret, whichever option it was given to", () => {
  const canary = toBase64Url(randomBytes(32));
  for (const name of new Set(rows.map(([option]) => option))) {
    for (const value of [canary, [canary], `1:${canary},1:${canary}`, `${canary}=`, url]) {
      let error: ConfigurationError;
      try {
        error = refusal(() => optionsWith(name, value));
      } catch {
        // The option accepts it.
        continue;
      }
      for (const text of [error.message, String(error), describeFault(error)]) {
        expect(text, name).not.toContain(canary.slice(0, 8));
        expect(text, name).not.toContain("canary");
      }
    }
  }
});
