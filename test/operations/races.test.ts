import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { postgres } from "../../src/store/drivers/postgres.ts";
import { type Statement, sql } from "../../src/store/sql.ts";
import type { FullAuth as Auth } from "../support/auth.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  openAuth,
  otherPassword,
  outcome,
  type Person,
  quickHasher,
  system,
  tally,
  type World,
} from "../support/auth.ts";
import { deadlocksDuring } from "../support/deadlocks.ts";
import { givenPasskey } from "../support/factors.ts";
import { holdLock } from "../support/held-lock.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

const ended = "unauthorized.session_expired";
const invalid = "unauthorized.invalid_credential";
const noTicket = "unauthorized.invalid_ticket";

/** The lock that every ending operation takes in an earlier statement of its batch. */
const isUserLock = (text: string): boolean => /^select id from usr where id in .* for no key update$/s.test(text);
const withoutEarlierLock = (text: string): string | undefined => (isUserLock(text) ? undefined : text);
/** What adds something under a user takes both, the second where it is not part of a batch (S16). */
const withoutAnyLock = (text: string): string | undefined =>
  isUserLock(text) ? undefined : text.replace(/\s+for share of u, c/, "");

let world: World;
beforeAll(async () => {
  world = await openAuth("postgres", {
    timeoutMilliseconds: 60_000,
    auth: { limits: { account: { attempts: 100, windowSeconds: 60 } } },
  });
});
afterAll(() => world.close());

const count = async (statement: Statement<{ n: number }>): Promise<number> => (await world.rows(statement))[0]!.n;
const verify = (token: string) => outcome(world.auth.sessions.verify({ token, transport: "token" }));
const signIn = (auth: Auth, { identifier, password }: Pick<Person, "identifier" | "password">) =>
  auth.signIn.password({ identifier, password, context: { address: freshAddress() } });
const suspend = (auth: Auth, { userId }: Person) => auth.users.suspend({ actor: system, userId });

/** Puts a user that was suspended back by hand, and counts what lives. */
async function livingAfterReinstatement({ userId }: Person): Promise<number> {
  await world.rows(sql`update usr set status = 'active' where id = ${uuidFor("usr", userId)}::uuid`);
  return (await world.liveSessions(userId)) + (await world.tickets(userId));
}

/** Runs rounds of a twin until one gives a number above 0: it leaks. @throws {Error} If it does not: then the race proves nothing about the real one. */
async function untilItLeaks(rounds: number, round: () => Promise<number>): Promise<void> {
  for (let number = 0; number < rounds; number++) if ((await round()) > 0) return; // Not for NaN, either.
  throw new Error(`The twin has not leaked in ${rounds} rounds.`);
}

describe.each([
  { name: "postgres", callers: 1_000 },
  { name: "postgres-over-neon", callers: 300 },
] as const)("T01, F04: $callers refreshes of one token at once, $name", ({ name, callers }) => {
  let here: World;
  beforeAll(async () => {
    // The widest window, since a slow machine takes more than ten seconds for them all.
    here = await openAuth(name, { timeoutMilliseconds: 60_000, auth: { lifetimes: { retrySeconds: 30 } } });
  });
  afterAll(() => here.close());

  test("exactly one successor, which every caller gets", async () => {
    const { auth } = here;
    const person = await here.person();
    const isolates = Array.from({ length: 10 }, () => here.isolate());
    const answers = await Promise.all(
      Array.from({ length: callers }, (_, index) =>
        isolates[index % 10]!.sessions.refresh({ token: person.token, transport: "token" }),
      ),
    );
    expect(new Set(answers.map(({ token }) => token)).size).toBe(1);
    expect(new Set(answers.map(({ session }) => session.id)).size).toBe(1);
    expect(await here.liveSessions(person.userId)).toBe(1);
    const [row] = await here.rows<{ n: number }>(sql`
      select count(*)::int as n from ses where usr_id = ${uuidFor("usr", person.userId)}::uuid`);
    expect(row!.n).toBe(2);
    expect(await here.events({ target: person.session.id })).toHaveLength(1);
    expect(await outcome(auth.sessions.verify({ token: answers[0]!.token, transport: "token" }))).toBe("done");
  });
});

