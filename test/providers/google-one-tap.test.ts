import { readFile } from "node:fs/promises";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { google, type OneTapOptions, verifyOneTap } from "../../src/providers/google.ts";
import { attempt, codeOf, IssuerStandIn } from "../support/provider-stand-in.ts";

const issuer = "https://accounts.google.com";
const clientId = "1234987819200.apps.googleusercontent.com";
const nonce = "n".repeat(43);
const csrf = "b1c2d3e4f5a6b7c8";

function world(more: Partial<OneTapOptions> = {}) {
  const site = new IssuerStandIn({
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    metadata: {
      issuer,
      jwks_uri: "https://www.googleapis.com/oauth2/v3/certs",
      token_endpoint: "https://oauth2.googleapis.com/token",
    },
    claims: {
      iss: issuer,
      azp: clientId,
      aud: clientId,
      sub: "3141592653589793238",
      email: "elisa.g.beckett@gmail.com",
      email_verified: true,
      name: "Elisa Beckett",
      nonce,
    },
  });
  const verify = async (
    claims: Readonly<Record<string, unknown>> = {},
    answer: { cookie?: string | undefined; fields?: readonly (readonly [string, string])[]; nonce?: string } = {},
  ) => {
    site.claims = claims;
    const fields = answer.fields ?? [["g_csrf_token", csrf]];
    const form = new URLSearchParams(
      [["credential", await site.idToken()], ...fields].map(([name, value]) => [name!, value!]),
    );
    const csrfCookie = "cookie" in answer ? answer.cookie : csrf;
    const expected = "nonce" in answer ? answer.nonce! : nonce;
    return await verifyOneTap({ clientId, fetch: site.fetch, ...more }, { form, csrfCookie, nonce: expected });
  };
  return { site, verify };
}

describe("OC31: One Tap", () => {
  test("a credential: the identity of the ID token", async () => {
    expect(await world().verify()).toMatchObject({
      issuer,
      subject: "3141592653589793238",
      email: "elisa.g.beckett@gmail.com",
      emailVerified: true,
      name: "Elisa Beckett",
    });
  });

  test("the issuer without https: the same identity", async () => {
    expect((await world().verify({ iss: "accounts.google.com" })).issuer).toBe(issuer);
  });

  test.each([
    ["no cookie", { cookie: undefined }],
    ["an empty cookie and field", { cookie: "", fields: [["g_csrf_token", ""]] as const }],
    ["another cookie", { cookie: "other" }],
    ["no field", { fields: [] }],
    ["another field", { fields: [["g_csrf_token", "other"]] as const }],
    [
      "the field twice",
      {
        fields: [
          ["g_csrf_token", csrf],
          ["g_csrf_token", csrf],
        ] as const,
      },
    ],
  ])("attack: a form of another site, with %s: refused before Google is asked", async (_, answer) => {
    const { site, verify } = world();
    expect(await codeOf(verify({}, answer))).toBe("state_mismatch");
    expect(site.seen).toEqual([]);
  });

  test.each([
    ["another page's nonce", { nonce: "m".repeat(43) }],
    ["no nonce", { nonce: undefined }],
    ["another application", { aud: "other", azp: "other" }],
    ["expired", { exp: 1 }],
    ["another issuer", { iss: "https://evil.example" }],
  ])("attack: a credential with %s: refused", async (_, claims) => {
    expect(await codeOf(world().verify(claims))).toBe("invalid_token_response");
  });

  test.each(["", "short", undefined as unknown as string])("attack: the page's nonce is %j: refused", async (wrong) => {
    expect(await codeOf(world().verify({ nonce: wrong }, { nonce: wrong }))).toBe("configuration_error");
  });

  test("attack: a credential of another algorithm, whose key is in the set: refused", async () => {
    const { site, verify } = world();
    site.published = crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    site.key = site.published;
    site.keyMembers = { alg: "ES256" };
    expect(await codeOf(verify())).toBe("invalid_token_response");
  });

  test("two credentials: refused", async () => {
    const fields = [
      ["g_csrf_token", csrf],
      ["credential", "another"],
    ] as const;
    expect(await codeOf(world().verify({}, { fields }))).toBe("invalid_callback");
  });

  test("hostedDomain: only its accounts", async () => {
    const { verify } = world({ hostedDomain: "example.com" });
    expect(await codeOf(verify({ hd: "example.com" }))).toBe("accepted");
    expect(await codeOf(verify({ hd: "evil.example" }))).toBe("account_not_allowed");
    expect(await codeOf(verify())).toBe("account_not_allowed");
  });
});

