/** Acts that wait for a proof. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sitesOf } from "../../src/pages/site.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, installTestClock } from "../../src/testing/clock.ts";
import { goodPassword, type Person, system } from "../support/auth.ts";
import { type Authenticator, newAuthenticator } from "../support/authenticator.ts";
import { pageRoutes } from "../support/every-page.ts";
import { addApp, addPasskey } from "../support/factors.ts";
import { openPages, type PageReply, type PageWorld } from "../support/page-world.ts";
import { practiceProvider } from "../support/practice-provider.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

const hidden = ({ text }: PageReply, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1];
const tokenIn = (reply: PageReply) => /^__Host-session=([^;]+)/.exec(reply.setCookies.join("\n"))?.[1];
const names = async (person: Person, token: string, of: PageWorld = world): Promise<readonly string[]> => {
  const { actor } = await of.auth.sessions.verify({ token, transport: "cookie" });
  const { data } = await of.auth.personalAccessTokens.list({ actor, userId: person.userId });
  return data.map(({ name }) => name);
};

async function stale(): Promise<Person> {
  const person = await world.person({ transport: "cookie" });
  await world.age(person.session, 3600);
  return person;
}

const form = { name: "backup “1”", scopes: "account:read docs:read", expires: "30", last_day: "" };
const askToken = (as: Person) => world.ask({ path: "/account/tokens/new", form, as });
const prove = (as: Pick<Person, "token">, act: string, password = goodPassword) =>
  world.ask({ path: "/account/step-up", form: { type: "password", password, act }, as });

describe("S79: after a proof the act goes on", () => {
  test("a token: the page says what will happen, the proof makes the token, and a reload makes none", async () => {
    const person = await stale();
    const asked = await askToken(person);
    expect([asked.status, asked.text.includes("After that, the access token")]).toEqual([200, true]);
    const act = hidden(asked, "act")!;
    const wrong = await prove(person, act, "wrong wrong wrong");
    // A wrong proof keeps the act, and does not prolong it.
    expect([wrong.status, hidden(wrong, "act")]).toEqual([401, act]);
    const shown = await prove(person, act);
    expect([shown.status, shown.text.includes("Your new token")]).toEqual([200, true]);
    const token = tokenIn(shown)!;
    expect(await names(person, token)).toEqual([form.name]);
    const reloaded = await prove({ token }, act);
    expect([reloaded.status, reloaded.location]).toEqual([303, "/account"]);
    expect(await names(person, tokenIn(reloaded) ?? token)).toEqual([form.name]);
  });

  test("recovery codes and an authenticator app's removal, by a code of the app", async () => {
    for (const [path, done] of [
      ["/account/recovery-codes", "Your recovery codes"],
      ["/account/authenticator/remove", "done=no-authenticator"],
    ] as const) {
      const { person, app } = await addApp(world, await world.person({ transport: "cookie" }));
      const sent = path.endsWith("remove") ? { factor_id: app.factorId } : {};
      // The key of the form comes from its page.
      await world.age(person.session, 3600);
      const asked = await world.ask({ path, form: sent, as: person });
      const act = hidden(asked, "act")!;
      const reply = await world.ask({
        path: "/account/step-up",
        form: { type: "totp", code: await app.code(), act },
        as: person,
      });
      expect([path, `${reply.location} ${reply.text}`.includes(done)]).toEqual([path, true]);
    }
  });

  test("a refusal after the proof: the form is filled again", async () => {
    const person = await stale();
    const asked = await world.ask({
      path: "/account/tokens/new",
      form: { ...form, expires: "date", last_day: "2020-01-01" },
      as: person,
    });
    const act = hidden(asked, "act") ?? "";
    const reply = act ? await prove(person, act) : asked;
    expect([reply.status, reply.text.includes('value="account:read docs:read"')]).toEqual([400, true]);
  });

  test("a passkey to add: its name is filled in again; and a proof by passkey goes on too", async () => {
    const person = await world.person({ transport: "cookie" });
    const authenticator: Authenticator = await newAuthenticator({ counts: false, backup: true });
    await addPasskey(world, person, authenticator);
    await world.age(person.session, 3600);
    const refused = await world.ask({ path: "/account/passkeys/options", json: { name: "Blue key" }, as: person });
    const { act, location } = JSON.parse(refused.text);
    expect([refused.status, location]).toEqual([401, "/account/step-up?next=%2Faccount%2Fpasskeys%2Fnew"]);
    const page = await world.ask({ path: location, form: { act }, as: person });
    expect([page.status, page.text.includes("After that, add your passkey."), hidden(page, "next") ?? null]).toEqual([
      200,
      true,
      null,
    ]);
    const asked = await world.ask({ path: "/account/step-up/passkey/options", json: {}, as: person });
    const proof = await authenticator.get(JSON.parse(asked.text));
    const proved = await world.ask({ path: "/account/step-up/passkey", json: { response: proof, act }, as: person });
    const next = JSON.parse(proved.text);
    expect(next.location).toBe("/account/step-up/continue");
    const token = tokenIn(proved)!;
    const account = await world.ask({ path: next.location, form: { act: next.act }, as: { token } });
    expect([account.status, account.text.includes('value="Blue key"')]).toEqual([200, true]);
    // The act of the old session means nothing in the new one.
    const old = await world.ask({ path: next.location, form: { act }, as: { token } });
    expect([old.status, old.location]).toEqual([303, "/account"]);
  });
});

describe("S79: an act is bound to the session that asked, and to ten minutes", () => {
  test("another session's act, or a changed one: proved, and nothing is done", async () => {
    const [ada, bob] = [await stale(), await stale()];
    const act = hidden(await askToken(ada), "act")!;
    const [end, text, mac] = act.split(".");
    const changed = [act, `9999999999.${text}.${mac}`, `${end}.${text}A.${mac}`, "", "x", "1.e30.A"];
    for (const one of changed) {
      const as = await stale();
      const reply = await prove(as, one);
      expect([reply.status, reply.location]).toEqual([303, "/account"]);
      expect(await names(as, tokenIn(reply)!)).toEqual([]);
    }
    expect(await names(bob, bob.token)).toEqual([]);
  });

  test("after ten minutes: the proof counts, and nothing is done", async () => {
    await installTestClock(world.database);
    await advanceTestClock(world.database, 0);
    const person = await stale();
    const act = hidden(await askToken(person), "act")!;
    await advanceTestClock(world.database, 600);
    const reply = await prove(person, act);
    expect([reply.status, reply.location]).toEqual([303, "/account"]);
    expect(await names(person, tokenIn(reply)!)).toEqual([]);
  });

  test("no act carries a secret, and nothing of it is stored with the session", async () => {
    const [site] = sitesOf({ tokenScopes: [{ scope: "docs:read", text: "Read documents" }] });
    const carried = pageRoutes.flatMap((row) => {
      const fields = (row.access === "user" && row.afterProof?.fields) || [];
      return typeof fields === "function" ? fields(site) : fields;
    });
    expect(carried.length).toBeGreaterThan(5);
    expect(carried.filter((name) => /password|code|secret|token$/.test(name))).toEqual([]);
    const person = await stale();
    const before = await world.rows(sql`select * from ses order by id`);
    await askToken(person);
    const after = await world.rows(sql`select * from ses order by id`);
    const still = (rows: readonly unknown[]) =>
      JSON.stringify(rows, (key, value) => (["last_seen_at", "longest_idle_seconds"].includes(key) ? 0 : value));
    expect(still(after)).toBe(still(before));
  });
});

describe("S79: after a proof at a provider the act goes on", () => {
  /** The provider asks for a new proof, so that it counts beside a password. */
  let world: PageWorld;
  beforeAll(async () => {
    world = await openPages({ auth: { federation: { providers: [{ ...practiceProvider(), provesAgain: true }] } } });
  });
  afterAll(() => world.close());

  const askToken = (as: Person) => world.ask({ path: "/account/tokens/new", form, as });
  async function stale(): Promise<Person> {
    const person = await world.person({ transport: "cookie" });
    await world.age(person.session, 3600);
    return person;
  }
  const kept = ({ setCookies }: PageReply) => /^__Host-asked-act=([^;]*)/m.exec(setCookies.join("\n"))?.[1] ?? "";
  const goOn = (as: Pick<Person, "token">, act: string) =>
    world.ask({ path: "/account/step-up/continue", as, cookies: { "__Host-asked-act": act } });

  const link = ({ userId }: Person) =>
    world.auth.federation.import({
      actor: system,
      userId,
      provider: "practice",
      subject: crypto.randomUUID(),
    });

  /** A user without a factor who has an identity, and whose form waits for a proof. */
  async function asking() {
    const person = await stale();
    await link(person);
    const asked = await askToken(person);
    return { person, asked, act: kept(asked) };
  }

  test("the page links to the provider, which leads back to the act; it goes on by a form, once", async () => {
    const { person, asked, act } = await asking();
    expect(asked.text).toContain("next=%2Faccount%2Fstep-up%2Fcontinue");
    // The proof has made another session.
    const proved = await world.signIn(person, { transport: "cookie" });
    const page = await goOn(proved, act);
    expect([page.status, page.text.includes("After that, the access token")]).toEqual([200, true]);
    expect(page.setCookies).toEqual([]);
    expect(await names(person, proved.token, world)).toEqual([]);
    const form = { act: hidden(page, "act")! };
    const cookies = { "__Host-asked-act": act };
    const made = await world.ask({ path: "/account/step-up/continue", form, as: proved, cookies });
    expect(made.setCookies.join()).toContain("__Host-asked-act=; Max-Age=0");
    expect(made.text).toContain("Your new token");
    await world.ask({ path: "/account/step-up/continue", form, as: proved });
    expect(await names(person, proved.token, world)).toEqual(["backup “1”"]);
  });

  test("without a proof, nothing is done, and the user is asked for one", async () => {
    const { person, act } = await asking();
    const page = await goOn(person, act);
    const form = { act: hidden(page, "act")! };
    const again = await world.ask({ path: "/account/step-up/continue", form, as: person });
    expect([again.status, again.location]).toEqual([303, "/account/step-up?next=%2Faccount"]);
    expect(await names(person, person.token, world)).toEqual([]);
  });

  test("another user, a made-up act, none, and one of more than ten minutes ago: nothing waits", async () => {
    const { person, act } = await asking();
    const other = await world.person({ transport: "cookie" });
    for (const [as, text] of [
      [other, act],
      [person, `${act.slice(0, -1)}${act.endsWith("A") ? "B" : "A"}`],
      [person, "none"],
    ] as const) {
      const reply = await goOn(as, text);
      expect([reply.status, reply.location]).toEqual([303, "/account"]);
    }
  });

  test("an act too long for a cookie is not kept", async () => {
    const person = await stale();
    await link(person);
    const asked = await world.ask({
      path: "/account/tokens/new",
      form: { ...form, scopes: "a".repeat(4000) },
      as: person,
    });
    expect(kept(asked)).toBe("");
  });

  test("a user with a factor is shown no provider, and nothing is kept", async () => {
    const { person } = await addApp(world, await world.person({ transport: "cookie" }));
    await link(person);
    await world.age(person.session, 3600);
    const asked = await askToken(person);
    expect([kept(asked), asked.text.includes("step-up%2Fcontinue")]).toEqual(["", false]);
  });
});
