/** The pages of a user's organizations and of their members. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateId, newUuid, uuidFor } from "../../src/domain/id.ts";
import { roles } from "../../src/domain/membership.ts";
import type { PagesAuth } from "../../src/pages/index.tsx";
import { sql } from "../../src/store/sql.ts";
import { type Person, system } from "../support/auth.ts";
import { pages } from "../support/every-page.ts";
import { changeWatcher } from "../support/http-world.ts";
import { organizationsIn } from "../support/organizations.ts";
import { askPages, openPages, type PageReply, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
let lastChange: () => Promise<string>;
beforeAll(async () => {
  world = await openPages();
  lastChange = changeWatcher(world);
});
afterAll(() => world.close());

const listPath = "/account/organizations";
const newPath = "/account/organizations/new";
const membersPath = "/account/organizations/members";

const inPages = () => world.person({ transport: "cookie" });
const of = () => organizationsIn(world);
/** An organization whose owner has a browser. */
const formed = async (named: { name?: string; slug?: string } = {}) => await of().form(await inPages(), named);
const membersOf = (organizationId: string, as: Person, more = "") =>
  world.ask({ path: `${membersPath}?org_id=${encodeURIComponent(organizationId)}${more}`, as });
const create = (as: Person, name: string, slug = "", more: Record<string, string> = {}) =>
  world.ask({ path: newPath, as, form: { name, slug, ...more } });

/** The header fields of a reply, besides the one that names the request. */
const fieldsOf = ({ headers }: PageReply) => [...headers].filter(([name]) => name !== "x-request-id").sort();

describe("what is not the user's", () => {
  test("an organization of others looks exactly like one that does not exist, also to an administrator", async () => {
    const owner = await formed({ name: "Secret society" });
    const [stranger, administrator] = [await inPages(), await inPages()];
    await world.makeAdministrator(administrator.userId);
    await world.levelTwo(administrator.session);
    for (const as of [stranger, administrator]) {
      const before = await lastChange();
      const absent = await membersOf(generateId("org"), as);
      const foreign = await membersOf(owner.organizationId, as);
      expect([foreign.status, foreign.text]).toEqual([404, absent.text]);
      expect(fieldsOf(foreign)).toEqual(fieldsOf(absent));
      expect(await lastChange()).toBe(before);
    }
    // A look by an administrator would leave an event.
    expect((await world.events({ target: owner.organizationId })).map(({ action }) => action)).toEqual([
      "tenancy.org.create",
    ]);
  });

  test.each([
    "",
    "org_",
    "org_x",
    "%00",
    "constructor",
    "__proto__",
    "../x",
    "' or 1=1 --",
    "\u202e",
    "a".repeat(5000),
  ])("org_id %j: not found", async (id) => {
    const as = await inPages();
    expect((await membersOf(id, as)).status).toBe(404);
    expect((await membersOf(id, as, `&org_id=${generateId("org")}`)).status).toBe(404);
  });

  test("an id of another type, and a slug: not found", async () => {
    const slug = newUuid();
    const owner = await formed({ slug });
    for (const id of [owner.membershipId, owner.userId, slug, uuidFor("org", owner.organizationId)]) {
      expect((await membersOf(id, owner)).status).toBe(404);
    }
    expect((await world.ask({ path: membersPath, as: owner })).status).toBe(404);
  });

  test("a former and a suspended member, and an organization that has ended: not found", async () => {
    const owner = await formed({ name: "Ended or left" });
    const [former, suspended] = [await inPages(), await inPages()];
    const { join } = of();
    await world.auth.memberships.leave(await join(owner.organizationId, "admin", former));
    await world.auth.memberships.suspend({ ...(await join(owner.organizationId, "admin", suspended)), actor: system });
    for (const as of [former, suspended]) expect((await membersOf(owner.organizationId, as)).status).toBe(404);
    // A suspended member sees in the list that there is a membership, and no link.
    const { text } = await world.ask({ path: listPath, as: suspended });
    expect([text.includes("Your membership is suspended."), text.includes(owner.organizationId)]).toEqual([
      true,
      false,
    ]);
    expect((await world.ask({ path: listPath, as: former })).text).not.toContain("Ended or left");
    await world.auth.organizations.revoke(owner);
    expect((await membersOf(owner.organizationId, owner)).status).toBe(404);
    expect((await world.ask({ path: listPath, as: owner })).text).toContain("You are not in an organization.");
  });

  test("a guest sees the organization, and neither a member nor a name", async () => {
    const owner = await formed({ name: "Club" });
    await world.auth.users.update({ actor: owner.actor, userId: owner.userId, displayName: "Ada of the club" });
    const guest = await of().join(owner.organizationId, "guest", await inPages());
    const reply = await membersOf(owner.organizationId, guest);
    expect([reply.status, reply.text.includes("<bdi>Club</bdi>")]).toEqual([200, true]);
    expect(reply.text).toContain("Guests do not see the other members.");
    expect(reply.text).not.toContain("Ada of the club");
    expect(reply.text).not.toContain(owner.userId.slice(-8));
  });

  test("without the feature: no pages, and no link to one", async () => {
    const app = pages({ ...world.auth, organizations: undefined, memberships: undefined } as never as PagesAuth);
    const as = await inPages();
    for (const path of [listPath, newPath, membersPath]) expect((await askPages(app, { path, as })).status).toBe(404);
    const form = { name: "x", slug: "", form_key: "x" };
    expect((await askPages(app, { path: newPath, as, form })).status).toBe(404);
    expect((await askPages(app, { path: "/account", as })).text).not.toContain(listPath);
    expect((await world.ask({ path: "/account", as })).text).toContain(`href="${listPath}"`);
  });
});

