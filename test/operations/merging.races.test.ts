import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { keepTokens } from "../../src/operations/provider-tokens.ts";
import type { Database } from "../../src/store/sql.ts";
import { sql } from "../../src/store/sql.ts";
import {
  type FullAuth,
  freshAddress,
  otherPassword,
  outcome,
  type Person,
  sealingKey,
  system,
  tally,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { answerOf, freshIdentity, practiceProvider, signInWith } from "../support/practice-provider.ts";
import { untilItLeaks, withoutAnyLock } from "../support/races.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

const roomy = { on: ["postgres"] as const, timeoutMilliseconds: 60_000 };

describeWorld("OC49: racing merges", roomy, (world) => {
  const merge = (auth: FullAuth, { actor }: Person, { actor: into }: Person) =>
    outcome(auth.merging.merge({ actor, into }));
  const idOf = ({ userId }: Person) => uuidFor("usr", userId);
  const statuses = async (...people: Person[]) =>
    (
      await world.rows(sql<{ status: string }>`
        select status from usr where id = any(${people.map(idOf)}::uuid[]) order by status`)
    ).map(({ status }) => status);

  test("two accounts into each other, 40 rounds: one ends, and the other one has every way in", async () => {
    for (let round = 0; round < 40; round++) {
      const [one, two] = [await world.person(), await world.person()];
      const codes = await Promise.all([merge(world.auth, one, two), merge(world.auth, two, one)]);
      expect(codes.filter((code) => code === "done")).toHaveLength(1);
      expect(await statuses(one, two)).toEqual(["active", "revoked"]);
      const [left] = await world.rows(sql<{ n: number }>`
        select count(*)::int as n from cred join usr on usr.id = cred.usr_id and usr.status = 'active'
        where usr_id in (${idOf(one)}::uuid, ${idOf(two)}::uuid) and cred.status = 'active'`);
      expect(left).toEqual({ n: 2 });
    }
  });

  test("one account into a hundred others at once: one has it", async () => {
    const person = await world.person();
    const others = await Promise.all(Array.from({ length: 100 }, () => world.person()));
    const codes = await Promise.all(others.map((other) => merge(world.auth, person, other)));
    expect(tally(codes)).toEqual({ done: 1, "unauthorized.invalid_token": 99 });
  });

  test("an account whose kept one is being closed: never both", async () => {
    for (let round = 0; round < 20; round++) {
      const [person, kept] = [await world.person(), await world.person()];
      const { actor, userId } = kept;
      const close = () => outcome(world.auth.users.revokeOwn({ actor, userId, currentPassword: kept.password }));
      const codes = await Promise.all([merge(world.auth, person, kept), close()]);
      // If the merge came first, the closing has ended what it brought.
      if (codes[0] !== "done") expect(await statuses(person, kept)).toEqual(["active", "revoked"]);
      const [left] = await world.rows(sql<{ n: number }>`
        select count(*)::int as n from cred where usr_id = ${idOf(kept)}::uuid and status <> 'revoked'`);
      expect(left).toEqual({ n: codes[1] === "done" ? 0 : 2 });
    }
  });

  /** Merges while a refresh of the account's tokens is stored. Returns the access token that the kept account has, and what is owed. */
  const refreshed = async (database?: Database) => {
    const kept = await world.person();
    const tokens = { access_token: "old", refresh_token: crypto.randomUUID(), expires_at: 1 };
    let merging: Promise<string> | undefined;
    const refresh = async () => {
      merging ??= new Promise((resolve) => setTimeout(resolve, Math.random() * 8)).then(() => merge(auth, user, kept));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 12));
      return { access_token: "late", refresh_token: "late-refresh", expires_at: 4e9 };
    };
    const providers = [{ ...practiceProvider(), refresh }];
    const federation = { providers, keepTokens: keepTokens({ sealingKeys: sealingKey }) };
    const auth = world.isolate({ federation, ...(database && { database }) });
    const identity = freshIdentity({ tokens });
    const done = await signInWith(auth, identity, { context: { address: freshAddress() } });
    if (!("session" in done)) throw new Error("No session was made.");
    const { actor } = await auth.sessions.verify({ token: done.token, transport: "cookie" });
    const user = { actor, userId: done.session.userId } as Person;
    const asked = { actor: system, provider: "practice" };
    await outcome(auth.federation.accessToken({ ...asked, userId: user.userId }));
    expect(await merging).toBe("done");
    const [row] = await world.rows(sql<{ n: number; owed: number }>`
      select (select count(*)::int from provider_token t join cred on cred.id = t.cred_id
          where cred.usr_id = ${idOf(kept)}::uuid and t.expires_at > sallyport_now()) as n,
        (select count(*)::int from provider_revocation where subject = ${identity.subject}) as owed`);
    return row!;
  };

  test("OC46: merges × refreshed tokens, 40 rounds: the kept account has the new ones, and nothing is owed", async () => {
    for (let round = 0; round < 40; round++) expect(await refreshed()).toEqual({ n: 1, owed: 0 });
  });

  test("OC46: without the locks, new tokens are lost", async () => {
    const database = rewritingDatabase(world.database, withoutAnyLock);
    await untilItLeaks(300, async () => ((await refreshed(database)).n === 1 ? 0 : 1));
  });

  /** Merges while the account that ends gets sessions and an identity. Returns what is left of it. */
  const raced = async (auth: FullAuth): Promise<number> => {
    const [person, kept] = [await world.person(), await world.person({ password: otherPassword })];
    const { actor, identifier, password } = person;
    const started = await auth.federation.start({ provider: "practice", purpose: "link", actor });
    const { attempt } = started;
    const answer = answerOf(started, freshIdentity());
    const acts = [
      () => merge(auth, person, kept),
      () => outcome(auth.federation.finishLink({ provider: "practice", attempt, answer, actor })),
      () => outcome(auth.signIn.password({ identifier, password, context: { address: freshAddress() } })),
    ];
    await Promise.all((idOf(person).charCodeAt(35) % 2 ? acts : acts.toReversed()).map((act) => act()));
    const [left] = await world.rows(sql<{ n: number }>`
      select ((select count(*) from cred where usr_id = ${idOf(person)}::uuid and status <> 'revoked')
        + (select count(*) from ses where usr_id = ${idOf(person)}::uuid and revoked_at is null))::int as n
      from usr where id = ${idOf(person)}::uuid and status = 'revoked'`);
    return left?.n ?? 0;
  };

  test("S16: merges × new identities and sessions, 60 rounds: nothing active is left", async () => {
    for (let round = 0; round < 60; round++) expect(await raced(world.auth)).toBe(0);
  });

  test("S16: without the locks, something is left", async () => {
    const database = rewritingDatabase(world.database, withoutAnyLock);
    await untilItLeaks(400, () => raced(world.isolate({ database })));
    expect(database.rewritten).toBeGreaterThan(0);
  });
});
