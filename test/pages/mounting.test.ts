/** The pages below a base path, in an application with its own routes. @module */
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthError, ConfigurationError } from "../../src/index.ts";
import { assetsOf } from "../../src/pages/assets.ts";
import { failurePage, type PagesOptions } from "../../src/pages/index.tsx";
import { freshIdentifier, goodPassword } from "../support/auth.ts";
import { pageRoutes, pages } from "../support/every-page.ts";
import { addApp, appOf } from "../support/factors.ts";
import { addressesOf, pageBrowser } from "../support/page-browser.ts";
import { askPages, openPages, type PageWorld } from "../support/page-world.ts";

const basePath = "/me";
const below = (path: string): string => (path === "/" ? basePath : basePath + path);

let world: PageWorld;
let app: Hono;
beforeAll(async () => {
  world = await openPages();
  app = new Hono().route("/", pages(world.auth, { basePath }));
});
afterAll(() => world.close());

const assets = assetsOf({ brandStyle: "" });

/** The paths of pages, acts and assets, as a browser requests them. */
const known: ReadonlySet<string> = new Set([...pageRoutes, ...assets].map(({ path }) => below(path)));

/**
 * The addresses without a page below the base path. An app's own scheme and a place on the same page do not count, nor do the
 * routes of providers, which are mounted by themselves.
 */
