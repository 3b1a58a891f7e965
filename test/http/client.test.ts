import type { Hono } from "hono";
import { hc } from "hono/client";
import { afterAll, beforeAll, expect, expectTypeOf, test } from "vitest";
import { everyRoute as routes } from "../../build/openapi/every-route.node.ts";
import type { ErrorBody } from "../../src/domain/error.ts";
import type { ApiIn, HealthApi, OpenapiApi } from "../../src/http/api.ts";
import type { AssertionOptionsBody, CoreApi, OwnEnrolledFactorBody } from "../../src/http/generated/api.ts";
import type { AuthApp, SignedInBody, UserBody } from "../../src/http/index.ts";
import type { IssuedPersonalAccessTokenBody } from "../../src/http/personal-access-tokens.ts";
import type { Route } from "../../src/http/route.ts";
import { type FullAuth, freshIdentifier, goodPassword, otherPassword } from "../support/auth.ts";
import { appOf } from "../support/factors.ts";
import { operations } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

/** The request of a method according to the types, and its status of success. */
type Told<Method> = Method extends { input: infer Input; status: infer Status extends 200 | 201 | 204 | 303 }
  ? {
      status: Status;
      json: Input extends { json: unknown } ? true : false;
      query: Input extends { query: unknown } ? true : false;
      param: Input extends { param: infer Param } ? (keyof Param)[] : [];
      header: Input extends { header?: infer Header } ? (keyof NonNullable<Header>)[] : [];
    }
  : never;

const plain: { json: false; query: false; param: []; header: [] } = {
  json: false,
  query: false,
  param: [],
  header: [],
};

/** Every route of every entry. */
type EveryApi = CoreApi & HealthApi & OpenapiApi & ApiIn<FullAuth>;

