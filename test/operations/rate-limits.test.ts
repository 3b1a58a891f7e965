import { describe, expect, test } from "vitest";
import { randomBytes, toBase64Url, toHex } from "../../src/crypto/bytes.ts";
import { HashQueueFullError } from "../../src/crypto/hash-queue.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, setTestClock } from "../../src/testing/clock.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  quickHasher,
  refusal,
  secret,
  system,
  tally,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { attempt, type Guess, repeat, rightGuess } from "../support/guesses.ts";

const start = new Date("2026-11-22T12:00:00Z");

const wrong = "unauthorized.invalid_credential";
const limited = "too_many_requests";
const minute = 60;
const day = 86_400;

describeWorld("limit of password attempts", { on: ["pglite", "postgres"], clock: start }, (world) => {
  const guess = (input: Guess) => attempt(world, input);

  describe("R013: one account, from any address", () => {
    test("ten wrong passwords in 15 minutes; the next attempt is refused before any hash, even with the right password", async () => {
      const person = await world.person();
      expect(tally(await repeat(10, () => guess(rightGuess(person))))).toEqual({ done: 10 });
      const wrongOnes = { identifier: person.identifier };
      expect(tally(await repeat(10, () => guess(wrongOnes)))).toEqual({ [wrong]: 10 });
      world.hasher.reset();
      world.counting.reset(1);
      const { code, status, retryAfterSeconds } = await refusal(
        world.auth.signIn.password({
          identifier: person.identifier,
          password: goodPassword,
          context: { address: freshAddress() },
        }),
      );
      world.counting.reset();
      expect([code, status, retryAfterSeconds]).toEqual([limited, 429, 900]);
      expect(world.hasher.computations).toBe(0);
      await advanceTestClock(world.database, 899);
      expect(await guess(rightGuess(person))).toBe(limited);
      await advanceTestClock(world.database, 1);
      expect(await guess(rightGuess(person))).toBe("done");
    });

    test("B52: sign-in, verifyPassword and password change share one counter", async () => {
      const person = await world.person();
      const { identifier, actor } = person;
      const context = () => ({ address: freshAddress() });
      const ways = [
        () => outcome(world.auth.signIn.password({ identifier, password: otherPassword, context: context() })),
        () => outcome(world.auth.verifyPassword({ identifier, password: otherPassword, context: context() })),
        () =>
          outcome(
            world.auth.changePassword({
              actor,
              currentPassword: otherPassword,
              newPassword: goodPassword.toUpperCase(),
              transport: "token",
            }),
          ),
      ];
      const codes: string[] = [];
      for (let time = 0; time < 10; time++) codes.push(await ways[time % 3]!());
      expect(codes).toEqual(Array(10).fill(wrong));
      expect([await ways[0]!(), await ways[1]!()]).toEqual([limited, limited]);

      // R014: a stranger who used it up does not keep the owner from changing the password in their own session.
      expect(tally(await repeat(10, ways[2]!))).toEqual({ [wrong]: 10 });
      expect(await ways[2]!()).toBe(limited);
      const owner = await world.person();
      await repeat(11, () => guess({ identifier: owner.identifier }));
      const changed = world.auth.changePassword({
        actor: owner.actor,
        currentPassword: owner.password,
        newPassword: otherPassword,
        transport: "token",
      });
      expect(await outcome(changed)).toBe("done");
    });

    test("R018: known and unknown identifiers are counted and answered alike", async () => {
      const answers = [];
      for (const identifier of [(await world.person()).identifier, freshIdentifier(), "no identifier\0"]) {
        expect(tally(await repeat(10, () => guess({ identifier })))).toEqual({ [wrong]: 10 });
        world.counting.reset();
        const {
          name: kind,
          code,
          message,
          details,
          retryAfterSeconds,
        } = await refusal(
          world.auth.signIn.password({ identifier, password: otherPassword, context: { address: freshAddress() } }),
        );
        const statements = world.counting.statements.filter((text) => !text.includes("tickets as"));
        answers.push({ kind, code, message, details, retryAfterSeconds, statements });
      }
      expect(answers[1]).toEqual(answers[0]);
      expect(answers[2]).toEqual(answers[0]);
    });

    test("R018: spaces around an identifier without a normal form are no further attempts, known or not", async () => {
      const { credentialId } = await world.person();
      const [known, unknown] = [`Ada ${crypto.randomUUID()}`, `Ada ${crypto.randomUUID()}`];
      await world.rows(sql`update cred set identifier = ${known} where id = ${uuidFor("cred", credentialId)}::uuid`);
      for (const identifier of [known, unknown]) {
        let spaces = 0;
        const codes = await repeat(12, () => guess({ identifier: " ".repeat(spaces++) + identifier }));
        expect(tally(codes)).toEqual({ [wrong]: 10, [limited]: 2 });
      }
    });

    test("another spelling of the identifier: the same account", async () => {
      const { identifier } = await world.person();
      await repeat(5, () => guess({ identifier }));
      await repeat(5, () => guess({ identifier: identifier.toUpperCase() }));
      expect(await guess({ identifier: identifier.replace("p", "P") })).toBe(limited);
    });

    test("the window doubles with each limit of failures in a row, up to a day, until a success", async () => {
      const person = await world.person();
      const { identifier } = person;
      // High enough that the account is not closed in the meantime.
      const auth = world.isolate({ limits: { account: { attempts: 2, windowSeconds: 15 * minute } } });
      const windows: number[] = [];
      for (let round = 0; round < 9; round++) {
        await repeat(2, () => guess({ identifier, auth }));
        const { retryAfterSeconds } = await refusal(auth.signIn.password({ identifier, password: otherPassword }));
        windows.push(retryAfterSeconds!);
        await advanceTestClock(world.database, retryAfterSeconds!);
      }
      expect(windows).toEqual([900, 1_800, 3_600, 7_200, 14_400, 28_800, 57_600, day, day]);
      expect(await guess({ ...rightGuess(person), auth })).toBe("done");
      await advanceTestClock(world.database, day);
      await repeat(2, () => guess({ identifier, auth }));
      expect((await refusal(auth.signIn.password({ identifier, password: otherPassword }))).retryAfterSeconds).toBe(
        900,
      );
    });

    test("nine wrong passwords in each window: the windows still grow", async () => {
      const { identifier } = await world.person();
      let seconds = 0;
      for (let failures = 0; failures < 54; failures += 9) {
        expect(tally(await repeat(9, () => guess({ identifier })))).toEqual({ [wrong]: 9 });
        const [counter] = await world.rows<{ left: number }>(sql`
          select extract(epoch from max(resets_at) - sallyport_now())::int as left from attempt
          where bucket like 'credential:%' and streak = ${failures + 9}::int`);
        seconds += counter!.left;
        await advanceTestClock(world.database, counter!.left);
      }
      expect(seconds).toBeGreaterThan(6 * 15 * minute * 3);
    });

    test("F05: a clock set back: no wait longer than the window", async () => {
      const { identifier } = await world.person();
      await repeat(10, () => guess({ identifier }));
      await setTestClock(world.database, new Date(start.getTime() - 3_600_000));
      const { retryAfterSeconds } = await refusal(world.auth.signIn.password({ identifier, password: goodPassword }));
      expect(retryAfterSeconds).toBe(900 + 3_600);
    });
  });

  describe("R013: refresh, full queue and new secrets", () => {
    test("refreshing a stolen session gives no new guesses at the current password", async () => {
      const person = await world.person();
      let { token } = person;
      const guessOnce = async () => {
        const { actor } = await world.auth.sessions.verify({
          token,
          transport: "token",
          context: { address: freshAddress() },
        });
        const input = {
          actor,
          currentPassword: "not the password",
          newPassword: otherPassword,
          transport: "token" as const,
        };
        return await outcome(world.auth.changePassword(input));
      };
      // Ten on the account's counter and ten on the family's.
      expect(tally(await repeat(20, guessOnce))).toEqual({ [wrong]: 20 });
      for (let refreshes = 0; refreshes < 5; refreshes++) {
        ({ token } = await world.auth.sessions.refresh({ token, transport: "token" }));
        expect(await guessOnce()).toBe(limited);
      }
    });

    test("an attempt that the full queue refused is refunded", async () => {
      const person = await world.person();
      const full = world.isolate({
        passwordHasher: { ...world.hasher, verify: () => Promise.reject(new HashQueueFullError()) },
      });
      const busy = () => guess({ ...rightGuess(person), auth: full });
      expect(tally(await repeat(30, busy))).toEqual({ "unavailable.busy": 30 });
      const [counter] = await world.rows<{ count: number; streak: number }>(sql`
        select count, streak from attempt where bucket = ${`credential:${uuidFor("cred", person.credentialId)}`}`);
      expect(counter).toEqual({ count: 0, streak: 0 });
      expect(await guess(rightGuess(person))).toBe("done");
    });

    test("a rehash that the full queue refuses does not stop the sign-in", async () => {
      const person = await world.person();
      const auth = world.isolate({
        passwordHasher: {
          ...world.hasher,
          needsRehash: () => true,
          hash: () => Promise.reject(new HashQueueFullError()),
        },
      });
      expect(await guess({ ...rightGuess(person), auth })).toBe("done");
    });

    test("F13: thirty checks that the full queue refused count for nothing", async () => {
      const person = await world.person();
      const busy = world.isolate({
        passwordHasher: {
          ...quickHasher(),
          verify: async () => {
            throw new HashQueueFullError();
          },
        },
      });
      const { identifier, password } = person;
      const codes = [];
      for (let time = 0; time < 30; time++) {
        codes.push(await outcome(busy.signIn.password({ identifier, password, context: { address: freshAddress() } })));
      }
      expect(tally(codes)).toEqual({ "unavailable.busy": 30 });
      expect((await world.signIn(person)).userId).toBe(person.userId);
    });

    test("R013: adding a new secret to the old one lifts no limit and frees no idempotency key", async () => {
      const { identifier } = await world.person();
      for (let time = 0; time < 11; time++) await guess({ identifier });
      const unknown = freshIdentifier();
      for (let time = 0; time < 11; time++) await guess({ identifier: unknown });
      const key = { actor: system, displayName: "K", idempotencyKey: toHex(randomBytes(8)) };
      const made = await world.auth.users.create(key);
      const rotated = world.isolate({ secrets: `2:${toBase64Url(randomBytes(32))},1:${secret}` });
      for (const one of [identifier, unknown]) {
        const context = { address: freshAddress() };
        expect(await outcome(rotated.signIn.password({ identifier: one, password: otherPassword, context }))).toBe(
          "too_many_requests",
        );
      }
      expect((await rotated.users.create(key)).id).toBe(made.id);
    });
  });

  test("S41: past the limit one event in each window, with a digest instead of the identifier", async () => {
    const { identifier } = await world.person();
    const before = new Set((await world.events({})).map(({ id }) => id));
    await repeat(25, () => guess({ identifier }));
    const mine = (await world.events({})).filter(({ id }) => !before.has(id));
    expect(tally(mine.map(({ action, outcome }) => `${action} ${outcome}`))).toEqual({
      "identity.sign_in failure": 10,
      "identity.sign_in.limited denied": 1,
    });
    const [target, ...others] = new Set(mine.map(({ targetId }) => targetId));
    expect(target).toMatch(/^login_[0-9a-f]{64}$/);
    expect(others).toEqual([]);
    await advanceTestClock(world.database, 15 * minute);
    await repeat(12, () => guess({ identifier }));
    expect(await world.events({ target: target!, action: "identity.sign_in.limited" })).toHaveLength(2);
  });

  test("S46, R018: ended counters are purged, runs of failures only after 90 days, for known and unknown identifiers alike", async () => {
    const { identifier } = await world.person();
    await world.rows(sql`delete from attempt`);
    await guess({ identifier: freshIdentifier() });
    await guess({ identifier });
    const address = freshAddress();
    await repeat(10, () => guess({ identifier: "nobody", address }));
    const left = async () =>
      (
        await world.rows<{ kinds: string[] }>(sql`
        select coalesce(array_agg(split_part(bucket, ':', 1) order by bucket), '{}') as kinds from attempt`)
      )[0]!.kinds;
    const runs = ["account", "account", "credential"];
    const all = [...runs, ..."address address address network network network".split(" ")].sort();
    expect(await left()).toEqual(all);
    for (const [days, kinds] of [
      [0, all],
      [2, runs],
      [89, []],
    ] as const) {
      await advanceTestClock(world.database, days * day + 15 * minute);
      await world.auth.purge();
      expect(await left()).toEqual(kinds);
    }
  });
});

