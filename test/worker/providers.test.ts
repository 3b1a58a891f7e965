/** The providers of the finished server, from its bindings. @module */
import { describe, expect, test } from "vitest";
import { ConfigurationError, createAuth } from "../../src/index.ts";
import { providersOf } from "../../worker/providers.ts";
import { secret } from "../support/auth.ts";

const acme = { OIDC_ACME_ISSUER: "https://login.acme.example", OIDC_ACME_CLIENT_ID: "sallyport" };
const other = { OIDC_OTHER_ISSUER: "https://login.other.example", OIDC_OTHER_CLIENT_ID: "sallyport" };

/** The server with these bindings. */
const serverWith = (bindings: Readonly<Record<string, string>>) =>
  createAuth({
    database: { run: async () => [], batch: async (list) => list.map(() => []) },
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
    ["upper case", { ...acme, OIDC_ACME_DOMAINS: "Acme.example" }, "domains"],
    ["semicolons", { ...acme, OIDC_ACME_DOMAINS: "a.example;b.example" }, "domains"],
    [
      "a provider with the name of the route",
      { OIDC_DISCOVER_ISSUER: acme.OIDC_ACME_ISSUER, OIDC_DISCOVER_CLIENT_ID: "x" },
      "providers",
    ],
  ])("%s: refused, with the option's name", async (_case, bindings, option) => {
    const error = await found(bindings, "ada@a.example").catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as ConfigurationError).option).toBe(option);
  });
});

describe("the other variables of a provider", () => {
  const listed = (more: Readonly<Record<string, string>>) => serverWith({ ...acme, ...more }).federation!.providers();

  test.each([
    [{}, { name: "acme", label: "ACME", provesAgain: true }],
    [{ OIDC_ACME_LABEL: "Acme" }, { label: "Acme" }],
    [{ OIDC_ACME_PROVES_AGAIN: "yes" }, { provesAgain: true }],
    [{ OIDC_ACME_PROVES_AGAIN: "no" }, { provesAgain: false }],
    [{ OIDC_ACME_PROVES_AGAIN: "" }, { provesAgain: true }],
  ])("%j", (more, expected) => expect(listed(more)).toMatchObject([expected]));

  test.each([
    [{ OIDC_ACME_PROVES_AGAIN: "false" }, "OIDC_ACME_PROVES_AGAIN"],
    [{ OIDC_ACME_ISSUER: "http://login.acme.example" }, "OIDC_ACME_ISSUER"],
    [{ OIDC_OTHER_LABEL: "Other" }, "OIDC_OTHER_ISSUER"],
  ])("%j: refused, with the variable's name", (more, option) => {
    expect(() => listed(more)).toThrow(ConfigurationError);
    expect(() => listed(more)).toThrow(option);
  });
});
