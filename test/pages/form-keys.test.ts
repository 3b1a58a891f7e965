/** Forms that work once, as a browser sends them again. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, installTestClock } from "../../src/testing/clock.ts";
import type { Person } from "../support/auth.ts";
import { addApp, appOf } from "../support/factors.ts";
import { formKeyIn, openPages, type PageWorld, type SentToPage } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

/** Every row that a form with a key can make or end. */
const made = async () => ({
  tokens: await world.rows(sql`select id, revoked_at from pat order by id`),
  factors: await world.rows(sql`select id, status, recovery_hashes, totp_secret from mfa order by id`),
});

const formOf = async (act: string, as: Pick<Person, "token">): Promise<Record<string, string>> => {
  const { text } = await world.ask({ path: act, as });
  return { ...fields[act], form_key: formKeyIn(text, act)! };
};

const fields: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "/account/tokens/new": { name: "backup", scopes: "account:read", expires: "30" },
  "/account/recovery-codes": {},
  "/account/authenticator": { label: "phone" },
};

/** The request of a ticket that serves only to enroll. */
async function enrolling(): Promise<SentToPage> {
  const { userId, identifier, password } = await world.person();
  await world.requireFactor(userId);
  const { setCookies } = await world.ask({ path: "/sign-in", form: { identifier, password } });
  const ticket = /^__Host-login-ticket=([^;]+)/.exec(setCookies.join("\n"))![1]!;
  const cookies = { "__Host-login-ticket": ticket };
  const { text } = await world.ask({ path: "/sign-in/enroll", cookies });
  const key = formKeyIn(text, "/sign-in/enroll")!;
  return { path: "/sign-in/enroll", form: { label: "phone", form_key: key }, cookies };
}

const secret = /class="secret"/;

describe("S79: a reload makes nothing twice and voids nothing", () => {
  const requests: Record<string, () => Promise<SentToPage>> = {
    ...Object.fromEntries(
      Object.keys(fields).map((path) => [
        path,
        async () => {
          const { person } = await addApp(world, await world.person({ transport: "cookie" }));
          return { path, form: await formOf(path, person), as: person };
        },
      ]),
    ),
    "/sign-in/enroll": enrolling,
  };

  test.each(Object.entries(requests))("%s", async (_path, prepare) => {
    const sent = await prepare();
    const first = await world.ask(sent);
    expect([first.status, secret.test(first.text)]).toEqual([200, true]);
    const before = await made();
    const repeated = await world.ask(sent);
    expect([repeated.status, secret.test(repeated.text)]).toEqual([409, false]);
    expect(repeated.text).toMatch(/role="alert"[^>]*>[^<]*(already created|only once)/);
    // A form that was changed before it was sent again is still the same form.
    const changed = await world.ask({ ...sent, form: { ...sent.form, name: "other", label: "other" } });
    expect([changed.status, secret.test(changed.text)]).toEqual([409, false]);
    expect(await made()).toEqual(before);
  });

  test("the QR code again: asks for the code of the app that was shown, and that code still confirms it", async () => {
    const person = await world.person({ transport: "cookie" });
    const sent = { path: "/account/authenticator", form: await formOf("/account/authenticator", person), as: person };
    const factorOf = (text: string) => /name="factor_id" value="([^"]+)"/.exec(text)?.[1];
    const [shown, again] = [await world.ask(sent), await world.ask(sent)];
    expect([typeof factorOf(shown.text), factorOf(again.text)]).toEqual(["string", factorOf(shown.text)]);
  });

  test("a refused form: its key works again once the field is corrected", async () => {
    const person = await world.person({ transport: "cookie" });
    const form = await formOf("/account/tokens/new", person);
    const ask = (name: string, last_day = "") =>
      world.ask({
        path: "/account/tokens/new",
        form: { ...form, name, expires: last_day ? "date" : "30", last_day },
        as: person,
      });
    const refused = [await ask(""), await ask("n", "2020-01-01")];
    expect(refused.map(({ status }) => status)).toEqual([400, 400]);
    expect((await ask("n")).status).toBe(200);
  });
});

