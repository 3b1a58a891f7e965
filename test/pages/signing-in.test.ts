/** Every page act that signs in does what the operation does, also for the session that the browser had before. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshIdentifier, freshName, goodPassword, outcome, system } from "../support/auth.ts";
import { pageRoutes } from "../support/every-page.ts";
import { addApp, appOf } from "../support/factors.ts";
import { invitedTo } from "../support/invitations.ts";
import { mailed, withVerifiedAddress } from "../support/links.ts";
import { organizationsIn } from "../support/organizations.ts";
import { openPages, type PageReply, type PageWorld, type SentToPage } from "../support/page-world.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

type Ask = (path: string, sent: Pick<SentToPage, "form" | "json">, cookies?: Cookies) => Promise<PageReply>;
type Cookies = Readonly<Record<string, string>>;

/** The cookies of this name that a reply sets. */
function cookieOf({ setCookies }: PageReply, name: string): Cookies {
  return { [name]: new RegExp(`^${name}=([^;]+)`, "m").exec(setCookies.join("\n"))![1]! };
}

/** The ticket of a sign-in whose password was right. */
async function half(ask: Ask, { identifier, password }: { identifier: string; password: string }): Promise<Cookies> {
  return cookieOf(await ask("/sign-in", { form: { identifier, password } }), "__Host-login-ticket");
}

/** The link of a message, opened at the page with this path. */
async function opened(path: string, kind: "signIn" | "signUp", identifier: string): Promise<Cookies> {
  const { token } = await mailed(world, kind, identifier);
  return cookieOf(await world.ask({ path: `${path}?token=${token}` }), "__Host-mailed-link");
}

/** Every act that signs in, by its path. */
const ways: Record<string, (ask: Ask) => Promise<PageReply>> = {
  "/sign-up": (ask) => ask("/sign-up", { form: { identifier: freshIdentifier(), password: goodPassword } }),
  async "/sign-in"(ask) {
    const { identifier, password } = await world.person();
    return await ask("/sign-in", { form: { identifier, password } });
  },
  async "/sign-up/finish"(ask) {
    const cookies = await opened("/sign-up/finish", "signUp", freshIdentifier());
    return await ask("/sign-up/finish", { form: { password: goodPassword } }, cookies);
  },
  async "/invitation"(ask) {
    const { token } = await world.auth.invitations.create({ actor: system, identifier: freshName() });
    return await ask("/invitation", { form: { password: goodPassword } }, { "__Host-mailed-link": token });
  },
  async "/join"(ask) {
    const { token } = await invitedTo(world, await organizationsIn(world).form());
    return await ask("/join", { form: { password: goodPassword } }, { "__Host-mailed-link": token });
  },
  async "/sign-in/link"(ask) {
    const { identifier } = await withVerifiedAddress(world, await world.person());
    return await ask("/sign-in/link", { form: {} }, await opened("/sign-in/link", "signIn", identifier));
  },
  async "/sign-in/passkey"(ask) {
    const { authenticator } = await usersWithPasskeys(world).withPasskey();
    const options = await ask("/sign-in/passkey/options", { json: {} });
    const response = await authenticator.get(JSON.parse(options.text));
    return await ask("/sign-in/passkey", { json: { response } });
  },
  async "/sign-in/second-factor"(ask) {
    const { app, person } = await addApp(world, await world.person());
    const ticket = await half(ask, person);
    return await ask("/sign-in/second-factor", { form: { type: "totp", code: await app.code() } }, ticket);
  },
  async "/sign-in/second-factor/passkey"(ask) {
    const { authenticator, person } = await usersWithPasskeys(world).inside();
    await addApp(world, person);
    const ticket = await half(ask, person);
    const options = await ask("/sign-in/second-factor/passkey/options", { json: {} }, ticket);
    const response = await authenticator.get(JSON.parse(options.text));
    return await ask("/sign-in/second-factor/passkey", { json: { response } }, ticket);
  },
  async "/sign-in/enroll/confirm"(ask) {
    const person = await world.person();
    await world.requireFactor(person.userId);
    const ticket = await half(ask, person);
    const { text } = await ask("/sign-in/enroll", { form: { label: "phone" } }, ticket);
    const factorId = /name="factor_id" value="([^"]+)"/.exec(text)![1]!;
    const secretBase32 = /<code class="secret">([A-Z2-7 ]+)</.exec(text)![1]!.replaceAll(" ", "");
    const code = await appOf(world, { factor: { id: factorId }, secretBase32 }).code();
    return await ask("/sign-in/enroll/confirm", { form: { factor_id: factorId, code } }, ticket);
  },
};

