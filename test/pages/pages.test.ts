/** The pages' answers, requested without a browser. @module */
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { nextPaths } from "../../src/domain/page-paths.ts";
import { authRoutes } from "../../src/http/auth-routes.ts";

import { nextPath, pathWith } from "../../src/pages/next-path.ts";
import { relatedOrigins } from "../../src/pages/related-origins.ts";
import { sitesOf } from "../../src/pages/site.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, goodPassword, system } from "../support/auth.ts";
import { pageRoutes, pages } from "../support/every-page.ts";
import { addApp } from "../support/factors.ts";
import { expectLimitHeaders } from "../support/limit-headers.ts";
import { askPages, openPages, type PageReply, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

/** Cookies by name: their attributes, without the values. */
const attributesOf = (setCookies: readonly string[]): Record<string, string> =>
  Object.fromEntries(setCookies.map((text) => [text.split("=")[0], text.replace(/^[^;]*;/, "")]));

const [site] = sitesOf();

describe("R062: page after a proof", () => {
  const hostile = [
    "//evil.example",
    "/\\evil.example",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "/account/../../evil",
    "/account/tokens/../x",
    "/account#name",
    "/account\t",
    " /account",
    "/ACCOUNT",
    "/account?next=//evil.example",
    "/account@evil.example",
    "/%2f/evil.example",
    "///evil.example",
    "",
  ];

  test.each(hostile)("%j: leads to the account page", async (next) => {
    expect(nextPath(next, { site, auth: world.auth })).toBe("/account");
    const person = await world.person({ transport: "cookie" });
    const { identifier, password } = person;
    const signedIn = await world.ask({ path: "/sign-in", form: { identifier, password, next } });
    expect([signedIn.status, signedIn.location]).toEqual([303, "/account"]);
    const shown = await world.ask({ path: `/sign-in?${new URLSearchParams({ next })}` });
    expect(shown.text.match(/name="next" value="([^"]*)"/)![1]).toBe("/account");
    const proved = await world.ask({
      path: "/account/step-up",
      form: { type: "password", password, next },
      as: person,
    });
    expect([proved.status, proved.location]).toEqual([303, "/account"]);
  });

  test("every page of the account that needs no parameter is a possible target", async () => {
    // Some of them are for administrators alone.
    const person = await world.person({ transport: "cookie" });
    await world.makeAdministrator(person.userId);
    await world.levelTwo(person.session);
    const app = new Hono().route("/", pages(world.isolate({ terms: { version: "1", url: "/terms" } })));
    for (const path of nextPaths) {
      expect(nextPath(path, { site, auth: world.auth })).toBe(path);
      const reviewed = pathWith("/account/review", { next: path });
      expect(nextPath(reviewed, { site, auth: world.auth })).toBe(reviewed);
      // These show what a browser brings along, and lead elsewhere without it.
      if (!["/verify", "/account/step-up/continue", "/account/review"].includes(path))
        expect([path, (await askPages(app, { path, as: person })).status]).toEqual([path, 200]);
    }
    const shown = pageRoutes.filter(({ access, takes }) => access === "user" && takes === "nothing");
    const withParameter = /\/(rename|remove|revoke)$|^\/account\/organizations\/(?!new$)/;
    const own = shown.map(({ path }) => path).filter((path) => !withParameter.test(path));
    expect(own.filter((path) => !nextPaths.includes(path))).toEqual(["/account/step-up"]);
  });
});

describe("page cookies", () => {
  test("same cookies and attributes as the JSON routes", async () => {
    const { identifier, password } = await world.person();
    const routes = authRoutes(world.auth);
    const headers = { "content-type": "application/json", "sec-fetch-site": "same-origin" };
    const body = JSON.stringify({ identifier, password });
    const byRoute = await routes.request("/auth/sign-in", { method: "POST", headers, body });
    const byPage = await world.ask({ path: "/sign-in", form: { identifier, password, remember: "yes" } });
    expect(attributesOf(byPage.setCookies)).toEqual(attributesOf(byRoute.headers.getSetCookie()));
    expect(Object.keys(attributesOf(byPage.setCookies)).sort()).toEqual(["__Host-known-device", "__Host-session"]);
    expect(byPage.headers.get("content-type")).toBeNull();
  });

  test("S20: a ticket is only in its cookie, not in the page or its address", async () => {
    const { person } = await addApp(world, await world.person({ transport: "cookie" }));
    const { identifier, password } = person;
    const reply = await world.ask({ path: "/sign-in", form: { identifier, password } });
    expect([reply.status, reply.location]).toEqual([303, "/sign-in/second-factor?with=totp&next=%2Faccount"]);
    expect(attributesOf(reply.setCookies)).toEqual({
      "__Host-login-ticket": " Max-Age=300; Path=/; Secure; HttpOnly; SameSite=Lax",
    });
  });

  test("an ended ticket: cleared, and sign-in starts again", async () => {
    const reply = await world.ask({
      path: "/sign-in/second-factor",
      form: { type: "totp", code: "000000" },
      cookies: { "__Host-login-ticket": "A".repeat(43) },
    });
    expect(reply.status).toBe(401);
    expect(reply.text).toContain("Start again");
    expect(attributesOf(reply.setCookies)).toEqual({
      "__Host-login-ticket": " Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax",
    });
  });

  test("sign-out: ends the session and clears only its cookie", async () => {
    const person = await world.person({ transport: "cookie" });
    const reply = await world.ask({ path: "/sign-out", form: {}, as: person });
    expect([reply.status, reply.location]).toEqual([303, "/sign-in"]);
    expect(attributesOf(reply.setCookies)).toEqual({
      "__Host-session": " Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax",
    });
    expect(await world.liveSessions(person.userId)).toBe(0);
  });
});

test("S22: a stranger has closed the account's codes: the browser in which the owner proved a factor before still signs in", async () => {
  const { person } = await addApp(world, await world.person({ transport: "cookie" }));
  const { codes } = await world.auth.factors.replaceRecoveryCodes({ actor: person.actor });
  const cookieIn = ({ setCookies }: PageReply, name: string) =>
    setCookies.map((text) => new RegExp(`^${name}=([^;]+)`).exec(text)?.[1]).find(Boolean);
  const { identifier, password } = person;
  const finish = async (code: string, known: string | undefined) => {
    const half = await world.ask({ path: "/sign-in", form: { identifier, password } });
    const cookies = {
      "__Host-login-ticket": cookieIn(half, "__Host-login-ticket")!,
      ...(known && { "__Host-known-device": known }),
    };
    return await world.ask({ path: "/sign-in/second-factor", form: { type: "recovery", code }, cookies });
  };
  const known = cookieIn(await finish(codes[0]!, undefined), "__Host-known-device")!;
  await world.rows(sql`
    insert into attempt (bucket, count, maximum, resets_at, backs_off, streak)
    values (${`factor:${uuidFor("usr", person.userId)}`}, 10, 10, sallyport_now() + interval '1 day', true, 100)
    on conflict (bucket) do update set count = 10, resets_at = excluded.resets_at, streak = 100`);
  expect((await finish(codes[1]!, undefined)).status).toBe(429);
  expect((await finish(codes[1]!, known)).status).toBe(303);
});

describe("refusals next to their fields", () => {
  test.each([
    ["/sign-in", { identifier: "nobody@example.com", password: "x" }, 401, "The user name or password is incorrect."],
    ["/sign-up", { identifier: "a b", password: goodPassword }, 400, "without spaces"],
    ["/sign-up", { identifier: freshIdentifier(), password: "too short" }, 400, "too short"],
  ] as const)("%s %j", async (path, form, status, sentence) => {
    const reply = await world.ask({ path, form });
    expect([reply.status, reply.text.includes(sentence)]).toEqual([status, true]);
    expect(reply.headers.get("www-authenticate")).toBe(status === 401 ? "Bearer" : null);
  });

  test.each([
    ["/account/tokens/new", { name: "", scopes: "a", expires: "30" }, 400, "tokens-name"],
    ["/account/tokens/new", { name: "n", scopes: "a a", expires: "30" }, 400, "tokens-scopes"],
    ["/account/tokens/new", { name: "n", scopes: "", expires: "date", last_day: "2026-02-30" }, 400, "tokens-last_day"],
    ["/account/tokens/new", { name: "n", scopes: "", expires: "date", last_day: "9999-12-31" }, 400, "tokens-last_day"],
    ["/account/tokens/new", { name: "n", scopes: "", expires: "999" }, 400, "tokens-last_day"],
    ["/account/tokens/new", { name: "n", scopes: "", expires: "0" }, 400, "tokens-last_day"],
    ["/account/tokens/new", { name: "n", scopes: "", expires: "" }, 400, "tokens-last_day"],
    ["/account/close", { current_password: "x" }, 401, "close-current_password"],
    ["/account/authenticator", { label: "" }, 400, "authenticator-label"],
    ["/account/password", { current_password: "x", new_password: goodPassword }, 401, "password-current_password"],
    ["/account/password", { current_password: goodPassword, new_password: "short" }, 400, "password-new_password"],
    ["/account/name", { display_name: "a\0b" }, 400, "name-display_name"],
    ["/account/step-up", { type: "password", password: "x" }, 401, "step-up-password"],
  ] as const)("%s %j", async (path, form, status, field) => {
    const as = await world.person({ transport: "cookie" });
    const reply = await world.ask({ path, form, as });
    expect(reply.status).toBe(status);
    expect(reply.text).toContain(`id="${field}-error"`);
    const input = reply.text.match(new RegExp(`<input id="${field}"[^>]*>`))![0];
    expect(input).toMatch(new RegExp(`aria-describedby="[^"]*${field}-error"`));
    expect(input).toContain('aria-invalid="true"');
  });

  test("too many wrong passwords: page and header say how long to wait", async () => {
    const { identifier } = await world.person();
    let reply = await world.ask({ path: "/sign-in", form: { identifier, password: "x" } });
    for (let more = 0; more < 10; more++)
      reply = await world.ask({ path: "/sign-in", form: { identifier, password: "x" } });
    expect(reply.status).toBe(429);
    expect(expectLimitHeaders(reply.headers)).toBe("q=10;w=900");
    expect(reply.text).toMatch(/Too many attempts\. Try again in \d+ minutes\./);
  });
});

test("R001: the page of the password says how many characters a new password needs", async () => {
  const plain = await world.person({ transport: "cookie" });
  expect((await world.ask({ path: "/account/password", as: plain })).text).toContain("15 characters or more.");
  const { person } = await addApp(world, await world.person());
  await world.rows(sql`update ses set transport = 'cookie' where usr_id = ${uuidFor("usr", person.userId)}::uuid`);
  expect((await world.ask({ path: "/account/password", as: person })).text).toContain(">8 characters or more.");
});

describe("S39: pages with sign-up closed", () => {
  test("no sign-up page and no link to one", async () => {
    const closed = await openPages({ signUpIsOpen: false, auth: { signUp: "invited" } });
    const form = { identifier: freshIdentifier(), password: goodPassword };
    const replies = [await closed.ask({ path: "/sign-up" }), await closed.ask({ path: "/sign-up", form })];
    expect(replies.map(({ status }) => status)).toEqual([404, 404]);
    expect((await closed.ask({ path: "/sign-in" })).text).not.toContain("Sign up");
    await closed.close();
  });
});

describe("S36: /.well-known/webauthn", () => {
  const webauthn = (origin: string) => ({ origin, uses: ["webauthn"] as const });

  test.each([
    ["one origin", [webauthn("https://a.example")], undefined],
    [
      "another origin for another use",
      [webauthn("https://a.example"), { origin: "https://b.example", uses: ["csrf"] as const }],
      undefined,
    ],
    ["two", [webauthn("https://a.example"), webauthn("https://b.example")], ["https://a.example", "https://b.example"]],
    [
      "applications: not listed",
      [webauthn("https://a.example"), webauthn(`android:apk-key-hash:${"A".repeat(43)}`), webauthn("app://bundle")],
      undefined,
    ],
    [
      "seven: five",
      [..."abcdefg"].map((name) => webauthn(`https://${name}.example`)),
      [..."abcde"].map((name) => `https://${name}.example`),
    ],
  ] as const)("%s", (_name, origins, listed) => {
    expect(relatedOrigins(origins)?.origins).toEqual(listed);
  });
});

test("profile: lists every active password, and no ended one", async () => {
  const person = await world.person({ transport: "cookie" });
  const [other, ended] = [freshIdentifier(), freshIdentifier()];
  const add = async (identifier: string) =>
    await world.auth.credentials.createPassword({
      actor: system,
      userId: person.userId,
      identifier,
      password: goodPassword,
    });
  await add(other);
  await world.auth.credentials.revoke({ actor: system, credentialId: (await add(ended)).id });
  const { text } = await world.ask({ path: "/account", as: person });
  expect([person.identifier, other, ended].map((name) => text.includes(name))).toEqual([true, true, false]);
});
