import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressHeader, otherPassword, outcome } from "../support/auth.ts";
import { readReply } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
});
afterAll(() => world.close());

const get = async (query: string, token: string) =>
  await readReply(
    await world.app.request(`/auth/activity${query}`, {
      headers: { [addressHeader]: "192.0.2.1", authorization: `Bearer ${token}` },
    }),
  );

describe("GET /auth/activity", () => {
  test("lists the caller's events with a name for each device, and nothing raw", async () => {
    const { identifier, token } = await world.person();
    const userAgent = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0 secret-build";
    const context = { address: "198.51.100.9", userAgent };
    await outcome(world.auth.signIn.password({ identifier, password: otherPassword, context }));
    const { status, json: body } = await get("", token);
    expect(status).toBe(200);
    const id = expect.stringMatching(/^aud_[0-9a-f]{32}$/);
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(body).toEqual({
      data: [
        { id, at, type: "sign_in_failed", by: "unknown", address: "198.51.100.9", device: "Firefox on Windows" },
        { id, at, type: "account_created", by: "user", address: expect.any(String), device: "Unknown device" },
      ],
      page: { next_cursor: null },
    });
    expect(JSON.stringify(body)).not.toMatch(/secret-build|usr_|metadata/);
  });

  test("pages by cursor", async () => {
    const person = await world.person();
    await world.signIn(person);
    const first = await get("?limit=1", person.token);
    const { next_cursor } = (first.json as { page: { next_cursor: string } }).page;
    const second = await get(`?limit=1&cursor=${next_cursor}`, person.token);
    const types = [first, second].map(({ json }) => json.data[0].type);
    expect(types).toEqual(["signed_in", "account_created"]);
  });
});
