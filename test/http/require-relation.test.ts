import { Hono, type MiddlewareHandler } from "hono";
import { afterAll, beforeAll, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { rewriteRules } from "../../src/engine/rule-set.ts";
import { authenticate, requireUser } from "../../src/http/authenticate.ts";
import { requireRelation } from "../../src/http/require-relation.ts";
import { sql } from "../../src/store/sql.ts";
import { type Person, system } from "../support/auth.ts";
import { standIn } from "../support/describe-world.ts";
import { askApplication as ask } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let opened: HttpWorld;
beforeAll(async () => {
  opened = await openHttp("pglite");
});
afterAll(() => opened.close());
const world = standIn(() => opened);

const guarded = (...before: MiddlewareHandler[]) => {
  const app = new Hono();
  for (const handler of before) app.use(handler);
  app.all("/documents/:id", requireRelation(world.auth, "viewer", "doc", "id"), (c) =>
    c.json({ user: c.var.user.id, tuple: c.var.matchedTupleId }),
  );
  app.get(
    "/asked",
    requireRelation(world.auth, "viewer", "doc", (c) => c.req.query("doc")),
    (c) => c.json({ user: c.var.user.id }),
  );
  return app;
};

/** Gives a user a relation on a new object, and returns the object's UUID and the tuple's id in wire form. */
async function give({ userId }: Person, relation = "viewer", objectType = "doc") {
  const [objectId, tupleId] = [crypto.randomUUID(), crypto.randomUUID()];
  await world.rows(sql`
    insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
    values (${tupleId}::uuid, 'usr', ${uuidFor("usr", userId)}::uuid, ${relation}, ${objectType}, ${objectId}::uuid)`);
  return { objectId, tuple: `tup_${tupleId.replaceAll("-", "")}` };
}

test("who holds the relation is admitted, in one request, by a UUID or an id in wire form", async () => {
  const ada = await world.person();
  const { objectId, tuple } = await give(ada);
  for (const id of [objectId, objectId.toUpperCase(), `doc_${objectId.replaceAll("-", "")}`]) {
    world.counting.reset(1);
    const reply = await ask(guarded(), `/documents/${id}`, { token: ada.token });
    expect([reply.json, world.counting.requests]).toEqual([{ user: ada.userId, tuple }, 1]);
    world.counting.reset();
  }
  expect((await ask(guarded(), `/asked?doc=${objectId}`, { token: ada.token })).status).toBe(200);
});

test.each(["authenticate", "requireUser"] as const)("after %s, one more request", async (name) => {
  const ada = await world.person();
  const { objectId, tuple } = await give(ada);
  world.counting.reset(2);
  const reply = await ask(guarded({ authenticate, requireUser }[name](world.auth)), `/documents/${objectId}`, {
    token: ada.token,
  });
  expect([reply.json.tuple, world.counting.requests]).toEqual([tuple, 2]);
  world.counting.reset();
});

test("another user, another relation, another type and an absent object: forbidden, all alike", async () => {
  const [ada, eve] = [await world.person(), await world.person()];
  const { objectId } = await give(ada);
  const others = [
    [eve, objectId],
    [ada, (await give(ada, "editor")).objectId],
    [ada, (await give(ada, "viewer", "fold")).objectId],
    [ada, crypto.randomUUID()],
  ] as const;
  for (const [person, id] of others) {
    const reply = await ask(guarded(), `/documents/${id}`, { token: person.token });
    expect([reply.status, reply.code]).toEqual([403, "forbidden"]);
  }
});

test("a malformed id, an id of another type, and none: not_found, but a request without a session is told so first", async () => {
  const ada = await world.person();
  const paths = ["/documents/1", "/documents/x'%20or%20true", `/documents/${ada.userId}`, "/asked"];
  paths.push("/documents/00000000-0000-0000-0000-000000000000", `/documents/${"a".repeat(5_000)}`);
  for (const path of paths) {
    expect((await ask(guarded(), path, { token: ada.token })).code).toBe("not_found");
    expect((await ask(guarded(), path)).code).toBe("unauthorized.invalid_token");
  }
});

test("without a session, with an ended one, a suspended user and a personal access token: as requireUser answers", async () => {
  const [ada, bob] = [await world.person(), await world.person()];
  const [path, other] = [`/documents/${(await give(ada)).objectId}`, `/documents/${(await give(bob)).objectId}`];
  const { token: pat } = await world.auth.personalAccessTokens.create({
    actor: system,
    userId: ada.userId,
    name: "ci",
    scope: [],
  });
  expect((await ask(guarded(), path)).code).toBe("unauthorized.invalid_token");
  expect((await ask(guarded(), path, { token: "A".repeat(43) })).code).toBe("unauthorized.invalid_token");
  expect((await ask(guarded(), path, { token: pat })).code).toBe("auth.token_format_unrecognized");
  await world.auth.sessions.revoke({ ...ada, sessionId: ada.session.id });
  expect((await ask(guarded(), path, { token: ada.token })).code).toBe("unauthorized.session_expired");
  await world.auth.users.suspend({ actor: system, userId: bob.userId });
  expect((await ask(guarded(), other, { token: bob.token })).code).toBe("unauthorized.session_expired");
});

test("a session in a cookie: from the own origin, and no change from another one", async () => {
  const ada = await world.person({ transport: "cookie" });
  const path = `/documents/${(await give(ada)).objectId}`;
  expect((await ask(guarded(), path, { cookie: ada.token })).status).toBe(200);
  expect((await ask(guarded(), path, { cookie: ada.token, method: "POST" })).code).toBe("forbidden.cross_origin");
});

test("a tuple that was deleted does not admit the next request", async () => {
  const ada = await world.person();
  const { objectId } = await give(ada);
  const path = `/documents/${objectId}`;
  expect((await ask(guarded(), path, { token: ada.token })).status).toBe(200);
  await world.rows(sql`delete from tup where object_id = ${objectId}::uuid`);
  expect((await ask(guarded(), path, { token: ada.token })).code).toBe("forbidden");
});

test("by a rule, in one request; a limit is 503 and admits no request", async () => {
  const ada = await world.person();
  const rules = rewriteRules(
    {
      doc: {
        viewer: [{ type: "computed_userset", relation: "editor" }],
        reader: [{ type: "computed_userset", relation: "viewer" }],
      },
    },
    { maxDepth: 1 },
  );
  const auth = world.isolate({ database: world.counting, rules });
  const app = new Hono();
  for (const relation of ["viewer", "reader"]) {
    app.get(`/${relation}/:id`, requireRelation(auth, relation, "doc", "id"), (c) => c.json(c.var.matchedTupleId));
  }
  const { objectId, tuple } = await give(ada, "editor");
  world.counting.reset(1);
  expect((await ask(app, `/viewer/${objectId}`, { token: ada.token })).json).toBe(tuple);
  expect(world.counting.requests).toBe(1);
  world.counting.reset();
  const limited = await ask(app, `/reader/${objectId}`, { token: ada.token });
  expect([limited.status, limited.code]).toEqual([503, "evaluation_limit_exceeded"]);
});

test.each([
  ["Viewer", "doc"],
  ["viewer' or true --", "doc"],
  ["viewer", "document"],
  ["viewer", "doc;"],
])("the relation %j of the type %j is refused when the application starts", (relation, objectType) => {
  expect(() => requireRelation(world.auth, relation, objectType, "id")).toThrow(TypeError);
});
