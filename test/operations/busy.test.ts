/**
 * Refusals for load: what the server could not check counts as no attempt, within a bound, and an isolate that knows that it is
 * full asks the database nothing.
 *
 * @module
 */
import { beforeEach, expect, test } from "vitest";
import { HashQueueFullError } from "../../src/crypto/hash-queue.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import {
  type FullAuth,
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, ticketFor } from "../support/factors.ts";

describeWorld(
  "S82: an answer of 503 because too many hashes wait",
  { on: ["pglite", "postgres"], clock: new Date("2026-11-22T12:00:00Z") },
  (world) => {
    beforeEach(() => world.rows(sql`delete from attempt`));

    const full = () => Promise.reject(new HashQueueFullError());
    /** An isolate that finds its queue full only once the attempt is counted. */
    const late = (): FullAuth => world.isolate({ passwordHasher: { ...world.hasher, verify: full, hash: full } });
    /** An isolate that knows before that its queue is full. */
    const knowing = (): FullAuth =>
      world.isolate({
        database: world.counting,
        passwordHasher: { ...world.hasher, verify: full, hash: full, isBusy: () => true },
      });

    /** Every operation that counts an attempt and then hashes, as a right attempt from an address. */
    const operations: Readonly<Record<string, (auth: FullAuth, address: string) => Promise<() => Promise<unknown>>>> = {
      "sign-in": async (auth, address) => {
        const { identifier, password } = await world.person();
        return () => auth.signIn.password({ identifier, password, context: { address } });
      },
      "password before a ticket": async (auth, address) => {
        const { identifier, password } = await world.person();
        return () => auth.verifyPassword({ identifier, password, context: { address } });
      },
      "current password": async (auth, address) => {
        const { token, transport, password } = await world.person();
        const { actor } = await world.auth.sessions.verify({ token, transport, context: { address } });
        return () =>
          auth.changePassword({
            actor,
            currentPassword: password,
            newPassword: otherPassword,
            transport: "token",
          });
      },
      "recovery code": async (auth, address) => {
        const { person } = await addApp(world, await world.person());
        const { codes } = await world.auth.factors.replaceRecoveryCodes({ actor: person.actor });
        const ticket = await ticketFor(world, person);
        return () => auth.signIn.factor({ ticket, proof: { type: "recovery", code: codes[0]! }, context: { address } });
      },
      "personal access token": async (auth, address) => {
        const { actor, userId } = await world.person();
        const { token } = await world.auth.personalAccessTokens.create({ actor, userId, name: "ci", scope: ["a"] });
        return () => auth.personalAccessTokens.verify({ token, context: { address } });
      },
      "sign-up, past the first attempts": async (auth, address) => {
        for (let n = 0; n < 5; n++) {
          await outcome(auth.signUp({ identifier: "two words", password: goodPassword, context: { address } }));
          await outcome(auth.signUp({ identifier: freshIdentifier(), password: goodPassword, context: { address } }));
        }
        return () => auth.signUp({ identifier: freshIdentifier(), password: goodPassword, context: { address } });
      },
      "new recovery codes": async (auth, address) => {
        const { person } = await addApp(world, await world.person());
        const { token, transport } = person;
        const { actor } = await world.auth.sessions.verify({ token, transport, context: { address } });
        return () => auth.factors.replaceRecoveryCodes({ actor });
      },
      "new personal access token, past the first attempts": async (auth) => {
        const { actor, userId } = await world.person();
        const create = () => auth.personalAccessTokens.create({ actor, userId, name: "ci", scope: ["a"] });
        for (let n = 0; n < 5; n++) await outcome(create());
        return create;
      },
    };

    test.each(Object.keys(operations))("%s: twenty busy answers leave every counter where it was", async (name) => {
      const attempt = await operations[name]!(late(), freshAddress());
      const counters = () =>
        world.rows(
          sql`select bucket, count, streak from attempt where bucket not like 'busy:%' and (count > 0 or backs_off and streak > 0) order by 1`,
        );
      const before = await counters();
      for (let n = 0; n < 20; n++) expect(await outcome(attempt())).toBe("unavailable.busy");
      expect(await counters()).toEqual(before);
      const [busy] = await world.rows<{ count: number }>(sql`select count from attempt where bucket like 'busy:%'`);
      expect(busy!.count).toBe(20);
    });

    test.each(["sign-in", "password before a ticket", "current password", "recovery code", "personal access token"])(
      "%s: an isolate that knows that it is full asks the database nothing",
      async (name) => {
        const attempt = await operations[name]!(knowing(), freshAddress());
        world.counting.reset();
        expect(await outcome(attempt())).toBe("unavailable.busy");
        expect(world.counting.requests).toBe(0);
      },
    );

    test("64 honest users behind one address, most of them refused as busy again and again: all sign in", async () => {
      const address = freshAddress();
      const people: Person[] = [];
      while (people.length < 64) people.push(await world.person());
      const [open, busy] = [world.auth, late()];
      const signIn = (auth: FullAuth, { identifier, password }: Person) =>
        outcome(auth.signIn.password({ identifier, password, context: { address } }));
      for (const person of people) {
        for (let n = 0; n < 3; n++) expect(await signIn(busy, person)).toBe("unavailable.busy");
        expect(await signIn(open, person)).toBe("done");
      }
    });

    test("an address past a thousand busy answers: its attempts stay counted, and another address's do not", async () => {
      const [address, elsewhere] = [freshAddress(), freshAddress()];
      const { identifier, password } = await world.person();
      const auth = late();
      const attempt = (from: string) =>
        outcome(auth.signIn.password({ identifier, password, context: { address: from } }));
      expect(await attempt(address)).toBe("unavailable.busy");
      await world.rows(sql`update attempt set count = 1000 where bucket like 'busy:%'`);
      const outcomes: string[] = [];
      for (let n = 0; n < 12; n++) outcomes.push(await attempt(address));
      expect(outcomes).toEqual([...Array(10).fill("unavailable.busy"), "too_many_requests", "too_many_requests"]);
      const other = await world.person();
      const from = (place: string) =>
        outcome(auth.signIn.password({ identifier: other.identifier, password, context: { address: place } }));
      expect(await from(elsewhere)).toBe("unavailable.busy");
      await advanceTestClock(world.database, 301);
      expect(await from(address)).toBe("unavailable.busy");
    });
  },
);
