/**
 * The database fails, behind the real client and Neon's protocol: every route answers 503 without detail, and admits no request
 * (T07, F10).
 *
 * Slow: every route runs into every fault, and a silent database is waited for.
 *
 * @module
 */

import { Hono, type MiddlewareHandler } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute as routes } from "../../build/openapi/every-route.node.ts";
import { authenticate, requireUser } from "../../src/http/authenticate.ts";
import type { Route } from "../../src/http/route.ts";
import { neon } from "../../src/store/drivers/neon.ts";
import type { NeonFault } from "../../worker/development/neon-proxy.node.ts";
import { withLink } from "../operations/writes/write.ts";
import {
  addressHeader,
  type FullAuth,
  freshAddress,
  freshIdentifier,
  freshName,
  goodPassword,
  otherPassword,
  type Person,
  system,
} from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { givenApp, givenPasskey, givenPassword, registrationBy } from "../support/factors.ts";
import { bodyFor, type Reply, requestOf, type Sent, send } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";
import { linkBodies, mailedChange } from "../support/links.ts";
import { domainBodies, invitationRoutes, organizationFor } from "../support/organizations.ts";
import {
  answerOf,
  browserHeaders,
  freshIdentity,
  givenIdentity,
  providerBodies,
} from "../support/practice-provider.ts";
import { type RewindingBackend, rewindingBackend } from "../support/rewinding-backend.ts";
import { policyBody } from "../support/security-policies.ts";
import { tupleBodies, tupleQuery, tuplesFor } from "../support/tuples.ts";

/** The database's fault for the request with this number, counted from the last reset. */
let faultAt: (request: number) => NeonFault | undefined = () => undefined;
let request = 0;

function fail(fault: NeonFault, which: (request: number) => boolean = () => true): void {
  request = 0;
  faultAt = (number) => (which(number) ? fault : undefined);
}

function recover(): void {
  faultAt = () => undefined;
}

let world: HttpWorld;
let behind: RewindingBackend;
/** The same, with a deadline shorter than any slow answer. */
let impatient: FullAuth;
beforeAll(async () => {
  world = await openHttp("pglite-over-neon", {
    faults: () => faultAt(request++),
    behind: (instance) => {
      behind = rewindingBackend(instance);
      return behind;
    },
  });
  const { connectionString, fetchEndpoint } = world.backend;
  const database = neon(connectionString!, { fetchEndpoint, timeoutMilliseconds: 300 });
  impatient = world.isolate({ database });
});
afterAll(() => world.close());

describe("S50: every answer comes within five seconds, however many requests to the database it needs", () => {
  /** Signs a user up. From the numbered request to the database on, no answer comes in time. */
  async function silentFrom(silent: number, delayMilliseconds: number) {
    const person = await world.person();
    request = 0;
    // One late answer, then none.
    faultAt = (at) =>
      at >= silent ? { delayMilliseconds: 30_000 } : at === silent - 1 ? { delayMilliseconds } : undefined;
    return person;
  }
  const timed = async (send: () => Promise<Reply>): Promise<Reply> => {
    const startedAt = performance.now();
    const reply = await send();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    recover();
    return reply;
  };

  test.each([
    {
      case: "sign-in, slow and then silent",
      silent: 1,
      send: ({ identifier, password }: Person) =>
        world.send({ method: "POST", path: "/auth/sign-in", json: { identifier, password, transport: "token" } }),
    },
    {
      case: "change of a name, silent after the session",
      silent: 1,
      send: ({ userId, token }: Person) =>
        world.send({ method: "PUT", path: `/v1/users/${userId}`, json: { display_name: "Ada" }, token }),
    },
    {
      case: "change of password, silent at the last request",
      silent: 2,
      send: ({ token, password }: Person) => {
        const json = { current_password: password, new_password: otherPassword };
        return world.send({ method: "POST", path: "/auth/password", json, token });
      },
    },
  ])("$case", async ({ silent, send }) => {
    const person = await silentFrom(silent, 1_900);
    const reply = await timed(() => send(person));
    expect([reply.status, reply.code, reply.headers.get("retry-after")]).toEqual([503, "unavailable.database", "1"]);
  });
});

const faults: Record<string, NeonFault> = {
  "a 500": "500",
  garbage: "garbage",
  "no answer": { delayMilliseconds: 900 },
  "a connection dropped before": "drop-before",
  "a connection dropped after": "drop-after-commit",
};

