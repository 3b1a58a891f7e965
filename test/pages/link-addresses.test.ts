/** The pages that a mailed link leads to, before the link is spent. @module */
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withLink } from "../operations/writes/write.ts";
import { freshIdentifier, type Person } from "../support/auth.ts";
import { pages } from "../support/every-page.ts";
import { faultyDatabase } from "../support/faulty-database.ts";
import { invited } from "../support/invitations.ts";
import { mailed, mailedChange, withVerifiedAddress } from "../support/links.ts";
import { askPages, openPages, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

interface Opened {
  readonly token: string;
  readonly identifier: string;
  readonly as?: Person;
}

/** A link to each page. A new page is a row here. */
const links: Record<string, () => Promise<Opened>> = {
  async "/reset"() {
    const { identifier } = await world.person();
    return { identifier, ...(await mailed(world, "reset", identifier)) };
  },
  async "/sign-in/link"() {
    const { identifier } = await withVerifiedAddress(world, await world.person());
    return { identifier, ...(await mailed(world, "signIn", identifier)) };
  },
  async "/sign-up/finish"() {
    const identifier = freshIdentifier();
    return { identifier, ...(await mailed(world, "signUp", identifier)) };
  },
  async "/verify"() {
    const person = await world.person();
    return { ...person, token: await withLink(world, person) };
  },
  async "/address"() {
    const as = await world.person({ transport: "cookie" });
    return { as, ...(await mailedChange(world, as)) };
  },
  async "/invitation"() {
    const { identifier, mailedToken } = await invited(world, {});
    return { identifier, token: mailedToken };
  },
};

describe.each(Object.entries(links))("the page of a link at %s", (path, open) => {
  test("names the address, also for password managers if it takes a password", async () => {
    const { token, identifier, as } = await open();
    const cookies = { "__Host-mailed-link": token, ...(as && { "__Host-session": as.token }) };
    const { status, text } = await world.ask({ path, cookies });
    expect([status, text.includes(`<bdi>${identifier}</bdi>`)]).toEqual([200, true]);
    const forms = text.split("<form ").filter((form) => form.includes('type="password"'));
    for (const form of forms) expect(form).toContain(`autocomplete="username" value="${identifier}"`);
  });

  test("a link of another page is dead here, and is not spent", async () => {
    const other = path === "/reset" ? "/sign-up/finish" : "/reset";
    const { token } = await links[other]!();
    const as = await world.person({ transport: "cookie" });
    const cookies = { "__Host-mailed-link": token, ...(path === "/address" && { "__Host-session": as.token }) };
    expect((await world.ask({ path, cookies })).text).toMatch(/does not work|has ended/);
    expect((await world.ask({ path: other, cookies: { "__Host-mailed-link": token } })).status).toBe(200);
  });

  test("S56: while the database does not answer, the link is not called dead", async () => {
    const { token, as } = await open();
    const faulty = faultyDatabase(world.database);
    const app = new Hono().route("/", pages(world.isolate({ database: faulty })));
    faulty.reset(() => "before");
    const cookies = { "__Host-mailed-link": token, ...(as && { "__Host-session": as.token }) };
    const reply = await askPages(app, { path, cookies });
    expect([reply.status, /does not work/.test(reply.text)]).toEqual([503, false]);
    faulty.reset();
    expect((await askPages(app, { path, cookies })).status).toBe(200);
  });
});