const strays = (addresses: Iterable<string>): string[] =>
  [...addresses].filter(
    (address) => !/^(otpauth:|#|\/auth\/oidc\/)/.test(address) && !known.has(address.replace(/[?#].*/, "")),
  );

describe("pages below /me", () => {
  test("sign up, change the name, sign out and sign in: every address stays below the base path", async () => {
    const person = { identifier: freshIdentifier(), password: goodPassword };
    const browser = pageBrowser(app);
    await browser.open("/me");
    expect([browser.path, browser.text.includes('href="/me/sign-up"')]).toEqual(["/me/sign-in", true]);
    await browser.open("/me/sign-up");
    await browser.submit("/me/sign-up", { ...person, display_name: "Ada" });
    expect([browser.path, browser.text.includes(person.identifier)]).toEqual(["/me/account", true]);

    await browser.open("/me/account/name");
    await browser.submit("/me/account/name", { display_name: "Ada Lovelace" });
    expect(browser.path).toBe("/me/account?done=name");
    expect(browser.text).toContain("<bdi>Ada Lovelace</bdi>");
    await browser.open("/me/account/tokens/new");
    await browser.submit("/me/account/tokens/new", { name: "a token", scopes: "", expires: "30" });
    expect(browser.text).toContain('href="/me/account/tokens"');
    await browser.open("/me/account");
    await browser.submit("/me/sign-out");
    expect(browser.path).toBe("/me/sign-in");

    await browser.open("/me/account");
    expect(browser.path).toBe("/me/sign-in?next=%2Fme%2Faccount&why=no-session");
    await browser.submit("/me/sign-in", person);
    expect([browser.path, browser.text.includes("Ada Lovelace")]).toEqual(["/me/account", true]);
    expect(browser.addresses.size).toBeGreaterThan(15);
    expect(strays(browser.addresses)).toEqual([]);
  });

  test("an authenticator app, recovery codes and a second factor: every address stays below the base path", async () => {
    const person = { identifier: freshIdentifier(), password: goodPassword };
    const browser = pageBrowser(app);
    await browser.open("/me/sign-up");
    await browser.submit("/me/sign-up", person);
    await browser.open("/me/account/authenticator");
    await browser.submit("/me/account/authenticator", { label: "phone" });
    const secret = /[?&](?:amp;)?secret=([A-Z2-7]+)/.exec(browser.text)![1]!;
    const code = await appOf(world, { factor: { id: "" }, secretBase32: secret }).code();
    await browser.submit("/me/account/authenticator/confirm", { code });
    expect(browser.path).toBe("/me/account/security?done=authenticator");
    await browser.open("/me/account/recovery-codes");
    await browser.submit("/me/account/recovery-codes");
    const recoveryCode = /<li><code class="secret">([^<]+)</.exec(browser.text)![1]!;
    await browser.open("/me/account/step-up");
    await browser.submit("/me/sign-out");
    await browser.submit("/me/sign-in", person);
    expect(browser.path).toMatch(/^\/me\/sign-in\/second-factor\?/);
    await browser.submit("/me/sign-in/second-factor", { type: "recovery", code: recoveryCode });
    expect(browser.path).toBe("/me/account");
    expect(strays(browser.addresses)).toEqual([]);
  });

  test("every row, for a user and for a stranger: no address leads outside the base path", async () => {
    const person = await world.person({ transport: "cookie" });
    const stale = await world.person({ transport: "cookie" });
    await world.age(stale.session, 3600);
    const seen = new Set<string>();
    for (const { path, takes } of pageRoutes) {
      if (path === "/sign-out") continue;
      const sent = { path: below(path), ...(takes === "form" && { form: {} }), ...(takes === "json" && { json: {} }) };
      for (const as of [person, stale, undefined]) {
        const cookies = { "__Host-login-ticket": "A".repeat(43) };
        const reply = await askPages(app, { ...sent, ...(as && { as }), cookies });
        expect([path, reply.status < 500]).toEqual([path, true]);
        for (const address of addressesOf(reply)) seen.add(address);
      }
      const typed = await askPages(app, { path: below(path), as: person });
      for (const address of addressesOf(typed)) seen.add(address);
    }
    expect(strays(seen)).toEqual([]);
    for (const path of ["/me/pages/style.css", "/me/pages/passkey.js", "/me/sign-in/passkey/options"]) {
      expect(seen).toContain(path);
    }
  });

  test.each(assets.map(({ path, text }) => [below(path), text] as const))("%s: is served", async (path, text) => {
    const reply = await askPages(app, { path });
    expect([reply.status, reply.text]).toEqual([200, text]);
  });

  test.each(["/account", "//me/account", "/me", "/me/../account", "/me/account/", "https://evil.example/me/account"])(
    "R062: next %s: leads to the account page",
    async (next) => {
      const { identifier, password } = await world.person();
      const reply = await askPages(app, { path: "/me/sign-in", form: { identifier, password, next } });
      expect([reply.status, reply.location]).toEqual([303, "/me/account"]);
    },
  );

  test("next /me/account/tokens: leads to that page", async () => {
    const { identifier, password } = await world.person();
    const form = { identifier, password, next: "/me/account/tokens" };
    expect((await askPages(app, { path: "/me/sign-in", form })).location).toBe("/me/account/tokens");
  });
});

/** An application's own routes, also below the base path, one of which fails. */
function own(): Hono {
  const routes = new Hono();
  routes.all("/own", (c) => c.text(`own ${c.req.method}`));
  routes.get("/own/json", (c) => c.json({ own: true }, 200, { "X-Own": "1" }));
  routes.get("/own/fails", () => {
    throw new RangeError("The application's own bug.");
  });
  for (const path of ["/", "/account", "/sign-in", "/pages/style.css"]) routes.all(path, (c) => c.text(`own ${path}`));
  routes.all("/me/own", (c) => c.text("a path of the application below the base path"));
  return routes;
}

const foreign = [
  "/",
  "/own",
  "/own/json",
  "/own/fails",
  "/account",
  "/sign-in",
  "/sign-out",
  "/pages/style.css",
  "/nowhere",
  "/mean",
  "/me/",
  "/me/own",
  "/me/nowhere",
  "/me/account/nowhere",
  "/me/pages",
].flatMap((path) =>
  ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"].map((method): [string, string] => [method, path]),
);
// A page's path with a method that no page has belongs to the application as well.
const unused: [string, string][] = [
  ["PUT", "/me/account"],
  ["DELETE", "/me/sign-out"],
  ["POST", "/me/account"],
];

async function answersOf(application: Hono): Promise<string[]> {
  application.onError((error, c) => c.text(`the application's handler: ${error.name}`, 500));
  application.notFound((c) => c.text("the application has no such page", 404));
  const answers: string[] = [];
  for (const [method, path] of [...foreign, ...unused]) {
    const response = await application.request(path, { method });
    const fields = [...response.headers].map(([name, value]) => `${name}: ${value}`).sort();
    answers.push([method, path, response.status, ...fields, await response.text()].join("\n"));
  }
  return answers;
}

describe("S80: an application with its own routes", () => {
  test.each([
    { place: "before them", mount: (ours: Hono) => new Hono().route("/", ours).route("/", own()) },
    { place: "after them", mount: (ours: Hono) => new Hono().route("/", own()).route("/", ours) },
  ])("pages mounted $place: every other answer is byte for byte as without", async ({ mount }) => {
    const answers = await answersOf(mount(pages(world.auth, { basePath })));
    expect(answers.length).toBeGreaterThan(90);
    expect(answers).toEqual(await answersOf(mount(new Hono())));
  });

  test("a catch-all after the pages: answers every path below the base path without a page", async () => {
    const mounted = new Hono().route("/", pages(world.auth, { basePath })).all("*", (c) => c.text("own", 404));
    expect(await (await mounted.request("/me/nowhere")).text()).toBe("own");
    expect((await mounted.request("/me/sign-in")).status).toBe(200);
  });

  test("opening the address of an act: redirects below the base path", async () => {
    const shown = new Set(pageRoutes.filter(({ takes }) => takes === "nothing").map(({ path }) => path));
    const acts = pageRoutes.filter(({ path }) => !shown.has(path));
    expect(acts.length).toBeGreaterThan(15);
    for (const { path, belongsTo } of acts) {
      const reply = await askPages(app, { path: below(path) });
      expect([path, reply.status, reply.location]).toEqual([path, 303, below(belongsTo)]);
    }
  });

  test("two sites of one auth: each keeps to its own paths", async () => {
    const both = new Hono().route("/", pages(world.auth, { basePath: "/a" })).route("/", pages(world.auth));
    const [first, second] = [await askPages(both, { path: "/a/sign-in" }), await askPages(both, { path: "/sign-in" })];
    expect(addressesOf(first).filter((address) => !address.startsWith("/a"))).toEqual([]);
    expect(first.text.replaceAll('"/a/', '"/').replaceAll('"/a"', '"/"').replaceAll("%2Fa%2F", "%2F")).toBe(
      second.text,
    );
  });
});

describe("brand", () => {
  const titleOf = (text: string) => /<title>(.*?)<\/title>/s.exec(text)![1]!.trim();
  const brandOf = (text: string) => /<a class="brand" href="([^"]*)">(.*?)<\/a>/s.exec(text)!.slice(1);

  test.each([
    { options: {}, title: "Sign in – Sallyport", brand: ["/", "Sallyport"] },
    { options: { basePath }, title: "Sign in – Sallyport", brand: ["/me", "Sallyport"] },
    { options: { basePath, brand: { name: "Acme" } }, title: "Sign in – Acme", brand: ["/me", "Acme"] },
    {
      options: { brand: { name: "A&B", homePath: "/x?a#b" } },
      title: "Sign in – A&amp;B",
      brand: ["/x?a#b", "A&amp;B"],
    },
  ])("$options: in the title and the header", async ({ options, title, brand }) => {
    const path = `${"basePath" in options ? basePath : ""}/sign-in`;
    const { text } = await askPages(pages(world.auth, options), { path });
    expect([titleOf(text), brandOf(text)]).toEqual([title, brand]);
  });

  test("a name with markup: is text on every page, also on the failure page", async () => {
    const name = `"'></title><script>alert(1)</script>`;
    const branded = pages(world.auth, { brand: { name } });
    const as = await world.person({ transport: "cookie" });
    const shown = pageRoutes.filter(({ takes }) => takes === "nothing");
    const replies = [
      ...(await Promise.all(shown.map(({ path }) => askPages(branded, { path, as })))),
      await askPages(branded, { path: "/sign-in", form: {}, headers: { "sec-fetch-site": "cross-site" } }),
    ].filter(({ location }) => !location);
    expect(replies.length).toBeGreaterThan(3);
    for (const { text } of replies) {
      expect([text.includes("<script>"), text.match(/&lt;script&gt;alert/g)?.length]).toEqual([false, 2]);
    }
  });

  test("the failure page: leads home", async () => {
    const brand = { name: "Acme", homePath: "/home" };
    const failing = new Hono().notFound((c) => failurePage(new AuthError("not_found"), c, { basePath, brand }));
    const { status, text } = await askPages(failing, { path: "/nowhere" });
    expect([status, titleOf(text), brandOf(text)]).toEqual([404, "Error: Not found – Acme", ["/home", "Acme"]]);
    expect(text).toContain('<a href="/home">Go to the home page</a>');
    expect(text).toContain('href="/me/pages/style.css"');
  });
});

