/**
 * Access over HTTP: every route, every kind of caller, with their own object, another user's and an absent one (T15, R108). The
 * expected answers come from the rows of the table of routes and their access rules.
 *
 * Slow: every route meets every kind of caller and object: 2,000 requests.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute as routes } from "../../build/openapi/every-route.node.ts";
import type { Who } from "../../src/domain/act.ts";
import type { ErrorBody } from "../../src/domain/error.ts";
import { generateId, newUuid, uuidFor, wireId } from "../../src/domain/id.ts";
import { type Route, usesCookies } from "../../src/http/route.ts";
import { sql } from "../../src/store/sql.ts";
import { withLink } from "../operations/writes/write.ts";
import { freshIdentifier, freshName, goodPassword, otherPassword, type Person, system } from "../support/auth.ts";
import { type Authenticator, newAuthenticator } from "../support/authenticator.ts";
import { standIn } from "../support/describe-world.ts";
import { type App, freshly, givenApp, givenPasskey, givenPassword, registrationBy } from "../support/factors.ts";
import { bodyFor, type Sent } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";
import { linkBodies, mailedChange } from "../support/links.ts";
import { domainBodies, invitationRoutes, organizationFor } from "../support/organizations.ts";
import { browserHeaders, givenIdentity, providerBodies } from "../support/practice-provider.ts";
import { policyBody } from "../support/security-policies.ts";
import { isAboutTuples, type TuplesFor, tupleBodies, tupleQuery, tuplesFor } from "../support/tuples.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
  // At least one administrator always remains.
  await world.administrator();
});
afterAll(() => world.close());

/** The users and objects of a request. */
interface Target extends TuplesFor {
  readonly userId: string;
  readonly credentialId: string;
  readonly sessionId: string;
  readonly tokenId: string;
  readonly factorId: string;
  readonly invitationId: string;
  /** An organization that the user owns, or has joined if the route is about their own membership. */
  readonly organizationId: string;
  /** The membership that the route is about: another member's, or the user's own. */
  readonly membershipId: string;
  readonly ownMembershipId: string;
  readonly organizationInvitationId: string;
  readonly invitationToken: string;
  readonly domain: string;
  readonly requesterId: string;
  /** The factor's authenticator app, if the factor exists. */
  readonly app?: App;
}

interface Caller {
  /** The caller's credential in the request. */
  readonly sent: Pick<Sent, "token" | "cookie" | "headers">;
  readonly own?: Person;
  /** The refusal at the door of a route that needs a session; `undefined` if the session is valid. */
  readonly door?: (route: Route) => ErrorBody["code"] | undefined;
  readonly fresh?: boolean;
  readonly administrator?: boolean;
  readonly elevated?: boolean;
  /** True if the session stays the same with a second factor in use, because the factor was proved in it. */
  readonly mayHaveFactor?: boolean;
}

const always = (code: ErrorBody["code"]) => () => code;
const noToken = always("unauthorized.invalid_token");
const bearer = (own: Person): Pick<Caller, "sent" | "own"> => ({ sent: { token: own.token }, own });

/** An administrator whose second factor was proved a given number of minutes ago. */
async function administratorProved(minutes: number): Promise<Caller> {
  const own = await world.administrator();
  await world.rows(sql`
    update ses set created_at = created_at - interval '1 hour',
      mfa_verified_at = sallyport_now() - make_interval(mins => ${minutes}::int)
    where id = ${uuidFor("ses", own.session.id)}::uuid`);
  return { ...bearer(own), fresh: true, administrator: true, elevated: minutes < 30, mayHaveFactor: minutes < 10 };
}

