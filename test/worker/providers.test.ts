/** The providers of the finished server, from its bindings. @module */
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigurationError, createAuth } from "../../src/index.ts";
import { providerKinds } from "../../worker/provider-kinds.ts";
import { providersOf } from "../../worker/providers.ts";
import { secret } from "../support/auth.ts";

const acme = { OIDC_ACME_ISSUER: "https://login.acme.example", OIDC_ACME_CLIENT_ID: "sallyport" };
const other = { OIDC_OTHER_ISSUER: "https://login.other.example", OIDC_OTHER_CLIENT_ID: "sallyport" };

/** The database's answer to every attempt. */
const admitted = { allowed: true, retryAfterSeconds: null };

/** The server with these bindings. */
const serverWith = (bindings: Readonly<Record<string, string>>) =>
  createAuth({
    database: { run: async () => [admitted as never], batch: async (list) => list.map(() => [admitted]) },
    secrets: secret,
    origins: ["https://example.com"],
    clientAddress: () => undefined,
    features: providersOf(bindings),
  });

/** The provider of each domain, as the server finds it. */
async function found(bindings: Readonly<Record<string, string>>, ...identifiers: readonly string[]) {
  const auth = serverWith(bindings);
  return await Promise.all(
    identifiers.map(async (identifier) => (await auth.federation!.discover({ identifier })).provider),
  );
}

describe("OC48: OIDC_<NAME>_DOMAINS", () => {
  test("lists the domains of a provider, separated by commas", async () => {
    const bindings = {
      ...acme,
      ...other,
      OIDC_ACME_DOMAINS: " acme.example,acme.example.org , ",
      OIDC_OTHER_DOMAINS: "other.example",
    };
    const asked = ["ada@acme.example", "ada@acme.example.org", "ada@other.example", "ada@example.com"];
    expect(await found(bindings, ...asked)).toEqual(["acme", "acme", "other", undefined]);
  });

  test.each([[{}], [{ OIDC_ACME_DOMAINS: "" }], [{ OIDC_ACME_DOMAINS: " , " }]])("none: %j", async (more) => {
    expect(await found({ ...acme, ...more }, "ada@acme.example")).toEqual([undefined]);
  });

  test.each([
    [
      "a domain of two providers",
      { ...acme, ...other, OIDC_ACME_DOMAINS: "a.example", OIDC_OTHER_DOMAINS: "a.example" },
      "OIDC_OTHER_DOMAINS",
    ],
    ["a domain twice", { ...acme, OIDC_ACME_DOMAINS: "a.example,a.example" }, "OIDC_ACME_DOMAINS"],
    ["domains of a provider that is not there", { ...acme, OIDC_OTHER_DOMAINS: "a.example" }, "OIDC_OTHER_ISSUER"],
    ["upper case", { ...acme, OIDC_ACME_DOMAINS: "Acme.example" }, "OIDC_ACME_DOMAINS"],
    ["semicolons", { ...acme, OIDC_ACME_DOMAINS: "a.example;b.example" }, "OIDC_ACME_DOMAINS"],
    ["an address", { ...acme, OIDC_ACME_DOMAINS: "a.example, 192.0.2.1" }, "OIDC_ACME_DOMAINS"],
    [
      "a provider with the name of the route",
      { OIDC_DISCOVER_ISSUER: acme.OIDC_ACME_ISSUER, OIDC_DISCOVER_CLIENT_ID: "x" },
      "OIDC_DISCOVER_ISSUER",
    ],
  ])("%s: refused, with the variable's name", async (_case, bindings, option) => {
    const error = await found(bindings, "ada@a.example").catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as ConfigurationError).option).toBe(option);
  });
});

describe("the other variables of a provider", () => {
  const listed = (more: Readonly<Record<string, string>>) => serverWith({ ...acme, ...more }).federation!.providers();

  test.each([
    [{}, { name: "acme", label: "ACME", provesAgain: true }],
    [{ OIDC_ACME_LABEL: "Acme" }, { label: "Acme", mark: undefined }],
    [{ OIDC_ACME_MARK: "/marks/acme.svg" }, { mark: "/marks/acme.svg" }],
    [{ OIDC_ACME_PROVES_AGAIN: "yes" }, { provesAgain: true }],
    [{ OIDC_ACME_PROVES_AGAIN: "no" }, { provesAgain: false }],
    [{ OIDC_ACME_PROVES_AGAIN: "" }, { provesAgain: true }],
  ])("%j", (more, expected) => expect(listed(more)).toMatchObject([expected]));

  test.each([
    [{ OIDC_ACME_PROVES_AGAIN: "false" }, "OIDC_ACME_PROVES_AGAIN"],
    [{ OIDC_ACME_ISSUER: "http://login.acme.example" }, "OIDC_ACME_ISSUER"],
    [{ OIDC_OTHER_LABEL: "Other" }, "OIDC_OTHER_ISSUER"],
    [{ OIDC_OTHER_ISSUER: "https://login.other.example" }, "OIDC_OTHER_CLIENT_ID"],
    [{ OIDC_ACME_CLIENT_ID: "a b" }, "OIDC_ACME_CLIENT_ID"],
    [{ OIDC_ACME_SCOPES: 'openid "email"' }, "OIDC_ACME_SCOPES"],
    [{ OIDC_ACME_SCOPE: "openid" }, "OIDC_ACME_SCOPE"],
    [{ OIDC_ACME_TENANT: "common" }, "OIDC_ACME_TENANT"],
    [{ OIDC_ACME_MARK: "https://cdn.example/acme.svg" }, "OIDC_ACME_MARK"],
    [{ OIDC_ACME_KIND: "gogle" }, "OIDC_ACME_KIND"],
    [{ OIDC_ACME_KIND: "toString" }, "OIDC_ACME_KIND"],
  ])("%j: refused, with the variable's name", (more, option) => {
    expect(() => listed(more)).toThrow(ConfigurationError);
    expect(() => listed(more)).toThrow(option);
  });
});