test("T01: the twin without the lock makes more than one successor", async () => {
  const database = rewritingDatabase(world.database, withoutEarlierLock);
  const auth = world.isolate({ database });
  await untilItLeaks(50, async () => {
    const person = await world.person();
    await Promise.all(
      Array.from({ length: 20 }, () =>
        outcome(auth.sessions.refresh({ token: person.token, transport: "token" })).catch(() => "failed"),
      ),
    );
    return (await world.liveSessions(person.userId)) - 1;
  });
  expect(database.rewritten).toBeGreaterThan(0);
});

describe("T02: reuse of a refreshed token", () => {
  /** A family whose first token was refreshed longer ago than the window, and the live one. */
  async function oldFamily(): Promise<{ person: Person; live: string }> {
    const person = await world.person();
    const { token: live } = await world.auth.sessions.refresh({ token: person.token, transport: "token" });
    await world.rows(sql`
      update ses set created_at = created_at - interval '1 minute', revoked_at = revoked_at - interval '11 seconds'
      where id = ${uuidFor("ses", person.session.id)}::uuid`);
    return { person, live };
  }
  const refresh = (token: string, auth = world.auth) => outcome(auth.sessions.refresh({ token, transport: "token" }));

  test("200 thieves at once: the family ends once, with one event", async () => {
    const { person, live } = await oldFamily();
    const codes = await Promise.all(Array.from({ length: 200 }, () => refresh(person.token)));
    expect(tally(codes)).toEqual({ [ended]: 200 });
    expect(await verify(live)).toBe(ended);
    const events = await world.events({ target: person.session.id, action: "identity.session.refresh" });
    expect(events.map(({ outcome, metadata }) => [outcome, metadata.ended])).toEqual([
      ["success", undefined],
      ["denied", 1],
    ]);
  });

  test("reuse × refresh of the live one, 150 rounds: nothing is left", async () => {
    for (let round = 0; round < 150; round++) {
      const { person, live } = await oldFamily();
      const acts = [() => refresh(person.token), () => refresh(live)];
      await Promise.all((round % 2 ? acts : acts.toReversed()).map((act) => act()));
      expect(await world.liveSessions(person.userId)).toBe(0);
    }
  });

  test("the twin without the lock leaves a thief or an owner in", async () => {
    const auth = world.isolate({ database: rewritingDatabase(world.database, withoutEarlierLock) });
    await untilItLeaks(300, async () => {
      const { person, live } = await oldFamily();
      const [, reuse] = await Promise.all(
        [refresh(live, auth), refresh(person.token, auth)].map((act) => act.catch(() => "failed")),
      );
      if (reuse !== ended) return 0;
      return await world.liveSessions(person.userId);
    });
  });
});

describe("T02, B18: refresh against whatever ends a session", () => {
  interface Row {
    case: string;
    end: (auth: Auth, victim: Person, owner: Person) => Promise<unknown>;
    /** What else of the user lives on. */
    left: number;
  }
  const rows: readonly Row[] = [
    {
      case: "revoke",
      end: (auth, { session }, { actor }) => auth.sessions.revoke({ actor, sessionId: session.id }),
      left: 1,
    },
    { case: "sign-out", end: (auth, { token }) => auth.sessions.signOut({ token, transport: "token" }), left: 1 },
    { case: "revokeOthers", end: (auth, _victim, { actor }) => auth.sessions.revokeOthers({ actor }), left: 1 },
    {
      case: "change of password",
      end: (auth, _victim, { actor }) =>
        auth.changePassword({ actor, currentPassword: goodPassword, newPassword: otherPassword, transport: "token" }),
      left: 1,
    },
    {
      case: "rotatePassword",
      end: (auth, { credentialId }) =>
        auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword }),
      left: 0,
    },
    {
      case: "suspension of the credential",
      end: (auth, { credentialId }) => auth.credentials.suspend({ actor: system, credentialId }),
      left: 0,
    },
    {
      case: "revocation of the credential",
      end: (auth, { credentialId }) => auth.credentials.revoke({ actor: system, credentialId }),
      left: 0,
    },
    { case: "suspension", end: (auth, { userId }) => auth.users.suspend({ actor: system, userId }), left: 0 },
    { case: "revocation", end: (auth, { userId }) => auth.users.revoke({ actor: system, userId }), left: 0 },
  ];

  async function round({ end, left }: Row, auth: Auth, turn: number): Promise<number> {
    const owner = await world.person();
    const victim = await world.signIn(owner);
    const refresh = () =>
      outcome(auth.sessions.refresh({ token: victim.token, transport: "token" })).catch(() => "failed");
    const ending = () => outcome(end(auth, victim, owner)).catch(() => "failed");
    const acts = [refresh, ending, refresh];
    const codes = await Promise.all((turn % 2 ? acts : acts.toReversed()).map((act) => act()));
    // A round in which the ending operation itself failed says nothing.
    return codes[1] === "done" ? (await world.liveSessions(owner.userId)) - left : Number.NaN;
  }

  test.each(rows)("$case, 40 rounds: nothing of the victim's lives", async (row) => {
    for (let turn = 0; turn < 40; turn++) expect(await round(row, world.auth, turn)).toBe(0);
  });

  test.each(rows.filter((row) => ["revoke", "sign-out", "revokeOthers", "suspension"].includes(row.case)))(
    "$case: the twin without the lock leaves a live one",
    async (row) => {
      const auth = world.isolate({ database: rewritingDatabase(world.database, withoutEarlierLock) });
      let turn = 0;
      await untilItLeaks(400, () => round(row, auth, turn++));
    },
  );
});

