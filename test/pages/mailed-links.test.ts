import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authRoutes } from "../../src/http/auth-routes.ts";
import { sql } from "../../src/store/sql.ts";
import { addressHeader, freshAddress, freshIdentifier, goodPassword, otherPassword, outcome } from "../support/auth.ts";
import { addApp } from "../support/factors.ts";
import { mailed, noticeTo, withVerifiedAddress } from "../support/links.ts";
import { openPages, type PageReply, type PageWorld } from "../support/page-world.ts";

const application = "https://app.example.com/in?a=1";
let world: PageWorld;
beforeAll(async () => {
  world = await openPages({ auth: { signUp: "verify-first", returnTo: [application] } });
});
afterAll(() => world.close());

const dead = "This link does not work";

/** The cookies that a reply sets, as a browser keeps them. */
function cookiesOf({ setCookies }: PageReply): Record<string, string> {
  const pairs = setCookies
    .map((one) => /^(__Host-[\w-]+)=([^;]*);(?! Max-Age=0)/.exec(one))
    .filter((one) => one !== null);
  return Object.fromEntries(pairs.map(([, name, value]) => [name!, value!]));
}

const person = async () => {
  const open = { ...world, auth: world.isolate({ signUp: "open" }) };
  const made = await open.auth.signUp({ identifier: freshIdentifier(), password: goodPassword, transport: "token" });
  const { actor, user } = await world.auth.sessions.verify({ token: made.token, transport: "token" });
  return {
    identifier: user.identifier!,
    password: goodPassword,
    userId: user.id,
    credentialId: made.session.credentialId,
    session: made.session,
    token: made.token,
    transport: "token",
    actor,
    knownDevice: made.knownDevice,
  } as const;
};
const verified = async () => await withVerifiedAddress(world, await person());

/** Asks by a form, and reads the message that follows. */
async function asked(path: string, form: Record<string, string>) {
  const before = world.mailbox.messages.length;
  const reply = await world.ask({ path, form });
  await world.mailbox.arrival(form.identifier!, before);
  return {
    ...reply,
    token: world.mailbox.secretTo(form.identifier!),
    code: world.mailbox.codeTo(form.identifier!),
    url: /https:\/\/example\.com(\S+)/.exec(world.mailbox.newestTo(form.identifier!).text)![1]!,
  };
}

