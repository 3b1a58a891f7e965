/** Security policies of organizations over HTTP, and what the guard of an application's own routes answers. @module */
import { Hono, type MiddlewareHandler } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { requireUser } from "../../src/http/authenticate.ts";
import { requireMembership } from "../../src/http/organizations.ts";
import { sql } from "../../src/store/sql.ts";
import type { Person } from "../support/auth.ts";
import { standIn } from "../support/describe-world.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";
import { organizationsIn } from "../support/organizations.ts";
import { policiesIn, policyBody } from "../support/security-policies.ts";

let opened: HttpWorld;
beforeAll(async () => {
  opened = await openHttp("pglite");
});
afterAll(() => opened.close());
const world = standIn(() => opened);
const { form, join } = organizationsIn(world);
const { demand } = policiesIn(world);

describe("/v1/orgs/:org_id/security-policy", () => {
  const path = (organizationId: string) => `/v1/orgs/${organizationId}/security-policy`;

  test("is read and set by an owner, as a whole", async () => {
    const { organizationId, token } = await form();
    const at = path(organizationId);
    const before = await world.send({ method: "GET", path: at, token });
    expect(before.json).toEqual({
      org_id: organizationId,
      ...policyBody,
      max_idle_seconds: null,
      grace_until: null,
      updated_at: expect.any(String),
    });
    const set = await world.send({ method: "PUT", path: at, token, json: policyBody });
    expect([set.status, set.json]).toEqual([200, { ...before.json, ...policyBody, updated_at: expect.any(String) }]);
    expect((await world.send({ method: "GET", path: at, token })).json).toEqual(set.json);
  });

  test("each member of the body is needed and checked; nothing else is accepted", async () => {
    const { organizationId, token } = await form();
    const put = async (json: unknown) =>
      (await world.send({ method: "PUT", path: path(organizationId), token, json })).code;
    for (const name of Object.keys(policyBody)) {
      const { [name]: _left, ...rest } = policyBody as Record<string, unknown>;
      expect([name, await put(rest)]).toEqual([name, "invalid_format.body"]);
    }
    for (const wrong of [
      { require: "password" },
      { grace_days: 15 },
      { grace_days: "1" },
      { max_age_seconds: 599 },
      { max_idle_seconds: 1e9 },
      { allowed_providers: ["a", "a"] },
      { allowed_providers: ["A"] },
      { break_glass: ["usr_0123456789abcdef0123456789abcdef"] },
      { allowed_providers: [], break_glass: [] },
      { allowed_providers: [], break_glass: "all" },
      { updated_at: "2026-12-01T00:00:00.000Z" },
    ])
      expect([wrong, await put({ ...policyBody, ...wrong })]).toEqual([wrong, "invalid_format.body"]);
  });

  test("an owner who would lock themselves out: 401, and an admin and a member: 403", async () => {
    const owner = await form();
    const { organizationId } = owner;
    const put = async ({ token }: Person, json: object) =>
      (await world.send({ method: "PUT", path: path(organizationId), token, json: { ...policyBody, ...json } })).code;
    expect(await put(owner, { require: "mfa" })).toBe("unauthorized.enrollment_required");
    expect(await put(await join(organizationId, "admin"), {})).toBe("forbidden");
    expect(await put(await join(organizationId, "member"), {})).toBe("forbidden");
    expect(await put(await form(), {})).toBe("not_found");
  });
});

describe("requireMembership", () => {
  /** The answer of an application's own route, after other guards or none. */
  async function ask({ token }: Person, organizationId: string, ...before: MiddlewareHandler[]) {
    const app = new Hono();
    for (const handler of before) app.use("*", handler);
    app.get("/teams/:org", requireMembership(world.auth, { org: "org" }), (c) =>
      c.json({ grace: c.var.graceUntil?.toISOString() ?? null }),
    );
    const headers = { authorization: `Bearer ${token}` };
    const response = await app.request(`/teams/${organizationId}`, { headers });
    return { status: response.status, header: response.headers.get("www-authenticate"), json: await response.json() };
  }

  test("in one request: the handler is not reached, and the answer says what is required", async () => {
    const { organizationId } = await form();
    const member = await join(organizationId, "member");
    expect((await ask(member, organizationId)).json).toEqual({ grace: null });
    await demand(organizationId, { require: "phishing-resistant", maxAgeSeconds: 3_600, allowedProviders: [] });
    world.counting.reset(1);
    const refused = await ask(member, organizationId);
    world.counting.reset();
    expect(refused).toEqual({
      status: 401,
      header: "Bearer",
      json: {
        code: "unauthorized.enrollment_required",
        message: "A second factor must be set up first.",
        details: { require: "phishing-resistant", max_age_seconds: 3_600 },
      },
    });
    // An earlier guard has verified the session, not its standing.
    expect((await ask(member, organizationId, requireUser(world.auth))).json).toEqual(refused.json);
  });

  test("in the grace: the handler knows until when", async () => {
    const { organizationId } = await form();
    const member = await join(organizationId, "member");
    const { graceUntil } = await demand(organizationId, { require: "mfa", graceDays: 3 });
    const reply = { status: 200, header: null, json: { grace: graceUntil!.toISOString() } };
    expect(await ask(member, organizationId)).toEqual(reply);
    expect(await ask(member, organizationId, requireUser(world.auth))).toEqual(reply);
  });

  test("a session that is too old: a step-up is asked for; one of a provider that is not allowed: 403", async () => {
    const { organizationId } = await form();
    const member = await join(organizationId, "member");
    await demand(organizationId, { maxAgeSeconds: 3_600, allowedProviders: [] });
    await world.age(member.session, 3_601);
    expect(await ask(member, organizationId)).toMatchObject({
      status: 401,
      json: { code: "unauthorized.reauthentication_required", details: { require: "none", max_age_seconds: 3_600 } },
    });
    await world.rows(sql`update ses set amr = array['fed'] where id = ${uuidFor("ses", member.session.id)}::uuid`);
    expect(await ask(member, organizationId)).toMatchObject({
      status: 403,
      json: { code: "forbidden.provider_not_allowed" },
    });
  });
});