describe("T04: 100 sign-ups with one identifier at once", () => {
  test.each(["postgres", "postgres-over-neon"] as const)("%s: one account, and nothing of the others", async (name) => {
    const here = await openAuth(name, {
      timeoutMilliseconds: 60_000,
      auth: { limits: { account: { attempts: 100, windowSeconds: 60 } } },
    });
    const identifier = freshIdentifier();
    const codes = await Promise.all(
      Array.from({ length: 100 }, () =>
        outcome(here.auth.signUp({ identifier, password: goodPassword, context: { address: freshAddress() } })),
      ),
    );
    expect(tally(codes)).toEqual({ done: 1, "conflict.duplicate_credential": 99 });
    const [rows] = await here.rows(sql`
      select (select count(*)::int from usr) as usr, (select count(*)::int from cred) as cred,
        (select count(*)::int from ses) as ses, (select count(*)::int from aud where outcome = 'success') as aud`);
    expect(rows).toEqual({ usr: 1, cred: 1, ses: 1, aud: 1 });
    await here.close();
  });

  test("sign-ups, createPassword and a reinstated credential, 20 rounds: one active credential each time", async () => {
    for (let round = 0; round < 20; round++) {
      const holder = await world.person();
      const { identifier, credentialId } = holder;
      await world.auth.credentials.suspend({ actor: system, credentialId });
      const others = await Promise.all(Array.from({ length: 3 }, () => world.person()));
      const codes = await Promise.all([
        outcome(world.auth.credentials.reinstate({ actor: system, credentialId })),
        ...others.map(({ userId }) =>
          outcome(
            world.auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword }),
          ),
        ),
        ...Array.from({ length: 3 }, () =>
          outcome(world.auth.signUp({ identifier, password: goodPassword, context: { address: freshAddress() } })),
        ),
      ]);
      expect(tally(codes)).toEqual({ done: 1, "conflict.duplicate_credential": 6 });
      const active = sql<{ n: number }>`
        select count(*)::int as n from cred where identifier = ${identifier} and status = 'active'`;
      expect(await count(active)).toBe(1);
    }
    expect(
      await count(sql`select count(*)::int as n from usr where not exists (select from cred where usr_id = usr.id)`),
    ).toBe(0);
  });

  test("the twin in three statements leaves orphans", async () => {
    const identifier = freshIdentifier();
    const before = await count(sql`select count(*)::int as n from usr`);
    const naive = async (): Promise<void> => {
      const taken = await world.rows(sql`select id from cred where identifier = ${identifier} and status = 'active'`);
      if (taken.length > 0) return;
      const [user] = await world.rows<{ id: string }>(
        sql`insert into usr (id) values (gen_random_uuid()) returning id`,
      );
      await world
        .rows(sql`
          insert into cred (id, usr_id, type, identifier, password_hash)
          values (gen_random_uuid(), ${user!.id}::uuid, 'password', ${identifier}, 'x')`)
        .catch(() => undefined);
    };
    await Promise.all(Array.from({ length: 100 }, naive));
    expect((await count(sql`select count(*)::int as n from usr`)) - before).toBeGreaterThan(1);
  });
});

