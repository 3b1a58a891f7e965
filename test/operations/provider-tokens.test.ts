import { describe, expect, test } from "vitest";
import { randomBytes, toBase64Url, toHex } from "../../src/crypto/bytes.ts";
import { uuidFor } from "../../src/domain/id.ts";
import type { ProviderTokens } from "../../src/domain/identity-provider.ts";
import { realmOf } from "../../src/http/auth-source.ts";
import { probe } from "../../src/operations/health.ts";
import { keepTokens } from "../../src/operations/provider-tokens.ts";
import { parseSealingKeys, resealSecrets } from "../../src/operations/reseal.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, installTestClock } from "../../src/testing/clock.ts";
import {
  type FullAuth,
  type FullOptions,
  outcome,
  type Person,
  sealingKey,
  secret,
  system,
  tally,
  type World,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { faultyDatabase } from "../support/faulty-database.ts";
import { holdLock } from "../support/held-lock.ts";
import { answerOf, freshIdentity, practiceIssuer, practiceProvider, signInWith } from "../support/practice-provider.ts";

const provider = "practice";
const newKey = toBase64Url(randomBytes(32));
const now = () => Math.floor(Date.now() / 1_000);
const live = (more: Partial<ProviderTokens> = {}): ProviderTokens => ({
  access_token: `access-${crypto.randomUUID()}`,
  refresh_token: `refresh-${crypto.randomUUID()}`,
  expires_at: now() + 3_600,
  scope: "openid calendar",
  ...more,
});
const ended = (more: Partial<ProviderTokens> = {}) => live({ expires_at: now() - 1, ...more });

/** The refresh tokens that the provider was asked with, and how it answers. */
class Refreshes {
  readonly asked: string[] = [];
  answer: (refreshToken: string) => Promise<ProviderTokens> = async () => live();
}

describeWorld("OC46: tokens of providers", { on: ["pglite", "postgres"] }, (world) => {
  /** An isolate that keeps tokens. */
  function isolate(refreshes = new Refreshes(), more: Partial<FullOptions> = {}): FullAuth {
    const refresh = async (refreshToken: string) => {
      refreshes.asked.push(refreshToken);
      return await refreshes.answer(refreshToken);
    };
    const providers = [{ ...practiceProvider(), refresh }, practiceProvider("other", ["https://other.example"])];
    const federation = { providers, keepTokens: keepTokens({ sealingKeys: sealingKey }) };
    return world.isolate({ database: world.counting, federation, ...more });
  }

  /** A user who has signed in with these tokens. */
  async function signedIn(auth: FullAuth, tokens: ProviderTokens | undefined) {
    const identity = freshIdentity({ tokens });
    const done = await signInWith(auth, identity);
    if (!("session" in done)) throw new Error("A second factor is demanded.");
    const { actor } = await auth.sessions.verify({ token: done.token, transport: "cookie" });
    return { identity, userId: done.session.userId, credentialId: done.session.credentialId, actor };
  }

  const stored = (user: { credentialId: string }) =>
    world.rows(
      sql<{ access: string; refresh: string | null }>`
        select encode(access_token, 'hex') as access, encode(refresh_token, 'hex') as refresh from provider_token where cred_id = ${uuidFor("cred", user.credentialId)}::uuid`,
    );

  describe("a token", () => {
    test("of a sign-in is read by its user and by the application, in one request", async () => {
      const auth = isolate();
      const tokens = live();
      const { userId, actor } = await signedIn(auth, tokens);
      const answer = { accessToken: tokens.access_token, scopes: ["openid", "calendar"] };
      world.counting.reset(1);
      expect(await auth.federation.accessToken({ actor, userId, provider })).toMatchObject(answer);
      world.counting.reset();
      expect(await auth.federation.accessToken({ actor: system, userId, provider })).toMatchObject(answer);
    });

    test("of an identity that was linked is kept too", async () => {
      const auth = isolate();
      const { actor, userId } = await world.person();
      const started = await auth.federation.start({ provider, purpose: "link", actor });
      const tokens = live();
      const answer = answerOf(started, freshIdentity({ tokens }));
      await auth.federation.finishLink({ provider, actor, attempt: started.attempt, answer });
      const { accessToken } = await auth.federation.accessToken({ actor: system, userId, provider });
      expect(accessToken).toBe(tokens.access_token);
    });

    test("is stored sealed, and opens for its identity alone", async () => {
      const auth = isolate();
      const tokens = live();
      const [owner, thief] = [await signedIn(auth, tokens), await signedIn(auth, live())];
      const [row] = await stored(owner);
      for (const text of [tokens.access_token, tokens.refresh_token!])
        expect(row!.access + row!.refresh).not.toContain(toHex(new TextEncoder().encode(text)));
      await world.rows(sql`
        update provider_token set access_token = decode(${row!.access}, 'hex')
        where cred_id = ${uuidFor("cred", thief.credentialId)}::uuid`);
      const asked = { actor: system, userId: thief.userId, provider };
      expect(await outcome(auth.federation.accessToken(asked))).toBe("unavailable.configuration");
    });

    test("OC45: a provider that was taken from the list gives no token, and is not asked for a new one", async () => {
      const refreshes = new Refreshes();
      const { userId } = await signedIn(isolate(refreshes), ended());
      const providers = [practiceProvider("other", ["https://other.example"])];
      const federation = { providers, keepTokens: keepTokens({ sealingKeys: sealingKey }) };
      const without = world.isolate({ database: world.counting, federation });
      expect(await outcome(without.federation.accessToken({ actor: system, userId, provider }))).toBe("not_found");
      expect(refreshes.asked).toEqual([]);
    });

    test("is not kept by default, and the operation says so", async () => {
      const auth = world.isolate({ federation: { providers: [practiceProvider()], keepTokens: undefined as never } });
      const { credentialId, userId } = await signedIn(auth, live());
      expect(await stored({ credentialId })).toEqual([]);
      await expect(auth.federation.accessToken({ actor: system, userId, provider })).rejects.toThrow(/keepTokens/);
    });

    test("without an end counts until it is replaced, and a refresh token that the provider cannot use is not kept", async () => {
      const auth = isolate();
      const { identity, userId, credentialId } = await signedIn(auth, { access_token: "endless" });
      const asked = { actor: system, userId, provider };
      expect(await auth.federation.accessToken(asked)).toEqual({
        ...{ accessToken: "endless", credentialId },
        ...{ expiresAt: null, scopes: [] },
      });
      await signInWith(auth, { ...identity, tokens: { access_token: "newer" } });
      expect((await auth.federation.accessToken(asked)).accessToken).toBe("newer");

      const elsewhere = freshIdentity({ issuer: "https://other.example", tokens: live() });
      const done = await signInWith(auth, elsewhere, { provider: "other" });
      const session = "session" in done ? done.session : undefined;
      expect((await stored(session!))[0]!.refresh).toBeNull();
      expect((await stored({ credentialId }))[0]!.refresh).toBeNull();
    });
  });

  describe("refused", () => {
    test("another user, and an administrator", async () => {
      const auth = isolate();
      const { userId } = await signedIn(auth, live());
      for (const { actor } of [await world.person(), await world.administrator()]) {
        expect(await outcome(auth.federation.accessToken({ actor, userId, provider }))).toMatch(
          /^(not_found|forbidden)$/,
        );
      }
    });

    test("a provider that is not listed, one without an identity, a user who is not there", async () => {
      const auth = isolate();
      const { userId } = await signedIn(auth, live());
      const nobody = (await world.person()).userId;
      const ask = (of: Person["userId"], name: string) =>
        outcome(auth.federation.accessToken({ actor: system, userId: of, provider: name }));
      expect([await ask(userId, "unlisted"), await ask(userId, "other"), await ask(nobody, provider)]).toEqual(
        Array(3).fill("not_found"),
      );
    });

    test("an identity without tokens; a token that has ended and cannot be refreshed", async () => {
      const auth = isolate();
      const without = await signedIn(auth, undefined);
      const over = await signedIn(auth, ended({ refresh_token: undefined }));
      for (const { userId } of [without, over])
        expect(await outcome(auth.federation.accessToken({ actor: system, userId, provider }))).toBe(
          "unauthorized.provider",
        );
    });

    test.each([undefined, "short", secret, "1:read"])("the sealing keys %j: at the first use", async (keys) => {
      const auth = world.isolate({
        federation: { providers: [practiceProvider()], keepTokens: keepTokens({ sealingKeys: keys }) },
      });
      await expect(probe(auth)).rejects.toThrow(/sealingKeys/);
    });
  });

  describe("a refresh", () => {
    test("replaces a token that ends within a minute, and its refresh token", async () => {
      const refreshes = new Refreshes();
      const auth = isolate(refreshes);
      const [first, second, third] = [live({ expires_at: now() + 30 }), ended({ scope: "openid" }), live()];
      const { userId, credentialId } = await signedIn(auth, first);
      const asked = { actor: system, userId, provider };
      refreshes.answer = async () => second;
      expect(await auth.federation.accessToken(asked)).toMatchObject({
        accessToken: second.access_token,
        scopes: ["openid"],
      });
      refreshes.answer = async () => ({ ...third, refresh_token: undefined, scope: undefined });
      expect((await auth.federation.accessToken(asked)).scopes).toEqual(["openid"]);
      expect((await auth.federation.accessToken(asked)).accessToken).toBe(third.access_token);
      expect(refreshes.asked).toEqual([first.refresh_token, second.refresh_token]);
      const id = credentialId;
      expect(await world.events({ target: id, action: "identity.provider_token.refresh" })).toHaveLength(2);
    });

    test("that the provider refuses for good drops the tokens: the user must sign in there again", async () => {
      const refreshes = new Refreshes();
      const auth = isolate(refreshes);
      const user = await signedIn(auth, ended());
      refreshes.answer = async () => Promise.reject(Object.assign(new Error("gone"), { error: "invalid_grant" }));
      const asked = { actor: system, userId: user.userId, provider };
      expect(await outcome(auth.federation.accessToken(asked))).toBe("unauthorized.provider");
      expect(await outcome(auth.federation.accessToken(asked))).toBe("unauthorized.provider");
      expect([refreshes.asked.length, await stored(user)]).toEqual([1, []]);
      const events = await world.events({ target: user.credentialId, action: "identity.provider_token.drop" });
      expect(events).toHaveLength(1);
      const tokens = live();
      await signInWith(auth, { ...user.identity, tokens });
      expect((await auth.federation.accessToken(asked)).accessToken).toBe(tokens.access_token);
    });

    test("that fails for now: the old token while it lives, then 503, and the next caller tries again", async () => {
      const refreshes = new Refreshes();
      const auth = isolate(refreshes);
      const down = Object.assign(new Error("down"), { error: "issuer_unreachable" });
      refreshes.answer = async () => Promise.reject(down);
      const first = live({ expires_at: now() + 40 });
      const [alive, over] = [await signedIn(auth, first), await signedIn(auth, ended())];
      const ask = (userId: Person["userId"]) => auth.federation.accessToken({ actor: system, userId, provider });
      expect((await ask(alive.userId)).accessToken).toBe(first.access_token);
      expect(await outcome(ask(over.userId))).toBe("unavailable.provider");
      const renewed = live();
      refreshes.answer = async () => renewed;
      expect((await ask(over.userId)).accessToken).toBe(renewed.access_token);
      expect(refreshes.asked).toHaveLength(3);
    });

    test("whose caller is gone blocks other callers for half a minute only", async () => {
      const refreshes = new Refreshes();
      const auth = isolate(refreshes);
      const { userId, credentialId } = await signedIn(auth, ended());
      await world.rows(sql`
        update provider_token set lease_id = gen_random_uuid(), lease_until = sallyport_now() + interval '30 seconds'
        where cred_id = ${uuidFor("cred", credentialId)}::uuid`);
      const asked = { actor: system, userId, provider };
      expect([await outcome(auth.federation.accessToken(asked)), refreshes.asked.length]).toEqual([
        "unavailable.provider",
        0,
      ]);
      await world.rows(sql`update provider_token set lease_until = sallyport_now() - interval '1 second'`);
      expect(await outcome(auth.federation.accessToken(asked))).toBe("done");
    });

    test.each(["before", "after", "late"] as const)(
      "whose replies from the database are lost, %s: one token request",
      async (fault) => {
        const refreshes = new Refreshes();
        const renewed = live();
        refreshes.answer = async () => renewed;
        const { userId } = await signedIn(isolate(), ended());
        const { length: before } = await world.rows(sql`
          select from provider_revocation where expires_at > sallyport_now()`);
        const faulty = faultyDatabase(world.database);
        const auth = isolate(refreshes, { database: faulty });
        // The lease, which is asked for again, and the new tokens.
        faulty.reset([fault, undefined, fault]);
        const { accessToken } = await auth.federation.accessToken({ actor: system, userId, provider });
        faulty.reset();
        expect([accessToken, refreshes.asked.length]).toEqual([renewed.access_token, 1]);
        const { accessToken: kept } = await world.auth.federation.accessToken({ actor: system, userId, provider });
        expect(kept).toBe(renewed.access_token);
        // Repeated, the statement finds the tokens stored: they are not late.
        const late = await world.rows(sql`select from provider_revocation where expires_at > sallyport_now()`);
        expect(late).toHaveLength(before);
      },
    );

    test.each([
      ["no access token", { access_token: undefined }],
      ["a number", { access_token: 7 }],
      ["an empty text", { access_token: "" }],
      ["an enormous text", { access_token: "x".repeat(65_537) }],
      ["a zero byte", { scope: "a\0b" }],
      ["an empty refresh token", { refresh_token: "" }],
      ["an end that is no number", { expires_at: Number.NaN }],
      ["OC8: a scope that was not granted", { scope: "openid calendar admin" }],
      ["OC8: another scope", { scope: "admin" }],
    ])("that brings %s: refused, the old tokens stay, and the next caller tries again", async (_case, wrong) => {
      const refreshes = new Refreshes();
      const auth = isolate(refreshes);
      const user = await signedIn(auth, ended());
      const before = await stored(user);
      refreshes.answer = async () => live(wrong as Partial<ProviderTokens>);
      const asked = { actor: system, userId: user.userId, provider };
      expect(await outcome(auth.federation.accessToken(asked))).toBe("unauthorized.provider");
      expect(await stored(user)).toEqual(before);
      refreshes.answer = async () => live();
      expect(await outcome(auth.federation.accessToken(asked))).toBe("done");
    });

    test.each(["stored", "dropped"] as const)("during which a newer key seals the tokens: %s", async (end) => {
      const refreshes = new Refreshes();
      const keys = `2:${newKey},1:${sealingKey}`;
      const federation = {
        providers: [
          {
            ...practiceProvider(),
            refresh: async (token: string) => {
              refreshes.asked.push(token);
              return await refreshes.answer(token);
            },
          },
        ],
        keepTokens: keepTokens({ sealingKeys: keys }),
      };
      const auth = world.isolate({ federation });
      const user = await signedIn(isolate(), ended());
      const renewed = live({ expires_at: now() - 1 });
      refreshes.answer = async () => {
        await resealSecrets(realmOf(auth).core, parseSealingKeys(keys), "refresh_token");
        if (end === "dropped") throw Object.assign(new Error("gone"), { error: "invalid_grant" });
        return renewed;
      };
      const asked = { actor: system, userId: user.userId, provider };
      expect(await outcome(auth.federation.accessToken(asked))).toBe(
        end === "stored" ? "done" : "unauthorized.provider",
      );
      if (end === "dropped") return expect(await stored(user)).toEqual([]);
      refreshes.answer = async () => live();
      expect(await outcome(auth.federation.accessToken(asked))).toBe("done");
      expect(refreshes.asked.at(-1)).toBe(renewed.refresh_token);
    });

    test("whose old token ends meanwhile, and which fails: no token that is over", async () => {
      const refreshes = new Refreshes();
      const auth = isolate(refreshes);
      const { userId, credentialId } = await signedIn(auth, live({ expires_at: now() + 30 }));
      refreshes.answer = async () => {
        await world.rows(sql`
          update provider_token set expires_at = sallyport_now() where cred_id = ${uuidFor("cred", credentialId)}::uuid`);
        throw Object.assign(new Error("down"), { error: "issuer_unreachable" });
      };
      const asked = { actor: system, userId, provider };
      expect(await outcome(auth.federation.accessToken(asked))).toBe("unavailable.provider");
    });

    test("serves no one else meanwhile, if the old token still lives", async () => {
      const refreshes = new Refreshes();
      const auth = isolate(refreshes);
      const first = live({ expires_at: now() + 40 });
      const { userId } = await signedIn(auth, first);
      const asked = { actor: system, userId, provider };
      refreshes.answer = async () => {
        expect((await auth.federation.accessToken(asked)).accessToken).toBe(first.access_token);
        return live();
      };
      await Promise.all(Array.from({ length: 5 }, () => auth.federation.accessToken(asked)));
      expect(refreshes.asked).toHaveLength(1);
    });

    /** Ends the lease of the caller that is refreshing. */
    const expireLease = (credentialId: string) =>
      world.rows(sql`
        update provider_token set lease_until = sallyport_now() - interval '1 second'
        where cred_id = ${uuidFor("cred", credentialId)}::uuid`);

    test("that outlives its lease: its tokens are stored, and who took the lease over drops nothing", async () => {
      const refreshes = new Refreshes();
      const auth = isolate(refreshes);
      const user = await signedIn(auth, ended());
      const asked = { actor: system, userId: user.userId, provider };
      const renewed = live();
      let second = "";
      refreshes.answer = async () => {
        if (refreshes.asked.length > 1) throw Object.assign(new Error("spent"), { error: "invalid_grant" });
        await expireLease(user.credentialId);
        second = await outcome(auth.federation.accessToken(asked));
        return renewed;
      };
      expect((await auth.federation.accessToken(asked)).accessToken).toBe(renewed.access_token);
      expect([second, refreshes.asked.length]).toEqual(["unavailable.provider", 2]);
      expect((await auth.federation.accessToken(asked)).accessToken).toBe(renewed.access_token);
    });

    test("that comes after another's, who took the lease over: the newer tokens stay", async () => {
      const refreshes = new Refreshes();
      const auth = isolate(refreshes);
      const user = await signedIn(auth, ended());
      const asked = { actor: system, userId: user.userId, provider };
      const [late, newer] = [live(), live()];
      refreshes.answer = async () => {
        if (refreshes.asked.length > 1) return newer;
        await expireLease(user.credentialId);
        expect((await auth.federation.accessToken(asked)).accessToken).toBe(newer.access_token);
        return late;
      };
      expect((await auth.federation.accessToken(asked)).accessToken).toBe(late.access_token);
      expect((await auth.federation.accessToken(asked)).accessToken).toBe(newer.access_token);
    });

    test("that fails after another took the lease over leaves the other's lease", async () => {
      const refreshes = new Refreshes();
      const auth = isolate(refreshes);
      const user = await signedIn(auth, ended());
      await expireLease(user.credentialId);
      const asked = { actor: system, userId: user.userId, provider };
      refreshes.answer = async () => {
        await world.rows(sql`
          update provider_token set lease_id = gen_random_uuid(), lease_until = sallyport_now() + interval '30 seconds'
          where cred_id = ${uuidFor("cred", user.credentialId)}::uuid`);
        throw Object.assign(new Error("down"), { error: "issuer_unreachable" });
      };
      expect(await outcome(auth.federation.accessToken(asked))).toBe("unavailable.provider");
      const leased = await world.rows(sql`select from provider_token where lease_until > sallyport_now()`);
      expect(leased).toHaveLength(1);
      await world.rows(sql`update provider_token set lease_id = null, lease_until = null`);
    });

    test.each(["invalid_grant", undefined])(
      "beside a sign-in that brings new tokens, and which ends in %s: the new ones stay",
      async (error) => {
        const refreshes = new Refreshes();
        const auth = isolate(refreshes);
        const user = await signedIn(auth, ended());
        const tokens = live();
        refreshes.answer = async () => {
          await signInWith(auth, { ...user.identity, tokens });
          if (error === undefined) return live();
          throw Object.assign(new Error("spent"), { error });
        };
        const asked = { actor: system, userId: user.userId, provider };
        const { accessToken } = await auth.federation.accessToken(asked);
        if (error) expect(accessToken).toBe(tokens.access_token);
        expect((await auth.federation.accessToken(asked)).accessToken).toBe(tokens.access_token);
      },
    );

    test("at a provider that can no longer refresh: the token while it lives, then refused", async () => {
      const auth = isolate();
      const [alive, over] = [await signedIn(auth, live({ expires_at: now() + 30 })), await signedIn(auth, ended())];
      const without = isolate(undefined, {
        federation: { providers: [practiceProvider()], keepTokens: keepTokens({ sealingKeys: sealingKey }) },
      });
      const ask = (userId: Person["userId"]) =>
        outcome(without.federation.accessToken({ actor: system, userId, provider }));
      expect([await ask(alive.userId), await ask(over.userId)]).toEqual(["done", "unauthorized.provider"]);
    });

    test("whose user unlinks the identity meanwhile keeps nothing", async () => {
      const refreshes = new Refreshes();
      const auth = isolate(refreshes);
      const user = await signedIn(auth, ended());
      refreshes.answer = async () => {
        await auth.credentials.revoke({ actor: system, credentialId: user.credentialId });
        return live();
      };
      const asked = { actor: system, userId: user.userId, provider };
      expect(await outcome(auth.federation.accessToken(asked))).toBe("not_found");
      expect(await stored(user)).toEqual([]);
    });
  });

  describe("a later sign-in", () => {
    test.each([
      ["with a refresh token replaces everything", live({ scope: "openid" }), "new", "new"],
      ["without one replaces the access token", live({ refresh_token: undefined }), "new", "old"],
      [
        "without one, which grants less, replaces nothing",
        live({ refresh_token: undefined, scope: "openid" }),
        "old",
        "old",
      ],
      ["without tokens replaces nothing", undefined, "old", "old"],
    ])("%s", async (_title, later, access, refresh) => {
      const refreshes = new Refreshes();
      const auth = isolate(refreshes);
      const first = live();
      const { identity, userId } = await signedIn(auth, first);
      await signInWith(auth, { ...identity, tokens: later });
      const asked = { actor: system, userId, provider };
      const { accessToken } = await auth.federation.accessToken(asked);
      expect(accessToken).toBe((access === "new" ? later : first)!.access_token);
      await world.rows(sql`update provider_token set expires_at = sallyport_now()`);
      // It grants what the kept tokens grant, whichever they are.
      refreshes.answer = async () => live({ scope: undefined });
      await auth.federation.accessToken(asked);
      expect(refreshes.asked).toEqual([(refresh === "new" ? later : first)!.refresh_token]);
    });
  });

  describe("two of a kind", () => {
    test("two identities at one provider: the oldest answers, or the one that is named", async () => {
      const auth = isolate();
      const [first, second] = [live(), live()];
      const { userId, credentialId, actor, identity } = await signedIn(auth, first);
      const started = await auth.federation.start({ provider, purpose: "link", actor });
      const answer = answerOf(started, freshIdentity({ tokens: second }));
      const linked = await auth.federation.finishLink({ provider, actor, attempt: started.attempt, answer });
      const ask = (one?: Person["credentialId"]) =>
        auth.federation.accessToken({ actor: system, userId, provider, ...(one && { credentialId: one }) });
      expect(await ask(linked.id)).toMatchObject({ accessToken: second.access_token, credentialId: linked.id });
      expect(await ask()).toMatchObject({ accessToken: first.access_token, credentialId });
      await signInWith(auth, { ...identity, tokens: undefined });
      expect(await ask()).toMatchObject({ credentialId });
      const stranger = await signedIn(auth, live());
      expect(await outcome(ask(stranger.credentialId))).toBe("not_found");
    });

    test("two providers of one issuer: the tokens of one never go to the other", async () => {
      const asked: string[] = [];
      const named = (name: string) => ({
        ...practiceProvider(name),
        refresh: async (token: string) => {
          asked.push(`${name} ${token}`);
          return live();
        },
      });
      const auth = isolate(undefined, {
        federation: {
          providers: [named(provider), named("twin")],
          keepTokens: keepTokens({ sealingKeys: sealingKey }),
        },
      });
      const { identity, userId } = await signedIn(auth, ended());
      await signInWith(auth, { ...identity, tokens: ended({ refresh_token: undefined }) }, { provider: "twin" });
      const ask = (name: string) => outcome(auth.federation.accessToken({ actor: system, userId, provider: name }));
      expect([await ask("twin"), asked]).toEqual(["unauthorized.provider", []]);
      expect(await ask(provider)).toMatch(/^(not_found|unauthorized\.provider)$/);
      expect(asked).toEqual([]);
    });
  });

  describe("attack: another issuer takes over a provider's name", () => {
    /** A release whose provider of the same name is at these issuers. */
    const releaseAt = (refreshes: Refreshes, ...issuers: string[]) => {
      const refresh = async (refreshToken: string) => {
        refreshes.asked.push(refreshToken);
        return live();
      };
      const providers = [{ ...practiceProvider(provider, issuers), refresh }];
      return isolate(refreshes, { federation: { providers, keepTokens: keepTokens({ sealingKeys: sealingKey }) } });
    };

    test.each([live, ended])(
      "it gets no refresh token of the former one, and the application no access token",
      async (tokens) => {
        const refreshes = new Refreshes();
        const user = await signedIn(isolate(), tokens());
        const ask = (auth: FullAuth) => auth.federation.accessToken({ actor: system, userId: user.userId, provider });
        expect(await outcome(ask(releaseAt(refreshes, "https://new.example")))).toBe("not_found");
        expect(await outcome(ask(releaseAt(refreshes, "https://practice.example.evil.example")))).toBe("not_found");
        expect(refreshes.asked).toEqual([]);
        // The former one still has its tokens, and no lease.
        expect(await outcome(ask(releaseAt(refreshes, "https://new.example", practiceIssuer)))).toBe("done");
      },
    );

    test("an identity at the new one is found behind an older one at the former", async () => {
      const user = await signedIn(isolate(), live());
      const auth = releaseAt(new Refreshes(), "https://new.example");
      const started = await auth.federation.start({ provider, purpose: "link", actor: user.actor });
      const tokens = live();
      const answer = answerOf(started, freshIdentity({ issuer: "https://new.example", tokens }));
      await auth.federation.finishLink({ provider, actor: user.actor, attempt: started.attempt, answer });
      const { accessToken } = await auth.federation.accessToken({ actor: system, userId: user.userId, provider });
      expect(accessToken).toBe(tokens.access_token);
    });
  });

  test("an identity of any tenant has its tokens at a provider for all tenants", async () => {
    const tenants = (id: string) => `https://login.example/${id}/v2.0`;
    const tokens = live();
    const issuer = tenants(crypto.randomUUID());
    const providers = [practiceProvider(provider, [tenants("{tenantid}")])];
    const auth = isolate(undefined, { federation: { providers, keepTokens: keepTokens({ sealingKeys: sealingKey }) } });
    const done = await signInWith(auth, freshIdentity({ issuer, tokens }));
    if (!("session" in done)) throw new Error("A second factor is demanded.");
    const asked = { actor: system, userId: done.session.userId, provider };
    expect((await auth.federation.accessToken(asked)).accessToken).toBe(tokens.access_token);
  });

  test.each([
    { access_token: "" },
    { access_token: 7 },
    { access_token: "a", refresh_token: "\u0000" },
    { access_token: "a", scope: "\u0000" },
    { access_token: "a", expires_at: "soon" },
    { access_token: "a".repeat(65_537) },
  ])("malformed tokens of an application's own provider: refused (%#)", async (tokens) => {
    const identity = freshIdentity({ tokens: tokens as never });
    expect(await outcome(signInWith(isolate(), identity))).toBe("unauthorized.provider");
  });

  test("S59: the health of a deployment names its keys beside those of `mfa`", () => {
    const auth = isolate(undefined, {
      federation: { providers: [practiceProvider()], keepTokens: keepTokens({ sealingKeys: `7:${newKey}` }) },
    });
    expect(realmOf(auth).keys()).toMatchObject({ sealingKeys: { writes: 1 }, keepTokens: { writes: 7 } });
  });

  describe("tokens end", () => {
    const endings: Record<
      string,
      (user: { userId: Person["userId"]; credentialId: Person["credentialId"] }) => unknown
    > = {
      "when the identity is revoked": ({ credentialId }) =>
        world.auth.credentials.revoke({ actor: system, credentialId }),
      "when the identity is suspended": ({ credentialId }) =>
        world.auth.credentials.suspend({ actor: system, credentialId }),
      "when the user is suspended": ({ userId }) => world.auth.users.suspend({ actor: system, userId }),
      "when the user is erased": ({ userId }) => world.auth.users.revoke({ actor: system, userId }),
      "when another SDK closes the account": ({ userId }) =>
        world.rows(sql`update usr set status = 'revoked' where id = ${uuidFor("usr", userId)}::uuid`),
      "when the provider says that the identity is gone": async ({ credentialId }) => {
        const [{ subject, issuer }] = (await world.rows(
          sql`select oidc_subject as subject, oidc_issuer as issuer from cred where id = ${uuidFor("cred", credentialId)}::uuid`,
        )) as [{ subject: string; issuer: string }];
        const about = { ends: "identity", issuer, subject, id: crypto.randomUUID() };
        const token = JSON.stringify({ ...about, issuedAt: now(), expiresAt: now() + 180 });
        await world.auth.federation.heed({ provider, token });
      },
    };
    test.each(Object.entries(endings))("%s", async (_when, end) => {
      const user = await signedIn(isolate(), live());
      expect(await stored(user)).toHaveLength(1);
      await end(user);
      expect(await stored(user)).toEqual([]);
    });
  });
});

describeWorld("OC21: one caller refreshes", { on: ["postgres"], timeoutMilliseconds: 60_000 }, (world: World) => {
  test("a thousand callers in two isolates: one token request, and everybody has the new token", async () => {
    const refreshes: string[] = [];
    const [first, renewed] = [ended(), live()];
    const make = () =>
      world.isolate({
        federation: {
          providers: [
            {
              ...practiceProvider(),
              async refresh(refreshToken) {
                refreshes.push(refreshToken);
                await new Promise((resolve) => setTimeout(resolve, 50));
                return renewed;
              },
            },
          ],
          keepTokens: keepTokens({ sealingKeys: sealingKey }),
        },
      });
    const isolates = [make(), make()];
    const done = await signInWith(isolates[0]!, freshIdentity({ tokens: first }));
    const { userId } = "session" in done ? done.session : { userId: undefined };
    const asked = { actor: system, userId: userId!, provider };
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => isolates[n % 2]!.federation.accessToken(asked)),
    );
    expect(tally(answers.map(({ accessToken }) => accessToken))).toEqual({ [renewed.access_token]: 1_000 });
    expect(refreshes).toEqual([first.refresh_token]);
  });

  test("a naive twin, without the lease, asks more than once", async () => {
    // The same read and write, with the check in the application.
    const auth = world.isolate({
      federation: { providers: [practiceProvider()], keepTokens: keepTokens({ sealingKeys: sealingKey }) },
    });
    const done = await signInWith(auth, freshIdentity({ tokens: ended() }));
    const credentialId = uuidFor("cred", ("session" in done ? done.session.credentialId : undefined)!);
    let requests = 0;
    let reads = 0;
    const allHaveRead = Promise.withResolvers<void>();
    const naive = async () => {
      const [row] = await world.rows(
        sql<{
          due: boolean;
        }>`select expires_at < sallyport_now() as due from provider_token where cred_id = ${credentialId}::uuid`,
      );
      // The twenty read at once, as requests that arrive together do.
      reads += 1;
      if (reads === 20) allHaveRead.resolve();
      await allHaveRead.promise;
      if (!row!.due) return;
      requests += 1;
      await world.rows(sql`
        update provider_token set expires_at = sallyport_now() + interval '1 hour' where cred_id = ${credentialId}::uuid`);
    };
    await Promise.all(Array.from({ length: 20 }, naive));
    expect(requests).toBe(20);
  });
});

