import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authRoutes } from "../../src/http/auth-routes.ts";
import { withLink } from "../operations/writes/write.ts";
import { addressHeader, freshAddress, goodPassword, otherPassword, outcome, type Person } from "../support/auth.ts";
import { openPages, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

const spent = "This link does not work";

/** A user, and a browser that has opened the link in their message. */
async function opened(person?: Person) {
  const ada = person ?? (await world.person({ transport: "cookie" }));
  const token = await withLink(world, ada);
  const reply = await world.ask({ path: `/verify?token=${token}`, headers: { "sec-fetch-site": "cross-site" } });
  return { ada, token, reply, cookies: { "__Host-mailed-link": token } };
}
const isVerified = async ({ token }: Person) =>
  (await world.auth.sessions.verify({ token, transport: "cookie" })).user.identifierVerified;

describe("the page of a mailed link", () => {
  test("S43, R027: opening it moves the secret out of the address, and changes nothing, however often", async () => {
    const { ada, token, reply, cookies } = await opened();
    expect([reply.status, reply.location, reply.headers.get("referrer-policy")]).toEqual([
      303,
      "/verify",
      "no-referrer",
    ]);
    expect(reply.setCookies).toEqual([
      `__Host-mailed-link=${token}; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=Lax`,
    ]);
    for (let time = 0; time < 3; time++) {
      await world.ask({ path: `/verify?token=${token}` });
      const { text } = await world.ask({ path: "/verify", cookies });
      expect(text).not.toContain(token);
    }
    expect(await isVerified(ada)).toBe(false);
    const done = await world.ask({ path: "/verify", as: ada, cookies, form: { with: "session" } });
    expect([done.status, done.text.includes("Your address is confirmed")]).toEqual([200, true]);
    expect(done.setCookies.join()).toContain("__Host-mailed-link=; Max-Age=0");
    expect(await isVerified(ada)).toBe(true);
  });

  test("signed in: a button; the session stays", async () => {
    const { ada, cookies } = await opened();
    const { text } = await world.ask({ path: "/verify", as: ada, cookies });
    expect(text).toContain(`You are signed in as <bdi>${ada.identifier}</bdi>`);
    expect(text).not.toContain("new_password");
    await world.ask({ path: "/verify", as: ada, cookies, form: { with: "session" } });
    expect(await isVerified(ada)).toBe(true);
  });

  test("signed in eleven minutes ago: the way to a new proof, and back to the button", async () => {
    const { ada, cookies } = await opened();
    await world.age(ada.session, 660);
    const { status, location } = await world.ask({ path: "/verify", as: ada, cookies, form: { with: "session" } });
    expect([status, location]).toEqual([303, "/account/step-up?next=%2Fverify"]);
    const proved = await world.ask({
      path: "/account/step-up",
      as: ada,
      cookies,
      form: { type: "password", password: ada.password, next: "/verify" },
    });
    expect(proved.location).toBe("/verify");
    const session = /__Host-session=([\w-]+)/.exec(proved.setCookies.join())![1]!;
    const done = await world.ask({ path: "/verify", as: { token: session }, cookies, form: { with: "session" } });
    expect(done.text).toContain("Your address is confirmed");
  });

  test("S22: the password from a browser that the account knows, after strangers have used up its attempts", async () => {
    for (const by of ["form", "route"]) {
      const { ada, cookies, token } = await opened();
      for (let time = 0; time < 10; time++) {
        const { identifier } = ada;
        await outcome(
          world.auth.signIn.password({ identifier, password: otherPassword, context: { address: freshAddress() } }),
        );
      }
      const byForm = async (more: Record<string, string> = {}) =>
        (await world.ask({ path: "/verify", cookies: { ...cookies, ...more }, form: { password: goodPassword } }))
          .status;
      expect(await byForm()).toBe(429);
      if (by === "form") {
        expect(await byForm({ "__Host-known-device": ada.knownDevice })).toBe(200);
        continue;
      }
      const answer = await authRoutes(world.auth).request("/auth/verification/confirm-with-password", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          origin: "https://example.com",
          [addressHeader]: freshAddress(),
          cookie: `__Host-known-device=${ada.knownDevice}`,
        },
        body: JSON.stringify({ token, password: goodPassword }),
      });
      expect(answer.status).toBe(200);
    }
  });

  test("not signed in: the password, or a new one", async () => {
    for (const [field, password] of [
      ["password", goodPassword],
      ["new_password", otherPassword],
    ] as const) {
      const { ada, cookies } = await opened();
      const wrong = await world.ask({ path: "/verify", cookies, form: { password: "wrong" } });
      expect([wrong.status, wrong.text.includes("The password is wrong.")]).toEqual([401, true]);
      const short = await world.ask({ path: "/verify", cookies, form: { new_password: "short" } });
      expect([short.status, short.text.includes("This password is too short.")]).toEqual([400, true]);
      const done = await world.ask({ path: "/verify", cookies, form: { [field]: password } });
      expect([done.status, done.text.includes("Sign in to continue.")]).toEqual([200, true]);
      expect(done.setCookies.join()).not.toContain("__Host-session");
      const { identifier } = ada;
      expect(await outcome(world.auth.signIn.password({ identifier, password }))).toBe("done");
    }
  });

  test("an administrator who is not signed in: must sign in first", async () => {
    const { ada, cookies } = await opened(await world.administrator());
    for (const form of [{ password: ada.password }, { new_password: otherPassword }]) {
      const reply = await world.ask({ path: "/verify", cookies, form });
      expect([reply.status, reply.text.includes("Sign in to this account first.")]).toEqual([401, true]);
    }
  });

  test.each(["session", "password", "new_password"])("a link that is spent, with %s: says so", async (kind) => {
    const { ada, token, cookies } = await opened();
    await world.auth.identifiers.verify({ token, proof: { type: "password", password: goodPassword } });
    const again = await world.signIn(ada, { transport: "cookie" });
    const form = kind === "session" ? { with: kind } : { [kind]: otherPassword };
    const reply = await world.ask({ path: "/verify", as: again, cookies, form });
    expect([reply.status, reply.text.includes(spent)]).toEqual([401, true]);
  });

  test("without a link: says so, and leads to where one is sent", async () => {
    expect((await world.ask({ path: "/verify" })).text).toContain(spent);
    for (const token of ["x", "A".repeat(44), "a;b"]) {
      const { setCookies } = await world.ask({ path: `/verify?token=${encodeURIComponent(token)}` });
      expect(setCookies).toEqual([]);
    }
  });

  test("the session of another account does not confirm it", async () => {
    const { ada, cookies } = await opened();
    const other = await world.person({ transport: "cookie" });
    const reply = await world.ask({ path: "/verify", as: other, cookies, form: { with: "session" } });
    expect([reply.status, await isVerified(ada), await isVerified(other)]).toEqual([401, false, false]);
  });
});