describe("S16: suspension × sign-in", () => {
  const order = ["suspension first", "sign-in first"] as const;
  test.each(order)("%s, by the queue for the user's row", async (first) => {
    const person = await world.person();
    const id = uuidFor("usr", person.userId);
    const held = await holdLock(
      world.backend.connectionString!,
      sql`select id from usr where id = ${id}::uuid for update`,
    );
    const acts = [() => outcome(suspend(world.auth, person)), () => outcome(signIn(world.auth, person))];
    const started: Promise<string>[] = [];
    for (const act of first === "suspension first" ? acts : acts.toReversed()) {
      started.push(act());
      await held.waiting(started.length);
    }
    await held.release();
    const codes = await Promise.all(started);
    expect(codes).toEqual(first === "suspension first" ? ["done", invalid] : ["done", "done"]);
    expect(await livingAfterReinstatement(person)).toBe(0);
  });

  async function round(auths: { signIn: Auth; suspend: Auth }, turn: number): Promise<number> {
    const person = await world.person();
    const acts = [
      ...Array.from({ length: 4 }, () => () => outcome(signIn(auths.signIn, person))),
      () => outcome(suspend(auths.suspend, person)),
      ...Array.from(
        { length: 4 },
        () => () => outcome(auths.signIn.verifyPassword({ ...person, context: { address: freshAddress() } })),
      ),
    ];
    const codes = await Promise.all((turn % 2 ? acts : acts.toReversed()).map((act) => act()));
    expect(codes.filter((code) => code !== "done" && code !== invalid)).toEqual([]);
    return await livingAfterReinstatement(person);
  }

  test("100 rounds of eight sign-ins: a reinstated user has no live session and no ticket", async () => {
    for (let turn = 0; turn < 100; turn++)
      expect(await round({ signIn: world.auth, suspend: world.auth }, turn)).toBe(0);
  });

  test.each([
    { case: "without the lock of the suspension", signIn: (text: string) => text, suspend: withoutEarlierLock },
    { case: "without the locks of the sign-in", signIn: withoutAnyLock, suspend: (text: string) => text },
    { case: "without either", signIn: withoutAnyLock, suspend: withoutEarlierLock },
  ])("the twin $case leaves a live one", async ({ signIn, suspend }) => {
    const databases = [signIn, suspend].map((rewrite) => rewritingDatabase(world.database, rewrite));
    const [first, second] = databases.map((database) => world.isolate({ database }));
    let turn = 0;
    await untilItLeaks(400, () => round({ signIn: first!, suspend: second! }, turn++));
    expect(databases.reduce((sum, { rewritten }) => sum + rewritten, 0)).toBeGreaterThan(0);
  });
});

