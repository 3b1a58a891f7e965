import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshIdentifier, goodPassword } from "../support/auth.ts";
import { cookiesOf, type Reply } from "../support/http.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
});
afterAll(() => world.close());

const post = (path: string, json: object, cookie?: string): Promise<Reply> =>
  world.send({ method: "POST", path, json, cookie, ...(!cookie && { headers: { "sec-fetch-site": "same-origin" } }) });

const signUp = async (more: object) => {
  const account = { identifier: freshIdentifier(), password: goodPassword };
  return { account, reply: await post("/auth/sign-up", { ...account, ...more }) };
};

const sessionCookieOf = (reply: Reply) => cookiesOf(reply)["__Host-session"]!;

describe("LX11: the cookie of a session that is not remembered", () => {
  test("has no Max-Age and no Expires, after sign-up, sign-in and a refresh", async () => {
    const { account, reply: first } = await signUp({ remember: false });
    const second = await post("/auth/sign-in", { ...account, remember: false });
    const third = await post("/auth/refresh", {}, sessionCookieOf(second).value);
    for (const reply of [first, second, third]) {
      expect(sessionCookieOf(reply).attributes).toEqual({ path: "/", secure: "", httponly: "", samesite: "Lax" });
      expect(reply.json.session.remember).toBe(false);
    }
    for (const reply of [first, second])
      expect(cookiesOf(reply)["__Host-known-device"]!.attributes["max-age"]).toBe(undefined);
  });

  test("that of a remembered session has Max-Age, by default and by choice", async () => {
    for (const more of [{}, { remember: true }]) {
      const { reply } = await signUp(more);
      expect(sessionCookieOf(reply).attributes["max-age"]).toBe(String(30 * 86_400));
      expect(reply.json.session.remember).toBe(true);
    }
  });

  test("a program's session has no cookie", async () => {
    const { reply } = await signUp({ remember: false, transport: "token" });
    expect(reply.setCookies).toEqual([]);
    expect(reply.json.session.remember).toBe(false);
  });

  test.each(["false", 0, null, {}])("remember: %j is refused", async (remember) => {
    const { reply } = await signUp({ remember });
    expect(reply.code).toBe("invalid_format.body");
  });
});
