/** OC49 in a browser: the session of the kept account waits in a cookie of its own. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { otherPassword, outcome, type Person, system } from "../support/auth.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
});
afterAll(() => world.close());

/** A browser: it keeps the cookies that it is given, and forgets those that end. */
function browser(cookies: Map<string, string> = new Map()) {
  return {
    cookies,
    async post(path: string, json?: unknown, headers: Record<string, string> = {}) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const reply = await world.send({
        method: "POST",
        path,
        json,
        headers: { "sec-fetch-site": "same-origin", cookie, ...headers },
      });
      for (const set of reply.setCookies) {
        const [, name, value, rest] = /^([^=]+)=([^;]*)(.*)$/.exec(set)!;
        expect(rest).toMatch(/; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
        if (rest!.includes("Max-Age=0")) cookies.delete(name!);
        else cookies.set(name!, value!);
      }
      return reply;
    },
  };
}

const [session, kept] = ["__Host-session", "__Host-kept-session"];
const person = (password?: string) => world.person({ transport: "cookie", ...(password && { password }) });
const signedIn = ({ token }: Person) => browser(new Map([[session, token]]));
const lives = async ({ token }: Person) =>
  (await outcome(world.auth.sessions.verify({ token, transport: "cookie" }))) === "done";
const signInAs = async (at: ReturnType<typeof browser>, { identifier, password }: Person) =>
  expect((await at.post("/auth/sign-in", { identifier, password, transport: "cookie" })).status).toBe(200);

