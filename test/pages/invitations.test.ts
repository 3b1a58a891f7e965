/** Inviting people, and accepting an invitation, on the pages. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, freshName, goodPassword, otherPassword, outcome, system } from "../support/auth.ts";
import { invited } from "../support/invitations.ts";
import { askPages, cookiesOf, openPages, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  // People are made in the mode `open`; the pages are of the mode `invited`.
  world = await openPages({ signUpIsOpen: false });
});
afterAll(() => world.close());

const dead = "This link does not work";
const administrator = async () => {
  const person = await world.person({ transport: "cookie" });
  await world.makeAdministrator(person.userId);
  await world.levelTwo(person.session);
  return person;
};

describe("accepting", () => {
  test("R027, S43: opening the link moves its secret into a cookie and spends nothing; the form makes the account", async () => {
    const { identifier, mailedToken } = await invited(world, { displayName: "Ada <b>" });
    const opened = await world.ask({
      path: `/invitation?token=${mailedToken}`,
      headers: { "sec-fetch-site": "cross-site" },
    });
    expect([opened.status, opened.location, opened.headers.get("referrer-policy")]).toEqual([
      303,
      "/invitation",
      "no-referrer",
    ]);
    const cookies = cookiesOf(opened);
    for (let time = 0; time < 3; time++) await world.ask({ path: `/invitation?token=${mailedToken}` });
    const page = await world.ask({ path: "/invitation", cookies });
    expect([page.status, page.headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect(page.text).toContain(`<bdi>${identifier}</bdi>`);
    expect(page.text).toContain("Ada &lt;b&gt;");
    expect(page.text).not.toContain(mailedToken);
    const short = await world.ask({ path: "/invitation", cookies, form: { password: "short", display_name: "Ada" } });
    expect([short.status, short.text.includes("too short")]).toEqual([400, true]);
    const made = await world.ask({
      path: "/invitation",
      cookies,
      form: { password: goodPassword, display_name: "Ada" },
    });
    expect([made.status, made.location]).toEqual([303, "/account"]);
    const account = await world.ask({ path: "/account", cookies: cookiesOf(made) });
    expect(account.text).toContain(identifier);
    const [row] = await world.rows<{ verified: boolean }>(sql`
      select identifier_verified_at is not null as verified from cred where identifier = ${identifier}`);
    expect(row!.verified).toBe(true);
    const again = await world.ask({ path: "/invitation", cookies, form: { password: goodPassword } });
    expect([again.status, again.text.includes(dead)]).toEqual([401, true]);
  });

  test("S10: a session of the browser ends, and the new account has a session of its own", async () => {
    const before = await world.person({ transport: "cookie" });
    const { token } = await world.auth.invitations.create({ actor: system, identifier: freshName() });
    const cookies = { "__Host-mailed-link": token, "__Host-session": before.token };
    const made = await world.ask({ path: "/invitation", cookies, form: { password: otherPassword, display_name: "" } });
    expect(made.status).toBe(303);
    expect(cookiesOf(made)["__Host-session"]).not.toBe(before.token);
    const old = world.auth.sessions.verify({ token: before.token, transport: "cookie" });
    expect(await outcome(old)).toBe("unauthorized.session_expired");
  });

  test("S13: another site cannot accept", async () => {
    const { token } = await world.auth.invitations.create({ actor: system, identifier: freshName() });
    const reply = await world.ask({
      path: "/invitation",
      cookies: { "__Host-mailed-link": token },
      form: { password: goodPassword },
      headers: { "sec-fetch-site": "cross-site", origin: "https://evil.example" },
    });
    expect(reply.status).toBe(403);
    expect(await outcome(world.auth.invitations.look({ token }))).toBe("done");
  });

  test.each(["A".repeat(43), "x", "<script>"])("an unknown link (%s): a page that says so", async (token) => {
    const opened = await world.ask({ path: `/invitation?token=${encodeURIComponent(token)}` });
    expect(opened.location).toBe("/invitation");
    const page = await world.ask({ path: "/invitation", cookies: cookiesOf(opened) });
    expect([page.status, page.text.includes(dead)]).toEqual([200, true]);
    expect(page.text).toContain('<a href="/sign-in">sign in</a>');
  });

  test("an address that has an account by now: the page leads to the sign-in", async () => {
    const identifier = freshIdentifier();
    const { token } = await world.auth.invitations.create({ actor: system, identifier });
    await world.person({ identifier });
    const cookies = { "__Host-mailed-link": token };
    const reply = await world.ask({ path: "/invitation", cookies, form: { password: goodPassword, display_name: "" } });
    expect([reply.status, reply.text.includes('<a href="/sign-in">sign in</a>')]).toEqual([409, true]);
  });

  test("in the mode closed there is no such page", async () => {
    const { Hono } = await import("hono");
    const { pages } = await import("../../src/pages/index.tsx");
    const closed = new Hono().route("/", pages(world.isolate({ signUp: "closed" })));
    expect((await askPages(closed, { path: "/invitation" })).status).toBe(404);
  });
});

describe("inviting", () => {
  test("an administrator finds the page, invites, copies, sees and revokes", async () => {
    const as = await administrator();
    expect((await world.ask({ path: "/account", as })).text).toContain('href="/account/invitations"');
    const empty = await world.ask({ path: "/account/invitations", as });
    expect([empty.status, empty.text.includes("Invite someone")]).toEqual([200, true]);
    const identifier = freshIdentifier();
    const form = { identifier, display_name: "Ada & Co", days: "30" };
    const made = await world.ask({ path: "/account/invitations/new", as, form });
    const token = /https:\/\/example\.com\/invitation\?token=([\w-]{43})/.exec(made.text)![1]!;
    expect(made.text).toContain("A message with another link is on its way");
    expect(await world.auth.invitations.look({ token })).toEqual({ identifier, displayName: "Ada & Co" });
    const list = await world.ask({ path: "/account/invitations", as });
    expect(list.text).toContain(`<bdi>${identifier}</bdi>`);
    expect(list.text).not.toContain(token);
    const href = /href="(\/account\/invitations\/revoke\?join_id=(join_[\da-f]{32}))"/.exec(list.text)!;
    expect((await world.ask({ path: href[1]!, as })).text).toContain("Revoke this invitation?");
    const revoked = await world.ask({ path: "/account/invitations/revoke", as, form: { join_id: href[2]! } });
    expect([revoked.status, revoked.location]).toEqual([303, "/account/invitations?done=invitations"]);
    expect(await outcome(world.auth.invitations.look({ token }))).toBe("unauthorized.invalid_link");
  });

  test("S79: a form that is sent twice does not end the link that it has shown", async () => {
    const as = await administrator();
    const { text } = await world.ask({ path: "/account/invitations/new", as });
    const form_key = /name="form_key" value="([^"]*)"/.exec(text)![1]!;
    const form = { identifier: freshName(), display_name: "", days: "7", form_key };
    const made = await world.ask({ path: "/account/invitations/new", as, form });
    const token = /invitation\?token=([\w-]{43})/.exec(made.text)![1]!;
    const again = await world.ask({ path: "/account/invitations/new", as, form });
    expect([again.status, again.text.includes("was already created")]).toEqual([409, true]);
    expect(await outcome(world.auth.invitations.look({ token }))).toBe("done");
  });

  test("an address with an account, and one that none may have: the form again, with a sentence", async () => {
    const as = await administrator();
    const { identifier } = await world.person();
    const taken = await world.ask({
      path: "/account/invitations/new",
      as,
      form: { identifier, display_name: "", days: "7" },
    });
    expect([taken.status, taken.text.includes("Its owner can sign in.")]).toEqual([409, true]);
    const odd = { identifier: "a b", display_name: "", days: "7" };
    expect((await world.ask({ path: "/account/invitations/new", as, form: odd })).status).toBe(400);
  });

  test("S05: to anyone else there are no such pages, and nothing is made", async () => {
    const as = await world.person({ transport: "cookie" });
    expect((await world.ask({ path: "/account", as })).text).not.toContain("/account/invitations");
    for (const path of ["/account/invitations", "/account/invitations/new", "/account/invitations/revoke"]) {
      expect((await world.ask({ path, as })).status).toBe(404);
    }
    const before = await world.rows(sql`select from deployment_invitation where status = 'pending'`);
    const key = /name="form_key" value="([^"]*)"/.exec(
      (await world.ask({ path: "/account/tokens/new", as })).text,
    )![1]!;
    const form = { identifier: freshName(), display_name: "", days: "7", form_key: key };
    expect((await world.ask({ path: "/account/invitations/new", as, form })).status).not.toBe(200);
    const { invitation } = await world.auth.invitations.create({ actor: system, identifier: freshName() });
    const revoke = { join_id: invitation.id };
    expect((await world.ask({ path: "/account/invitations/revoke", as, form: revoke })).status).toBe(404);
    expect(await world.rows(sql`select from deployment_invitation where status = 'pending'`)).toHaveLength(
      before.length + 1,
    );
  });

  test("S05: an administrator whose second factor is old proves it first", async () => {
    const as = await administrator();
    await world.rows(sql`
      update ses set created_at = created_at - interval '1 hour', mfa_verified_at = mfa_verified_at - interval '31 minutes'
      where id = right(${as.session.id}, 32)::uuid`);
    expect((await world.ask({ path: "/account", as })).text).toContain('href="/account/invitations"');
    const reply = await world.ask({ path: "/account/invitations", as });
    expect([reply.status, reply.location]).toEqual([303, "/account/step-up?next=%2Faccount%2Finvitations"]);
  });
});
