import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { rateLimit } from "../../src/http/rate-limit.ts";
import type { LimitsOf } from "../../src/operations/limits.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import {
  addressHeader,
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  refusal,
  system,
  tally,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { attempt, repeat, rightGuess } from "../support/guesses.ts";

const start = new Date("2026-11-22T12:00:00Z");
const wrong = "unauthorized.invalid_credential";
const limited = "too_many_requests";

describeWorld("limits of an administrator", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  const list = async (of?: LimitsOf) => (await auth.limits.list({ actor: system, of })).data;
  const lift = async (of: LimitsOf) => (await auth.limits.lift({ actor: system, of })).lifted;
  const exhaust = (identifier: string, address?: string) =>
    repeat(10, () => attempt(world, { identifier, ...(address !== undefined && { address }) }));

  describe("by identifier", () => {
    test("seen and lifted: the owner signs in at once", async () => {
      const person = await world.person();
      await exhaust(person.identifier);
      expect(await attempt(world, rightGuess(person))).toBe(limited);
      expect(await list({ identifier: person.identifier.toUpperCase() })).toEqual([
        {
          name: `credential:${uuidFor("cred", person.credentialId)}`,
          count: 11,
          maximum: 10,
          failures: 10,
          usedUp: true,
          closed: false,
          resetsAt: new Date(start.getTime() + 900_000),
        },
        expect.objectContaining({ name: expect.stringMatching(/^sign-up:[\da-f]{64}$/), count: 1, usedUp: false }),
      ]);
      expect(await lift({ identifier: person.identifier })).toBe(2);
      expect(await list({ identifier: person.identifier })).toEqual([]);
      expect(await attempt(world, rightGuess(person))).toBe("done");
    });

    test("after lifting, ten more wrong passwords are checked and the eleventh is not", async () => {
      const { identifier } = await world.person();
      await exhaust(identifier);
      await lift({ identifier });
      expect(tally(await repeat(11, () => attempt(world, { identifier })))).toEqual({ [wrong]: 10, [limited]: 1 });
    });

    test("an identifier that no account has: seen and lifted too", async () => {
      const identifier = freshIdentifier();
      await exhaust(identifier);
      expect(await list({ identifier })).toMatchObject([{ name: expect.stringMatching(/^account:/), usedUp: true }]);
      expect(await lift({ identifier })).toBe(1);
      expect(await attempt(world, { identifier })).toBe(wrong);
    });

    test("a password that a hundred failures closed opens again", async () => {
      const person = await world.person();
      const id = uuidFor("cred", person.credentialId);
      await exhaust(person.identifier);
      await world.rows(sql`update attempt set streak = 101 where bucket = ${`credential:${id}`}`);
      await advanceTestClock(world.database, 86_400 * 100);
      expect(await attempt(world, rightGuess(person))).toBe(limited);
      expect(await list({ identifier: person.identifier })).toMatchObject([{ closed: true, usedUp: true }]);
      await lift({ identifier: person.identifier });
      expect(await attempt(world, rightGuess(person))).toBe("done");
    });

    test("the current password in a session of the account", async () => {
      const person = await world.person();
      const change = () =>
        outcome(
          auth.changePassword({
            actor: person.actor,
            currentPassword: otherPassword,
            newPassword: goodPassword.toUpperCase(),
            transport: "token",
          }),
        );
      await repeat(20, change);
      expect(await change()).toBe(limited);
      await lift({ identifier: person.identifier });
      expect(await change()).toBe(wrong);
    });

    test("another account stays limited", async () => {
      const [one, other] = [await world.person(), await world.person()];
      await exhaust(one.identifier);
      await exhaust(other.identifier);
      await lift({ identifier: one.identifier });
      expect(await attempt(world, rightGuess(other))).toBe(limited);
    });
  });

  describe("by address", () => {
    const small = () => world.isolate({ limits: { address: { attempts: 2, windowSeconds: 300 } } });

    test("seen and lifted, with its network, in any spelling", async () => {
      const isolate = small();
      const address = "2001:db8:44:1::1";
      const guess = () => attempt(world, { identifier: freshIdentifier(), address, auth: isolate });
      expect(await repeat(3, guess)).toEqual([wrong, wrong, limited]);
      const of = { address: "2001:DB8:44:1::ffff" };
      expect((await list(of)).map(({ name, usedUp }) => [name.split(":")[0], usedUp])).toEqual([
        ["address", true],
        ["network", false],
      ]);
      expect(await lift(of)).toBe(2);
      expect(await guess()).toBe(wrong);
    });

    test("the limits of the application's routes too; by key and by name", async () => {
      const app = new Hono();
      app.use("/a", rateLimit(auth, "1/hour"));
      app.use("/b", rateLimit(auth, "1/hour", { key: () => "ada" }));
      app.get("*", (c) => c.text("ok"));
      const address = freshAddress();
      const ask = async (path: string) => (await app.request(path, { headers: { [addressHeader]: address } })).status;
      expect([await ask("/a"), await ask("/a"), await ask("/b"), await ask("/b")]).toEqual([200, 429, 200, 429]);
      expect(await list({ address })).toMatchObject([
        { name: expect.stringMatching(/^rate:[\da-f]{64}:1\/hour \/a$/) },
      ]);
      const [byKey] = await list({ key: "ada" });
      expect(await lift({ address })).toBe(1);
      expect([await ask("/a"), await ask("/b")]).toEqual([200, 429]);
      expect(await lift({ name: byKey!.name })).toBe(1);
      expect(await ask("/b")).toBe(200);
      expect(await lift({ key: "ada" })).toBe(1);
      expect(await ask("/b")).toBe(200);
    });
  });

  test("without a subject: every limit that is used up and no other, the longest first", async () => {
    const isolate = world.isolate({ limits: { account: { attempts: 1, windowSeconds: 60 } } });
    const [short, long, unused] = [freshIdentifier(), freshIdentifier(), freshIdentifier()];
    await repeat(2, () => attempt(world, { identifier: short, auth: isolate }));
    await exhaust(long);
    await attempt(world, { identifier: unused });
    const names = (await list()).map(({ name }) => name);
    const [shortName, longName, unusedName] = await Promise.all(
      [short, long, unused].map(async (identifier) => (await list({ identifier }))[0]!.name),
    );
    expect(names.indexOf(longName!)).toBeLessThan(names.indexOf(shortName!));
    expect(names).toContain(shortName);
    expect(names).not.toContain(unusedName);
    expect((await list()).every(({ usedUp }) => usedUp)).toBe(true);
  });

  test("an ended window is no limit, but a run of failures is shown", async () => {
    const { identifier } = await world.person();
    await exhaust(identifier);
    await advanceTestClock(world.database, 86_400);
    expect(await list({ identifier })).toMatchObject([{ failures: 10, usedUp: false }]);
  });

  test("the list has at most 200 counters", async () => {
    await world.rows(sql`
      insert into attempt (bucket, count, maximum, resets_at, backs_off)
      select 'many:' || n, 9, 5, sallyport_now() + interval '1 hour', false from generate_series(1, 300) n`);
    expect(await list()).toHaveLength(200);
    await world.rows(sql`delete from attempt where bucket like 'many:%'`);
  });

  describe("what the subject cannot do", () => {
    test.each(["", "%", "credential:", "credential:%", "*", "attempt"])(
      "a name is compared as a whole: %j",
      async (name) => {
        const person = await world.person();
        await exhaust(person.identifier);
        expect(await lift({ name })).toBe(0);
        expect(await attempt(world, rightGuess(person))).toBe(limited);
      },
    );

    test.each(["identifier", "address"] as const)("a text that is no %s is refused", async (kind) => {
      for (const text of kind === "address" ? ["", "no address", "1.2.3"] : ["", "\0"]) {
        expect(await outcome(auth.limits.list({ actor: system, of: { [kind]: text } as LimitsOf }))).toBe(
          "invalid_format.identifier",
        );
      }
    });

    test("a key that is an identifier, an address or an id of an account names no counter of it", async () => {
      const person = await world.person();
      const address = freshAddress();
      await exhaust(person.identifier, address);
      for (const key of [person.identifier, address, person.userId, uuidFor("cred", person.credentialId), "attempt"]) {
        expect(await lift({ key })).toBe(0);
      }
      expect(await attempt(world, rightGuess(person))).toBe(limited);
    });
  });

  describe("who may", () => {
    test("a user may not, not even for their own account; the refusal is in their log", async () => {
      const { actor, identifier, userId } = await world.person();
      await exhaust(identifier);
      expect(await outcome(auth.limits.list({ actor, of: { identifier } }))).toBe("forbidden");
      expect(await outcome(auth.limits.lift({ actor, of: { identifier } }))).toBe("forbidden");
      expect(await world.events({ actor: userId, action: "identity.limit.lift" })).toMatchObject([
        { outcome: "denied" },
      ]);
      expect(await attempt(world, { identifier })).toBe(limited);
    });

    test("an administrator without a fresh second factor may not", async () => {
      const administrator = await world.administrator();
      await advanceTestClock(world.database, 1_801);
      const { code } = await refusal(
        auth.limits.lift({ actor: administrator.actor, of: { identifier: "a@b.example" } }),
      );
      expect(code).toBe("unauthorized.reauthentication_required");
    });

    test("an administrator may; the event names the counters and no identifier, also if there were none", async () => {
      const administrator = await world.administrator();
      const { identifier, credentialId } = await world.person();
      await exhaust(identifier);
      const { actor, userId } = administrator;
      await auth.limits.lift({ actor, of: { identifier } });
      await auth.limits.lift({ actor, of: { identifier } });
      const [one, two] = await world.events({ actor: userId, action: "identity.limit.lift" });
      expect([one!.outcome, two!.outcome, one!.targetId]).toEqual(["success", "success", "sys_limits"]);
      expect(one!.metadata.counters).toContain(`credential:${uuidFor("cred", credentialId)}`);
      expect(two!.metadata.counters).toEqual([]);
      expect(JSON.stringify([one, two])).not.toContain(identifier);
      await auth.limits.list({ actor });
      expect(await world.events({ actor: userId, action: "identity.limit.list" })).toHaveLength(1);
    });
  });

  test("another root secret: the identifier's own counters by digest are not found, those of its password are", async () => {
    const person = await world.person();
    await exhaust(person.identifier);
    const other = world.isolate({ secrets: toBase64Url(randomBytes(32)) });
    const { data } = await other.limits.list({ actor: system, of: { identifier: person.identifier } });
    expect(data.map(({ name }) => name)).toEqual([`credential:${uuidFor("cred", person.credentialId)}`]);
  });
});

describeWorld("lifting a limit while it is used", { on: ["postgres"], timeoutMilliseconds: 60_000 }, (world) => {
  test("200 wrong guesses and 20 liftings at once, in every order: no deadlock, and ten guesses for each lifting at most", async () => {
    const { identifier } = await world.person();
    const address = freshAddress();
    world.hasher.reset();
    const all = await Promise.all([
      ...Array.from({ length: 200 }, (_, index) => attempt(world, { identifier, ...(index % 2 && { address }) })),
      ...Array.from({ length: 10 }, () => outcome(world.auth.limits.lift({ actor: system, of: { identifier } }))),
      ...Array.from({ length: 10 }, () => outcome(world.auth.limits.lift({ actor: system, of: { address } }))),
    ]);
    expect(Object.keys(tally(all)).sort()).toEqual(expect.arrayContaining(["done", wrong]));
    expect(all.filter((code) => ![wrong, limited, "done"].includes(code))).toEqual([]);
    expect(world.hasher.computations).toBeLessThanOrEqual(10 * 11);
  });
});
