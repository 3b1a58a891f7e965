import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { setTestClock } from "../../src/testing/clock.ts";
import { freshAddress, freshIdentifier, goodPassword, outcome, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { answerOf, freshIdentity, signInWith } from "../support/practice-provider.ts";

const context = () => ({ address: freshAddress() });
const roomy = { on: ["postgres"] as const, timeoutMilliseconds: 120_000, auth: { signUp: "open" as const } };

describeWorld("racing sign-ins with a provider", roomy, (world) => {
  const usersOf = async (...subjects: string[]) =>
    (
      await world.rows(
        sql<{ id: string }>`select distinct usr_id as id from cred where oidc_subject = any(${subjects}::text[])`,
      )
    ).length;

  test("B17: a thousand callbacks of one attempt at once: one session", async () => {
    const identity = freshIdentity();
    const started = await world.auth.federation.start({ provider: "practice" });
    const asked = { provider: "practice", attempt: started.attempt, answer: answerOf(started, identity) };
    const codes = await Promise.all(
      Array.from({ length: 1_000 }, () => outcome(world.auth.federation.finish({ ...asked, context: context() }))),
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