describe("a forgotten password", () => {
  test("from the sign-in page to the new password, by the link", async () => {
    const { identifier } = await verified();
    const signInPage = await world.ask({ path: "/sign-in" });
    expect(signInPage.text).toContain('<a href="/forgot">Forgot your password?</a>');
    const sent = await asked("/forgot", { identifier });
    expect([sent.status, sent.location]).toEqual([303, "/check-mail?for=reset_password"]);
    const { token } = sent;
    const opened = await world.ask({ path: `/reset?token=${token}`, headers: { "sec-fetch-site": "cross-site" } });
    expect([opened.status, opened.location, opened.headers.get("referrer-policy")]).toEqual([
      303,
      "/reset",
      "no-referrer",
    ]);
    const cookies = { ...cookiesOf(sent), ...cookiesOf(opened) };
    for (let time = 0; time < 3; time++) await world.ask({ path: `/reset?token=${token}` });
    const page = await world.ask({ path: "/reset", cookies });
    expect([page.text.includes("Choose a new password"), page.text.includes(token)]).toEqual([true, false]);
    const short = await world.ask({ path: "/reset", cookies, form: { password: "tuldnbfp" } });
    expect([short.status, short.text.includes("too short")]).toEqual([400, true]);
    const done = await world.ask({ path: "/reset", cookies, form: { password: otherPassword } });
    expect([done.status, done.text.includes("Your password is changed")]).toEqual([200, true]);
    expect(done.setCookies.join()).toContain("__Host-mailed-link=; Max-Age=0");
    expect(done.setCookies.join()).not.toContain("__Host-session=");
    expect(await outcome(world.auth.verifyPassword({ identifier, password: otherPassword }))).toBe("done");
    const again = await world.ask({ path: "/reset", cookies, form: { password: otherPassword } });
    expect([again.status, again.text.includes(dead)]).toEqual([401, true]);
  });

  test.each([
    [application, `?next=${encodeURIComponent(application)}`],
    ["https://evil.example/", ""],
  ])("next=%s: the sign-in after the reset leads there, if it is a listed place", async (next, query) => {
    const { identifier } = await verified();
    const signInPage = await world.ask({ path: `/sign-in?next=${encodeURIComponent(next)}` });
    expect(signInPage.text).toContain(`<a href="/forgot${query}">`);
    const sent = await asked("/forgot", { identifier, next });
    const opened = await world.ask({ path: sent.url });
    expect(opened.location).toBe(`/reset${query}`);
    const byCode = await world.ask({
      path: "/check-mail",
      cookies: cookiesOf(sent),
      form: { for: "reset_password", code: sent.code, ...(query && { next }) },
    });
    expect(byCode.location).toBe(`/reset${query}`);
    const cookies = cookiesOf(byCode);
    const short = await world.ask({ path: "/reset", cookies, form: { password: "short", next } });
    expect(short.text.includes(`name="next" value="${next}"`)).toBe(query !== "");
    const done = await world.ask({ path: "/reset", cookies, form: { password: otherPassword, next } });
    const review = `/account/review${query}`;
    expect(done.text).toContain(`href="/sign-in?${new URLSearchParams({ next: review })}"`);
  });

  test("R018: the browser sees the same for an address that no account has", async () => {
    const { identifier } = await verified();
    const seen: unknown[] = [];
    for (const address of [identifier, freshIdentifier()]) {
      const reply = await world.ask({ path: "/forgot", form: { identifier: address } });
      const next = await world.ask({ path: reply.location!, cookies: cookiesOf(reply) });
      const mask = (text: string) => text.replace(/mail-request=[\w-]{43}[.][\da-f-]{36}/, "mail-request=…");
      const text = next.text.replace(/name="link" value="[\w-]{22}"/, "");
      seen.push([reply.status, reply.location, reply.setCookies.map(mask), next.status, text]);
    }
    expect(seen[0]).toEqual(seen[1]);
  });

  test("a dead link of a sign-in, opened in the browser that asked, forgets no code and no other link", async () => {
    const { identifier } = await verified();
    const sent = await asked("/sign-in/link/request", { identifier, next: "" });
    const cookies = { ...cookiesOf(sent), "__Host-mailed-link": "A".repeat(43) };
    const opened = await world.ask({ path: "/sign-in/link", cookies });
    expect([opened.text.includes(dead), opened.setCookies]).toEqual([true, []]);
    // The page is the way to a new link, also while the dead one stays in the browser.
    expect(opened.text).toContain('action="/sign-in/link/request"');
    const right = await world.ask({ path: "/check-mail", cookies, form: { for: "sign_in", code: sent.code } });
    expect([right.status, right.location]).toEqual([303, "/sign-in/link"]);
    expect((await world.ask({ path: "/sign-in/link/request", cookies, form: { identifier, next: "" } })).status).toBe(
      303,
    );
  });

  test("by the code, in the browser that asked and in no other", async () => {
    const { identifier } = await verified();
    const sent = await asked("/forgot", { identifier });
    const { code } = sent;
    const cookies = cookiesOf(sent);
    const elsewhere = await world.ask({ path: "/check-mail", form: { for: "reset_password", code } });
    expect([elsewhere.status, elsewhere.text.includes("This code does not work")]).toEqual([401, false]);
    expect((await world.ask({ path: "/check-mail?for=reset_password" })).text).not.toContain('name="code"');
    const wrong = await world.ask({ path: "/check-mail", cookies, form: { for: "reset_password", code: "no" } });
    expect([wrong.status, wrong.text.includes("This code does not work")]).toEqual([401, true]);
    const right = await world.ask({ path: "/check-mail", cookies, form: { for: "reset_password", code } });
    expect([right.status, right.location]).toEqual([303, "/reset"]);
    const done = await world.ask({ path: "/reset", cookies: cookiesOf(right), form: { password: otherPassword } });
    expect(done.text).toContain("Your password is changed");
  });

  test("S22: a browser that the account knows asks for a reset, although strangers have used up the mailbox's messages", async () => {
    const { identifier, knownDevice } = await verified();
    const byForm = async (cookies: Record<string, string> = {}) =>
      (await world.ask({ path: "/forgot", form: { identifier }, cookies })).status;
    for (let time = 0; time < 5; time++) await byForm();
    expect(await byForm()).toBe(429);
    expect(await byForm({ "__Host-known-device": knownDevice })).toBe(303);
    const byRoute = await authRoutes(world.auth).request("/auth/password-reset", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        origin: "https://example.com",
        [addressHeader]: freshAddress(),
        cookie: `__Host-known-device=${knownDevice}`,
      },
      body: JSON.stringify({ identifier }),
    });
    expect(byRoute.status).toBe(200);
  });

  test("S22: by the code in a browser that the account knows, after strangers have closed the address's codes", async () => {
    const { identifier, knownDevice } = await verified();
    const sent = await asked("/forgot", { identifier });
    const cookies = cookiesOf(sent);
    const tried = async (more: Record<string, string>, code = sent.code) => {
      const form = { for: "reset_password", code };
      const byForm = await world.ask({ path: "/check-mail", cookies: { ...cookies, ...more }, form });
      return byForm.status;
    };
    expect(await tried({}, "no")).toBe(401);
    await world.rows(sql`update attempt set streak = 100 where bucket like 'code:%'`);
    expect(await tried({})).toBe(429);
    const known = { "__Host-known-device": knownDevice };
    const byRoute = await authRoutes(world.auth).request("/auth/mailed-code", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        origin: "https://example.com",
        [addressHeader]: freshAddress(),
        cookie: Object.entries({ ...cookies, ...known })
          .map((pair) => pair.join("="))
          .join("; "),
      },
      body: JSON.stringify({ code: "no" }),
    });
    expect(byRoute.status).toBe(401);
    expect(await tried(known)).toBe(303);
  });
});