describe("the account page", () => {
  test("sends a link, and says that the address is confirmed", async () => {
    const ada = await world.person({ transport: "cookie" });
    expect((await world.ask({ path: "/account", as: ada })).text).toContain(">Not confirmed</span>");
    const sent = await world.ask({ path: "/account/verification", as: ada, form: {} });
    expect(sent.location).toBe("/account?done=address");
    expect((await world.ask({ path: "/account?done=address", as: ada })).text).toContain("We have sent you a link.");
    await expect.poll(() => world.mailbox.messages.some(({ to }) => to === ada.identifier)).toBe(true);
    const token = world.mailbox.secretTo(ada.identifier);
    await world.ask({ path: "/verify", as: ada, cookies: { "__Host-mailed-link": token }, form: { with: "session" } });
    const { text } = await world.ask({ path: "/account", as: ada });
    expect(text).toContain(">Confirmed</span>");
    expect(text).not.toContain("/account/verification");
  });

  test("the sixth link in an hour: why, and when again", async () => {
    const ada = await world.person({ transport: "cookie" });
    for (let time = 0; time < 5; time++) await world.ask({ path: "/account/verification", as: ada, form: {} });
    const reply = await world.ask({ path: "/account/verification", as: ada, form: {} });
    expect([reply.status, reply.text.includes("Too many attempts. Try again in 60 minutes.")]).toEqual([429, true]);
  });
});
