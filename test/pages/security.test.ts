/** The pages' refusals, requested without a browser. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goodPassword, type Person } from "../support/auth.ts";
import { pageRoutes, pages } from "../support/every-page.ts";
import { addApp } from "../support/factors.ts";
import { origin as ours } from "../support/http.ts";
import { changeWatcher } from "../support/http-world.ts";
import { askPages, openPages, type PageWorld, type SentToPage } from "../support/page-world.ts";

let world: PageWorld;
let lastChange: () => Promise<string>;
let ada: Person;
beforeAll(async () => {
  world = await openPages();
  lastChange = changeWatcher(world);
  ada = await world.person({ transport: "cookie" });
});
afterAll(() => world.close());

const acts = pageRoutes.filter(({ takes }) => takes !== "nothing");
const shown = pageRoutes.filter(({ takes }) => takes === "nothing");
const usersActs = acts.filter(({ access }) => access === "user");

/** An empty request for an act. */
const asked = ({ path, takes }: (typeof acts)[number]): SentToPage =>
  takes === "form" ? { path, form: {} } : { path, json: {} };

test("pages: the list to test is not empty", () => {
  expect([acts.length > 25, shown.length > 6, usersActs.length > 15]).toEqual([true, true, true]);
});

describe("R058, S13: form posts from other origins", () => {
  const sites = [undefined, "same-origin", "same-site", "cross-site", "none"] as const;
  const origins = [undefined, ours, "null", "https://evil.example"] as const;
  const isProved = (site: string | undefined, origin: string | undefined, hasCookie: boolean): boolean => {
    if (site !== undefined) return site === "same-origin";
    return origin !== undefined ? origin === ours : !hasCookie;
  };

  test.each(acts.map((act) => [act.path, act] as const))("POST %s", async (_path, act) => {
    // An invalid session: nothing must happen even with the proof.
    const nobody = { "__Host-session": "A".repeat(43) };
    const before = await lastChange();
    for (const site of sites) {
      for (const origin of origins) {
        for (const cookies of [{}, nobody]) {
          if (isProved(site, origin, cookies === nobody)) continue;
          const { path, form, json } = asked(act);
          const headers = {
            "content-type": form ? "application/x-www-form-urlencoded" : "application/json",
            ...(site !== undefined && { "sec-fetch-site": site }),
            ...(origin !== undefined && { origin }),
            ...(cookies === nobody && { cookie: `__Host-session=${"A".repeat(43)}` }),
          };
          const body = form ? "" : JSON.stringify(json);
          const reply = await world.app.request(path, { method: "POST", headers, body });
          expect([site, origin, reply.status, reply.headers.getSetCookie()]).toEqual([site, origin, 403, []]);
        }
      }
    }
    expect(await lastChange()).toBe(before);
  });

  test("a form post from another site with a live session: no effect", async () => {
    const before = await lastChange();
    for (const act of acts) {
      const reply = await world.ask({ ...asked(act), as: ada, headers: { "sec-fetch-site": "cross-site" } });
      expect([act.path, reply.status, reply.setCookies]).toEqual([act.path, 403, []]);
    }
    expect(await lastChange()).toBe(before);
  });
});

