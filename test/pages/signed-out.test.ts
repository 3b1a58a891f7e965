/** What the pages say to a user who must sign in again. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Person } from "../support/auth.ts";
import { system } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { openPages, type PageReply, type PageWorld, type SentToPage } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

const statusOf = ({ text }: PageReply): string | undefined => /<p role="status">([^<]*)<\/p>/.exec(text)?.[1];

/** Follows redirects, as a browser with this cookie does. */
async function arrive(sent: SentToPage): Promise<PageReply> {
  const reply = await world.ask(sent);
  const { as, cookies } = sent;
  if (!reply.location) return reply;
  return await arrive({ path: reply.location, ...(as && { as }), ...(cookies && { cookies }) });
}

/** A person who has signed in with a passkey. */
async function withPasskey(): Promise<{ token: string; passkeyId: string }> {
  const person = await world.person({ transport: "cookie" });
  const authenticator = await newAuthenticator({ counts: false, backup: true });
  const options = await world.ask({ path: "/account/passkeys/options", json: {}, as: person });
  const created = await authenticator.create(JSON.parse(options.text));
  await world.ask({ path: "/account/passkeys", json: { response: created }, as: person });
  const asked = await world.ask({ path: "/sign-in/passkey/options", json: {} });
  const response = await authenticator.get(JSON.parse(asked.text));
  const reply = await world.ask({ path: "/sign-in/passkey", json: { response } });
  const token = /^__Host-session=([^;]+)/.exec(reply.setCookies.join("\n"))![1]!;
  const { text } = await world.ask({ path: "/account/security", as: { token } });
  return { token, passkeyId: /passkey_id=(cred_[0-9a-f]+)/.exec(text)![1]! };
}

describe("S79: a page that signs a user out says why", () => {
  const ends: Record<string, (person: Person) => Promise<unknown>> = {
    "ended elsewhere": ({ session }) => world.auth.sessions.revoke({ actor: system, sessionId: session.id }),
    "another password": ({ userId, credentialId }) =>
      world.auth.credentials
        .suspend({ actor: system, credentialId })
        .then(() => world.auth.credentials.reinstate({ actor: system, credentialId }))
        .then(() => userId),
    "a suspended user": ({ userId }) => world.auth.users.suspend({ actor: system, userId }),
  };

  test.each(Object.entries(ends))(
    "%s: page, form and script lead to a sign-in page that says so",
    async (_name, end) => {
      const as = await world.person({ transport: "cookie" });
      await end(as);
      const replies = [
        await arrive({ path: "/account", as }),
        await arrive({ path: "/account", as, headers: { "sec-fetch-site": "cross-site" } }),
        await arrive({ path: "/", as }),
        await arrive({ path: "/account/name", form: { display_name: "x" }, as }),
        await arrive({
          path: JSON.parse((await world.ask({ path: "/account/passkeys/options", json: {}, as })).text).location,
          as,
        }),
      ];
      for (const reply of replies) expect(statusOf(reply)).toMatch(/^Your session has ended/);
    },
  );

  test("a second factor required by now: says so", async () => {
    const as = await world.person({ transport: "cookie" });
    await world.enroll(as.userId);
    expect(statusOf(await arrive({ path: "/account", as }))).toMatch(/requires a second factor/);
  });

  test("a cookie that the browser has dropped: says that a session may have ended", async () => {
    expect(statusOf(await arrive({ path: "/account" }))).toMatch(/^Sign in to continue/);
  });

  test.each(["/sign-in/second-factor", "/sign-in/enroll"])(
    "%s without a ticket: says that it was finished or took too long",
    async (path) => {
      expect(statusOf(await arrive({ path }))).toMatch(/was finished already, or it took too long/);
    },
  );

  test("the passkey of the session: the page warns, and then says that it is removed", async () => {
    const { token, passkeyId } = await withPasskey();
    const as = { token };
    const asked = await world.ask({ path: `/account/passkeys/remove?passkey_id=${passkeyId}`, as });
    expect(asked.text).toContain("You signed in with this passkey.");
    const reply = await arrive({ path: "/account/passkeys/remove", form: { passkey_id: passkeyId }, as });
    expect(statusOf(reply)).toMatch(/^Your passkey was removed/);
  });

  test("another passkey: no warning, and the session goes on", async () => {
    const as = await world.person({ transport: "cookie" });
    const authenticator = await newAuthenticator({ counts: false, backup: true });
    const options = await world.ask({ path: "/account/passkeys/options", json: {}, as });
    const response = await authenticator.create(JSON.parse(options.text));
    const { setCookies } = await world.ask({ path: "/account/passkeys", json: { response }, as });
    const token = /^__Host-session=([^;]+)/.exec(setCookies.join("\n"))![1]!;
    const { text } = await world.ask({ path: "/account/security", as: { token } });
    const passkeyId = /passkey_id=(cred_[0-9a-f]+)/.exec(text)![1]!;
    const page = await world.ask({ path: `/account/passkeys/remove?passkey_id=${passkeyId}`, as: { token } });
    expect([page.status, page.text.includes("You signed in with this passkey.")]).toEqual([200, false]);
  });
});

describe("a link cannot claim that a session has ended", () => {
  test.each(["ended", "passkey", "second-factor", "no-session", "ticket"])(
    "why=%s, signed in: leads on",
    async (why) => {
      const as = await world.person({ transport: "cookie" });
      const reply = await world.ask({ path: `/sign-in?next=%2Faccount%2Ftokens&why=${why}`, as });
      expect([reply.status, reply.location]).toEqual([303, "/account/tokens"]);
    },
  );

  test.each(["ended", "passkey", "second-factor", "constructor", "<b>", ""])(
    "why=%s, never signed in: says nothing",
    async (why) => {
      const reply = await world.ask({ path: `/sign-in?why=${encodeURIComponent(why)}` });
      expect([reply.status, statusOf(reply)]).toEqual([200, undefined]);
    },
  );
});