describe("names of strangers", () => {
  const hostile = [
    `<script>alert(1)</script>`,
    `"><img src=x onerror=alert(1)>`,
    "\u202egnp.exe",
    "\u2069\u202eowner",
    "مؤسسة",
  ];

  test("a name that fills the page is cut, for both", async () => {
    const owner = await formed({ name: "😀".repeat(1000) });
    await world.auth.users.update({ actor: owner.actor, userId: owner.userId, displayName: "x".repeat(4096) });
    const reader = await of().join(owner.organizationId, "viewer", await inPages());
    const { text } = await membersOf(owner.organizationId, reader);
    for (const one of ["😀", "x"]) expect(text).toContain(`<bdi>${one.repeat(100)}…</bdi>`);
    expect(text).not.toMatch(/😀{101}|x{101}/u);
  });

  test.each(hostile)("%j, of an organization and of a member: is text, and isolated", async (name) => {
    const owner = await formed({ name });
    await world.auth.users.update({ actor: owner.actor, userId: owner.userId, displayName: name });
    const reader = await of().join(owner.organizationId, "viewer", await inPages());
    const escaped = name.replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
    for (const { status, text } of [
      await world.ask({ path: listPath, as: reader }),
      await membersOf(owner.organizationId, reader),
    ]) {
      expect(status).toBe(200);
      expect(text).toContain(`<bdi>${escaped}</bdi>`);
      // Nowhere else than isolated.
      expect(text.split(escaped).length).toBe(text.split(`<bdi>${escaped}</bdi>`).length);
      expect(text).not.toContain("<img src=x");
    }
  });

  test("members with the same name are told apart; one without a name has a word", async () => {
    const owner = await formed();
    const members = [await of().join(owner.organizationId, "member"), await of().join(owner.organizationId, "member")];
    for (const { actor, userId } of members) await world.auth.users.update({ actor, userId, displayName: "Ada" });
    const { text } = await membersOf(owner.organizationId, owner);
    for (const { userId } of [owner, ...members]) expect(text).toContain(`<code>…${userId.slice(-8)}</code>`);
    expect(text).toContain("<bdi>Member without a name</bdi> (you)");
    // Nothing else of a member: neither an address nor a whole id.
    for (const { identifier, userId } of members) {
      expect([text.includes(identifier), text.includes(userId)]).toEqual([false, false]);
    }
  });
});

