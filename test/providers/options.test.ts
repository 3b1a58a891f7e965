/** Options that every provider has, in each of them. @module */
import { describe, expect, test } from "vitest";
import { ConfigurationError } from "../../src/oidc/errors.ts";
import { apple } from "../../src/providers/apple.ts";
import { authpi } from "../../src/providers/authpi.ts";
import { discord } from "../../src/providers/discord.ts";
import { github } from "../../src/providers/github.ts";
import { gitlab } from "../../src/providers/gitlab.ts";
import { google } from "../../src/providers/google.ts";
import { microsoft } from "../../src/providers/microsoft.ts";
import { oauth2 } from "../../src/providers/oauth2.ts";
import { oidc } from "../../src/providers/oidc.ts";

const client = { clientId: "client-1", clientSecret: "s3cret" };
const site = "https://acme.example";

/** Each provider with the options that it needs, and more. */
const providers = {
  oidc: (more: object) => oidc({ name: "acme", issuerUrl: site, ...client, ...more }),
  oauth2: (more: object) =>
    oauth2({
      name: "acme",
      issuer: site,
      authorizeUrl: `${site}/authorize`,
      accessTokenUrl: `${site}/token`,
      userinfoUrl: `${site}/me`,
      ...client,
      ...more,
    }),
  google: (more: object) => google({ ...client, ...more }),
  github: (more: object) => github({ ...client, ...more }),
  apple: (more: object) =>
    apple({
      clientId: "client-1",
      teamId: "TEAM456789",
      keyId: "KEY4567890",
      privateKey: "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----",
      ...more,
    }),
  microsoft: (more: object) => microsoft({ ...client, ...more }),
  gitlab: (more: object) => gitlab({ ...client, ...more }),
  discord: (more: object) => discord({ ...client, ...more }),
  authpi: (more: object) => authpi({ issuerUrl: site, ...client, ...more }),
};

/** The options that each takes, in words: everything else that any of them takes is not one of its own. */
const common = "name label mark clientId timeoutMs fetch";
const openid = `${common} scopes prompt provesAgain clockToleranceSeconds`;
const names: Readonly<Record<keyof typeof providers, string>> = {
  oidc: `${openid} clientSecret issuerUrl identityOf algorithms privateHosts privateKey clientAuthentication`,
  oauth2: `${common} clientSecret issuer authorizeUrl accessTokenUrl userinfoUrl responseIssuer scope requirePkce clientAuthentication subjectClaim identityOf privateHosts`,
  google: `${openid} clientSecret hostedDomain offline`,
  github: `${common} clientSecret scope`,
  apple: `${openid} teamId keyId privateKey`,
  microsoft: `${openid} clientSecret tenant allowPersonalAccounts subjectClaim trustedTenants`,
  gitlab: `${openid} clientSecret issuerUrl privateHosts`,
  discord: `${common} clientSecret scope`,
  authpi: `${openid} clientSecret issuerUrl org`,
};
/** Options of the client behind the providers, and of no provider. */
const clients = "redirectUri autoRefresh refreshBufferSeconds resources principalType dpop variant";
const all = new Set(`${Object.values(names).join(" ")} ${clients} redirectURI ClientId toString`.split(" "));

function refusalOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

describe.each(Object.entries(providers))("%s", (kind, make) => {
  const own = names[kind as keyof typeof names].split(" ");

  // From plain JavaScript: they would be ignored, or change how a known site is asked.
  test.each([...all].filter((name) => !own.includes(name)))(
    "the option %s is another's, or no one's: refused",
    (name) => {
      for (const value of [undefined, "s3cret"]) {
        const refusal = refusalOf(() => make({ [name]: value }));
        expect(refusal).toBeInstanceOf(ConfigurationError);
        expect(refusal).toMatchObject({ option: name });
        expect((refusal as Error).message).not.toContain("s3cret");
      }
    },
  );

  test.each(own)("its own option %s: known", (name) => {
    const refusal = refusalOf(() => make({ [name]: Symbol("of the wrong type") }));
    expect(String(refusal)).not.toContain("is not an option");
  });

  test("a mark is on the provider, and none by default", () => {
    expect(make({}).mark).toBeUndefined();
    expect(make({ mark: "/marks/acme-1.svg" }).mark).toBe("/marks/acme-1.svg");
  });

  test.each(["https://cdn.example/acme.svg", "//cdn.example/acme.svg", "/\\cdn.example", "acme.svg", "/a b", "", null])(
    "a mark that is no path of this origin, %j: refused",
    (mark) => {
      const refusal = refusalOf(() => make({ mark }));
      expect(refusal).toBeInstanceOf(ConfigurationError);
      expect(refusal).toMatchObject({ option: "mark" });
    },
  );
});