/** Compiles only if it names exactly the routes and methods of {@link EveryApi}. */
const told: { [Path in keyof EveryApi]: { [Method in keyof EveryApi[Path]]: Told<EveryApi[Path][Method]> } } = {
  "/auth/verification": { $post: { ...plain, status: 204, json: true } },
  "/auth/verification/confirm": { $post: { ...plain, status: 200, json: true } },
  "/auth/verification/confirm-with-password": { $post: { ...plain, status: 200, json: true } },
  "/auth/identifier": { $post: { ...plain, status: 200, json: true } },
  "/auth/identifier/confirm": { $post: { ...plain, status: 200, json: true } },
  "/auth/password-reset": { $post: { ...plain, status: 200, json: true } },
  "/auth/password-reset/confirm": { $post: { ...plain, status: 200, json: true } },
  "/auth/sign-in/link/request": { $post: { ...plain, status: 200, json: true } },
  "/auth/sign-in/link": { $post: { ...plain, status: 200, json: true } },
  "/auth/sign-up/request": { $post: { ...plain, status: 200, json: true } },
  "/auth/sign-up/confirm": { $post: { ...plain, status: 201, json: true } },
  "/v1/deployment-invitations": {
    $get: { ...plain, status: 200, query: true },
    $post: { ...plain, status: 201, json: true, header: ["Idempotency-Key"] },
  },
  "/v1/deployment-invitations/:join_id/revoke": { $post: { ...plain, status: 200, param: ["join_id"] } },
  "/auth/invitations/accept": { $post: { ...plain, status: 201, json: true } },
  "/v1/orgs/:org_id/invitations": {
    $get: { ...plain, status: 200, param: ["org_id"], query: true },
    $post: { ...plain, status: 201, param: ["org_id"], json: true, header: ["Idempotency-Key"] },
  },
  "/v1/invitations/:inv_id": { $get: { ...plain, status: 200, param: ["inv_id"] } },
  "/v1/invitations/:inv_id/revoke": { $post: { ...plain, status: 200, param: ["inv_id"] } },
  "/v1/invitations/:inv_id/accept": { $post: { ...plain, status: 200, param: ["inv_id"], json: true } },
  "/v1/invitations/:inv_id/decline": { $post: { ...plain, status: 200, param: ["inv_id"], json: true } },
  "/auth/organization-invitations/look": { $post: { ...plain, status: 200, json: true } },
  "/auth/organization-invitations/decline": { $post: { ...plain, status: 200, json: true } },
  "/auth/organization-invitations/accept": { $post: { ...plain, status: 200, json: true } },
  "/auth/organization-invitations/sign-up": { $post: { ...plain, status: 201, json: true } },
  "/v1/orgs": {
    $get: { ...plain, status: 200, query: true },
    $post: { ...plain, status: 201, json: true, header: ["Idempotency-Key"] },
  },
  "/v1/orgs/:org_id": {
    $get: { ...plain, status: 200, param: ["org_id"] },
    $put: { ...plain, status: 200, param: ["org_id"], json: true },
  },
  "/v1/orgs/:org_id/security-policy": {
    $get: { ...plain, status: 200, param: ["org_id"] },
    $put: { ...plain, status: 200, param: ["org_id"], json: true },
  },
  "/v1/orgs/:org_id/domains": {
    $get: { ...plain, status: 200, param: ["org_id"] },
    $post: { ...plain, status: 200, param: ["org_id"], json: true },
  },
  "/v1/orgs/:org_id/domains/prove": { $post: { ...plain, status: 200, param: ["org_id"], json: true } },
  "/v1/orgs/:org_id/domains/joining": { $put: { ...plain, status: 200, param: ["org_id"], json: true } },
  "/v1/orgs/:org_id/domains/remove": { $post: { ...plain, status: 204, param: ["org_id"], json: true } },
  "/v1/orgs/:org_id/join-requests": { $get: { ...plain, status: 200, param: ["org_id"], query: true } },
  "/v1/orgs/:org_id/join-requests/approve": { $post: { ...plain, status: 200, param: ["org_id"], json: true } },
  "/v1/orgs/:org_id/join-requests/decline": { $post: { ...plain, status: 204, param: ["org_id"], json: true } },
  "/auth/organizations/joinable": { $get: { ...plain, status: 200 } },
  "/auth/organizations/join": { $post: { ...plain, status: 200, json: true } },
  "/auth/organizations/withdraw": { $post: { ...plain, status: 204, json: true } },
  "/v1/orgs/:org_id/suspend": { $post: { ...plain, status: 200, param: ["org_id"] } },
  "/v1/orgs/:org_id/reinstate": { $post: { ...plain, status: 200, param: ["org_id"] } },
  "/v1/orgs/:org_id/revoke": { $post: { ...plain, status: 200, param: ["org_id"] } },
  "/v1/orgs/:org_id/transfer-ownership": { $post: { ...plain, status: 200, param: ["org_id"], json: true } },
  "/v1/orgs/:org_id/members": {
    $get: { ...plain, status: 200, param: ["org_id"], query: true },
    $post: { ...plain, status: 201, param: ["org_id"], json: true },
  },
  "/v1/orgs/:org_id/members/:mem_id": { $get: { ...plain, status: 200, param: ["org_id", "mem_id"] } },
  "/v1/orgs/:org_id/members/:mem_id/history": { $get: { ...plain, status: 200, param: ["org_id", "mem_id"] } },
  "/v1/orgs/:org_id/members/:mem_id/change-role": {
    $post: { ...plain, status: 200, param: ["org_id", "mem_id"], json: true },
  },
  "/v1/orgs/:org_id/members/:mem_id/suspend": { $post: { ...plain, status: 200, param: ["org_id", "mem_id"] } },
  "/v1/orgs/:org_id/members/:mem_id/reinstate": { $post: { ...plain, status: 200, param: ["org_id", "mem_id"] } },
  "/v1/orgs/:org_id/members/:mem_id/self-leave": {
    $post: { ...plain, status: 200, param: ["org_id", "mem_id"], json: true },
  },
  "/v1/orgs/:org_id/members/:mem_id/admin-remove": { $post: { ...plain, status: 200, param: ["org_id", "mem_id"] } },
  "/v1/tuples": { $post: { ...plain, status: 201, json: true } },
  "/v1/tuples/check": { $post: { ...plain, status: 200, json: true } },
  "/v1/tuples/by-subject": { $get: { ...plain, status: 200, query: true } },
  "/v1/tuples/by-object": { $get: { ...plain, status: 200, query: true } },
  "/v1/tuples/:tup_id": {
    $get: { ...plain, status: 200, param: ["tup_id"] },
    $delete: { ...plain, status: 204, param: ["tup_id"] },
  },
  "/auth/memberships": { $get: { ...plain, status: 200, query: true } },
  "/v1/users/:usr_id/memberships": { $get: { ...plain, status: 200, param: ["usr_id"], query: true } },
  "/auth/recovery/cancel": { $post: { ...plain, status: 204, json: true } },
  "/auth/recovery/finish": { $post: { ...plain, status: 200, json: true } },
  "/auth/notices/disown": { $post: { ...plain, status: 200, json: true } },
  "/auth/mailed-code": { $post: { ...plain, status: 200, json: true } },
  "/auth/sign-up": { $post: { ...plain, status: 201, json: true } },
  "/auth/sign-in": { $post: { ...plain, status: 200, json: true } },
  "/auth/refresh": { $post: { ...plain, status: 200 } },
  "/auth/sign-out": { $post: { ...plain, status: 204 } },
  "/auth/session": { $get: { ...plain, status: 200 } },
  "/auth/merge": { $post: { ...plain, status: 200, json: true } },
  "/auth/merge/begin": { $post: { ...plain, status: 204 } },
  "/auth/merge/cancel": { $post: { ...plain, status: 204 } },
  "/auth/terms": { $get: { ...plain, status: 200 }, $post: { ...plain, status: 200, json: true } },
  "/auth/activity": { $get: { ...plain, status: 200, query: true } },
  "/auth/sessions": { $get: { ...plain, status: 200, query: true } },
  "/auth/user": { $get: { ...plain, status: 200 }, $put: { ...plain, status: 200, json: true } },
  "/auth/user/revoke": { $post: { ...plain, status: 200, json: true } },
  "/auth/sessions/:ses_id": { $get: { ...plain, status: 200, param: ["ses_id"] } },
  "/auth/sessions/:ses_id/revoke": { $post: { ...plain, status: 200, param: ["ses_id"] } },
  "/auth/credentials": { $get: { ...plain, status: 200 }, $post: { ...plain, status: 201, json: true } },
  "/auth/credentials/:cred_id": { $get: { ...plain, status: 200, param: ["cred_id"] } },
  "/auth/credentials/:cred_id/suspend": { $post: { ...plain, status: 200, param: ["cred_id"], json: true } },
  "/auth/credentials/:cred_id/revoke": { $post: { ...plain, status: 200, param: ["cred_id"], json: true } },
  "/auth/mfa-policy": { $get: { ...plain, status: 200 }, $put: { ...plain, status: 200, json: true } },
  "/auth/personal-access-tokens/:pat_id": { $get: { ...plain, status: 200, param: ["pat_id"] } },
  "/auth/sessions/revoke-others": { $post: { ...plain, status: 200 } },
  "/auth/password": { $post: { ...plain, status: 200, json: true } },
  "/v1/limits": { $get: { ...plain, status: 200, query: true } },
  "/v1/limits/lift": { $post: { ...plain, status: 200, json: true } },
  "/v1/users": {
    $get: { ...plain, status: 200, query: true },
    $post: { ...plain, status: 201, json: true, header: ["Idempotency-Key"] },
  },
  "/v1/users/:usr_id": {
    $get: { ...plain, status: 200, param: ["usr_id"] },
    $put: { ...plain, status: 200, param: ["usr_id"], json: true },
  },
  "/v1/users/:usr_id/suspend": { $post: { ...plain, status: 200, param: ["usr_id"] } },
  "/v1/users/:usr_id/reinstate": { $post: { ...plain, status: 200, param: ["usr_id"] } },
  "/v1/users/:usr_id/revoke": { $post: { ...plain, status: 200, param: ["usr_id"], json: true } },
  "/v1/users/:usr_id/sessions": { $get: { ...plain, status: 200, param: ["usr_id"], query: true } },
  "/v1/credentials": { $post: { ...plain, status: 201, json: true } },
  "/v1/credentials/verify": { $post: { ...plain, status: 200, json: true } },
  "/v1/credentials/:cred_id": { $get: { ...plain, status: 200, param: ["cred_id"] } },
  "/v1/credentials/:cred_id/rotate": { $post: { ...plain, status: 200, param: ["cred_id"], json: true } },
  "/v1/credentials/:cred_id/suspend": { $post: { ...plain, status: 200, param: ["cred_id"], json: true } },
  "/v1/credentials/:cred_id/reinstate": { $post: { ...plain, status: 200, param: ["cred_id"] } },
  "/v1/credentials/:cred_id/revoke": { $post: { ...plain, status: 200, param: ["cred_id"], json: true } },
  "/v1/sessions": { $post: { ...plain, status: 201, json: true, header: ["Login-Ticket"] } },
  "/v1/sessions/:ses_id": { $get: { ...plain, status: 200, param: ["ses_id"] } },
  "/v1/sessions/:ses_id/refresh": { $post: { ...plain, status: 201, param: ["ses_id"] } },
  "/v1/sessions/:ses_id/revoke": { $post: { ...plain, status: 200, param: ["ses_id"] } },

  "/auth/sign-in/factor": { $post: { ...plain, status: 200, json: true, header: ["Login-Ticket"] } },
  "/auth/sign-in/enroll": { $post: { ...plain, status: 201, json: true, header: ["Login-Ticket", "Idempotency-Key"] } },
  "/auth/sign-in/enroll/:mfa_id/confirm": {
    $post: { ...plain, status: 200, param: ["mfa_id"], json: true, header: ["Login-Ticket"] },
  },
  "/auth/step-up": { $post: { ...plain, status: 200, json: true } },
  "/auth/factors": {
    $get: { ...plain, status: 200 },
    $post: { ...plain, status: 201, json: true, header: ["Idempotency-Key"] },
  },
  "/auth/factors/:mfa_id/confirm": { $post: { ...plain, status: 200, param: ["mfa_id"], json: true } },
  "/auth/factors/:mfa_id/revoke": { $post: { ...plain, status: 200, param: ["mfa_id"] } },
  "/v1/users/:usr_id/mfa-factors": {
    $get: { ...plain, status: 200, param: ["usr_id"] },
    $post: { ...plain, status: 201, param: ["usr_id"], json: true, header: ["Idempotency-Key"] },
  },
  "/v1/mfa-factors/:mfa_id/confirm": { $post: { ...plain, status: 200, param: ["mfa_id"], json: true } },
  "/v1/mfa-factors/:mfa_id/revoke": { $post: { ...plain, status: 200, param: ["mfa_id"] } },
  "/v1/users/:usr_id/mfa/verify": {
    $post: { ...plain, status: 200, param: ["usr_id"], json: true, header: ["Login-Ticket"] },
  },
  "/v1/users/:usr_id/mfa-policy": {
    $get: { ...plain, status: 200, param: ["usr_id"] },
    $put: { ...plain, status: 200, param: ["usr_id"], json: true },
  },
  "/v1/users/:usr_id/mfa-policy/grant-enrollment": { $post: { ...plain, status: 204, param: ["usr_id"] } },

  "/auth/sign-in/passkey/options": { $post: { ...plain, status: 200, json: true } },
  "/auth/sign-in/passkey": { $post: { ...plain, status: 200, json: true } },
  "/auth/sign-in/factor/options": { $post: { ...plain, status: 200, header: ["Login-Ticket"] } },
  "/auth/step-up/options": { $post: { ...plain, status: 200 } },
  "/auth/oidc/discover": { $post: { ...plain, status: 303, query: true } },
  "/auth/oidc/:provider/start": {
    $get: { ...plain, status: 303, param: ["provider"], query: true },
    $post: { ...plain, status: 303, param: ["provider"], query: true },
  },
  "/auth/oidc/:provider/link": {
    $get: { ...plain, status: 303, param: ["provider"], query: true },
    $post: { ...plain, status: 303, param: ["provider"], query: true },
  },
  "/auth/oidc/:provider/step-up": {
    $get: { ...plain, status: 303, param: ["provider"], query: true },
    $post: { ...plain, status: 303, param: ["provider"], query: true },
  },
  "/auth/oidc/:provider/callback": {
    $get: { ...plain, status: 303, param: ["provider"] },
    $post: { ...plain, status: 303, param: ["provider"] },
  },
  "/auth/oidc/:provider/nonce": { $post: { ...plain, status: 200, param: ["provider"] } },
  "/auth/oidc/:provider/logout": { $post: { ...plain, status: 200, param: ["provider"] } },
  "/auth/oidc/:provider/notices": { $post: { ...plain, status: 200, json: true, param: ["provider"] } },
  "/auth/identities": { $get: { ...plain, status: 200 }, $post: { ...plain, status: 201 } },
  "/auth/identities/:cred_id/unlink": { $post: { ...plain, status: 200, param: ["cred_id"] } },
  "/auth/passkeys": { $get: { ...plain, status: 200 }, $post: { ...plain, status: 201, json: true } },
  "/auth/passkeys/options": { $post: { ...plain, status: 200 } },
  "/auth/passkeys/:cred_id": { $put: { ...plain, status: 200, param: ["cred_id"], json: true } },
  "/auth/passkeys/:cred_id/revoke": { $post: { ...plain, status: 200, param: ["cred_id"] } },

  "/auth/personal-access-tokens": {
    $get: { ...plain, status: 200, query: true },
    $post: { ...plain, status: 201, json: true, header: ["Idempotency-Key"] },
  },
  "/auth/personal-access-tokens/:pat_id/revoke": { $post: { ...plain, status: 200, param: ["pat_id"] } },
  "/v1/users/:usr_id/pats": {
    $get: { ...plain, status: 200, param: ["usr_id"], query: true },
    $post: { ...plain, status: 201, param: ["usr_id"], json: true, header: ["Idempotency-Key"] },
  },
  "/v1/pats/:pat_id": { $get: { ...plain, status: 200, param: ["pat_id"] } },
  "/v1/pats/:pat_id/revoke": { $post: { ...plain, status: 200, param: ["pat_id"] } },
  "/health": { $get: { ...plain, status: 200 } },
  "/openapi.json": { $get: { ...plain, status: 200 } },
};