/** A known site with its client, and what it needs besides. */
const sites = {
  google: { OIDC_X_CLIENT_SECRET: "hunter2" },
  github: { OIDC_X_CLIENT_SECRET: "hunter2" },
  apple: {
    OIDC_X_TEAM_ID: "TEAM456789",
    OIDC_X_KEY_ID: "KEY4567890",
    OIDC_X_PRIVATE_KEY: "-----BEGIN PRIVATE KEY-----\\nMIGHAgEA\\n-----END PRIVATE KEY-----",
  },
  microsoft: { OIDC_X_CLIENT_SECRET: "hunter2" },
  gitlab: {},
  discord: { OIDC_X_CLIENT_SECRET: "hunter2" },
  authpi: { OIDC_X_ISSUER: "https://login.acme.example" },
} as const;
type Kind = keyof typeof sites;

/** The variables of a site with the name `X`. */
const site = (kind: Kind, more: Readonly<Record<string, string>> = {}) => ({
  OIDC_X_KIND: kind,
  OIDC_X_CLIENT_ID: "sallyport",
  ...sites[kind],
  ...more,
});

describe("OIDC_<NAME>_KIND", () => {
  const listed = (bindings: Readonly<Record<string, string>>) => serverWith(bindings).federation!.providers();

  test("each provider of the package but oauth2, which has no variables for its functions, is a kind", async () => {
    const files = await readdir(new URL("../../src/providers", import.meta.url));
    const names = files.map((file) => file.replace(/\.ts$/, "")).filter((name) => !name.includes("-"));
    expect([...providerKinds.keys(), "oauth2"].sort()).toEqual(names.sort());
  });

  test.each([
    ["google", "Google", false],
    ["github", "GitHub", false],
    ["apple", "Apple", false],
    ["microsoft", "Microsoft", false],
    ["gitlab", "GitLab", true],
    ["discord", "Discord", false],
    ["authpi", "AuthPI", true],
  ] as const)("%s: its own button, at the variables' name", (kind, label, provesAgain) => {
    expect(listed(site(kind))).toMatchObject([{ name: "x", label, provesAgain }]);
    expect(listed(site(kind, { OIDC_X_LABEL: "Work" }))).toMatchObject([{ name: "x", label: "Work" }]);
  });

  test.each([
    ["google", {}, { hd: null, scope: "openid email profile" }],
    [
      "google",
      { HOSTED_DOMAIN: "acme.example", SCOPES: "email  openid" },
      { hd: "acme.example", scope: "openid email" },
    ],
    ["github", {}, { scope: "read:user user:email" }],
    ["github", { SCOPES: "read:user" }, { scope: "read:user" }],
    ["apple", {}, { scope: "openid name email" }],
    ["apple", { SCOPES: "email" }, { scope: "openid email" }],
    ["discord", { SCOPES: "identify" }, { scope: "identify" }],
    ["gitlab", { SCOPES: "email" }, { scope: "openid email" }],
    ["authpi", { ORG: "org_1" }, { org: "org_1" }],
  ] as const)("%s with %j: asks with %j", async (kind, given, parameters) => {
    const variables = Object.fromEntries(Object.entries(given).map(([name, text]) => [`OIDC_X_${name}`, text]));
    const url = await askedOf(kind, variables);
    expect(url.searchParams.get("client_id")).toBe("sallyport");
    const asked = Object.keys(parameters).map((name) => [name, url.searchParams.get(name)]);
    expect(Object.fromEntries(asked)).toEqual(parameters);
  });

  test.each([
    [{}, "/organizations/v2.0"],
    [{ OIDC_X_TENANT: "common" }, "/common/v2.0"],
    [{ OIDC_X_TENANT: "11111111-2222-4333-8444-555555555555" }, "/11111111-2222-4333-8444-555555555555/v2.0"],
  ])("microsoft with %j: the tenant %s is asked", async (variables, path) => {
    const url = await askedOf("microsoft", variables);
    expect(url.pathname).toBe(`${path}/authorize`);
  });

  test("gitlab with an instance: it is asked, and not gitlab.com", async () => {
    const url = await askedOf("gitlab", { OIDC_X_ISSUER: "https://git.acme.example" });
    expect(url.origin).toBe("https://git.acme.example");
  });

  test.each([
    ["google", { OIDC_X_CLIENT_SECRET: "" }, "CLIENT_SECRET"],
    ["google", { OIDC_X_HOSTED_DOMAIN: "Acme.example" }, "HOSTED_DOMAIN"],
    ["google", { OIDC_X_HOSTED_DOMIAN: "acme.example" }, "HOSTED_DOMIAN"],
    ["google", { OIDC_X_ISSUER: "https://accounts.google.com" }, "ISSUER"],
    ["google", { OIDC_X_PROVES_AGAIN: "yes" }, "PROVES_AGAIN"],
    ["github", { OIDC_X_CLIENT_SECRET: "" }, "CLIENT_SECRET"],
    ["github", { OIDC_X_SCOPES: 'a"b' }, "SCOPES"],
    ["github", { OIDC_X_CLIENT_ID: "a b" }, "CLIENT_ID"],
    ["apple", { OIDC_X_CLIENT_SECRET: "hunter2" }, "CLIENT_SECRET"],
    ["apple", { OIDC_X_TEAM_ID: "" }, "TEAM_ID"],
    ["apple", { OIDC_X_TEAM_ID: "team" }, "TEAM_ID"],
    ["apple", { OIDC_X_KEY_ID: "key" }, "KEY_ID"],
    ["apple", { OIDC_X_PRIVATE_KEY: "hunter2" }, "PRIVATE_KEY"],
    ["apple", { OIDC_X_SCOPES: 'a"b' }, "SCOPES"],
    ["microsoft", { OIDC_X_TENANT: "acme.example" }, "TENANT"],
    ["microsoft", { OIDC_X_PERSONAL_ACCOUNTS: "true" }, "PERSONAL_ACCOUNTS"],
    ["discord", { OIDC_X_CLIENT_SECRET: "" }, "CLIENT_SECRET"],
    ["gitlab", { OIDC_X_ISSUER: "http://git.acme.example" }, "ISSUER"],
    ["authpi", { OIDC_X_ISSUER: "" }, "ISSUER"],
  ] as const)("%s with %j: refused, with the variable's name and no secret", (kind, variables, variable) => {
    const refusal = refusalOf(() => listed(site(kind, variables)));
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect((refusal as ConfigurationError).option).toBe(`OIDC_X_${variable}`);
    expect((refusal as ConfigurationError).message).not.toContain("hunter2");
  });

  test("variables of another program with this form: not looked at", () => {
    expect(listed({ ...acme, OIDC_RP_SIGN_ALGO: "RS256", OIDC_OP_JWKS_ENDPOINT: "x" })).toHaveLength(1);
    expect(serverWith({ OIDC_RP_SIGN_ALGO: "RS256" })).not.toHaveProperty("federation");
    // Of django-oauth-toolkit.
    expect(serverWith({ OIDC_RSA_PRIVATE_KEY: "-----BEGIN RSA PRIVATE KEY-----" })).not.toHaveProperty("federation");
  });

  test("OC45: without a provider, the server refuses sessions of all issuers, as after the last provider was removed", () => {
    expect(providersOf({}).map(({ issuers }) => issuers?.())).toEqual([[]]);
  });

  test.each(["HOSTED_DOMAIN", "TENANT", "PERSONAL_ACCOUNTS", "ORG", "DOMAINS", "PROVES_AGAIN"])(
    "%s under a misspelled name: refused, so that no limit is lost",
    (variable) => {
      const refusal = refusalOf(() => listed({ ...site("google"), [`OIDC_Y_${variable}`]: "acme.example" }));
      expect((refusal as ConfigurationError).option).toBe("OIDC_Y_ISSUER");
    },
  );
});

function refusalOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

/** Stands in for every issuer: it answers with the metadata of the issuer that is asked. */
async function answerAsIssuer(url: string): Promise<Response> {
  const asked = url.replace(/\/\.well-known\/openid-configuration$/, "");
  const isTenant = asked.startsWith("https://login.microsoftonline.com/");
  const metadata = {
    issuer: isTenant ? asked.replace(/organizations|common/, "{tenantid}") : asked,
    authorization_endpoint: `${asked}/authorize`,
    token_endpoint: `${asked}/token`,
    jwks_uri: `${asked}/keys`,
  };
  return Response.json(metadata);
}

const { fetch } = globalThis;
beforeAll(() => {
  globalThis.fetch = answerAsIssuer as typeof fetch;
});
afterAll(() => {
  globalThis.fetch = fetch;
});

/** Where the browser is sent. */
async function askedOf(kind: Kind, more: Readonly<Record<string, string>>): Promise<URL> {
  return new URL((await serverWith(site(kind, more)).federation!.start({ provider: "x" })).url);
}