describe("S79: a reload of the page that finished a sign-in says what happened", () => {
  const sessionIn = ({ setCookies }: { setCookies: readonly string[] }) =>
    /^__Host-session=([^;]+)/m.exec(setCookies.join("\n"))?.[1];

  /** A first factor, confirmed: the request that did it, and the session that it made. */
  async function finished(): Promise<{ sent: SentToPage; token: string; text: string }> {
    const begun = await enrolling();
    const { text } = await world.ask(begun);
    const factorId = /name="factor_id" value="([^"]+)"/.exec(text)![1]!;
    const secretBase32 = /<code class="secret">([A-Z2-7 ]+)</.exec(text)![1]!.replaceAll(" ", "");
    const app = appOf(world, { factor: { id: factorId }, secretBase32 });
    const form = { factor_id: factorId, code: await app.code(), next: "/account/tokens" };
    const sent = { path: "/sign-in/enroll/confirm", form, cookies: begun.cookies! };
    const reply = await world.ask(sent);
    return { sent, token: sessionIn(reply)!, text: reply.text };
  }

  test("in the browser that is signed in now: names the user, makes nothing and ends nothing", async () => {
    const { sent, token, text } = await finished();
    expect(text).toMatch(secret);
    const { user } = await world.auth.sessions.verify({ token, transport: "cookie" });
    const before = await made();
    // The browser has dropped the ticket; a second tab may still send it.
    for (const cookies of [{}, sent.cookies!]) {
      const again = await world.ask({ ...sent, cookies, as: { token } });
      expect([again.status, sessionIn(again)]).toEqual([401, undefined]);
      expect(again.text).toContain(`You are signed in as <bdi>${user.identifier}</bdi>`);
      expect(again.text).toContain("Recovery codes are shown only once");
      expect(again.text).toContain('href="/account/tokens"');
      expect(again.text).not.toMatch(secret);
    }
    expect(await made()).toEqual(before);
    expect((await world.ask({ path: "/account", as: { token } })).status).toBe(200);
  });

  test("in a browser without a live session: asks to start again, and names no user", async () => {
    const { sent, token } = await finished();
    await world.auth.sessions.signOut({ token, transport: "cookie" });
    for (const as of [undefined, { token }, { token: "x" }]) {
      const again = await world.ask({ ...sent, ...(as && { as }) });
      expect([again.status, /role="alert"[^>]*>This sign-in was finished already/.test(again.text)]).toEqual([
        401,
        true,
      ]);
      expect(again.text).not.toContain("You are signed in");
    }
  });

  test("a code of a second factor, sent again", async () => {
    const { app, person } = await addApp(world, await world.person());
    const { identifier, password } = person;
    const { setCookies } = await world.ask({ path: "/sign-in", form: { identifier, password } });
    const cookies = { "__Host-login-ticket": /^__Host-login-ticket=([^;]+)/m.exec(setCookies.join("\n"))![1]! };
    const sent = { path: "/sign-in/second-factor", form: { type: "totp", code: await app.code() } };
    const token = sessionIn(await world.ask({ ...sent, cookies }))!;
    const again = await world.ask({ ...sent, as: { token } });
    expect([again.status, again.text.includes(`You are signed in as <bdi>${identifier}</bdi>`)]).toEqual([401, true]);
  });
});

describe("S79: a form without a key of its own makes nothing, and is filled again", () => {
  const forge: Record<string, (act: string, person: Person) => Promise<string>> = {
    none: async () => "",
    "made up": async () => `${"9".repeat(10)}.${"A".repeat(48)}.${"A".repeat(43)}`,
    "of another session": async (act) => (await formOf(act, await withApp())).form_key!,
    "of another act": async (act, person) => {
      const other = Object.keys(fields).find((one) => one !== act)!;
      return (await formOf(other, person)).form_key!;
    },
    "with a later end": async (act, person) => (await formOf(act, person)).form_key!.replace(/^\d+/, "9999999999"),
  };

  const withApp = async () => (await addApp(world, await world.person({ transport: "cookie" }))).person;

  test.each(Object.entries(forge))("a key %s", async (_name, forged) => {
    for (const [act, typed] of Object.entries(fields)) {
      const person = await withApp();
      const form_key = await forged(act, person);
      const before = await made();
      const reply = await world.ask({ path: act, form: { ...typed, form_key }, as: person });
      expect([act, reply.status, secret.test(reply.text)]).toEqual([act, 400, false]);
      expect(reply.text).toContain("send it again");
      for (const text of Object.values(typed)) expect(reply.text).toContain(`value="${text}"`);
      expect(await made()).toEqual(before);
    }
  });

  test("a form that was open for twelve hours", async () => {
    await installTestClock(world.database);
    await advanceTestClock(world.database, 0);
    const person = await world.person({ transport: "cookie" });
    const form = await formOf("/account/tokens/new", person);
    await advanceTestClock(world.database, 43_199);
    await world.age(person.session, 0);
    const inTime = await world.ask({ path: "/account/tokens/new", form, as: person });
    expect(inTime.status).toBe(200);
    await advanceTestClock(world.database, 1);
    // Long before the database forgets the key, its form has ended.
    const late = await world.ask({ path: "/account/tokens/new", form, as: person });
    expect([late.status, late.text.includes("send it again")]).toEqual([400, true]);
  });
});