const named = (parts: { method: string; path: string }) => `${parts.method} ${parts.path}`;
const flat = Object.entries(told).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, facts]) => ({ method: method.slice(1), path, ...facts })),
);

test("the client's types equal the table of routes: same routes, requests and statuses", () => {
  const rows = routes.map((route: Route) => ({
    method: route.method,
    path: route.path,
    status: route.status,
    json: route.body !== undefined && !route.readForm,
    query: route.query !== undefined,
    param: [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name),
    header: [
      ...(route.access === "ticket" ? ["Login-Ticket"] : []),
      ...(route.refusals.includes("invalid_format.idempotency_key") ? ["Idempotency-Key"] : []),
    ],
  }));
  const service = ["/health", "/openapi.json"].map((path) => ({ method: "get", path, ...plain, status: 200 }));
  const sorted = (list: { method: string; path: string }[]) => list.toSorted((a, b) => (named(a) < named(b) ? -1 : 1));
  expect(sorted(flat)).toEqual(sorted([...rows, ...service]));
});

test("the client's types and the OpenAPI document have the same routes", () => {
  const documented = operations.map(({ method, template, responses, parameters = [], requestBody }) => ({
    method: method.toLowerCase(),
    path: template.replace(/\{(\w+)\}/g, ":$1"),
    status: Number(Object.keys(responses).find((status) => /^[23]/.test(status))),
    // The client sends the first of what a route takes.
    json: Object.keys(requestBody?.content ?? {})[0] === "application/json",
    query: parameters.some((one) => one.in === "query"),
    param: parameters.filter((one) => one.in === "path").map(({ name }) => name),
    header: parameters.filter((one) => one.in === "header").map(({ name }) => name),
  }));
  const sorted = (list: { method: string; path: string }[]) => list.toSorted((a, b) => (named(a) < named(b) ? -1 : 1));
  expect(sorted(flat)).toEqual(sorted(documented));
});

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
});
afterAll(() => world.close());

