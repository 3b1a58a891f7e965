import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import { HashQueueFullError } from "../../src/crypto/hash-queue.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import type { FullAuth as Auth } from "../support/auth.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  openAuth,
  otherPassword,
  outcome,
  type Person,
  refusal,
  tally,
  type World,
} from "../support/auth.ts";

const wrong = "unauthorized.invalid_credential";
const limited = "too_many_requests";
const minute = 60;
const day = 86_400;

interface Guess {
  identifier: string;
  password?: string;
  address?: string | undefined;
  knownDevice?: string;
  auth?: Auth;
}

/** The right password from a device that nobody knows. */
const right = ({ identifier, password }: Person): Guess => ({ identifier, password });

/** One attempt, with a wrong password and from a new address if nothing else is said. */
function attempt(
  world: World,
  { identifier, password = otherPassword, knownDevice, auth = world.auth, ...rest }: Guess,
) {
  const address = "address" in rest ? rest.address : freshAddress();
  return outcome(
    auth.signIn.password({ identifier, password, ...(knownDevice ? { knownDevice } : {}), context: { address } }),
  );
}

async function repeat(times: number, act: () => Promise<string>): Promise<string[]> {
  const codes: string[] = [];
  for (let time = 0; time < times; time++) codes.push(await act());
  return codes;
}

