/** Inviting people to an organization, and joining one, on the pages. @module */
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateId } from "../../src/domain/id.ts";
import { roles } from "../../src/domain/membership.ts";
import { freshIdentifier, freshName, goodPassword, outcome, type Person, system } from "../support/auth.ts";
import { pages } from "../support/every-page.ts";
import { faultyDatabase } from "../support/faulty-database.ts";
import { changeWatcher } from "../support/http-world.ts";
import { invitedTo, verifyAddress } from "../support/invitations.ts";
import { type Member, organizationsIn } from "../support/organizations.ts";
import { askPages, cookiesOf, formKeyIn, openPages, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
let lastChange: () => Promise<string>;
beforeAll(async () => {
  world = await openPages();
  lastChange = changeWatcher(world);
});
afterAll(() => world.close());

const dead = "This link does not work";
const invitePath = "/account/organizations/invite";
const listPath = "/account/organizations/invitations";
const inPages = () => world.person({ transport: "cookie" });
const formed = async (name = "Acme") => await organizationsIn(world).form(await inPages(), { name });
const membersOf = ({ organizationId }: Member) => organizationsIn(world).members(organizationId);
const linkCookie = (token: string) => ({ "__Host-mailed-link": token });
const at = (path: string, { organizationId }: Pick<Member, "organizationId">, more = "") =>
  `${path}?org_id=${organizationId}${more}`;

/** Sends the form of a new invitation, with the key that its page has. */
async function invite(as: Person, organization: Pick<Member, "organizationId">, typed: Record<string, string> = {}) {
  const page = await world.ask({ path: at(invitePath, organization), as });
  const form_key = formKeyIn(page.text, invitePath) ?? "";
  const form = {
    org_id: organization.organizationId,
    identifier: freshName(),
    role: "member",
    days: "7",
    form_key,
    ...typed,
  };
  return await world.ask({ path: invitePath, as, form });
}
const secretIn = (text: string) => /token=([\w-]{43})/.exec(text)![1]!;

describe("joining", () => {
  test("R027, S43: opening the link moves its secret into a cookie and changes nothing; the button joins", async () => {
    const owner = await formed("Acme <b>");
    const ada = await inPages();
    const { mailedToken } = await invitedTo(world, owner, { identifier: ada.identifier });
    const before = await lastChange();
    const opened = await world.ask({ path: `/join?token=${mailedToken}`, headers: { "sec-fetch-site": "cross-site" } });
    expect([opened.status, opened.location, opened.headers.get("referrer-policy")]).toEqual([
      303,
      "/join",
      "no-referrer",
    ]);
    const cookies = cookiesOf(opened);
    const page = await world.ask({ path: "/join", cookies });
    expect(page.status).toBe(200);
    expect(page.text).toContain("<bdi>Acme &lt;b&gt;</bdi>");
    expect(page.text).toContain('href="/account/join"');
    expect(page.text).not.toContain(mailedToken);
    const asked = await world.ask({ path: "/account/join", as: ada, cookies });
    expect([asked.status, asked.text.includes("<bdi>Acme &lt;b&gt;</bdi>")]).toEqual([200, true]);
    expect(await lastChange()).toBe(before);
    const joined = await world.ask({ path: "/account/join", as: ada, cookies, form: {} });
    expect([joined.status, joined.location]).toEqual([
      303,
      `/account/organizations/members?org_id=${owner.organizationId}&done=joined`,
    ]);
    expect(joined.setCookies.some((one) => /^__Host-mailed-link=;.*Max-Age=0/.test(one))).toBe(true);
    expect(await membersOf(owner)).toHaveLength(2);
    const again = await world.ask({ path: "/account/join", as: ada, cookies, form: {} });
    expect([again.status, again.text.includes(dead)]).toEqual([409, true]);
  });

  test("signed out, the way to one's account leads through the sign-in and back", async () => {
    const { token } = await invitedTo(world, await formed());
    const reply = await world.ask({ path: "/account/join", cookies: linkCookie(token) });
    expect([reply.status, reply.location]).toEqual([
      303,
      `/sign-in?next=${encodeURIComponent("/account/join")}&why=no-session`,
    ]);
  });

  test("a new user: the form makes the account and joins", async () => {
    const owner = await formed();
    const { mailedToken, identifier } = await invitedTo(world, owner);
    const cookies = linkCookie(mailedToken);
    const short = await world.ask({ path: "/join", cookies, form: { password: "short", display_name: "Ada" } });
    expect([short.status, short.text.includes("too short")]).toEqual([400, true]);
    const made = await world.ask({ path: "/join", cookies, form: { password: goodPassword, display_name: "Ada" } });
    expect([made.status, made.location]).toEqual([303, "/account/organizations"]);
    const list = await world.ask({ path: "/account/organizations", cookies: cookiesOf(made) });
    expect(list.text).toContain("Acme");
    const signedIn = await world.auth.signIn.password({ identifier, password: goodPassword });
    expect(signedIn.mfaRequired).toBe(false);
  });

  test("an address that has an account: the page says to join with it", async () => {
    const owner = await formed();
    const ada = await inPages();
    const { token } = await invitedTo(world, owner, { identifier: ada.identifier });
    const reply = await world.ask({
      path: "/join",
      cookies: linkCookie(token),
      form: { password: goodPassword, display_name: "" },
    });
    expect([reply.status, reply.text.includes("Join with it")]).toEqual([409, true]);
  });

  test("S10: the copied link of another's address, and of one's own that is not confirmed: refused with a reason", async () => {
    const owner = await formed();
    const [ada, eve] = [await inPages(), await inPages()];
    const { token } = await invitedTo(world, owner, { identifier: ada.identifier });
    const join = (as: Person) => world.ask({ path: "/account/join", as, cookies: linkCookie(token), form: {} });
    const [byEve, byAda] = [await join(eve), await join(ada)];
    expect([byEve.status, byEve.text.includes("for another address")]).toEqual([409, true]);
    expect([byAda.status, byAda.text.includes("Confirm your email address first")]).toEqual([409, true]);
    await verifyAddress(world, ada);
    expect((await join(ada)).status).toBe(303);
  });

  test("declining: both links die, and the page says so", async () => {
    const owner = await formed();
    const { token, mailedToken } = await invitedTo(world, owner);
    const reply = await world.ask({ path: "/join/decline", cookies: linkCookie(token), form: {} });
    expect([reply.status, reply.text.includes("Invitation declined")]).toEqual([200, true]);
    for (const one of [token, mailedToken]) {
      const page = await world.ask({ path: "/join", cookies: linkCookie(one) });
      expect(page.text).toContain(dead);
    }
    const again = await world.ask({ path: "/join/decline", cookies: linkCookie(token), form: {} });
    expect([again.status, again.text.includes(dead)]).toEqual([409, true]);
  });

  test("declining while the database does not answer: 503, and no page that calls the link dead", async () => {
    const { token } = await invitedTo(world, await formed());
    const faulty = faultyDatabase(world.database);
    const app = new Hono().route("/", pages(world.isolate({ database: faulty })));
    faulty.reset(() => "before");
    const reply = await askPages(app, { path: "/join/decline", cookies: linkCookie(token), form: {} });
    expect([reply.status, reply.text.includes(dead)]).toEqual([503, false]);
    expect(await outcome(world.auth.organizationInvitations.look({ token }))).toBe("done");
  });

  test.each(["/join", "/join/decline", "/account/join"])("S13: another site cannot send %s", async (path) => {
    const owner = await formed();
    const ada = await inPages();
    const { token } = await invitedTo(world, owner, { identifier: ada.identifier });
    const headers = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    const form = { password: goodPassword };
    const reply = await world.ask({ path, as: ada, cookies: linkCookie(token), form, headers });
    expect(reply.status).toBe(403);
    expect(await outcome(world.auth.organizationInvitations.look({ token }))).toBe("done");
  });

  test.each(["A".repeat(43), "x", "<script>"])("an unknown link (%s): a page that says so", async (token) => {
    const opened = await world.ask({ path: `/join?token=${encodeURIComponent(token)}` });
    const cookies = cookiesOf(opened);
    const page = await world.ask({ path: "/join", cookies });
    expect([page.status, page.text.includes(dead)]).toEqual([200, true]);
    const ada = await inPages();
    expect((await world.ask({ path: "/account/join", as: ada, cookies })).text).toContain(dead);
    expect((await world.ask({ path: "/account/join", as: ada, cookies, form: {} })).status).toBe(401);
  });
});

test("where sign-up is not open, only the mailed link offers to make an account", async () => {
  const closed = await openPages({ signUpIsOpen: false });
  try {
    const owner = await organizationsIn(closed).form(await closed.person());
    const { token, mailedToken } = await invitedTo(closed, owner);
    const offers = async (secret: string) =>
      (await closed.ask({ path: "/join", cookies: linkCookie(secret) })).text.includes("Create account and join");
    expect([await offers(token), await offers(mailedToken)]).toEqual([false, true]);
    const sent = await closed.ask({ path: "/join", cookies: linkCookie(token), form: { password: goodPassword } });
    expect(sent.status).toBe(401);
    // The link still works for an account.
    expect((await closed.ask({ path: "/join", cookies: linkCookie(token) })).text).toContain('href="/account/join"');
  } finally {
    await closed.close();
  }
});

describe("inviting", () => {
  test("an owner invites, copies, sees, sends again and revokes", async () => {
    const owner = await formed();
    const members = await world.ask({ path: at("/account/organizations/members", owner), as: owner });
    expect(members.text).toContain(`href="${listPath}?org_id=${owner.organizationId}"`);
    const identifier = freshName();
    const made = await invite(owner, owner, { identifier, role: "viewer" });
    expect([made.status, made.text.includes(identifier)]).toEqual([200, true]);
    const first = secretIn(made.text);
    const list = await world.ask({ path: at(listPath, owner), as: owner });
    expect(list.text).toContain(`<bdi>${identifier}</bdi>`);
    expect(list.text).not.toContain(first);
    const invitationId = /inv_id=(inv_[0-9a-f]{32})/.exec(list.text)![1]!;
    const again = await world.ask({ path: at(invitePath, owner, `&inv_id=${invitationId}`), as: owner });
    expect(again.text).toContain(`value="${identifier}"`);
    expect(again.text).toMatch(/value="viewer" selected/);
    const second = secretIn((await invite(owner, owner, { identifier, role: "viewer" })).text);
    const look = (token: string) => outcome(world.auth.organizationInvitations.look({ token }));
    expect([await look(first), await look(second)]).toEqual(["unauthorized.invalid_link", "done"]);
    const asked = await world.ask({ path: at(`${listPath}/revoke`, owner, `&inv_id=${invitationId}`), as: owner });
    expect(asked.text).toContain(`<bdi>${identifier}</bdi>`);
    const form = { org_id: owner.organizationId, inv_id: invitationId };
    const revoked = await world.ask({ path: `${listPath}/revoke`, as: owner, form });
    expect([revoked.status, await look(second)]).toEqual([303, "unauthorized.invalid_link"]);
    const late = await world.ask({ path: `${listPath}/revoke`, as: owner, form });
    expect([late.status, late.text.includes("not open any more")]).toEqual([409, true]);
  });

  test("a form sent twice invites once, and shows its link once", async () => {
    const owner = await formed();
    const page = await world.ask({ path: at(invitePath, owner), as: owner });
    const form_key = formKeyIn(page.text, invitePath)!;
    const form = { org_id: owner.organizationId, identifier: freshName(), role: "member", days: "7", form_key };
    const replies = [];
    for (let time = 0; time < 2; time++) replies.push(await world.ask({ path: invitePath, as: owner, form }));
    expect(replies.map(({ status, text }) => [status, text.includes("token=")])).toEqual([
      [200, true],
      [409, false],
    ]);
  });

  test.each(roles)("a page of a %s offers no role above it, and guests and members no page", async (role) => {
    const owner = await formed();
    const as = await organizationsIn(world).join(owner.organizationId, role, await inPages());
    const mayInvite = roles.indexOf(role) <= roles.indexOf("admin");
    for (const path of [listPath, invitePath]) {
      expect((await world.ask({ path: at(path, owner), as })).status).toBe(mayInvite ? 200 : 403);
    }
    const page = await world.ask({ path: at(invitePath, owner), as });
    expect(page.text.includes('value="owner"')).toBe(role === "owner");
    if (role === "admin") expect((await invite(as, owner, { role: "owner" })).status).toBe(403);
  });

  test("an organization of others looks exactly like one that does not exist", async () => {
    const owner = await formed();
    const made = await invite(owner, owner);
    const list = await world.ask({ path: at(listPath, owner), as: owner });
    const id = /inv_id=(inv_[0-9a-f]{32})/.exec(list.text)![1]!;
    const stranger = await formed();
    expect(made.status).toBe(200);
    for (const path of [listPath, invitePath, `${listPath}/revoke`]) {
      const absent = await world.ask({ path: at(path, { organizationId: generateId("org") }), as: stranger });
      const foreign = await world.ask({ path: at(path, owner), as: stranger });
      expect([foreign.status, foreign.text]).toEqual([404, absent.text]);
      const elsewhere = await world.ask({ path: at(path, stranger, `&inv_id=${id}`), as: stranger });
      if (path !== listPath) expect(elsewhere.status).toBe(404);
    }
    expect((await invite(stranger, owner)).status).toBe(404);
    const form = { org_id: stranger.organizationId, inv_id: id };
    expect((await world.ask({ path: `${listPath}/revoke`, as: stranger, form })).status).toBe(404);
  });

  test("what is wrong in the form is said beside its field, and nothing is sent", async () => {
    const owner = await formed();
    const reply = await invite(owner, owner, { identifier: "a b<script>" });
    expect([reply.status, reply.text.includes("a b&lt;script&gt;")]).toEqual([400, true]);
    expect((await invite(owner, owner, { role: "king" })).status).toBe(400);
    expect((await invite(owner, owner, { form_key: "x" })).status).toBe(400);
    await world.auth.organizations.suspend({ actor: system, organizationId: owner.organizationId });
    expect((await invite(owner, owner)).status).toBe(409);
  });

  test("a mailed invitation is sent, in the language of the page", async () => {
    const owner = await formed("Evil https://evil.example");
    const identifier = freshIdentifier();
    const before = world.mailbox.messages.length;
    const made = await invite(owner, owner, { identifier });
    expect(made.text).toContain("on its way");
    await world.mailbox.arrival(identifier, before);
    const message = world.mailbox.messages.find(({ to }) => to === identifier)!;
    expect(message.text).toContain("Evil https:\u2060/\u2060/\u2060evil.\u2060example");
    expect(message.subject).not.toContain("Evil");
    expect(message.text).not.toContain(secretIn(made.text));
  });
});
