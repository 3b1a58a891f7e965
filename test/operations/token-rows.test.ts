import { Hono } from "hono";
import { beforeEach, describe, expect, test } from "vitest";
import { requireAgent } from "../../src/agents/index.ts";
import { randomBytes, toBase64Url, toHex, utf8 } from "../../src/crypto/bytes.ts";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { SealingKeys } from "../../src/crypto/sealing.ts";
import { agentTokensPlace } from "../../src/engine/agent-tokens.ts";
import {
  type AuthenticatedAgent,
  ConfigurationError,
  type OAuthError,
  RefreshError,
  TokenParseError,
  TokenSet,
  type TokenSetJson,
} from "../../src/oidc/index.ts";
import { type TokenRowOptions, type TokenRows, tokenRows } from "../../src/oidc/token-rows.ts";
import { sql } from "../../src/store/sql.ts";
import { outcome } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { faultyDatabase } from "../support/faulty-database.ts";
import { json, now, type Spoils, TestIssuer } from "../support/issuer.ts";

const [key, newKey] = [toBase64Url(randomBytes(32)), toBase64Url(randomBytes(32))];
const freshSession = () => crypto.randomUUID();
/** The issuer's answer to the next token requests. */
const refusing = (error: string): Spoils => ({
  instead: ({ endpoint }) => (endpoint === "token" ? json({ error }, 400) : undefined),
});

