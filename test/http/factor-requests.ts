import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import type { Person } from "../support/auth.ts";
import type { Authenticator } from "../support/authenticator.ts";
import { standIn } from "../support/describe-world.ts";
import { type App, appOf } from "../support/factors.ts";
import { cookiesOf, type Reply, type Sent } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

export type Transport = "token" | "cookie";
export const transports = ["token", "cookie"] as const;
export const start = new Date("2026-11-22T12:00:00Z");

/** A server with a settable clock for the tests of the calling file, and the requests to it. */
export function factorRequests() {
  let opened: HttpWorld;
  beforeAll(async () => {
    opened = await openHttp("pglite");
    await installTestClock(opened.database);
  });
  beforeEach(() => setTestClock(opened.database, start));
  afterAll(() => opened.close());

  const world = standIn(() => opened);
  const post = (path: string, json?: unknown, more: Partial<Sent> = {}): Promise<Reply> =>
    world.send({ method: "POST", path, json, ...more });
  const get = (path: string, more: Partial<Sent>): Promise<Reply> => world.send({ method: "GET", path, ...more });
  const later = (seconds: number) => advanceTestClock(world.database, seconds);

  const as = (token: string, transport: Transport): Partial<Sent> =>
    transport === "token" ? { token } : { cookie: token };
  /** The token in an answer, which is in one place only (S08). */
  function tokenOf(reply: Reply, transport: Transport): string {
    const cookie = cookiesOf(reply)["__Host-session"]?.value;
    expect([reply.status, reply.json?.token === undefined, cookie === undefined]).toEqual([
      reply.status,
      transport === "cookie",
      transport === "token",
    ]);
    return cookie ?? reply.json.token;
  }
  const ticketIn = (ticket: string, transport: Transport): Partial<Sent> => ({
    headers:
      transport === "token"
        ? { "login-ticket": ticket }
        : { cookie: `__Host-login-ticket=${ticket}`, "sec-fetch-site": "same-origin" },
  });
  const codeOf = async (app: App) => ({ type: "totp", code: await app.code() });

  /** Signs in up to the second factor, and returns the ticket. */
  async function pending({ identifier, password }: Pick<Person, "identifier" | "password">, transport: Transport) {
    const reply = await post("/auth/sign-in", { identifier, password, transport });
    expect(reply.status).toBe(401);
    const cookie = cookiesOf(reply)["__Host-login-ticket"];
    expect([cookie?.attributes["max-age"], reply.json.details.ticket === undefined]).toEqual(
      transport === "cookie" ? ["300", true] : [undefined, false],
    );
    expect([cookiesOf(reply)["__Host-session"], reply.json.user]).toEqual([undefined, undefined]);
    return { reply, ticket: (cookie?.value ?? reply.json.details.ticket) as string };
  }

  /** A phone with the secret that an enrollment shows. */
  const phoneOf = ({ json }: Reply): App =>
    appOf(world, { factor: json.factor, secretBase32: json.totp_enrollment.secret_b32 });

  return { world, post, get, later, as, tokenOf, ticketIn, codeOf, pending, phoneOf };
}

/** The options from which the browser makes a key. */
export function creationOf({ json }: Reply): Parameters<Authenticator["create"]>[0] {
  // Under `/auth` they are what a browser takes.
  if (json.webauthn_enrollment.challenge) return json.webauthn_enrollment;
  const { challenge_b64u: challenge, rp_id: id, user_id_b64u: user, ...rest } = json.webauthn_enrollment;
  expect(rest).toEqual({ pub_key_cred_params: expect.any(Array), timeout_ms: 300_000 });
  return { challenge, rp: { id, name: id }, user: { id: user, name: "", displayName: "" } } as never;
}
