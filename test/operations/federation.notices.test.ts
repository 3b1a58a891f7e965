/** What ends here when a provider says that a session or an account of its own has ended. @module */
import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import type { ProvedIdentity, ProviderNotice } from "../../src/domain/identity-provider.ts";
import type { SignedIn } from "../../src/operations/sign-in.ts";
import { lockIdentity } from "../../src/store/linked-identities.ts";
import { lockNamed } from "../../src/store/provider-sessions.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, outcome, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp } from "../support/factors.ts";
import { answerOf, freshIdentity, practiceIssuer, practiceProvider, signInWith } from "../support/practice-provider.ts";

const now = () => Math.floor(Date.now() / 1_000);
let count = 0;

describeWorld("OC47: a provider's messages", { on: ["pglite", "postgres"], auth: { signUp: "open" } }, (world) => {
  const about = ({ subject }: ProvedIdentity, more: Partial<ProviderNotice> = {}): ProviderNotice => ({
    ends: "sessions",
    issuer: practiceIssuer,
    subject,
    id: `message-${++count}`,
    issuedAt: now(),
    expiresAt: now() + 180,
    ...more,
  });
  const heed = (notice: ProviderNotice, auth = world.auth) =>
    auth.federation.heed({ provider: "practice", token: JSON.stringify(notice) });
  const signIn = async (identity: ProvedIdentity) => {
    const result = (await signInWith(world.auth, identity, { context: { address: freshAddress() } })) as SignedIn;
    if (result.mfaRequired) throw new Error("No session was made.");
    return result;
  };
  const lives = async ({ token }: { token: string }) =>
    (await outcome(world.auth.sessions.verify({ token, transport: "cookie" }))) === "done";
  const actorOf = async ({ token }: { token: string }) =>
    (await world.auth.sessions.verify({ token, transport: "cookie" })).actor;

  test("all sessions of the identity end, and those of another identity stay", async () => {
    const [identity, other] = [freshIdentity(), freshIdentity()];
    const sessions = [await signIn(identity), await signIn({ ...identity, sid: "one" })];
    const foreign = await signIn(other);
    await heed(about(identity));
    expect(await Promise.all(sessions.map(lives))).toEqual([false, false]);
    expect(await lives(foreign)).toBe(true);
    // The identity stays a way in.
    const again = await signIn(identity);
    expect(again.user.id).toBe(sessions[0]!.user.id);
    const events = await world.events({ action: "identity.session.end_at_provider" });
    expect(events.filter(({ metadata }) => metadata.provider === "practice").length).toBeGreaterThan(0);
  });

  test("only the sign-ins of the session that ended there, and those whose session is not known", async () => {
    const identity = freshIdentity();
    const [a, b] = [`a-${++count}`, `b-${count}`];
    const [first, second, third, unknown] = [
      await signIn({ ...identity, sid: a }),
      await signIn({ ...identity, sid: b }),
      await signIn({ ...identity, sid: a }),
      await signIn(identity),
    ];
    await heed(about(identity, { sid: a }));
    const sessions = [first, second, third, unknown];
    expect(await Promise.all(sessions.map(lives))).toEqual([false, true, false, false]);
  });

  test("by the session alone, without a subject", async () => {
    const [identity, other] = [freshIdentity(), freshIdentity()];
    const sid = `alone-${++count}`;
    const [own, foreign] = [await signIn({ ...identity, sid }), await signIn({ ...other, sid: `${sid}-other` })];
    await heed(about(identity, { subject: undefined, sid }));
    expect([await lives(own), await lives(foreign)]).toEqual([false, true]);
  });

  test("another issuer's session of the same name is another one", async () => {
    const issuer = "https://other.example";
    const auth = world.isolate({
      federation: { providers: [practiceProvider(), practiceProvider("other", [issuer])] },
    });
    const identity = freshIdentity({ sid: `shared-${++count}` });
    const own = await signIn(identity);
    const token = JSON.stringify(about(identity, { issuer, subject: undefined, sid: identity.sid }));
    await auth.federation.heed({ provider: "other", token });
    expect(await lives(own)).toBe(true);
  });

  test("a session that stepped up with another session there", async () => {
    const [old, renewed] = [`old-${++count}`, `new-${count}`];
    const identity = freshIdentity({ sid: old });
    const first = await signIn(identity);
    const actor = await actorOf(first);
    const started = await world.auth.federation.start({ provider: "practice", purpose: "step_up", actor });
    const { attempt } = started;
    const answer = answerOf(started, { ...identity, sid: renewed });
    const stepped = await world.auth.federation.finishStepUp({ provider: "practice", attempt, answer, actor });
    await heed(about(identity, { sid: old }));
    expect(await lives(stepped)).toBe(true);
    await heed(about(identity, { sid: renewed }));
    expect(await lives(stepped)).toBe(false);
  });

  test("a sign-in whose second factor is still to be proved", async () => {
    const identity = freshIdentity({ sid: `half-${++count}` });
    const first = await signIn(identity);
    const person = { ...first, actor: await actorOf(first), transport: "cookie" as const };
    const { app } = await addApp(world, person as never);
    const half = await signInWith(world.auth, identity, { context: { address: freshAddress() } });
    if ("linkingRequired" in half || !half.mfaRequired) throw new Error("No ticket was made.");
    await heed(about(identity, { sid: identity.sid }));
    const proof = { type: "totp", code: await app.code() } as const;
    const finish = world.auth.signIn.factor({ ticket: half.ticket, transport: "cookie", proof });
    expect(await outcome(finish)).toBe("unauthorized.invalid_ticket");
  });

  test("S24: identities and sessions at providers are found by indexes, whatever their state", async () => {
    const notice = {
      ...about(freshIdentity()),
      ends: "sessions" as const,
      provider: "practice",
      issuedAt: new Date(),
      spent: { digest: "00", expiresAt: new Date() },
      over: undefined,
      auditId: "",
      context: {},
    };
    const bySession = { ...notice, subject: undefined, sid: "one" };
    const locks = [lockNamed(notice), lockNamed(bySession), ...lockIdentity({ issuer: "i", subject: "s" })];
    for (const lock of locks) {
      if (!("key" in lock)) continue;
      const [, plan] = await world.database.batch([sql`set local enable_seqscan = off`, sql`explain ${lock.key!}`]);
      expect(JSON.stringify(plan)).toContain("cred_oidc");
      expect(JSON.stringify(plan)).not.toContain("Seq Scan on cred");
      expect(JSON.stringify(plan)).not.toContain("Seq Scan on provider_session");
    }
  });

  test("a session that was refreshed since, or stepped up, is as old as its sign-in", async () => {
    const identity = freshIdentity();
    const first = await signIn(identity);
    await world.rows(sql`
      update ses set created_at = created_at - interval '1 hour' where id = ${uuidFor("ses", first.session.id)}::uuid`);
    const refreshed = await world.auth.sessions.refresh({ token: first.token, transport: "cookie" });
    await heed(about(identity, { issuedAt: now() - 1_800 }));
    expect(await lives(refreshed)).toBe(false);
  });

  test("a step-up at another provider leaves the session of the first one its name", async () => {
    const other = "https://other.example";
    const providers = [practiceProvider(), practiceProvider("other", [other])];
    const auth = world.isolate({ federation: { providers } });
    const sid = `first-${++count}`;
    const identity = freshIdentity({ sid });
    const second = freshIdentity({ issuer: other, sid: `second-${count}` });
    const begun = await signIn(identity);
    const actor = await actorOf(begun);
    const finish = async (purpose: "link" | "step_up") => {
      const started = await auth.federation.start({ provider: "other", purpose, actor });
      const asked = { provider: "other", attempt: started.attempt, answer: answerOf(started, second), actor };
      return purpose === "link" ? await auth.federation.finishLink(asked) : await auth.federation.finishStepUp(asked);
    };
    await finish("link");
    const stepped = (await finish("step_up")) as { token: string };
    await heed(about(identity, { sid }), auth);
    expect(await lives(stepped)).toBe(false);
  });

  test("a second factor here does not loosen the session from the one there", async () => {
    const [phone, laptop] = [`phone-${++count}`, `laptop-${count}`];
    const identity = freshIdentity({ sid: phone });
    const first = await signIn(identity);
    const { app } = await addApp(world, { ...first, actor: await actorOf(first), transport: "cookie" } as never);
    const signInWithCode = async (sid: string, code: string) => {
      const half = await signInWith(world.auth, { ...identity, sid }, { context: { address: freshAddress() } });
      if ("linkingRequired" in half || !half.mfaRequired) throw new Error("No ticket was made.");
      const proof = { type: "totp", code } as const;
      return await world.auth.signIn.factor({ ticket: half.ticket, transport: "cookie", proof });
    };
    const [onPhone, onLaptop] = [
      await signInWithCode(phone, await app.code()),
      await signInWithCode(laptop, await app.code(1)),
    ];
    await heed(about(identity, { sid: phone }));
    expect([await lives(onPhone), await lives(onLaptop)]).toEqual([false, true]);
  });

  test("a sign-in that is on its way when its session there ends comes too late", async () => {
    const identity = freshIdentity({ sid: `late-${++count}` });
    const started = await world.auth.federation.start({ provider: "practice" });
    await heed(about(identity, { sid: identity.sid }));
    const { attempt } = started;
    const finish = (proved: ProvedIdentity) =>
      world.auth.federation.finish({ provider: "practice", attempt, answer: answerOf(started, proved) });
    await expect(finish(identity)).rejects.toMatchObject({ details: { reason: "used" } });
    expect(await signIn({ ...identity, sid: `${identity.sid}-new` })).toMatchObject({ mfaRequired: false });
    // Whoever began before has had ten minutes. An issuer may use the name of a session again.
    await world.rows(sql`
      update spent_challenge set expires_at = sallyport_now() - interval '1 second' where expires_at > sallyport_now()`);
    expect(await signIn(identity)).toMatchObject({ mfaRequired: false });
  });

  test("a message counts once", async () => {
    const identity = freshIdentity();
    await signIn(identity);
    const notice = about(identity);
    await heed(notice);
    const later = await signIn(identity);
    await expect(heed({ ...notice, issuedAt: now() + 30 })).rejects.toMatchObject({
      code: "invalid_format.notice",
      details: { reason: "used" },
    });
    expect(await lives(later)).toBe(true);
  });

  test("what is newer than the message stays", async () => {
    const identity = freshIdentity();
    const first = await signIn(identity);
    await heed(about(identity, { issuedAt: now() - 300, ends: "identity" }));
    expect(await lives(first)).toBe(true);
    expect((await signIn(identity)).user.id).toBe(first.user.id);
  });

  test("an identity that two merges moved is as old as before: the notice of its end, sent before them, ends it", async () => {
    const identity = freshIdentity();
    const first = await signIn(identity);
    await world.rows(sql`update cred set created_at = created_at - interval '10 minutes'
      where oidc_subject = ${identity.subject}`);
    const [middle, kept] = [await signIn(freshIdentity()), await signIn(freshIdentity())];
    await world.auth.merging.merge({ actor: await actorOf(first), into: await actorOf(middle) });
    const moved = await signIn(identity);
    expect(moved.user.id).toBe(middle.user.id);
    await world.auth.merging.merge({ actor: await actorOf(moved), into: await actorOf(kept) });
    await heed(about(identity, { issuedAt: now() - 300, ends: "identity" }));
    const { data } = await world.auth.federation.list({ actor: system, userId: kept.user.id });
    expect(data.filter(({ status }) => status === "active")).toHaveLength(2);
    expect(await lives(kept)).toBe(true);
  });

  test("after its end it counts no more", async () => {
    const identity = freshIdentity();
    const first = await signIn(identity);
    expect(await outcome(heed(about(identity, { expiresAt: now() - 1 })))).toBe("invalid_format.notice");
    expect(await lives(first)).toBe(true);
  });

  test("an identity whose account there is gone ends, with everything that began with it", async () => {
    const identity = freshIdentity();
    const first = await signIn(identity);
    await heed(about(identity, { ends: "identity" }));
    expect(await lives(first)).toBe(false);
    const rows = await world.rows(
      sql<{ status: string }>`select status from cred where oidc_subject = ${identity.subject}`,
    );
    expect(rows).toEqual([{ status: "revoked" }]);
  });

  test.each([
    ["another issuer", { issuer: "https://evil.example" }],
    ["neither subject nor session", { subject: undefined }],
  ])("%s: refused", async (_what, more) => {
    expect(await outcome(heed(about(freshIdentity(), more)))).toBe("invalid_format.notice");
  });

  test("about a user whom no account knows, and about nothing of ours: heeded", async () => {
    expect(await outcome(heed(about(freshIdentity())))).toBe("done");
    expect(await outcome(heed(about(freshIdentity(), { ends: "nothing" })))).toBe("done");
  });

  test("a provider that sends none, and one that is not in the list", async () => {
    const { readNotice: _, ...silent } = practiceProvider();
    const auth = world.isolate({ federation: { providers: [silent] } });
    expect(await outcome(heed(about(freshIdentity()), auth))).toBe("not_found");
    expect(await outcome(world.auth.federation.heed({ provider: "nowhere", token: "x" }))).toBe("not_found");
  });

  describe("the names of sessions", () => {
    test.each(["", "a".repeat(256), "line\nend", "é"])("%j is not kept, and the sign-in works", async (sid) => {
      const identity = freshIdentity({ sid });
      const session = await signIn(identity);
      const rows = await world.rows(sql`
          select from provider_session where cred_id = (select id from cred where oidc_subject = ${identity.subject})`);
      expect([await lives(session), rows.length]).toEqual([true, 0]);
    });

    test("are purged once no session can have them", async () => {
      const identity = freshIdentity({ sid: "purged" });
      await signIn(identity);
      const rows = () =>
        world.rows(sql`
          select from provider_session where cred_id = (select id from cred where oidc_subject = ${identity.subject})`);
      await world.auth.purge();
      expect((await rows()).length).toBe(1);
      await world.rows(sql`
          update provider_session set expires_at = sallyport_now() - interval '1 second'
          where cred_id = (select id from cred where oidc_subject = ${identity.subject})`);
      await world.auth.purge();
      expect((await rows()).length).toBe(0);
    });
  });
});
