/** The named attacks on a sign-in at a provider, against the routes of an application with two real issuers. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { oidc } from "../../src/providers/oidc.ts";
import { sql } from "../../src/store/sql.ts";
import { addressHeader, freshAddress, freshIdentifier, goodPassword, type Person } from "../support/auth.ts";
import { type Reply, send } from "../support/http.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";
import { TestIssuer, type TestUser } from "../support/issuer.ts";
import { withVerifiedAddress } from "../support/links.ts";

let world: HttpWorld;
let app: ReturnType<typeof applicationOf>;
/** The second one belongs to the attacker. */
let [honest, evil]: readonly TestIssuer[] = [];

beforeAll(async () => {
  world = await openHttp("pglite", { auth: { signUp: "open", returnTo: ["/welcome", "https://app.example.com/in"] } });
});
beforeEach(async () => {
  [honest, evil] = [await TestIssuer.open("https://honest.example"), await TestIssuer.open("https://evil.example")];
  app = applicationOf(world.isolate({ federation: { providers: providers(), linkByVerifiedEmail: "ask" } }));
});
afterAll(() => world.close());

const providers = () =>
  [honest!, evil!].map(({ url, clientId, clientSecret, fetch }, place) =>
    oidc({ name: place === 0 ? "honest" : "evil", issuerUrl: url, clientId, clientSecret, fetch }),
  );
const freshUser = (more: Record<string, unknown> = {}): TestUser => ({ sub: crypto.randomUUID(), ...more });
const sessionCookie = ({ token }: Pick<Person, "token">) => `__Host-session=${token}`;
const locationOf = (reply: Reply): string => reply.headers.get("location")!;
const signedIn = ({ setCookies }: Reply) => setCookies.some((cookie) => /^__Host-session=[^;]/.test(cookie));
const attemptOf = ({ setCookies }: Reply) => setCookies[0]!.split(";")[0]!;
const mismatch = (place: string, provider = "honest") =>
  `${place}?refusal=unauthorized.provider&provider=${provider}&reason=state_mismatch`;

const get = (path: string, headers: Readonly<Record<string, string>>, on = app) =>
  send(on, { method: "GET", path, headers: { [addressHeader]: freshAddress(), ...headers } });
const begin = (provider: string, { query = "", as, verb = "start" }: Partial<Begun> = {}, on = app) =>
  get(
    `/auth/oidc/${provider}/${verb}${query}`,
    { "sec-fetch-site": "same-origin", ...(as && { cookie: sessionCookie(as) }) },
    on,
  );
const comeBack = (address: string, cookies: readonly string[], on = app) => {
  const { pathname, search } = new URL(address);
  return get(pathname + search, { "sec-fetch-site": "cross-site", cookie: cookies.join("; ") }, on);
};
/** A whole sign-in in one browser. */
const signIn = async (user: TestUser, provider = "honest", issuer = honest!, on = app) => {
  const begun = await begin(provider, {}, on);
  return await comeBack(issuer.authorize(locationOf(begun), user), [attemptOf(begun)], on);
};
const identities = async (subject: string) =>
  await world.rows(sql<{ user: string }>`select usr_id as "user" from cred where oidc_subject = ${subject}`);

interface Begun {
  readonly query: string;
  readonly as: Pick<Person, "token">;
  readonly verb: string;
}

describe("attack: pre-hijacking, an account that waits for the owner of an address", () => {
  test("by password, without proof of the address: the owner gets nothing of it, and gives it nothing", async () => {
    const email = freshIdentifier();
    await world.auth.signUp({ identifier: email, password: goodPassword, transport: "cookie", context: {} });
    const owner = freshUser({ email, email_verified: true });
    for (const linkByVerifiedEmail of ["ask", { trusted: [honest!.url] }] as const) {
      const on = applicationOf(world.isolate({ federation: { providers: providers(), linkByVerifiedEmail } }));
      const reply = await signIn(owner, "honest", honest, on);
      expect([signedIn(reply), locationOf(reply)]).toEqual([
        false,
        "/sign-in?refusal=conflict.duplicate_credential&provider=honest",
      ]);
    }
    expect(await identities(owner.sub)).toEqual([]);
  });

  test("by an identity whose issuer has verified nothing: the owner has an account of their own", async () => {
    const email = freshIdentifier();
    const [attacker, owner] = [freshUser({ email, email_verified: false }), freshUser({ email, email_verified: true })];
    expect(signedIn(await signIn(attacker, "evil", evil))).toBe(true);
    expect(signedIn(await signIn(owner))).toBe(true);
    const [theirs, own] = [await identities(attacker.sub), await identities(owner.sub)];
    expect([theirs.length, own.length, theirs[0]!.user === own[0]!.user]).toEqual([1, 1, false]);
  });

  test("at an issuer of the attacker, which says it has verified the address: the account's owner must sign in", async () => {
    const person = await withVerifiedAddress(world, await world.person());
    const attacker = freshUser({ email: person.identifier, email_verified: true });
    const reply = await signIn(attacker, "evil", evil);
    expect([signedIn(reply), locationOf(reply)]).toEqual([false, "/sign-in/identity"]);
    expect(await identities(attacker.sub)).toEqual([]);
  });

  test("by a session that was there before the owner's sign-in: it sees no identity of theirs", async () => {
    const attacker = await world.person({ transport: "cookie" });
    const owner = freshUser({ email: attacker.identifier, email_verified: true });
    await signIn(owner);
    const list = await get("/auth/identities", { cookie: sessionCookie(attacker) });
    expect([list.status, list.json]).toEqual([200, { identities: [] }]);
  });
});