describe.each(["pglite", "postgres"] as const)("%s", (name) => {
  let world: World;
  const start = new Date("2026-11-22T12:00:00Z");
  beforeAll(async () => {
    world = await openAuth(name);
    await installTestClock(world.database);
  });
  beforeEach(() => setTestClock(world.database, start));
  afterAll(() => world.close());

  const guess = (input: Guess) => attempt(world, input);

  describe("R013: one account, from wherever", () => {
    test("ten wrong passwords in a quarter of an hour; the eleventh is refused before any hash, the right one too", async () => {
      const person = await world.person();
      expect(tally(await repeat(10, () => guess(right(person))))).toEqual({ done: 10 });
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
      expect(await guess(right(person))).toBe(limited);
      await advanceTestClock(world.database, 1);
      expect(await guess(right(person))).toBe("done");
    });

    test("B52: sign-in, verifyPassword and the current password at a change share the budget", async () => {
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

      // R014: a stranger who used it up does not keep the owner, in a session of theirs, from changing the password.
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

    test("R018: known and unknown identifiers are counted alike and told the same", async () => {
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

    test("another spelling of the identifier is the same account", async () => {
      const { identifier } = await world.person();
      await repeat(5, () => guess({ identifier }));
      await repeat(5, () => guess({ identifier: identifier.toUpperCase() }));
      expect(await guess({ identifier: identifier.replace("p", "P") })).toBe(limited);
    });

    test("the window doubles with each full limit of failures in a row, to a day at most, and a success ends the run", async () => {
      const person = await world.person();
      const { identifier } = person;
      // Enough room that the account is not closed meanwhile.
      const auth = world.isolate({ limits: { account: { attempts: 2, windowSeconds: 15 * minute } } });
      const windows: number[] = [];
      for (let round = 0; round < 9; round++) {
        await repeat(2, () => guess({ identifier, auth }));
        const { retryAfterSeconds } = await refusal(auth.signIn.password({ identifier, password: otherPassword }));
        windows.push(retryAfterSeconds!);
        await advanceTestClock(world.database, retryAfterSeconds!);
      }
      expect(windows).toEqual([900, 1_800, 3_600, 7_200, 14_400, 28_800, 57_600, day, day]);
      expect(await guess({ ...right(person), auth })).toBe("done");
      await advanceTestClock(world.database, day);
      await repeat(2, () => guess({ identifier, auth }));
      expect((await refusal(auth.signIn.password({ identifier, password: otherPassword }))).retryAfterSeconds).toBe(
        900,
      );
    });

    test("nine wrong ones in each window do not stay below it: the windows grow all the same", async () => {
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

    test("F05: a clock that is set back locks nobody out for longer than the window", async () => {
      const { identifier } = await world.person();
      await repeat(10, () => guess({ identifier }));
      await setTestClock(world.database, new Date(start.getTime() - 3_600_000));
      const { retryAfterSeconds } = await refusal(world.auth.signIn.password({ identifier, password: goodPassword }));
      expect(retryAfterSeconds).toBe(900 + 3_600);
    });
  });

  describe("R014, S22: 100 failures in a row close the password way", () => {
    /** Fails `failures` times, ten in each window, however long the windows are. */
    async function fail(failures: number, guessOnce: () => Promise<string>): Promise<void> {
      for (let done = 0; done < failures; done++) {
        if (done > 0 && done % 10 === 0) await advanceTestClock(world.database, day);
        expect(await guessOnce()).toBe(wrong);
      }
    }

    test("the right password is refused too, days later, and a known device still signs in", async () => {
      const person = await world.person();
      const { identifier, password, knownDevice } = person;
      await fail(100, () => guess({ identifier }));
      await advanceTestClock(world.database, day);
      const { code, retryAfterSeconds } = await refusal(world.auth.signIn.password({ identifier, password }));
      expect([code, retryAfterSeconds]).toEqual([limited, day]);
      await advanceTestClock(world.database, 10 * day);
      expect(await guess({ identifier, password })).toBe(limited);
      expect(await guess({ identifier, password, knownDevice })).toBe("done");
      expect(await guess({ identifier, password })).toBe(limited);
    });

    test("99 failures and a success: the count begins anew", async () => {
      const person = await world.person();
      await fail(99, () => guess({ identifier: person.identifier }));
      expect(await guess(right(person))).toBe("done");
      await advanceTestClock(world.database, day);
      await fail(99, () => guess({ identifier: person.identifier }));
      expect(await guess(right(person))).toBe("done");
    });

    test("it closes in the middle of a window, with one event then and one for each window after", async () => {
      const person = await world.person();
      const { identifier } = person;
      // Two successes move the hundredth failure away from the end of a window.
      await repeat(5, () => guess({ identifier }));
      expect(await guess(right(person))).toBe("done");
      const marks = async () => (await world.events({ action: "identity.sign_in.limited" })).length;
      const before = await marks();
      const seen: number[] = [];
      let failures = 0;
      // It closes in the eleventh window, at its sixth attempt.
      for (const attempts of [...Array(10).fill(13), 7, 3, 13, 1]) {
        const codes = await repeat(attempts, () => guess({ identifier }));
        failures += codes.filter((code) => code === wrong).length;
        seen.push((await marks()) - before);
        await advanceTestClock(world.database, day);
      }
      expect(failures).toBe(100);
      expect(seen).toEqual(Array.from({ length: 14 }, (_, window) => window + 1));
    });
  });

  describe("S22: a known device has a budget of its own", () => {
    async function exhaust(person: Person): Promise<void> {
      await repeat(10, () => guess({ identifier: person.identifier }));
      expect(await guess(right(person))).toBe(limited);
    }

    test("a stranger who guesses does not lock the owner out", async () => {
      const person = await world.person();
      await exhaust(person);
      expect(await guess(person)).toBe("done");
      expect(await guess(right(person))).toBe(limited);
    });

    test("and the device's own guesses are counted", async () => {
      const { identifier, knownDevice, password } = await world.person();
      expect(tally(await repeat(10, () => guess({ identifier, knownDevice })))).toEqual({ [wrong]: 10 });
      expect(await guess({ identifier, knownDevice, password })).toBe(limited);
      expect(await guess({ identifier, password })).toBe("done");
    });

    test.each<{ case: string; device: (person: Person) => Promise<string> }>([
      { case: "of another account", device: async () => (await world.person()).knownDevice },
      { case: "with another nonce", device: async ({ knownDevice }) => knownDevice.replace(/\.[^.]{4}/, ".AAAA") },
      { case: "with another MAC", device: async ({ knownDevice }) => knownDevice.replace(/.{4}$/, "AAAA") },
      { case: "without a MAC", device: async ({ knownDevice }) => knownDevice.replace(/\.[^.]*$/, ".") },
      { case: "with more behind it", device: async ({ knownDevice }) => `${knownDevice}.x` },
      {
        case: "of another account with this credential's id",
        device: async ({ credentialId }) =>
          [credentialId, ...(await world.person()).knownDevice.split(".").slice(1)].join("."),
      },
      { case: "empty", device: async () => "" },
      { case: "garbage", device: async () => "...." },
      {
        case: "from before a change of password",
        device: async ({ actor, password, knownDevice }) => {
          await setTestClock(world.database, start);
          await world.rows(sql`delete from attempt`);
          await world.auth.changePassword({
            actor,
            currentPassword: password,
            newPassword: otherPassword,
            transport: "token",
          });
          return knownDevice;
        },
      },
      {
        case: "made with secrets that are gone",
        device: async (person) => {
          const auth = world.isolate({ secrets: toBase64Url(randomBytes(32)) });
          const signedIn = await auth.signIn.password({ identifier: person.identifier, password: person.password });
          return signedIn.mfaRequired ? "" : signedIn.knownDevice;
        },
      },
    ])("one that is $case counts for the account", async ({ device }) => {
      const person = await world.person();
      const knownDevice = await device(person);
      await repeat(10, () => guess({ identifier: person.identifier, password: "not the password" }));
      expect(await guess({ identifier: person.identifier, password: "not the password", knownDevice })).toBe(limited);
    });

    test("success on it gives back what it took, and ends its run of failures alone", async () => {
      const person = await world.person();
      const { identifier, knownDevice } = person;
      await repeat(9, () => guess({ identifier, knownDevice }));
      for (let time = 0; time < 3; time++) expect(await guess(person)).toBe("done");
      expect(await guess({ identifier, knownDevice })).toBe(wrong);
      expect(await guess(person)).toBe(limited);
      expect(await guess(right(person))).toBe("done");
    });
  });

  describe("R013: what a refresh or a full queue does to the counters", () => {
    test("a thief who refreshes a stolen session gets no new guesses at the current password", async () => {
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
      // Ten in the account's budget and ten in that of the session's family.
      expect(tally(await repeat(20, guessOnce))).toEqual({ [wrong]: 20 });
      for (let refreshes = 0; refreshes < 5; refreshes++) {
        ({ token } = await world.auth.sessions.refresh({ token, transport: "token" }));
        expect(await guessOnce()).toBe(limited);
      }
    });

    test("an attempt that nobody looked at, since too many waited, is given back", async () => {
      const person = await world.person();
      const full = world.isolate({
        passwordHasher: { ...world.hasher, verify: () => Promise.reject(new HashQueueFullError()) },
      });
      const busy = () => guess({ ...right(person), auth: full });
      expect(tally(await repeat(30, busy))).toEqual({ "unavailable.busy": 30 });
      const [counter] = await world.rows<{ count: number; streak: number }>(sql`
        select count, streak from attempt where bucket = ${`credential:${uuidFor("cred", person.credentialId)}`}`);
      expect(counter).toEqual({ count: 0, streak: 0 });
      expect(await guess(right(person))).toBe("done");
    });

    test("a rehash that the queue refuses does not keep anybody out", async () => {
      const person = await world.person();
      const auth = world.isolate({
        passwordHasher: {
          ...world.hasher,
          needsRehash: () => true,
          hash: () => Promise.reject(new HashQueueFullError()),
        },
      });
      expect(await guess({ ...right(person), auth })).toBe("done");
    });
  });

  describe("addresses", () => {
    const few = {
      limits: { address: { attempts: 5, windowSeconds: 300 }, network: { attempts: 8, windowSeconds: 300 } },
    };

    test("S22: signing in to one's own account between guesses clears nothing", async () => {
      const auth = world.isolate(few);
      const [attacker, address] = [await world.person(), freshAddress()];
      const codes: string[] = [];
      for (let round = 0; round < 3; round++) {
        codes.push(await guess({ identifier: freshIdentifier(), address, auth }));
        codes.push(await guess({ ...right(attacker), address, auth }));
      }
      expect(codes).toEqual([wrong, "done", wrong, "done", wrong, limited]);
      await advanceTestClock(world.database, 300);
      expect(await guess({ ...right(attacker), address, auth })).toBe("done");
    });

    test("R016: counted by /64 and /48, however it is written", async () => {
      const auth = world.isolate(few);
      const prefix = freshAddress().replace("::1", "");
      const from = (rest: string) => guess({ identifier: freshIdentifier(), address: `${prefix}:${rest}`, auth });
      expect(await Promise.all(["1::1", "1::2", "0001:0:0:0:3", "1::ffff", "1:0:0:1.2.3.4"].map(from))).toEqual(
        Array(5).fill(wrong),
      );
      expect(await from("1::6")).toBe(limited);
      // Another /64 of the same /48: two more, and the network is used up.
      expect(await Promise.all(["2::1", "3::1"].map(from))).toEqual([wrong, wrong]);
      expect(await from("4::1")).toBe(limited);
      expect(await guess({ identifier: freshIdentifier(), auth })).toBe(wrong);
    });

    test("R017: no address, and what is no address, share one bucket", async () => {
      await world.rows(sql`delete from attempt`);
      const auth = world.isolate(few);
      const codes = [];
      for (const address of [undefined, "unknown", "fe80::1%eth0", "", "1.2.3.4, 5.6.7.8", "also unknown"]) {
        codes.push(await guess({ identifier: freshIdentifier(), address, auth }));
      }
      expect(codes).toEqual([...Array(5).fill(wrong), limited]);
      await world.rows(sql`delete from attempt`);
    });

    test("R014: an address that is refused uses up nobody's attempts, however often it asks", async () => {
      const auth = world.isolate(few);
      const person = await world.person();
      const { identifier, knownDevice } = person;
      const address = freshAddress();
      await repeat(5, () => guess({ identifier: freshIdentifier(), address, auth }));
      expect(tally(await repeat(150, () => guess({ identifier, address, auth })))).toEqual({ [limited]: 150 });
      expect(tally(await repeat(150, () => guess({ identifier, address, auth, knownDevice })))).toEqual({
        [limited]: 150,
      });
      expect(tally(await repeat(10, () => guess({ identifier, auth })))).toEqual({ [wrong]: 10 });
      expect(await guess({ identifier, auth })).toBe(limited);
      expect(await guess({ ...right(person), knownDevice, auth })).toBe("done");
    });

    test("S46: an address past its limit adds no counter", async () => {
      const auth = world.isolate(few);
      const address = freshAddress();
      await repeat(5, () => guess({ identifier: freshIdentifier(), address, auth }));
      const counters = async () => (await world.rows(sql`select bucket from attempt`)).length;
      const before = await counters();
      await repeat(50, () => guess({ identifier: freshIdentifier(), address, auth }));
      expect(await counters()).toBe(before);
    });
  });

  test("S41: past the limit one event for each window, with a digest and no identifier", async () => {
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

  test("S46, R018: counters that ended are removed, a run of failures only after 90 days, whoever has the name", async () => {
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

describe("S22: a run of failures at a password that there is", () => {
  let world: World;
  beforeAll(async () => {
    world = await openAuth("pglite");
    await installTestClock(world.database);
  });
  afterAll(() => world.close());

  const guess = async (identifier: string) =>
    await outcome(
      world.auth.signIn.password({ identifier, password: otherPassword, context: { address: freshAddress() } }),
    );

  test("R013: nine a day, with a purge each day, are still counted in a row", async () => {
    const { identifier, password } = await world.person();
    const codes: string[] = [];
    for (let days = 0; days < 13; days++) {
      for (let time = 0; time < 9; time++) codes.push(await guess(identifier));
      await advanceTestClock(world.database, day + 15 * minute);
      await world.auth.purge();
    }
    expect(tally(codes)).toEqual({ "unauthorized.invalid_credential": 100, too_many_requests: 17 });
    // Closed until it is reset: no quiet time opens it.
    await advanceTestClock(world.database, 400 * day);
    await world.auth.purge();
    expect(await outcome(world.auth.signIn.password({ identifier, password }))).toBe("too_many_requests");
  });

  test("what is short of that is forgotten after 90 days", async () => {
    const { identifier } = await world.person();
    const counters = async () => await world.rows(sql`select from attempt where bucket ~ '^credential:'`);
    await world.rows(sql`delete from attempt`);
    await guess(identifier);
    for (const [days, left] of [
      [89, 1],
      [2, 0],
    ] as const) {
      await advanceTestClock(world.database, days * day);
      await world.auth.purge();
      expect(await counters()).toHaveLength(left);
    }
  });
});

describe("R015, S21: counters are atomic", () => {
  let world: World;
  beforeAll(async () => {
    world = await openAuth("postgres", { timeoutMilliseconds: 60_000 });
  });
  afterAll(() => world.close());

  test("1,000 wrong guesses at once: ten are looked at", async () => {
    const { identifier } = await world.person();
    world.hasher.reset();
    const codes = await Promise.all(Array.from({ length: 1_000 }, () => attempt(world, { identifier })));
    expect(tally(codes)).toEqual({ [wrong]: 10, [limited]: 990 });
    expect(world.hasher.computations).toBe(10);
  });

  test("500 right and 500 wrong at once: no more than the limit at a time, and nothing is lost", async () => {
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
    // Refunds have given back exactly what the successes took.
    expect(row!.count).toBe(1_000 - (counts.done ?? 0));
  });

  test("100 accounts from one address at once, in every order: no deadlock, and the address's limit holds", async () => {
    const auth = world.isolate({ limits: { address: { attempts: 40, windowSeconds: 300 } } });
    const people = Array.from({ length: 100 }, () => freshIdentifier());
    const address = freshAddress();
    const codes = await Promise.all(people.map((identifier) => attempt(world, { identifier, address, auth })));
    expect(tally(codes)).toEqual({ [wrong]: 40, [limited]: 60 });
  });

  test("the twin that reads before it counts lets more through", async () => {
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
