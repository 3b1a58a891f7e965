/** What counts once: an identity that waits for its account's owner, and an attempt whose answer was refused. */
import { describe, expect, test } from "vitest";
import type { ProvedIdentity } from "../../src/domain/identity-provider.ts";
import { sql } from "../../src/store/sql.ts";
import { goodPassword, outcome, type Person, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { withVerifiedAddress } from "../support/links.ts";
import {
  answerOf,
  freshIdentity,
  givenIdentity,
  practiceProvider,
  waitingIdentity,
} from "../support/practice-provider.ts";

describeWorld("linking counts once", { on: ["pglite", "postgres"], auth: { signUp: "open" } }, (world) => {
  const linkWaiting = async (person: Person, identity: string) => {
    const { actor, asOf } = await world.auth.sessions.verify({ token: person.token, transport: person.transport });
    return await world.auth.federation.link({ actor, identity, now: asOf });
  };
  /** A link or step-up that has begun: each use of it answers with an identity. */
  const begin = async ({ actor }: Pick<Person, "actor">, purpose: "link" | "step_up" = "link") => {
    const started = await world.auth.federation.start({ provider: "practice", purpose, actor });
    const finish = purpose === "link" ? world.auth.federation.finishLink : world.auth.federation.finishStepUp;
    return async (answer: ProvedIdentity | { error: string }, by = actor) => {
      const asked = { provider: "practice", attempt: started.attempt, answer: answerOf(started, answer), actor: by };
      return await finish(asked).then(
        () => "done",
        ({ code, details }) => (details?.reason ? `${code} ${details.reason}` : code),
      );
    };
  };
  const spent = async () => {
    const [row] = await world.rows(sql<{ n: number }>`select count(*)::int as n from spent_challenge`);
    return row!.n;
  };

  describe("OC42: an identity that waits for its account's owner", () => {
    test("linked, unlinked, and linked again with the same text: refused", async () => {
      const person = await world.person();
      const text = await waitingIdentity(world, person.identifier);
      const { id } = await linkWaiting(person, text);
      await world.auth.federation.unlink({ actor: person.actor, credentialId: id });
      expect(await outcome(linkWaiting(person, text))).toBe("unauthorized.provider");
      // The MAC in another spelling is the same text.
      const last = text.at(-1)!;
      const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
      const near = letters[letters.indexOf(last) ^ 1]!;
      expect(await outcome(linkWaiting(person, text.slice(0, -1) + near))).toBe("unauthorized.provider");
      // A new sign-in of the same identity counts.
      expect(await outcome(linkWaiting(person, await waitingIdentity(world, person.identifier)))).toBe("done");
    });

    test("two sign-ins of one identity in one second are two texts", async () => {
      const person = await withVerifiedAddress(world, await world.person());
      const identity = freshIdentity({ email: person.identifier, emailVerified: true });
      const ask = async () => {
        const started = await world.auth.federation.start({ provider: "practice" });
        const { attempt } = started;
        const asked = await world.auth.federation.finish({
          provider: "practice",
          attempt,
          answer: answerOf(started, identity),
        });
        return "linkingRequired" in asked ? asked.identity : "";
      };
      const [first, second] = await Promise.all([ask(), ask()]);
      const { id } = await linkWaiting(person, first!);
      await world.auth.federation.unlink({ actor: person.actor, credentialId: id });
      expect(await outcome(linkWaiting(person, second!))).toBe("done");
    });

    test("a refusal leaves it: after a new proof it links", async () => {
      const person = await world.person();
      const text = await waitingIdentity(world, person.identifier);
      await world.age(person.session, 700);
      expect(await outcome(linkWaiting(person, text))).toBe("unauthorized.reauthentication_required");
      const { actor } = person;
      const proof = { type: "password", password: goodPassword } as const;
      const { token } = await world.auth.stepUp({ actor, transport: person.transport, proof });
      expect(await outcome(linkWaiting({ ...person, token }, text))).toBe("done");
    });

    test("it takes one request to the database", async () => {
      const person = await world.person();
      const text = await waitingIdentity(world, person.identifier);
      const { actor, asOf } = await world.auth.sessions.verify({ token: person.token, transport: person.transport });
      world.counting.reset();
      await world.auth.federation.link({ actor, identity: text, now: asOf });
      expect(world.counting.requests).toBe(1);
    });
  });

  describe("R081, B34: a refused answer", () => {
    test("an identity of another account: the attempt is spent, so that none can follow it", async () => {
      const [person, other, taken] = [await world.person(), await world.person(), freshIdentity()];
      await (await begin(other))(taken);
      const use = await begin(person);
      world.counting.reset();
      expect(await use(taken)).toBe("conflict.identity_in_use");
      expect(world.counting.requests).toBe(1);
      expect(await use(freshIdentity())).toBe("unauthorized.provider used");
      const { data } = await world.auth.federation.list({ actor: person.actor, userId: person.userId });
      expect(data).toEqual([]);
    });

    test("a session without a fresh proof, to link: spent; and the denial is recorded", async () => {
      const person = await world.person();
      const use = await begin(person);
      await world.age(person.session, 700);
      const before = await spent();
      expect(await use(freshIdentity())).toBe("unauthorized.reauthentication_required");
      expect(await spent()).toBe(before + 1);
      const events = await world.events({ actor: person.userId, action: "identity.credential.link" });
      expect(events).toMatchObject([
        { outcome: "denied", metadata: { reason: "unauthorized.reauthentication_required" } },
      ]);
    });

    test.each(["link", "step_up"] as const)(
      "a user who was suspended since, at the end of a %s: spent",
      async (purpose) => {
        const person = await world.person();
        const identity = freshIdentity();
        if (purpose === "step_up") await (await begin(person))(identity);
        const use = await begin(person, purpose);
        await world.auth.users.suspend({ actor: system, userId: person.userId });
        const [before, identities] = [await spent(), await world.rows(sql`select id from cred where type = 'oidc'`)];
        expect(await use(identity)).toMatch(/^unauthorized\.(invalid_token|session_expired)$/);
        expect(await spent()).toBe(before + 1);
        expect(await world.rows(sql`select id from cred where type = 'oidc'`)).toEqual(identities);
      },
    );

    test.each(["link", "step_up"] as const)(
      "a session that was refreshed while its user was at the provider, twice, ends a %s",
      async (purpose) => {
        const person = await world.person();
        const identity = freshIdentity();
        if (purpose === "step_up") {
          await (await begin(person))(identity);
          await world.auth.credentials.revoke({ actor: system, credentialId: person.credentialId });
        }
        const { actor, token, transport } = purpose === "step_up" ? await renewed(person) : person;
        const use = await begin({ actor }, purpose);
        const once = await world.auth.sessions.refresh({ token, transport });
        const twice = await world.auth.sessions.refresh({ token: once.token, transport });
        const verified = await world.auth.sessions.verify({ token: twice.token, transport });
        expect(await use(identity, verified.actor)).toBe("done");
      },
    );

    test("a second sign-in of the same user is another session", async () => {
      const person = await world.person();
      const use = await begin(person);
      expect(await use(freshIdentity(), (await world.signIn(person)).actor)).toBe(
        "unauthorized.provider other_session",
      );
    });

    test.each(["link", "step_up"] as const)(
      "another session, at the end of a %s: the provider is not asked, and the session that began it can go on",
      async (purpose) => {
        const [person, other] = [await world.person(), await world.person()];
        const identity = freshIdentity();
        if (purpose === "step_up") {
          await (await begin(person))(identity);
          // A provider that cannot ask again counts for a user without a password.
          await world.auth.credentials.revoke({ actor: system, credentialId: person.credentialId });
        }
        const { actor } = purpose === "step_up" ? await renewed(person) : person;
        const use = await begin({ actor }, purpose);
        expect(await use(identity, other.actor)).toBe("unauthorized.provider other_session");
        expect(await use(identity)).toBe("done");
      },
    );

    test("an error of the provider proves nothing and spends nothing: the user may still agree there", async () => {
      const use = await begin(await world.person());
      const before = await spent();
      expect(await use({ error: "access_denied" })).toBe("unauthorized.provider access_denied");
      expect(await spent()).toBe(before);
      expect(await use(freshIdentity())).toBe("done");
      expect(await use(freshIdentity())).toBe("unauthorized.provider used");
    });
  });

  /** The user in a session of the identity. */
  async function renewed(person: Person): Promise<Pick<Person, "actor" | "token" | "transport">> {
    const { data } = await world.auth.federation.list({ actor: system, userId: person.userId });
    const started = await world.auth.federation.start({ provider: "practice" });
    const rows = await world.rows(
      sql<{ subject: string }>`select oidc_subject as subject from cred where oidc_issuer = ${data[0]!.issuer}
        and status = 'active' order by created_at desc, id desc limit 1`,
    );
    const answer = answerOf(started, freshIdentity({ subject: rows[0]!.subject }));
    const result = await world.auth.federation.finish({ provider: "practice", attempt: started.attempt, answer });
    if ("linkingRequired" in result || result.mfaRequired) throw new Error("No session was made.");
    const presented = { token: result.token, transport: "cookie" } as const;
    return { ...presented, actor: (await world.auth.sessions.verify(presented)).actor };
  }

  test("by default, a user has at most 20 identities", async () => {
    const person = await world.person();
    for (let n = 0; n < 19; n++) await givenIdentity(world, person.userId);
    expect(await (await begin(person))(freshIdentity())).toBe("done");
    expect(await (await begin(person))(freshIdentity())).toBe("precondition.limit_reached");
  });

  describe("OC45: a provider that was taken from the list", () => {
    test("the end of a link and of a step-up: not found, and nothing changes", async () => {
      const { actor } = await world.person();
      const auth = world.isolate({ federation: { providers: [practiceProvider("another")] } });
      for (const [purpose, finish] of [
        ["link", auth.federation.finishLink],
        ["step_up", auth.federation.finishStepUp],
      ] as const) {
        const started = await world.auth.federation.start({ provider: "practice", purpose, actor });
        const answer = answerOf(started, freshIdentity());
        const before = await world.rows(sql`select id, status from cred order by id`);
        const asked = { provider: "practice", attempt: started.attempt, answer, actor };
        expect(await outcome(finish(asked))).toBe("not_found");
        expect(await world.rows(sql`select id, status from cred order by id`)).toEqual(before);
      }
    });
  });
});
