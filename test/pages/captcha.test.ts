/** The captcha that forms of strangers ask for after a first limit. @module */
import { Hono } from "hono";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { turnstile, turnstileWidget } from "../../src/checkers/turnstile.ts";
import { type FormCaptcha, type FormCaptchaOptions, formCaptcha } from "../../src/http/rate-limit.ts";
import { AuthError, ConfigurationError } from "../../src/index.ts";
import { german } from "../../src/pages/german.ts";
import { english, failurePage, type PagesOptions } from "../../src/pages/index.tsx";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import {
  addressHeader,
  type FullOptions,
  freshAddress,
  freshIdentifier,
  goodPassword,
  openAuth,
  otherPassword,
  type World,
} from "../support/auth.ts";
import { pageRoutes, pages } from "../support/every-page.ts";
import { askPages, type PageReply, type SentToPage, withoutTerms } from "../support/page-world.ts";
import { openStandIn, replyJson, replyWith, type StandIn } from "../support/stand-in.ts";

const policy =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const provider = "https://challenges.cloudflare.com";
const policyWithWidget =
  "default-src 'none'; style-src 'self'; script-src 'self' https://challenges.cloudflare.com; frame-src https://challenges.cloudflare.com; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const script = `<script src="${provider}/turnstile/v0/api.js" async="" defer=""></script>`;
const siteKey = "0x4AAAAAAA_site-key";
const secretKey = "0x4AAAAAAA-secret-8d2e";
const field = "cf-turnstile-response";

let world: World;
let service: StandIn;
beforeAll(async () => {
  world = await openAuth("pglite");
  await installTestClock(world.database);
  await setTestClock(world.database, new Date("2030-01-01T00:00:00Z"));
  service = await openStandIn("/turnstile/v0/siteverify");
});
beforeEach(() => {
  service.replies = [replyJson({ success: true, hostname: "example.com", "error-codes": [] })];
  service.asked.length = 0;
});
afterAll(async () => {
  await service.close();
  await world.close();
});

const captchaOf = (more: Partial<FormCaptchaOptions> = {}): FormCaptcha =>
  formCaptcha(turnstile({ secretKey, hostnames: ["example.com"], url: service.url }), {
    widget: turnstileWidget({ siteKey }),
    after: "1/minute",
    ...more,
  });

/** Pages with a captcha, asked from one address. */
function site(options: { auth?: Partial<FullOptions>; pages?: PagesOptions; captcha?: FormCaptcha } = {}) {
  const { captcha = captchaOf() } = options;
  const auth = world.isolate({ database: world.counting, ...options.auth });
  const app = new Hono().route("/", pages(withoutTerms(auth), { captcha, ...options.pages }));
  const address = freshAddress();
  const ask = (sent: SentToPage): Promise<PageReply> =>
    askPages(app, { ...sent, headers: { [addressHeader]: address, ...sent.headers } });
  return { app, ask, address };
}

/** A form that may ask for a captcha. */
interface AskingForm {
  readonly auth?: Partial<FullOptions>;
  /** What is typed. */
  readonly form: () => Promise<Record<string, string>> | Record<string, string>;
  /** Of it, what the page shows again. */
  readonly kept: readonly string[];
  /** The path of the page that the form leads to when it is accepted, or the text that the form's own answer has. */
  readonly leadsTo: string;
}