const callers: Record<string, () => Promise<Caller>> = {
  "an anonymous client": async () => ({ sent: {}, door: noToken }),
  "an unknown bearer": async () => ({ sent: { token: "A".repeat(43) }, door: noToken }),
  "a pat_ bearer": async () => ({
    sent: { token: `pat_${"0".repeat(32)}_${"A".repeat(43)}` },
    door: always("auth.token_format_unrecognized"),
  }),
  "a shr_ bearer": async () => ({
    sent: { token: `shr_${"0".repeat(32)}_${"A".repeat(43)}` },
    door: always("auth.token_format_unrecognized"),
  }),
  // S25: a valid token of a user who has every other right.
  "a personal access token": async () => {
    const own = await world.administrator();
    const { token } = await world.auth.personalAccessTokens.create({
      actor: system,
      userId: own.userId,
      name: "ci",
      scope: ["*", "admin"],
    });
    return { sent: { token }, own, door: always("auth.token_format_unrecognized") };
  },
  "the owner, just signed in": async () => {
    const own = await world.person();
    await world.levelTwo(own.session);
    return { ...bearer(own), fresh: true, mayHaveFactor: true };
  },
  "the owner, 11 minutes later": async () => {
    const own = await world.person();
    await world.age(own.session, 660);
    return bearer(own);
  },
  "an administrator at level 1": async () => {
    const own = await world.person();
    await world.makeAdministrator(own.userId);
    return { ...bearer(own), fresh: true, administrator: true };
  },
  "an administrator, proved now": () => administratorProved(0),
  "an administrator, proved 31 minutes ago": () => administratorProved(31),
  "a suspended user": async () => {
    const own = await world.person();
    await world.auth.users.suspend({ actor: system, userId: own.userId });
    return { ...bearer(own), door: always("unauthorized.session_expired") };
  },
  "a revoked session": async () => {
    const own = await world.person();
    await world.auth.sessions.revoke({ actor: own.actor, sessionId: own.session.id });
    return { ...bearer(own), door: always("unauthorized.session_expired") };
  },
  "a user without the factor that policy requires": async () => {
    const own = await world.person();
    await world.requireFactor(own.userId);
    return { ...bearer(own), door: always("unauthorized.mfa_required") };
  },
  // S08: the user is known under `/auth` and anonymous under `/v1`.
  "a session in a cookie": async () => {
    const own = await world.person({ transport: "cookie" });
    await world.levelTwo(own.session);
    return {
      sent: { cookie: own.token },
      own,
      fresh: true,
      mayHaveFactor: true,
      door: (route) => (usesCookies(route) ? undefined : "unauthorized.invalid_token"),
    };
  },
  "a cookie's token as a bearer": async () => {
    const own = await world.person({ transport: "cookie" });
    return { sent: { token: own.token }, own, door: noToken };
  },
  "a bearer's token in a cookie": async () => {
    const own = await world.person();
    return { sent: { cookie: own.token }, own, door: noToken };
  },
};

const objects = ["own", "foreign", "absent"] as const;

/** The rule as its table reads: a second implementation, independent of the one in SQL. */
function ruleSays(rule: Who, caller: Caller, object: (typeof objects)[number] | "none"): ErrorBody["code"] | "allowed" {
  if (object === "own" && (rule.owner || rule.relation || rule.writer)) {
    // The requests give and take `guest`, so a rule for the strongest role alone asks for no new proof here.
    const isFresh = rule.owner === "fresh" || (!rule.owner && rule.relation?.fresh === true);
    return isFresh && !caller.fresh ? "unauthorized.reauthentication_required" : "allowed";
  }
  if (!caller.administrator) return object === "none" ? "forbidden" : "not_found";
  if (!rule.administrator) return "forbidden";
  if (!caller.elevated) return "unauthorized.reauthentication_required";
  return object === "absent" ? "not_found" : "allowed";
}

function expected(
  route: Route,
  caller: Caller,
  object: (typeof objects)[number] | "none",
): ErrorBody["code"] | "allowed" {
  const { access } = route;
  // The secret says which invitation it is, and the session for whom.
  const isInvited = invitationRoutes.includes(route.id);
  if (access === "anyone") return isInvited && object === "absent" ? "unauthorized.invalid_link" : "allowed";
  if (access === "ticket") return "unauthorized.invalid_ticket";
  const door = caller.door?.(route);
  if (access === "optional") return door === "auth.token_format_unrecognized" ? door : "allowed";
  // S08: a session other than the presented one is not found, whatever the presented one is worth.
  if (access === "token" && object !== "own" && object !== "none" && !isUnknown(door)) return "not_found";
  if (door !== undefined) return door;
  // OC49: both accounts in one browser.
  if (/Merge|merge/.test(route.id)) return caller.sent.cookie ? "allowed" : "forbidden";
  if (access === "token") return "allowed";
  if (/^(joinOrg|withdrawJoinRequest)$/.test(route.id) && object !== "own") return "not_found";
  if (isInvited && object === "foreign") return "precondition.identifier_mismatch";
  if (isInvited && object === "absent") return "unauthorized.invalid_link";
  // A question about tuples has an answer, whatever exists.
  const isQuestion = /^(check|listTuplesBy(Subject|Object))$/.test(route.id);
  return ruleSays(access, caller, isQuestion && object === "absent" && caller.administrator ? "foreign" : object);
}