describe("forming one", () => {
  test("makes the user its owner, and leads to its page", async () => {
    const as = await inPages();
    const slug = newUuid();
    const made = await create(as, "  Acme & Söhne  ", ` ${slug} `);
    const { data } = await world.auth.memberships.listOfUser(as);
    expect(data).toMatchObject([{ role: "owner", organization: { name: "Acme & Söhne", slug } }]);
    const path = `${membersPath}?org_id=${data[0]!.organizationId}&done=organization`;
    expect([made.status, made.location]).toEqual([303, path]);
    const page = await world.ask({ path, as });
    expect(page.text).toContain("Organization created.");
    expect(page.text).toContain(`Short name: ${slug}.`);
    expect((await world.ask({ path: listPath, as })).text).toContain("<bdi>Acme &amp; Söhne</bdi>");
  });

  test("a form that is sent twice makes one, also with another name; ten at once make one", async () => {
    const as = await inPages();
    const { text } = await world.ask({ path: newPath, as });
    const form_key = /name="form_key" value="([^"]*)"/.exec(text)![1]!;
    const slug = newUuid();
    expect((await create(as, "Once", slug, { form_key })).status).toBe(303);
    for (const [name, other] of [
      ["Once", slug],
      ["Twice", ""],
    ] as const) {
      const again = await create(as, name, other, { form_key });
      expect([again.status, again.text.includes("was already created")]).toEqual([409, true]);
    }
    const key = /name="form_key" value="([^"]*)"/.exec((await world.ask({ path: newPath, as })).text)![1]!;
    const replies = await Promise.all(Array.from({ length: 10 }, () => create(as, "At once", "", { form_key: key })));
    expect(replies.filter(({ status }) => status === 303)).toHaveLength(1);
    const { data } = await world.auth.memberships.listOfUser(as);
    expect(data.map(({ organization }) => organization.name)).toEqual(["Once", "At once"]);
  });

  test("a form without a key of its own makes nothing, and is filled in again", async () => {
    const [as, other] = [await inPages(), await inPages()];
    const foreign = /name="form_key" value="([^"]*)"/.exec((await world.ask({ path: newPath, as: other })).text)![1]!;
    for (const form_key of ["", "x", foreign]) {
      const reply = await create(as, "Acme", "acme", { form_key });
      expect([reply.status, reply.text.includes('value="Acme"')]).toEqual([400, true]);
    }
    expect((await world.auth.memberships.listOfUser(as)).data).toEqual([]);
  });

  test.each([
    ["", "", "name"],
    ["   ", "", "name"],
    ["a\u202eb", "", "name"],
    ["😀".repeat(201), "", "name"],
    ["Acme", "Acme", "slug"],
    ["Acme", "-a", "slug"],
    ["Acme", "a b", "slug"],
    ["Acme", "x".repeat(64), "slug"],
  ])("name %j, short name %j: refused at the field %s", async (name, slug, field) => {
    const reply = await create(await inPages(), name, slug);
    expect(reply.status).toBe(field === "name" ? 400 : 409);
    expect(reply.text).toContain(`id="organization-${field}-error"`);
  });

  test("a short name that another organization has: refused at its field, and what was typed stays", async () => {
    const slug = newUuid();
    await formed({ slug });
    const reply = await create(await inPages(), "Mine", slug);
    expect([reply.status, reply.text.includes('id="organization-slug-error"')]).toEqual([409, true]);
    expect(reply.text).toContain('value="Mine"');
  });

  test("beyond the limit of organizations: a sentence", async () => {
    const few = await openPages({ auth: { organizations: { maxPerUser: 1 } } });
    const as = await few.person({ transport: "cookie" });
    const ask = () => few.ask({ path: newPath, as, form: { name: "n", slug: "" } });
    expect((await ask()).status).toBe(303);
    const reply = await ask();
    expect([reply.status, reply.text.includes("Hand one over or end one first.")]).toEqual([409, true]);
    await few.close();
  });
});

