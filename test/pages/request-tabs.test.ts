/** Two messages that were asked for in two tabs of a browser, and the forms for their codes. @module */
import { afterAll, beforeAll, expect, test } from "vitest";
import { linkMark } from "../../src/engine/link-mark.ts";
import { freshIdentifier } from "../support/auth.ts";
import { withVerifiedAddress } from "../support/links.ts";
import { openPages, type PageReply, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

const next = "/account/tokens";
const requestOf = ({ setCookies }: PageReply) => /^__Host-mail-request=([^;]*)/m.exec(setCookies.join("\n"))![1]!;

/** Asks in a tab: the cookie that the browser then has, the mark in the tab's form, and the code in the message. */
async function askIn(path: string, identifier: string) {
  const before = world.mailbox.messages.length;
  const request = requestOf(await world.ask({ path, form: { identifier, next } }));
  await world.mailbox.arrival(identifier, before);
  const cookies = { "__Host-mail-request": request };
  const purpose = path === "/forgot" ? "reset_password" : "sign_in";
  const page = await world.ask({ path: `/check-mail?for=${purpose}`, cookies });
  const mark = /name="link" value="([^"]*)"/.exec(page.text)![1]!;
  return { cookies, purpose, mark, request, code: world.mailbox.codeTo(identifier) };
}

const send = (tab: { purpose: string; mark: string }, code: string, cookies: Record<string, string>) =>
  world.ask({ path: "/check-mail", cookies, form: { for: tab.purpose, link: tab.mark, code, next } });

async function twoTabs() {
  const person = async () => (await withVerifiedAddress(world, await world.person())).identifier;
  const first = await askIn("/forgot", await person());
  const second = await askIn("/sign-in/link/request", await person());
  return { first, second, cookies: second.cookies };
}

test("the earlier tab's code: nothing is tried, and its page says why and takes the newest code", async () => {
  const { first, second, cookies } = await twoTabs();
  // More often than a code may be wrong.
  for (let time = 0; time < 6; time++) {
    const reply = await send(first, first.code, cookies);
    expect([reply.status, reply.location, reply.setCookies]).toEqual([
      303,
      "/check-mail?for=reset_password&next=%2Faccount%2Ftokens&request=changed",
      [],
    ]);
  }
  const page = await world.ask({ path: "/check-mail?for=reset_password&request=changed", cookies });
  expect(page.text).toContain("You have asked for another message in this browser since");
  expect(page.text).toContain(`name="link" value="${second.mark}"`);
  const right = await send({ ...first, mark: second.mark }, second.code, cookies);
  expect([right.status, right.location]).toEqual([303, "/sign-in/link?next=%2Faccount%2Ftokens"]);
});

test("the later tab's code works, whatever was sent in the earlier tab", async () => {
  const { first, second, cookies } = await twoTabs();
  await send(first, "000000", cookies);
  expect(await send(second, second.code, cookies)).toMatchObject({ status: 303 });
});

test("a form of the earlier page without a mark, or with one that was made up: nothing is tried", async () => {
  const { second, cookies } = await twoTabs();
  for (const mark of ["", "A".repeat(22), await linkMark("A".repeat(43))]) {
    expect((await send({ ...second, mark }, second.code, cookies)).location).toContain("request=changed");
  }
});

test("the page shows the digest and not the secret, and says nothing about whether an account has the address", async () => {
  const texts = [];
  for (const identifier of [freshIdentifier(), (await withVerifiedAddress(world, await world.person())).identifier]) {
    const request = requestOf(await world.ask({ path: "/forgot", form: { identifier } }));
    const cookies = { "__Host-mail-request": request };
    const { text } = await world.ask({ path: "/check-mail?for=reset_password&request=changed", cookies });
    expect(text).not.toContain(request.split(".")[0]);
    texts.push(text.replace(/name="link" value="[\w-]{22}"/, ""));
  }
  expect(texts[0]).toBe(texts[1]);
});
