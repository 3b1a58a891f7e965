/** What a user sees of the account after a reset of the password. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, goodPassword, otherPassword, type Person, system } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { addApp, addPasskey, givenApp } from "../support/factors.ts";
import { mailed, withVerifiedAddress } from "../support/links.ts";
import { openPages, type PageReply, type PageWorld } from "../support/page-world.ts";
import { practiceProvider, waitingIdentity } from "../support/practice-provider.ts";

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
  const stranger = "only a stranger knows this one";
  await world.auth.credentials.createPassword({ actor: system, userId, identifier: other, password: stranger });

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
  expect(removals).toHaveLength(4);
  for (const path of removals) {
    const form = await world.ask({ path, as });
    expect([path, form.status, form.text.includes('<form method="post"')]).toEqual([path, 200, true]);
  }

  // The owner does not know the other password: the new one removes it.
  const path = removals.find((one) => one.startsWith("/account/password"))!.replaceAll("&amp;", "&");
  const removal = await world.ask({ path, as });
  expect(removal.text).toContain(`Password of <bdi>${person.identifier}</bdi>`);
  const credentialId = new URL(path, "https://example.com").searchParams.get("credential_id")!;
  const sent = (current_password: string, id = credentialId) =>
    world.ask({ path: "/account/password/remove", as, form: { credential_id: id, current_password, next } });
  const refused = await sent(stranger);
  expect([refused.status, refused.text.includes("The current password is wrong.")]).toEqual([401, true]);
  expect(refused.text).toContain('id="remove-current_password-error"');
  const foreign = await world.person();
  expect((await sent(otherPassword, foreign.credentialId)).status).toBe(404);
  const removed = await sent(otherPassword);
  expect([removed.status, removed.location]).toEqual([303, `${next}&done=no-password`]);
  expect((await world.ask({ path: next, as })).text).not.toContain(other);
  const tried = await world.ask({ path: "/sign-in", form: { identifier: other, password: stranger } });
  expect(tried.status).toBe(401);
  expect((await sent(otherPassword)).status).toBe(404);
});

test("an old session is asked for a proof, and then shows the form again", async () => {
  const person = await world.person({ transport: "cookie" });
  const { userId } = person;
  const other = await world.auth.credentials.createPassword({
    actor: system,
    userId,
    identifier: freshIdentifier(),
    password: otherPassword,
  });
  await world.age(person.session, 3_600);
  const form = { credential_id: other.id, current_password: goodPassword, next: "/account/review" };
  const asked = await world.ask({ path: "/account/password/remove", form, as: person });
  expect(asked.text).toContain("After that, remove the password that you chose.");
  expect(asked.text).not.toContain(goodPassword);
  const act = /name="act" value="([^"]*)"/.exec(asked.text)![1]!;
  const proof = { type: "password", password: goodPassword, act };
  const again = await world.ask({ path: "/account/step-up", form: proof, as: person });
  expect([again.status, again.text.includes(`value="${other.id}"`)]).toEqual([200, true]);
  expect(again.text).toContain('name="next" value="/account/review"');
});

test("the last password of a user without another way in stays, and the page says so", async () => {
  const person = await world.person({ transport: "cookie" });
  const form = { credential_id: person.credentialId, current_password: goodPassword };
  const reply = await world.ask({ path: "/account/password/remove", form, as: person });
  expect([reply.status, reply.text.includes('role="alert"')]).toEqual([409, true]);
});

test("a user who removes the password of the session signs in again", async () => {
  const person = await world.person({ transport: "cookie" });
  const { userId, credentialId } = person;
  const identifier = freshIdentifier();
  await world.auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword });
  const form = { credential_id: credentialId, current_password: otherPassword };
  const reply = await world.ask({ path: "/account/password/remove", form, as: person });
  expect([reply.status, reply.location]).toEqual([303, "/sign-in?next=%2Faccount%2Fsecurity&why=ended"]);
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

describe("a removal on the review", () => {
  const review = `/account/review?${new URLSearchParams({ next: application })}`;

  /** A user with each thing that the review offers to remove, and the page that removes it. */
  async function holder() {
    const { person, app } = await addApp(world, await world.person({ transport: "cookie" }));
    const { userId } = person;
    await addPasskey(world, person, await newAuthenticator(), "Laptop");
    await world.rows(sql`
      insert into mfa (id, usr_id, type, status, identifier, webauthn_public_key, webauthn_sign_count, webauthn_rp_id,
        confirmed_at)
      values (gen_random_uuid(), ${uuidFor("usr", userId)}::uuid, 'webauthn', 'active', ${crypto.randomUUID()},
        decode('00', 'hex'), 0, 'example.com', sallyport_now())`);
    await world.auth.federation.import({ actor: system, userId, provider: "practice", subject: crypto.randomUUID() });
    return { app, as: await fresh(person) };
  }
  const fresh = async (person: Person) => {
    await world.rows(sql`
      update ses set auth_time = sallyport_now(), mfa_verified_at = sallyport_now()
      where id = ${uuidFor("ses", person.session.id)}::uuid`);
    return person;
  };
  const removals = (text: string) =>
    [...text.matchAll(/href="(\/account\/[\w/-]+\/remove[^"]*)"/g)].map(([, path]) => path!.replaceAll("&amp;", "&"));
  /** The hidden fields of the page's form. */
  const fieldsOf = (text: string) =>
    Object.fromEntries(
      [...text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [
        name!,
        value!.replaceAll("&amp;", "&"),
      ]),
    );

  test("each leads back to the review, which says so, until nothing is left; then on to the place", async () => {
    const { as } = await holder();
    let page = await world.ask({ path: review, as });
    let count = removals(page.text).length;
    expect(count).toBe(4);
    for (; count > 0; count--) {
      const [path] = removals(page.text);
      expect(new URL(path!, "https://example.com").searchParams.get("next")).toBe(review);
      const form = await world.ask({ path: path!, as });
      // The way back leads to the review too.
      expect(form.text).toContain(`<a class="button quiet" href="${review}">`);
      const sent = await world.ask({ path: path!.split("?")[0]!, form: fieldsOf(form.text), as: await fresh(as) });
      expect([path, sent.status, sent.location?.startsWith(`${review}&done=`)]).toEqual([path, 303, true]);
      page = await world.ask({ path: sent.location!, as, headers: { "sec-fetch-site": "same-origin" } });
      if (count > 1)
        expect([removals(page.text).length, page.text.includes('role="status"')]).toEqual([count - 1, true]);
    }
    expect([page.status, page.location]).toEqual([303, application]);
  });

  test("a new name of a passkey leads back as well", async () => {
    const { as } = await holder();
    const { text } = await world.ask({ path: review, as });
    const path = /href="(\/account\/passkeys\/rename[^"]*)"/.exec(text)![1]!.replaceAll("&amp;", "&");
    const form = fieldsOf((await world.ask({ path, as })).text);
    const refused = await world.ask({ path: "/account/passkeys/rename", form: { ...form, name: "x\0" }, as });
    expect([refused.status, fieldsOf(refused.text).next]).toEqual([400, review]);
    const sent = await world.ask({ path: "/account/passkeys/rename", form: { ...form, name: "Mine" }, as });
    expect(sent.location).toBe(`${review}&done=passkeys`);
  });

  test("after a proof that it asks for", async () => {
    const { as, app } = await holder();
    const page = await world.ask({ path: review, as });
    const path = removals(page.text).find((one) => one.startsWith("/account/security-keys"))!;
    const form = fieldsOf((await world.ask({ path, as })).text);
    await world.rows(sql`
      update ses set auth_time = sallyport_now() - interval '1 hour', mfa_verified_at = null,
        created_at = sallyport_now() - interval '2 hours' where id = ${uuidFor("ses", as.session.id)}::uuid`);
    const asked = await world.ask({ path: "/account/security-keys/remove", form, as });
    const { act } = fieldsOf(asked.text);
    const proof = { type: "totp", code: await app.code(), act: act! };
    const done = await world.ask({ path: "/account/step-up", form: proof, as });
    expect([done.status, done.location]).toEqual([303, `${review}&done=no-security-key`]);
  });

  test("a place that is not a review does not count: the security page follows", async () => {
    for (const next of [
      "https://evil.example/",
      "/account/tokens",
      "//evil.example",
      `${review}/../x`,
      application,
      "",
    ]) {
      const { as } = await holder();
      const path = removals((await world.ask({ path: review, as })).text).find((one) => one.includes("passkey_id"))!;
      const form = { ...fieldsOf((await world.ask({ path, as })).text), next };
      const sent = await world.ask({ path: "/account/passkeys/remove", form, as });
      expect([next, sent.location]).toEqual([next, "/account/security?done=passkeys"]);
      const asked = await world.ask({ path: `/account/passkeys/new?${new URLSearchParams({ next })}`, as });
      expect(asked.text).not.toContain("evil.example");
    }
  });

  test("a passkey of another user is not found, and nothing is removed", async () => {
    const [one, other] = [await holder(), await holder()];
    const path = removals((await world.ask({ path: review, as: other.as })).text).find((p) =>
      p.includes("passkey_id"),
    )!;
    expect((await world.ask({ path, as: one.as })).status).toBe(404);
    const id = new URL(path, "https://example.com").searchParams.get("passkey_id")!;
    const sent = await world.ask({
      path: "/account/passkeys/remove",
      form: { passkey_id: id, next: review },
      as: one.as,
    });
    expect(sent.status).toBe(404);
    expect(removals((await world.ask({ path: review, as: other.as })).text)).toHaveLength(4);
  });

  test("a review that leads to itself leads to the usual place", async () => {
    const person = await world.person({ transport: "cookie" });
    for (const next of ["/account/review", `/account/review?${new URLSearchParams({ next: application })}`]) {
      const page = await world.ask({ path: `/account/review?${new URLSearchParams({ next })}`, as: person });
      expect([next, page.status, page.location]).toEqual([next, 303, "/account"]);
    }
  });
});

