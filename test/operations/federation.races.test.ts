import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { setTestClock } from "../../src/testing/clock.ts";
import { freshAddress, freshIdentifier, goodPassword, outcome, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { answerOf, freshIdentity, signInWith, waitingIdentity } from "../support/practice-provider.ts";

const context = () => ({ address: freshAddress() });
const roomy = { on: ["postgres"] as const, timeoutMilliseconds: 120_000, auth: { signUp: "open" as const } };

describeWorld("racing sign-ins with a provider", roomy, (world) => {
  const usersOf = async (...subjects: string[]) =>
    (
      await world.rows(
        sql<{ id: string }>`select distinct usr_id as id from cred where oidc_subject = any(${subjects}::text[])`,
      )
    ).length;

  /** An isolate for each call. Each asks the provider a few times before it asks the database, so one serves four calls. */
  const isolatesFor = (calls: number) => {
    const isolates = Array.from({ length: Math.ceil(calls / 4) }, () => world.isolate());
    return Array.from({ length: calls }, (_, call) => isolates[call % isolates.length]!);
  };

  test("B17: a thousand callbacks of one attempt at once: one session", async () => {
    const identity = freshIdentity();
    const started = await world.auth.federation.start({ provider: "practice" });
    const asked = { provider: "practice", attempt: started.attempt, answer: answerOf(started, identity) };
    const isolates = isolatesFor(1_000);
    const codes = await Promise.all(
      isolates.map((isolate) => outcome(isolate.federation.finish({ ...asked, context: context() }))),
    );
    expect(tally(codes)).toEqual({ done: 1, "unauthorized.provider": 999 });
    const [sessions] = await world.rows(sql<{ n: number }>`
      select count(*)::int as n from ses join cred on cred.id = ses.cred_id where cred.oidc_subject = ${identity.subject}`);
    expect(sessions).toEqual({ n: 1 });
  }, 240_000);

  test("a hundred first sign-ins of one identity at once: one account", async () => {
    const identity = freshIdentity();
    const codes = await Promise.all(
      Array.from({ length: 100 }, () => outcome(signInWith(world.auth, identity, { context: context() }))),
    );
    expect(tally(codes)).toEqual({ done: 100 });
    expect(await usersOf(identity.subject)).toBe(1);
  });

  test("fifty identities and fifty passwords for one new address at once: one account", async () => {
    const email = freshIdentifier();
    const identities = Array.from({ length: 50 }, () => freshIdentity({ email, emailVerified: true }));
    await Promise.all([
      ...identities.map((identity) => outcome(signInWith(world.auth, identity, { context: context() }))),
      ...identities.map(() =>
        outcome(world.auth.signUp({ identifier: email, password: goodPassword, context: context() })),
      ),
    ]);
    const [accounts] = await world.rows(sql<{ n: number }>`
      select count(distinct usr_id)::int as n from cred
      where identifier = ${email} or oidc_subject = any(${identities.map(({ subject }) => subject)}::text[])`);
    expect(accounts).toEqual({ n: 1 });
  });

  test.each([2, 50])("%i identities, and no password, for one new address at once: one of them wins", async (count) => {
    const email = freshIdentifier();
    const identities = Array.from({ length: count }, () => freshIdentity({ email, emailVerified: true }));
    const results = await Promise.all(
      identities.map((identity) => signInWith(world.auth, identity, { context: context() })),
    );
    const winners = results.filter((result) => !("linkingRequired" in result));
    expect(winners).toHaveLength(1);
    expect(await usersOf(...identities.map(({ subject }) => subject))).toBe(1);
    // Each of the others is linked by the owner, in whatever order they come.
    const [winner] = winners;
    if (!winner || "linkingRequired" in winner || winner.mfaRequired) throw new Error("No session was made.");
    const { actor, asOf } = await world.auth.sessions.verify({ token: winner.token, transport: "cookie" });
    const waiting = results.flatMap((result) => ("linkingRequired" in result ? [result.identity] : []));
    const linked = await Promise.all(
      waiting.slice(0, 10).map((identity) => outcome(world.auth.federation.link({ actor, identity, now: asOf }))),
    );
    expect(tally(linked)).toEqual({ done: Math.min(count - 1, 10) });
  });

  test("OC42: fifty links of one waiting identity at once: one link", async () => {
    const person = await world.person();
    const identity = await waitingIdentity(world, person.identifier);
    const { actor, asOf } = await world.auth.sessions.verify({ token: person.token, transport: person.transport });
    const codes = await Promise.all(
      Array.from({ length: 50 }, () => outcome(world.auth.federation.link({ actor, identity, now: asOf }))),
    );
    expect(tally(codes)).toEqual({ done: 1, "conflict.identity_in_use": 49 });
  });

  test("R081: fifty ends of one refused link at once: the refusal once, and the attempt is spent for the others", async () => {
    const taken = freshIdentity();
    await signInWith(world.auth, taken, { context: context() });
    const { actor } = await world.person();
    const started = await world.auth.federation.start({ provider: "practice", purpose: "link", actor });
    const asked = { provider: "practice", attempt: started.attempt, actor };
    const free = Array.from({ length: 25 }, () => freshIdentity());
    const answers = [taken, ...free.slice(1), ...Array.from({ length: 25 }, () => taken)];
    const first = await outcome(world.auth.federation.finishLink({ ...asked, answer: answerOf(started, taken) }));
    const isolates = isolatesFor(50);
    const codes = await Promise.all(
      answers.map((answer, at) =>
        outcome(isolates[at]!.federation.finishLink({ ...asked, answer: answerOf(started, answer) })),
      ),
    );
    expect([first, tally(codes)]).toEqual(["conflict.identity_in_use", { "unauthorized.provider": 50 }]);
    expect(await usersOf(...free.map(({ subject }) => subject))).toBe(0);
    const again = await world.auth.federation.start({ provider: "practice", purpose: "link", actor });
    const both = await Promise.all(
      isolates.map((isolate) =>
        outcome(
          isolate.federation.finishLink({
            ...asked,
            attempt: again.attempt,
            answer: answerOf(again, taken),
          }),
        ),
      ),
    );
    expect(tally(both)).toEqual({ "conflict.identity_in_use": 1, "unauthorized.provider": 49 });
  });

  test("S33: both identities of an account unlinked at once: one stays", async () => {
    for (let round = 0; round < 20; round++) {
      const first = await signInWith(world.auth, freshIdentity(), { context: context() });
      if ("linkingRequired" in first || first.mfaRequired) throw new Error("No session was made.");
      const { actor, user } = await world.auth.sessions.verify({ token: first.token, transport: "cookie" });
      const started = await world.auth.federation.start({ provider: "practice", purpose: "link", actor });
      const { attempt } = started;
      const answer = answerOf(started, freshIdentity());
      const linked = await world.auth.federation.finishLink({ provider: "practice", attempt, answer, actor });
      const codes = await Promise.all(
        [first.session.credentialId, linked.id].map((credentialId) =>
          outcome(world.auth.federation.unlink({ actor, credentialId })),
        ),
      );
      expect(codes.filter((code) => code === "done")).toHaveLength(1);
      const [active] = await world.rows(sql<{ n: number }>`
        select count(*)::int as n from cred where usr_id = ${uuidFor("usr", user.id)}::uuid and status = 'active'`);
      expect(active).toEqual({ n: 1 });
    }
  });
});

describeWorld(
  "a sign-in with a provider, by the clock",
  { on: ["pglite"], clock: new Date(), auth: { signUp: "open" } },
  (world) => {
    test.each([
      { case: "within ten minutes", seconds: 590, code: "done" },
      { case: "after ten minutes by the database's clock", seconds: 605, code: "unauthorized.provider" },
    ])("R081: $case: $code", async ({ seconds, code }) => {
      const started = await world.auth.federation.start({ provider: "practice" });
      const { attempt } = started;
      const answer = answerOf(started, freshIdentity());
      await setTestClock(world.database, new Date(Date.now() + seconds * 1_000));
      const finished = world.auth.federation.finish({ provider: "practice", attempt, answer, context: context() });
      expect(await outcome(finished)).toBe(code);
    });
  },
);
