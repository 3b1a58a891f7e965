import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshIdentifier, otherPassword, outcome } from "../support/auth.ts";
import { addApp } from "../support/factors.ts";
import { recoveryOf, withNewAddress, withVerifiedAddress } from "../support/links.ts";
import { openPages, type PageReply, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

const dead = "This link does not work";
const verified = async () => await withVerifiedAddress(world, await world.person({ transport: "cookie" }));

/** The cookies that a reply sets, as a browser keeps them. */
function cookiesOf({ setCookies }: PageReply): Record<string, string> {
  const pairs = setCookies.map((one) => /^(__Host-[\w-]+)=([^;]+);/.exec(one)).filter((one) => one !== null);
  return Object.fromEntries(pairs.map(([, name, value]) => [name!, value!]));
}

/** A browser that has opened a mailed link. */
async function opened(path: string, token: string): Promise<Record<string, string>> {
  const reply = await world.ask({ path: `${path}?token=${token}`, headers: { "sec-fetch-site": "cross-site" } });
  expect([reply.status, reply.location]).toEqual([303, path]);
  return cookiesOf(reply);
}

/** Asks for a new address by the form, and reads the message to it. */
async function asked(as: { token: string }, identifier = freshIdentifier()) {
  const before = world.mailbox.messages.length;
  const reply = await world.ask({ path: "/account/address", as, form: { identifier } });
  expect([reply.status, reply.location]).toEqual([303, "/check-mail?for=change_identifier"]);
  await world.mailbox.arrival(identifier, before);
  return { identifier, reply, token: world.mailbox.secretTo(identifier), code: world.mailbox.codeTo(identifier) };
}

describe("a new address", () => {
  test("from the account to the new address, by the link: S43, opening it changes nothing", async () => {
    const ada = await verified();
    expect((await world.ask({ path: "/account", as: ada })).text).toContain('href="/account/address"');
    expect((await world.ask({ path: "/account/address", as: ada })).text).toContain("New email address");
    const { identifier, token } = await asked(ada);
    const cookies = await opened("/address", token);
    const page = await world.ask({ path: "/address", as: ada, cookies });
    expect([page.text.includes("Use this address"), page.text.includes(token)]).toEqual([true, false]);
    expect(page.text).toContain(`<bdi>${ada.identifier}</bdi>`);
    const done = await world.ask({ path: "/address", as: ada, cookies, form: {} });
    expect([done.status, done.location]).toEqual([303, "/account?done=new-address"]);
    const session = cookiesOf(done)["__Host-session"]!;
    const account = await world.ask({ path: "/account?done=new-address", as: { token: session } });
    expect(account.text).toContain("Email address changed.");
    expect(account.text).toContain(identifier);
    expect((await world.ask({ path: "/account", as: ada })).status).toBe(303);
    const again = await world.ask({ path: "/address", as: { token: session }, cookies, form: {} });
    expect([again.status, again.text.includes(dead)]).toEqual([401, true]);
  });

  test("by the code", async () => {
    const ada = await verified();
    const { reply, code } = await asked(ada);
    const cookies = cookiesOf(reply);
    const page = await world.ask({ path: "/check-mail?for=change_identifier", as: ada, cookies });
    expect(page.text).toContain("We have sent a message to this address.");
    const exchanged = await world.ask({
      path: "/check-mail",
      as: ada,
      cookies,
      form: { for: "change_identifier", code },
    });
    expect([exchanged.status, exchanged.location]).toEqual([303, "/address"]);
    const done = await world.ask({ path: "/address", as: ada, cookies: cookiesOf(exchanged), form: {} });
    expect(done.location).toBe("/account?done=new-address");
  });

  test("opened in a browser without a session: the way to the sign-in and back, and nothing changes", async () => {
    const ada = await verified();
    const { token } = await asked(ada);
    const cookies = await opened("/address", token);
    for (const form of [undefined, {}]) {
      const page = await world.ask({ path: "/address", cookies, ...(form && { form }) });
      expect(page.text).toContain('href="/sign-in?next=%2Faddress"');
    }
    const bob = await verified();
    const foreign = await world.ask({ path: "/address", as: bob, cookies, form: {} });
    expect([foreign.status, foreign.text.includes(dead)]).toEqual([401, true]);
  });

  test("signed in eleven minutes ago: the way to a new proof, and back", async () => {
    const ada = await verified();
    const { token } = await asked(ada);
    await world.age(ada.session, 660);
    const cookies = await opened("/address", token);
    const late = await world.ask({ path: "/address", as: ada, cookies, form: {} });
    expect([late.status, late.location]).toEqual([303, "/account/step-up?next=%2Faddress"]);
    const form = { identifier: freshIdentifier() };
    const step = await world.ask({ path: "/account/address", as: ada, form });
    expect(step.text).toContain("After that, we send a link to <bdi>");
  });

  test.each([
    ["the own one", async (own: string) => own, 409, "This is already your address."],
    ["no address", async () => "ada", 400, "Use 1 to 254"],
  ])("%s: the form says why", async (_case, input, status, text) => {
    const ada = await verified();
    const identifier = await input(ada.identifier);
    const page = await world.ask({ path: "/account/address", as: ada, form: { identifier } });
    expect([page.status, page.text.includes(text)]).toEqual([status, true]);
  });
});

describe("the old address", () => {
  test("is put back by a button, and a link for a new password follows", async () => {
    const ada = await withNewAddress(world, await verified());
    const cookies = await opened("/address/back", ada.back);
    const page = await world.ask({ path: "/address/back", cookies });
    expect(page.text).toContain("Put the address back");
    expect(await outcome(world.auth.verifyPassword(ada))).toBe("done");
    const before = world.mailbox.messages.length;
    const done = await world.ask({ path: "/address/back", cookies, form: {} });
    expect([done.status, done.text.includes("Your account is locked")]).toEqual([200, true]);
    await world.mailbox.arrival(ada.before, before);
    const reset = await opened("/reset", world.mailbox.secretTo(ada.before));
    const changed = await world.ask({ path: "/reset", cookies: reset, form: { password: otherPassword } });
    expect(changed.text).toContain("Your password is changed");
  });

  test.each(["/not-me", "/address/back"])("%s: asks for a code if the account had a factor", async (path) => {
    const { app, person } = await addApp(world, await verified());
    const ada = await withNewAddress(world, person);
    const cookies = await opened(path, ada.back);
    const page = await world.ask({ path: path, cookies, form: {} });
    expect([page.status, page.text.includes("Your account had a second factor.")]).toEqual([401, true]);
    const wrong = await world.ask({ path: path, cookies, form: { type: "totp", code: "no" } });
    expect([wrong.status, wrong.text.includes("That code is not right.")]).toEqual([401, true]);
    const right = await world.ask({ path: path, cookies, form: { type: "totp", code: await app.code() } });
    expect(right.text).toContain("Your account is locked");
  });

  test("or takes the session of this browser, if a second factor was just proved in it", async () => {
    const { person } = await addApp(world, await verified());
    const ada = await withNewAddress(world, person);
    const cookies = await opened("/address/back", ada.back);
    // The change itself is no proof.
    expect((await world.ask({ path: "/address/back", as: ada, cookies, form: {} })).status).toBe(401);
    await world.levelTwo(ada.session);
    const done = await world.ask({ path: "/address/back", as: ada, cookies, form: {} });
    expect(done.text).toContain("Your account is locked");
  });
});

describe("an account that an administrator gives to a new address", () => {
  test("gets a password by the link", async () => {
    const { token, identifier } = await recoveryOf(world, await verified());
    const cookies = await opened("/recover", token);
    const short = await world.ask({ path: "/recover", cookies, form: { password: "tuldnbfp" } });
    expect([short.status, short.text.includes("too short")]).toEqual([400, true]);
    const done = await world.ask({ path: "/recover", cookies, form: { password: otherPassword } });
    expect(done.text).toContain("Your password is changed");
    expect(await outcome(world.auth.verifyPassword({ identifier, password: otherPassword }))).toBe("done");
    const again = await world.ask({ path: "/recover", cookies, form: { password: otherPassword } });
    expect([again.status, again.text.includes(dead)]).toEqual([401, true]);
  });

  test("stays as it is if an old address stops it by a button", async () => {
    const { token, stop } = await recoveryOf(world, await verified());
    const cookies = await opened("/recover/stop", stop);
    expect((await world.ask({ path: "/recover/stop", cookies })).text).toContain("Stop the recovery");
    const done = await world.ask({ path: "/recover/stop", cookies, form: {} });
    expect(done.text).toContain("Your account stays as it is");
    expect(await outcome(world.auth.recovery.finish({ token, password: otherPassword }))).toBe(
      "unauthorized.invalid_link",
    );
  });
});
