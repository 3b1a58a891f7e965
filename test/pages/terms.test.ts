/** Accepting the terms on the pages. @module */

import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshIdentifier, goodPassword, system } from "../support/auth.ts";
import { pages } from "../support/every-page.ts";
import { faultyDatabase } from "../support/faulty-database.ts";
import { invited } from "../support/invitations.ts";
import { mailed } from "../support/links.ts";
import { askPages, openPages, type PageReply, type PageWorld, withoutTerms } from "../support/page-world.ts";

const terms = { version: "2026-11-01", url: "https://example.com/terms?a=1&b=2" };
const changedTerms = { version: "2026-12-01", url: "/terms" };
let world: PageWorld;
beforeAll(async () => {
  world = await openPages({ auth: { terms } });
});
afterAll(() => world.close());

/** The user whose identifier this is. */
const userOf = async (identifier: string) => {
  const { data } = await world.auth.users.list({ actor: system, query: identifier });
  return data[0];
};
const sessionIn = ({ setCookies }: PageReply) => /^__Host-session=([^;]+)/.exec(setCookies.join("\n"))?.[1];
const box = `name="terms" value="${terms.version}"`;

interface NewAccountForm {
  identifier: string;
  /** Sends the form that makes the account. */
  send(fields: Record<string, string>): Promise<PageReply>;
  /** The page with the form. */
  look(): Promise<PageReply>;
}

/** Every form that makes an account. A new one is a row here. */
const forms: Record<string, () => Promise<NewAccountForm>> = {
  async "/sign-up"() {
    const identifier = freshIdentifier();
    return {
      identifier,
      look: () => world.ask({ path: "/sign-up" }),
      send: (fields) => world.ask({ path: "/sign-up", form: { identifier, password: goodPassword, ...fields } }),
    };
  },
  async "/sign-up/finish"() {
    const identifier = freshIdentifier();
    const { token } = await mailed(world, "signUp", identifier);
    const cookies = { "__Host-mailed-link": token };
    return {
      identifier,
      look: () => world.ask({ path: "/sign-up/finish", cookies }),
      send: (fields) => world.ask({ path: "/sign-up/finish", cookies, form: { password: goodPassword, ...fields } }),
    };
  },
  async "/invitation"() {
    const { identifier, mailedToken: token } = await invited(world, {});
    const cookies = { "__Host-mailed-link": token };
    return {
      identifier,
      look: () => world.ask({ path: "/invitation", cookies }),
      send: (fields) => world.ask({ path: "/invitation", cookies, form: { password: goodPassword, ...fields } }),
    };
  },
};

describe.each(Object.entries(forms))("X9: the form at %s", (_path, open) => {
  test("links the terms and asks for consent", async () => {
    const { look } = await open();
    const { text } = await look();
    expect(text).toContain(box);
    expect(text).toContain('href="https://example.com/terms?a=1&amp;b=2"');
  });

  test("with consent: the account exists, and has accepted this version", async () => {
    const { identifier, send } = await open();
    const made = await send({ terms: terms.version });
    expect([made.status, made.location]).toEqual([303, "/account"]);
    expect(await userOf(identifier)).toMatchObject({ termsVersion: terms.version });
    const account = await world.ask({ path: "/account", as: { token: sessionIn(made)! } });
    expect(account.text).not.toContain("terms of use");
  });

  test.each([
    ["none", "", 403, "Accept the terms of use to continue."],
    ["an earlier version", "2025-01-01", 409, "have just changed"],
  ])("with consent to %s: no account, and the reason beside the box", async (_what, version, status, sentence) => {
    const { identifier, send } = await open();
    const refused = await send({ terms: version, display_name: "Ada <b>" });
    expect([refused.status, sessionIn(refused)]).toEqual([status, undefined]);
    expect(refused.text).toMatch(new RegExp(`id="terms-error">[^<]*${sentence}`));
    expect(refused.text).toContain('value="Ada &lt;b&gt;"');
    expect(await userOf(identifier)).toBeUndefined();
  });
});

