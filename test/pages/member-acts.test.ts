/** What the pages let a user do about members and organizations, and what they refuse when it is sent by hand. @module */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { generateId, type MembershipId, type OrganizationId, type UserId, uuidFor } from "../../src/domain/id.ts";
import { type Role, roles } from "../../src/domain/membership.ts";
import { memberActs } from "../../src/pages/member-acts.ts";
import { sql } from "../../src/store/sql.ts";
import { type Person, system } from "../support/auth.ts";
import { changeWatcher } from "../support/http-world.ts";
import { organizationsIn } from "../support/organizations.ts";
import { openPages, type PageReply, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
let lastChange: () => Promise<string>;
/** Someone in a browser with each role, who is in no organization yet, and two others. */
let people: Readonly<Record<Role, Person>>;
let other: Person;
let keeper: Person;
const inPages = () => world.person({ transport: "cookie" });
beforeAll(async () => {
  world = await openPages();
  lastChange = changeWatcher(world);
  people = Object.fromEntries(await Promise.all(roles.map(async (role) => [role, await inPages()]))) as never;
  [other, keeper] = [await inPages(), await inPages()];
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.rows(sql`delete from attempt`);
  // Otherwise a page may write that a session was used, a minute after it was made.
  await world.rows(sql`update ses set last_seen_at = greatest(sallyport_now(), created_at)`);
});

const organizations = "/account/organizations";
const pathOf = (act: string) => `${organizations}/member/${act}`;
type Ids = Readonly<{ org_id: string; mem_id: string }>;
const open = (as: Person, path: string, ids: Partial<Ids>) =>
  world.ask({ path: `${path}?${new URLSearchParams(ids)}`, as });
const send = (as: Pick<Person, "token">, path: string, form: Readonly<Record<string, string>>) =>
  world.ask({ path, form, as });
const act = (as: Person, name: string, ids: Ids, more: Readonly<Record<string, string>> = { role: "guest" }) =>
  send(as, pathOf(name), { ...ids, ...more });

/** An organization of the keeper, with these members, in order. */
async function organized(...members: readonly (readonly [Person, Role])[]) {
  const made = await world.auth.organizations.create({ actor: system, userId: keeper.userId });
  const organizationId = made.organization.id;
  const ids: Ids[] = [];
  for (const [{ userId }, role] of members) {
    const { id } = await world.auth.memberships.add({ actor: system, organizationId, userId, role });
    ids.push({ org_id: organizationId, mem_id: id });
  }
  return { organizationId, ids, ownIds: { org_id: organizationId, mem_id: made.membership.id } };
}

const members = (organizationId: OrganizationId) => organizationsIn(world).members(organizationId);
const named = ({ userId }: { userId: UserId }, role: Role) => `${uuidFor("usr", userId)} ${role}`;
const offered = ({ text }: PageReply) =>
  [...text.matchAll(/href="\/account\/organizations\/member\/(\w+)\?/g)].map(([, name]) => name!);
const hidden = ({ text }: PageReply, name: string) =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? "";
const tokenIn = ({ setCookies }: PageReply) => /^__Host-session=([^;]+)/m.exec(setCookies.join("\n"))![1]!;

describe("who may", () => {
  const pairs = roles.flatMap((own) => roles.map((theirs) => ({ own, theirs })));
  const rank = (role: Role) => roles.indexOf(role);

  test.each(pairs)(
    "$own about $theirs: what is offered is done, the rest is refused by hand",
    async ({ own, theirs }) => {
      const manages = rank(own) <= rank("admin") && rank(theirs) >= rank(own);
      const expected: Record<string, boolean> = {
        role: manages,
        suspend: manages,
        remove: manages && theirs !== "owner",
        transfer: own === "owner" && theirs !== "owner",
        leave: own === "owner",
      };
      const of = async () => await organized([people[own], own], [other, theirs]);
      const { ids } = await of();
      const page = await open(people[own], `${organizations}/member`, ids[1]!);
      expect(page.status).toBe(own === "guest" ? 403 : 200);
      expect(offered(page).sort()).toEqual(
        Object.keys(expected)
          .filter((name) => expected[name])
          .sort(),
      );
      for (const name of ["role", "suspend", "remove", "transfer"]) {
        const { organizationId, ids: again } = await of();
        const before = await members(organizationId);
        const asking = await open(people[own], pathOf(name), again[1]!);
        expect([name, asking.status]).toEqual([name, expected[name] ? 200 : own === "guest" ? 403 : 303]);
        const reply = await act(people[own], name, again[1]!);
        // An owner may hand over to an owner too. It is of no use, so it is not offered.
        const isUseless = name === "transfer" && own === "owner";
        expect([name, reply.status]).toEqual([name, expected[name] || isUseless ? 303 : 403]);
        if (reply.status === 403) {
          expect(reply.text).toMatch(
            /role="alert">(Your account is not allowed to do this|Your role is not strong enough)/,
          );
          expect(await members(organizationId)).toEqual(before);
        }
      }
    },
  );

  test.each(["admin", "member", "guest"] as const)("%s does not end the organization", async (role) => {
    const { ids, organizationId } = await organized([people[role], role]);
    const { org_id } = ids[0]!;
    expect((await open(people[role], `${organizations}/end`, { org_id })).status).toBe(403);
    const reply = await send(people[role], `${organizations}/end`, { org_id });
    expect([reply.status, reply.text.includes("Your account is not allowed to do this.")]).toEqual([403, true]);
    expect(await members(organizationId)).toHaveLength(2);
    const page = await open(people[role], `${organizations}/members`, { org_id });
    expect([page.text.includes("/organizations/end?"), page.text.includes("/organizations/rename?")]).toEqual([
      false,
      role === "admin",
    ]);
  });

  test.each(["member", "guest"] as const)("%s does not rename it", async (role) => {
    const { ids } = await organized([people[role], role]);
    const { org_id } = ids[0]!;
    const before = await lastChange();
    expect((await open(people[role], `${organizations}/rename`, { org_id })).status).toBe(403);
    expect((await send(people[role], `${organizations}/rename`, { org_id, name: "mine", slug: "" })).status).toBe(403);
    expect(await lastChange()).toBe(before);
  });

  test("an admin gives no role above their own, and no one a role that there is not", async () => {
    const { ids, organizationId } = await organized([people.admin, "admin"], [other, "member"]);
    const page = await open(people.admin, pathOf("role"), ids[1]!);
    expect([...page.text.matchAll(/<option value="(\w+)"/g)].map(([, role]) => role)).toEqual(roles.slice(1));
    const before = await members(organizationId);
    expect((await act(people.admin, "role", ids[1]!, { role: "owner" })).status).toBe(403);
    for (const role of ["", "king", "constructor", "Owner"]) {
      expect((await act(people.admin, "role", ids[1]!, { role })).status).toBe(400);
    }
    expect(await members(organizationId)).toEqual(before);
  });
});

describe("what is not the user's", () => {
  const paths = [
    ...memberActs.map(({ name }) => pathOf(name)),
    ...["rename", "leave", "end"].map((name) => `${organizations}/${name}`),
  ];

  test.each(paths)("%s: for a stranger, a former member and an administrator as if it did not exist", async (path) => {
    const { ids, organizationId } = await organized([other, "member"]);
    const administrator = await inPages();
    await world.makeAdministrator(administrator.userId);
    await world.levelTwo(administrator.session);
    const former = await inPages();
    const { id } = await world.auth.memberships.add({
      actor: system,
      organizationId,
      userId: former.userId,
      role: "admin",
    });
    await world.auth.memberships.leave({ actor: former.actor, membershipId: id });
    const absent = { org_id: generateId("org"), mem_id: generateId("mem") };
    const before = await lastChange();
    for (const as of [people.owner, administrator, former]) {
      for (const [foreign, none] of [
        [await open(as, path, ids[0]!), await open(as, path, absent)],
        [
          await send(as, path, { ...ids[0]!, role: "guest", name: "x" }),
          await send(as, path, { ...absent, role: "guest", name: "x" }),
        ],
      ] as const) {
        expect([path, foreign.status, foreign.text]).toEqual([path, 404, none.text]);
      }
    }
    expect(await lastChange()).toBe(before);
    expect(await world.events({ target: ids[0]!.mem_id as MembershipId, action: "tenancy.mem.read" })).toEqual([]);
  });

  test.each(memberActs.map(({ name }) => name))(
    "%s: a member of another organization is not found in one's own",
    async (name) => {
      const own = await organized([people.owner, "owner"]);
      const foreign = await organized([other, "member"]);
      const before = await lastChange();
      const mixed = { org_id: own.organizationId, mem_id: foreign.ids[0]!.mem_id };
      expect((await open(people.owner, pathOf(name), mixed)).status).toBe(404);
      expect((await act(people.owner, name, mixed)).status).toBe(404);
      for (const mem_id of ["", "mem_", "constructor", "' or 1=1 --", own.organizationId, "\u202e", "a".repeat(5000)]) {
        const ids = { org_id: own.organizationId, mem_id };
        expect([mem_id, (await open(people.owner, pathOf(name), ids)).status]).toEqual([mem_id, 404]);
        expect([mem_id, (await act(people.owner, name, ids)).status]).toEqual([mem_id, 404]);
      }
      expect(await lastChange()).toBe(before);
    },
  );
});

describe("acts", () => {
  test("each asks first, changes nothing by being read, and says what was done", async () => {
    const { ids, organizationId } = await organized([people.owner, "owner"], [other, "member"]);
    const done = async (name: string, mem_id: string, more = {}) => {
      const before = await lastChange();
      const asking = await open(people.owner, pathOf(name), { org_id: organizationId, mem_id });
      expect([asking.status, hidden(asking, "mem_id"), await lastChange()]).toEqual([200, mem_id, before]);
      const reply = await act(people.owner, name, { org_id: organizationId, mem_id }, more);
      expect([reply.status, reply.location]).toEqual([
        303,
        `${organizations}/members?org_id=${organizationId}&done=member-${name}`,
      ]);
      return (await world.ask({ path: reply.location!, as: people.owner })).text;
    };
    expect(await done("role", ids[1]!.mem_id, { role: "admin" })).toContain("Role changed.");
    const { data } = await world.auth.memberships.list({ actor: system, organizationId, status: "active" });
    const admin = data.find(({ userId }) => userId === other.userId)!;
    expect(admin).toMatchObject({ role: "admin", replaces: ids[1]!.mem_id });
    expect(await done("suspend", admin.id)).toContain("Membership suspended.");
    expect(await members(organizationId)).not.toContain(named(other, "admin"));
    const page = await open(people.owner, `${organizations}/member`, { org_id: organizationId, mem_id: admin.id });
    expect([offered(page), page.text.includes("Suspended.")]).toEqual([["reinstate", "remove"], true]);
    expect(await done("reinstate", admin.id)).toContain("Suspension lifted.");
    expect(await done("remove", admin.id)).toContain("Member removed.");
    expect(await members(organizationId)).toHaveLength(2);
  });

  test("sent twice: once done, then a sentence or an absent page, and nothing more", async () => {
    const { ids, organizationId } = await organized([people.owner, "owner"], [other, "member"]);
    for (const [name, sentence] of [
      ["suspend", "This membership is suspended or has ended."],
      ["reinstate", "This membership is not suspended."],
      ["role", "This membership is suspended or has ended."],
    ] as const) {
      const { data } = await world.auth.memberships.list({ actor: system, organizationId });
      const mem_id = data.findLast(({ userId, status }) => userId === other.userId && status !== "revoked")!.id;
      expect((await act(people.owner, name, { ...ids[1]!, mem_id })).status).toBe(303);
      const before = await lastChange();
      const again = await act(people.owner, name, { ...ids[1]!, mem_id });
      expect([name, again.status, again.text.includes(sentence)]).toEqual([name, 409, true]);
      expect(await lastChange()).toBe(before);
    }
    const { org_id } = ids[0]!;
    expect((await send(people.owner, `${organizations}/leave`, { org_id })).location).toBe(
      `${organizations}?done=member-leave`,
    );
    expect((await send(people.owner, `${organizations}/leave`, { org_id })).status).toBe(404);
  });

  test("rename: both names change; a refused name stays in the form", async () => {
    const { ids } = await organized([people.admin, "admin"]);
    const { org_id } = ids[0]!;
    const rename = (name: string, slug: string) =>
      send(people.admin, `${organizations}/rename`, { org_id, name, slug });
    const slug = crypto.randomUUID();
    const reply = await rename(" New name ", slug);
    expect(reply.location).toBe(`${organizations}/members?org_id=${org_id}&done=organization-name`);
    const form = await open(people.admin, `${organizations}/rename`, { org_id });
    expect([form.text.includes('value="New name"'), form.text.includes(`value="${slug}"`)]).toEqual([true, true]);
    const wrong = await rename("a\u202eb", "A b");
    expect([wrong.status, wrong.text.includes('id="organization-name-error"')]).toEqual([400, true]);
    expect((await rename("x", "A b")).text).toContain('id="organization-slug-error"');
    expect((await rename("x", "")).status).toBe(303);
    const page = await open(people.admin, `${organizations}/members`, { org_id });
    expect([page.text.includes("<bdi>x</bdi>"), page.text.includes("Short name")]).toEqual([true, false]);
  });

  test("in a suspended organization no act on members is offered or done; it can be renamed, left and ended", async () => {
    const { ids, organizationId } = await organized([people.owner, "owner"], [other, "member"]);
    await world.auth.organizations.suspend({ actor: system, organizationId });
    const page = await open(people.owner, `${organizations}/member`, ids[1]!);
    expect(offered(page)).toEqual(["leave"]);
    for (const name of ["role", "suspend", "remove", "transfer"]) {
      const reply = await act(people.owner, name, ids[1]!);
      expect([name, reply.status, reply.text.includes("This organization is suspended.")]).toEqual([name, 409, true]);
    }
    const { org_id } = ids[0]!;
    expect((await send(people.owner, `${organizations}/rename`, { org_id, name: "x", slug: "" })).status).toBe(303);
    expect((await send(other, `${organizations}/leave`, { org_id })).status).toBe(303);
    expect((await send(people.owner, `${organizations}/end`, { org_id })).status).toBe(303);
  });

  test("hostile names are isolated text on every page about them", async () => {
    const name = `"'><script>alert(1)</script>\u202e`;
    const { ids, organizationId } = await organized([people.owner, "owner"], [other, "member"]);
    await world.auth.organizations.update({ actor: system, organizationId, name });
    await world.auth.users.update({ actor: other.actor, userId: other.userId, displayName: name });
    const paths = [
      "member",
      "member/role",
      "member/transfer",
      "member/leave",
      "member/suspend",
      "member/remove",
      "leave",
      "end",
    ];
    for (const path of paths) {
      const { status, text } = await open(people.owner, `${organizations}/${path}`, ids[1]!);
      expect([path, status, text.includes("<script>alert")]).toEqual([path, 200, false]);
      expect(text).toMatch(/<bdi>[^<]*\u202e<\/bdi>/);
      expect(text.match(/\u202e(?!<\/bdi>)/)).toBeNull();
    }
  });
});

describe("owners", () => {
  /** An organization with one owner, in a browser, and a member. */
  async function alone() {
    const owner = await inPages();
    const { organization, membership } = await world.auth.organizations.create({ actor: system, userId: owner.userId });
    const organizationId = organization.id;
    const added = await world.auth.memberships.add({
      actor: system,
      organizationId,
      userId: other.userId,
      role: "member",
    });
    const org_id = organizationId as string;
    return {
      owner,
      organizationId,
      own: { org_id, mem_id: membership.id as string },
      ids: { org_id, mem_id: added.id as string },
    };
  }

  test("the last owner neither leaves nor steps down: a sentence says what to do", async () => {
    const { owner, organizationId, own } = await alone();
    const before = await lastChange();
    const leaving = await send(owner, `${organizations}/leave`, { org_id: own.org_id });
    expect([leaving.status, leaving.text.includes("You are the last owner.")]).toEqual([409, true]);
    const stepping = await act(owner, "role", own, { role: "admin" });
    expect([stepping.status, stepping.text.includes("Make another member an owner")]).toEqual([409, true]);
    expect(await lastChange()).toBe(before);
    expect(await members(organizationId)).toHaveLength(2);
  });

  test("leaves with an heir, who becomes the owner", async () => {
    const { owner, organizationId, ids } = await alone();
    const reply = await act(owner, "leave", ids);
    expect([reply.status, reply.location]).toEqual([303, `${organizations}?done=member-leave`]);
    expect((await world.ask({ path: reply.location!, as: owner })).text).toContain("You have left the organization.");
    expect(await members(organizationId)).toEqual([named(other, "owner")]);
  });

  test("hands over: becomes a member, and the other one an owner", async () => {
    const { owner, organizationId, ids } = await alone();
    expect((await act(owner, "transfer", ids)).location).toContain("done=member-transfer");
    expect(await members(organizationId)).toEqual([named(other, "owner"), named(owner, "member")].sort());
  });

  test("ends the organization, which is then absent", async () => {
    const { owner, ids, organizationId } = await alone();
    const reply = await send(owner, `${organizations}/end`, { org_id: ids.org_id });
    expect(reply.location).toBe(`${organizations}?done=organization-end`);
    expect((await open(other, `${organizations}/members`, ids)).status).toBe(404);
    expect((await send(owner, `${organizations}/end`, { org_id: ids.org_id })).status).toBe(404);
    expect(await members(organizationId)).toEqual([]);
  });

  test("hands over to no one who is suspended", async () => {
    const { owner, ids, organizationId } = await alone();
    await world.auth.memberships.suspend({ actor: system, membershipId: ids.mem_id as MembershipId });
    expect(offered(await open(owner, `${organizations}/member`, ids))).not.toContain("transfer");
    const reply = await act(owner, "transfer", ids);
    expect([reply.status, reply.text.includes("This member is suspended or has left.")]).toEqual([409, true]);
    const leaving = await act(owner, "leave", ids);
    expect(leaving.status).toBe(404);
    expect(await members(organizationId)).toEqual([named(owner, "owner")]);
  });

  test.each([
    ["member/transfer", "After that, the member that you chose becomes an owner", "member"],
    ["member/leave", "After that, you leave the organization", undefined],
    ["end", "After that, the organization ends", undefined],
  ] as const)(
    "S04: %s with a stale proof: nothing is done before a proof, and then it is",
    async (path, sentence, role) => {
      const { owner, organizationId, ids } = await alone();
      await world.age(owner.session, 3600);
      const before = await members(organizationId);
      const asked = await send(owner, `${organizations}/${path}`, ids);
      expect([asked.status, asked.text.includes(sentence)]).toEqual([200, true]);
      const step = (password: string) =>
        send(owner, "/account/step-up", { type: "password", password, act: hidden(asked, "act") });
      expect((await step("wrong wrong wrong")).status).toBe(401);
      expect(await members(organizationId)).toEqual(before);
      const proved = await step(owner.password);
      expect([proved.status, proved.location?.includes("done=")]).toEqual([303, true]);
      const after = await members(organizationId);
      expect(after.includes(named(owner, "owner"))).toBe(false);
      expect(after.includes(named(owner, "member"))).toBe(role === "member");
      const page = await world.ask({ path: organizations, as: { token: tokenIn(proved) } });
      expect(page.text.includes(`org_id=${organizationId}`)).toBe(role !== undefined);
    },
  );

  test("S79: an act on members of another organization does not pass through the step-up page", async () => {
    const mine = await alone();
    const theirs = await organized([other, "member"]);
    await world.age(mine.owner.session, 3600);
    const before = await members(theirs.organizationId);
    const asked = await act(mine.owner, "transfer", { org_id: mine.ids.org_id, mem_id: theirs.ids[0]!.mem_id });
    const proved = await send(mine.owner, "/account/step-up", {
      type: "password",
      password: mine.owner.password,
      act: hidden(asked, "act"),
    });
    expect(proved.status).toBe(404);
    expect(await members(theirs.organizationId)).toEqual(before);
    expect(await members(mine.organizationId)).toContain(named(mine.owner, "owner"));
  });
});