describe("signing in by mail", () => {
  test("the link signs in, in any browser, and leads where the user was going", async () => {
    const { identifier } = await verified();
    const signInPage = await world.ask({ path: "/sign-in?next=/account%2Ftokens" });
    expect(signInPage.text).toMatch(/<a [^>]*href="\/sign-in\/link\?next=%2Faccount%2Ftokens">Sign in by email<\/a>/);
    const sent = await asked("/sign-in/link/request", { identifier, next: "/account/tokens" });
    expect(sent.location).toBe("/check-mail?for=sign_in&next=%2Faccount%2Ftokens");
    const opened = await world.ask({ path: sent.url, headers: { "sec-fetch-site": "cross-site" } });
    expect(opened.location).toBe("/sign-in/link?next=%2Faccount%2Ftokens");
    const cookies = cookiesOf(opened);
    const page = await world.ask({ path: opened.location!, cookies });
    expect(page.text).toContain("You asked for this link in another browser.");
    expect(
      (await world.ask({ path: opened.location!, cookies: { ...cookies, ...cookiesOf(sent) } })).text,
    ).not.toContain("another browser");
    // The browser that asked is known as long as the link works, not only as long as its code.
    expect(sent.setCookies.join()).toMatch(/__Host-mail-request=[^;]+; Max-Age=3600;/);
    const done = await world.ask({ path: "/sign-in/link", cookies, form: { next: "/account/tokens" } });
    expect([done.status, done.location]).toEqual([303, "/account/tokens"]);
    expect(cookiesOf(done)).toHaveProperty("__Host-session");
  });

  test("a second factor is asked for", async () => {
    const { person } = await addApp(world, await verified());
    const { token } = await mailed(world, "signIn", person.identifier);
    const done = await world.ask({ path: "/sign-in/link", cookies: { "__Host-mailed-link": token }, form: {} });
    expect(done.location).toMatch(/^\/sign-in\/second-factor\?with=totp/);
    expect(cookiesOf(done)).not.toHaveProperty("__Host-session");
  });

  test("a spent link says so, and its cookie goes", async () => {
    const cookies = { "__Host-mailed-link": "A".repeat(43) };
    const done = await world.ask({ path: "/sign-in/link", cookies, form: {} });
    expect([done.status, done.text.includes(dead)]).toEqual([401, true]);
    expect(done.setCookies.join()).toContain("__Host-mailed-link=; Max-Age=0");
  });

  test("a path of another site is no place to go on to", async () => {
    const { identifier } = await verified();
    const sent = await asked("/sign-in/link/request", { identifier, next: "https://evil.example" });
    expect(sent.location).toBe("/check-mail?for=sign_in&next=%2Faccount");
  });
});