describe("an identity that waits for the owner of its address", () => {
  const query = `?${new URLSearchParams({ next: application })}`;
  const owner = async () => {
    const person = await verified();
    const identity = await waitingIdentity(world, person.identifier);
    return { as: person, cookies: { "__Host-identity": identity } };
  };

  test("the sign-in leads to linking, and linking to the place that was asked for", async () => {
    const { as, cookies } = await owner();
    const asked = await world.ask({ path: `/sign-in/identity${query}` });
    const signIn = /<a class="button" href="([^"]*)"/.exec(asked.text)![1]!.replaceAll("&amp;", "&");
    const link = await nextOf(signIn);
    expect(link).toBe(`/account/identities/link${query}`);
    const page = await world.ask({ path: link, as, cookies });
    const next = /name="next" value="([^"]*)"/.exec(page.text)![1]!;
    expect(next).toBe(application);
    const linked = await world.ask({ path: "/account/identities/link", form: { next }, as, cookies });
    expect([linked.status, linked.location]).toEqual([303, application]);
  });

  test("without a place: the security page", async () => {
    const { as, cookies } = await owner();
    const asked = await world.ask({ path: "/sign-in/identity" });
    expect(asked.text).toContain('href="/sign-in?next=%2Faccount%2Fidentities%2Flink"');
    const linked = await world.ask({ path: "/account/identities/link", form: { next: "" }, as, cookies });
    expect(linked.location).toBe("/account/security?done=identities");
  });

  test.each(["https://evil.example/", "//evil.example", "/account/identities/link?next=https://evil.example/"])(
    "no place that is not listed: %s",
    async (next) => {
      const { as, cookies } = await owner();
      const other = `?${new URLSearchParams({ next })}`;
      for (const path of [`/sign-in/identity${other}`, `/account/identities/link${other}`]) {
        expect((await world.ask({ path, as, cookies })).text).not.toContain("evil.example");
      }
      const linked = await world.ask({ path: "/account/identities/link", form: { next }, as, cookies });
      expect(linked.location).toBe("/account/security?done=identities");
    },
  );

  test("a sign-in that began with a place carries it to the page that asks", async () => {
    const begun = await world.auth.federation.start({ provider: "practice", next: `/account/identities/link${query}` });
    const look = await world.auth.federation.look({ provider: "practice", attempt: begun.attempt });
    expect(look.next).toBe(`/account/identities/link${query}`);
  });
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
