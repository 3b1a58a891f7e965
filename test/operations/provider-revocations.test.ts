/** OC43, OC46: kept tokens are revoked at their provider once their identity or user has ended. @module */
import { describe, expect, test } from "vitest";
import { randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import { uuidFor } from "../../src/domain/id.ts";
import type { IdentityProvider, ProviderTokens } from "../../src/domain/identity-provider.ts";
import { realmOf } from "../../src/http/auth-source.ts";
import { keepTokens } from "../../src/operations/provider-tokens.ts";
import { parseSealingKeys, resealSecrets } from "../../src/operations/reseal.ts";
import { sql } from "../../src/store/sql.ts";
import { type FullAuth, freshAddress, outcome, type Person, sealingKey, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { freshIdentity, practiceProvider, signInWith } from "../support/practice-provider.ts";

/** What the provider was asked to revoke. */
interface Desk {
  readonly asked: string[];
  answer: () => Promise<void>;
}

const newDesk = (): Desk => ({ asked: [], answer: async () => undefined });

describeWorld("OC43: revoking kept tokens at the provider", { on: ["pglite", "postgres"] }, (world) => {
  function isolate(desk: Desk, more: Partial<IdentityProvider> = {}, keys = sealingKey): FullAuth {
    const practice = {
      ...practiceProvider(),
      refresh: async () => ({ access_token: "new" }),
      async revoke(token: string, kind: string) {
        desk.asked.push(`${kind} ${token}`);
        await desk.answer();
      },
      ...more,
    };
    return world.isolate({ federation: { providers: [practice], keepTokens: keepTokens({ sealingKeys: keys }) } });
  }
  const clear = () => world.rows(sql`delete from provider_revocation`);
  const owed = async () =>
    (await world.rows(sql<{ n: number }>`select count(*)::int as n from provider_revocation`))[0]!.n;
  const dueNow = () => world.rows(sql`update provider_revocation set due_at = sallyport_now()`);

  /** A user who has signed in, and linked nothing else, with a password as another way in. */
  async function signedIn(auth: FullAuth, tokens: Partial<ProviderTokens> = {}) {
    const refresh = `refresh-${crypto.randomUUID()}`;
    const identity = freshIdentity({ tokens: { access_token: "access", refresh_token: refresh, ...tokens } });
    const done = await signInWith(auth, identity, { context: { address: freshAddress() } });
    if (!("session" in done)) throw new Error("No session was made.");
    const { actor } = await auth.sessions.verify({ token: done.token, transport: "cookie" });
    const { userId, credentialId } = done.session;
    return { identity, refresh, actor, userId, credentialId };
  }
  const setStatus = (table: "usr" | "cred", id: string, status: string) =>
    table === "usr"
      ? world.rows(sql`update usr set status = ${status} where id = ${uuidFor("usr", id)}::uuid`)
      : world.rows(sql`update cred set status = ${status} where id = ${uuidFor("cred", id)}::uuid`);

  type SignedIn = Awaited<ReturnType<typeof signedIn>>;
  const endings: Record<string, (auth: FullAuth, user: SignedIn) => Promise<unknown>> = {
    async "unlinked by its user"(auth, { actor, userId, credentialId }) {
      await world.rows(sql`
        insert into cred (id, usr_id, type, identifier, oidc_issuer, oidc_subject)
        values (gen_random_uuid(), ${uuidFor("usr", userId)}::uuid, 'oidc', gen_random_uuid()::text, 'https://practice.example',
          gen_random_uuid()::text)`);
      await auth.federation.unlink({ actor, credentialId });
    },
    "suspended by an administrator": (auth, { credentialId }) =>
      auth.credentials.suspend({ actor: system, credentialId }),
    "of a suspended user": (auth, { userId }) => auth.users.suspend({ actor: system, userId }),
    "of a user who is closed": (auth, { userId }) => auth.users.revoke({ actor: system, userId }),
    "revoked by another SDK": (_auth, { credentialId }) => setStatus("cred", credentialId, "revoked"),
    "of a user whom another SDK has revoked": (_auth, { userId }) => setStatus("usr", userId, "revoked"),
  };

  test.each(Object.keys(endings))("the tokens of an identity %s", async (name) => {
    await clear();
    const desk = newDesk();
    const auth = isolate(desk);
    const user = await signedIn(auth);
    await endings[name]!(auth, user);
    expect(desk.asked).toEqual([]);
    expect(await auth.federation.revokeOwed()).toEqual({ revoked: 1 });
    expect(desk.asked).toEqual([`refresh_token ${user.refresh}`]);
    expect(await auth.federation.revokeOwed()).toEqual({ revoked: 0 });
    expect(await owed()).toBe(0);
  });

  test("an access token, where there is no refresh token", async () => {
    await clear();
    const desk = newDesk();
    const auth = isolate(desk);
    const { userId } = await signedIn(auth, { access_token: "only", refresh_token: undefined });
    await auth.users.suspend({ actor: system, userId });
    await auth.federation.revokeOwed();
    expect(desk.asked).toEqual(["access_token only"]);
  });

  test("a transaction that rolls back owes nothing", async () => {
    await clear();
    const auth = isolate(newDesk());
    const { userId } = await signedIn(auth);
    const plan = await auth.users.suspend.plan({ actor: system, userId });
    await expect(auth.batch([plan, sql`select 1 / 0`])).rejects.toThrow();
    expect(await owed()).toBe(0);
  });

  test("OC49: a merge moves the tokens, and owes nothing", async () => {
    await clear();
    const auth = isolate(newDesk());
    const user = await signedIn(auth);
    const kept = await world.person();
    await auth.merging.merge({ actor: user.actor, into: kept.actor });
    expect(await owed()).toBe(0);
    const asked = { actor: system, userId: kept.userId, provider: "practice" };
    expect(await auth.federation.accessToken(asked)).toMatchObject({ accessToken: "access" });
  });

  describe("an identity that is linked again", () => {
    /** Its tokens are owed, and then it signs in again, to a new account. */
    async function linkedAgain(desk: Desk) {
      await clear();
      const auth = isolate(desk);
      const first = await signedIn(auth);
      await auth.users.revoke({ actor: system, userId: first.userId });
      const tokens = { access_token: "again", refresh_token: `again-${crypto.randomUUID()}` };
      const done = await signInWith(auth, { ...first.identity, tokens }, { context: { address: freshAddress() } });
      if (!("session" in done)) throw new Error("No session was made.");
      return { auth, first, tokens, userId: done.session.userId };
    }

    test("keeps its new tokens: the old ones wait, because a provider may end the whole grant with them", async () => {
      const desk = newDesk();
      const { auth, userId } = await linkedAgain(desk);
      expect(await auth.federation.revokeOwed()).toEqual({ revoked: 0 });
      expect([desk.asked, await owed()]).toEqual([[], 1]);
      const asked = { actor: system, userId, provider: "practice" };
      expect(await auth.federation.accessToken(asked)).toMatchObject({ accessToken: "again" });
    });

    test("and that ends again: all of its tokens are revoked", async () => {
      const desk = newDesk();
      const { auth, first, tokens, userId } = await linkedAgain(desk);
      await auth.users.suspend({ actor: system, userId });
      expect(await auth.federation.revokeOwed()).toEqual({ revoked: 2 });
      const revoked = [`refresh_token ${first.refresh}`, `refresh_token ${tokens.refresh_token}`];
      expect(desk.asked.toSorted()).toEqual(revoked.toSorted());
    });

    test("does not hold up the tokens of other identities", async () => {
      const desk = newDesk();
      const { auth } = await linkedAgain(desk);
      const other = await signedIn(auth);
      await auth.users.suspend({ actor: system, userId: other.userId });
      expect(await auth.federation.revokeOwed({ limit: 1 })).toEqual({ revoked: 1 });
      expect(desk.asked).toEqual([`refresh_token ${other.refresh}`]);
    });
  });

  describe("a refresh beside an ending", () => {
    const over = { expires_at: 1 };

    test("the new refresh token is revoked too", async () => {
      await clear();
      const desk = newDesk();
      let end = async (): Promise<unknown> => undefined;
      const auth = isolate(desk, {
        refresh: async () => {
          await end();
          return { access_token: "late", refresh_token: "late-refresh" };
        },
      });
      const user = await signedIn(auth, over);
      end = () => auth.users.suspend({ actor: system, userId: user.userId });
      const asked = { actor: user.actor, userId: user.userId, provider: "practice" };
      expect(await outcome(auth.federation.accessToken(asked))).toBe("not_found");
      expect(await auth.federation.revokeOwed()).toEqual({ revoked: 2 });
      expect(desk.asked.toSorted()).toEqual(["refresh_token late-refresh", `refresh_token ${user.refresh}`]);
    });

    test("OC49: the new tokens follow their identity through a merge", async () => {
      await clear();
      const refreshed: string[] = [];
      const kept = await world.person();
      const asked = { actor: system, userId: kept.userId, provider: "practice" };
      let meanwhile = async (): Promise<unknown> => undefined;
      const auth = isolate(newDesk(), {
        refresh: async (token: string) => {
          refreshed.push(token);
          await meanwhile();
          return { access_token: "late", refresh_token: "late-refresh", expires_at: 4e9 };
        },
      });
      const user = await signedIn(auth, over);
      const codes: string[] = [];
      meanwhile = async () => {
        await auth.merging.merge({ actor: user.actor, into: kept.actor });
        // The lease has moved too: the refresh token is not spent twice.
        codes.push(await outcome(auth.federation.accessToken(asked)));
      };
      codes.push(await outcome(auth.federation.accessToken({ ...asked, actor: user.actor, userId: user.userId })));
      expect(codes).toEqual(["unavailable.provider", "not_found"]);
      expect(await auth.federation.accessToken(asked)).toMatchObject({ accessToken: "late" });
      expect([refreshed, await owed()]).toEqual([[user.refresh], 0]);
    });
  });

  test("the row has no secret in it", async () => {
    await clear();
    const auth = isolate(newDesk());
    const { userId, refresh } = await signedIn(auth);
    await auth.users.suspend({ actor: system, userId });
    const [row] = await world.rows(sql<{ text: string; token: string }>`
      select r::text as text, encode(token, 'escape') as token from provider_revocation r`);
    for (const text of Object.values(row!)) expect(text).not.toMatch(new RegExp(`${refresh}|access"`));
  });

  describe("a provider that fails", () => {
    test("is asked again, after longer and longer waits, and the fault is reported", async () => {
      await clear();
      const desk = newDesk();
      const auth = isolate(desk);
      const { userId } = await signedIn(auth);
      await auth.users.suspend({ actor: system, userId });
      desk.answer = async () => {
        throw Object.assign(new Error("down"), { error: "issuer_unreachable" });
      };
      const waits: number[] = [];
      for (let attempt = 0; attempt < 3; attempt++) {
        expect(await auth.federation.revokeOwed()).toEqual({ revoked: 0 });
        // Not due: no provider is asked.
        expect(await auth.federation.revokeOwed()).toEqual({ revoked: 0 });
        const [row] = await world.rows(sql<{ minutes: number }>`
          select round(extract(epoch from due_at - sallyport_now()) / 60)::int as minutes from provider_revocation`);
        waits.push(row!.minutes);
        await dueNow();
      }
      expect([desk.asked.length, waits]).toEqual([3, [1, 2, 4]]);
      desk.answer = async () => undefined;
      expect(await auth.federation.revokeOwed()).toEqual({ revoked: 1 });
    });

    test("for a week is not asked any more, and a purge forgets the token", async () => {
      await clear();
      const desk = newDesk();
      const auth = isolate(desk);
      const { userId } = await signedIn(auth);
      await auth.users.suspend({ actor: system, userId });
      await world.rows(sql`update provider_revocation set expires_at = sallyport_now() - interval '1 second'`);
      expect(await auth.federation.revokeOwed()).toEqual({ revoked: 0 });
      await auth.purge();
      expect([desk.asked, await owed()]).toEqual([[], 0]);
    });
  });

  test("attack: another issuer takes over a provider's name: it gets none of the former one's tokens", async () => {
    await clear();
    const [desk, other] = [newDesk(), newDesk()];
    const auth = isolate(desk);
    const { userId, refresh } = await signedIn(auth);
    await auth.users.suspend({ actor: system, userId });
    expect(await isolate(other, { issuers: ["https://new.example"] }).federation.revokeOwed()).toEqual({ revoked: 0 });
    expect([other.asked, await owed()]).toEqual([[], 1]);
    const both = isolate(desk, { issuers: ["https://new.example", "https://practice.example"] });
    expect([await both.federation.revokeOwed(), desk.asked]).toEqual([{ revoked: 1 }, [`refresh_token ${refresh}`]]);
  });

  test("an application that keeps tokens no longer forgets what is owed all the same, after a week", async () => {
    await clear();
    const { userId } = await signedIn(isolate(newDesk()));
    const without = world.isolate({ federation: { providers: [practiceProvider()], keepTokens: undefined as never } });
    await without.users.suspend({ actor: system, userId });
    await without.purge();
    expect(await owed()).toBe(1);
    await world.rows(sql`update provider_revocation set expires_at = sallyport_now() - interval '1 second'`);
    await without.purge();
    expect(await owed()).toBe(0);
  });

  test("a provider that revokes no tokens is owed nothing; one that is no longer listed keeps waiting", async () => {
    await clear();
    const desk = newDesk();
    const auth = isolate(desk, { revoke: undefined as never });
    const { userId } = await signedIn(auth);
    await auth.users.suspend({ actor: system, userId });
    const without = isolate(desk, { name: "another" });
    expect(await without.federation.revokeOwed()).toEqual({ revoked: 0 });
    expect(await owed()).toBe(1);
    expect(await auth.federation.revokeOwed()).toEqual({ revoked: 1 });
    expect([desk.asked, await owed()]).toEqual([[], 0]);
  });

  test("twenty callers at once: each token is revoked once", async () => {
    await clear();
    const desk = newDesk();
    const auth = isolate(desk);
    const users: Pick<Person, "userId">[] = [];
    for (let count = 0; count < 10; count++) users.push(await signedIn(auth));
    for (const { userId } of users) await auth.users.suspend({ actor: system, userId });
    await Promise.all(Array.from({ length: 20 }, () => auth.federation.revokeOwed({ limit: 3 })));
    expect(new Set(desk.asked).size).toBe(10);
    expect(desk.asked).toHaveLength(10);
  });

  test("after a new sealing key, and once everything is sealed with it", async () => {
    await clear();
    const desk = newDesk();
    const auth = isolate(desk);
    const { userId, refresh } = await signedIn(auth);
    await auth.users.suspend({ actor: system, userId });
    const newKey = toBase64Url(randomBytes(32));
    const both = `2:${newKey},1:${sealingKey}`;
    const { core } = realmOf(auth);
    expect(await resealSecrets(core, parseSealingKeys(both), "revocation")).toMatchObject({
      resealed: 1,
      unreadable: 0,
    });
    expect(await isolate(desk, {}, `2:${newKey}`).federation.revokeOwed()).toEqual({ revoked: 1 });
    expect(desk.asked).toEqual([`refresh_token ${refresh}`]);
  });

  test("without kept tokens it asks no database", async () => {
    const auth = world.isolate({ database: world.counting, federation: { keepTokens: undefined as never } });
    world.counting.reset();
    expect([await auth.federation.revokeOwed(), world.counting.requests]).toEqual([{ revoked: 0 }, 0]);
  });
});
