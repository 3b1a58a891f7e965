/** Organizations over HTTP, and the guard of an application's own routes. @module */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateId } from "../../src/domain/id.ts";
import { type Role, roles } from "../../src/domain/membership.ts";
import { authenticate, requireUser } from "../../src/http/authenticate.ts";
import { type MembershipOptions, requireMembership } from "../../src/http/organizations.ts";
import { system } from "../support/auth.ts";
import { standIn } from "../support/describe-world.ts";
import { askApplication as ask } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";
import { type Member, organizationsIn } from "../support/organizations.ts";

let opened: HttpWorld;
beforeAll(async () => {
  opened = await openHttp("pglite");
});
afterAll(() => opened.close());
const world = standIn(() => opened);
const { form, join, members, named } = organizationsIn(world);

const post = (path: string, json: unknown, { token }: { token: string }) =>
  world.send({ method: "POST", path, json, token });

test("an organization is formed, handed over and left, with the bodies of the specification", async () => {
  const [ada, bob] = [await world.person(), await world.person()];
  const made = await post("/v1/orgs", { name: "Acme", slug: `s${generateId("org").slice(-20)}` }, ada);
  expect(made.status).toBe(201);
  const { org, owner_membership: owner } = made.json;
  expect(Object.keys(org)).toEqual(["id", "status", "name", "slug", "created_at", "updated_at"]);
  expect(owner).toEqual({
    id: expect.stringMatching(/^mem_/),
    usr_id: ada.userId,
    org_id: org.id,
    role: "owner",
    status: "active",
    replaces: null,
    invited_by: null,
    removed_by: null,
    created_at: expect.any(String),
    updated_at: expect.any(String),
  });
  const path = `/v1/orgs/${org.id}`;
  const added = await post(`${path}/members`, { usr_id: bob.userId, role: "member", invited_by: bob.userId }, ada);
  // The caller invites, whatever the body says.
  expect([added.status, added.json.invited_by]).toEqual([201, ada.userId]);
  const listed = await world.send({ method: "GET", path: `${path}/members?limit=1`, token: bob.token });
  expect(listed.json).toEqual({ data: [owner], page: { next_cursor: owner.id } });
  const handed = await post(`${path}/transfer-ownership`, { from_mem_id: owner.id, to_mem_id: added.json.id }, ada);
  expect(handed.json).toMatchObject({ from_membership: { role: "member" }, to_membership: { role: "owner" } });
  const left = await post(`${path}/members/${handed.json.from_membership.id}/self-leave`, undefined, ada);
  expect(left.json).toMatchObject({ status: "revoked", removed_by: null });
  const own = await world.send({ method: "GET", path: "/auth/memberships", token: bob.token });
  expect(own.json.data).toMatchObject([{ role: "owner", organization: { name: "Acme", status: "active" } }]);
  expect((await world.send({ method: "GET", path, token: ada.token })).code).toBe("not_found");
});

test("a name is anything that the specification allows, and an update without members changes nothing", async () => {
  const owner = await form(undefined, { name: "Acme" });
  const path = `/v1/orgs/${owner.organizationId}`;
  const put = (json: unknown) => world.send({ method: "PUT", path, json, token: owner.token });
  expect((await put({})).json.name).toBe("Acme");
  expect((await put({ name: "\u202eemcA\n" })).json.name).toBe("\u202eemcA\n");
  expect((await put({ name: null })).json.name).toBeNull();
  expect((await put({ title: "x" })).code).toBe("invalid_format.body");
});