describe("signing up with a mailed link", () => {
  test.each(["link", "code"] as const)("the %s leads back to the application that asked for it", async (way) => {
    const next = encodeURIComponent(application);
    const first = await world.ask({ path: `/sign-up?next=${next}` });
    expect(first.text).toContain('name="next" value="https://app.example.com/in?a=1"');
    const identifier = freshIdentifier();
    const sent = await asked("/sign-up", { identifier, next: application });
    expect(sent.location).toBe(`/check-mail?for=sign_up&next=${next}`);
    const opened =
      way === "link"
        ? await world.ask({ path: sent.url })
        : await world.ask({
            path: "/check-mail",
            cookies: cookiesOf(sent),
            form: { for: "sign_up", code: sent.code, next: application },
          });
    expect(opened.location).toBe(`/sign-up/finish?next=${next}`);
    const cookies = cookiesOf(opened);
    const page = await world.ask({ path: opened.location!, cookies });
    expect(page.text).toContain('name="next" value="https://app.example.com/in?a=1"');
    const form = { password: goodPassword, next: application };
    const short = await world.ask({ path: "/sign-up/finish", cookies, form: { ...form, password: "short" } });
    expect(short.text).toContain('name="next" value="https://app.example.com/in?a=1"');
    const done = await world.ask({ path: "/sign-up/finish", cookies, form });
    expect([done.status, done.location]).toEqual([303, application]);
  });

  test.each(["https://evil.example/", "//evil.example", "https://app.example.com/in?a=1#"])(
    "open redirect: next=%s leads to the usual place",
    async (next) => {
      const sent = await asked("/sign-up", { identifier: freshIdentifier(), next });
      expect([sent.location, sent.url.includes("next")]).toEqual(["/check-mail?for=sign_up", false]);
      const done = await world.ask({
        path: "/sign-up/finish",
        cookies: { "__Host-mailed-link": sent.token },
        form: { password: goodPassword, next },
      });
      expect([done.status, done.location]).toEqual([303, "/account"]);
    },
  );

  test("from the sign-in page to the account", async () => {
    const identifier = freshIdentifier();
    expect((await world.ask({ path: "/sign-in" })).text).toContain('<a href="/sign-up">Sign up</a>');
    const form = await world.ask({ path: "/sign-up" });
    expect(form.text).not.toContain('name="password"');
    const { token, ...sent } = await asked("/sign-up", { identifier });
    expect([sent.status, sent.location]).toEqual([303, "/check-mail?for=sign_up"]);
    const opened = await world.ask({ path: `/sign-up/finish?token=${token}` });
    expect(opened.location).toBe("/sign-up/finish");
    const cookies = cookiesOf(opened);
    const short = { password: "tuldnbfp", display_name: "Ada" };
    const refused = await world.ask({ path: "/sign-up/finish", cookies, form: short });
    expect([refused.status, refused.text.includes('value="Ada"')]).toEqual([400, true]);
    const done = await world.ask({ path: "/sign-up/finish", cookies, form: { ...short, password: goodPassword } });
    expect([done.status, done.location]).toEqual([303, "/account"]);
    const session = cookiesOf(done)["__Host-session"]!;
    const { user } = await world.auth.sessions.verify({ token: session, transport: "cookie" });
    expect(user).toMatchObject({ identifier, identifierVerified: true, displayName: "Ada" });
  });

  test("with no address, it says what is wanted", async () => {
    const { status, text } = await world.ask({ path: "/sign-up", form: { identifier: "ada" } });
    expect([status, text.includes("Enter one email address")]).toEqual([400, true]);
  });

  test("if the address was taken in the meantime, it leads to the sign-in page", async () => {
    const identifier = freshIdentifier();
    const { token } = await mailed(world, "signUp", identifier);
    const open = world.isolate({ signUp: "open" });
    await open.signUp({ identifier, password: otherPassword });
    const cookies = { "__Host-mailed-link": token };
    const { status, text } = await world.ask({ path: "/sign-up/finish", cookies, form: { password: goodPassword } });
    expect([status, text.includes('You already have an account. <a href="/sign-in">Sign in</a>')]).toEqual([409, true]);
  });
});

