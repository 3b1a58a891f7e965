import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressHeader, freshAddress, goodPassword } from "../support/auth.ts";
import { type Reply, send } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";
import { answerOf, freshIdentity } from "../support/practice-provider.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite", { auth: { returnTo: ["https://app.example.com/in"] } });
});
afterAll(() => world.close());

const sendForm = (fields: string, query = "", headers: Readonly<Record<string, string>> = {}, app = world.app) =>
  send(app, {
    method: "POST",
    path: `/auth/oidc/discover${query}`,
    body: fields,
    headers: { "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded", ...headers },
  });
const discover = (identifier: string, query?: string, headers?: Readonly<Record<string, string>>) =>
  sendForm(`${new URLSearchParams({ identifier })}`, query, headers);

/** The parts of a redirect to the provider that do not differ between two sign-ins. */
function leadingOf(reply: Reply) {
  const to = new URL(reply.headers.get("location")!);
  to.searchParams.set("state", "");
  const [cookie] = reply.setCookies;
  return {
    status: reply.status,
    to: to.href,
    cookies: reply.setCookies.length,
    cookie: cookie?.replace(/=[^;]*/, "="),
  };
}

describe("OC48: POST /auth/oidc/discover", () => {
  test("begins the sign-in at the provider of the domain, exactly as its own route does, in one request to the database", async () => {
    world.counting.reset();
    const found = await discover("ada@practice.example");
    expect(world.counting.requests).toBe(1);
    const begun = await world.send({ method: "POST", path: "/auth/oidc/practice/start" });
    expect(leadingOf(found)).toEqual(leadingOf(begun));
    expect(leadingOf(found)).toMatchObject({ status: 303, cookies: 1 });
    expect(found.setCookies[0]).toMatch(/^__Host-provider-practice=/);
    expect(world.counting.requests).toBe(1);
  });

  test("JSON: the same", async () => {
    const found = await world.send({
      method: "POST",
      path: "/auth/oidc/discover",
      json: { identifier: "ada@practice.example" },
    });
    expect(leadingOf(found)).toEqual(leadingOf(await discover("ada@practice.example")));
  });

  test.each([
    ["?next=https%3A%2F%2Fapp.example.com%2Fin", "https://app.example.com/in"],
    // R062: whatever is not in the list leads to the account.
    ["?next=https%3A%2F%2Fevil.example%2F", "/account"],
    ["", "/account"],
  ])("the sign-in that it began ends as any other: %s leads to %s", async (query, place) => {
    const found = await discover("ada@practice.example", query);
    const { search } = answerOf({ url: found.headers.get("location")! }, freshIdentity());
    const cookie = found.setCookies[0]!.split(";")[0]!;
    const headers = { "sec-fetch-site": "cross-site", cookie };
    const back = await world.send({ method: "GET", path: `/auth/oidc/practice/callback${search}`, headers });
    expect([back.status, back.headers.get("location")]).toEqual([303, place]);
    const session = back.setCookies.find((one) => one.startsWith("__Host-session="))!;
    expect(session).toContain("Max-Age");
  });

  test("`remember=false`: the cookie ends with the browser", async () => {
    const found = await discover("ada@practice.example", "?remember=false");
    const { search } = answerOf({ url: found.headers.get("location")! }, freshIdentity());
    const headers = { "sec-fetch-site": "cross-site", cookie: found.setCookies[0]!.split(";")[0]! };
    const back = await world.send({ method: "GET", path: `/auth/oidc/practice/callback${search}`, headers });
    expect(back.setCookies.find((one) => one.startsWith("__Host-session="))).not.toContain("Max-Age");
  });

  test("login CSRF: a form of another site begins nothing", async () => {
    const reply = await discover("ada@practice.example", "", { "sec-fetch-site": "cross-site" });
    expect([reply.status, reply.code, reply.setCookies]).toEqual([403, "forbidden.cross_origin", []]);
  });

  test.each(["ada@elsewhere.example", "ada@sub.practice.example", "ada", "", "@practice.example"])(
    "an address without a provider, %j: not found, whether an account has it or not",
    async (identifier) => {
      if (identifier.includes("elsewhere")) await world.person({ identifier });
      const reply = await discover(identifier);
      expect([reply.status, reply.code, reply.setCookies]).toEqual([404, "not_found", []]);
      expect(reply.text).not.toContain("elsewhere");
    },
  );

  test.each([
    ["no field", "", "invalid_format.body"],
    ["the field twice", "identifier=ada%40practice.example&identifier=x", "invalid_format.body"],
    ["a NUL", "identifier=ada%40practice.example%00", "invalid_format.body"],
    ["too much", `identifier=${"a".repeat(70_000)}`, "payload_too_large"],
  ])("a form with %s: refused", async (_case, fields, code) => {
    expect((await sendForm(fields)).code).toBe(code);
  });

  test.each([
    ["another media type", { "content-type": "text/plain" }, "unsupported_media_type"],
    ["JSON that is a form", { "content-type": "application/json" }, "invalid_format.json"],
  ])("%s: refused", async (_case, headers, code) => {
    expect((await discover("ada@practice.example", "", headers)).code).toBe(code);
  });

  test.each([{ identifier: "ada@practice.example", next: "/" }, { identifier: ["ada@practice.example"] }, {}])(
    "the JSON %j: refused",
    async (json) => {
      const reply = await world.send({ method: "POST", path: "/auth/oidc/discover", json });
      expect(reply.code).toBe("invalid_format.body");
    },
  );

  test("a list of domains is tried from one address: counted before anything else, known and unknown alike", async () => {
    const few = { address: { attempts: 3, windowSeconds: 300 } };
    const app = applicationOf(world.isolate({ limits: few }));
    const from = freshAddress();
    const ask = (identifier: string, address = from, more: Readonly<Record<string, string>> = {}) =>
      sendForm(`${new URLSearchParams({ identifier })}`, "", { [addressHeader]: address, ...more }, app);
    const tried = ["ada@a.example", "ada@practice.example", "ada@b.example"];
    expect(await Promise.all(tried.map(async (one) => (await ask(one)).status))).toEqual([404, 303, 404]);
    for (const identifier of ["ada@practice.example", "ada@a.example", "ada"]) {
      const reply = await ask(identifier);
      expect([reply.status, reply.code, reply.setCookies]).toEqual([429, "too_many_requests", []]);
      expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(290);
    }
    // A browser is led to the page that says it.
    const led = await ask("ada@practice.example", from, { "sec-fetch-mode": "navigate" });
    expect([led.status, led.headers.get("location")]).toEqual([303, "/sign-in?refusal=too_many_requests"]);
    // Others are let in, and so is a sign-in from the same address: its attempts are counted separately.
    expect((await ask("ada@practice.example", freshAddress())).status).toBe(303);
    const { identifier } = await world.person();
    const headers = { [addressHeader]: from };
    const json = { identifier, password: goodPassword };
    expect((await send(app, { method: "POST", path: "/auth/sign-in", json, headers })).status).toBe(200);
  });

  test("without domains, every address is without a provider", async () => {
    const app = applicationOf(world.isolate({ federation: { domains: {} } }));
    expect((await sendForm("identifier=ada%40practice.example", "", {}, app)).code).toBe("not_found");
  });
});
