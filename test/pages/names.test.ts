/** Names that people type into pages. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPages, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

const forms: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ["/account/name", "display_name", {}],
  ["/account/tokens/new", "name", { scopes: "", expires: "30" }],
  ["/account/authenticator", "label", {}],
  ["/account/organizations/new", "name", { slug: "" }],
];

describe("S63: a name cannot change the text around it", () => {
  const disruptive = ["a\u0007b", "a\nb", "a\u0085b", "a\u2028b", "a\u202eb", "a\u202ab", "a\u2066b", "a\u2069b"];
  test.each(forms)("%s %s: controls, overrides, embeddings and isolates are refused", async (path, field, more) => {
    const as = await world.person({ transport: "cookie" });
    for (const name of [...disruptive, "😀".repeat(201)]) {
      const reply = await world.ask({ path, form: { ...more, [field]: name }, as });
      expect([JSON.stringify(name), reply.status]).toEqual([JSON.stringify(name), 400]);
      expect(reply.text).toMatch(/role="alert"[^>]*>Use [^<]*characters/);
    }
  });

  test.each(forms)("%s %s: joiners, emoji and every script are accepted, and isolated", async (path, field, more) => {
    for (const name of ["👩‍👩‍👧‍👦 Ada", "عبد‌الله", "שרה", "José 李", "क्‍ष"]) {
      const as = await world.person({ transport: "cookie" });
      const reply = await world.ask({ path, form: { ...more, [field]: name }, as });
      expect([name, [200, 303].includes(reply.status)]).toEqual([name, true]);
      const { text } = await world.ask({ path: "/account/tokens", as });
      if (path === "/account/tokens/new") expect(text).toContain(`<h3><bdi>${name}</bdi></h3>`);
    }
  });

  test("a display name of 200 code points: accepted", async () => {
    const as = await world.person({ transport: "cookie" });
    const reply = await world.ask({ path: "/account/name", form: { display_name: "😀".repeat(200) }, as });
    expect([reply.status, reply.location]).toEqual([303, "/account?done=name"]);
  });
});
