/** What a browser gets when a route of a provider refuses: a page, and no JSON. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { type Reply, type Sent, send } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";
import { answerOf, freshIdentity, practiceDomains, practiceProvider } from "../support/practice-provider.ts";

let world: HttpWorld;
let silent: ReturnType<typeof applicationOf>;
beforeAll(async () => {
  world = await openHttp("pglite", { auth: { signUp: "open", returnTo: ["https://app.example.com/in?tab=1"] } });
  const begin = async () => {
    throw Object.assign(new Error("down"), { error: "issuer_unreachable" });
  };
  const providers = [{ ...practiceProvider(), begin }];
  silent = applicationOf(world.isolate({ federation: { providers, domains: practiceDomains } }));
});
afterAll(() => world.close());

const sameOrigin = { "sec-fetch-site": "same-origin" };
const sent = { method: "GET", headers: sameOrigin } as const;
const visible = ({ status, headers, text, setCookies }: Reply) => [status, headers.get("location"), text, setCookies];
const inBrowser = async (): Promise<Record<string, string>> => {
  const { token } = await world.person({ transport: "cookie" });
  return { ...sameOrigin, cookie: `__Host-session=${token}` };
};
const led = (place: string, refusal: string, provider = "&provider=practice") => [
  303,
  `${place}?refusal=${refusal}${provider}`,
  "",
  [],
];

describe("a link is refused: the browser is led to a page that says it", () => {
  test("to sign in, at an issuer that is down, a provider that is not listed, and from another site", async () => {
    const path = "/auth/oidc/practice/start";
    expect(visible(await send(silent, { ...sent, path }))).toEqual(led("/sign-in", "unavailable.provider"));
    const unknown = await world.send({ ...sent, path: "/auth/oidc/nowhere/start" });
    expect(visible(unknown)).toEqual(led("/sign-in", "not_found", ""));
    for (const headers of [{ "sec-fetch-site": "cross-site" }, {}]) {
      expect(visible(await world.send({ ...sent, path, headers }))).toEqual(led("/sign-in", "forbidden.cross_origin"));
    }
  });

  test.each(["link", "step-up"])("to %s", async (verb) => {
    const path = `/auth/oidc/practice/${verb}`;
    const headers = await inBrowser();
    const place = "/account/security";
    expect(visible(await send(silent, { ...sent, path, headers }))).toEqual(led(place, "unavailable.provider"));
    const unknown = await world.send({ ...sent, path: `/auth/oidc/nowhere/${verb}`, headers });
    expect(visible(unknown)).toEqual(led(place, "not_found", ""));
    const foreign = await world.send({ ...sent, path, headers: { ...headers, "sec-fetch-site": "cross-site" } });
    expect(visible(foreign)).toEqual(led(place, "forbidden.cross_origin"));
    expect(visible(await world.send({ ...sent, path }))).toEqual(led(place, "unauthorized.invalid_token"));
  });

  test("a query that is not acceptable", async () => {
    const reply = await world.send({ ...sent, path: "/auth/oidc/practice/start?remember=maybe" });
    expect(visible(reply)).toEqual(led("/sign-in", "invalid_format.query"));
  });

  test("an outage of the provider is reported once", async () => {
    world.errors.length = 0;
    await send(silent, { ...sent, path: "/auth/oidc/practice/start" });
    expect(world.errors).toMatchObject([{ code: "unavailable.provider" }]);
  });

  test.each([
    [
      "https://app.example.com/in?tab=1",
      "https://app.example.com/in?tab=1&refusal=unavailable.provider&provider=practice",
    ],
    // Only the page for it says a refusal, whatever page of the account the user comes from.
    ["/account/devices", "/account/security?refusal=unavailable.provider&provider=practice"],
    // R062
    ["https://evil.example/", "/account/security?refusal=unavailable.provider&provider=practice"],
    ["//evil.example", "/account/security?refusal=unavailable.provider&provider=practice"],
  ])("open redirect: to link with next=%s leads to %s", async (next, place) => {
    const path = `/auth/oidc/practice/link?${new URLSearchParams({ next })}`;
    const reply = await send(silent, { ...sent, path, headers: await inBrowser() });
    expect(reply.headers.get("location")).toBe(place);
  });

  test("a name that a link has is not shown, and sets no cookie", async () => {
    for (const name of ["%3Cscript%3E", "a%3B%20Domain=evil.example", "x%0D%0Ay", "%F0%9F%92%A9"]) {
      for (const verb of ["start", "callback?state=x&error=access_denied"]) {
        const reply = await world.send({ ...sent, path: `/auth/oidc/${name}/${verb}` });
        expect(visible(reply)).toEqual(led("/sign-in", "not_found", ""));
      }
    }
  });
});

describe("a form is refused", () => {
  const form = (path: string, fields: Record<string, string>, headers: Record<string, string>): Sent => ({
    method: "POST",
    path,
    body: `${new URLSearchParams(fields)}`,
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  });
  const navigating = { ...sameOrigin, "sec-fetch-mode": "navigate" };
  const starts = ["start", "link", "step-up"].map((verb) => [`/auth/oidc/practice/${verb}`, {}] as const);
  const forms = [...starts, ["/auth/oidc/discover", { identifier: "ada@practice.example" }] as const];

  test.each(forms)("%s: the browser is led on, a program gets JSON", async (path, fields) => {
    const headers = await inBrowser();
    const place = /link|step/.test(path) ? "/account/security" : "/sign-in";
    const visit = await send(silent, form(path, fields, { ...headers, ...navigating }));
    const provider = path.endsWith("discover") ? "" : "&provider=practice";
    expect(visible(visit)).toEqual(led(place, "unavailable.provider", provider));
    for (const mode of [{}, { "sec-fetch-mode": "cors" }]) {
      const program = await send(silent, form(path, fields, { ...headers, ...mode }));
      expect([program.status, program.json.code]).toEqual([503, "unavailable.provider"]);
    }
  });

  test("login CSRF: a form of another site begins nothing, and its browser reads why", async () => {
    const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", origin: "https://evil.example" };
    const reply = await world.send(form("/auth/oidc/practice/start", {}, headers));
    expect(visible(reply)).toEqual(led("/sign-in", "forbidden.cross_origin"));
  });

  test("an address without a provider", async () => {
    const reply = await world.send(form("/auth/oidc/discover", { identifier: "ada@elsewhere.example" }, navigating));
    expect(visible(reply)).toEqual(led("/sign-in", "not_found", ""));
  });

  test("an answer that the provider's page sends", async () => {
    const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    const sendAnswer = async (name: string, fields: Record<string, string>) =>
      visible(await world.send(form(`/auth/oidc/${name}/callback`, fields, headers)));
    expect(await sendAnswer("nowhere", { state: "x" })).toEqual(led("/sign-in", "not_found", ""));
    expect(await sendAnswer("practice", { credential: "x" })).toEqual(led("/sign-in", "forbidden.cross_origin"));
    const long = { state: "x", user: "x".repeat(4_000) };
    expect(await sendAnswer("practice", long)).toEqual(led("/sign-in", "payload_too_large"));
  });
});

test("OC44: the provider is down when it is to be asked again: a page says so, and the attempt is over", async () => {
  let isDown = false;
  const working = practiceProvider("practice", undefined, true);
  const begin: typeof working.begin = async (attempt) => {
    if (isDown) throw Object.assign(new Error("down"), { error: "issuer_timeout" });
    return await working.begin(attempt);
  };
  const app = applicationOf(world.isolate({ federation: { providers: [{ ...working, begin }] } }));
  const identity = freshIdentity();
  const signIn = async (fails: boolean) => {
    isDown = false;
    const begun = await send(app, { ...sent, path: "/auth/oidc/practice/start" });
    isDown = fails;
    const { search } = answerOf({ url: begun.headers.get("location")! }, identity);
    const headers = { "sec-fetch-site": "cross-site", cookie: begun.setCookies[0]!.split(";")[0]! };
    return await send(app, { method: "GET", path: `/auth/oidc/practice/callback${search}`, headers });
  };
  const made = await signIn(false);
  const [, token] = /^__Host-session=([^;]+)/m.exec(made.setCookies.join("\n"))!;
  const { user } = await world.auth.sessions.verify({ token: token!, transport: "cookie" });
  await world.rows(sql`insert into usr_mfa_policy (usr_id, required) values (${uuidFor("usr", user.id)}::uuid, true)`);
  const refused = await signIn(true);
  const [status, place, text, cookies] = visible(refused);
  expect([status, place, text]).toEqual(led("/sign-in", "unavailable.provider").slice(0, 3));
  expect(cookies).toEqual([expect.stringMatching(/^__Host-provider-practice=; Max-Age=0/)]);
});
