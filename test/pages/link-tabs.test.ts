/** Two mailed links of one purpose, opened in two tabs of a browser. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withLink } from "../operations/writes/write.ts";
import { freshIdentifier, goodPassword, otherPassword, type Person } from "../support/auth.ts";
import { pageRoutes } from "../support/every-page.ts";
import { invited, invitedTo, verifyAddress } from "../support/invitations.ts";
import { mailed, mailedChange, noticeTo, recoveryOf, withNewAddress, withVerifiedAddress } from "../support/links.ts";
import { organizationsIn } from "../support/organizations.ts";
import { openPages, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

interface Row {
  /** The page of the form. Default: the form's own path. */
  readonly page?: string;
  /** The fields that a user fills in. */
  readonly typed?: Readonly<Record<string, string>>;
  /** Makes a link, and the session that can use it. */
  open(): Promise<{ readonly token: string; readonly as?: Person | undefined }>;
}

const inPages = () => world.person({ transport: "cookie" });
const verified = async () => await withVerifiedAddress(world, await inPages());

async function toOrganization(as?: Person) {
  const owner = await organizationsIn(world).form(await inPages());
  if (as) await verifyAddress(world, as);
  const { mailedToken } = await invitedTo(world, owner, { ...(as && { identifier: as.identifier }) });
  return { token: mailedToken, as };
}

/** Every form that spends a mailed link. */
const rows: Readonly<Record<string, Row>> = {
  "/reset": {
    typed: { password: otherPassword },
    open: async () => await mailed(world, "reset", (await verified()).identifier),
  },
  "/sign-in/link": { open: async () => await mailed(world, "signIn", (await verified()).identifier) },
  "/sign-up/finish": {
    typed: { password: goodPassword },
    open: async () => await mailed(world, "signUp", freshIdentifier()),
  },
  "/verify": {
    typed: { password: goodPassword },
    open: async () => ({ token: await withLink(world, await inPages()) }),
  },
  "/address": {
    open: async () => {
      const as = await verified();
      return { token: (await mailedChange(world, as)).token, as };
    },
  },
  "/address/back": { open: async () => ({ token: (await withNewAddress(world, await verified())).back }) },
  "/not-me": { open: async () => ({ token: await noticeTo(world, await inPages()) }) },
  "/recover": {
    typed: { password: otherPassword },
    open: async () => ({ token: (await recoveryOf(world, await verified())).token }),
  },
  "/recover/stop": { open: async () => ({ token: (await recoveryOf(world, await verified())).stop }) },
  "/invitation": {
    typed: { password: goodPassword },
    open: async () => ({ token: (await invited(world)).mailedToken }),
  },
  "/join": { typed: { password: goodPassword }, open: async () => await toOrganization() },
  "/join/decline": { page: "/join", open: async () => await toOrganization() },
  "/account/join": { open: async () => await toOrganization(await inPages()) },
};

const notice = "Another link was opened in this browser, so nothing was done.";
const cookiesOf = (token: string) => ({ "__Host-mailed-link": token });

/** The marks of the forms of a page that are sent to a path. */
function marksIn(text: string, action: string): (string | undefined)[] {
  const forms = text.split("<form ").filter((form) => form.includes(`action="${action}"`));
  return forms.map((form) => /name="link" value="([\w-]{22})"/.exec(form)?.[1]);
}

describe.each(Object.entries(rows))("two links at %s", (action, { page = action, typed = {}, open }) => {
  test("the form of the first tab does not spend the link of the second, and each link still works", async () => {
    const tabs = [];
    for (const { token, as } of [await open(), await open()]) {
      const { text } = await world.ask({ path: page, cookies: cookiesOf(token), ...(as && { as }) });
      const marks = new Set(marksIn(text, action));
      expect([marks.size, marks.has(undefined), text.includes(notice)]).toEqual([1, false, false]);
      tabs.push({ sent: { cookies: cookiesOf(token), ...(as && { as }) }, mark: [...marks][0]! });
    }
    const [first, second] = tabs as [(typeof tabs)[0], (typeof tabs)[0]];
    for (const link of [first.mark, "", second.mark.slice(1)]) {
      const refused = await world.ask({ path: action, ...second.sent, form: { ...typed, link } });
      expect([refused.status, refused.location, refused.setCookies]).toEqual([303, `${page}?link=changed`, []]);
    }
    const again = await world.ask({ path: `${page}?link=changed`, ...second.sent });
    expect([again.status, again.text.includes(notice)]).toEqual([200, true]);
    expect(marksIn(again.text, action)).toContain(second.mark);
    for (const { sent, mark } of [second, first]) {
      const done = await world.ask({ path: action, ...sent, form: { ...typed, link: mark } });
      expect(done.status, done.text).toBeLessThan(400);
      expect(done.location ?? "").not.toContain("link=changed");
    }
  });
});

test("the code of a second factor is of the link that asked for it, too", async () => {
  const { addApp } = await import("../support/factors.ts");
  const lost = async () => {
    const { app, person } = await addApp(world, await verified());
    return { app, token: (await withNewAddress(world, person)).back };
  };
  const [first, second] = [await lost(), await lost()];
  const page = await world.ask({ path: "/not-me", cookies: cookiesOf(first.token), form: {} });
  const [mark, ...others] = new Set(marksIn(page.text, "/not-me"));
  expect([page.status, mark, others]).toEqual([401, expect.any(String), []]);
  const form = { type: "totp", code: await second.app.code(), link: mark! };
  const refused = await world.ask({ path: "/not-me", cookies: cookiesOf(second.token), form });
  expect([refused.status, refused.location]).toEqual([303, "/not-me?link=changed"]);
});

test("the return place stays with the form", async () => {
  const form = { link: "", next: "/account/tokens" };
  const refused = await world.ask({ path: "/sign-in/link", cookies: cookiesOf("A".repeat(43)), form });
  expect(refused.location).toBe("/sign-in/link?link=changed&next=%2Faccount%2Ftokens");
});

test("every form of a mailed link has a row", async () => {
  const found = [];
  for (const { path, takes, access } of pageRoutes) {
    if (takes !== "form") continue;
    const as = access === "user" ? { as: await inPages() } : {};
    const { location } = await world.ask({ path, ...as, cookies: cookiesOf("A".repeat(43)), form: { link: "" } });
    if (location?.includes("link=changed")) found.push(path);
  }
  expect(found.sort()).toEqual(Object.keys(rows).sort());
});