/** A request that a route accepts, and its caller. */
async function prepare(route: Route): Promise<{ sent: Sent; person: Person }> {
  const isGuarded = typeof route.access === "object";
  const byAdministrator =
    isGuarded &&
    (/(?<!Own)User$|Users$/.test(route.id) ||
      ["reinstateCredential", "grantMfaEnrollment"].includes(route.id) ||
      /DeploymentInvitation|Limits?$|^(list|suspend|reinstate)Orgs?$/.test(route.id)) &&
    route.id !== "updateUser" &&
    route.id !== "getUser";
  const person = byAdministrator ? await world.administrator() : await world.person();
  const about = byAdministrator ? await world.person() : person;
  // Only what the route asks for is made: most of this file's time goes into making.
  const asks = (parameter: string) => route.path.includes(parameter);
  if (route.id === "reinstateUser") await world.auth.users.suspend({ actor: system, userId: about.userId });
  if (route.id === "reinstateCredential") {
    await world.auth.credentials.suspend({ actor: system, credentialId: about.credentialId });
  }
  const { userId, credentialId, session, identifier } = about;
  // S33: the owner must keep one way to sign in.
  if (asks(":cred_id")) await givenPassword(world, userId);
  const isPasskey = route.path.startsWith("/auth/passkeys/");
  const passkeyId = isPasskey ? await givenPasskey(world, userId, "suspended") : "";
  const identityId = route.id === "unlinkIdentity" ? await givenIdentity(world, userId) : undefined;
  const isEnrollment = /AtSignIn$/.test(route.id);
  if (isEnrollment) await world.requireFactor(userId);
  const isProof = /^signInWithFactor$|^verifyMfa$|^factorOptions$/.test(route.id);
  const usesApp = asks(":mfa_id") || isProof || /^confirm.*(Factor|Mfa)/.test(route.id);
  const app = usesApp ? await givenApp(world, userId, isProof ? "active" : "pending") : undefined;
  const code = { type: "totp", code: await app?.code() };
  const device = await newAuthenticator();
  const isCeremony = /^registerPasskey$|^signInWithPasskey$/.test(route.id);
  const response = isCeremony ? await registrationBy(world, about, device) : undefined;
  if (route.id === "signInWithPasskey")
    await world.auth.passkeys.register({ actor: about.actor, response, transport: "token" });
  const ticket =
    route.access === "ticket"
      ? (await world.auth.verifyPassword({ identifier, password: goodPassword, context: { address: freshAddress() } }))
          .ticket
      : undefined;
  const link = /^verify(Own)?Identifier$/.test(route.id) ? await withLink(world, about) : "";
  const linkBody = Object.hasOwn(linkBodies(world), route.id) ? linkBodies(world)[route.id] : undefined;
  const bodies: Record<string, unknown> = {
    ...providerBodies(),
    ...(linkBody && { [route.id]: await linkBody() }),
    requestIdentifierVerification: {},
    verifyOwnIdentifier: { token: link },
    requestIdentifierChange: { identifier: freshIdentifier() },
    changeIdentifier: route.id === "changeIdentifier" ? { token: (await mailedChange(world, about)).token } : {},
    verifyIdentifier: { token: link, password: goodPassword },
    signUp: { identifier: freshIdentifier(), password: goodPassword, transport: "token" },
    signIn: { identifier, password: goodPassword, transport: "token" },
    verifyCredential: { type: "password", identifier, proof: { password: goodPassword } },
    changePassword: { current_password: goodPassword, new_password: otherPassword },
    createOwnPersonalAccessToken: { name: "ci", scope: [] },
    createPat: { name: "ci", scope: [] },
    createOrg: { name: "Acme" },
    createUser: { display_name: "made" },
    updateUser: { display_name: "changed" },
    acceptOwnTerms: { version: world.auth.terms.current.version },
    updateOwnUser: { display_name: "changed" },
    createOwnPassword: {
      identifier: freshIdentifier(),
      password: otherPassword,
      current_password: goodPassword,
    },
    createCredential: {
      usr_id: userId,
      type: "password",
      identifier: freshIdentifier(),
      password: otherPassword,
      current_password: goodPassword,
    },
    suspendCredential: { current_password: goodPassword },
    revokeCredential: { current_password: goodPassword },
    suspendOwnCredential: { current_password: goodPassword },
    revokeOwnCredential: { current_password: goodPassword },
    revokeUser: { current_password: goodPassword },
    closeAccount: { current_password: goodPassword },
    rotateCredential: { password: otherPassword, current_password: goodPassword },
    createSession: { usr_id: userId, cred_id: credentialId, ttl_seconds: 60 },
    signInWithFactor: code,
    verifyMfa: code,
    stepUp: { type: "password", password: goodPassword },
    setMfaPolicy: { required: false },
    setOwnMfaPolicy: { required: false },
    signInWithPasskey: route.id === "signInWithPasskey" && {
      response: await device.get(await world.auth.signIn.passkeyOptions()),
      transport: "token",
    },
    registerPasskey: { response, name: "laptop" },
    renamePasskey: { name: "desktop" },
    passkeySignInOptions: {},
    liftLimit: { identifier },
  };
  for (const id of ["enrollFactorAtSignIn", "enrollOwnFactor", "enrollMfaFactor"]) {
    bodies[id] = { type: "totp", identifier: "phone" };
  }
  for (const id of ["confirmFactorAtSignIn", "confirmOwnFactor", "confirmMfaEnrollment"]) bodies[id] = code;
  const invitationId = asks(":join_id")
    ? (await world.auth.invitations.create({ actor: system, identifier: freshName() })).invitation.id
    : "";
  const patId = asks(":pat_id")
    ? (await world.auth.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: [] })).pat.id
    : "";
  const organization = await organizationFor(world, userId, route);
  if (route.id === "addMember") bodies.addMember = { usr_id: (await world.person()).userId, role: "guest" };
  bodies.changeRole = { new_role: "guest" };
  bodies.updateOrg = { name: "Acme" };
  bodies.setOrgSecurityPolicy = policyBody;
  Object.assign(bodies, domainBodies(organization));
  bodies.selfLeave = {};
  bodies.createInvitation = { identifier: freshName(), role: "member" };
  for (const id of invitationRoutes) {
    bodies[id] = { token: organization.invitationToken };
  }
  bodies.transferOwnership = { from_mem_id: organization.ownMembershipId, to_mem_id: organization.membershipId };
  const tuples = await tuplesFor(world, userId, route);
  Object.assign(bodies, tupleBodies(userId, tuples));
  const path = route.path
    .replace(":tup_id", tuples.tupleId)
    .replace(":org_id", organization.organizationId)
    .replace(":mem_id", organization.membershipId)
    .replace(":inv_id", organization.organizationInvitationId)
    .replace(":usr_id", userId)
    .replace(":mfa_id", app?.factorId ?? "")
    .replace(":cred_id", identityId ?? (isPasskey ? passkeyId : credentialId))
    .replace(":ses_id", session.id)
    .replace(":pat_id", patId)
    .replace(":join_id", invitationId)
    .replace(":provider", "practice");
  const kept = await browserHeaders(world, route.id, identifier);
  // Only a browser merges accounts.
  const cookie = /merge/i.test(route.id) && `__Host-session=${(await world.person({ transport: "cookie" })).token}`;
  const headers: Record<string, string> = {
    ...(ticket && { "login-ticket": ticket }),
    ...kept,
    ...(cookie && { cookie: [cookie, kept.cookie].filter(Boolean).join("; "), "sec-fetch-site": "same-origin" }),
  };
  const usesToken = route.access !== "anyone" && route.access !== "ticket";
  const taken = bodyFor(route, bodies[route.id]);
  const sent = {
    method: route.method.toUpperCase(),
    path: path + tupleQuery(route, userId, tuples),
    ...taken,
    headers: { ...headers, ...taken.headers },
    ...(usesToken && !cookie && { token: person.token }),
  };
  return { sent, person };
}

