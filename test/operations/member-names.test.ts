/** What an organization's members see of each other, and a user's membership in one organization. @module */
import { expect, test } from "vitest";
import { generateId } from "../../src/domain/id.ts";
import { membership } from "../../src/domain/membership.ts";
import { memberOf } from "../../src/domain/record.ts";
import { flametrenchRoutes } from "../../src/http/auth-routes.ts";
import { addressHeader, freshAddress, outcome, type Person, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { organizationsIn } from "../support/organizations.ts";

describeWorld("names of members", { on: ["pglite", "postgres"] }, (world, auth) => {
  const { form, join, addBeside } = organizationsIn(world);
  const call = async (path: string, { token }: Person) => {
    const headers = { authorization: `Bearer ${token}`, [addressHeader]: freshAddress() };
    const response = await flametrenchRoutes(auth).request(path, { headers });
    expect(response.status).toBe(200);
    return await response.json();
  };

  /** An organization of two people, of whom one has a name. */
  async function two() {
    const owner = await form();
    const member = await join(owner.organizationId, "member");
    await auth.users.update({ actor: member.actor, userId: member.userId, displayName: "Ada <b>" });
    return { owner, member };
  }

  test("a list and a look give the display name, and nothing else of the user", async () => {
    const { owner, member } = await two();
    const { data } = await auth.memberships.list(owner);
    expect(data.map(({ user }) => user)).toEqual([{ displayName: null }, { displayName: "Ada <b>" }]);
    expect(data[1]).toEqual(await auth.memberships.get({ ...owner, membershipId: member.membershipId }));
    expect(Object.keys(data[1]!)).toEqual([...Object.keys(membership), "user"]);
  });

  test("under /v1 a membership has the specification's members only", async () => {
    const { owner, member } = await two();
    const members = Object.entries(membership).map(([name, field]) => memberOf(name, field));
    const list = await call(`/v1/orgs/${owner.organizationId}/members`, owner);
    const one = await call(`/v1/orgs/${owner.organizationId}/members/${member.membershipId}`, owner);
    for (const body of [...list.data, one]) expect(Object.keys(body)).toEqual(members);
    expect(JSON.stringify([list, one])).not.toContain("Ada");
  });

  test("guests and strangers learn no name", async () => {
    const { owner, member } = await two();
    const guest = await join(owner.organizationId, "guest");
    const stranger = await form();
    for (const [{ actor }, code] of [
      [guest, "forbidden"],
      [stranger, "not_found"],
    ] as const) {
      expect(await outcome(auth.memberships.list({ ...owner, actor }))).toBe(code);
      expect(await outcome(auth.memberships.get({ ...member, actor }))).toBe(code);
    }
  });

  test("a user's membership in one organization: with it, without another, and none of another user", async () => {
    const { owner, member } = await two();
    const elsewhere = await form(member);
    const own = async (organizationId: typeof owner.organizationId) =>
      (await auth.memberships.listOfUser({ ...member, organizationId })).data.map(({ id }) => id);
    expect(await own(owner.organizationId)).toEqual([member.membershipId]);
    expect(await own(elsewhere.organizationId)).toEqual([elsewhere.membershipId]);
    expect(await own((await form()).organizationId)).toEqual([]);
    expect(await own(generateId("org"))).toEqual([]);
    for (const id of ["", "org_x", "constructor", generateId("usr")]) {
      const malformed = auth.memberships.listOfUser({ ...member, organizationId: id as never });
      expect(await outcome(malformed)).toBe("not_found");
      const ofOne = auth.memberships.get({ ...member, organizationId: id as never });
      expect(await outcome(ofOne)).toBe("not_found");
    }
    const others = auth.memberships.listOfUser({ ...member, actor: owner.actor, organizationId: owner.organizationId });
    expect(await outcome(others)).toBe("not_found");
  });

  test("a second membership that another SDK has made is listed too", async () => {
    const { member } = await two();
    await auth.memberships.suspend({ actor: system, membershipId: member.membershipId });
    await addBeside(member);
    const { data } = await auth.memberships.listOfUser(member);
    expect(data.map(({ status }) => status)).toEqual(["suspended", "active"]);
  });
});
