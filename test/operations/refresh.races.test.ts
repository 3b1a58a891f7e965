/** Slow: a thousand concurrent callers, and hundreds of rounds of two racing callers. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import type { FullAuth as Auth } from "../support/auth.ts";
import {
  goodPassword,
  openAuth,
  otherPassword,
  outcome,
  type Person,
  system,
  tally,
  type World,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { untilItLeaks, withoutEarlierLock } from "../support/races.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

const ended = "unauthorized.session_expired";
/** Races take long on a slow machine, and count many attempts at one account. */
const roomy = { timeoutMilliseconds: 60_000, auth: { limits: { account: { attempts: 100, windowSeconds: 60 } } } };

describe.each([
  { name: "postgres", callers: 1_000 },
  { name: "postgres-over-neon", callers: 300 },
] as const)("T01, F04: $callers refreshes of one token at once, $name", ({ name, callers }) => {
  let here: World;
  beforeAll(async () => {
    // The widest window, because a slow machine needs more than ten seconds for all of them.
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

describeWorld("racing refreshes", { on: ["postgres"], ...roomy }, (world) => {
  const verify = (token: string) => outcome(world.auth.sessions.verify({ token, transport: "token" }));

  test("T01: planted fault, no lock: makes more than one successor", async () => {
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
    /** A family whose first token was refreshed longer ago than the window, and its live token. */
    async function oldFamily(): Promise<{ person: Person; live: string }> {
      const person = await world.person();
      const { token: live } = await world.auth.sessions.refresh({ token: person.token, transport: "token" });
      await world.rows(sql`
      update ses set created_at = created_at - interval '1 minute', revoked_at = revoked_at - interval '11 seconds'
      where id = ${uuidFor("ses", person.session.id)}::uuid`);
      return { person, live };
    }
    const refresh = (token: string, auth = world.auth) => outcome(auth.sessions.refresh({ token, transport: "token" }));

    test("200 uses of the stolen token at once: the family ends once, with one event", async () => {
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

    test("reuse × refresh of the live token, 150 rounds: no session is left", async () => {
      for (let round = 0; round < 150; round++) {
        const { person, live } = await oldFamily();
        const acts = [() => refresh(person.token), () => refresh(live)];
        await Promise.all((round % 2 ? acts : acts.toReversed()).map((act) => act()));
        expect(await world.liveSessions(person.userId)).toBe(0);
      }
    });

    test("planted fault, no lock: the attacker or the owner stays signed in", async () => {
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

  describe("T02, B18: refresh × an operation that ends the session", () => {
    interface Row {
      case: string;
      end: (auth: Auth, victim: Person, owner: Person) => Promise<unknown>;
      /** How many of the user's other sessions live on. */
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
      // A round in which the ending operation itself failed proves nothing.
      return codes[1] === "done" ? (await world.liveSessions(owner.userId)) - left : Number.NaN;
    }

    test.each(rows)("$case, 40 rounds: no session of the victim stays alive", async (row) => {
      for (let turn = 0; turn < 40; turn++) expect(await round(row, world.auth, turn)).toBe(0);
    });

    test.each(rows.filter((row) => ["revoke", "sign-out", "revokeOthers", "suspension"].includes(row.case)))(
      "$case: planted fault, no lock: leaves a live session",
      async (row) => {
        const auth = world.isolate({ database: rewritingDatabase(world.database, withoutEarlierLock) });
        let turn = 0;
        await untilItLeaks(400, () => round(row, auth, turn++));
      },
    );
  });
});
