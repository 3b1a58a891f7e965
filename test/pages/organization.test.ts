/** Signing in at the provider of an address's domain. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { english } from "../../src/pages/index.tsx";
import { addressHeader, freshAddress } from "../support/auth.ts";
import { openPages, type PageWorld } from "../support/page-world.ts";
import { practiceProvider } from "../support/practice-provider.ts";

const path = "/sign-in/organization";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages({ auth: { returnTo: ["https://app.example.com/in?a=1"] } });
});
afterAll(() => world.close());

const send = (identifier: string, query: Readonly<Record<string, string>> = {}) =>
  world.ask({ path: `${path}?${new URLSearchParams(query)}`, form: { identifier } });

describe("OC48: the page that finds the provider of an address", () => {
  test("the sign-in page and the sign-up page lead to it, and it to the place that they lead to", async () => {
    const next = encodeURIComponent("https://app.example.com/in?a=1");
    for (const from of ["/sign-in", "/sign-up"]) {
      const { text } = await world.ask({ path: `${from}?next=${next}` });
      expect(text).toContain(`href="${path}?next=`);
      expect(text).toContain("Sign in with your organization");
    }
    const { status, text } = await world.ask({ path: `${path}?next=${next}` });
    expect([status, text.includes(`action="${path}?next=${next}"`)]).toEqual([200, true]);
  });

  test("an address of the domain: goes on to the provider by a navigation of its own, in one request to the database", async () => {
    world.counting.reset();
    const reply = await send("Ada@PRACTICE.example", { next: "https://app.example.com/in?a=1" });
    const there = "/auth/oidc/practice/start?next=https%3A%2F%2Fapp.example.com%2Fin%3Fa%3D1";
    expect([reply.status, reply.headers.get("refresh"), reply.setCookies]).toEqual([200, `0; url=${there}`, []]);
    expect(reply.text).toContain(`<a class="button quiet" href="${there}">Continue with Practice</a>`);
    expect(reply.headers.get("content-security-policy")).not.toContain("practice");
    expect(world.counting.requests).toBe(1);
  });

  test("LX11: a session that ends with the browser stays the choice, also after a refusal", async () => {
    const { text } = await world.ask({ path: "/sign-in" });
    const [, brief] = text.split('<div class="brief">');
    expect(brief).toContain(`href="${path}?next=%2Faccount&amp;remember=false"`);
    expect(brief).toContain('href="/auth/oidc/practice/start?next=%2Faccount&amp;remember=false"');
    expect(text.match(/remember=false/g)).toHaveLength(2);
    const query = { next: "/account", remember: "false" };
    const refused = await send("ada@elsewhere.example", query);
    expect(refused.text).toContain(`action="${path}?next=%2Faccount&amp;remember=false"`);
    const there = "/auth/oidc/practice/start?next=%2Faccount&remember=false";
    expect((await send("ada@practice.example", query)).headers.get("refresh")).toBe(`0; url=${there}`);
    // Anything else is the usual choice.
    const other = await send("ada@practice.example", { next: "/account", remember: '0"><script>' });
    expect(other.headers.get("refresh")).toBe("0; url=/auth/oidc/practice/start?next=%2Faccount");
  });

  test.each(["https://evil.example/", "//evil.example", "/account\r\nrefresh: 0"])(
    "open redirect: next=%s leads to the account",
    async (next) => {
      const reply = await send("ada@practice.example", { next });
      expect(reply.headers.get("refresh")).toBe("0; url=/auth/oidc/practice/start?next=%2Faccount");
    },
  );

  test.each(["ada@elsewhere.example", "ada@sub.practice.example", "ada", "", '"><script>@practice.example.evil'])(
    "an address without a provider, %j: refused in words, with what was typed",
    async (identifier) => {
      if (identifier.includes("elsewhere")) await world.person({ identifier });
      const reply = await send(identifier);
      expect([reply.status, reply.headers.get("refresh")]).toEqual([404, null]);
      expect(reply.text).toContain(english.texts["organization.none"]);
      expect(reply.text).not.toContain('"><script>');
    },
  );

  test("too many domains tried from one address: refused in words, with what was typed", async () => {
    const few = await openPages({ auth: { limits: { address: { attempts: 1, windowSeconds: 300 } } } });
    const headers = { [addressHeader]: freshAddress() };
    const ask = (identifier: string) => few.ask({ path, form: { identifier }, headers });
    expect((await ask("ada@elsewhere.example")).status).toBe(404);
    const reply = await ask("ada@practice.example");
    expect([reply.status, reply.headers.get("refresh")]).toEqual([429, null]);
    expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(reply.text).toContain('value="ada@practice.example"');
    expect(reply.text).toContain("5 minutes");
    await few.close();
  });

  test("a form of another site: refused", async () => {
    const headers = { "sec-fetch-site": "cross-site" };
    expect((await world.ask({ path, form: { identifier: "ada@practice.example" }, headers })).status).toBe(403);
  });

  test("without domains: no link, no page, and no form", async () => {
    const other = await openPages({ auth: { federation: { providers: [practiceProvider()] } } });
    expect((await other.ask({ path: "/sign-in" })).text).not.toContain(path);
    expect((await other.ask({ path })).status).toBe(404);
    const refused = await other.ask({ path, form: { identifier: "ada@practice.example" } });
    expect([refused.status, refused.text.includes("<form")]).toEqual([404, false]);
    await other.close();
  });
});