/** Every form that may ask for a captcha. A new row of the pages with `again` needs a row here. */
const forms: Readonly<Record<string, AskingForm | readonly AskingForm[]>> = {
  "/sign-in": {
    form: async () => ({
      identifier: (await world.person()).identifier,
      password: goodPassword,
      remember: "yes",
      next: "",
    }),
    kept: ["identifier"],
    leadsTo: "/account",
  },
  "/sign-up": [
    {
      form: () => ({ identifier: freshIdentifier(), password: otherPassword, display_name: 'Ada "<b>" & Co' }),
      kept: ["identifier", "display_name"],
      leadsTo: "/account",
    },
    {
      auth: { signUp: "verify-first" },
      form: () => ({ identifier: freshIdentifier() }),
      kept: ["identifier"],
      leadsTo: "/check-mail?for=sign_up",
    },
  ],
  "/forgot": {
    form: async () => ({ identifier: (await world.person()).identifier }),
    kept: ["identifier"],
    leadsTo: "/check-mail?for=reset_password",
  },
  "/sign-in/link/request": {
    form: async () => ({ identifier: (await world.person()).identifier, next: "/account/devices" }),
    kept: ["identifier", "next"],
    leadsTo: "/check-mail?for=sign_in&next=%2Faccount%2Fdevices",
  },
};
const rows = Object.entries(forms).flatMap(([path, list]) =>
  [list].flat().map((row) => [`${path}${row.auth?.signUp ? ` (${row.auth.signUp})` : ""}`, path, row] as const),
);

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** The form of a page with this action. */
const formOf = (text: string, action: string): string =>
  [...text.matchAll(/<form [^>]*action="([^"]*)"[^>]*>(.*?)<\/form>/gs)].find(([, found]) => found === action)![2]!;

/** Nothing of a captcha. */
function expectNone({ headers, text }: PageReply, about: string): void {
  expect([about, headers.get("content-security-policy"), headers.get("referrer-policy")]).toEqual([
    about,
    policy,
    "same-origin",
  ]);
  expect([about, /turnstile|challenges\.cloudflare|captcha/i.exec(text)?.[0]]).toEqual([about, undefined]);
}

/** A form that asks for a captcha. */
function expectAsked({ status, headers, text }: PageReply, path: string, sentence: string): void {
  expect(status).toBe(429);
  const wait = headers.get("retry-after");
  expect(Number(wait)).toBeGreaterThan(0);
  expect(headers.get("ratelimit")).toMatch(new RegExp(`^"[\\d/a-z]+";r=0;t=${wait}$`));
  expect(headers.get("ratelimit-policy")).toMatch(/^"[\d/a-z]+";q=\d+;w=\d+$/);
  expect(headers.get("content-security-policy")).toBe(policyWithWidget);
  expect(headers.get("referrer-policy")).toBe("strict-origin-when-cross-origin");
  expect(text.split(script)).toHaveLength(2);
  const form = formOf(text, path);
  expect(form).toContain(`<div class="cf-turnstile" data-sitekey="${siteKey}" data-size="flexible"></div>`);
  expect(text.split('class="cf-turnstile"')).toHaveLength(2);
  expect(text).toContain(`<p class="error" role="alert">${sentence}</p>`);
  // In front of the button, with what to do without it.
  expect(form).toMatch(
    /class="captcha".*challenges\.cloudflare\.com.*JavaScript|JavaScript.*challenges\.cloudflare\.com.*<button type="submit">/s,
  );
  expect(text).toContain("in 60 seconds you can send it without the check");
}

const required = english.texts["error.captcha_required"];
const failed = english.texts["error.captcha_failed"];

test("the table has every form that may ask for a captcha", () => {
  const paths = pageRoutes.filter((row) => "again" in row).map(({ path }) => path);
  expect(paths.length).toBeGreaterThan(3);
  expect(Object.keys(forms).sort()).toEqual(paths.sort());
});

