/** The logos of providers on their buttons. @module */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPages, type PageWorld } from "../support/page-world.ts";
import { practiceProvider } from "../support/practice-provider.ts";

let world: PageWorld;
beforeAll(async () => {
  const providers = [{ ...practiceProvider("marked"), mark: '/"><script>.svg' }, practiceProvider("plain", [])];
  world = await openPages({ auth: { federation: { providers } } });
});
afterAll(() => world.close());

const image = '<img src="/&quot;&gt;&lt;script&gt;.svg" alt=""/>';

test.each(["/sign-in", "/sign-up"])(
  "%s: a mark is an image without a name of its own, left of the label",
  async (path) => {
    const { text, headers } = await world.ask({ path });
    const start = (name: string) => `href="/auth/oidc/${name}/start?next=%2Faccount">`;
    expect(text).toContain(`<a class="button marked" ${start("marked")}${image}Continue with Practice</a>`);
    expect(text).toContain(`<a class="button quiet" ${start("plain")}Continue with Practice</a>`);
    // From this origin alone: no other site sees who opens the page.
    expect(headers.get("content-security-policy")).toContain("img-src 'self';");
  },
);
