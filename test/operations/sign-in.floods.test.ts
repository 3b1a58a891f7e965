/** Slow: 30,000 attempts, with the pinned hash and its queue. @module */
import { expect, test } from "vitest";
import { freshAddress, freshIdentifier, otherPassword, outcome, type Person, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { attempt, type Guess } from "../support/guesses.ts";

const wrong = "unauthorized.invalid_credential";
const limited = "too_many_requests";
const busy = "unavailable.busy";

const attempts = 10_000;
const atOnce = 100;
/** The owner tries again after a 503, as its `Retry-After` of a second says, and has signed in after this many tries. */
const mostTries = 5;
const mostSeconds = 5;

describeWorld(
  "S22, R014: 10,000 sign-ins, and the owner on a known device",
  { on: ["postgres"], hasher: "real", timeoutMilliseconds: 60_000 },
  (world) => {
    /** The flood, during which the owner signs in ten times. Returns the codes of the flood. */
    async function flood(guess: (index: number) => Guess, owner: Person): Promise<Partial<Record<string, number>>> {
      const codes: string[] = [];
      for (let first = 0; first < attempts; first += atOnce) {
        const wave = Array.from({ length: atOnce }, (_, index) => attempt(world, guess(first + index)));
        if (first % 1_000 === 0) await signInDuring(owner);
        codes.push(...(await Promise.all(wave)));
      }
      return tally(codes);
    }

    async function signInDuring({ identifier, password, knownDevice }: Person): Promise<void> {
      const began = performance.now();
      const codes: string[] = [];
      while (codes.at(-1) !== "done") {
        expect(codes.length).toBeLessThan(mostTries);
        codes.push(await attempt(world, { identifier, password, knownDevice }));
        // In place of a second's wait: the hash that is running ends.
        if (codes.at(-1) === busy) await outcome(world.auth.verifyPassword(other()));
      }
      expect(codes.filter((code) => code !== "done" && code !== busy)).toEqual([]);
      expect((performance.now() - began) / 1_000).toBeLessThan(mostSeconds);
    }
    const other = () => ({
      identifier: freshIdentifier(),
      password: otherPassword,
      context: { address: freshAddress() },
    });

    test("at one account, from 10,000 addresses: ten are checked", { timeout: 300_000 }, async () => {
      const owner = await world.person();
      const codes = await flood(() => ({ identifier: owner.identifier }), owner);
      expect(codes[wrong] ?? 0).toBeLessThanOrEqual(10);
      expect((codes[wrong] ?? 0) + (codes[limited] ?? 0) + (codes[busy] ?? 0)).toBe(attempts);
      expect(codes[limited]).toBeGreaterThan(attempts / 2);
    });

    test("at one account, from one address: ten are checked", { timeout: 300_000 }, async () => {
      const owner = await world.person();
      const address = freshAddress();
      const codes = await flood(() => ({ identifier: owner.identifier, address }), owner);
      expect(codes[wrong] ?? 0).toBeLessThanOrEqual(10);
      expect((codes[wrong] ?? 0) + (codes[limited] ?? 0) + (codes[busy] ?? 0)).toBe(attempts);
    });

    test("at 10,000 accounts, from one address: a hundred are checked", { timeout: 300_000 }, async () => {
      const owner = await world.person();
      const address = freshAddress();
      const codes = await flood(() => ({ identifier: freshIdentifier(), address }), owner);
      expect(codes[wrong] ?? 0).toBeLessThanOrEqual(100);
      expect((codes[wrong] ?? 0) + (codes[limited] ?? 0) + (codes[busy] ?? 0)).toBe(attempts);
    });
  },
);
