import { expect, test } from "vitest";
import { describeFault } from "../../src/engine/faults.ts";
import { ConfigurationError } from "../../src/engine/options.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { freshAddress, freshIdentifier, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { attempt, type Guess, repeat, rightGuess } from "../support/guesses.ts";

const start = new Date("2026-11-22T12:00:00Z");

const wrong = "unauthorized.invalid_credential";
const limited = "too_many_requests";

describeWorld("limit of attempts from one address", { on: ["pglite", "postgres"], clock: start }, (world) => {
  const guess = (input: Guess) => attempt(world, input);

  const few = {
    limits: { address: { attempts: 5, windowSeconds: 300 }, network: { attempts: 8, windowSeconds: 300 } },
  };

  test("S22: signing in to one's own account between guesses clears no counter", async () => {
    const auth = world.isolate(few);
    const [attacker, address] = [await world.person(), freshAddress()];
    const codes: string[] = [];
    for (let round = 0; round < 3; round++) {
      codes.push(await guess({ identifier: freshIdentifier(), address, auth }));
      codes.push(await guess({ ...rightGuess(attacker), address, auth }));
    }
    expect(codes).toEqual([wrong, "done", wrong, "done", wrong, limited]);
    await advanceTestClock(world.database, 300);
    expect(await guess({ ...rightGuess(attacker), address, auth })).toBe("done");
  });

  test("R016: IPv6 addresses count by /64 and /48 in every spelling", async () => {
    const auth = world.isolate(few);
    const prefix = freshAddress().replace("::1", "");
    const from = (rest: string) => guess({ identifier: freshIdentifier(), address: `${prefix}:${rest}`, auth });
    expect(await Promise.all(["1::1", "1::2", "0001:0:0:0:3", "1::ffff", "1:0:0:1.2.3.4"].map(from))).toEqual(
      Array(5).fill(wrong),
    );
    expect(await from("1::6")).toBe(limited);
    // Another /64 of the same /48: after two more attempts the network is used up.
    expect(await Promise.all(["2::1", "3::1"].map(from))).toEqual([wrong, wrong]);
    expect(await from("4::1")).toBe(limited);
    expect(await guess({ identifier: freshIdentifier(), auth })).toBe(wrong);
  });

  test("R017: missing and malformed addresses share one counter", async () => {
    await world.rows(sql`delete from attempt`);
    const auth = world.isolate(few);
    const codes = [];
    for (const address of [undefined, "unknown", "_hidden", "", "1.2.3.4, 5.6.7.8", "also unknown"]) {
      codes.push(await guess({ identifier: freshIdentifier(), address, auth }));
    }
    expect(codes).toEqual([...Array(5).fill(wrong), limited]);
    await world.rows(sql`delete from attempt`);
  });

  test("S76: two clients behind a proxy that writes ports have two counters", async () => {
    const auth = world.isolate(few);
    const [one, other] = ["198.51.100.7", "203.0.113.7"];
    const from = (address: string) => guess({ identifier: freshIdentifier(), address, auth });
    const ports = [51234, 51235, 1, 443, 65535];
    expect(await Promise.all(ports.map((port) => from(`${one}:${port}`)))).toEqual(Array(5).fill(wrong));
    expect(await from(`${one}:9`)).toBe(limited);
    expect(await from(`"${other}:9"`)).toBe(wrong);
  });

  test("S76: an unreadable address is reported once for each `auth`, without the address", async () => {
    for (const _isolate of [1, 2]) {
      const reported: unknown[] = [];
      const auth = world.isolate({ onError: (error) => reported.push(error) });
      for (const address of [undefined, freshAddress()]) await guess({ identifier: freshIdentifier(), address, auth });
      expect(reported).toEqual([]);
      for (const address of ["canary", "", "also canary"])
        await guess({ identifier: freshIdentifier(), address, auth });
      expect(reported).toEqual([expect.any(ConfigurationError)]);
      expect(describeFault(reported[0])).toMatch(/^ConfigurationError clientAddress /);
      expect(String(reported[0])).toContain("`clientAddress`");
      expect(String(reported[0])).not.toContain("canary");
    }
  });

  test("R014: a refused address never uses up an account's attempts", async () => {
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
    expect(await guess({ ...rightGuess(person), knownDevice, auth })).toBe("done");
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
