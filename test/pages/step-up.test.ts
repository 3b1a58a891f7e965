/** Acts that wait for a proof. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pageRoutes } from "../../src/pages/page-routes.ts";
import { sitesOf } from "../../src/pages/site.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, installTestClock } from "../../src/testing/clock.ts";
import { goodPassword, type Person } from "../support/auth.ts";
import { type Authenticator, newAuthenticator } from "../support/authenticator.ts";
import { addApp, addPasskey } from "../support/factors.ts";
import { openPages, type PageReply, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

const hidden = ({ text }: PageReply, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1];
const tokenIn = (reply: PageReply) => /^__Host-session=([^;]+)/.exec(reply.setCookies.join("\n"))?.[1];
const names = async (person: Person, token: string): Promise<readonly string[]> => {
  const { actor } = await world.auth.sessions.verify({ token, transport: "cookie" });
  const { data } = await world.auth.personalAccessTokens.list({ actor, userId: person.userId });
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
      JSON.stringify(rows, (key, value) => (key === "last_seen_at" ? 0 : value));
    expect(still(after)).toBe(still(before));
  });
});