describe("attack: mix-up of two issuers (RFC 9700 §4.4)", () => {
  /** The attacker's issuer sends the browser on to the honest one, with the state that it got. */
  const forwarded = async (...cookies: string[]) => {
    const begun = await begin("evil");
    const asked = new URL(locationOf(begun));
    asked.searchParams.set("redirect_uri", asked.searchParams.get("redirect_uri")!.replace("evil", "honest"));
    return { answer: new URL(honest!.authorize(asked.href, freshUser())), cookies: [attemptOf(begun), ...cookies] };
  };
  const tokenRequests = () => [honest!.count("token"), evil!.count("token")];

  test.each([true, false])("the honest answer at its own callback, with iss: %s: no code is sent", async (hasIss) => {
    const own = await begin("honest");
    for (const cookies of [[], [attemptOf(own)]]) {
      const { answer, cookies: all } = await forwarded(...cookies);
      if (!hasIss) answer.searchParams.delete("iss");
      const reply = await comeBack(answer.href, all);
      expect([signedIn(reply), locationOf(reply)]).toEqual([false, mismatch("/sign-in")]);
    }
    expect(tokenRequests()).toEqual([0, 0]);
  });

  test("the honest answer at the attacker's callback: no code is sent to the attacker", async () => {
    const { answer, cookies } = await forwarded();
    const reply = await comeBack(answer.href.replace("/honest/callback", "/evil/callback"), cookies);
    expect([signedIn(reply), locationOf(reply)]).toEqual([
      false,
      "/sign-in?refusal=unauthorized.provider&provider=evil&reason=issuer_mismatch",
    ]);
    expect(tokenRequests()).toEqual([0, 0]);
  });

  test("an attempt at one provider under the cookie's name of the other: no code is sent", async () => {
    const begun = await begin("evil");
    const answer = evil!.authorize(locationOf(begun), freshUser()).replace("/evil/callback", "/honest/callback");
    const reply = await comeBack(answer, [attemptOf(begun).replace("provider-evil", "provider-honest")]);
    expect([signedIn(reply), locationOf(reply)]).toEqual([false, mismatch("/sign-in")]);
    expect(tokenRequests()).toEqual([0, 0]);
  });

  test("without iss, an answer at the attacker's callback signs no one in with the honest issuer's code", async () => {
    const { answer, cookies } = await forwarded();
    evil!.spoils = { metadata: (right) => ({ ...right, authorization_response_iss_parameter_supported: false }) };
    answer.searchParams.delete("iss");
    const reply = await comeBack(answer.href.replace("/honest/callback", "/evil/callback"), cookies);
    // An issuer leads browsers only to the addresses that a client has registered, so this answer is not one of its own.
    expect([signedIn(reply), honest!.count("token")]).toEqual([false, 0]);
  });

  test("each provider has a callback of its own, so that an issuer without iss is told apart", async () => {
    const places = [await begin("honest"), await begin("evil")].map((begun) =>
      new URL(locationOf(begun)).searchParams.get("redirect_uri"),
    );
    expect(places).toEqual(["honest", "evil"].map((name) => `https://example.com/auth/oidc/${name}/callback`));
  });
});