function isUnknown(door: ErrorBody["code"] | undefined): boolean {
  return door === "unauthorized.invalid_token" || door === "auth.token_format_unrecognized";
}

/** True if the route names an object, in its path or body. Under `/auth` everything is the caller's own. */
function isAboutOne(route: Route): boolean {
  return (
    /:\w+_id/.test(route.path) ||
    isAboutTuples(route) ||
    /^(createCredential|(acceptOwn|declineOwn|lookAt)Invitation|joinOrg|withdrawJoinRequest)$/.test(route.id)
  );
}

/** The body of each route when everything in it is right. */
const bodies: Record<string, (target: Target, caller: Caller) => unknown> = {
  ...Object.fromEntries(Object.keys(providerBodies()).map((id) => [id, () => providerBodies()[id]])),
  signInWithFactor: () => ({ type: "totp", code: "000000" }),
  verifyMfa: () => ({ type: "totp", code: "000000" }),
  stepUp: (_target, { own }) => ({ type: "password", password: own?.password ?? "" }),
  liftLimit: () => ({ name: "none" }),
  setMfaPolicy: () => ({ required: false }),
  setOwnMfaPolicy: () => ({ required: false }),
  ...Object.fromEntries(
    ["enrollFactorAtSignIn", "enrollOwnFactor", "enrollMfaFactor"].map((id) => [
      id,
      () => ({ type: "totp", identifier: "phone" }),
    ]),
  ),
  ...Object.fromEntries(
    ["confirmFactorAtSignIn", "confirmOwnFactor", "confirmMfaEnrollment"].map((id) => [
      id,
      async ({ app }: Target) => ({ type: "totp", code: (await app?.code()) ?? "000000" }),
    ]),
  ),
  passkeySignInOptions: () => ({ identifier: bystander.identifier }),
  signInWithPasskey: async () => ({
    response: await authenticator.get(await world.auth.signIn.passkeyOptions()),
    transport: "token",
  }),
  registerPasskey: async (_target, { own }) => ({
    // A caller without a session gets no further than the door.
    response: own ? await registrationBy(world, own, await newAuthenticator()).catch(() => ({})) : {},
    name: "laptop",
  }),
  renamePasskey: () => ({ name: "desktop" }),
  signUp: () => ({ identifier: freshIdentifier(), password: goodPassword, transport: "token" }),
  signIn: () => ({ identifier: bystander.identifier, password: bystander.password, transport: "token" }),
  verifyCredential: () => ({
    type: "password",
    identifier: bystander.identifier,
    proof: { password: bystander.password },
  }),
  ...linkBodies(standIn(() => world)),
  requestIdentifierVerification: () => ({}),
  verifyOwnIdentifier: async (_target, { own }) => ({
    // A caller who gets no further than the door gets no link either.
    token: (own && (await withLink(world, own).catch(() => undefined))) ?? "A".repeat(43),
  }),
  requestIdentifierChange: () => ({ identifier: freshIdentifier() }),
  changeIdentifier: async (_target, { own }) => ({
    token:
      (own &&
        (await freshly(world, own.session, async () => (await mailedChange(world, own)).token).catch(
          () => undefined,
        ))) ??
      "A".repeat(43),
  }),
  verifyIdentifier: async () => {
    const person = await world.person();
    return { token: await withLink(world, person), password: person.password };
  },
  changePassword: (_target, { own }) => ({ current_password: own?.password ?? "", new_password: otherPassword }),
  createOwnPersonalAccessToken: () => ({ name: "ci", scope: ["docs:read"] }),
  createPat: () => ({ name: "ci", scope: ["docs:read"] }),
  createUser: () => ({ display_name: "made" }),
  mergeUsers: () => ({}),
  createOrg: () => ({}),
  updateOrg: () => ({ name: "Acme" }),
  createInvitation: () => ({ identifier: freshName(), role: "member" }),
  ...Object.fromEntries(
    invitationRoutes.map((id) => [id, ({ invitationToken }: Target) => ({ token: invitationToken })]),
  ),
  setOrgSecurityPolicy: () => policyBody,
  ...Object.fromEntries(
    Object.keys(domainBodies({} as Target)).map((id) => [id, (target: Target) => domainBodies(target)[id]]),
  ),
  createTuple: (target) => tupleBodies(target.userId, target).createTuple,
  check: (target) => tupleBodies(target.userId, target).check,
  addMember: async () => ({ usr_id: (await world.person()).userId, role: "guest" }),
  changeRole: () => ({ new_role: "guest" }),
  selfLeave: () => ({}),
  transferOwnership: ({ ownMembershipId, membershipId }) => ({
    from_mem_id: ownMembershipId,
    to_mem_id: membershipId,
  }),
  updateUser: () => ({ display_name: "changed" }),
  acceptOwnTerms: () => ({ version: world.auth.terms.current.version }),
  updateOwnUser: () => ({ display_name: "changed" }),
  createOwnPassword: (_target, { own }) => ({
    identifier: freshIdentifier(),
    password: otherPassword,
    ...ownPassword(own?.userId, own),
  }),
  createCredential: ({ userId }, { own }) => ({
    usr_id: userId,
    type: "password",
    identifier: freshIdentifier(),
    password: otherPassword,
    ...ownPassword(userId, own),
  }),
  ...Object.fromEntries(
    ["suspendCredential", "suspendOwnCredential", "revokeCredential", "revokeOwnCredential", "revokeUser"].map((id) => [
      id,
      ({ userId }: Target, { own }: Caller) => ownPassword(userId, own),
    ]),
  ),
  closeAccount: (_target, { own }) => ownPassword(own?.userId, own),
  rotateCredential: (_target, { own }) => ({ password: otherPassword, current_password: own?.password ?? "" }),
  createSession: ({ userId, credentialId }) => ({ usr_id: userId, cred_id: credentialId, ttl_seconds: 600 }),
};