/** Acts for anyone that give no session. */
const others = [
  "/address",
  "/address/back",
  "/join/decline",
  "/recover",
  "/recover/stop",
  "/check-mail",
  "/forgot",
  "/not-me",
  "/reset",
  "/sign-in/link/request",
  "/sign-in/organization",
  "/sign-out",
  "/verify",
  "/sign-in/enroll",
  "/sign-in/passkey/options",
  "/sign-in/second-factor/passkey/options",
];

describe("R044, S62: a page that signs in ends the session that the browser had, as the operation does", () => {
  test.each(Object.entries(ways))("%s", async (_path, signIn) => {
    const before = await world.person({ transport: "cookie" });
    const reply = await signIn((path, sent, cookies = {}) => world.ask({ path, ...sent, as: before, cookies }));
    expect(reply.setCookies.filter((text) => /^__Host-session=[\w-]{43};/.test(text))).toHaveLength(1);
    expect(await outcome(world.auth.sessions.verify(before))).toBe("unauthorized.session_expired");
  });

  test("every act for anyone is one of these, or gives no session", () => {
    const acts = pageRoutes.filter(({ access, takes }) => access === "anyone" && takes !== "nothing");
    expect(acts.map(({ path }) => path).sort()).toEqual([...Object.keys(ways), ...others].sort());
  });
});

describe("a sign-in that leads back to another application", () => {
  const place = "https://app.example.com/welcome?tab=1";
  let site: PageWorld;
  beforeAll(async () => {
    site = await openPages({ auth: { returnTo: [place, "/own"] } });
  });
  afterAll(() => site.close());

  const signIn = async (next: string) => {
    const { identifier, password } = await site.person();
    return await site.ask({ path: "/sign-in", form: { identifier, password, next } });
  };

  test.each([
    [place, place],
    ["/own", "/own"],
    ["/account/security", "/account/security"],
    // R062: only the exact text.
    [`${place}#x`, "/account"],
    [`${place}/`, "/account"],
    ["https://app.example.com/", "/account"],
    ["https://app.example.com.evil.example/welcome?tab=1", "/account"],
    ["//app.example.com/welcome?tab=1", "/account"],
    ["javascript:alert(1)", "/account"],
  ])("%s leads to %s", async (next, location) => {
    expect((await signIn(next)).location).toBe(location);
  });

  test.each([
    [place, place],
    ["/own", "/own"],
    [`${place}#x`, "/account"],
    ["//app.example.com/welcome?tab=1", "/account"],
    ["", "/account"],
  ])("after a sign-up, %s leads to %s, and the links between both pages keep it", async (next, location) => {
    const fields = { identifier: freshIdentifier(), password: goodPassword, display_name: "", next };
    expect((await site.ask({ path: "/sign-up", form: fields })).location).toBe(location);
    const query = new URLSearchParams({ next });
    for (const [from, to] of [
      ["/sign-in", "/sign-up"],
      ["/sign-up", "/sign-in"],
    ]) {
      const { text } = await site.ask({ path: `${from}?${query}` });
      const kept = location === "/account" ? "" : `?${query}`;
      expect(text).toContain(`href="${to}${kept.replaceAll("&", "&amp;")}"`);
    }
  });

  test("a sign-up that is refused keeps its place", async () => {
    const form = { identifier: "", password: goodPassword, display_name: "", next: place };
    const { text } = await site.ask({ path: "/sign-up", form });
    expect(text).toContain(`name="next" value="${place}"`);
  });

  test("also after the second factor", async () => {
    const { app, person } = await addApp(site, await site.person());
    const { identifier, password } = person;
    const first = await site.ask({ path: "/sign-in", form: { identifier, password, next: place } });
    expect(first.location).toBe(`/sign-in/second-factor?${new URLSearchParams({ with: "totp", next: place })}`);
    const cookies = cookieOf(first, "__Host-login-ticket");
    const form = { type: "totp", code: await app.code(), next: place };
    expect((await site.ask({ path: "/sign-in/second-factor", form, cookies })).location).toBe(place);
  });

  test("forms may lead there, and nowhere else", async () => {
    const page = await site.ask({ path: `/sign-in?${new URLSearchParams({ next: place })}` });
    expect(page.headers.get("content-security-policy")).toContain("form-action 'self' https://app.example.com;");
    expect((await world.ask({ path: "/sign-in" })).headers.get("content-security-policy")).toContain(
      "form-action 'self';",
    );
  });

  test.each([
    "http://app.example.com/",
    "https://app.example.com",
    "https://user@app.example.com/ ",
    "//app.example.com/",
    "/\\app.example.com",
    "javascript:alert(1)",
    "app.example.com",
    "/a b",
    5,
  ])("a place that is no place: %j", async (one) => {
    const auth = site.isolate({ returnTo: [one as string] });
    await expect(auth.signIn.passkeyOptions()).rejects.toThrow("The option `returnTo` cannot be used");
  });
});