describe("OC31: the provider takes the same ID token", () => {
  const provided = async (claims: Readonly<Record<string, unknown>> = {}, more: Partial<OneTapOptions> = {}) => {
    const { site } = world();
    site.claims = claims;
    const provider = google({ clientId, clientSecret: "secret", fetch: site.fetch, ...(more as object) });
    return { site, provider, form: new URLSearchParams({ credential: await site.idToken() }) };
  };

  test("from a form, with the nonce of the attempt", async () => {
    const { provider, form } = await provided();
    expect(provider.pageClientId).toBe(clientId);
    expect(await provider.finish(form, attempt({ nonce }))).toMatchObject({ issuer, subject: "3141592653589793238" });
  });

  test("not from a URL, which anyone can make a browser open", async () => {
    const { provider, form } = await provided();
    const url = new URL(`https://app.example/callback?${form}`);
    expect(await codeOf(provider.finish(url, attempt({ nonce })))).toBe("state_mismatch");
  });

  test.each([
    ["another browser's nonce", { nonce: "m".repeat(43) }, {}],
    ["no nonce", { nonce: undefined }, {}],
    ["another application's token", { aud: "other", azp: "other" }, {}],
    ["another domain's account", { hd: "other.example" }, { hostedDomain: "example.com" }],
  ])("%s is refused", async (_what, claims, more) => {
    const { provider, form } = await provided(claims, more);
    await expect(provider.finish(form, attempt({ nonce }))).rejects.toMatchObject({ error: expect.any(String) });
  });

  test("twice in a form: refused", async () => {
    const { provider, form } = await provided();
    form.append("credential", form.get("credential")!);
    expect(await codeOf(provider.finish(form, attempt({ nonce })))).toBe("invalid_callback");
  });
});

describe("OC31: the button of docs/providers.md, with the dialog of FedCM", async () => {
  const page = await readFile(new URL("../../docs/providers.md", import.meta.url), "utf8");
  const [, script = ""] = /```js\n([\s\S]*?)```/.exec(page)!;

  test("has at most 1 KiB of script, and no script of another site", () => {
    expect(script.length).toBeGreaterThan(300);
    expect(script.length).toBeLessThanOrEqual(1_024);
    expect(gzipSync(script).length).toBeLessThanOrEqual(512);
    expect(script).not.toContain("<script");
  });

  test("asks for a token with the nonce of the browser's cookie, and sends it to the callback as a form", async () => {
    let click: () => Promise<void> = async () => undefined;
    const asked: unknown[] = [];
    const submitted: object[] = [];
    const element = (fields: object[] = []) => ({
      fields,
      append: (field: object) => void fields.push(field),
      submit() {
        submitted.push({ ...this });
      },
    });
    runInNewContext(script, {
      document: {
        querySelector: () => ({
          addEventListener(_type: string, act: typeof click) {
            click = act;
          },
        }),
        createElement: () => element(),
        body: element(),
      },
      fetch: async (path: string, init: RequestInit) => {
        asked.push([path, init.method]);
        return Response.json({ client_id: clientId, nonce });
      },
      navigator: {
        credentials: {
          async get({ identity }: { identity: object }) {
            asked.push(identity);
            return { token: "the-id-token" };
          },
        },
      },
    });
    await click();
    expect(asked).toMatchObject([
      ["/auth/oidc/google/nonce", "POST"],
      { providers: [{ configURL: "https://accounts.google.com/gsi/fedcm.json", clientId, nonce, params: { nonce } }] },
    ]);
    expect(submitted).toMatchObject([
      { method: "post", action: "/auth/oidc/google/callback", fields: [{ name: "credential", value: "the-id-token" }] },
    ]);
  });
});