describeWorld("R015, S21: counters are atomic", { on: ["postgres"], timeoutMilliseconds: 60_000 }, (world) => {
  test("1,000 wrong guesses at once: ten are checked", async () => {
    const { identifier } = await world.person();
    world.hasher.reset();
    const codes = await Promise.all(Array.from({ length: 1_000 }, () => attempt(world, { identifier })));
    expect(tally(codes)).toEqual({ [wrong]: 10, [limited]: 990 });
    expect(world.hasher.computations).toBe(10);
  });

  test("500 right and 500 wrong at once: never past the limit, and every refund arrives", async () => {
    const person = await world.person();
    const codes = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        attempt(world, { identifier: person.identifier, password: index % 2 ? person.password : otherPassword }),
      ),
    );
    const counts = tally(codes);
    expect(counts[wrong]).toBeLessThanOrEqual(10);
    expect((counts[wrong] ?? 0) + (counts.done ?? 0) + (counts[limited] ?? 0)).toBe(1_000);
    const [row] = await world.rows<{ count: number }>(sql`
      select max(count) as count from attempt where bucket like 'credential:%' and count < 1000`);
    // Refunds have returned exactly what the successes took.
    expect(row!.count).toBe(1_000 - (counts.done ?? 0));
  });

  test("100 accounts from one address at once, in every order: no deadlock, and the address's limit holds", async () => {
    const auth = world.isolate({ limits: { address: { attempts: 40, windowSeconds: 300 } } });
    const people = Array.from({ length: 100 }, () => freshIdentifier());
    const address = freshAddress();
    const codes = await Promise.all(people.map((identifier) => attempt(world, { identifier, address, auth })));
    expect(tally(codes)).toEqual({ [wrong]: 40, [limited]: 60 });
  });

  test("planted fault, reads before it counts: more are checked", async () => {
    const { identifier } = await world.person();
    const digest = freshIdentifier();
    await world.rows(
      sql`insert into attempt (bucket, count, maximum, resets_at, backs_off) values (${digest}, 0, 10, 'infinity', true)`,
    );
    const naive = async (): Promise<boolean> => {
      const [row] = await world.rows<{ count: number }>(sql`select count from attempt where bucket = ${digest}`);
      if (row!.count >= 10) return false;
      await world.rows(sql`update attempt set count = count + 1 where bucket = ${digest}`);
      return true;
    };
    const through = (await Promise.all(Array.from({ length: 1_000 }, naive))).filter(Boolean).length;
    expect(through).toBeGreaterThan(10);
    expect(identifier).not.toBe("");
  });
});