describe("page access", () => {
  const dead = [
    ["anonymous", undefined],
    ["an unknown session", { token: "A".repeat(43) }],
  ] as const;

  test.each(dead)("S19: %s: redirected to sign-in and back, without touching a cookie", async (_name, as) => {
    for (const row of pageRoutes.filter(({ access }) => access === "user")) {
      const sent = row.takes === "nothing" ? { path: row.path } : asked(row);
      const reply = await world.ask({ ...sent, ...(as && { as }) });
      const there = `/sign-in?${new URLSearchParams({ next: row.belongsTo, why: as ? "ended" : "no-session" })}`;
      if (row.takes === "json") {
        expect([row.path, reply.status, JSON.parse(reply.text).location]).toEqual([row.path, 401, there]);
      } else {
        expect([row.path, reply.status, reply.location]).toEqual([row.path, 303, there]);
      }
      expect(reply.setCookies).toEqual([]);
    }
  });

  test("S04: a stale session: redirected to step-up and back", async () => {
    const { person } = await addApp(world, await world.person({ transport: "cookie" }));
    const forms: readonly (readonly [string, Record<string, string>])[] = [
      ["/account/password", { current_password: goodPassword, new_password: "tuldnbfpgycjxwrh" }],
      ["/account/authenticator", { label: "phone" }],
      ["/account/recovery-codes", {}],
      ["/account/tokens/new", { name: "n", scopes: "", expires: "30" }],
    ];
    await world.age(person.session, 3600);
    for (const [path, form] of forms) {
      const reply = await world.ask({ path, form, as: person });
      if (path === "/account/password") {
        // Its form holds nothing but secrets, which no page keeps.
        expect([reply.status, reply.location]).toEqual([303, "/account/step-up?next=%2Faccount%2Fpassword"]);
        continue;
      }
      expect([path, reply.status, reply.text.includes("Confirm that it&#39;s you")]).toEqual([path, 200, true]);
      expect(reply.text).toContain(`name="next" value="${path}"`);
    }
    const options = await world.ask({ path: "/account/passkeys/options", json: {}, as: person });
    expect([options.status, JSON.parse(options.text).location]).toEqual([
      401,
      "/account/step-up?next=%2Faccount%2Fpasskeys%2Fnew",
    ]);
  });

  test("another user's objects: 404, for an administrator too", async () => {
    const { app, person: owner } = await addApp(world, await world.person({ transport: "cookie" }));
    const { pat } = await world.auth.personalAccessTokens.create({
      actor: owner.actor,
      userId: owner.userId,
      name: "n",
      scope: [],
    });
    const administrator = await world.person({ transport: "cookie" });
    await world.makeAdministrator(administrator.userId);
    await world.levelTwo(administrator.session);
    const before = await lastChange();
    for (const as of [ada, administrator]) {
      for (const [path, form] of [
        ["/account/sessions/revoke", { session_id: owner.session.id }],
        ["/account/tokens/revoke", { token_id: pat.id }],
        ["/account/passkeys/remove", { passkey_id: owner.credentialId }],
        ["/account/passkeys/rename", { passkey_id: owner.credentialId, name: "mine" }],
        ["/account/authenticator/remove", { factor_id: app.factorId }],
        ["/account/authenticator/confirm", { factor_id: app.factorId, code: "000000" }],
        ["/account/sessions/revoke", { session_id: "no id" }],
      ] as const) {
        const reply = await world.ask({ path, form, as });
        expect([path, [400, 403, 404, 409].includes(reply.status)]).toEqual([path, true]);
        expect([path, reply.text.includes('role="alert"')]).toEqual([path, true]);
      }
    }
    expect(await lastChange()).toBe(before);
    // Her own password is not a passkey, and cannot be removed as one.
    const own = await world.ask({ path: "/account/passkeys/remove", form: { passkey_id: ada.credentialId }, as: ada });
    expect(own.status).toBe(404);
  });
});

describe("page requests", () => {
  const large = "a".repeat(64 * 1024 + 1);
  const stream = () =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(new TextEncoder().encode("a".repeat(1024))),
    });

  test.each(acts.map((act) => [act.path, act] as const))(
    "POST %s: bounded, and of one media type",
    async (path, act) => {
      const type = act.takes === "form" ? "application/x-www-form-urlencoded" : "application/json";
      const headers = { "content-type": type };
      const before = await lastChange();
      // The act that ends a session is the only one without fields.
      const tooLarge = [
        await world.ask({ path, body: large, headers, as: ada }),
        await world.ask({ path, body: stream(), headers, as: ada }),
      ];
      expect(tooLarge.map(({ status }) => status)).toEqual([413, 413]);
      for (const other of [
        "text/plain",
        "multipart/form-data; boundary=x",
        act.takes === "form" ? "application/json" : "application/x-www-form-urlencoded",
        `${type}, text/plain`,
        "",
      ]) {
        const reply = await world.ask({ path, body: "a=b", headers: { "content-type": other }, as: ada });
        expect([other, reply.status]).toEqual([other, 415]);
      }
      const broken = await world.ask({ path, body: act.takes === "form" ? "a=1&a=2" : "[]", headers, as: ada });
      expect(broken.status).toBe(400);
      expect(await lastChange()).toBe(before);
    },
  );

  test.each(shown.map(({ path }) => path))("R060: GET %s changes nothing", async (path) => {
    const before = await lastChange();
    for (const method of ["GET", "HEAD"]) {
      const reply = await world.ask({ method, path, as: ada, headers: { "sec-fetch-site": "cross-site" } });
      // A page about one thing needs to know which, one for administrators is there for them alone, and there are no terms.
      const mayBeAbsent = /\/(rename|remove|revoke)$|^\/account\/(invitations|terms|organizations\/)/.test(path);
      expect([200, 303, ...(mayBeAbsent ? [404] : [])]).toContain(reply.status);
      expect(reply.setCookies).toEqual([]);
    }
    expect(await lastChange()).toBe(before);
  });

  test.each(acts.filter(({ path }) => !shown.some((row) => row.path === path)).map((act) => [act.path, act] as const))(
    "GET %s: redirects to its page",
    async (path, { belongsTo }) => {
      const reply = await world.ask({ path });
      expect([reply.status, reply.location]).toEqual([303, belongsTo]);
    },
  );
});