/** R008: one's own password is proved with itself. */
function ownPassword(userId: string | undefined, own: Person | undefined): { current_password?: string } {
  return own && own.userId === userId ? { current_password: own.password } : {};
}

/** A user whom no request is about, and their passkey. */
let bystander: Person;
let authenticator: Authenticator;
beforeAll(async () => {
  bystander = await world.person();
  authenticator = await newAuthenticator();
  const response = await registrationBy(world, bystander, authenticator);
  await world.auth.passkeys.register({ actor: bystander.actor, response, transport: "token" });
});

/** A user's objects, in a state in which the route has something to do; `mayHaveFactor` if a factor in use locks no user out. */
async function targetOf(person: Person, route: Route, mayHaveFactor: boolean): Promise<Target> {
  const { userId, credentialId: password, session } = person;
  // A suspended user gets no token, and gets no further than the door.
  const made = await world.auth.personalAccessTokens
    .create({ actor: system, userId, name: "ci", scope: [] })
    .catch(() => ({ pat: { id: generateId("pat") } }));
  const needsActive = route.id.startsWith("revoke") && route.path.includes(":mfa_id") && mayHaveFactor;
  const app = await givenApp(world, userId, needsActive ? "active" : "pending");
  // S33: the owner keeps one way in.
  await givenPassword(world, userId);
  const isPasskey = route.path.startsWith("/auth/passkeys/");
  // S05: an administrator keeps one factor.
  if (needsActive || (isPasskey && mayHaveFactor)) await givenPasskey(world, userId);
  const passkey = isPasskey ? await givenPasskey(world, userId, mayHaveFactor ? "active" : "suspended") : "";
  const identity = route.id === "unlinkIdentity" ? await givenIdentity(world, userId) : undefined;
  const credentialId = identity ?? (isPasskey ? passkey : password);
  const { invitation } = await world.auth.invitations.create({ actor: system, identifier: freshName() });
  const { factorId } = app;
  return {
    userId,
    credentialId,
    sessionId: session.id,
    tokenId: made.pat.id,
    factorId,
    invitationId: invitation.id,
    ...(await organizationFor(world, userId, route)),
    ...(await tuplesFor(world, userId, route)),
    app,
  };
}

