/** The requests of the pages' script, made without it. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goodPassword, type Person } from "../support/auth.ts";
import { type Authenticator, newAuthenticator } from "../support/authenticator.ts";
import { addApp, givenPasskey, personAt } from "../support/factors.ts";
import { openPages, type PageReply, type PageWorld, type SentToPage } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

const post = async (path: string, json: unknown, more: Partial<SentToPage> = {}): Promise<PageReply> =>
  await world.ask({ path, json, ...more });

const cookie = (reply: PageReply, name: string): string | undefined =>
  reply.setCookies.map((text) => new RegExp(`^${name}=([^;]+)`).exec(text)?.[1]).find((value) => value !== undefined);

async function register(as: Pick<Person, "token">, authenticator: Authenticator, name?: string): Promise<PageReply> {
  const options = await post("/account/passkeys/options", {}, { as });
  expect(options.status).toBe(200);
  const response = await authenticator.create(JSON.parse(options.text));
  return await post("/account/passkeys", { response, name }, { as });
}

async function withPasskey(): Promise<{ person: Person; authenticator: Authenticator }> {
  const person = await world.person({ transport: "cookie" });
  const authenticator = await newAuthenticator({ counts: false, backup: true });
  const reply = await register(person, authenticator, " Phone ");
  expect(reply.status).toBe(200);
  const token = cookie(reply, "__Host-session")!;
  const { session } = await world.auth.sessions.verify({ token, transport: "cookie" });
  return { person: await personAt(world, person, { session, token }), authenticator };
}

const assertionFor = async (authenticator: Authenticator, path: string, more: Partial<SentToPage> = {}) =>
  await authenticator.get(JSON.parse((await post(path, {}, more)).text));

describe("passkey pages", () => {
  test("a passkey is registered under its owner's name for it", async () => {
    const { person, authenticator } = await withPasskey();
    const { data: kept } = await world.auth.passkeys.list({ actor: person.actor, userId: person.userId });
    expect(kept.map(({ name }) => name)).toEqual(["Phone"]);
    // S79: the registration was a proof, so another passkey needs no step-up.
    const again = await register(person, authenticator);
    expect([again.status, JSON.parse(again.text)]).toEqual([409, { message: "This passkey is already registered." }]);
  });

  test("S14: the old cookie is signed out, the new one is shown to no script, and the next act needs no step-up", async () => {
    const old = await world.person({ transport: "cookie" });
    const reply = await register(old, await newAuthenticator(), "Phone");
    expect(JSON.parse(reply.text)).toEqual({ location: "/account/security?done=passkeys" });
    const token = cookie(reply, "__Host-session")!;
    expect(reply.setCookies.filter((text) => text.startsWith("__Host-session="))).toEqual([
      expect.stringMatching(/; HttpOnly/),
    ]);
    expect((await world.ask({ path: "/account", as: old })).location).toContain("why=ended");
    const made = await world.ask({
      path: "/account/tokens/new",
      form: { name: "ci", scopes: "", expires: "30" },
      as: { token },
    });
    expect([made.status, made.text.includes('class="secret"')]).toEqual([200, true]);
  });

  test("a session that is not fresh: neither registers a passkey nor gets another session", async () => {
    const person = await world.person({ transport: "cookie" });
    const options = await post("/account/passkeys/options", {}, { as: person });
    const response = await (await newAuthenticator()).create(JSON.parse(options.text));
    await world.age(person.session, 3600);
    const reply = await post("/account/passkeys", { response }, { as: person });
    expect([reply.status, reply.setCookies.filter((text) => text.startsWith("__Host-session="))]).toEqual([401, []]);
    expect((await world.auth.passkeys.list(person)).data).toEqual([]);
  });

  test("a response to another session's challenge: not registered", async () => {
    const [ada, bob] = [await world.person({ transport: "cookie" }), await world.person({ transport: "cookie" })];
    const options = await post("/account/passkeys/options", {}, { as: ada });
    const response = await (await newAuthenticator()).create(JSON.parse(options.text));
    const reply = await post("/account/passkeys", { response }, { as: bob });
    expect([reply.status, JSON.parse(reply.text).message]).toEqual([
      400,
      "The passkey could not be verified. Try again.",
    ]);
  });

  test.each([null, undefined, "x", 1, [], {}, { id: "x", response: {} }])("response %j: refused", async (response) => {
    const person = await world.person({ transport: "cookie" });
    expect((await post("/account/passkeys", { response }, { as: person })).status).toBe(400);
    expect((await post("/sign-in/passkey", { response })).status).toBe(401);
    expect((await post("/account/step-up/passkey", { response }, { as: person })).status).toBe(401);
  });
});

describe("passkey sign-in page", () => {
  test("sets only the session cookie, once, and leads to the account page", async () => {
    const { authenticator } = await withPasskey();
    const response = await assertionFor(authenticator, "/sign-in/passkey/options");
    const reply = await post("/sign-in/passkey", { response, next: "https://evil.example" });
    expect([reply.status, JSON.parse(reply.text)]).toEqual([200, { location: "/account" }]);
    const token = cookie(reply, "__Host-session")!;
    expect([(await world.ask({ path: "/account", as: { token } })).status, reply.text.includes(token)]).toEqual([
      200,
      false,
    ]);

    const replayed = await post("/sign-in/passkey", { response });
    expect([replayed.status, replayed.setCookies]).toEqual([401, []]);
  });

  test("a response to another challenge: refused", async () => {
    const { person, authenticator } = await withPasskey();
    const response = await assertionFor(authenticator, "/account/step-up/passkey/options", { as: person });
    expect((await post("/sign-in/passkey", { response })).status).toBe(401);
  });

  test("a passkey as the second factor: signs in and clears the ticket", async () => {
    const { person, authenticator } = await withPasskey();
    await world.levelTwo(person.session);
    const { person: withApp } = await addApp(world, person);
    const { identifier, password } = withApp;
    const half = await world.ask({ path: "/sign-in", form: { identifier, password } });
    expect(half.location).toBe("/sign-in/second-factor?with=totp+webauthn&next=%2Faccount");
    const cookies = { "__Host-login-ticket": cookie(half, "__Host-login-ticket")! };
    const response = await assertionFor(authenticator, "/sign-in/second-factor/passkey/options", { cookies });
    const reply = await post("/sign-in/second-factor/passkey", { response, next: "/account/tokens" }, { cookies });
    expect([reply.status, JSON.parse(reply.text).location]).toEqual([200, "/account/tokens"]);
    expect(reply.setCookies.some((text) => text.startsWith("__Host-login-ticket=; Max-Age=0"))).toBe(true);

    const stranger = await post("/sign-in/second-factor/passkey/options", {});
    expect([stranger.status, JSON.parse(stranger.text).message]).toEqual([401, expect.stringContaining("Start again")]);
  });

  test("a passkey as a fresh proof: the old session token is refused afterwards", async () => {
    const { person, authenticator } = await withPasskey();
    await world.age(person.session, 3600);
    const refused = await post("/account/passkeys/options", {}, { as: person });
    expect(refused.status).toBe(401);
    const response = await assertionFor(authenticator, "/account/step-up/passkey/options", { as: person });
    const reply = await post("/account/step-up/passkey", { response, next: "/account/passkeys/new" }, { as: person });
    expect(JSON.parse(reply.text)).toEqual({ location: "/account/passkeys/new" });
    const fresh = { token: cookie(reply, "__Host-session")! };
    expect((await post("/account/passkeys/options", {}, { as: fresh })).status).toBe(200);
    expect((await world.ask({ path: "/account", as: person })).status).toBe(303);
  });
});

test("step-up page, only a suspended passkey: asks for the password", async () => {
  const person = await world.person({ transport: "cookie" });
  await givenPasskey(world, person.userId, "suspended");
  await world.age(person.session, 3600);
  const page = await world.ask({ path: "/account/step-up", as: person });
  expect([page.text.includes('name="password"'), page.text.includes("Use a passkey")]).toEqual([true, false]);
  const form = { type: "password", password: goodPassword, next: "/account" };
  expect((await world.ask({ path: "/account/step-up", form, as: person })).status).toBe(303);
});

test("step-up page, user with a second factor: a password is neither requested nor sufficient", async () => {
  const { person } = await addApp(world, await world.person({ transport: "cookie" }));
  await world.age(person.session, 3600);
  const page = await world.ask({ path: "/account/step-up", as: person });
  expect([page.text.includes('name="password"'), page.text.includes('value="totp"')]).toEqual([false, true]);
  const proof = { type: "password", password: goodPassword, next: "/account/tokens" };
  const reply = await world.ask({ path: "/account/step-up", form: proof, as: person });
  const token = cookie(reply, "__Host-session") ?? person.token;
  const act = await world.ask({
    path: "/account/tokens/new",
    form: { name: "n", scopes: "", expires: "30" },
    as: { token },
  });
  expect([act.status, act.text.includes('class="secret"'), act.text.includes('value="totp"')]).toEqual([
    200,
    false,
    true,
  ]);
});
