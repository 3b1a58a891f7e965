import { describe, expect, test, vi } from "vitest";
import type { SessionActor } from "../../src/domain/actor.ts";
import { type CredentialId, type UserId, uuidFor } from "../../src/domain/id.ts";
import type { ProvedIdentity } from "../../src/domain/identity-provider.ts";
import type { Session } from "../../src/domain/session.ts";
import type { SignedIn } from "../../src/operations/sign-in.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, outcome, type Person, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp } from "../support/factors.ts";
import { answerOf, freshIdentity, practiceIssuer, practiceProvider, signInWith } from "../support/practice-provider.ts";

const now = () => Math.floor(Date.now() / 1_000);
const hourAgo = () => now() - 3_600;

/** What an act that ran this many seconds ago gave. */
async function slowly<Result>(seconds: number, act: () => Promise<Result>): Promise<Result> {
  const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() - seconds * 1_000);
  try {
    return await act();
  } finally {
    clock.mockRestore();
  }
}

describeWorld(
  "OC44: what a provider's answer proves of now",
  { on: ["pglite", "postgres"], auth: { signUp: "open" } },
  (world) => {
    /** `again` asks its users for a new proof, and says when they gave it; `silent` cannot. */
    const providers = [practiceProvider("again", [practiceIssuer], true), practiceProvider("silent")];
    const federated = (more = {}) => world.isolate({ federation: { providers, ...more } });
    type Auth = ReturnType<typeof federated>;

    const linked = async (person: Person, auth: Auth, provider = "again") => {
      const identity = freshIdentity();
      const started = await auth.federation.start({ provider, purpose: "link", actor: person.actor });
      const { attempt } = started;
      await auth.federation.finishLink({ provider, attempt, answer: answerOf(started, identity), actor: person.actor });
      return identity;
    };
    const withoutPassword = async ({ credentialId }: { credentialId: CredentialId }) =>
      await world.rows(sql`update cred set status = 'suspended' where id = ${uuidFor("cred", credentialId)}::uuid`);
    const signIn = async (auth: Auth, provider: string, identity: ProvedIdentity) => {
      const context = { address: freshAddress() };
      const result = (await signInWith(auth, identity, { provider, context })) as SignedIn;
      if (result.mfaRequired) throw new Error("No session was made.");
      return result;
    };
    const isFresh = async (auth: Auth, actor: SessionActor) => {
      const other = freshIdentity();
      const started = await auth.federation.start({ provider: "again", purpose: "link", actor });
      const { attempt } = started;
      const linking = auth.federation.finishLink({
        provider: "again",
        attempt,
        answer: answerOf(started, other),
        actor,
      });
      return (await outcome(linking)) === "done";
    };
    const actorOf = async ({ token }: { token: string }) =>
      (await world.auth.sessions.verify({ token, transport: "cookie" })).actor;

    test.each([
      ["again", "password", hourAgo, false],
      ["again", "password", undefined, false],
      ["again", "password", now, true],
      ["again", "identity", hourAgo, false],
      ["again", "identity", undefined, false],
      ["silent", "password", undefined, false],
      ["silent", "password", hourAgo, false],
      ["silent", "identity", undefined, true],
      // A clock that is ahead makes no proof of later.
      ["again", "identity", () => now() + 86_400, true],
    ] as const)("a sign-in at %s, with a %s, proved %o: fresh is %s", async (provider, has, authTime, fresh) => {
      const auth = federated();
      const person = await world.person();
      const identity = await linked(person, auth, provider);
      if (has === "identity") await withoutPassword(person);
      const signedIn = await signIn(auth, provider, { ...identity, authTime: authTime?.() });
      expect(await isFresh(auth, await actorOf(signedIn))).toBe(fresh);
      expect((signedIn.session.authTime?.getTime() ?? 0) <= signedIn.session.createdAt.getTime()).toBe(true);
    });

    test("an account that has just been made is fresh", async () => {
      const auth = federated();
      const signedIn = await signIn(auth, "again", freshIdentity({ authTime: hourAgo() }));
      expect(await isFresh(auth, await actorOf(signedIn))).toBe(true);
    });

    test("a second factor that a provider proved long ago is none that was proved now", async () => {
      const auth = federated({ trustsMfa: [{ issuer: practiceIssuer, amr: ["mfa"] }] });
      const identity = freshIdentity({ amr: ["mfa"] });
      await signIn(auth, "again", identity);
      const late = await signIn(auth, "again", { ...identity, authTime: hourAgo() });
      const unknown = await signIn(auth, "again", identity);
      const again = await signIn(auth, "again", { ...identity, authTime: now() });
      const provedNow = ({ session }: { session: Session }) => session.mfaVerifiedAt !== null;
      expect([late, unknown, again].map(provedNow)).toEqual([false, false, true]);
      expect(late.session.amr).toEqual(["fed", "mfa"]);
    });

    describe("a second factor of a trusted provider", () => {
      const trusting = () => federated({ trustsMfa: [{ issuer: practiceIssuer, amr: ["mfa"] }] });
      const administers = async (userId: UserId, actor: SessionActor) => {
        await world.makeAdministrator(userId);
        const { userId: other } = await world.person();
        return (await outcome(world.auth.users.get({ actor, userId: other }))) === "done";
      };

      test.each([
        ["again", "a password", undefined, false],
        ["again", "a password", 1_700, true],
        ["again", "a password", 1_900, false],
        ["silent", "a password", undefined, false],
        ["silent", "an identity", undefined, false],
        ["silent", "an identity", 1_900, false],
        ["silent", "an identity", 60, true],
      ] as const)(
        "at %s, beside %s, proved %o seconds ago: administers is %s",
        async (provider, has, age, expected) => {
          const auth = trusting();
          const person = await world.person();
          const identity = await linked(person, auth, provider);
          if (has === "an identity") await withoutPassword(person);
          const authTime = age === undefined ? undefined : now() - age;
          const { token, session } = await signIn(auth, provider, { ...identity, amr: ["mfa"], authTime });
          expect(await administers(person.userId, await actorOf({ token }))).toBe(expected);
          expect(session.mfaVerifiedAt).toEqual(expected ? new Date(authTime! * 1_000) : null);
        },
      );

      test("a session that is as old as its proof says ends its right at the same time", async () => {
        const auth = trusting();
        const person = await world.person();
        const identity = await linked(person, auth);
        const signedIn = await signIn(auth, "again", { ...identity, amr: ["mfa"], authTime: now() - 1_795 });
        const actor = await actorOf(signedIn);
        expect(await administers(person.userId, actor)).toBe(true);
        // The column is as new as the session.
        await world.age(signedIn.session, 1_801);
        expect(await administers(person.userId, actor)).toBe(false);
      });

      test.each([
        [undefined, false, true],
        [1_200, true, false],
        [1_900, false, false],
      ])(
        "an account that has just been made, proved %o seconds ago: a factor is %s, fresh is %s",
        async (age, factor, fresh) => {
          const auth = trusting();
          const authTime = age === undefined ? undefined : now() - age;
          const signedIn = await signIn(auth, "again", freshIdentity({ amr: ["mfa"], authTime }));
          expect(await isFresh(auth, await actorOf(signedIn))).toBe(fresh);
          expect(signedIn.session.mfaVerifiedAt).toEqual(factor ? new Date(authTime! * 1_000) : null);
        },
      );

      test("a user who takes nine minutes at the provider after the proof is fresh for one more", async () => {
        const auth = trusting();
        const person = await world.person({ transport: "cookie" });
        const identity = await linked(person, auth);
        const minutesAgo = now() - 540;
        const started = await slowly(540, () =>
          auth.federation.start({ provider: "again", purpose: "step_up", actor: person.actor }),
        );
        const { session } = await auth.federation.finishStepUp({
          provider: "again",
          attempt: started.attempt,
          answer: answerOf(started, { ...identity, amr: ["mfa"], authTime: minutesAgo }),
          actor: person.actor,
        });
        const proved = new Date(minutesAgo * 1_000);
        expect([session.authTime, session.mfaVerifiedAt]).toEqual([proved, proved]);
      });
    });

    test("a silent return does not enroll the first factor of an account", async () => {
      const auth = federated();
      const person = await world.person();
      const identity = await linked(person, auth);
      await world.requireFactor(person.userId, new Date(Date.now() + 3_600_000));
      await world.rows(sql`
        update usr_mfa_policy set grace_until = null where usr_id = ${uuidFor("usr", person.userId)}::uuid`);
      const sign = (authTime?: number) =>
        signInWith(auth, { ...identity, authTime }, { provider: "again", context: { address: freshAddress() } });
      for (const authTime of [undefined, hourAgo()]) {
        expect(await outcome(sign(authTime))).toBe("unauthorized.reauthentication_required");
      }
      expect(await sign(now())).toMatchObject({ mfaRequired: true, enroll: true });
    });

    describe("step-up", () => {
      const begun = async (auth: Auth, actor: SessionActor, provider = "again") => {
        const started = await auth.federation.start({ provider, purpose: "step_up", actor });
        const { attempt } = started;
        return (identity: ProvedIdentity, by = actor) =>
          auth.federation.finishStepUp({ provider, attempt, answer: answerOf(started, identity), actor: by });
      };
      const stale = async () => {
        const auth = federated();
        const person = await world.person({ transport: "cookie" });
        const identity = await linked(person, auth);
        await world.age(person.session, 700);
        return { auth, person, identity };
      };

      test("replaces the session with a fresh one of the same family", async () => {
        const { auth, person, identity } = await stale();
        expect(await isFresh(auth, person.actor)).toBe(false);
        const finish = await begun(auth, person.actor);
        const { token, session } = await finish({ ...identity, authTime: now() });
        expect(await isFresh(auth, await actorOf({ token }))).toBe(true);
        expect(session).toMatchObject({
          userId: person.userId,
          amr: ["fed", "pwd"],
          remember: person.session.remember,
        });
        const old = world.auth.sessions.verify({ token: person.token, transport: "cookie" });
        expect(await outcome(old)).toMatch(/^unauthorized/);
        const [event] = await world.events({ action: "identity.session.step_up", actor: person.userId });
        expect(event).toMatchObject({ outcome: "success" });
      });

      test.each([
        ["an old proof", hourAgo, "auth_time"],
        ["no time of the proof", undefined, "auth_time"],
      ])("%s is refused, and the session stays as it was", async (_what, authTime, reason) => {
        const { auth, person, identity } = await stale();
        const finish = await begun(auth, person.actor);
        await expect(finish({ ...identity, authTime: authTime?.() })).rejects.toMatchObject({ details: { reason } });
        expect(await isFresh(auth, person.actor)).toBe(false);
      });

      test("another account's identity, and one that no account has, are refused", async () => {
        const { auth, person } = await stale();
        const foreign = await linked(await world.person(), auth);
        for (const identity of [foreign, freshIdentity()]) {
          const finish = await begun(auth, person.actor);
          const refused = finish({ ...identity, authTime: now() });
          await expect(refused).rejects.toMatchObject({
            code: "unauthorized.provider",
            details: { reason: "not_accepted" },
          });
        }
        expect(await isFresh(auth, person.actor)).toBe(false);
      });

      test("a provider that cannot ask for a new proof counts only without a password", async () => {
        const { auth, person, identity } = await stale();
        const finish = async (actor: SessionActor) => (await begun(auth, actor, "silent"))(identity);
        expect(await outcome(finish(person.actor))).toBe("unauthorized.provider");
        await withoutPassword(person);
        // A session of the password ends with it.
        expect(await outcome(finish(person.actor))).toBe("unauthorized.invalid_token");
        const actor = await actorOf(await signIn(auth, "silent", identity));
        expect(await isFresh(auth, actor)).toBe(true);
        expect(await outcome(finish(actor))).toBe("done");
      });

      test("an identity or a user that is suspended is refused", async () => {
        const { auth, person, identity } = await stale();
        const finish = await begun(auth, person.actor);
        await world.rows(sql`update cred set status = 'suspended' where oidc_subject = ${identity.subject}`);
        expect(await outcome(finish({ ...identity, authTime: now() }))).toBe("unauthorized.provider");
        const second = await stale();
        const finishSecond = await begun(second.auth, second.person.actor);
        await world.auth.users.suspend({ actor: system, userId: second.person.userId });
        const refused = finishSecond({ ...second.identity, authTime: now() });
        expect(await outcome(refused)).toBe("unauthorized.invalid_token");
      });

      test("in the session that began it, once", async () => {
        const { auth, person, identity } = await stale();
        const other = await world.signIn(person);
        const finish = await begun(auth, person.actor);
        const proof = { ...identity, authTime: now() };
        await expect(finish(proof, other.actor)).rejects.toMatchObject({ details: { reason: "other_session" } });
        const { token } = await finish(proof);
        expect(await outcome(finish(proof))).not.toBe("done");
        expect(await outcome(world.auth.sessions.verify({ token, transport: "cookie" }))).toBe("done");
      });

      test("a second factor of a trusted provider, proved now, makes the session fresh", async () => {
        const auth = federated({ trustsMfa: [{ issuer: practiceIssuer, amr: ["mfa"] }] });
        const person = await world.person();
        const identity = await linked(person, auth);
        await world.requireFactor(person.userId, new Date(0));
        await world.age(person.session, 700);
        for (const [amr, fresh] of [
          [["pwd"], false],
          [["mfa"], true],
        ] as const) {
          const other = await signIn(auth, "again", { ...identity, amr: ["mfa"], authTime: hourAgo() });
          const finish = await begun(auth, await actorOf(other));
          const { token, session } = await finish({ ...identity, amr, authTime: now() });
          expect([amr, await isFresh(auth, await actorOf({ token })), session.mfaVerifiedAt !== null]).toEqual([
            amr,
            fresh,
            fresh,
          ]);
        }
      });

      test("does not stand in for a second factor", async () => {
        const auth = federated();
        const { person } = await addApp(world, await world.person());
        const identity = await linked(person, auth);
        await world.age(person.session, 700);
        const finish = await begun(auth, person.actor);
        const { token } = await finish({ ...identity, authTime: now() });
        expect(await isFresh(auth, await actorOf({ token }))).toBe(false);
      });
    });
  },
);
