/**
 * Several isolates and one row of tokens. Each isolate has its own copy of the modules, because callers of one isolate share a refresh
 * even without a row.
 *
 * @module
 */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { fromHex, randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import { SealingKeys, sealingVersion } from "../../src/crypto/sealing.ts";
import type { TokenSetJson } from "../../src/oidc/index.ts";
import { resealSecrets } from "../../src/operations/reseal.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import { tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { type Fault, faultyDatabase } from "../support/faulty-database.ts";
import { json, now, type Spoils, TestIssuer } from "../support/issuer.ts";

const [sealingKey, newKey] = [toBase64Url(randomBytes(32)), toBase64Url(randomBytes(32))];

/** An application in an isolate of its own. */
interface Isolate {
  write(session: string, tokens: TokenSetJson): Promise<void>;
  delete(session: string): Promise<unknown>;
  /** The access token of a session's agent, or the code of a refusal. */
  ask(session: string): Promise<string | undefined>;
  /** The same, with the row read and written without a lease. */
  askNaively(session: string): Promise<string>;
}

async function openIsolate(issuer: TestIssuer, database: Database): Promise<Isolate> {
  vi.resetModules();
  const { createIdpClient } = await import("../../src/oidc/index.ts");
  const { tokenRows } = await import("../../src/oidc/token-rows.ts");
  const { url: issuerUrl, clientId, clientSecret, fetch } = issuer;
  const idp = createIdpClient({ issuerUrl, clientId, clientSecret, fetch, principalType: "user" });
  const rows = tokenRows({ database, sealingKeys: sealingKey });
  const codeOf = (error: { error?: string; code?: string }) => error.error ?? error.code ?? String(error);
  return {
    write: rows.write,
    delete: rows.delete,
    ask: (session) => rows.createAgent(idp, session).then((agent) => agent?.tokens.access_token, codeOf),
    async askNaively(session) {
      const onRefresh = (renewed: TokenSetJson) => rows.write(session, renewed);
      const agent = idp.createAgent(await rows.read(session), { onRefresh });
      return await agent.then(({ tokens }) => tokens.access_token, codeOf);
    },
  };
}

describeWorld(
  "OC21: isolates with one row of tokens",
  { on: ["pglite", "postgres"], timeoutMilliseconds: 60_000 },
  (world, _auth, backend) => {
    let issuer: TestIssuer;
    let [one, two]: Isolate[] = [];
    beforeEach(async () => {
      issuer = await TestIssuer.open(`https://${crypto.randomUUID()}.example`);
      [one, two] = [await openIsolate(issuer, world.database), await openIsolate(issuer, world.database)];
      await world.rows(sql`delete from agent_token`);
    });

    /** A session whose access token has ended. */
    async function ended() {
      const { tokens } = await issuer.signIn(issuer.client());
      const session = crypto.randomUUID();
      await one!.write(session, { ...tokens.toJSON(), expires_at: now() - 1 });
      return { session, tokens: tokens.toJSON() };
    }
    const refreshes = () => issuer.requests.filter(({ form }) => form.get("grant_type") === "refresh_token").length;
    const expireLease = () =>
      world.rows(sql`update agent_token set lease_until = sallyport_now() - interval '1 second'`);
    const isLeased = async () =>
      (await world.rows(sql`select from agent_token where lease_until is not null`)).length > 0;

    /** While the issuer answers the first refresh, this happens. What it gives is answered in place of the issuer. */
    const during = (when: keyof Pick<Spoils, "instead" | "answer">, happens: () => Promise<Response | undefined>) => {
      const once = async () => {
        issuer.spoils = {};
        return (await happens()) as Response;
      };
      issuer.spoils =
        when === "instead"
          ? { instead: ({ endpoint }) => (endpoint === "token" ? once() : undefined) }
          : { answer: async (right, { endpoint }) => (endpoint === "token" ? ((await once()) ?? right) : right) };
    };
    /** Tokens for a refresh token that the issuer has spent already, without a new ID token. */
    const more = (access_token: string) =>
      json({ access_token, refresh_token: `refresh ${access_token}`, token_type: "Bearer", expires_in: 3_600 });

    describe("a refresh that outlives its lease", () => {
      test("stores its tokens, and who took the lease over deletes nothing", async () => {
        const { session } = await ended();
        let second: unknown;
        during("answer", async () => {
          await expireLease();
          // The issuer refuses: the refresh token is spent.
          second = await two!.ask(session);
          return undefined;
        });
        const first = await one!.ask(session);
        // The first may still bring tokens, so the second does not end the session.
        expect([second, refreshes(), await two!.ask(session)]).toEqual(["issuer_timeout", 2, first]);
        expect(await isLeased()).toBe(false);
      });

      test("and brings nothing: the caller after the one who took the lease over deletes the row", async () => {
        const { session } = await ended();
        await world.rows(sql`update agent_token set lease_id = gen_random_uuid()`);
        await expireLease();
        issuer.spoils = {
          instead: ({ endpoint }) => (endpoint === "token" ? json({ error: "invalid_grant" }, 400) : undefined),
        };
        expect([await one!.ask(session), await isLeased()]).toEqual(["issuer_timeout", false]);
        expect([await one!.ask(session), await two!.ask(session)]).toEqual(["invalid_grant", undefined]);
      });

      test("after another's, who took the lease over: the newer tokens stay, and serve both", async () => {
        const { session } = await ended();
        during("answer", async () => {
          await expireLease();
          issuer.spoils = { instead: ({ endpoint }) => (endpoint === "token" ? more("newer") : undefined) };
          expect(await two!.ask(session)).toBe("newer");
          issuer.spoils = {};
          return undefined;
        });
        expect([await one!.ask(session), await two!.ask(session), refreshes()]).toEqual(["newer", "newer", 2]);
      });

      test("after another's, and is refused: the newer tokens stay, and serve both", async () => {
        const { session } = await ended();
        let newer: unknown;
        during("instead", async () => {
          await expireLease();
          newer = await two!.ask(session);
          return undefined;
        });
        expect([await one!.ask(session), await two!.ask(session)]).toEqual([newer, newer]);
      });

      test("and fails leaves the lease of who took it over", async () => {
        const { session } = await ended();
        during("instead", async () => {
          await world.rows(sql`
          update agent_token set lease_id = gen_random_uuid(), lease_until = sallyport_now() + interval '30 seconds'`);
          return json({ error: "temporarily_unavailable" }, 503);
        });
        expect([await one!.ask(session), await isLeased()]).toEqual(["temporarily_unavailable", true]);
      });
    });

    describe("beside a refresh", () => {
      test("the user signs out: no tokens are left, and no agent", async () => {
        const { session } = await ended();
        during("answer", async () => {
          await two!.delete(session);
          return undefined;
        });
        expect(await one!.ask(session)).toBeUndefined();
        expect(await world.rows(sql`select from agent_token`)).toEqual([]);
      });

      test("another user signs in under the session: the new tokens stay", async () => {
        const { session } = await ended();
        const { tokens } = await issuer.signIn(issuer.client(), { sub: "usr_2" });
        during("answer", async () => {
          await two!.write(session, tokens.toJSON());
          expect(await isLeased()).toBe(false);
          return undefined;
        });
        expect([await one!.ask(session), await two!.ask(session)]).toEqual(Array(2).fill(tokens.access_token));
      });

      test("the rows are sealed again: the new tokens are stored all the same", async () => {
        const { session } = await ended();
        const keys = new SealingKeys(`2:${newKey},1:${sealingKey}`);
        during("answer", async () => {
          const core = { database: world.database, onError: () => undefined };
          expect(await resealSecrets(core, keys, "tokens")).toMatchObject({ resealed: 1, unreadable: 0 });
          const [row] = await world.rows(
            sql<{ tokens: string }>`select encode(tokens, 'hex') as tokens from agent_token`,
          );
          expect(sealingVersion(fromHex(row!.tokens)!)).toBe(2);
          return undefined;
        });
        const first = await one!.ask(session);
        expect([await two!.ask(session), refreshes()]).toEqual([first, 1]);
      });
    });

    test.each<Fault>(["before", "after", "late"])(
      "lost replies of the lease and of the tokens, %s: one token request",
      async (fault) => {
        const { session } = await ended();
        const faulty = faultyDatabase(world.database);
        const isolate = await openIsolate(issuer, faulty);
        faulty.reset([fault, undefined, fault]);
        const token = await isolate.ask(session);
        faulty.reset();
        expect([await two!.ask(session), refreshes(), await isLeased()]).toEqual([token, 1, false]);
      },
    );

    test("a lost reply of the lease, and then the issuer refuses for good: the row is deleted", async () => {
      const { session } = await ended();
      const faulty = faultyDatabase(world.database);
      const isolate = await openIsolate(issuer, faulty);
      during("instead", async () => json({ error: "invalid_grant" }, 400));
      faulty.reset(["after"]);
      expect(await isolate.ask(session)).toBe("invalid_grant");
      expect(await world.rows(sql`select from agent_token`)).toEqual([]);
    });

    // PGlite has one session.
    if (backend !== "postgres") return;
    describe("B44: 1,000 callers of two isolates", () => {
      /** An issuer that takes its time, as all do. */
      const slow: Spoils = {
        answer: async (right, { endpoint }) => {
          if (endpoint === "token") await new Promise((resolve) => setTimeout(resolve, 100));
          return right;
        },
      };

      test("make one token request, and all get its token", async () => {
        const { session } = await ended();
        issuer.spoils = slow;
        const tokens = await Promise.all(Array.from({ length: 1_000 }, (_, n) => [one!, two!][n % 2]!.ask(session)));
        const [token] = tokens;
        expect(tally(tokens as string[])).toEqual({ [token!]: 1_000 });
        expect([refreshes(), await two!.ask(session)]).toEqual([1, token]);
      });

      test("without the lease make more, and the issuer refuses the second", async () => {
        const { session } = await ended();
        issuer.spoils = slow;
        const tokens = await Promise.all(
          Array.from({ length: 20 }, (_, n) => [one!, two!][n % 2]!.askNaively(session)),
        );
        expect(refreshes()).toBeGreaterThan(1);
        expect(tokens).toContain("invalid_grant");
      });
    });
  },
);