describe("requireMembership", () => {
  const organizations = (options: MembershipOptions, ...before: MiddlewareHandler[]) => {
    const app = new Hono();
    for (const handler of before) app.use("/teams/*", handler);
    app.get("/teams/:org", requireMembership(world.auth, options), (c) =>
      c.json({ role: c.var.membership.role, name: c.var.organization.name, user: c.var.user.id }),
    );
    app.get("/teams", requireMembership(world.auth, options), (c) => c.json({}));
    return app;
  };
  const tokenOf = ({ token }: Pick<Member, "token">) => ({ token });

  test("by id or slug, in one request; the handler gets the typed membership", async () => {
    const slug = `s${generateId("org").slice(-20)}`;
    const owner = await form(undefined, { name: "Acme", slug });
    const app = organizations({ org: "org" });
    for (const name of [owner.organizationId, slug]) {
      world.counting.reset(1);
      const reply = await ask(app, `/teams/${name}`, tokenOf(owner));
      expect([reply.json, world.counting.requests]).toEqual([{ role: "owner", name: "Acme", user: owner.userId }, 1]);
      world.counting.reset();
    }
  });

  test.each(["authenticate", "requireUser"] as const)("after %s, one more request", async (name) => {
    const owner = await form();
    const app = organizations({ org: "org" }, { authenticate, requireUser }[name](world.auth));
    world.counting.reset(2);
    const reply = await ask(app, `/teams/${owner.organizationId}`, tokenOf(owner));
    expect([reply.json.role, world.counting.requests]).toEqual(["owner", 2]);
    world.counting.reset();
  });

  test.each(roles.flatMap((own) => roles.map((role) => ({ own, role }))))(
    "$own where $role is required",
    async ({ own, role }: { own: Role; role: Role }) => {
      const { organizationId } = await form();
      const member = await join(organizationId, own);
      const reply = await ask(organizations({ org: "org", role }), `/teams/${organizationId}`, tokenOf(member));
      expect(reply.code ?? reply.status).toBe(roles.indexOf(own) <= roles.indexOf(role) ? 200 : "forbidden");
    },
  );

  test("a stranger, a suspended and a former member, and an absent organization: not_found", async () => {
    const { organizationId } = await form();
    const app = organizations({ org: "org" });
    const [suspended, former] = [await join(organizationId, "admin"), await join(organizationId, "admin")];
    await world.auth.memberships.suspend({ ...suspended, actor: system });
    await world.auth.memberships.leave(former);
    for (const person of [suspended, former, await world.person(), await form()]) {
      expect((await ask(app, `/teams/${organizationId}`, tokenOf(person))).code).toBe("not_found");
      expect((await ask(app, `/teams/${generateId("org")}`, tokenOf(person))).code).toBe("not_found");
      expect((await ask(app, "/teams/nothing", tokenOf(person))).code).toBe("not_found");
    }
  });

  test("without a session, with an ended one, and without an organization: as requireUser answers", async () => {
    const owner = await form();
    const app = organizations({ org: "org" });
    expect((await ask(app, `/teams/${owner.organizationId}`)).code).toBe("unauthorized.invalid_token");
    expect((await ask(app, "/teams")).code).toBe("unauthorized.invalid_token");
    expect((await ask(app, "/teams", tokenOf(owner))).code).toBe("not_found");
    await world.auth.sessions.revoke({ ...owner, sessionId: owner.session.id });
    expect((await ask(app, `/teams/${owner.organizationId}`, tokenOf(owner))).code).toBe(
      "unauthorized.session_expired",
    );
  });

  test("a suspended organization: precondition.org_not_active; one that has ended: not_found", async () => {
    const owner = await form();
    const app = organizations({ org: (c: Context) => c.req.param("org") });
    await world.auth.organizations.suspend({ ...owner, actor: system });
    expect((await ask(app, `/teams/${owner.organizationId}`, tokenOf(owner))).code).toBe("precondition.org_not_active");
    await world.auth.organizations.revoke({ ...owner, actor: system });
    expect((await ask(app, `/teams/${owner.organizationId}`, tokenOf(owner))).code).toBe("not_found");
  });

  test("a personal access token is refused, and a foreign page with the cookie too", async () => {
    const owner = await form();
    const made = { actor: system, userId: owner.userId, name: "ci", scope: ["*"] };
    const { token } = await world.auth.personalAccessTokens.create(made);
    const app = organizations({ org: "org" });
    const path = `/teams/${owner.organizationId}`;
    expect((await ask(app, path, { token })).code).toBe("auth.token_format_unrecognized");
    const cookie = await world.person({ transport: "cookie" });
    const held = await join(owner.organizationId, "guest", cookie);
    expect((await ask(app, path, { cookie: held.token })).json.role).toBe("guest");
    const guarded = new Hono().post("/teams/:org", requireMembership(world.auth, { org: "org" }), (c) => c.json({}));
    const foreign = await ask(guarded, path, { method: "POST", cookie: held.token });
    expect(foreign.code).toBe("forbidden.cross_origin");
  });

  test("an unknown role is refused when the application starts", () => {
    expect(() => requireMembership(world.auth, { org: "org", role: "boss" as Role })).toThrow(TypeError);
  });

  test("a session that another user of the organization holds says nothing of this one", async () => {
    const [one, two] = [await form(), await form()];
    const auth = world.auth.memberships;
    expect((await auth.find({ actor: one.actor, organization: one.organizationId })).membership.role).toBe("owner");
    await expect(auth.find({ actor: one.actor, organization: two.organizationId })).rejects.toMatchObject({
      code: "not_found",
    });
    await world.auth.users.suspend({ actor: system, userId: one.userId });
    await expect(auth.find({ actor: one.actor, organization: one.organizationId })).rejects.toMatchObject({
      code: "not_found",
    });
    expect(await members(two.organizationId)).toEqual([named(two, "owner")]);
  });
});