/** Another user, in a state in which the route has something to do. */
async function stranger(route: Route): Promise<Target> {
  const person = await world.person();
  if (route.id === "reinstateUser") await world.auth.users.suspend({ actor: system, userId: person.userId });
  if (route.id === "reinstateCredential") {
    await world.auth.credentials.suspend({ actor: system, credentialId: person.credentialId });
  }
  return await targetOf(person, route, true);
}

async function requestFor(route: Route, caller: Caller, target: Target): Promise<Sent> {
  const path = route.path
    .replace(":usr_id", target.userId)
    .replace(":cred_id", target.credentialId)
    .replace(":ses_id", target.sessionId)
    .replace(":pat_id", target.tokenId)
    .replace(":mfa_id", target.factorId)
    .replace(":join_id", target.invitationId)
    .replace(":org_id", target.organizationId)
    .replace(":mem_id", target.membershipId)
    .replace(":inv_id", target.organizationInvitationId)
    .replace(":tup_id", target.tupleId)
    .replace(":provider", "practice");
  const body = bodies[route.id];
  if (!body !== !route.body) throw new Error(`${route.id} has a body that this test does not know.`);
  const taken = body ? bodyFor(route, await body(target, caller)) : {};
  return {
    method: route.method.toUpperCase(),
    path: path + tupleQuery(route, target.userId, target),
    ...taken,
    ...withHeaders(caller.sent, {
      ...taken.headers,
      ...(await browserHeaders(world, route.id, caller.own?.identifier)),
    }),
  };
}

/** A caller's request with more headers. A caller in a cookie keeps it. */
function withHeaders(sent: Caller["sent"], headers: Readonly<Record<string, string>>): Caller["sent"] {
  if (Object.keys(headers).length === 0) return sent;
  const { cookie: session, ...others } = sent;
  const cookie = [headers.cookie, session && `__Host-session=${session}`].filter(Boolean).join("; ");
  return {
    ...others,
    headers: { ...headers, ...(cookie && { cookie }), ...(session && { "sec-fetch-site": "same-origin" }) },
  };
}

/** Callers and strangers are reused until something has changed. */
const kept = new Map<string, Caller>();
const strangers = new Map<string, Target>();

async function callerOf(name: string): Promise<Caller> {
  const caller = kept.get(name) ?? (await callers[name]!());
  kept.set(name, caller);
  return caller;
}

async function targetFor(
  object: (typeof objects)[number] | "none",
  route: Route,
  caller: Caller,
): Promise<Target | undefined> {
  if (object === "foreign") {
    const key = /^reinstate|:mfa_id|:org_id|:inv_id|organization-|^\/auth\/passkeys|^unlink|\/v1\/tuples/.test(
      route.id + route.path,
    )
      ? route.id
      : "";
    const target = strangers.get(key) ?? (await stranger(route));
    strangers.set(key, target);
    return target;
  }
  if (object === "own") return caller.own && (await targetOf(caller.own, route, caller.mayHaveFactor ?? false));
  const [userId, credentialId, factorId] = [generateId("usr"), generateId("cred"), generateId("mfa")];
  const invitationId = wireId("join", newUuid());
  return {
    userId,
    credentialId,
    sessionId: generateId("ses"),
    tokenId: generateId("pat"),
    factorId,
    invitationId,
    organizationId: generateId("org"),
    membershipId: generateId("mem"),
    ownMembershipId: generateId("mem"),
    organizationInvitationId: generateId("inv"),
    invitationToken: "A".repeat(43),
    domain: "example.com",
    requesterId: generateId("usr"),
    tupleId: generateId("tup"),
    docId: newUuid(),
  };
}

