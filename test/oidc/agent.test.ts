import { describe, expect, test } from "vitest";
import { AuthenticatedAgent, type Organization, TokenParseError, TokenSet } from "../../src/oidc/index.ts";
import { TestIssuer } from "../support/issuer.ts";

const organization = (id: string, ...scopes: string[]): Organization => ({ id, title: null, scopes, joined_at: 1 });
const agent = (scope: string | undefined, ...organizations: Organization[]) =>
  new AuthenticatedAgent({
    id: "usr_1",
    type: "user",
    organizations,
    tokens: TokenSet.from({ access_token: "a", expires_at: 1, ...(scope !== undefined && { scope }) }),
  });

describe("OC17, 004.23 to 004.26: what an agent may do", () => {
  test.each<[string, AuthenticatedAgent, string, string, boolean]>([
    [
      "a scope of any organization",
      agent("openid", organization("a"), organization("b", "users:read")),
      "read",
      "users",
      true,
    ],
    ["no organization has it", agent("openid", organization("a", "users:read")), "write", "users", false],
    ["roles are no scopes", agent("openid", organization("a", "owner", "admin")), "read", "users", false],
    ["token scopes of a machine", agent("users:read"), "read", "users", true],
    ["a machine without scopes", agent(undefined), "read", "users", false],
    [
      "token scopes do not add to organizations",
      agent("users:read", organization("a", "posts:read")),
      "read",
      "users",
      false,
    ],
    ["token scopes limit organizations", agent("posts:read", organization("a", "*:**")), "read", "users", false],
    ["both allow it", agent("users:*", organization("a", "*:**")), "read", "users", true],
    ["scopes of OpenID are no limit", agent("openid profile", organization("a", "*:**")), "read", "users", true],
    ["a request for a wildcard", agent("*:**", organization("a", "*:**")), "*", "users", false],
  ])("hasAccess: %s", (_name, one, action, resource, expected) => {
    expect(one.hasAccess(action, resource)).toBe(expected);
  });

  const member = agent(
    "users:write",
    organization("a", "users:read", "owner", "openid"),
    organization("b", "admin"),
    organization("c"),
  );

  test("hasAccessIn: that organization alone, and never the token's scopes", () => {
    expect(member.hasAccessIn("a", "read", "users")).toBe(true);
    expect(member.hasAccessIn("b", "read", "users")).toBe(false);
    expect(member.hasAccessIn("a", "write", "users")).toBe(false);
    expect(member.hasAccessIn("unknown", "read", "users")).toBe(false);
    expect(member.hasAccessIn("__proto__", "read", "users")).toBe(false);
  });

  test("getScopesFor: as the issuer wrote them", () => {
    expect(member.getScopesFor("a")).toEqual(["users:read", "owner", "openid"]);
    expect(member.getScopesFor("unknown")).toEqual([]);
  });

  test.each([
    ["a", true, false, true],
    ["b", false, true, true],
    ["c", false, false, true],
    ["unknown", false, false, false],
    ["A", false, false, false],
  ])("in %s: owner %s, admin %s, member %s", (id, isOwner, isAdmin, isMember) => {
    expect([member.isOwnerOf(id), member.isAdminOf(id), member.isMemberOf(id)]).toEqual([isOwner, isAdmin, isMember]);
  });

  test("no wildcard makes an owner", () => {
    expect(agent("*:**", organization("a", "*:**")).isOwnerOf("a")).toBe(false);
  });
});

