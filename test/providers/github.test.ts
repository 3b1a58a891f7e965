import { describe, expect, test } from "vitest";
import { github } from "../../src/providers/github.ts";
import { attempt, codeOf, StandIn, signInAt } from "../support/provider-stand-in.ts";

const tokenUrl = "https://github.com/login/oauth/access_token";
const userUrl = "https://api.github.com/user";
const emailsUrl = "https://api.github.com/user/emails?per_page=100";

/** As GitHub's REST API documents "Get the authenticated user" and "List email addresses for the authenticated user". */
const user = {
  login: "octocat",
  id: 583231,
  node_id: "MDQ6VXNlcjU4MzIzMQ==",
  type: "User",
  name: "The Octocat",
  email: "written-by-the-user@example.com",
};
const emails = [
  { email: "old@example.com", primary: false, verified: true, visibility: null },
  { email: "octocat@example.com", primary: true, verified: true, visibility: "private" },
];

function world(more: { id?: unknown; login?: string; name?: unknown } = {}, list: unknown = emails) {
  const site = new StandIn()
    .put(tokenUrl, { json: { access_token: "gho_16C7e42F", scope: "read:user,user:email", token_type: "bearer" } })
    .put(userUrl, { json: { ...user, ...more } })
    .put(emailsUrl, { json: list });
  return { site, provider: github({ clientId: "Iv1.1", clientSecret: "s3cret", fetch: site.fetch }) };
}

describe("OC32: GitHub", () => {
  test("a sign-in: the numeric id of https://github.com, and the primary address", async () => {
    const { site, provider } = world();
    expect(provider).toMatchObject({ name: "github", label: "GitHub", issuers: ["https://github.com"] });
    const url = new URL(await provider.begin(attempt()));
    expect(url.origin + url.pathname).toBe("https://github.com/login/oauth/authorize");
    expect(url.searchParams.get("scope")).toBe("read:user user:email");
    expect(url.searchParams.get("code_challenge_method")).toBe("S256");
    expect(await signInAt(provider)).toMatchObject({
      issuer: "https://github.com",
      subject: "583231",
      email: "octocat@example.com",
      emailVerified: true,
      name: "The Octocat",
    });
    // GitHub refuses a request without a user agent, and answers in a form unless JSON is asked for.
    expect(site.seen).toHaveLength(3);
    for (const { headers } of site.seen) {
      expect(headers.get("user-agent")).toBe("sallyport");
      expect(headers.get("accept")).toBe("application/json");
    }
  });

  test("attack: a login name that changed hands is another identity", async () => {
    const before = await signInAt(world().provider);
    const renamed = await signInAt(world({ login: "octocat-2" }).provider);
    const taker = await signInAt(world({ id: 99, login: "octocat" }).provider);
    expect(renamed.subject).toBe(before.subject);
    expect(taker.subject).not.toBe(before.subject);
  });

  test.each([
    ["missing", undefined],
    ["null", null],
    ["zero", 0],
    ["a text", "583231"],
    ["the login name", "octocat"],
    ["beyond 2^53", 2 ** 53],
    ["a list", [583231]],
  ])("attack: an id that is %s: refused", async (_, id) => {
    expect(await codeOf(signInAt(world({ id }).provider))).toBe("invalid_token_response");
  });

  test.each([
    ["the primary address is not verified", [{ email: "victim@example.com", primary: true, verified: false }]],
    ["only another address is verified", [{ email: "victim@example.com", primary: false, verified: true }]],
    ["verified is a text", [{ email: "victim@example.com", primary: true, verified: "true" }]],
    ["verified is 1", [{ email: "victim@example.com", primary: true, verified: 1 }]],
    ["the list is empty", []],
    ["the list is an object", { message: "Not Found" }],
    ["the entries are texts", ["victim@example.com"]],
    ["the address is no text", [{ email: ["victim@example.com"], primary: true, verified: true }]],
  ])("attack: %s: there is no address, and the profile's own does not count", async (_, list) => {
    const identity = await signInAt(world({}, list).provider);
    expect(identity).toMatchObject({ subject: "583231", emailVerified: false });
    expect(identity.email).toBeUndefined();
  });

  test.each([403, 404])("status %i for the addresses, because their scope is missing: no address", async (status) => {
    const { site, provider } = world();
    site.put(emailsUrl, { status, json: { message: "Resource not accessible" } });
    expect((await signInAt(provider)).emailVerified).toBe(false);
  });

  test.each([500, 429])("status %i for the addresses: refused, because an address may be missing", async (status) => {
    const { site, provider } = world();
    site.put(emailsUrl, { status, json: { message: "Later" } });
    expect(await codeOf(signInAt(provider))).toBe("issuer_invalid_response");
  });

  test.each(["bad_verification_code", "incorrect_client_credentials", "redirect_uri_mismatch"])(
    "%s in an answer with status 200: refused",
    async (error) => {
      const { site, provider } = world();
      site.put(tokenUrl, { json: { error, error_description: "The code is incorrect or expired." } });
      expect(await codeOf(signInAt(provider))).toBe(error);
      expect(site.to(userUrl)).toEqual([]);
    },
  );

  test("a token answer as a form, GitHub's form without an accept header: refused", async () => {
    const { site, provider } = world();
    const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
    site.put(tokenUrl, { body: "access_token=gho_16C7e42F&token_type=bearer", headers });
    expect(await codeOf(signInAt(provider))).toBe("issuer_invalid_response");
  });

  test("the `iss` of RFC 9207 is GitHub's own: accepted; any other: refused", async () => {
    const { provider } = world();
    expect(await codeOf(signInAt(provider, { iss: "https://github.com/login/oauth" }))).toBe("accepted");
    expect(await codeOf(signInAt(provider, { iss: "https://evil.example" }))).toBe("issuer_mismatch");
  });

  test("a user without a name: the login name is shown", async () => {
    expect((await signInAt(world({ name: null }).provider)).name).toBe("octocat");
  });
});