describe("attack: login CSRF, the attacker's answer in another browser", () => {
  test.each(["sign-in", "link", "step-up"] as const)(
    "at the end of a %s: nothing happens, and no code is sent",
    async (verb) => {
      const victim = await world.person({ transport: "cookie" });
      const attacker = await begin("honest");
      const user = freshUser();
      const answer = honest!.authorize(locationOf(attacker), user);
      const own = await begin("honest", verb === "sign-in" ? {} : { as: victim, verb });
      const place = mismatch(verb === "sign-in" ? "/sign-in" : "/account/security");
      const held = sessionCookie(victim);
      const reply = await comeBack(answer, [attemptOf(own), held]);
      expect([signedIn(reply), locationOf(reply), reply.setCookies]).toEqual([false, place, []]);
      for (const cookies of [[held], []]) {
        const without = await comeBack(answer, cookies);
        expect([signedIn(without), locationOf(without)]).toEqual([false, mismatch("/sign-in")]);
      }
      expect([honest!.count("token"), await identities(user.sub)]).toEqual([0, []]);
      // The victim's own sign-in has not ended.
      const ended = await comeBack(honest!.authorize(locationOf(own), freshUser()), [attemptOf(own), held]);
      expect(locationOf(ended)).not.toContain("state_mismatch");
    },
  );

  test("with the attacker's cookie beside one's own session: a link is refused, because another session began it", async () => {
    const [victim, attacker] = [
      await world.person({ transport: "cookie" }),
      await world.person({ transport: "cookie" }),
    ];
    const begun = await begin("honest", { as: attacker, verb: "link" });
    const user = freshUser();
    const reply = await comeBack(honest!.authorize(locationOf(begun), user), [attemptOf(begun), sessionCookie(victim)]);
    expect(locationOf(reply)).toBe(
      "/account/security?refusal=unauthorized.provider&provider=honest&reason=other_session",
    );
    expect([honest!.count("token"), await identities(user.sub)]).toEqual([0, []]);
  });

  test("a link of another site begins neither a sign-in, nor a link, nor a step-up", async () => {
    const victim = await world.person({ transport: "cookie" });
    for (const verb of ["start", "link", "step-up"]) {
      for (const site of ["cross-site", "same-site", "none", ""]) {
        const headers = { cookie: sessionCookie(victim), ...(site && { "sec-fetch-site": site }) };
        const reply = await get(`/auth/oidc/honest/${verb}`, headers);
        expect([verb, site, reply.setCookies, /example/.test(locationOf(reply) ?? "")]).toEqual([
          verb,
          site,
          [],
          false,
        ]);
      }
    }
  });
});

describe("attack: open redirect", () => {
  const evilPlaces = [
    "//evil.example",
    "///evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:\\\\evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "%2F%2Fevil.example",
    "/%2Fevil.example",
    "/%5Cevil.example",
    "https%3A%2F%2Fevil.example",
    "https://app.example.com@evil.example/in",
    "https://app.example.com%40evil.example/in",
    "https://user:password@app.example.com/in",
    "https://app.example.com:444/in",
    "https://app.example.com:443/in",
    "http://app.example.com/in",
    "https://app.example.com.evil.example/in",
    "https://app.example.com/in#@evil.example",
    "https://app.example.com/in?next=//evil.example",
    "https://app.example.com/in/../out",
    "/welcome/..//evil.example",
    "/welcome?x",
    "\t//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/account\r\nlocation: https://evil.example",
    "\u0001https://evil.example",
    "//evil\u3002example",
    "https://app.ex\u00adample.com/in",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "blob:https://app.example.com/in",
  ];
  const query = (next: string) => `?${new URLSearchParams({ next })}`;

  test.each(["/welcome", "https://app.example.com/in"])("a listed place, %s, is kept", async (next) => {
    const begun = await begin("honest", { query: query(next) });
    expect(locationOf(await comeBack(honest!.authorize(locationOf(begun), freshUser()), [attemptOf(begun)]))).toBe(
      next,
    );
  });

  test.each(evilPlaces)("next=%j: a sign-in and a link lead to the account", async (next) => {
    const begun = await begin("honest", { query: query(next) });
    expect(new URL(locationOf(begun)).origin).toBe(honest!.url);
    const back = await comeBack(honest!.authorize(locationOf(begun), freshUser()), [attemptOf(begun)]);
    expect([signedIn(back), locationOf(back)]).toEqual([true, "/account"]);
    const as = await world.person({ transport: "cookie" });
    const linking = await begin("honest", { query: query(next), as, verb: "link" });
    const linked = await comeBack(honest!.authorize(locationOf(linking), freshUser()), [
      attemptOf(linking),
      sessionCookie(as),
    ]);
    expect(locationOf(linked)).toBe("/account/security");
  });

  test("a place with the character 0: nothing begins", async () => {
    const reply = await begin("honest", { query: query("/\u0000/evil.example") });
    expect([locationOf(reply), reply.setCookies]).toEqual([
      "/sign-in?refusal=invalid_format.query&provider=honest",
      [],
    ]);
  });

  test.each(evilPlaces)("next=%j beside the provider's answer is not looked at, nor in a refusal", async (next) => {
    const begun = await begin("honest");
    const answer = `${honest!.authorize(locationOf(begun), freshUser())}&${query(next).slice(1)}`;
    expect(locationOf(await comeBack(answer, [attemptOf(begun)]))).toBe("/account");
    const refused = await comeBack(`https://example.com/auth/oidc/honest/callback${query(next)}`, []);
    expect(locationOf(refused)).toBe(mismatch("/sign-in"));
  });
});