describe("S16, S47: change of password × sign-in with the old one", () => {
  const change = (auth: Auth, { actor }: Person) =>
    auth.changePassword({ actor, currentPassword: goodPassword, newPassword: otherPassword, transport: "token" });

  test.each(["change first", "sign-in first"] as const)("%s, by the queue for the user's row", async (first) => {
    const person = await world.person();
    const id = uuidFor("usr", person.userId);
    const held = await holdLock(
      world.backend.connectionString!,
      sql`select id from usr where id = ${id}::uuid for update`,
    );
    const acts = [() => outcome(change(world.auth, person)), () => outcome(signIn(world.auth, person))];
    const started: Promise<string>[] = [];
    for (const act of first === "change first" ? acts : acts.toReversed()) {
      started.push(act());
      await held.waiting(started.length);
    }
    await held.release();
    expect(await Promise.all(started)).toEqual(first === "change first" ? ["done", invalid] : ["done", "done"]);
    // Only the session that the change itself has given.
    expect((await world.liveSessions(person.userId)) + (await world.tickets(person.userId))).toBe(1);
  });

  async function round(auths: { signIn: Auth; change: Auth }, turn: number): Promise<number> {
    const person = await world.person();
    const acts = [
      ...Array.from({ length: 4 }, () => () => outcome(signIn(auths.signIn, person))),
      () => outcome(change(auths.change, person)),
      ...Array.from({ length: 4 }, () => () => outcome(signIn(auths.signIn, person))),
    ];
    const codes = await Promise.all((turn % 2 ? acts : acts.toReversed()).map((act) => act()));
    return codes[4] === "done" ? (await world.liveSessions(person.userId)) - 1 : Number.NaN;
  }

  test("60 rounds of eight sign-ins: nothing of the old password lives", async () => {
    for (let turn = 0; turn < 60; turn++) expect(await round({ signIn: world.auth, change: world.auth }, turn)).toBe(0);
  });

  test.each([
    { case: "without the lock of the change", signIn: (text: string) => text, change: withoutEarlierLock },
    { case: "without the locks of the sign-in", signIn: withoutAnyLock, change: (text: string) => text },
  ])("the twin $case leaves a live one", async ({ signIn, change }) => {
    const [first, second] = [signIn, change].map((rewrite) =>
      world.isolate({ database: rewritingDatabase(world.database, rewrite) }),
    );
    let turn = 0;
    await untilItLeaks(400, () => round({ signIn: first!, change: second! }, turn++));
  });

  test("two changes at once: one password, one session, one chain", async () => {
    for (let round = 0; round < 20; round++) {
      const owner = await world.person();
      const other = await world.signIn(owner);
      const codes = await Promise.all([owner, other].map((person) => outcome(change(world.auth, person))));
      expect(codes.toSorted()[0]).toBe("done");
      expect(tally(codes).done).toBe(1);
      expect(await world.liveSessions(owner.userId)).toBe(1);
      const active = sql<{ n: number }>`
        select count(*)::int as n from cred where usr_id = ${uuidFor("usr", owner.userId)}::uuid and status = 'active'`;
      expect(await count(active)).toBe(1);
    }
  });
});

describe("S20, T04: one ticket", () => {
  async function claimOf(person: Person) {
    const { ticket, userId, credentialId } = await world.auth.verifyPassword({
      ...person,
      context: { address: freshAddress() },
    });
    return { ticket, userId, credentialId };
  }

  test("spent by 1,000 callers at once: one session; suspended and reinstated: none", async () => {
    const person = await world.person();
    const claim = await claimOf(person);
    const codes = await Promise.all(Array.from({ length: 1_000 }, () => outcome(world.auth.sessions.create(claim))));
    expect(tally(codes)).toEqual({ done: 1, [noTicket]: 999 });
    expect(await world.liveSessions(person.userId)).toBe(2);
    await suspend(world.auth, person);
    expect(await livingAfterReinstatement(person)).toBe(0);
    expect(await outcome(world.auth.sessions.create(claim))).toBe(noTicket);
  });

  test("the twin that reads before it spends makes several", async () => {
    const person = await world.person();
    const { ticket } = await claimOf(person);
    expect(ticket).toHaveLength(43);
    const id = uuidFor("usr", person.userId);
    const naive = async (): Promise<boolean> => {
      const found = await world.rows(sql`select usr_id from login_ticket where usr_id = ${id}::uuid`);
      await world.rows(sql`delete from login_ticket where usr_id = ${id}::uuid`);
      return found.length > 0;
    };
    const spent = (await Promise.all(Array.from({ length: 100 }, naive))).filter(Boolean).length;
    expect(spent).toBeGreaterThan(1);
  });

  /** Twenty callers spend one ticket while its user is suspended. */
  async function round(create: Auth, suspending: Auth, turn: number): Promise<number> {
    const person = await world.person();
    const claim = await claimOf(person);
    const acts = [
      ...Array.from({ length: 10 }, () => () => outcome(create.sessions.create(claim))),
      () => outcome(suspend(suspending, person)),
      ...Array.from({ length: 10 }, () => () => outcome(create.sessions.create(claim))),
    ];
    const codes = await Promise.all((turn % 2 ? acts : acts.toReversed()).map((act) => act().catch(() => "failed")));
    expect(codes[10]).toBe("done");
    expect(codes.filter((code) => code === "done").length).toBeLessThanOrEqual(2);
    return await livingAfterReinstatement(person);
  }

  test("× suspension, 60 rounds: never a live session afterwards, nor after reinstatement", async () => {
    for (let turn = 0; turn < 60; turn++) expect(await round(world.auth, world.auth, turn)).toBe(0);
  });

  test("the twin whose session takes no lock leaves a live one", async () => {
    const auth = world.isolate({ database: rewritingDatabase(world.database, withoutAnyLock) });
    let turn = 0;
    await untilItLeaks(400, () => round(auth, world.auth, turn++));
  });

  test("the twin whose suspension takes no lock leaves a live one", async () => {
    const auth = world.isolate({ database: rewritingDatabase(world.database, withoutEarlierLock) });
    let turn = 0;
    await untilItLeaks(400, () => round(world.auth, auth, turn++));
  });
});

