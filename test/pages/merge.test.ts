/** OC49: merging two accounts on the pages. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { english } from "../../src/pages/index.tsx";
import { otherPassword, outcome, type Person, system } from "../support/auth.ts";
import { addApp } from "../support/factors.ts";
import { openPages, type PageReply, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

const path = "/account/merge";
const person = (password?: string) => world.person({ transport: "cookie", ...(password && { password }) });
const waiting = ({ token }: Person) => ({ "__Host-kept-session": token });
const cookieIn = (reply: PageReply, name: string) =>
  new RegExp(`^__Host-${name}=([^;]*)`, "m").exec(reply.setCookies.join("\n"))?.[1];
const confirm = (ending: Person, kept: Person) =>
  world.ask({ path, as: ending, cookies: waiting(kept), form: { users: `${ending.userId} ${kept.userId}` } });
const statusOf = async ({ userId }: Person) => (await world.auth.users.get({ actor: system, userId })).status;

describe("OC49: merging on the pages", () => {
  test("the profile leads to it; it says which account stays, and leads to the sign-in", async () => {
    const keeper = await person();
    expect((await world.ask({ path: "/account", as: keeper })).text).toContain(`href="${path}"`);
    const page = await world.ask({ path, as: keeper });
    expect(page.text).toContain(`<bdi>${keeper.identifier}</bdi>`);
    const begun = await world.ask({ path: `${path}/begin`, as: keeper, form: {} });
    expect([begun.status, begun.location]).toEqual([303, "/sign-in?next=%2Faccount%2Fmerge"]);
    expect([cookieIn(begun, "kept-session"), cookieIn(begun, "session")]).toEqual([keeper.token, ""]);
  });

  test("signed out instead: the session that waits has ended too", async () => {
    const keeper = await person();
    const done = await world.ask({ path: "/sign-out", cookies: waiting(keeper), form: {} });
    expect([done.status, cookieIn(done, "kept-session")]).toEqual([303, ""]);
    expect(await outcome(world.auth.sessions.verify({ token: keeper.token, transport: "cookie" }))).not.toBe("done");
  });

  test("the account closed instead: the session that waits has ended too", async () => {
    const [keeper, other] = [await person(), await person()];
    const form = { current_password: other.password };
    const done = await world.ask({ path: "/account/close", as: other, cookies: waiting(keeper), form });
    expect([done.status, cookieIn(done, "kept-session"), cookieIn(done, "session")]).toEqual([200, "", ""]);
    expect(await outcome(world.auth.sessions.verify({ token: keeper.token, transport: "cookie" }))).not.toBe("done");
  });

  test("begun again from the other account: the session that waited has ended", async () => {
    const [keeper, other] = [await person(), await person()];
    const begun = await world.ask({ path: `${path}/begin`, as: other, cookies: waiting(keeper), form: {} });
    expect([begun.status, cookieIn(begun, "kept-session")]).toEqual([303, other.token]);
    const verified = [keeper, other].map(({ token }) =>
      outcome(world.auth.sessions.verify({ token, transport: "cookie" })),
    );
    expect(await Promise.all(verified)).toEqual(["unauthorized.session_expired", "done"]);
  });

  test("after the sign-in to the other account it asks, names both, and merges", async () => {
    const [keeper, other] = [await person(), await person(otherPassword)];
    const form = { identifier: other.identifier, password: otherPassword, next: path };
    const signedIn = await world.ask({ path: "/sign-in", cookies: waiting(keeper), form });
    expect([signedIn.status, signedIn.location]).toEqual([303, path]);
    const as = { token: cookieIn(signedIn, "session")! };
    const page = await world.ask({ path, as, cookies: waiting(keeper) });
    expect(page.text).toContain(
      `linked account of <bdi>${other.identifier}</bdi> will then sign in to <bdi>${keeper.identifier}</bdi>`,
    );
    expect(page.text).toContain(`formaction="${path}/cancel"`);
    const users = /name="users" value="([^"]*)"/.exec(page.text)![1]!;
    const merged = await world.ask({ path, as, cookies: waiting(keeper), form: { users } });
    expect([merged.status, merged.location]).toEqual([303, "/account?done=merge"]);
    expect([cookieIn(merged, "session"), cookieIn(merged, "kept-session")]).toEqual([keeper.token, ""]);
    expect(await statusOf(other)).toBe("revoked");
    const done = await world.ask({ path: "/account?done=merge", as: keeper });
    expect(done.text).toContain(english.texts["merge.done"]);
    expect(done.text).toContain(other.identifier);
  });

  test("a form about other accounts, after a sign-in in another tab: asks again, and merges nothing", async () => {
    const [keeper, other, third] = [await person(), await person(), await person()];
    const form = { users: `${other.userId} ${keeper.userId}` };
    for (const [as, kept] of [
      [third, keeper],
      [other, third],
    ] as const) {
      const reply = await world.ask({ path, as, cookies: waiting(kept), form });
      expect([reply.status, reply.text.includes(`<bdi>${as.identifier}</bdi>`)]).toEqual([200, true]);
    }
    expect([await statusOf(other), await statusOf(third)]).toEqual(["active", "active"]);
  });

  test("cancelled: the other account is signed out, and the browser is in the one that waited", async () => {
    const [keeper, other] = [await person(), await person()];
    const reply = await world.ask({ path: `${path}/cancel`, as: other, cookies: waiting(keeper), form: {} });
    expect([reply.status, reply.location, cookieIn(reply, "session")]).toEqual([303, "/account", keeper.token]);
    expect(await outcome(world.auth.sessions.verify(other))).not.toBe("done");
    expect(await statusOf(other)).toBe("active");
  });

  describe("a refusal in words", () => {
    test("the session that waited is not fresh, or has ended", async () => {
      const [keeper, other] = [await person(), await person()];
      await world.age(keeper.session, 601);
      const over = english.texts["merge.over"];
      expect((await confirm(other, keeper)).text).toContain(over);
      await world.auth.sessions.signOut(keeper);
      expect((await confirm(other, keeper)).text).toContain(over);
      expect(await statusOf(other)).toBe("active");
    });

    test("the same account", async () => {
      const keeper = await person();
      const again = await world.signIn(keeper, { transport: "cookie" });
      expect((await confirm(again, keeper)).text).toContain(english.texts["error.conflict.same_user"]);
    });

    test("a second factor on one side", async () => {
      const { person: other } = await addApp(world, await person());
      expect((await confirm(other, await person())).text).toContain(english.texts["merge.factor"]);
    });

    test("an administrator", async () => {
      const { token, userId } = await person();
      await world.makeAdministrator(userId);
      const { session } = await world.auth.sessions.verify({ token, transport: "cookie" });
      await world.levelTwo(session);
      const reply = await world.ask({ path: `${path}/begin`, as: { token }, form: {} });
      expect([reply.status, reply.text.includes(english.texts["error.forbidden"])]).toEqual([403, true]);
    });
  });

  test("a proof that is too old: asked for again, then back to the page", async () => {
    const keeper = await person();
    await world.age(keeper.session, 601);
    const asked = await world.ask({ path: `${path}/begin`, as: keeper, form: {} });
    expect(asked.text).toContain('name="act"');
    const act = /name="act" value="([^"]*)"/.exec(asked.text)![1]!;
    const form = { type: "password", password: keeper.password, act };
    const proved = await world.ask({ path: "/account/step-up", as: keeper, form });
    expect([proved.status, proved.location]).toEqual([303, path]);
  });

  test("a form of another site: refused", async () => {
    const [keeper, other] = [await person(), await person()];
    const headers = { "sec-fetch-site": "cross-site" };
    for (const at of ["/begin", "", "/cancel"]) {
      const reply = await world.ask({ path: `${path}${at}`, as: other, cookies: waiting(keeper), form: {}, headers });
      expect([reply.status, reply.setCookies]).toEqual([403, []]);
    }
    expect(await statusOf(other)).toBe("active");
  });
});