describe("page output", () => {
  const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(1)>`;
  const isHarmless = (text: string): boolean => !text.includes("<script>alert") && !text.includes("<img");

  test("user text is escaped", async () => {
    const person = await world.person({ transport: "cookie", identifier: "<script>alert(1)</script>@example.com" });
    const named = await world.ask({ path: "/account/name", form: { display_name: hostile }, as: person });
    expect(named.location).toBe("/account?done=name");
    await world.ask({
      path: "/account/tokens/new",
      form: { name: hostile, scopes: "<script>alert(1)</script>", expires: "30" },
      as: person,
    });
    await world.ask({ path: "/account/authenticator", form: { label: hostile }, as: person });
    const pages = await Promise.all(
      ["/account", "/account/name", "/account/tokens", "/account/authenticator"].map((path) =>
        world.ask({ path, as: person }),
      ),
    );
    for (const { status, text } of pages) {
      expect([status, isHarmless(text), /&lt;script&gt;alert/.test(text)]).toEqual([200, true, true]);
    }
  });

  test.each([
    { path: "/sign-in", form: { identifier: hostile, password: hostile, next: hostile } },
    { path: "/sign-up", form: { identifier: hostile, password: "short", display_name: hostile } },
    { path: `/sign-in?next=${encodeURIComponent(hostile)}` },
    {
      path: `/sign-in/second-factor?with=${encodeURIComponent(hostile)}&next=${encodeURIComponent(hostile)}`,
      cookies: { "__Host-login-ticket": "A" },
    },
    { path: `/sign-in/enroll?next=${encodeURIComponent(hostile)}`, cookies: { "__Host-login-ticket": "A" } },
  ] satisfies SentToPage[])("request text is escaped: $path", async (sent) => {
    const reply = await world.ask(sent);
    expect(reply.headers.get("content-type")).toMatch(/^text\/html/);
    expect(isHarmless(reply.text)).toBe(true);
  });

  test("secret fields are never filled in again", async () => {
    const password = "hunter2 hunter2 hunter2";
    const replies = [
      await world.ask({ path: "/sign-in", form: { identifier: "nobody@example.com", password } }),
      await world.ask({ path: "/sign-up", form: { identifier: "no body", password } }),
      await world.ask({
        path: "/account/password",
        form: { current_password: password, new_password: password },
        as: ada,
      }),
    ];
    for (const { text } of replies)
      expect([text.includes(password), text.includes('role="alert"')]).toEqual([false, true]);
  });

  test("R064: every answer has a Content-Security-Policy and is not cached", async () => {
    const replies = [
      ...(await Promise.all(shown.map(({ path }) => world.ask({ path, as: ada })))),
      ...(await Promise.all(
        acts.map((act) => world.ask({ ...asked(act), headers: { "sec-fetch-site": "cross-site" } })),
      )),
      await world.ask({ path: "/account" }),
    ];
    for (const { headers, text } of replies) {
      expect(headers.get("content-security-policy")).toBe(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      );
      expect(
        Object.fromEntries(
          [
            "cache-control",
            "x-content-type-options",
            "referrer-policy",
            "cross-origin-opener-policy",
            "x-frame-options",
          ].map((name) => [name, headers.get(name)]),
        ),
      ).toEqual({
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "x-frame-options": "DENY",
      });
      expect(headers.get("permissions-policy")).toContain("publickey-credentials-get=(self)");
      expect(text).not.toMatch(/<script(?! src=)|<style|\sstyle=|\son\w+=|javascript:|data:/);
    }
  });

  test("a foreign link cannot make the page report a success", async () => {
    const path = "/account/security?done=password";
    const [own, foreign] = [
      await world.ask({ path, as: ada }),
      await world.ask({ path, as: ada, headers: { "sec-fetch-site": "cross-site" } }),
    ];
    expect([own.text.includes("Password changed"), foreign.text.includes("Password changed")]).toEqual([true, false]);
  });

  test("an internal fault: no detail in the page, and reported", async () => {
    const errors: unknown[] = [];
    const auth = world.isolate({ onError: (error) => errors.push(error) });
    const app = pages({
      ...auth,
      sessions: { ...auth.sessions, verify: () => Promise.reject(new Error("canary")) },
    });
    const reply = await askPages(app, { path: "/account", as: { token: "A".repeat(43) } });
    expect([reply.status, reply.text.includes("canary"), errors.length]).toEqual([500, false, 1]);
  });
});