describe("S16: what is made under a user who is being revoked", () => {
  test("credentials, sessions and administrators, 40 rounds: nothing active is left", async () => {
    for (let turn = 0; turn < 40; turn++) {
      const person = await world.person();
      const { userId } = person;
      await givenPasskey(world, userId);
      const acts = [
        () =>
          outcome(
            world.auth.credentials.createPassword({
              actor: system,
              userId,
              identifier: freshIdentifier(),
              password: otherPassword,
            }),
          ),
        () => outcome(world.auth.users.revoke({ actor: system, userId })),
        () => outcome(signIn(world.auth, person)),
        () => outcome(world.auth.administrators.grant({ actor: system, userId })),
      ];
      const codes = await Promise.all((turn % 2 ? acts : acts.toReversed()).map((act) => act()));
      expect(codes.filter((code) => code.startsWith("unavailable"))).toEqual([]);
      const id = uuidFor("usr", userId);
      const [left] = await world.rows(sql`
        select (select count(*)::int from cred where usr_id = ${id}::uuid and status <> 'revoked') as cred,
          (select count(*)::int from ses where usr_id = ${id}::uuid and revoked_at is null) as ses,
          (select count(*)::int from tup where subject_id = ${id}::uuid) as tup`);
      // The last administrator may not be revoked; then nothing was.
      const isRevoked = (await world.auth.users.get({ actor: system, userId })).status === "revoked";
      if (isRevoked) expect(left).toEqual({ cred: 0, ses: 0, tup: 0 });
      else expect(codes).toContain("conflict.last_administrator");
      await world.rows(sql`delete from tup`);
    }
  });
});

describe("F18: what two of a kind do to each other", () => {
  /** The server looks for a deadlock after this long, so that no slow machine is taken for one. */
  const deadlockMilliseconds = 3_000;
  let pool: pg.Pool;
  beforeAll(() => {
    const options = `-c deadlock_timeout=${deadlockMilliseconds}ms`;
    pool = new pg.Pool({ connectionString: world.backend.connectionString!, max: 40, options });
  });
  afterAll(() => pool.end());

  /** Sign-ins of one user at once, each of which would make the old hash again. Gives how long they took, in milliseconds. */
  async function rehashTogether(callers: number, rewrite: (text: string) => string | undefined): Promise<number> {
    const person = await world.person();
    const hash = sql<{ hash: string }>`
      select password_hash as hash from cred where id = ${uuidFor("cred", person.credentialId)}::uuid`;
    const [old] = await world.rows(hash);
    const auth = world.isolate({
      passwordHasher: { ...quickHasher(), needsRehash: (phc) => phc === old!.hash },
      database: rewritingDatabase(postgres(pool, { timeoutMilliseconds: 60_000 }), rewrite),
    });
    const started = performance.now();
    const codes = await Promise.all(
      Array.from({ length: callers }, () => outcome(signIn(auth, person)).catch(() => "failed")),
    );
    const milliseconds = performance.now() - started;
    expect(tally(codes).done).toBeGreaterThan(0);
    expect((await world.rows(hash))[0]!.hash).not.toBe(old!.hash);
    return milliseconds;
  }

  test("40 sign-ins that make an old hash again: none waits for a deadlock to be found", async () => {
    expect(await rehashTogether(40, (text) => text)).toBeLessThan(deadlockMilliseconds);
  });

  test("the twin that only shares the credential does", async () => {
    const shared = (text: string) =>
      isUserLock(text) ? undefined : text.replace("for share of u for no key update of c", "for share of u, c");
    await untilItLeaks(50, async () => (await rehashTogether(4, shared)) - deadlockMilliseconds);
  });

  test("purges among sign-ins and changes of the same people: no deadlock", async () => {
    const apart = await openAuth("postgres", { timeoutMilliseconds: 30_000 });
    const people = await Promise.all(Array.from({ length: 6 }, () => apart.person()));
    const deadlocks = await deadlocksDuring(apart, async (database) => {
      const auth = apart.isolate({ database });
      for (let round = 0; round < 10; round++) {
        for (const person of people) await auth.verifyPassword({ ...person, context: { address: freshAddress() } });
        await apart.rows(sql`update login_ticket set expires_at = sallyport_now() - interval '1 second'`);
        const codes = await Promise.all([
          ...people.map((person) => outcome(signIn(auth, person))),
          ...people.map(({ userId }) => outcome(auth.users.update({ actor: system, userId, displayName: `${round}` }))),
          ...people.map((person) => outcome(auth.sessions.revokeOthers({ actor: person.actor }))),
          ...Array.from({ length: 4 }, () => outcome(auth.purge())),
        ]);
        expect(tally(codes)).toEqual({ done: 22 });
      }
    });
    expect(deadlocks).toBe(0);
    await apart.close();
  });
});

