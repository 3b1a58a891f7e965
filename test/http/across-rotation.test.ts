/** A request in flight with the cookie that another tab has just rotated. */
import { hc } from "hono/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AuthApp, acrossRotation } from "../../src/http/index.ts";
import { type FullAuth, goodPassword, otherPassword } from "../support/auth.ts";
import { cookiesOf, origin, readReply } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
});
afterAll(() => world.close());

/** A browser's cookie, which all its tabs share. `beforeNext` runs when the next request is on its way with its cookie. */
async function browser() {
  const person = await world.person({ transport: "cookie" });
  const state = { cookie: person.token, sent: 0, beforeNext: undefined as (() => Promise<void>) | undefined };
  const send = (async (input: string | Request, init: RequestInit = {}) => {
    state.sent++;
    const request = new Request(input, init);
    request.headers.set("cookie", `__Host-session=${state.cookie}`);
    request.headers.set("origin", origin);
    request.headers.set("sec-fetch-site", "same-origin");
    const wait = state.beforeNext;
    state.beforeNext = undefined;
    await wait?.();
    const response = await world.app.request(request);
    const set = cookiesOf(await readReply(response.clone()))["__Host-session"];
    if (set) state.cookie = set.value;
    return response;
  }) as typeof fetch;
  const rotate = async (): Promise<void> => {
    expect((await send(`${origin}/auth/refresh`, { method: "POST" })).status).toBe(200);
    state.sent--;
  };
  const client = hc<AuthApp<FullAuth>>(origin, { fetch: acrossRotation(send) });
  return { person, state, send, rotate, client };
}

describe("a request in flight with a cookie that another tab has replaced", () => {
  test("without the wrapper: 401 `unauthorized.session_expired`, no cookie is cleared, and the next request succeeds", async () => {
    const { state, send, rotate } = await browser();
    state.beforeNext = rotate;
    const reply = await readReply(await send(`${origin}/auth/session`));
    expect([reply.status, reply.code, reply.setCookies]).toEqual([401, "unauthorized.session_expired", []]);
    expect((await send(`${origin}/auth/session`)).status).toBe(200);
  });

  test("the typed client asks once more", async () => {
    const { person, state, rotate, client } = await browser();
    state.beforeNext = rotate;
    const response = await client.auth.session.$get();
    expect(response.ok && (await response.json()).user.id).toBe(person.userId);
    expect(state.sent).toBe(2);
  });

  test("a POST with a body, and a Request, are sent again with their bodies", async () => {
    const { state, rotate, client, send } = await browser();
    state.beforeNext = rotate;
    const named = await client.auth.user.$put({ json: { display_name: "Ada" } });
    expect(named.ok && (await named.json()).display_name).toBe("Ada");
    state.beforeNext = rotate;
    const body = JSON.stringify({ current_password: goodPassword, new_password: otherPassword });
    const headers = { "content-type": "application/json" };
    const request = new Request(`${origin}/auth/password`, { method: "POST", body, headers });
    expect((await acrossRotation(send)(request)).status).toBe(200);
  });

  test.each([
    {
      case: "a session that has ended: once more, and no further",
      given: async ({ person }: Awaited<ReturnType<typeof browser>>) => {
        await world.auth.sessions.revoke({ actor: person.actor, sessionId: person.session.id });
      },
      sent: 2,
      code: "unauthorized.session_expired",
    },
    {
      case: "another refusal: not again",
      given: async ({ state }: Awaited<ReturnType<typeof browser>>) => {
        state.cookie = "A".repeat(43);
      },
      sent: 1,
      code: "unauthorized.invalid_token",
    },
  ])("$case", async ({ given, sent, code }) => {
    const one = await browser();
    await given(one);
    const reply = await readReply((await one.client.auth.session.$get()) as unknown as Response);
    expect([reply.code, one.state.sent]).toEqual([code, sent]);
  });

  test("an application's own 401, and a streamed body: not again", async () => {
    let sent = 0;
    const refuse = (body: string) =>
      acrossRotation((async () => {
        sent++;
        return new Response(body, { status: 401 });
      }) as typeof fetch);
    for (const body of ["", "null", "nobody", '{"code":"unauthorized"}']) {
      expect((await refuse(body)(origin)).status).toBe(401);
    }
    const stream = new Blob(["x"]).stream();
    await refuse('{"code":"unauthorized.session_expired"}')(origin, { method: "POST", body: stream });
    expect(sent).toBe(5);
  });
});