function expectUnavailable(reply: Reply): void {
  expect([reply.status, reply.text, reply.setCookies]).toEqual([
    503,
    '{"code":"unavailable.database","message":"The service is temporarily unavailable."}',
    [],
  ]);
  expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
}

/** Routes that ask no database, or answer a browser by leading it to a page. */
const otherwise = [
  "getTerms",
  "startProviderSignIn",
  "followProviderSignIn",
  "followProviderLink",
  "followProviderStepUp",
  "prepareProviderCredential",
  "receiveProviderAnswer",
  "signInWithProvider",
];

test("a sign-in at a provider begins without the database, and its end leads to a page that says what happened", async () => {
  fail(Object.values(faults)[0]!);
  const begun = await world.send({ method: "POST", path: "/auth/oidc/practice/start" });
  expect([begun.status, begun.setCookies.length]).toEqual([303, 1]);
  const [cookie] = begun.setCookies[0]!.split(";");
  const { search } = answerOf({ url: begun.headers.get("location")! }, freshIdentity());
  const path = `/auth/oidc/practice/callback${search}`;
  const reply = await world.send({ method: "GET", path, headers: { cookie: cookie! } });
  recover();
  expect([reply.status, reply.headers.get("location")]).toEqual([
    303,
    "/sign-in?refusal=unavailable.database&provider=practice",
  ]);
});

test.each(["link", "step-up"])("a link to %s leads to a page that says what happened", async (verb) => {
  const { token } = await world.person();
  fail(Object.values(faults)[0]!);
  const headers = { "sec-fetch-site": "same-origin" };
  const reply = await world.send({ method: "GET", path: `/auth/oidc/practice/${verb}`, token, headers });
  recover();
  expect([reply.status, reply.headers.get("location")]).toEqual([
    303,
    "/account/security?refusal=unavailable.database&provider=practice",
  ]);
});

test("a route that asks no database serves without one", async () => {
  expect((await world.send({ method: "GET", path: "/auth/terms" })).json).toEqual(world.auth.terms.current);
});