describe("OC15, 004.20: organizations", () => {
  test("200 are read, with and without titles", async () => {
    const issuer = await TestIssuer.open();
    const organizations = Array.from({ length: 200 }, (_, at) => ({
      ...organization(`org_${at}`, "owner", "users:read"),
      ...(at % 2 ? { title: "Ä" } : at % 4 ? {} : { title: undefined }),
      more: true,
    }));
    const read = (await issuer.signIn(issuer.client(), { sub: "usr_1", organizations })).organizations;
    expect(read).toHaveLength(200);
    expect(read.slice(0, 2)).toEqual([
      { id: "org_0", title: null, scopes: ["owner", "users:read"], joined_at: 1 },
      { id: "org_1", title: "Ä", scopes: ["owner", "users:read"], joined_at: 1 },
    ]);
  });

  test.each([[undefined], [null], [[]]])("%j are none", async (organizations) => {
    const issuer = await TestIssuer.open();
    expect((await issuer.signIn(issuer.client(), { sub: "usr_1", organizations })).organizations).toEqual([]);
  });
});

describe("OC13, 004.14: a token set", () => {
  const least = { access_token: "a", expires_at: 1 };
  const whole = { ...least, id_token: "b", refresh_token: "c", token_type: "DPoP", scope: "d e" };

  test.each([
    ["the least", least, { ...least, token_type: "Bearer" }],
    ["everything", whole, whole],
    [
      "members that are null",
      { ...least, id_token: null, refresh_token: null, scope: null, token_type: null },
      { ...least, token_type: "Bearer" },
    ],
    ["members that are undefined", { ...least, id_token: undefined }, { ...least, token_type: "Bearer" }],
    ["unknown members", { ...least, more: 1 }, { ...least, token_type: "Bearer" }],
    ["an empty scope", { ...least, scope: "" }, { ...least, token_type: "Bearer", scope: "" }],
    ["an object without a prototype", Object.assign(Object.create(null), least), { ...least, token_type: "Bearer" }],
  ])("%s", (_name, value, expected) => {
    const tokens = TokenSet.from(value);
    expect(tokens.toJSON()).toEqual(expected);
    expect(TokenSet.from(JSON.parse(JSON.stringify(tokens)))).toEqual(tokens);
    expect(TokenSet.from(tokens)).toBe(tokens);
  });

  test.each<[string, unknown, string]>([
    ["nothing", undefined, "tokens"],
    ["null", null, "tokens"],
    ["a text", "a", "tokens"],
    ["a list", [least], "tokens"],
    ["no access token", { expires_at: 1 }, "access_token"],
    ["an empty access token", { ...least, access_token: "" }, "access_token"],
    ["an access token with a line end", { ...least, access_token: "a\r\nb: c" }, "access_token"],
    ["an access token over 64 KiB", { ...least, access_token: "a".repeat(65_537) }, "access_token"],
    ["no end", { access_token: "a" }, "expires_at"],
    ["an end that is a text", { ...least, expires_at: "1" }, "expires_at"],
    ["an end that is a date", { ...least, expires_at: new Date() }, "expires_at"],
    ["an end with a fraction", { ...least, expires_at: 1.5 }, "expires_at"],
    ["an end that is no number", { ...least, expires_at: Number.NaN }, "expires_at"],
    ["an ID token that is a number", { ...least, id_token: 1 }, "id_token"],
    ["a refresh token outside ASCII", { ...least, refresh_token: "é" }, "refresh_token"],
    ["another token type", { ...least, token_type: "mac" }, "token_type"],
    ["scopes as a list", { ...least, scope: ["a"] }, "scope"],
    [
      "B38: __proto__ from JSON",
      JSON.parse('{"access_token":"a","expires_at":1,"__proto__":{"admin":true}}'),
      "tokens",
    ],
    ["B38: constructor", { ...least, constructor: 1 }, "tokens"],
    ["B38: toString", { ...least, toString: 1 }, "tokens"],
  ])("%s: refused", (_name, value, field) => {
    expect(() => TokenSet.from(value)).toThrow(TokenParseError);
    expect(() => TokenSet.from(value)).toThrow(expect.objectContaining({ field, error: "invalid_token_response" }));
  });

  test("members of a prototype are none of its own", () => {
    expect(() => TokenSet.from(Object.create(whole))).toThrow(expect.objectContaining({ field: "expires_at" }));
  });
});