describe.each(rows)("%s", (_title, path, { auth, form, kept, leadsTo }) => {
  const opened = () => site({ auth: auth ?? {} });
  /** Uses up the limit with a form that is refused for another reason, and returns what is typed next. */
  const usedUp = async ({ ask }: ReturnType<typeof site>) => {
    await ask({ path, form: { identifier: "two words", password: "x" } });
    return await form();
  };
  const changes = async () =>
    (
      await world.rows<{ n: number }>(sql`
        select (select count(*) from usr) + (select count(*) from mail_message) + (select count(*) from ses)
          + (select count(*) from verification_token) as n`)
    ).map(({ n }) => Number(n))[0]!;

  test("before the limit: no captcha, and no token is checked", async () => {
    const { ask } = opened();
    const { status, location } = await ask({ path, form: { ...(await form()), [field]: "token" } });
    expect([status, location]).toEqual([303, leadsTo]);
    expect(service.asked).toEqual([]);
  });

  test("past the limit: the form again with the widget and what was typed, but no password; nothing is done", async () => {
    const here = opened();
    const typed = await usedUp(here);
    const before = await changes();
    world.hasher.reset();
    const reply = await here.ask({ path, form: typed });
    expectAsked(reply, path, required);
    for (const name of kept)
      expect([name, reply.text.includes(`value="${escaped(typed[name]!)}"`)]).toEqual([name, true]);
    expect(reply.text).not.toContain("<b>");
    for (const password of [goodPassword, otherPassword]) expect(reply.text).not.toContain(password);
    expect(reply.setCookies).toEqual([]);
    expect([world.hasher.computations, await changes(), service.asked]).toEqual([0, before, []]);
  });

  test("with a solved captcha: goes on, and the provider has seen the token and the address", async () => {
    const here = opened();
    const typed = await usedUp(here);
    const { status, location } = await here.ask({ path, form: { ...typed, [field]: "token-of-ada" } });
    expect([status, location]).toEqual([303, leadsTo]);
    expect(service.asked.map(({ text }) => JSON.parse(text))).toMatchObject([
      { secret: secretKey, response: "token-of-ada", remoteip: here.address },
    ]);
    // The next one needs another.
    expectAsked(await here.ask({ path, form: typed }), path, required);
  });

  test("with a wrong or used token: asked again, and nothing is done", async () => {
    const here = opened();
    const typed = await usedUp(here);
    service.replies = [replyJson({ success: false, "error-codes": ["timeout-or-duplicate"] })];
    const before = await changes();
    world.hasher.reset();
    expectAsked(await here.ask({ path, form: { ...typed, [field]: "used" } }), path, failed);
    expect([world.hasher.computations, await changes()]).toEqual([0, before]);
  });

  test("after ten checks: the time to wait, and no widget", async () => {
    const here = opened();
    const typed = await usedUp(here);
    for (let time = 0; time < 10; time++) await here.ask({ path, form: typed });
    const reply = await here.ask({ path, form: { ...typed, [field]: "token" } });
    expect(reply.status).toBe(429);
    expectNone(reply, path);
    expect(formOf(reply.text, path)).toContain("Too many attempts. Try again in 60 seconds.");
    expect(service.asked).toEqual([]);
  });

  test("a provider that cannot be asked admits nothing: 503, the form again, and the operator learns of it", async () => {
    const errors: unknown[] = [];
    const here = site({ auth: { ...auth, onError: (error: unknown) => void errors.push(error) } });
    const typed = await usedUp(here);
    service.replies = [replyWith(500, "")];
    const before = await changes();
    const reply = await here.ask({ path, form: { ...typed, [field]: "token" } });
    expect(reply.status).toBe(503);
    expectNone(reply, path);
    expect(formOf(reply.text, path)).toContain(english.texts["error.unavailable.busy"]);
    expect(await changes()).toBe(before);
    expect(errors).toMatchObject([{ code: "unavailable.busy" }]);
    expect(JSON.stringify(errors)).not.toContain(secretKey);
  });

  test("after the window: no captcha", async () => {
    const here = opened();
    const typed = await usedUp(here);
    await advanceTestClock(world.database, 60);
    expect((await here.ask({ path, form: typed })).status).toBe(303);
  });

  test("from another site: refused before it counts or asks", async () => {
    const here = opened();
    const typed = await usedUp(here);
    const reply = await here.ask({
      path,
      form: typed,
      headers: { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    });
    expect(reply.status).toBe(403);
    expectNone(reply, path);
  });

  test("S58: the same for an address that has an account and one that has none", async () => {
    const seen: unknown[] = [];
    for (const identifier of [(await world.person()).identifier, freshIdentifier()]) {
      const here = opened();
      const typed = { ...(await usedUp(here)), identifier };
      for (const token of [undefined, "", "token"]) {
        if (token) service.replies = [replyJson({ success: false, "error-codes": ["invalid-input-response"] })];
        world.counting.reset();
        world.hasher.reset();
        const { status, text } = await here.ask({
          path,
          form: { ...typed, ...(token !== undefined && { [field]: token }) },
        });
        const work = [world.counting.requests, [...world.counting.statements], world.hasher.computations];
        seen.push([status, text.replaceAll(identifier, "").replace(/value="[^"]*"/g, ""), work]);
      }
    }
    expect(seen.slice(3)).toEqual(seen.slice(0, 3));
    expect((seen[0] as unknown[])[2]).toMatchObject([1, expect.anything(), 0]);
  });

  test("in German", async () => {
    const here = site({ auth: auth ?? {}, pages: { languages: [english, german] } });
    const typed = await usedUp(here);
    const { text } = await here.ask({ path, form: typed, headers: { "accept-language": "de" } });
    expect(text).toContain(german.texts["error.captcha_required"]);
    expect(text).toContain("In 60 Sekunden können Sie es ohne Prüfung senden.");
  });
});

test("a form without its feature stays a page that is not found", async () => {
  const closed = site({ auth: { signUp: "closed" } });
  for (let time = 0; time < 3; time++) {
    const reply = await closed.ask({ path: "/sign-up", form: { identifier: freshIdentifier() } });
    expect(reply.status).toBe(404);
    expectNone(reply, "/sign-up");
  }
  const withoutLinks = site({ auth: { mail: { mailer: world.mailbox, signIn: false } } });
  for (let time = 0; time < 3; time++) {
    const reply = await withoutLinks.ask({ path: "/sign-in/link/request", form: { identifier: freshIdentifier() } });
    expect(reply.status).toBe(404);
    expectNone(reply, "/sign-in/link/request");
  }
});

test("no other page has anything of a captcha, also while its client is asked for one", async () => {
  const { ask } = site();
  const person = await world.person({ transport: "cookie" });
  const asked = () => ask({ path: "/sign-in", form: { identifier: person.identifier, password: otherPassword } });
  await asked();
  expectAsked(await asked(), "/sign-in", required);
  let seen = 0;
  for (const { path, takes } of pageRoutes) {
    if (takes === "form" && path === "/sign-in") continue;
    // One form of each, so that no other has used up its own limit.
    for (const as of takes === "form" ? [undefined] : [person, undefined]) {
      const sent = takes === "form" ? { form: {} } : takes === "json" ? { json: {} } : {};
      expectNone(await ask({ path, ...sent, ...(as && { as }) }), path);
      seen += 1;
    }
  }
  expect(seen).toBeGreaterThan(100);
});

test("each form counts for itself, and each client", async () => {
  const { app, ask } = site();
  const form = { identifier: freshIdentifier(), password: otherPassword };
  const statuses = [];
  for (const path of ["/sign-in", "/sign-in", "/forgot", "/forgot"]) statuses.push((await ask({ path, form })).status);
  expect(statuses).toEqual([401, 429, 303, 429]);
  expect((await askPages(app, { path: "/sign-in", form })).status).toBe(401);
});

test("below a base path, with an action, a key of the application's and another provider", async () => {
  const widget = {
    scriptUrl: "https://captcha.example:8443/api.js?a=1&b=2",
    attributes: { class: "some-captcha", "data-key": '"><script>' },
    field: "some-response",
  };
  const tokens: string[] = [];
  const check = {
    async verify(token: string) {
      tokens.push(token);
      return token === "solved";
    },
  };
  const captcha = formCaptcha(check, { widget, after: "1/hour", key: () => "everyone" });
  const { app } = site({ captcha, pages: { basePath: "/me" } });
  const form = { identifier: freshIdentifier(), password: otherPassword };
  expect((await askPages(app, { path: "/me/sign-in", form })).status).toBe(401);
  const { headers, text } = await askPages(app, { path: "/me/sign-in", form: { ...form, [field]: "solved" } });
  expect(headers.get("content-security-policy")).toBe(
    policyWithWidget.replaceAll(provider, "https://captcha.example:8443"),
  );
  expect(text).toContain('<script src="https://captcha.example:8443/api.js?a=1&amp;b=2" async="" defer="">');
  expect(text).toContain('<div class="some-captcha" data-key="&quot;&gt;&lt;script&gt;"></div>');
  expect(text).toContain("captcha.example:8443");
  expect((await askPages(app, { path: "/me/sign-in", form: { ...form, "some-response": "solved" } })).status).toBe(401);
  expect(tokens).toEqual(["solved"]);
  expect(turnstileWidget({ siteKey, action: "sign-in" }).attributes).toMatchObject({ "data-action": "sign-in" });
});

test("failurePage: a refusal of an application's own route names the time to wait, and shows no widget", async () => {
  const captcha = captchaOf();
  const app = new Hono();
  app.get("/thing", () => {
    throw new AuthError("too_many_requests", { retryAfterSeconds: 30, details: { reason: "captcha_required" } });
  });
  app.onError((error, c) => failurePage(error, c, { captcha }));
  const reply = await askPages(app, { path: "/thing" });
  expect([reply.status, reply.headers.get("retry-after")]).toEqual([429, "30"]);
  // The application has named no limit.
  expect([reply.headers.get("ratelimit"), reply.headers.get("ratelimit-policy")]).toEqual([null, null]);
  expectNone(reply, "/thing");
  expect(reply.text).toContain("Too many attempts. Try again in 30 seconds.");
});

describe("options", () => {
  const check = { verify: async () => true };
  const widget = turnstileWidget({ siteKey });

  test.each<[string, unknown, unknown]>([
    ["rate", check, { widget, after: "often" }],
    ["rate", check, { widget }],
    ["key", check, { widget, after: "1/minute", key: "user" }],
    ["captcha", {}, { widget, after: "1/minute" }],
    ["captcha", undefined, { widget, after: "1/minute" }],
    ["widget", check, { after: "1/minute" }],
    ["widget", check, { widget: {}, after: "1/minute" }],
    ["widget", check, { widget: { ...widget, scriptUrl: "javascript:alert(1)" }, after: "1/minute" }],
    ["widget", check, { widget: { ...widget, scriptUrl: "/api.js" }, after: "1/minute" }],
    ["widget", check, { widget: { ...widget, scriptUrl: "http://captcha.example/api.js" }, after: "1/minute" }],
    ["widget", check, { widget: { ...widget, field: undefined }, after: "1/minute" }],
  ])("formCaptcha: a wrong %s is refused when the application starts", (option, captcha, options) => {
    expect(() => formCaptcha(captcha as never, options as never)).toThrow(
      expect.objectContaining({ name: "TypeError", option }) as Error,
    );
  });

  test.each([
    ["siteKey", {}],
    ["siteKey", { siteKey: "" }],
    ["siteKey", { siteKey: 'a"b' }],
    ["action", { siteKey, action: "sign in" }],
    ["scriptUrl", { siteKey, scriptUrl: "http://captcha.example/api.js" }],
    ["scriptUrl", { siteKey, scriptUrl: "api.js" }],
  ])("turnstileWidget: a wrong %s is refused: %j", (option, options) => {
    expect(() => turnstileWidget(options as never)).toThrow(
      expect.objectContaining({ name: "TypeError", option }) as Error,
    );
  });

  test.each([[true], [{}], [check]])("pages: %j is no captcha", (captcha) => {
    expect(() => pages(world.auth, { captcha: captcha as never })).toThrow(ConfigurationError);
  });
});