/** A fault that ends in a deadline takes its time; these routes cover every path to the database. */
const patient = ["signIn", "changePassword", "refresh", "currentSession", "revokeUser", "listUsers"];

const authFor = (fault: string): FullAuth => (fault === "no answer" ? impatient : world.auth);
const ask = (auth: FullAuth, sent: Sent): Promise<Reply> =>
  send(applicationOf(auth), { ...sent, headers: { [addressHeader]: freshAddress(), ...sent.headers } });

describe.each(routes.map((route) => [route.id, route] as const))("%s", (_id, route) => {
  /** Prepared once: it meets every fault in the same state, because the database is rewound. */
  let prepared: ReturnType<typeof prepare> | undefined;

  async function meet(fault: NeonFault, which?: (request: number) => boolean): Promise<Reply> {
    prepared ??= prepare(route);
    const { sent } = await prepared;
    // An isolate that remembers the user's earlier requests would ask the database first.
    const fresh = world.isolate({ timeouts: { requestMilliseconds: 5_000, firstMilliseconds: 5_000 } });
    return await behind.rewind(async () => {
      fail(fault, which);
      return await ask(fresh, sent).finally(recover);
    });
  }

  /** What reaches the database after the answer cannot be rewound. */
  async function meetSilence(fault: NeonFault): Promise<Reply> {
    const { sent } = await prepare(route);
    fail(fault);
    return await ask(impatient, sent).finally(recover);
  }

  const met = Object.entries(faults).filter(([name]) =>
    name === "no answer" ? patient.includes(route.id) : !otherwise.includes(route.id),
  );
  test.each(met)("%s, to every request: 503 without detail, in time", async (name, fault) => {
    const start = performance.now();
    const reply = name === "no answer" ? await meetSilence(fault) : await meet(fault);
    expect(performance.now() - start).toBeLessThan(5000);
    expect(request).toBeGreaterThan(0);
    expectUnavailable(reply);
    expect([reply.headers.get("login-ticket"), reply.headers.get("session-token")]).toEqual([null, null]);
  });

  test("one of several requests to the database fails: succeeds or answers 503", async () => {
    const kinds = Object.entries(faults).filter(([name]) => name !== "no answer");
    const seen = new Set<number>();
    // The number of requests that the route makes, up to three. A fault at a later request would never occur.
    let most = 3;
    for (const [name, fault] of kinds) {
      for (let at = 0; at < most; at++) {
        const reply = await meet(fault, (number) => number === at);
        if (request <= at) most = at;
        seen.add(reply.status);
        if (reply.status !== route.status) expect([name, at, reply.code]).toEqual([name, at, "unavailable.database"]);
      }
    }
    expect(seen.has(route.status)).toBe(true);
  });
});

describe.each(Object.entries(faults))("%s, to every request", (name, fault) => {
  test("a stranger's requests: refused by every route", async () => {
    fail(fault);
    const token = "A".repeat(43);
    for (const path of ["/auth/session", "/v1/users"])
      expectUnavailable(await ask(authFor(name), { method: "GET", path, token }));
    const json = { identifier: "nobody@example.com", password: "wrong", transport: "token" };
    expectUnavailable(await ask(authFor(name), { method: "POST", path: "/auth/sign-in", json }));
    recover();
  });

  test.each(["requireUser", "authenticate"] as const)(
    "%s: no handler runs, and the owner of a cookie gets 503",
    async (guardName) => {
      const [bearer, inCookie] = [await world.person(), await world.person({ transport: "cookie" })];
      const guard: MiddlewareHandler =
        guardName === "requireUser" ? requireUser(authFor(name)) : authenticate(authFor(name));
      const app = new Hono().get("/", guard, () => {
        throw new Error("It was handled.");
      });
      fail(fault);
      for (const sent of [{ token: bearer.token }, { cookie: inCookie.token }]) {
        const response = await app.request("/", requestOf({ method: "GET", path: "/", ...sent }));
        expect([response.status, response.headers.get("retry-after") !== null]).toEqual([503, true]);
      }
      recover();
    },
  );

  test("/health: reports it, and reports the recovery", async () => {
    fail(fault);
    expect((await ask(authFor(name), { method: "GET", path: "/health" })).json).toEqual({
      code: "unavailable.database",
      message: "The service is temporarily unavailable.",
    });
    recover();
    expect((await ask(authFor(name), { method: "GET", path: "/health" })).json).toMatchObject({ status: "ok" });
  });
});

test("R129: reported errors contain no connection string, password or statement", () => {
  expect(world.errors.length).toBeGreaterThan(50);
  for (const error of world.errors) {
    const told = [error, (error as Error).cause].map((one) => `${String(one)} ${JSON.stringify(one)}`).join();
    expect(told).not.toMatch(/postgres:\/\/|select |insert |vmqkzh|@example\.com/);
  }
});