describe("X9: an account that has not accepted the current terms", () => {
  test("its pages say so, and go on working; after consent they are silent", async () => {
    const as = await world.person({ transport: "cookie" });
    const before = await world.ask({ path: "/account", as });
    expect([before.status, before.text.includes("You have not accepted the terms of use yet.")]).toEqual([200, true]);
    expect((await world.ask({ path: "/account/name", as, form: { display_name: "Ada" } })).status).toBe(303);
    const page = await world.ask({ path: "/account/terms?next=/account/security", as });
    expect(page.text).toContain(box);
    const form = { next: "/account/security", terms: terms.version };
    const accepted = await world.ask({ path: "/account/terms", as, form });
    expect([accepted.status, accepted.location]).toEqual([303, "/account/security"]);
    expect((await world.ask({ path: "/account", as })).text).not.toContain("terms of use");
    const again = await world.ask({ path: "/account/terms", as });
    expect([again.text.includes(box), again.text.includes("have accepted the current")]).toEqual([false, true]);
  });

  test.each([
    ["", 403],
    ["2025-01-01", 409],
  ])("a form with the version “%s”: %i, and nothing is recorded", async (version, status) => {
    const as = await world.person({ transport: "cookie" });
    const refused = await world.ask({ path: "/account/terms", as, form: { terms: version } });
    expect([refused.status, refused.text.includes('id="terms-error"')]).toEqual([status, true]);
    expect((await world.auth.users.get({ actor: system, userId: as.userId })).termsVersion).toBeNull();
  });

  test("another site cannot accept, and `next` leads to no other site", async () => {
    const as = await world.person({ transport: "cookie" });
    const form = { terms: terms.version, next: "https://evil.example/" };
    const headers = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    expect((await world.ask({ path: "/account/terms", as, form, headers })).status).toBe(403);
    expect((await world.ask({ path: "/account/terms", as, form })).location).toBe("/account");
  });

  test("when the terms change, its pages say that they have changed", async () => {
    const as = await world.person({ transport: "cookie" });
    await world.auth.terms.accept({ ...as, version: terms.version });
    const app = new Hono().route("/", pages(world.isolate({ terms: changedTerms })));
    expect((await askPages(app, { path: "/account", as })).text).toContain("have changed since you accepted them");
    const form = { terms: terms.version };
    expect((await askPages(app, { path: "/account/terms", as, form })).status).toBe(409);
  });
});

test("X9, S81: a database that fails after the sign-up: the account is there, its pages ask, and the fault is reported", async () => {
  const errors: unknown[] = [];
  const faulty = faultyDatabase(world.database);
  const auth = world.isolate({ database: faulty, terms, onError: (error) => errors.push(error) });
  const app = new Hono().route("/", pages(auth));
  faulty.reset((request) => (request === 0 ? undefined : "before"));
  const form = { identifier: freshIdentifier(), password: goodPassword, terms: terms.version };
  const made = await askPages(app, { path: "/sign-up", form });
  faulty.reset();
  expect([made.status, made.location, errors.length > 0]).toEqual([303, "/account", true]);
  const account = await askPages(app, { path: "/account", as: { token: sessionIn(made)! } });
  expect(account.text).toContain("You have not accepted the terms of use yet.");
});

test("X9: an application without terms: no box, no page, no notice", async () => {
  const app = new Hono().route("/", pages(withoutTerms(world.auth)));
  const as = await world.person({ transport: "cookie" });
  expect((await askPages(app, { path: "/sign-up" })).text).not.toContain("terms");
  expect((await askPages(app, { path: "/account", as })).text).not.toContain("terms of use");
  expect((await askPages(app, { path: "/account/terms", as })).status).toBe(404);
  const sent = { path: "/account/terms", as, form: { terms: "1" } };
  expect((await askPages(app, sent)).status).toBe(404);
  const form = { identifier: freshIdentifier(), password: goodPassword };
  expect((await askPages(app, { path: "/sign-up", form })).status).toBe(303);
});
