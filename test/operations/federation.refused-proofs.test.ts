/** OC52: a provider's answer that is refused at the callback leaves an event, and no answer leaves one uncounted. */
import { describe, expect, test } from "vitest";
import type { FullAuth } from "../support/auth.ts";
import { freshAddress, outcome, type Person, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { type Fault, faultyDatabase } from "../support/faulty-database.ts";
import { answerOf, freshIdentity, practiceProvider } from "../support/practice-provider.ts";

const limit = 20;
const auth = { signUp: "open", limits: { address: { attempts: limit, windowSeconds: 3_600 } } } as const;

describeWorld("refused answers of a provider", { on: ["pglite", "postgres"], auth }, (world) => {
  type Asked = Parameters<FullAuth["federation"]["finish"]>[0];
  /** A sign-in that has begun, and the provider's answer with an error. */
  const refusedAnswer = async (error: string, address = freshAddress()): Promise<Asked> => {
    const started = await world.auth.federation.start({ provider: "practice" });
    const { attempt } = started;
    return { provider: "practice", attempt, answer: answerOf(started, { error }), context: { address } };
  };
  const eventsFrom = async (address: string) =>
    (await world.events({})).filter(({ context }) => (context as { ip?: string }).ip === address);

  describe("sign-in", () => {
    test.each([
      "access_denied",
      "invalid_signature",
      "nonce_mismatch",
      "token_expired",
      "invalid_grant",
      "<script>alert(1)</script>",
    ])("%s: one event, with the attempt's digest and no secret", async (error) => {
      const asked = await refusedAnswer(error);
      const before = world.counting.requests;
      expect(await outcome(world.auth.federation.finish(asked))).toBe("unauthorized.provider");
      expect(world.counting.requests - before).toBe(1);
      const events = await eventsFrom(asked.context!.address!);
      expect(events).toMatchObject([
        {
          action: "identity.sign_in",
          outcome: "failure",
          actorUserId: null,
          targetId: expect.stringMatching(/^login_[0-9a-f]{64}$/),
          metadata: { method: "oidc", provider: "practice", reason: error.startsWith("<") ? "other" : error },
        },
      ]);
      const state = (asked.answer as URL).searchParams.get("state")!;
      const text = JSON.stringify(events);
      expect([state, asked.attempt!, "<script>"].filter((secret) => text.includes(secret))).toEqual([]);
    });

    test("two refusals of one attempt have one target, and another attempt has another", async () => {
      const address = freshAddress();
      const [first, second] = [await refusedAnswer("access_denied", address), await refusedAnswer("x", address)];
      for (const asked of [first, first, second]) await outcome(world.auth.federation.finish(asked));
      const targets = (await eventsFrom(address)).map(({ targetId }) => targetId);
      expect(targets).toHaveLength(3);
      expect(new Set(targets).size).toBe(2);
    });

    test("another site's answer, with another state: an event, and the attempt goes on", async () => {
      const started = await world.auth.federation.start({ provider: "practice" });
      const answer = answerOf(started, freshIdentity());
      const foreign = new URL(answer);
      foreign.searchParams.set("state", "another");
      const asked = { provider: "practice", attempt: started.attempt, context: { address: freshAddress() } };
      for (let index = 0; index < limit + 5; index++) {
        const refused = world.auth.federation.finish({ ...asked, answer: foreign });
        await expect(refused).rejects.toMatchObject({ details: { reason: "state_mismatch" } });
      }
      expect(await outcome(world.auth.federation.finish({ ...asked, answer }))).toBe("done");
    });

    test("a provider that answers what it cannot have proved: an event each", async () => {
      const address = freshAddress();
      const identities = [{ issuer: "https://evil.example" }, { subject: "" }, { subject: "x".repeat(1_000_000) }];
      for (const more of identities) {
        const started = await world.auth.federation.start({ provider: "practice" });
        const answer = answerOf(started, freshIdentity(more));
        const asked = { provider: "practice", attempt: started.attempt, answer, context: { address } };
        expect(await outcome(world.auth.federation.finish(asked))).toBe("unauthorized.provider");
      }
      const reasons = (await eventsFrom(address)).map(({ metadata }) => metadata.reason);
      expect(reasons).toEqual(["invalid_identity", "invalid_identity", "invalid_identity"]);
    });

    test("a provider that does not answer: no event, because nothing was refused", async () => {
      const asked = await refusedAnswer("issuer_timeout");
      expect(await outcome(world.auth.federation.finish(asked))).toBe("unavailable.provider");
      expect(await eventsFrom(asked.context!.address!)).toEqual([]);
    });
  });

  describe("callbacks that no sign-in of ours began", () => {
    test("without an attempt, with an invented, another provider's or another purpose's: nothing is sent or written", async () => {
      const other = world.isolate({
        database: world.counting,
        federation: { providers: [practiceProvider(), practiceProvider("other", ["https://other.example"])] },
      });
      const own = await refusedAnswer("access_denied");
      const foreign = await other.federation.start({ provider: "other" });
      const { actor } = await world.person();
      const link = await other.federation.start({ provider: "practice", purpose: "link", actor });
      const attempts = [
        undefined,
        "",
        "x",
        own.attempt!.slice(0, -4),
        foreign.attempt,
        link.attempt,
        "x".repeat(100_000),
      ];
      const address = freshAddress();
      const before = world.counting.requests;
      for (const attempt of attempts) {
        const asked = { ...own, attempt, context: { address } };
        expect(await outcome(other.federation.finish(asked))).toBe("unauthorized.provider");
      }
      expect(world.counting.requests).toBe(before);
      expect(await eventsFrom(address)).toEqual([]);
    });
  });

  describe("link and step-up", () => {
    const begin = async ({ actor }: Pick<Person, "actor">, purpose: "link" | "step_up", error: string) => {
      const started = await world.auth.federation.start({ provider: "practice", purpose, actor });
      return { provider: "practice", attempt: started.attempt, answer: answerOf(started, { error }) };
    };
    const refusedOf = async ({ userId }: Person) =>
      (await world.events({ actor: userId })).filter(({ metadata }) => metadata.provider === "practice");

    test("the event names the session's user and the act", async () => {
      const person = await world.person();
      const { actor } = person;
      const link = await begin(person, "link", "invalid_signature");
      const stepUp = await begin(person, "step_up", "invalid_signature");
      expect(await outcome(world.auth.federation.finishLink({ ...link, actor }))).toBe("unauthorized.provider");
      expect(await outcome(world.auth.federation.finishStepUp({ ...stepUp, actor }))).toBe("unauthorized.provider");
      expect(await refusedOf(person)).toMatchObject([
        { action: "identity.credential.link", outcome: "failure", metadata: { reason: "invalid_signature" } },
        { action: "identity.session.step_up", outcome: "failure", metadata: { reason: "invalid_signature" } },
      ]);
    });

    test("another user's attempt in this session: the event is this user's, and the other has none", async () => {
      const [attacker, victim] = [await world.person(), await world.person()];
      const link = await begin(attacker, "link", "access_denied");
      const refused = world.auth.federation.finishLink({ ...link, actor: victim.actor });
      await expect(refused).rejects.toMatchObject({ details: { reason: "other_session" } });
      expect(await refusedOf(victim)).toMatchObject([{ metadata: { reason: "other_session" } }]);
      expect(await refusedOf(attacker)).toEqual([]);
    });
  });

  describe("a flood", () => {
    test("more refusals at once than an address has: its limit of events, and one that says so", async () => {
      const address = freshAddress();
      const asked = await Promise.all(Array.from({ length: limit * 2 }, () => refusedAnswer("access_denied", address)));
      // Each isolate has counted nothing yet.
      const codes = await Promise.all(asked.map((one) => outcome(world.isolate().federation.finish(one))));
      expect(tally(codes)).toEqual({ "unauthorized.provider": limit * 2 });
      const outcomes = (await eventsFrom(address)).map(({ outcome: how }) => how);
      expect(tally(outcomes)).toEqual({ failure: limit, denied: 1 });
    });
  });

  describe("a database that fails", () => {
    test.each<[Fault, number]>([
      ["before", 1],
      ["after", 1],
      ["late", 1],
    ])("%s: the same refusal, one event", async (fault, events) => {
      const asked = await refusedAnswer("access_denied");
      const database = faultyDatabase(world.database);
      const isolate = world.isolate({ database });
      database.reset([fault]);
      expect(await outcome(isolate.federation.finish(asked))).toBe("unauthorized.provider");
      expect(await eventsFrom(asked.context!.address!)).toHaveLength(events);
    });

    test("that does not answer at all: the same refusal", async () => {
      const asked = await refusedAnswer("access_denied");
      const database = faultyDatabase(world.database);
      const reported: unknown[] = [];
      const isolate = world.isolate({ database, onError: (error) => reported.push(error) });
      database.reset(() => "before");
      expect(await outcome(isolate.federation.finish(asked))).toBe("unauthorized.provider");
      expect(reported).toHaveLength(1);
    });
  });
});