describe("OC49: merging in a browser", () => {
  test("set aside, sign in to the other account, merge: the browser is in the kept account", async () => {
    const [keeper, other] = [await person(), await person(otherPassword)];
    const at = signedIn(keeper);
    const begun = await at.post("/auth/merge/begin");
    expect(begun.status).toBe(204);
    expect(begun.setCookies.find((cookie) => cookie.startsWith(kept))).toContain("Max-Age=600");
    expect([...at.cookies.keys()]).toEqual([kept]);

    await signInAs(at, other);
    // The sign-in has not replaced the session that waits.
    expect(await lives(keeper)).toBe(true);
    const merged = await at.post("/auth/merge");
    expect(merged.json).toMatchObject({
      user: { id: keeper.userId },
      session: { usr_id: keeper.userId, current: true },
    });
    expect(at.cookies.get(session)).toBe(keeper.token);
    expect(at.cookies.has(kept)).toBe(false);
    expect(await lives(other)).toBe(false);
  });

  test("ids of accounts that the browser is not in any more: nothing is merged", async () => {
    const [keeper, other, third] = [await person(), await person(otherPassword), await person()];
    const at = signedIn(keeper);
    await at.post("/auth/merge/begin");
    await signInAs(at, other);
    const confirmed = { usr_id: other.userId, into_usr_id: keeper.userId };
    for (const wrong of [
      { ...confirmed, usr_id: third.userId },
      { ...confirmed, into_usr_id: third.userId },
      { usr_id: keeper.userId, into_usr_id: other.userId },
    ]) {
      expect((await at.post("/auth/merge", wrong)).code).toBe("unauthorized.session_expired");
    }
    expect((await at.post("/auth/merge", { usr_id: "ada" })).code).toBe("invalid_format.body");
    expect((await at.post("/auth/merge", confirmed)).json.user.id).toBe(keeper.userId);
    expect((await world.auth.users.get({ actor: system, userId: other.userId })).status).toBe("revoked");
  });

  test("cancelled: the other session ends, and the browser goes back", async () => {
    const [keeper, other] = [await person(), await person(otherPassword)];
    const at = signedIn(keeper);
    await at.post("/auth/merge/begin");
    await signInAs(at, other);
    const token = at.cookies.get(session)!;
    expect((await at.post("/auth/merge/cancel")).status).toBe(204);
    expect(Object.fromEntries(at.cookies)).toMatchObject({ [session]: keeper.token });
    expect(at.cookies.has(kept)).toBe(false);
    expect(await lives({ ...other, token })).toBe(false);
    // The account of the other person is as it was.
    expect(await outcome(world.signIn(other))).toBe("done");
  });

  test("cancelled before a sign-in: the browser goes back", async () => {
    const keeper = await person();
    const at = signedIn(keeper);
    await at.post("/auth/merge/begin");
    await at.post("/auth/merge/cancel");
    expect(at.cookies.get(session)).toBe(keeper.token);
  });

  test("cancelled although the session that waits has ended: the present one stays", async () => {
    const [keeper, other] = [await person(), await person(otherPassword)];
    const at = signedIn(keeper);
    await at.post("/auth/merge/begin");
    await world.auth.sessions.signOut({ token: keeper.token, transport: "cookie" });
    await signInAs(at, other);
    const token = at.cookies.get(session)!;
    await at.post("/auth/merge/cancel");
    expect(Object.fromEntries(at.cookies)).toMatchObject({ [session]: token });
    expect(await lives({ ...other, token })).toBe(true);
  });

  test("begun again from the other account: the session that waited has ended, and not the one that waits now", async () => {
    const [keeper, other] = [await person(), await person(otherPassword)];
    const at = signedIn(keeper);
    await at.post("/auth/merge/begin");
    await signInAs(at, other);
    const token = at.cookies.get(session)!;
    const begun = await at.post("/auth/merge/begin");
    expect([begun.status, begun.setCookies.filter((cookie) => cookie.startsWith(kept)).length]).toEqual([204, 1]);
    expect([at.cookies.get(kept), at.cookies.has(session)]).toEqual([token, false]);
    expect([await lives(keeper), await lives({ ...other, token })]).toEqual([false, true]);
  });

  test("begun again although that is refused: the session that waits goes on", async () => {
    const [keeper, administrator] = [await person(), await person()];
    await world.makeAdministrator(administrator.userId);
    const at = browser(
      new Map([
        [session, administrator.token],
        [kept, keeper.token],
      ]),
    );
    expect((await at.post("/auth/merge/begin")).code).toBe("forbidden");
    expect([await lives(keeper), at.cookies.get(kept)]).toEqual([true, keeper.token]);
  });

  test("begun with one session in both cookies: it waits, and has not ended", async () => {
    const keeper = await person();
    const at = browser(
      new Map([
        [session, keeper.token],
        [kept, keeper.token],
      ]),
    );
    await at.post("/auth/merge/begin");
    expect([await lives(keeper), Object.fromEntries(at.cookies)]).toEqual([true, { [kept]: keeper.token }]);
  });

  test("signed out before it ends: the session that waits has ended too, so the next person at the browser does not get it", async () => {
    const [keeper, other] = [await person(), await person(otherPassword)];
    for (const signsIn of [true, false]) {
      const again = await world.signIn(keeper, { transport: "cookie" });
      const at = signedIn({ ...keeper, ...again });
      await at.post("/auth/merge/begin");
      if (signsIn) await signInAs(at, other);
      const waits = at.cookies.get(kept)!;
      expect((await at.post("/auth/sign-out")).status).toBe(204);
      expect([at.cookies.has(session), at.cookies.has(kept)]).toEqual([false, false]);
      expect(await lives({ ...keeper, token: waits })).toBe(false);
    }
  });

  test("a bearer that signs out leaves the browser's session that waits", async () => {
    const [keeper, bearer] = [await person(), await world.person()];
    const at = browser(new Map([[kept, keeper.token]]));
    await at.post("/auth/sign-out", undefined, { authorization: `Bearer ${bearer.token}` });
    expect([await lives(keeper), at.cookies.get(kept)]).toEqual([true, keeper.token]);
  });

  test.each(["/auth/merge/begin", "/auth/merge", "/auth/merge/cancel"])("another site cannot: %s", async (path) => {
    const [keeper, other] = [await person(), await person()];
    const at = browser(
      new Map([
        [session, other.token],
        [kept, keeper.token],
      ]),
    );
    const reply = await at.post(path, undefined, { "sec-fetch-site": "cross-site", origin: "https://evil.example" });
    expect([reply.status, reply.code, reply.setCookies]).toEqual([403, "forbidden.cross_origin", []]);
    expect([await lives(keeper), await lives(other)]).toEqual([true, true]);
  });

  test("a token that is no session's, or a bearer's, does not count as the one that waits", async () => {
    const [bearer, other] = [await world.person(), await person()];
    for (const token of ["A".repeat(43), bearer.token, "x"]) {
      const at = browser(
        new Map([
          [session, other.token],
          [kept, token],
        ]),
      );
      expect((await at.post("/auth/merge")).code).toBe("unauthorized.session_expired");
    }
  });
});
