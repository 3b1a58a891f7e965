/** The pages of the account, and what an application can set about them, requested without a browser. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { activityEvent } from "../../src/domain/activity.ts";
import { ConfigurationError } from "../../src/index.ts";
import { contrast } from "../../src/pages/brand-style.ts";
import { english, type PagesAuth, type PagesOptions } from "../../src/pages/index.tsx";
import { missingSteps } from "../../src/pages/safety.tsx";
import { freshAddress, freshIdentifier, outcome, type Person, system } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { pages } from "../support/every-page.ts";
import { addApp } from "../support/factors.ts";
import { askPages, formKeyIn, openPages, type PageWorld } from "../support/page-world.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

const cookieIn = (setCookies: readonly string[]) => /^__Host-session=([^;]+)/m.exec(setCookies.join("\n"))?.[1];

describe("how safe the account is", () => {
  const nothing = { isAddressProved: null, passkeys: 0, hasFactor: false, codes: 0 };
  test.each([
    ["a password alone", nothing, ["factor"]],
    ["an address that is not confirmed", { ...nothing, isAddressProved: false }, ["address", "factor"]],
    ["one passkey", { ...nothing, passkeys: 1 }, ["second-passkey"]],
    ["two passkeys", { ...nothing, passkeys: 2 }, []],
    ["an app without codes", { ...nothing, hasFactor: true }, ["codes"]],
    ["an app with three codes", { ...nothing, hasFactor: true, codes: 3 }, ["more-codes"]],
    ["an app with four codes", { ...nothing, hasFactor: true, codes: 4, isAddressProved: true }, []],
    ["an app and a passkey", { ...nothing, hasFactor: true, passkeys: 1 }, []],
  ] as const)("%s: %j, next %j", (_name, proofs, steps) => {
    expect(missingSteps(proofs)).toEqual(steps);
  });

  test("the page shows the next step, and none once the account is safe", async () => {
    // No message can reach a user name, so nothing is to be confirmed.
    const [identifier] = freshIdentifier().split("@");
    const { person } = await addApp(world, await world.person({ transport: "cookie", identifier: identifier! }));
    const before = await world.ask({ path: "/account", as: person });
    expect(before.text).toContain('<a class="button" href="/account/recovery-codes">Create recovery codes</a>');
    await world.auth.factors.replaceRecoveryCodes({ actor: person.actor });
    const after = await world.ask({ path: "/account", as: person });
    expect(after.text).not.toContain("Create recovery codes");
  });
});

describe("closing the account", () => {
  const close = (as: Person, current_password: string) =>
    world.ask({ path: "/account/close", form: { current_password }, as });

  test("a wrong password closes nothing; the right one ends the account and says so", async () => {
    const person = await world.person({ transport: "cookie" });
    const wrong = await close(person, "wrong wrong wrong");
    expect([wrong.status, wrong.text.includes("The current password is wrong.")]).toEqual([401, true]);
    const done = await close(person, person.password);
    expect([done.status, done.text.includes("Your account is closed")]).toEqual([200, true]);
    expect(done.setCookies).toEqual([expect.stringMatching(/^__Host-session=; Max-Age=0/)]);
    expect(await outcome(world.auth.sessions.verify(person))).toBe("unauthorized.session_expired");
    const { identifier, password } = person;
    expect((await world.ask({ path: "/sign-in", form: { identifier, password } })).status).toBe(401);
  });

  test("the only owner of an organization is asked whether it ends too; a wrong password keeps the choice", async () => {
    const person = await world.person({ transport: "cookie" });
    const { actor, userId } = person;
    const { organization } = await world.auth.organizations.create({ actor, userId });
    const box = 'name="end_organizations" value="yes"';
    expect((await world.ask({ path: "/account/close", as: person })).text).not.toContain(box);
    const asked = await close(person, person.password);
    expect([asked.status, asked.text.includes(box), asked.text.includes("checked")]).toEqual([409, true, false]);
    const end = (current_password: string) =>
      world.ask({ path: "/account/close", form: { current_password, end_organizations: "yes" }, as: person });
    const wrong = await end("wrong wrong wrong");
    expect([wrong.status, wrong.text.includes(`${box} checked`)]).toEqual([401, true]);
    expect((await end(person.password)).text).toContain("Your account is closed");
    const ended = await world.auth.organizations.get({ actor: system, organizationId: organization.id });
    expect(ended.status).toBe("revoked");
  });

  test("an account without a password: closed in a fresh session alone, and a stale one proves a passkey first", async () => {
    const { person, authenticator } = await usersWithPasskeys(world).withPasskey();
    await world.auth.credentials.revoke({ actor: system, credentialId: person.credentialId });
    const signedIn = async () => {
      const response = await authenticator.get(await world.auth.signIn.passkeyOptions());
      const context = { address: freshAddress() };
      return await world.auth.signIn.passkey({ response, transport: "cookie", context });
    };
    const close = (as: { token: string }) => world.ask({ path: "/account/close", form: {}, as });
    const old = await signedIn();
    expect((await world.ask({ path: "/account/close", as: old })).text).not.toContain("current_password");
    await world.age(old.session, 3600);
    const asked = await close(old);
    expect([asked.status, asked.text.includes("After that, you can close your account.")]).toEqual([200, true]);
    expect((await close(await signedIn())).text).toContain("Your account is closed");
  });

  test("no password in the form: an account that has one is refused, and its counter does not move", async () => {
    const person = await world.person({ transport: "cookie" });
    const refused = await world.ask({ path: "/account/close", form: {}, as: person });
    expect([refused.status, refused.text.includes("The current password is wrong.")]).toEqual([401, true]);
    expect(await outcome(world.auth.sessions.verify(person))).toBe("done");
  });

  test("a reload of the page that says so leads to the sign-in page", async () => {
    const person = await world.person({ transport: "cookie" });
    await close(person, person.password);
    const again = await close(person, person.password);
    expect([again.status, again.location]).toEqual([303, "/sign-in?next=%2Faccount%2Fclose&why=ended"]);
  });
});

describe("security keys", () => {
  test("added as a second factor only, and removed", async () => {
    const person = await world.person({ transport: "cookie" });
    const post = async (path: string, json: unknown, token = person.token) =>
      await world.ask({ path, json, as: { token } });
    const authenticator = await newAuthenticator({ counts: true, backup: false });
    const { factor_id, ...options } = JSON.parse((await post("/account/security-keys/options", {})).text);
    const response = await authenticator.create(options);
    const stranger = await world.person({ transport: "cookie" });
    const stolen = await post("/account/security-keys", { response, factor_id }, stranger.token);
    expect(stolen.status).toBeGreaterThanOrEqual(400);
    for (const id of [undefined, 1, "", "mfa_x", "constructor"]) {
      expect([400, 404, 409]).toContain((await post("/account/security-keys", { response, factor_id: id })).status);
    }
    const added = await post("/account/security-keys", { response, factor_id });
    expect(JSON.parse(added.text)).toEqual({ location: "/account/security?done=security-key" });
    const token = cookieIn(added.setCookies)!;
    const { text } = await world.ask({ path: "/account/security", as: { token } });
    const place = /\/account\/security-keys\/remove\?factor_id=(mfa_[0-9a-f]+)/.exec(text)!;
    expect(place[1]).toBe(factor_id);
    expect((await world.ask({ path: place[0], as: stranger })).status).toBe(404);
    expect((await world.ask({ path: place[0], as: { token } })).text).toContain("Remove this security key?");
    const removed = await world.ask({ path: "/account/security-keys/remove", form: { factor_id }, as: { token } });
    expect(removed.location).toBe("/account/security?done=no-security-key");
  });

  test("an authenticator app is no security key", async () => {
    const { person, app } = await addApp(world, await world.person({ transport: "cookie" }));
    const form = { factor_id: app.factorId };
    expect((await world.ask({ path: "/account/security-keys/remove", form, as: person })).status).toBe(404);
  });
});

describe("access tokens", () => {
  const at = (app: ReturnType<typeof pages>, person: Person) => async (form?: Record<string, string>) =>
    await askPages(app, { path: "/account/tokens/new", as: person, ...(form && { form }) });

  test.each([
    ["30", 30],
    ["60", 60],
    ["90", 90],
  ])("expires in %s days", async (expires, days) => {
    const person = await world.person({ transport: "cookie" });
    const made = await world.ask({ path: "/account/tokens/new", form: { name: "n", scopes: "", expires }, as: person });
    expect(made.status).toBe(200);
    const { data } = await world.auth.personalAccessTokens.list({ actor: person.actor, userId: person.userId });
    const left = (data[0]!.expiresAt!.getTime() - Date.now()) / 86_400_000;
    expect(Math.abs(left - days)).toBeLessThan(0.1);
  });

  test("never expires only by choice", async () => {
    const person = await world.person({ transport: "cookie" });
    const { text } = await world.ask({ path: "/account/tokens/new", as: person });
    expect(text).toMatch(/<option value="30" selected/);
    await world.ask({ path: "/account/tokens/new", form: { name: "n", scopes: "", expires: "never" }, as: person });
    const { data } = await world.auth.personalAccessTokens.list({ actor: person.actor, userId: person.userId });
    expect(data[0]!.expiresAt).toBeNull();
  });

  test("scopes from a list: only those that were offered, kept through a proof", async () => {
    const tokenScopes = [
      { scope: "docs:read", text: "Read <b>documents</b>" },
      { scope: "docs:write", text: "Change documents" },
    ];
    const person = await world.person({ transport: "cookie" });
    const ask = at(pages(world.auth, { tokenScopes }), person);
    const page = await ask();
    expect(page.text).toContain("Read &lt;b&gt;documents&lt;/b&gt;");
    const form_key = formKeyIn(page.text, "/account/tokens/new")!;
    const form = { name: "n", expires: "30", "scope:docs:write": "on", "scope:admin": "on", scopes: "admin", form_key };
    await world.age(person.session, 3600);
    const asked = await ask(form);
    const act = /name="act" value="([^"]*)"/.exec(asked.text)![1]!;
    const made = await askPages(pages(world.auth, { tokenScopes }), {
      path: "/account/step-up",
      form: { type: "password", password: person.password, act },
      as: person,
    });
    expect(made.text).toContain("Your new token");
    const { actor } = await world.auth.sessions.verify({ token: cookieIn(made.setCookies)!, transport: "cookie" });
    const { data } = await world.auth.personalAccessTokens.list({ actor, userId: person.userId });
    expect(data.map(({ scope }) => scope)).toEqual([["docs:write"]]);
  });
});

describe("the brand", () => {
  const styleOf = async (options: PagesOptions) => {
    const app = pages(world.auth, options);
    const page = await askPages(app, { path: "/sign-in" });
    const style = await app.request("/pages/brand.css");
    return { page: page.text, style: style.status === 200 ? await style.text() : undefined };
  };

  test("without a color or rules: no second style sheet", async () => {
    const { page, style } = await styleOf({});
    expect([page.includes("brand.css"), style]).toEqual([false, undefined]);
  });

  test("a logo, a color and rules of the application's own", async () => {
    const brand = { name: "Acme", logoPath: "/logo.svg", accent: "#ffe000" };
    const { page, style } = await styleOf({ brand, css: ".brand { text-transform: uppercase; }" });
    expect(page).toContain('<link rel="stylesheet" href="/pages/brand.css"/>');
    expect(page).toContain('<img src="/logo.svg" alt=""/>');
    // Black on yellow can be read, and yellow links on white cannot.
    expect(style).toContain("--accent: #ffe000; --on-accent: #000000; --link: var(--text);");
    expect(style).toContain("text-transform: uppercase");
  });

  test("text on any color can be read", () => {
    for (let red = 0; red < 256; red += 17) {
      for (let green = 0; green < 256; green += 17) {
        const color = `#${[red, green, 136].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
        expect(Math.max(contrast(color, "#ffffff"), contrast(color, "#000000"))).toBeGreaterThan(4.5);
      }
    }
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 5);
    expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
  });

  test.each([
    ["brand.accent", { brand: { accent: "red" } }],
    ["brand.accent", { brand: { accent: "#fff" } }],
    ["brand.accent", { brand: { accent: "#ffffff; } body { display: none" } }],
    ["brand.accent", { brand: { accent: { light: "#112233", dark: "x" } } }],
    ["brand.logoPath", { brand: { logoPath: "https://evil.example/logo.svg" } }],
    ["brand.logoPath", { brand: { logoPath: "//evil.example/logo.svg" } }],
    ["tokenScopes", { tokenScopes: [{ scope: "a b", text: "" }] }],
    ["tokenScopes", { tokenScopes: [{ scope: "", text: "" }] }],
  ] as const)("%s: %j is refused", (option, options) => {
    expect(() => pages(world.auth, options)).toThrow(ConfigurationError);
    expect(() => pages(world.auth, options)).toThrow(option);
  });
});

describe("activity", () => {
  test("a user reads what has happened, page by page, and nothing of another user", async () => {
    const person = await world.person({ transport: "cookie" });
    const { identifier } = person;
    const other = await world.person({ transport: "cookie", identifier: "eve-of-other-events@example.com" });
    await world.ask({ path: "/sign-in", form: { identifier, password: "wrong" } });
    for (let time = 0; time < 60; time++) {
      await world.auth.users.update({ actor: person.actor, userId: person.userId, displayName: `Ada ${time}` });
    }
    const newest = await world.ask({ path: "/account/activity", as: person });
    expect(newest.text.match(/<h3>Name changed/g)).toHaveLength(50);
    const cursor = /\/account\/activity\?cursor=([^"]+)"/.exec(newest.text)![1]!;
    const older = await world.ask({ path: `/account/activity?cursor=${cursor}`, as: person });
    expect(older.text).toMatch(/<h3>Sign-in failed\u2002<span class="badge warn">Was this you\?<\/span>/);
    expect(older.text).toContain("<h3>Account created</h3>");
    expect(older.text).toContain('href="/account/activity">Newest');
    const stranger = await world.ask({ path: `/account/activity?cursor=${cursor}`, as: other });
    expect([stranger.status, /Name changed/.test(stranger.text)]).toEqual([200, false]);
    expect((await world.ask({ path: "/account/activity?cursor=x", as: person })).status).toBe(400);
  });

  test("every type of an event has a text", () => {
    const names = Object.keys(english.texts);
    expect(activityEvent.type.filter((type) => !names.includes(`activity.${type}`))).toEqual([]);
  });

  test("without the feature: no page and no link to one", async () => {
    const app = pages({ ...world.auth, activity: undefined } as never as PagesAuth);
    const person = await world.person({ transport: "cookie" });
    expect((await askPages(app, { path: "/account/activity", as: person })).status).toBe(404);
    expect((await askPages(app, { path: "/account", as: person })).text).not.toContain("activity");
  });
});

describe("LX11: keep me signed in", () => {
  const lasts = (setCookies: readonly string[]) => /^__Host-session=[^;]+; Max-Age/m.test(setCookies.join("\n"));

  test.each([true, false])("%s: the cookie outlives the browser or not", async (isKept) => {
    const { identifier, password } = await world.person();
    const remember: Record<string, string> = isKept ? { remember: "yes" } : {};
    const signedIn = await world.ask({ path: "/sign-in", form: { identifier, password, ...remember } });
    expect([signedIn.status, lasts(signedIn.setCookies)]).toEqual([303, isKept]);
    const refused = await world.ask({ path: "/sign-in", form: { identifier, password: "wrong", ...remember } });
    expect(/name="remember" value="yes" checked/.test(refused.text)).toBe(isKept);
    const { person, app } = await addApp(world, await world.person());
    const half = await world.ask({
      path: "/sign-in",
      form: { identifier: person.identifier, password: person.password, ...remember },
    });
    const ticket = /^__Host-login-ticket=([^;]+)/m.exec(half.setCookies.join("\n"))![1]!;
    const whole = await world.ask({
      path: "/sign-in/second-factor",
      form: { type: "totp", code: await app.code() },
      cookies: { "__Host-login-ticket": ticket },
    });
    expect([whole.status, lasts(whole.setCookies)]).toEqual([303, isKept]);
  });
});