describeWorld("OC46: purge", { on: ["pglite"] }, (world) => {
  test("removes access tokens that have ended and cannot be refreshed, and no others", async () => {
    await installTestClock(world.database);
    const auth = world.isolate({
      federation: { providers: [practiceProvider()], keepTokens: keepTokens({ sealingKeys: sealingKey }) },
    });
    for (const tokens of [live({ refresh_token: undefined }), { access_token: "endless" }])
      await signInWith(auth, freshIdentity({ tokens }));
    const left = () => world.rows(sql`select from provider_token`);
    await auth.purge();
    expect(await left()).toHaveLength(2);
    await advanceTestClock(world.database, 100 * 365 * 86_400);
    await auth.purge();
    expect(await left()).toHaveLength(1);
  });
});

describeWorld("OC46: an identity that another SDK ends beside a sign-in", { on: ["postgres"] }, (world) => {
  test.each(["cred", "usr"])("its %s, suspended and active again: no token is left", async (table) => {
    const federation = { providers: [practiceProvider()], keepTokens: keepTokens({ sealingKeys: sealingKey }) };
    const auth = world.isolate({ federation });
    const identity = freshIdentity({ tokens: live() });
    const done = await signInWith(auth, identity);
    const { userId, credentialId } = ("session" in done ? done.session : undefined)!;
    const id = table === "cred" ? uuidFor("cred", credentialId) : uuidFor("usr", userId);
    const set = (status: string) =>
      table === "cred"
        ? sql`update cred set status = ${status} where id = ${id}::uuid`
        : sql`update usr set status = ${status} where id = ${id}::uuid`;
    const held = await holdLock(world.backend.connectionString!, set("suspended"));
    const again = outcome(signInWith(auth, { ...identity, tokens: live() }));
    await held.waiting(1);
    await held.commit();
    await again;
    await world.rows(set("active"));
    const asked = { actor: system, userId, provider };
    expect(await outcome(auth.federation.accessToken(asked))).toBe("unauthorized.provider");
  });
});