describeWorld("OC20, OC21: tokens in rows", { on: ["pglite", "postgres"] }, (world) => {
  let issuer: TestIssuer;
  beforeEach(async () => {
    issuer = await TestIssuer.open(`https://${crypto.randomUUID()}.example`);
    await world.rows(sql`delete from agent_token`);
  });

  const rows = (more: Partial<TokenRowOptions> = {}): TokenRows =>
    tokenRows({ database: world.counting, sealingKeys: key, ...more });

  /** A session of a user who has signed in, whose access token lives for this time. */
  async function signedIn(lives = 3_600, more: Partial<TokenSetJson> = {}) {
    const agent = await issuer.signIn(issuer.client());
    const session = freshSession();
    const tokens = { ...agent.tokens.toJSON(), expires_at: now() + lives, ...more };
    await rows().write(session, tokens);
    return { session, tokens };
  }
  const createAgent = async (session: string, of = rows()) => await of.createAgent(issuer.client(), session);
  const stored = async () =>
    await world.rows(sql<{ id: string; setId: string; tokens: string; isLeased: boolean }>`
      select id, set_id as "setId", encode(tokens, 'hex') as tokens, lease_until is not null as "isLeased"
      from agent_token order by updated_at`);
  const expireLeases = () =>
    world.rows(sql`update agent_token set lease_until = sallyport_now() - interval '1 second'`);
  const asked = () => issuer.requests.filter(({ form }) => form.get("grant_type") === "refresh_token").length;

  describe("attack: a reader of the database", () => {
    test("finds no token, no session and no plain digest of one", async () => {
      const { session, tokens } = await signedIn();
      const [row] = await world.rows(sql<{ all: string }>`select agent_token::text as all from agent_token`);
      const secrets = [session, tokens.access_token, tokens.id_token!, tokens.refresh_token!, "usr_1"];
      for (const text of secrets) {
        expect(row!.all).not.toContain(text);
        expect(row!.all).not.toContain(toHex(utf8(text)));
      }
      const plain = await sha256Hex(session);
      expect(row!.all.replaceAll("-", "")).not.toContain(plain.slice(0, 32));
    });

    test("who moves tokens to another row, changes them or names another key: opens nothing", async () => {
      const [owner, thief] = [await signedIn(), await signedIn()];
      const [first, second] = await stored();
      const plant = (hex: string) =>
        world.rows(sql`update agent_token set tokens = decode(${hex}, 'hex') where id = ${second!.id}::uuid`);
      const turned = first!.tokens.slice(0, -1) + (first!.tokens.endsWith("0") ? "1" : "0");
      const otherVersion = second!.tokens.replace(/^5350533100000001/, "5350533100000009");
      const plain = toHex(utf8(JSON.stringify(owner.tokens)));
      for (const hex of [first!.tokens, turned, otherVersion, plain, "", "53505331"]) {
        await plant(hex);
        expect(await outcome(rows().read(thief.session))).toBe("unavailable.configuration");
        expect(await outcome(createAgent(thief.session))).toBe("unavailable.configuration");
      }
      await plant(second!.tokens);
      expect(await rows().read(thief.session)).toBeInstanceOf(TokenSet);
    });

    test("of another key, of another name, of another session: nothing", async () => {
      const { session } = await signedIn();
      const stranger = rows({ sealingKeys: newKey });
      expect(await outcome(stranger.read(session))).toBe("unavailable.configuration");
      expect(await rows({ name: "other" }).read(session)).toBeUndefined();
      expect(await rows().read(freshSession())).toBeUndefined();
      expect(await rows().read(session.toUpperCase())).toBeUndefined();
    });

    test.each([
      undefined,
      null,
      "",
      "short",
      "x".repeat(21),
      "x".repeat(513),
      `${"x".repeat(40)} `,
      "é".repeat(30),
      5 as never,
      {} as never,
    ])("the session %j: has no tokens, and cannot get any", async (session) => {
      world.counting.reset(0);
      expect(await rows().read(session)).toBeUndefined();
      expect(await rows().delete(session)).toBeUndefined();
      expect(await rows().createAgent(issuer.client(), session)).toBeUndefined();
      world.counting.reset();
      const { tokens } = await signedIn();
      const refused = rows().write(session as string, tokens);
      await expect(refused).rejects.toMatchObject({ name: "ConfigurationError", option: "session" });
      if (String(session).length > 20) await expect(refused).rejects.not.toThrow(String(session));
    });

    test("of another issuer's client: refused, fresh or ended, and the refresh token goes nowhere", async () => {
      const other = await TestIssuer.open("https://other.example");
      for (const lives of [3_600, -1]) {
        const { session } = await signedIn(lives);
        const agent = rows().createAgent(other.client(), session);
        await expect(agent).rejects.toMatchObject({ name: "TokenParseError", field: "id_token.iss" });
        expect([other.count("token"), (await stored()).some(({ isLeased }) => isLeased)]).toEqual([0, false]);
      }
    });
  });

  describe("a row", () => {
    test("is written, read and deleted, in one round trip each", async () => {
      const session = freshSession();
      const agent = await issuer.signIn(issuer.client());
      world.counting.reset(1);
      await rows().write(session, agent.tokens);
      world.counting.reset(1);
      expect((await rows().read(session))!.toJSON()).toEqual(agent.tokens.toJSON());
      world.counting.reset(1);
      expect((await createAgent(session))!.id).toBe("usr_1");
      world.counting.reset(1);
      expect((await rows().delete(session))!.id_token).toBe(agent.tokens.id_token);
      world.counting.reset();
      expect([await rows().read(session), await rows().delete(session), await stored()]).toEqual([
        undefined,
        undefined,
        [],
      ]);
    });

    test("has the tokens of the last sign-in", async () => {
      const { session } = await signedIn();
      const { tokens } = await issuer.signIn(issuer.client(), { sub: "usr_2" });
      await rows().write(session, tokens);
      expect((await createAgent(session))!.id).toBe("usr_2");
      expect(await stored()).toHaveLength(1);
    });

    test("takes the largest set of tokens that there is, and no larger one", async () => {
      const session = freshSession();
      const member = (length: number) => "t".repeat(length);
      const largest = {
        access_token: member(65_536),
        id_token: member(65_536),
        refresh_token: member(65_536),
        scope: member(4_096),
        token_type: "Bearer",
        expires_at: now() + 60,
      };
      await rows().write(session, largest);
      expect((await rows().read(session))!.toJSON()).toEqual(largest);
      const larger = rows().write(session, { ...largest, access_token: member(65_537) });
      await expect(larger).rejects.toBeInstanceOf(TokenParseError);
    });

    test.each([Number.MIN_SAFE_INTEGER, 0, Number.MAX_SAFE_INTEGER])(
      "takes tokens that end at %i",
      async (expires_at) => {
        const session = freshSession();
        await rows().write(session, { access_token: "a", token_type: "Bearer", expires_at });
        expect((await rows().read(session))!.expires_at).toBe(expires_at);
      },
    );

    test("rotates its keys: both open, the newest seals with each write, and the old one can go", async () => {
      const [fresh, due] = [await signedIn(), await signedIn(30)];
      const both = rows({ sealingKeys: `2:${newKey},1:${key}` });
      const onlyNew = rows({ sealingKeys: `2:${newKey}` });
      expect((await both.read(fresh.session))!.access_token).toBe(fresh.tokens.access_token);
      expect(await outcome(onlyNew.read(due.session))).toBe("unavailable.configuration");
      await createAgent(due.session, both);
      expect(await onlyNew.read(due.session)).toBeInstanceOf(TokenSet);
      expect(await outcome(onlyNew.read(fresh.session))).toBe("unavailable.configuration");
      await both.write(fresh.session, fresh.tokens);
      expect(await onlyNew.read(fresh.session)).toBeInstanceOf(TokenSet);
    });

    test("that no key opens: signing out deletes it, and the lease of a refresh is given back", async () => {
      const { session } = await signedIn(-1);
      const onlyNew = rows({ sealingKeys: `2:${newKey}` });
      expect(await outcome(createAgent(session, onlyNew))).toBe("unavailable.configuration");
      expect([asked(), (await stored())[0]!.isLeased]).toEqual([0, false]);
      expect([await onlyNew.delete(session), await stored()]).toEqual([undefined, []]);
    });

    test.each(["{}", "not JSON"])(
      "whose key opens it, but that is not a set of tokens, %j: signing out deletes it, and hides the fault from nobody",
      async (text) => {
        const { session } = await signedIn();
        const { id } = (await stored())[0]!;
        const sealed = toHex(await new SealingKeys(key).seal(agentTokensPlace(id), utf8(text)));
        await world.rows(sql`update agent_token set tokens = decode(${sealed}, 'hex')`);
        const fault = text === "{}" ? TokenParseError : SyntaxError;
        await expect(rows().read(session)).rejects.toBeInstanceOf(fault);
        await expect(rows().delete(session)).rejects.toBeInstanceOf(fault);
        expect(await stored()).toEqual([]);
      },
    );

    test("is found by a digest of its own kind, which no other release changes", async () => {
      const { session } = await signedIn();
      const digest = await sha256Hex(JSON.stringify(["agent tokens", "tokens", session]));
      expect((await stored())[0]!.id.replaceAll("-", "")).toBe(digest.slice(0, 32));
    });

    test.each(["before", "after"] as const)(
      "whose reply is lost, %s: written, read and deleted all the same",
      async (fault) => {
        const faulty = faultyDatabase(world.database);
        const kept = rows({ database: faulty });
        const session = freshSession();
        const { tokens } = await issuer.signIn(issuer.client());
        faulty.reset([fault]);
        await kept.write(session, tokens);
        faulty.reset([fault]);
        expect((await kept.read(session))!.toJSON()).toEqual(tokens.toJSON());
        faulty.reset([fault]);
        await kept.delete(session);
        expect(await stored()).toEqual([]);
        faulty.reset(() => "before");
        expect(await outcome(kept.read(session))).toBe("unavailable.database");
      },
    );
  });

  describe("a refresh", () => {
    test.each([
      [59, 60, true],
      [62, 60, false],
      [2, 0, false],
      [-1, 0, true],
      [3_500, 3_600, true],
    ])(
      "of a token that lives for %i s with a buffer of %i s: %s, in two round trips",
      async (lives, buffer, isRefreshed) => {
        const { session, tokens } = await signedIn(lives);
        world.counting.reset(isRefreshed ? 2 : 1);
        const kept = rows({ refreshBufferSeconds: buffer });
        const agent = await createAgent(session, kept);
        world.counting.reset();
        expect(agent!.tokens.access_token !== tokens.access_token).toBe(isRefreshed);
        expect([asked(), (await rows().read(session))!.toJSON()]).toEqual([
          isRefreshed ? 1 : 0,
          agent!.tokens.toJSON(),
        ]);
        expect((await stored())[0]!.isLeased).toBe(false);
        if (buffer < 3_600) expect((await createAgent(session, kept))!.tokens.toJSON()).toEqual(agent!.tokens.toJSON());
      },
    );

    test("counts for a client that does not refresh by itself, too", async () => {
      const { session } = await signedIn(-1);
      await rows().createAgent(issuer.client({ autoRefresh: false }), session);
      expect(asked()).toBe(1);
    });

    test.each([
      [30, "old"],
      [-1, "RefreshError"],
    ])(
      "that fails for now, of a token that lives for %i s: %s, and the next caller tries again",
      async (lives, expected) => {
        const { session, tokens } = await signedIn(lives);
        issuer.spoils = refusing("temporarily_unavailable");
        const errors: OAuthError[] = [];
        const onRefreshError = (error: OAuthError) => errors.push(error);
        const result = await rows()
          .createAgent(issuer.client(), session, { onRefreshError })
          .catch((error: Error) => error);
        if (expected === "old") expect((result as AuthenticatedAgent).tokens.toJSON()).toEqual(tokens);
        else expect(result).toBe(errors[0]);
        expect(errors).toEqual([expect.any(RefreshError)]);
        issuer.spoils = {};
        expect((await createAgent(session))!.tokens.access_token).not.toBe(tokens.access_token);
      },
    );

    test.each(["invalid_grant", "session_expired", "user_blocked", "login_required"])(
      "that the issuer refuses for good, with %s: the row is deleted, even if the access token lives",
      async (error) => {
        for (const lives of [30, -1]) {
          const { session } = await signedIn(lives);
          issuer.spoils = refusing(error);
          const errors: OAuthError[] = [];
          const agent = rows().createAgent(issuer.client(), session, { onRefreshError: (one) => errors.push(one) });
          await expect(agent).rejects.toMatchObject({ error });
          issuer.spoils = {};
          expect([errors.length, await stored(), await createAgent(session)]).toEqual([1, [], undefined]);
        }
        expect(asked()).toBe(2);
      },
    );

    test("without a refresh token: the token while it lives, then TokenExpiredError", async () => {
      const [alive, over] = await Promise.all(
        [30, -1].map((lives) => signedIn(lives, { refresh_token: undefined as never })),
      );
      expect((await createAgent(alive!.session))!.tokens.toJSON()).toEqual(
        (await rows().read(alive!.session))!.toJSON(),
      );
      await expect(createAgent(over!.session)).rejects.toMatchObject({ error: "token_expired" });
      expect(asked()).toBe(0);
    });

    test("whose caller is gone: others get the token while it lives or wait, and one takes over after the lease", async () => {
      const [alive, over] = [await signedIn(40), await signedIn(-1)];
      await world.rows(sql`
        update agent_token set lease_id = gen_random_uuid(), lease_until = sallyport_now() + interval '30 seconds'`);
      expect((await createAgent(alive.session))!.tokens.access_token).toBe(alive.tokens.access_token);
      const waited = createAgent(over.session);
      await expect(waited).rejects.toMatchObject({
        name: "RefreshError",
        error: "issuer_timeout",
        status_code: undefined,
      });
      expect(asked()).toBe(0);
      await expireLeases();
      expect((await createAgent(over.session))!.tokens.access_token).not.toBe(over.tokens.access_token);
      expect(asked()).toBe(1);
    });

    test("serves callers that wait for it", async () => {
      const { session, tokens } = await signedIn(-1);
      let waiting: Promise<AuthenticatedAgent | undefined> | undefined;
      issuer.spoils = {
        instead: async ({ endpoint }) => {
          if (endpoint !== "token") return undefined as never;
          waiting ??= createAgent(session);
          await new Promise((resolve) => setTimeout(resolve, 100));
          return undefined as never;
        },
      };
      const agent = await createAgent(session);
      expect(agent!.tokens.access_token).not.toBe(tokens.access_token);
      expect((await waiting)!.tokens.toJSON()).toEqual(agent!.tokens.toJSON());
      expect(asked()).toBe(1);
    });
  });

  describe("rows that have ended", () => {
    test("count no more, and each write deletes up to 20 of them", async () => {
      await world.rows(sql`
        insert into agent_token (id, set_id, tokens, expires_at, is_refreshable, ends_at)
        select gen_random_uuid(), gen_random_uuid(), 'x', sallyport_now(), true, sallyport_now() - interval '1 second'
        from generate_series(1, 25)`);
      const { session } = await signedIn();
      expect(await stored()).toHaveLength(6);
      await world.rows(sql`update agent_token set ends_at = sallyport_now() - interval '1 second'`);
      expect([await rows().read(session), await createAgent(session), await rows().delete(session)]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      const again = await signedIn();
      await world.rows(sql`update agent_token set ends_at = sallyport_now() - interval '1 second'`);
      await rows().write(again.session, again.tokens);
      expect((await rows().read(again.session))!.toJSON()).toEqual(again.tokens);
    });

    test("end after lifetimeSeconds, which each write and each refresh starts again", async () => {
      const kept = rows({ lifetimeSeconds: 3_600 });
      const left = async () => {
        const [row] = await world.rows(sql<{ seconds: number }>`
          select extract(epoch from ends_at - sallyport_now())::int as seconds from agent_token`);
        return row!.seconds;
      };
      const { session, tokens } = await signedIn(-1);
      expect(await left()).toBeGreaterThan(29 * 86_400);
      await createAgent(session, kept);
      expect(await left()).toBeLessThanOrEqual(3_600);
      await rows().write(session, tokens);
      expect(await left()).toBeGreaterThan(29 * 86_400);
    });
  });

  describe("requireAgent", () => {
    const ask = async (session: string | undefined) => {
      const guard = requireAgent(issuer.client(), {
        agent: (c) => rows().createAgent(issuer.client(), c.req.header("x-session")),
      });
      const app = new Hono().get("/", guard, (c) => c.json({ hello: c.var.principal.subject }));
      const headers: Record<string, string> = session === undefined ? {} : { "x-session": session };
      const response = await app.request("/", { headers });
      const { hello, code } = (await response.json()) as { hello?: string; code?: string };
      return [response.status, hello ?? code];
    };

    test("takes the agent of a session: 200, 401 or 503", async () => {
      const [alive, due, gone] = [await signedIn(), await signedIn(-1), await signedIn(-1)];
      expect(await ask(alive.session)).toEqual([200, "usr_1"]);
      expect(await ask(due.session)).toEqual([200, "usr_1"]);
      expect((await rows().read(due.session))!.access_token).not.toBe(due.tokens.access_token);
      expect(await ask(undefined)).toEqual([401, "unauthorized.invalid_token"]);
      issuer.spoils = { instead: ({ endpoint }) => (endpoint === "token" ? json({}, 503) : undefined) };
      expect(await ask(gone.session)).toEqual([503, "unavailable.provider"]);
      issuer.spoils = refusing("invalid_grant");
      expect(await ask(gone.session)).toEqual([401, "unauthorized.invalid_token"]);
      expect(await ask(gone.session)).toEqual([401, "unauthorized.invalid_token"]);
      await world.rows(sql`update agent_token set tokens = 'planted'`);
      expect(await ask(alive.session)).toEqual([503, "unavailable.configuration"]);
    });
  });

  test.each<[string, Partial<Record<keyof TokenRowOptions | "age", unknown>>]>([
    ["sealingKeys", { sealingKeys: undefined }],
    ["sealingKeys", { sealingKeys: "short" }],
    ["sealingKeys", { sealingKeys: `1:${key}:read` }],
    ["sealingKeys", { sealingKeys: `development.${key}` }],
    ["name", { name: "" }],
    ["name", { name: "a b" }],
    ["lifetimeSeconds", { lifetimeSeconds: 59 }],
    ["lifetimeSeconds", { lifetimeSeconds: 34_560_001 }],
    ["refreshBufferSeconds", { refreshBufferSeconds: -1 }],
    ["refreshBufferSeconds", { refreshBufferSeconds: 3_601 }],
    ["refreshBufferSeconds", { refreshBufferSeconds: "60" }],
    ["database", { database: undefined }],
    ["database", { database: {} }],
    ["age", { age: 5 }],
  ])("the option %s is refused: %j", (option, more) => {
    const make = () => rows(more as Partial<TokenRowOptions>);
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(expect.objectContaining({ option }));
    expect(make).not.toThrow(key);
  });
});
