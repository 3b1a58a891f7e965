/** What a change owes is sent after its answer, and waits for no schedule. @module */
import type { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { addressHeader, freshAddress, goodPassword, openAuth, type Person, type World } from "../support/auth.ts";
import { pages } from "../support/every-page.ts";
import { origin } from "../support/http.ts";
import { applicationOf } from "../support/http-world.ts";
import { withVerifiedAddress } from "../support/links.ts";
import { askPages } from "../support/page-world.ts";

let world: World;
let app: Hono;
beforeAll(async () => {
  world = await openAuth("pglite");
  app = applicationOf(world.auth);
  app.route("/", pages(world.auth));
});
afterAll(() => world.close());

async function post(path: string, token: string, json: object): Promise<number> {
  const headers = {
    "content-type": "application/json",
    origin,
    [addressHeader]: freshAddress(),
    authorization: `Bearer ${token}`,
  };
  return (await app.request(path, { method: "POST", headers, body: JSON.stringify(json) })).status;
}

const newPassword = "another horse battery staple";

describe("S41: a notice arrives without a call of deliver()", () => {
  test.each<{ case: string; transport?: "cookie"; subject: RegExp; change: (ada: Person) => Promise<unknown> }>([
    {
      case: "a password that is changed over HTTP",
      subject: /password/,
      change: (ada) => post("/auth/password", ada.token, { current_password: goodPassword, new_password: newPassword }),
    },
    {
      case: "a password that is changed on its page",
      transport: "cookie",
      subject: /password/,
      change: (ada) =>
        askPages(app, {
          path: "/account/password",
          as: ada,
          form: { current_password: goodPassword, new_password: newPassword },
        }),
    },
    {
      case: "a session token that is used twice, once someone else has succeeded",
      subject: /session was ended/,
      change: async (ada) => {
        expect(await post("/auth/refresh", ada.token, {})).toBe(200);
        await world.rows(sql`update ses set revoked_at = revoked_at - interval '1 minute', created_at = created_at - interval '1 hour'
          where successor_id is not null`);
        expect(await post("/auth/refresh", ada.token, {})).toBe(401);
        const grace = await world.person();
        expect(await post("/auth/refresh", grace.token, {})).toBe(200);
      },
    },
  ])("$case", async ({ transport = "token" as const, subject, change }) => {
    const ada = await world.person({ transport });
    await withVerifiedAddress(world, ada);
    const before = world.mailbox.messages.length;
    await change(ada);
    await world.mailbox.arrival(ada.identifier, before);
    expect(world.mailbox.newestTo(ada.identifier).subject).toMatch(subject);
  });
});
