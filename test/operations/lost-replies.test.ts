/** Slow: every write loses its reply in every way, on one of two databases. @module */
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fromBase64Url } from "../../src/crypto/bytes.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import {
  type FullAuth,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  refusal,
  system,
  tally,
} from "../support/auth.ts";
import { type Authenticator, newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { registrationBy } from "../support/factors.ts";
import { type Fault, type FaultyDatabase, faultyDatabase } from "../support/faulty-database.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";
import { purgesBesideSignIns } from "../support/purges.ts";
import { operationNames } from "../support/recorded-operations.ts";
import { shareOf } from "../support/shared-out.ts";
import { others, prepareWrite, reads, writes } from "./writes/every-write.ts";
import { context, opens, type Write, withApp } from "./writes/write.ts";

const token = "token" as const;
const unavailable = "unavailable.database";

const databases = ["pglite", "postgres"] as const;
const ways = ["before", "after", "late"] as const;

describeWorld("F01, F02, T05: replies lost at the port", { on: databases }, (world, _auth, name) => {
  const { withPasskey } = usersWithPasskeys(world);
  const idOf = ({ credentialId }: Authenticator) => fromBase64Url(credentialId)!;

  let faulty: FaultyDatabase;
  let auth: FullAuth;
  beforeAll(() => {
    faulty = faultyDatabase(world.database);
    auth = world.isolate({ database: faulty });
  });
  beforeEach(() => faulty.reset());

  /** This database's share of the writes and the ways in which they fail. Each write and each way is tested on both. */
  const share = <Way extends string>(chosen: readonly Write[], ways: readonly Way[]) =>
    shareOf(name, databases, chosen, ways).map(([write, fault]) => ({ ...write, fault }));

  describe("the changing request fails", () => {
    test.each(share(writes, ways))("$fault: $name: happens once, and the caller gets its answer", async (item) => {
      const { fault, ...write } = item;
      const { person, prepared, happened } = await prepareWrite(world, write);
      faulty.reset([...Array<undefined>(write.requests - 1).fill(undefined), fault]);
      const result = await write.act(auth, person, prepared);
      faulty.reset();
      expect(await happened(write.action)).toBe(1);
      await write.check?.(world, result as never, person);
    });
  });

  test.each(ways)("S46: the request also purges, and fails: %s", async (fault) => {
    const write = writes.find(({ name }) => name === "federation.finish")!;
    const { person, prepared, happened } = await prepareWrite(world, write);
    purgesBesideSignIns(true);
    faulty.reset([fault]);
    const result = await write.act(auth, person, prepared);
    faulty.reset();
    expect(await happened(write.action)).toBe(1);
    await write.check?.(world, result as never, person);
  });

  describe("the answer that is read after a lost reply is the lost one", () => {
    // Signing out runs again instead, and its answer is empty.
    const answering = writes.filter(({ name }) => name !== "sessions.signOut");
    test.each(share(answering, ["after"]))("$name", async ({ fault, ...write }) => {
      // Another user has rows of the same kinds.
      await prepareWrite(world, write);
      const { person, prepared } = await prepareWrite(world, write);
      purgesBesideSignIns(false);
      faulty.reset([...Array<undefined>(write.requests - 1).fill(undefined), fault]);
      await write.act(auth, person, prepared);
      const [lost, read] = faulty.rows.slice(write.requests - 1);
      expect(lost).not.toEqual([]);
      expect(read).toEqual(lost!.map((row) => expect.objectContaining(row as object)));
    });
  });

  describe("the network stays down afterwards: 503, and the change happened never or once", () => {
    test.each(share(writes, ["before", "after"]))("$name, $fault", async ({ fault, ...write }) => {
      const { person, prepared, happened } = await prepareWrite(world, write);
      faulty.reset((request) =>
        request < write.requests - 1 ? undefined : request === write.requests - 1 ? fault : "before",
      );
      const { code, status, retryAfterSeconds } = await refusal(write.act(auth, person, prepared));
      faulty.reset();
      expect([code, status, retryAfterSeconds]).toEqual([unavailable, 503, 1]);
      // If it may simply run again (sign-out), the second try is lost like the first.
      expect(await happened(write.action)).toBe(fault === "after" ? 1 : 0);
      const repeated = await outcome(write.act(world.auth, person, prepared));
      expect(repeated).toBe(fault === "after" ? write.repeated : "done");
      if (write.repeated !== "done") expect(await happened(write.action)).toBe(1);
    });
  });

  test("each operation is a write or a read, or its failures are tested elsewhere", () => {
    const named = [...writes, ...reads].map(({ name }) => name.split(",")[0]!);
    expect([...new Set([...named, ...Object.keys(others)])].toSorted()).toEqual(operationNames(world.auth).toSorted());
  });

  describe("S68: a reservation whose reply was lost is repeated, and counted once", () => {
    /** Everything that is counted, for every counter and ticket. */
    const counted = async (): Promise<number> => {
      const [row] = await world.rows<{ n: number }>(sql`
        select ((select coalesce(sum(count), 0) from attempt)
          + (select coalesce(sum(attempts), 0) from login_ticket))::int as n`);
      return row!.n;
    };

    // A lost lease keeps all callers away for ten minutes: organization-domains.recheck.test.ts.
    const reserving = writes.filter(({ name, requests }) => requests === 2 && name !== "organizationDomains.recheck");
    test.each(share(reserving, ways))("$name, $fault", async ({ fault, ...write }) => {
      const grown: number[] = [];
      for (const faults of [[], [fault], [fault, "before"], ["before", fault]] as const) {
        const { person, prepared, happened } = await prepareWrite(world, write);
        const before = await counted();
        faulty.reset(faults);
        expect(await outcome(write.act(auth, person, prepared))).toBe("done");
        faulty.reset();
        grown.push((await counted()) - before);
        expect(await happened(write.action)).toBe(1);
      }
      expect(grown).toEqual(Array(4).fill(grown[0]));
    });

    test("a right password whose outcome is unknown stays counted", async () => {
      const person = await world.person();
      const { actor, password } = person;
      const change = { actor, currentPassword: password, newPassword: otherPassword, transport: token } as const;
      // The change and both questions about it are lost. Then the database answers again.
      faulty.reset([undefined, "before", "before", "before"]);
      expect(await outcome(auth.changePassword(change))).toBe(unavailable);
      expect(faulty.requests).toBe(4);
      faulty.reset();
      const bucket = `credential:${uuidFor("cred", person.credentialId)}`;
      expect(await world.rows(sql`select count, streak from attempt where bucket = ${bucket}`)).toEqual([
        { count: 1, streak: 1 },
      ]);
    });

    test("a wrong password is counted once, and refused as without a fault", async () => {
      for (const fault of ways) {
        const { identifier } = await world.person();
        const guess = () => outcome(auth.signIn.password({ identifier, password: otherPassword, context: context() }));
        for (let time = 0; time < 10; time++) {
          faulty.reset([fault]);
          expect(await guess()).toBe("unauthorized.invalid_credential");
        }
        faulty.reset([fault]);
        expect(await guess()).toBe("too_many_requests");
        faulty.reset();
      }
    });

    test("a refused attempt leaves one event, however often it is sent", async () => {
      const { identifier } = await world.person();
      const guess = () => outcome(auth.signIn.password({ identifier, password: otherPassword, context: context() }));
      faulty.reset();
      for (let time = 0; time < 10; time++) await guess();
      const denied = async () => (await world.events({ action: "identity.sign_in.limited" })).length;
      const before = await denied();
      faulty.reset(["after", "after"]);
      expect(await guess()).toBe("too_many_requests");
      faulty.reset();
      expect((await denied()) - before).toBe(1);
    });

    test("a failed sign-in whose event write is lost: refused, and recorded once", async () => {
      for (const fault of ways) {
        const { identifier } = await world.person();
        const known = (await world.events({ action: "identity.sign_in" })).length;
        faulty.reset([undefined, fault]);
        expect(await outcome(auth.signIn.password({ identifier, password: otherPassword, context: context() }))).toBe(
          "unauthorized.invalid_credential",
        );
        faulty.reset();
        expect((await world.events({ action: "identity.sign_in" })).length).toBe(known + 1);
        faulty.reset([undefined, "before", "before", "before"]);
        expect(await outcome(auth.signIn.password({ identifier, password: otherPassword, context: context() }))).toBe(
          unavailable,
        );
        faulty.reset();
      }
    });
  });

  test.each(ways)("S68: securityKeys.enroll, %s: one pending key, and its challenge can be answered", async (fault) => {
    const { actor, userId } = await world.person();
    faulty.reset([fault]);
    const { factor, options } = await auth.securityKeys.enroll({ actor });
    faulty.reset();
    expect((await world.auth.factors.list({ actor, userId })).data.map(({ id }) => id)).toEqual([factor.id]);
    const response = await (await newAuthenticator()).create(options);
    const confirmation = { actor, factorId: factor.id, response, transport: token };
    expect(await outcome(world.auth.securityKeys.confirm(confirmation))).toBe("done");
  });

  test.each(ways)(
    "securityKeys.confirm of another user's key, %s: refused for that reason, and it stays pending",
    async (fault) => {
      const [{ actor }, other, device] = [await world.person(), await world.person(), await newAuthenticator()];
      const theirs = await registrationBy(world, other, device);
      await world.auth.passkeys.register({ actor: other.actor, response: theirs, transport: "token" });
      const { factor, options } = await world.auth.securityKeys.enroll({ actor });
      const response = await device.create(options);
      faulty.reset([fault]);
      const confirmation = { actor, factorId: factor.id, response, transport: token };
      expect(await outcome(auth.securityKeys.confirm(confirmation))).toBe("conflict.duplicate_credential");
      faulty.reset();
      const {
        data: [waiting],
      } = await world.auth.factors.list({ actor, userId: actor.userId! });
      expect([waiting!.id, waiting!.status]).toEqual([factor.id, "pending"]);
    },
  );

  test("a wrong second factor whose event write is lost: refused, and counted once", async () => {
    for (const fault of ways) {
      const { ticket } = await withApp(world, await world.person());
      const attempt = () =>
        outcome(auth.signIn.factor({ ticket, proof: { type: "totp", code: "000000" }, context: context() }));
      const events = async () => (await world.events({ action: "identity.mfa.verify" })).length;
      const known = await events();
      faulty.reset([undefined, fault]);
      expect(await attempt()).toBe("unauthorized.invalid_factor");
      faulty.reset();
      expect(await events()).toBe(known + 1);
      faulty.reset([undefined, "before", "before", "before"]);
      expect(await attempt()).toBe(unavailable);
      faulty.reset();
      // S20: both count among the five attempts of a ticket.
      for (let time = 0; time < 3; time++) expect(await attempt()).toBe("unauthorized.invalid_factor");
      expect(await attempt()).toBe("unauthorized.invalid_ticket");
    }
  });

  test("refresh without a retry window: its own repeat does not count as theft", async () => {
    const strict = world.isolate({ database: faulty, lifetimes: { retrySeconds: 0 } });
    for (const fault of ways) {
      const person = await world.person();
      faulty.reset([fault]);
      const child = await strict.sessions.refresh({ token: person.token, transport: token });
      faulty.reset();
      await opens(world, child);
      expect(await world.liveSessions(person.userId)).toBe(1);
    }
  });

  test("a sign-up whose identifier another user took in the meantime: conflict.duplicate_credential", async () => {
    const { identifier } = await world.person();
    for (const fault of ways) {
      faulty.reset([fault]);
      expect(await outcome(auth.signUp({ identifier, password: goodPassword, context: context() }))).toBe(
        "conflict.duplicate_credential",
      );
      faulty.reset();
    }
  });

  describe("batches", () => {
    test("with the application's own rows: a lost reply is reported, not guessed", async () => {
      await world.rows(sql`create table note (body text unique)`);
      const send = async (faults: readonly (Fault | undefined)[], body: string) => {
        const plan = await auth.users.create.plan({ actor: system });
        faulty.reset(faults);
        const code = await outcome(auth.batch([plan, sql`insert into note values (${body})`]));
        faulty.reset();
        const [row] = await world.rows<{ n: number }>(sql`select count(*)::int as n from note where body = ${body}`);
        const [user] = await world.rows<{ n: number }>(
          sql`select count(*)::int as n from usr where id = ${uuidFor("usr", plan.known.userId)}::uuid`,
        );
        return [code, row!.n, user!.n];
      };
      expect(await send([], "a")).toEqual(["done", 1, 1]);
      expect(await send(["after"], "b")).toEqual(["unavailable.reply_lost", 1, 1]);
      expect(await send(["before"], "c")).toEqual([unavailable, 0, 0]);
      expect(await send(["before", "before"], "d")).toEqual([unavailable, 0, 0]);
    });

    test("with only the application's rows: never repeated", async () => {
      faulty.reset(["before"]);
      expect(await outcome(auth.batch([sql`select 1`]))).toBe(unavailable);
      expect(faulty.requests).toBe(1);
    });

    test("with one plan that finds nothing to do and one that does: neither is repeated", async () => {
      const { userId } = await world.person();
      await world.auth.users.suspend({ actor: system, userId });
      for (const fault of ["before", "after"] as const) {
        const plans = [
          await auth.users.suspend.plan({ actor: system, userId }),
          await auth.users.create.plan({ actor: system }),
        ];
        faulty.reset([fault]);
        expect(await outcome(auth.batch(plans))).toBe(fault === "before" ? "done" : "unavailable.reply_lost");
        faulty.reset();
      }
    });
  });

  test("F01: the application's rows with a plan that finds nothing to do: not written twice", async () => {
    await world.rows(sql`create table if not exists tick (n int not null)`);
    const { userId } = await world.person();
    await world.auth.users.suspend({ actor: system, userId });
    let lost = 1;
    const losing: Database = {
      run: (statement) => world.database.run(statement),
      async batch(statements) {
        const results = await world.database.batch(statements);
        if (lost-- > 0) throw new Error("The reply is lost.");
        return results;
      },
    };
    const auth = world.isolate({ database: losing });
    const plan = await auth.users.suspend.plan({ actor: system, userId });
    const code = await outcome(auth.batch([plan, sql`insert into tick values (1)`]));
    const rows = await world.rows(sql`select n from tick`);
    expect([code, rows.length]).toEqual(["unavailable.database", 1]);
    await world.rows(sql`delete from tick`);
  });

  test("T07: 700 calls with three faults in ten: nothing is wrongly allowed, and every failure is a 503", async () => {
    /** Calls of one user, each after the other. */
    const lane = async (seed: number): Promise<string[]> => {
      const random = mulberry32(seed);
      const faulty = faultyDatabase(world.database);
      // An attempt whose reply was lost stays counted, so the limits would refuse many.
      const auth = world.isolate({ database: faulty, limits: { account: { attempts: 100, windowSeconds: 60 } } });
      const [person, stranger] = [await world.person(), await world.person()];
      await world.auth.sessions.signOut({ token: stranger.token, transport: token });
      const codes: string[] = [];
      for (let round = 0; round < 10; round++) {
        const { identifier, actor, userId } = person;
        const calls: [() => Promise<unknown>, readonly string[]][] = [
          [() => auth.sessions.verify({ token: person.token, transport: token }), ["done"]],
          [() => auth.sessions.verify({ token: stranger.token, transport: token }), ["unauthorized.session_expired"]],
          [() => auth.sessions.refresh({ token: stranger.token, transport: token }), ["unauthorized.session_expired"]],
          [
            () => auth.signIn.password({ identifier: freshIdentifier(), password: goodPassword, context: context() }),
            ["unauthorized.invalid_credential"],
          ],
          [() => auth.signIn.password({ identifier, password: person.password, context: context() }), ["done"]],
          [() => auth.users.suspend({ actor, userId: stranger.userId }), ["not_found"]],
          [() => auth.users.update({ actor, userId, displayName: `${round}` }), ["done"]],
        ];
        for (const [call, allowed] of calls) {
          faulty.reset(() => (random() < 0.3 ? ways[Math.floor(random() * 3)] : undefined));
          const code = await outcome(call());
          faulty.reset();
          expect([...allowed, unavailable]).toContain(code);
          codes.push(code === unavailable ? code : "as without faults");
        }
      }
      return codes;
    };
    // Side by side, they wait together before they repeat a request.
    const lanes = await Promise.all(Array.from({ length: 10 }, (_, index) => lane(7 + index)));
    const counts = tally(lanes.flat());
    expect(counts[unavailable]).toBeGreaterThan(20);
    expect(counts["as without faults"]).toBeGreaterThan(300);
    expect(lanes.flat()).toHaveLength(700);
  });

  describe("a refusal whose reply was lost", () => {
    test("S03: a passkey of another user: the same refusal", async () => {
      const { authenticator } = await withPasskey();
      const { actor } = await world.person();
      const database = faultyDatabase(world.database);
      const lossy = world.isolate({ database });
      const fake = await newAuthenticator({ credentialId: idOf(authenticator) });
      const response = await fake.create(await lossy.passkeys.registrationOptions({ actor }));
      database.reset(["after"]);
      expect(await outcome(lossy.passkeys.register({ actor, response, transport: "token" }))).toBe(
        "conflict.duplicate_credential",
      );
    });

    test("S03: a security key of another user: the same refusal", async () => {
      const { authenticator } = await withPasskey();
      const { actor, transport } = await world.person();
      const database = faultyDatabase(world.database);
      const lossy = world.isolate({ database });
      const fake = await newAuthenticator({ credentialId: idOf(authenticator) });
      const { factor, options } = await lossy.securityKeys.enroll({ actor });
      const response = await fake.create(options);
      database.reset(["after"]);
      expect(await outcome(lossy.securityKeys.confirm({ actor, transport, factorId: factor.id, response }))).toBe(
        "conflict.duplicate_credential",
      );
    });

    test("S03: a confirmation in a session that has ended in the meantime: the session's refusal", async () => {
      const { actor, transport, session } = await world.person();
      const database = faultyDatabase(world.database);
      const lossy = world.isolate({ database });
      const { factor, options } = await lossy.securityKeys.enroll({ actor });
      const response = await (await newAuthenticator()).create(options);
      await world.auth.sessions.revoke({ actor: system, sessionId: session.id });
      database.reset(["after"]);
      expect(await outcome(lossy.securityKeys.confirm({ actor, transport, factorId: factor.id, response }))).toBe(
        "unauthorized.invalid_token",
      );
    });
  });
});

/** A small seeded generator, so that a failure can be reproduced. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