describe("where a user goes next", () => {
  const returnPaths = { signIn: "/dashboard?tab=1", signUp: "/welcome", signOut: "/goodbye" };
  const brand = { name: "Acme", homePath: "/home" };
  const outside: ReadonlySet<string> = new Set([...Object.values(returnPaths), brand.homePath]);
  const withReturns = (): Hono => {
    const mounted = new Hono().route("/", pages(world.auth, { basePath, brand, returnPaths }));
    for (const path of outside) mounted.get(path.replace(/\?.*/, ""), (c) => c.text(`own ${path}`));
    return mounted;
  };

  test("sign-up, sign-out and sign-in: lead to their return paths, and no address leads elsewhere", async () => {
    const person = { identifier: freshIdentifier(), password: goodPassword };
    const browser = pageBrowser(withReturns());
    await browser.open("/me/sign-up");
    await browser.submit("/me/sign-up", person);
    expect(browser.path).toBe("/welcome");
    await browser.open("/me/account");
    await browser.submit("/me/sign-out");
    expect(browser.path).toBe("/goodbye");
    await browser.open("/me/sign-in");
    await browser.submit("/me/sign-in", person);
    expect(browser.path).toBe("/dashboard?tab=1");
    expect(strays(browser.addresses).filter((address) => !outside.has(address))).toEqual([]);
  });

  test("after a second factor: leads to the return path of sign-in", async () => {
    const { app: phone, person } = await addApp(world, await world.person({ transport: "cookie" }));
    const browser = pageBrowser(withReturns());
    await browser.open("/me/sign-in");
    await browser.submit("/me/sign-in", { identifier: person.identifier, password: person.password });
    await browser.submit("/me/sign-in/second-factor", { code: await phone.code() });
    expect(browser.path).toBe("/dashboard?tab=1");
  });

  test("a next: wins over the return path", async () => {
    const { identifier, password } = await world.person();
    const browser = pageBrowser(withReturns());
    await browser.open("/me/account");
    await browser.submit("/me/sign-in", { identifier, password });
    expect(browser.path).toBe("/me/account");
  });

  test.each(["//evil.example", "/dashboard", "/dashboard?tab=2", "/welcome", "https://evil.example/dashboard?tab=1"])(
    "R062: next %s: leads to the return path",
    async (next) => {
      const { identifier, password } = await world.person();
      const reply = await askPages(withReturns(), { path: "/me/sign-in", form: { identifier, password, next } });
      expect([reply.status, reply.location]).toEqual([303, returnPaths.signIn]);
    },
  );

  test("after step-up without a next: leads to the account page", async () => {
    const person = await world.person({ transport: "cookie" });
    const form = { type: "password", password: person.password };
    const reply = await askPages(withReturns(), { path: "/me/account/step-up", form, as: person });
    expect([reply.status, reply.location]).toEqual([303, "/me/account"]);
  });
});