describe("“this was not me”", () => {
  test("opening the link changes nothing; the button locks the account and mails the way back", async () => {
    const ada = await person();
    const token = await noticeTo(world, ada);
    const opened = await world.ask({ path: `/not-me?token=${token}`, headers: { "sec-fetch-site": "cross-site" } });
    expect([opened.status, opened.location]).toEqual([303, "/not-me"]);
    const cookies = cookiesOf(opened);
    const page = await world.ask({ path: "/not-me", cookies });
    expect([page.text.includes("Lock my account"), page.text.includes(token)]).toEqual([true, false]);
    expect(await outcome(world.auth.verifyPassword(ada))).toBe("done");
    const before = world.mailbox.messages.length;
    const done = await world.ask({ path: "/not-me", cookies, form: {} });
    expect([done.status, done.text.includes("Your account is locked")]).toEqual([200, true]);
    expect(await outcome(world.auth.verifyPassword(ada))).toBe("unauthorized.invalid_credential");
    await world.mailbox.arrival(ada.identifier, before);
    const reset = await world.ask({ path: `/reset?token=${world.mailbox.secretTo(ada.identifier)}` });
    const changed = await world.ask({ path: "/reset", cookies: cookiesOf(reset), form: { password: otherPassword } });
    expect(changed.text).toContain("Your password is changed");
    const again = await world.ask({ path: "/not-me", cookies, form: {} });
    expect([again.status, again.text.includes(dead)]).toEqual([401, true]);
  });
});

describe("without the feature, or its option", () => {
  test.each([
    "/forgot",
    "/reset",
    "/sign-in/link",
    "/check-mail",
    "/sign-up/finish",
    "/not-me",
    "/address",
    "/address/back",
    "/recover",
  ])("%s does not exist", async (path) => {
    const { Hono } = await import("hono");
    const { pages } = await import("../../src/pages/index.tsx");
    const { mail: _mail, ...without } = world.auth;
    const app = new Hono().route("/", pages({ ...without, mail: undefined } as never));
    const reply = await app.request(path, { headers: { "x-test-address": "192.0.2.1" } });
    expect(reply.status).toBe(404);
  });

  test("users cannot sign in by mail if the option is off", async () => {
    const { Hono } = await import("hono");
    const { pages } = await import("../../src/pages/index.tsx");
    const off = world.isolate({ mail: { mailer: world.mailbox, signIn: false } });
    const app = new Hono().route("/", pages(off));
    const ask = async (path: string) => await app.request(path, { headers: { "x-test-address": "192.0.2.1" } });
    expect((await ask("/sign-in/link")).status).toBe(404);
    expect(await (await ask("/sign-in")).text()).not.toContain("Sign in by email");
  });
});