describe("lists", () => {
  test("each role and state has its words", async () => {
    const as = await inPages();
    for (const role of roles) {
      const owner = await of().form(undefined, { name: `of a ${role}` });
      await of().join(owner.organizationId, role, as);
      if (role === "editor") await world.auth.organizations.suspend({ ...owner, actor: system });
    }
    const { text } = await world.ask({ path: listPath, as });
    for (const role of ["Owner", "Admin", "Member", "Editor", "Viewer", "Guest"]) {
      expect(text).toContain(`<span class="badge">${role}</span>`);
    }
    expect(text.match(/This organization is suspended\./g)).toHaveLength(1);
    const suspended = /href="([^"]*org_id=[^"]*)"(?=[^>]*>Open<span class="unseen"> <bdi>of a editor)/.exec(text)![1]!;
    expect((await world.ask({ path: suspended, as })).text).toContain("This organization is suspended.");
  });

  test("120 organizations and 1,000 members are read page by page, each once", async () => {
    const owner = await formed({ name: "Large" });
    const org = uuidFor("org", owner.organizationId);
    await world.rows(sql`
      with made as (insert into usr (id, display_name) select gen_random_uuid(), 'Member ' || n from generate_series(1, 999) n returning id)
      insert into mem (id, usr_id, org_id, role) select gen_random_uuid(), id, ${org}::uuid, 'viewer' from made`);
    await world.rows(sql`
      with made as (insert into org (id, name) select gen_random_uuid(), 'Organization ' || n from generate_series(1, 119) n returning id)
      insert into mem (id, usr_id, org_id, role)
      select gen_random_uuid(), ${uuidFor("usr", owner.userId)}::uuid, id, 'viewer' from made`);
    const read = async (path: string, pattern: RegExp) => {
      const seen: string[] = [];
      let pagesRead = 0;
      for (let next: string | undefined = path; next; pagesRead++) {
        const { status, text } = await world.ask({ path: next.replaceAll("&amp;", "&"), as: owner });
        expect(status).toBe(200);
        seen.push(...[...text.matchAll(pattern)].map(([, name]) => name!));
        next = /href="([^"]*)">Next page/.exec(text)?.[1];
        expect(text.includes(">First page<")).toBe(pagesRead > 0);
      }
      return { seen: new Set(seen).size, shown: seen.length, pagesRead };
    };
    const members = `${membersPath}?org_id=${owner.organizationId}`;
    expect(await read(members, /<code>(…[\da-f]{8})/g)).toEqual({ seen: 1000, shown: 1000, pagesRead: 20 });
    const organizations = await read(listPath, /<h3><bdi>((?:Organization \d+|Large))</g);
    expect(organizations).toEqual({ seen: 120, shown: 120, pagesRead: 3 });
    for (const cursor of ["x", owner.userId, ""]) {
      expect((await world.ask({ path: `${members}&cursor=${cursor}`, as: owner })).status).toBe(400);
    }
  });

  test("owners and admins have a link to suspended members, who are listed apart", async () => {
    const owner = await formed();
    const member = await of().join(owner.organizationId, "member", await inPages());
    const away = await of().join(owner.organizationId, "member");
    await world.auth.memberships.suspend({ ...away, actor: system });
    const code = away.userId.slice(-8);
    const [active, suspended] = [
      await membersOf(owner.organizationId, owner),
      await membersOf(owner.organizationId, owner, "&status=suspended"),
    ];
    expect([active.text.includes(code), suspended.text.includes(code)]).toEqual([false, true]);
    expect(active.text).toContain("&amp;status=suspended");
    expect((await membersOf(owner.organizationId, member)).text).not.toContain("status=suspended");
  });

  test("reading changes nothing", async () => {
    const owner = await formed();
    const before = await lastChange();
    for (const path of [listPath, newPath, `${membersPath}?org_id=${owner.organizationId}`]) {
      expect((await world.ask({ path, as: owner })).status).toBe(200);
    }
    expect(await lastChange()).toBe(before);
  });

  test("after a sign-in, the user returns to the list", async () => {
    const { location } = await world.ask({ path: `${membersPath}?org_id=${generateId("org")}` });
    expect(location).toBe(`/sign-in?${new URLSearchParams({ next: listPath, why: "no-session" })}`);
  });
});
