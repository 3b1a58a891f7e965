/**
 * What a refusal for too many attempts says in its headers: the limit that was reached, and when to try again. It must not say which
 * counter has refused, nor whether an account exists.
 *
 * @module
 */
import { Hono } from "hono";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { rateLimit } from "../../src/http/rate-limit.ts";
import { AuthError } from "../../src/index.ts";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import { addressHeader, freshAddress, freshIdentifier, goodPassword, system } from "../support/auth.ts";
import { type Reply, send } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";
import { expectLimitHeaders } from "../support/limit-headers.ts";
import { withVerifiedAddress } from "../support/links.ts";

const friend = "https://app.example.com";
let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite", {
    auth: { origins: ["https://example.com", { origin: friend, uses: ["cors"] }] },
  });
  await installTestClock(world.database);
});
beforeEach(() => setTestClock(world.database, new Date("2026-11-22T12:00:00Z")));
afterAll(() => world.close());

const post = async (path: string, json: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
  await world.send({ method: "POST", path, json, headers });
const signIn = async (identifier: string, headers?: Record<string, string>, password = "wrong") =>
  await post("/auth/sign-in", { identifier, password }, headers);
const repeat = async (times: number, ask: () => Promise<Reply>): Promise<Reply> => {
  let reply = await ask();
  for (let time = 1; time < times; time++) reply = await ask();
  return reply;
};
/** Everything in a refusal but the moment. */
const everything = ({ status, text, headers }: Reply) => [
  status,
  text,
  [...headers].filter(([name]) => name !== "x-request-id").sort(),
];

describe("S58: the same for what exists and what does not", () => {
  const owners: Record<string, () => Promise<string>> = {
    "no user": async () => freshIdentifier(),
    "a text that is no identifier": async () => `two words ${crypto.randomUUID()}`,
    "a user": async () => (await world.person()).identifier,
    "a user with a verified address": async () => (await withVerifiedAddress(world, await world.person())).identifier,
    "a user with a second factor": async () => {
      const { identifier, userId } = await world.person();
      await world.enroll(userId);
      return identifier;
    },
    "a suspended user": async () => {
      const { identifier, userId } = await world.person();
      await world.auth.users.suspend({ actor: system, userId });
      return identifier;
    },
  };
  const doors: Record<string, { ask: (identifier: string) => Promise<Reply>; most: number; limit: string }> = {
    "/auth/sign-in": { ask: (identifier) => signIn(identifier), most: 10, limit: "q=10;w=900" },
    "/v1/credentials/verify": {
      ask: (identifier) =>
        post("/v1/credentials/verify", { type: "password", identifier, proof: { password: "wrong" } }),
      most: 10,
      limit: "q=10;w=900",
    },
    "/auth/password-reset": {
      ask: (identifier) => post("/auth/password-reset", { identifier }),
      most: 5,
      limit: "q=5;w=3600",
    },
    "/auth/sign-in/link/request": {
      ask: (identifier) => post("/auth/sign-in/link/request", { identifier }),
      most: 5,
      limit: "q=5;w=3600",
    },
  };

  test.each(Object.keys(doors))("%s", async (path) => {
    const { ask, most, limit } = doors[path]!;
    const answers: unknown[] = [];
    for (const owner of Object.values(owners)) {
      const identifier = await owner();
      const refused = await repeat(most + 1, () => ask(identifier));
      expect([refused.status, refused.code]).toEqual([429, "too_many_requests"]);
      expect(expectLimitHeaders(refused.headers)).toBe(limit);
      answers.push(everything(refused));
    }
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  test("a known device and a strange one name the same limit", async () => {
    const { identifier, knownDevice } = await world.person();
    const own = { cookie: `__Host-known-device=${knownDevice}`, "sec-fetch-site": "same-origin" };
    const strange = await repeat(11, () => signIn(identifier));
    const known = await repeat(11, () => signIn(identifier, own));
    expect([strange.status, known.status]).toEqual([429, 429]);
    expect(expectLimitHeaders(known.headers)).toBe(expectLimitHeaders(strange.headers));
  });
});

test("the address is named by its own limit, and so is one whose header cannot be read", async () => {
  for (const address of [freshAddress(), "no address"]) {
    const headers = { [addressHeader]: address };
    let refused = await signIn(freshIdentifier(), headers);
    for (let more = 0; refused.status !== 429 && more < 120; more++) refused = await signIn(freshIdentifier(), headers);
    expect(expectLimitHeaders(refused.headers)).toBe("q=100;w=300");
  }
});

test("an address past its limit is told so before the account is looked at", async () => {
  const identifier = freshIdentifier();
  const headers = { [addressHeader]: freshAddress() };
  await repeat(10, () => signIn(identifier));
  await advanceTestClock(world.database, 300);
  let refused = await signIn(freshIdentifier(), headers);
  for (let more = 0; refused.status !== 429 && more < 120; more++) refused = await signIn(freshIdentifier(), headers);
  const both = await signIn(identifier, headers);
  expect(expectLimitHeaders(both.headers)).toBe("q=100;w=300");
  expect(expectLimitHeaders((await signIn(identifier)).headers)).toBe("q=10;w=900");
});

test("a password that a hundred failures have closed: a day", async () => {
  const { identifier } = await world.person();
  for (let round = 0; round < 10; round++) {
    expect((await repeat(10, () => signIn(identifier))).status).toBe(401);
    await advanceTestClock(world.database, 86_400);
  }
  const refused = await signIn(identifier, {}, goodPassword);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "86400"]);
  expect(expectLimitHeaders(refused.headers)).toBe("q=10;w=900");
});

test("behind an application's own limit, both stand in the headers", async () => {
  const app = new Hono();
  app.use(rateLimit(world.auth, "50/hour", { name: "in-front" }));
  app.route("/", applicationOf(world.auth));
  const identifier = freshIdentifier();
  const address = freshAddress();
  let reply: Reply | undefined;
  for (let time = 0; time < 11; time++)
    reply = await send(app, {
      method: "POST",
      path: "/auth/sign-in",
      json: { identifier, password: "wrong" },
      headers: { [addressHeader]: address },
    });
  expect(reply!.headers.get("ratelimit")).toBe('"sallyport";r=0;t=900, "50/hour";r=39;t=3600');
  expect(reply!.headers.get("ratelimit-policy")).toBe('"sallyport";q=10;w=900, "50/hour";q=50;w=3600');
});

test("S36: a listed page may read them, and no other page", async () => {
  const identifier = freshIdentifier();
  await repeat(10, () => signIn(identifier));
  for (const [origin, allowed] of [
    [friend, friend],
    ["https://evil.test", null],
  ] as const) {
    const { headers, status } = await post("/v1/credentials/verify", verify(identifier), { origin });
    expect([status, headers.get("access-control-allow-origin")]).toEqual([429, allowed]);
    const exposed = headers.get("access-control-expose-headers")?.split(",") ?? [];
    expect(exposed.includes("RateLimit") && exposed.includes("RateLimit-Policy")).toBe(allowed !== null);
  }
});
const verify = (identifier: string) => ({ type: "password", identifier, proof: { password: "wrong" } });

test("an application's own AuthError: the headers for the limit that it names, and none without one", () => {
  const limit = '"exports";q=3;w=60';
  const named = new AuthError("too_many_requests", { retryAfterSeconds: 7, limit }).getResponse();
  expect([named.headers.get("ratelimit-policy"), named.headers.get("ratelimit")]).toEqual([
    '"exports";q=3;w=60',
    '"exports";r=0;t=7',
  ]);
  const bare = new AuthError("too_many_requests", { retryAfterSeconds: 7 }).getResponse();
  expect([bare.headers.get("retry-after"), bare.headers.has("ratelimit")]).toEqual(["7", false]);
});
