/** Names that people type, over HTTP: the stricter rules of `/auth`, and what `/v1` accepts beyond them. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshIdentifier, goodPassword, type Person } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { givenPasskey, registrationBy } from "../support/factors.ts";
import type { Reply } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
});
afterAll(() => world.close());

const post = (path: string, json: unknown, token?: string): Promise<Reply> =>
  world.send({ method: "POST", path, json, ...(token && { token }) });
const put = (path: string, json: unknown, token: string): Promise<Reply> =>
  world.send({ method: "PUT", path, json, token });

async function owner(): Promise<Person> {
  const person = await world.person();
  await world.levelTwo(person.session);
  return person;
}

/** Every request under `/auth` that takes a name. Each returns the answer to a name. */
const typed: Readonly<Record<string, (name: string) => Promise<Reply>>> = {
  "sign-up": (display_name) =>
    post("/auth/sign-up", { identifier: freshIdentifier(), password: goodPassword, display_name }),
  "display name": async (display_name) => await put("/auth/user", { display_name }, (await owner()).token),
  passkey: async (name) => {
    const person = await owner();
    const response = await registrationBy(world, person, await newAuthenticator());
    return await post("/auth/passkeys", { response, name }, person.token);
  },
  "renamed passkey": async (name) => {
    const person = await owner();
    return await put(`/auth/passkeys/${await givenPasskey(world, person.userId)}`, { name }, person.token);
  },
  "personal access token": async (name) =>
    await post("/auth/personal-access-tokens", { name, scope: [] }, (await owner()).token),
  "authenticator app": async (identifier) =>
    await post("/auth/factors", { type: "totp", identifier }, (await owner()).token),
};

describe.each(Object.keys(typed))("S63: %s", (route) => {
  test.each([
    ["an override", "Ada\u202eecilA"],
    ["an embedding", "Ada\u202bx"],
    ["an isolate", "Ada\u2067x"],
    ["a line end", "Ada\nLovelace"],
    ["a line separator", "Ada\u2028Lovelace"],
    ["a control", "Ada\u0007"],
    ["201 code points", "𝒜".repeat(201)],
    ["60,000 characters", "a".repeat(60_000)],
  ])("a name with %s: refused", async (_case, name) => {
    const { status, code } = await typed[route]!(name);
    expect([status, code]).toEqual([400, "invalid_format.name"]);
  });

  test.each(["Ada Lovelace", "अनुष्का", "می‌خواهم", "👩‍👩‍👧‍👦", "Ødegård-O'Neill"])("%s: accepted", async (name) => {
    expect((await typed[route]!(name)).status).toBeLessThan(300);
  });
});

describe("S63: under /v1 a display name is what the specification accepts, up to 4,096 bytes", () => {
  test.each([
    ["with an override", "Ada\u202eecilA", 200],
    ["of 4,096 bytes", "é".repeat(2_048), 200],
    ["of 4,098 bytes", "é".repeat(2_049), 400],
  ])("%s", async (_case, display_name, status) => {
    const { userId, token } = await owner();
    const updated = await put(`/v1/users/${userId}`, { display_name }, token);
    expect([updated.status, updated.code ?? null]).toEqual([status, status === 200 ? null : "invalid_format.name"]);
    const administrator = await world.administrator();
    const created = await post("/v1/users", { display_name }, administrator.token);
    expect(created.status).toBe(status === 200 ? 201 : 400);
  });
});