describe("options of the pages", () => {
  const noBase = [
    "me",
    "/",
    "/me/",
    "//me",
    "/me//x",
    "/me/../x",
    "/..",
    "/.",
    "/me?x",
    "/me#x",
    "/:me",
    "/me*",
    "/%2e",
  ];
  const noPath = [
    "",
    "home",
    "//evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "https://evil.example",
    "/a b",
    "/ä",
  ];
  const refused: readonly (readonly [string, PagesOptions])[] = [
    ...noBase.map((path) => ["basePath", { basePath: path }] as const),
    ...["", " "].map((name) => ["brand.name", { brand: { name } }] as const),
    ...noPath.map((homePath) => ["brand.homePath", { brand: { homePath } }] as const),
    ...noPath.map((signIn) => ["returnPaths.signIn", { returnPaths: { signIn } }] as const),
    ["returnPaths.signUp", { returnPaths: { signUp: "//evil.example" } }],
    ["returnPaths.signOut", { returnPaths: { signOut: "//evil.example" } }],
  ];

  test.each(refused)("%s of %j: refused", (option, options) => {
    const make = () => pages(world.auth, options);
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(expect.objectContaining({ option }));
  });

  test.each(["", "/me", "/a/b", "/.well-known/me", "/~ada/a-b_c.d"])(
    "basePath %j: serves the pages there",
    async (path) => {
      const reply = await askPages(pages(world.auth, { basePath: path }), { path: `${path}/sign-in` });
      expect(reply.status).toBe(200);
    },
  );
});