describe("S17: what expires while a batch waits for a lock", () => {
  /** Waits at the user's row until the end has passed by the database's own clock, and then goes on. */
  async function actTooLate(here: World, person: Person, act: () => Promise<unknown>): Promise<string> {
    const id = uuidFor("usr", person.userId);
    const held = await holdLock(
      here.backend.connectionString!,
      sql`select id from usr where id = ${id}::uuid for update`,
    );
    const [end] = await here.rows<{ at: string }>(
      sql`select (clock_timestamp() + interval '400 milliseconds')::text as at`,
    );
    await here.rows(sql`update login_ticket set expires_at = ${end!.at}::timestamptz where usr_id = ${id}::uuid`);
    await here.rows(sql`update ses set expires_at = ${end!.at}::timestamptz where usr_id = ${id}::uuid`);
    const started = outcome(act());
    await held.waiting(1);
    for (;;) {
      const [now] = await here.rows<{ over: boolean }>(sql`select clock_timestamp() > ${end!.at}::timestamptz as over`);
      if (now!.over) break;
    }
    await held.release();
    return await started;
  }

  const cases: { case: string; code: string; act: (here: World, person: Person) => Promise<() => Promise<unknown>> }[] =
    [
      {
        case: "a ticket",
        code: noTicket,
        act: async ({ auth }, person) => {
          const { ticket, userId, credentialId } = await auth.verifyPassword(person);
          return () => auth.sessions.create({ ticket, userId, credentialId });
        },
      },
      {
        case: "a session that is refreshed",
        code: ended,
        act:
          async ({ auth }, { token }) =>
          () =>
            auth.sessions.refresh({ token, transport: "token" }),
      },
      {
        case: "the session of somebody who acts",
        code: "unauthorized.invalid_token",
        act:
          async ({ auth }, { actor, userId }) =>
          () =>
            auth.users.update({ actor, userId, displayName: "late" }),
      },
    ];

  test.each(cases)("$case: refused", async ({ code, act }) => {
    const person = await world.person();
    expect(await actTooLate(world, person, await act(world, person))).toBe(code);
  });

  test("the twin whose clock is the transaction's accepts all of them", async () => {
    const twin = await openAuth("postgres", { timeoutMilliseconds: 60_000 });
    await twin.rows(sql`
      create or replace function sallyport_now() returns timestamptz language sql stable parallel safe return now()`);
    for (const { act } of cases) {
      // A round in which this machine was too slow to begin in time says nothing.
      await untilItLeaks(10, async () => {
        const person = await twin.person();
        return (await actTooLate(twin, person, await act(twin, person))) === "done" ? 1 : 0;
      });
    }
    await twin.close();
  });
});