test("Hono's client calls the routes with their types", async () => {
  const fetch = (async (input: string, init: RequestInit) =>
    await world.app.request(input, init)) as typeof globalThis.fetch;
  const client = hc<Hono<object, EveryApi>>("https://example.com", { fetch });
  const credentials = { identifier: freshIdentifier(), password: goodPassword };

  const signedUp = await client.auth["sign-up"].$post({
    json: { ...credentials, transport: "token", display_name: "Ada" },
  });
  if (signedUp.status !== 201) throw new Error(`It was ${signedUp.status}.`);
  const made = await signedUp.json();
  expectTypeOf(made).toEqualTypeOf<SignedInBody>();
  expect(made.user.display_name).toBe("Ada");

  const authorized = { headers: { authorization: `Bearer ${made.token}` } };
  const read = await client.v1.users[":usr_id"].$get({ param: { usr_id: made.user.id } }, authorized);
  if (!read.ok) throw new Error("It was refused.");
  const user = await read.json();
  expectTypeOf(user).toEqualTypeOf<UserBody>();
  expect(user).toEqual(made.user);

  const listed = await client.auth.sessions.$get({ query: { limit: "1" } }, authorized);
  expect(listed.ok && (await listed.json()).data.map(({ current }) => current)).toEqual([true]);
  const changed = await client.v1.users[":usr_id"].$put(
    { param: { usr_id: made.user.id }, json: { display_name: null } },
    authorized,
  );
  expect(changed.ok && (await changed.json()).display_name).toBe(null);

  const proved = await client.v1.credentials.verify.$post({
    json: { type: "password", identifier: credentials.identifier, proof: { password: credentials.password } },
  });
  if (proved.status !== 200) throw new Error("It was refused.");
  const { usr_id, cred_id } = await proved.json();
  const ticket = { header: { "Login-Ticket": proved.headers.get("login-ticket")! } };
  const opened = await client.v1.sessions.$post({ json: { usr_id, cred_id, ttl_seconds: 60 }, ...ticket });
  if (opened.status !== 201) throw new Error("It was refused.");
  const { session, token } = await opened.json();
  const bearer = { headers: { authorization: `Bearer ${token}` } };
  const refreshed = await client.v1.sessions[":ses_id"].refresh.$post({ param: { ses_id: session.id } }, bearer);
  expect(refreshed.status).toBe(201);

  const tokens = hc<AuthApp<FullAuth>>("https://example.com", { fetch });
  const minted = await tokens.auth["personal-access-tokens"].$post(
    { json: { name: "ci", scope: ["docs:read"] } },
    authorized,
  );
  if (!minted.ok) throw new Error("It was refused.");
  const issued = await minted.json();
  expectTypeOf(issued).toEqualTypeOf<IssuedPersonalAccessTokenBody>();
  const pats = await tokens.v1.users[":usr_id"].pats.$get(
    { param: { usr_id }, query: { status: "active" } },
    authorized,
  );
  expect(pats.ok && (await pats.json()).data).toEqual([issued.pat]);

  const mfa = hc<AuthApp<FullAuth>>("https://example.com", { fetch });
  const began = await mfa.auth.factors.$post({ json: { type: "totp", identifier: "phone" } }, authorized);
  if (!began.ok) throw new Error("It was refused.");
  const enrolled = await began.json();
  expectTypeOf(enrolled).toEqualTypeOf<OwnEnrolledFactorBody>();
  const code = await appOf(world, {
    factor: enrolled.factor,
    secretBase32: enrolled.totp_enrollment!.secret_b32,
  }).code(-1);
  const confirmed = await mfa.auth.factors[":mfa_id"].confirm.$post(
    { param: { mfa_id: enrolled.factor.id }, json: { type: "totp", code } },
    authorized,
  );
  if (!confirmed.ok) throw new Error("It was refused.");
  const { token: better } = await confirmed.json();
  const asked = await mfa.auth["step-up"].options.$post({}, { headers: { authorization: `Bearer ${better}` } });
  if (!asked.ok) throw new Error("It was refused.");
  const options = await asked.json();
  expectTypeOf(options).toEqualTypeOf<AssertionOptionsBody>();
  expect(options.rpId).toBe("example.com");
  authorized.headers.authorization = `Bearer ${better}`;

  const refused = await client.auth.password.$post(
    { json: { current_password: otherPassword, new_password: otherPassword } },
    authorized,
  );
  if (refused.ok) throw new Error("It was not refused.");
  const error = await refused.json();
  expectTypeOf(error).toExtend<{ code: ErrorBody["code"]; message: string }>();
  expect(error.code).toBe("unauthorized.invalid_credential");

  expect((await client.auth["sign-out"].$post({}, authorized)).status).toBe(204);
  const writes = { secrets: 1, sealingKeys: 1, keepTokens: 1 };
  expect(await (await client.health.$get()).json()).toEqual({ status: "ok", writes });
  const document = await client["openapi.json"].$get();
  expect((await document.json()) as object).toMatchObject({ openapi: "3.1.1" });
});

test("the client's types refuse requests that the routes would refuse", () => {
  const client = hc<AuthApp<FullAuth>>("https://example.com");
  const never = (): unknown[] => [
    // @ts-expect-error a body is needed
    client.auth["sign-in"].$post({}),
    // @ts-expect-error the ticket is needed
    client.v1.sessions.$post({ json: { usr_id: "", cred_id: "", ttl_seconds: 60 } }),
    // @ts-expect-error the object is needed
    client.v1.users[":usr_id"].$get({}),
    // @ts-expect-error there is no such route
    client.v1.users.$delete(),
    // @ts-expect-error there is no such member
    client.v1.users.$post({ json: { displayName: "Ada" } }),
  ];
  expect(never).toBeTypeOf("function");
});
