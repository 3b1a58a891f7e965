/** What a user sees of the account after a reset of the password. @module */
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshIdentifier, otherPassword, type Person, system } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { addPasskey, givenApp } from "../support/factors.ts";
import { mailed, withVerifiedAddress } from "../support/links.ts";
import { openPages, type PageReply, type PageWorld } from "../support/page-world.ts";
import { practiceProvider } from "../support/practice-provider.ts";

const application = "https://app.example.com/in?a=1";
let world: PageWorld;
beforeAll(async () => {
  world = await openPages({
    auth: { returnTo: [application], federation: { providers: [practiceProvider()] } },
  });
});
afterAll(() => world.close());

const verified = async () => await withVerifiedAddress(world, await world.person({ transport: "cookie" }));

/** The page after the reset, and where its button leads. */
async function reset({ identifier }: Pick<Person, "identifier">, next = ""): Promise<PageReply & { signIn: string }> {
  const { token } = await mailed(world, "reset", identifier);
  const form = { password: otherPassword, next };
  const done = await world.ask({ path: "/reset", cookies: { "__Host-mailed-link": token }, form });
  const signIn = /<a class="button" href="([^"]*)"/.exec(done.text)![1]!.replaceAll("&amp;", "&");
  return { ...done, signIn };
}

/** The value of `next` in the form of the sign-in page. */
async function nextOf(signIn: string): Promise<string> {
  const { text } = await world.ask({ path: signIn });
  return /name="next" value="([^"]*)"/.exec(text)![1]!.replaceAll("&amp;", "&");
}

const cookieOf = ({ setCookies }: PageReply, name: string) =>
  new RegExp(`^__Host-${name}=([^;]*)`, "m").exec(setCookies.join("\n"))![1]!;

test("after a reset and both factors, a page lists what was kept, with dates, and leads to removing each", async () => {
  const person = await verified();
  await addPasskey(world, person, await newAuthenticator(), "Laptop of another person");
  const app = await givenApp(world, person.userId, "active");
  const { userId } = person;
  await world.auth.personalAccessTokens.create({ actor: system, userId, name: "Token of before", scope: [] });
  await world.auth.federation.import({ actor: system, userId, provider: "practice", subject: crypto.randomUUID() });
  const other = freshIdentifier();
  await world.auth.credentials.createPassword({ actor: system, userId, identifier: other, password: otherPassword });

  const done = await reset(person, application);
  // The mailbox alone learns nothing about the account.
  for (const secret of ["Laptop", "Practice", other]) expect(done.text).not.toContain(secret);
  const next = await nextOf(done.signIn);
  const form = { identifier: person.identifier, password: otherPassword, next };
  const first = await world.ask({ path: "/sign-in", form });
  const review = await world.ask({ path: next });
  expect([review.status, review.location?.startsWith("/sign-in?")]).toEqual([303, true]);

  const asked = new URL(first.location!, "https://example.com").searchParams.get("next")!;
  const second = await world.ask({
    path: "/sign-in/second-factor",
    cookies: { "__Host-login-ticket": cookieOf(first, "login-ticket") },
    form: { type: "totp", code: await app.code(), next: asked },
  });
  expect([second.status, second.location]).toEqual([303, next]);
  const as = { token: cookieOf(second, "session") };
  const page = await world.ask({ path: next, as });
  expect([page.status, page.text.includes("<h1>Is all of this yours?</h1>")]).toEqual([200, true]);
  for (const kept of ["Laptop of another person", "Practice", "Authenticator app", other]) {
    expect(page.text).toContain(kept);
  }
  expect(page.text.match(/<time /g)!.length).toBeGreaterThanOrEqual(3);
  expect(page.text).not.toContain("Token of before");
  expect(page.text).toContain(`<a class="button" href="${application}">`);

  const removals = [...page.text.matchAll(/href="(\/account\/[\w/-]+\/remove[^"]*)"/g)].map(([, path]) => path!);
  expect(removals).toHaveLength(3);
  for (const path of removals) {
    const form = await world.ask({ path, as });
    expect([path, form.status, form.text.includes('<form method="post"')]).toEqual([path, 200, true]);
  }
});

test("after a reset without a place to return to, the review leads to the account", async () => {
  const person = await verified();
  await addPasskey(world, person, await newAuthenticator());
  const { signIn } = await reset(person);
  expect(await nextOf(signIn)).toBe("/account/review");
  const as = await world.signIn({ ...person, password: otherPassword }, { transport: "cookie" });
  const page = await world.ask({ path: "/account/review", as });
  expect(page.text).toContain('<a class="button" href="/account">');
});

test("an account that keeps nothing but its new password: no page in between", async () => {
  const person = await verified();
  const next = await nextOf((await reset(person, application)).signIn);
  const as = await world.signIn({ ...person, password: otherPassword }, { transport: "cookie" });
  const page = await world.ask({ path: next, as });
  expect([page.status, page.location]).toEqual([303, application]);
});

test.each(["https://evil.example/", "//evil.example", "/account/review?next=https://evil.example/"])(
  "the review leads to no place that is not listed: %s",
  async (next) => {
    const person = await verified();
    const query = new URLSearchParams({ next });
    const page = await world.ask({ path: `/account/review?${query}`, as: person });
    expect([page.status, page.location]).toEqual([303, "/account"]);
    expect(await nextOf(`/sign-in?${new URLSearchParams({ next: `/account/review?${query}` })}`)).toBe("/account");
  },
);

test("a sign-in at a provider leads to the review too", async () => {
  const next = `/account/review?${new URLSearchParams({ next: application })}`;
  const begun = await world.auth.federation.start({ provider: "practice", next });
  const look = await world.auth.federation.look({ provider: "practice", attempt: begun.attempt });
  expect(look.next).toBe(next);
});
