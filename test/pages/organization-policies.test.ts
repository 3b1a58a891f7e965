/** The pages of an organization whose security policy the session does not meet. @module */
import { afterAll, beforeAll, expect, test } from "vitest";
import { organizationsIn } from "../support/organizations.ts";
import { openPages, type PageWorld } from "../support/page-world.ts";
import { policiesIn } from "../support/security-policies.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

const organizations = "/account/organizations";
const inPages = () => world.person({ transport: "cookie" });

/** An organization that asks for two factors, with an admin in a browser who has proved none. */
async function demanding() {
  const { form, join, members } = organizationsIn(world);
  const owner = await form(undefined, { name: "Careful" });
  const { organizationId } = owner;
  const admin = await join(organizationId, "admin", await inPages());
  const other = await join(organizationId, "member");
  await world.auth.users.update({ actor: other.actor, userId: other.userId, displayName: "Secret Agent" });
  await policiesIn(world).demand(organizationId, { require: "mfa" });
  const ids = { org_id: organizationId as string, mem_id: other.membershipId as string };
  return { admin, organizationId, ids, members: () => members(organizationId) };
}

test("a member without a second factor sees what to do, and no member; no act is done, and leaving is", async () => {
  const { admin, ids, members } = await demanding();
  const page = await world.ask({ path: `${organizations}/members?${new URLSearchParams(ids)}`, as: admin });
  expect([page.status, page.text.includes("<bdi>Careful</bdi>")]).toEqual([401, true]);
  expect(page.text).toMatch(/role="alert">The organization requires a passkey or second factor/);
  expect(page.text).not.toContain("Secret Agent");
  const before = await members();
  for (const name of ["role", "suspend", "remove"]) {
    const path = `${organizations}/member/${name}`;
    const shown = await world.ask({ path: `${path}?${new URLSearchParams(ids)}`, as: admin });
    const sent = await world.ask({ path, form: { ...ids, role: "guest" }, as: admin });
    for (const { status, text } of [shown, sent]) {
      expect([name, status, text.includes("requires a passkey or second factor")]).toEqual([name, 401, true]);
      expect(text).not.toContain("Secret Agent");
    }
  }
  const renamed = await world.ask({
    path: `${organizations}/rename`,
    form: { ...ids, name: "x", slug: "" },
    as: admin,
  });
  expect([renamed.status, renamed.text.includes("requires a passkey or second factor")]).toEqual([401, true]);
  expect(await members()).toEqual(before);
  const { org_id } = ids;
  expect((await world.ask({ path: `${organizations}/leave?org_id=${org_id}`, as: admin })).status).toBe(200);
  expect((await world.ask({ path: `${organizations}/leave`, form: { org_id }, as: admin })).status).toBe(303);
});

test("a proof that is too old for the organization: proves again, and returns to the list", async () => {
  const { admin, ids, organizationId } = await demanding();
  await policiesIn(world).demand(organizationId, { maxAgeSeconds: 600 });
  await world.age(admin.session, 3600);
  for (const [path, form] of [
    ["members", undefined],
    ["member", undefined],
    ["member/role", undefined],
    ["member/role", { ...ids, role: "guest" }],
  ] as const) {
    const asked = form
      ? { path: `${organizations}/${path}`, form }
      : { path: `${organizations}/${path}?${new URLSearchParams(ids)}` };
    const { status, location } = await world.ask({ ...asked, as: admin });
    const there = `/account/step-up?${new URLSearchParams({ next: organizations })}`;
    expect([path, status, location]).toEqual([path, 303, there]);
  }
});