const outcomes: string[] = [];

describe.each(routes.map((route) => [route.id, route] as const))("R108: %s", (_id, route) => {
  test.each(Object.keys(callers))("%s", async (name) => {
    for (const object of isAboutOne(route) ? objects : (["none"] as const)) {
      const caller = await callerOf(name);
      const target = await targetFor(object, route, caller);
      if (!target) continue;
      const isOwn = object === "own" || (object === "none" && (usesCookies(route) || route.id === "createOrg"));
      const wanted = expected(route, caller, isOwn && typeof route.access === "object" ? "own" : object);
      const sent = await requestFor(route, caller, target);
      // A verified address hears of what prepared the request.
      await world.auth.mail.deliver();
      const before = await world.lastChange();
      const reply = await world.send(sent);
      outcomes.push(`${route.id} ${object} ${wanted}`);

      if (wanted !== "allowed") {
        expect([object, reply.code]).toEqual([object, wanted]);
        expect(await world.lastChange()).toBe(before);
        continue;
      }
      // R060: for every caller, whatever they may see.
      if (route.method === "get") expect(await world.lastChange()).toBe(before);
      // An administrator cannot be reinstated while they act. For their own account they get the refusal of the state.
      const isPointless = object === "own" && /^reinstate(User|Credential)/.test(route.id);
      // Without an answer of a provider, the browser is led to a page that says so.
      const isLed = route.id === "signInWithProvider" && reply.code === "unauthorized.provider";
      expect([object, isLed ? reply.status : (reply.code ?? reply.status)]).toEqual([
        object,
        isPointless ? "precondition.invalid_transition" : route.status,
      ]);
      kept.delete(name);
      strangers.clear();
    }
  });
});

describe("S05, R030: an administrator receives no secret and gives no proof for another user", () => {
  const secretRoutes: [string, ErrorBody["code"]][] = [
    ["createCredential", "forbidden"],
    ["rotateCredential", "forbidden"],
    ["createPat", "forbidden"],
    ["enrollMfaFactor", "forbidden"],
    ["confirmMfaEnrollment", "forbidden"],
    ["verifyMfa", "unauthorized.invalid_ticket"],
    ["refreshSession", "not_found"],
    ["createSession", "unauthorized.invalid_ticket"],
  ];

  test("all routes that name a user and take or return a secret are listed", async () => {
    const named: string[] = [];
    for (const route of routes.filter((one) => !usesCookies(one))) {
      const { json = "" } = await requestFor(route, { sent: {} }, await targetOf(bystander, route, false));
      if (/^refresh|^createPat$|^enroll/.test(route.id) || /password|ttl|"code"/.test(JSON.stringify(json))) {
        named.push(route.id);
      }
    }
    expect(named.toSorted()).toEqual([...secretRoutes.map(([id]) => id), "verifyCredential"].toSorted());
  });

  test.each(secretRoutes)("%s: %s", async (id, code) => {
    const caller = await callers["an administrator, proved now"]!();
    const route = routes.find((one) => one.id === id)!;
    const sent = await requestFor(route, caller, await targetOf(await world.person(), route, false));
    const before = await world.lastChange();
    const reply = await world.send(sent);
    expect(reply.code).toBe(code);
    expect([reply.text, [...reply.headers.keys()].join()].join()).not.toMatch(
      /token"|secret|session-token|login-ticket/,
    );
    expect(await world.lastChange()).toBe(before);
  });
});

test("access matrix: every possible answer has occurred", () => {
  const seen = new Set(outcomes.map((outcome) => outcome.split(" ")[2]));
  expect([...seen].toSorted()).toEqual([
    "allowed",
    "auth.token_format_unrecognized",
    "forbidden",
    "not_found",
    "precondition.identifier_mismatch",
    "unauthorized.invalid_link",
    "unauthorized.invalid_ticket",
    "unauthorized.invalid_token",
    "unauthorized.mfa_required",
    "unauthorized.reauthentication_required",
    "unauthorized.session_expired",
  ]);
  expect(outcomes.length).toBeGreaterThan(routes.length * Object.keys(callers).length);
});
