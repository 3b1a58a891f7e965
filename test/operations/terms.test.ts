import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemActor } from "../../src/domain/actor.ts";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import { openAuth, outcome, system, type World } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

const first = { version: "2026-11-01", url: "https://example.com/terms" };
const second = { version: "2026-12-01", url: "/terms" };

describeWorld("X9: accepting the terms", { on: ["pglite", "postgres"] }, (world) => {
  const termsOf = async (userId: Awaited<ReturnType<typeof world.person>>["userId"]) => {
    const { termsVersion, termsAcceptedAt } = await world.auth.users.get({ actor: system, userId });
    return [termsVersion, termsAcceptedAt];
  };

  test("the version and the time of acceptance are on the user; a new user has accepted nothing", async () => {
    const { actor, userId } = await world.person();
    expect(await termsOf(userId)).toEqual([null, null]);
    const user = await world.auth.terms.accept({ actor, userId, version: first.version });
    expect(user.termsVersion).toBe(first.version);
    expect(await termsOf(userId)).toEqual([first.version, user.termsAcceptedAt]);
  });

  test("accepting a version again keeps its first time, and leaves no second event", async () => {
    const { actor, userId } = await world.person();
    const { termsAcceptedAt } = await world.auth.terms.accept({ actor, userId, version: first.version });
    const again = await world.auth.terms.accept({ actor, userId, version: first.version });
    expect(again.termsAcceptedAt).toEqual(termsAcceptedAt);
    const events = await world.events({ target: userId, action: "identity.terms.accept" });
    expect(events.map(({ outcome, metadata }) => [outcome, metadata])).toEqual([
      ["success", { version: first.version }],
    ]);
  });

  test("a version that is not current is refused, and the refusal names the current one", async () => {
    const { actor, userId } = await world.person();
    for (const version of ["2001-01-01", "", `${first.version} `, "constructor", "x".repeat(10_000)]) {
      const refused = world.auth.terms.accept({ actor, userId, version });
      await expect(refused).rejects.toMatchObject({ code: "conflict.terms_changed", details: first });
    }
    expect(await termsOf(userId)).toEqual([null, null]);
  });

  test("after a change of the terms, each version that was accepted is in the audit log", async () => {
    const { actor, userId } = await world.person();
    await world.auth.terms.accept({ actor, userId, version: first.version });
    const changed = world.isolate({ terms: second });
    expect(await outcome(changed.terms.accept({ actor, userId, version: first.version }))).toBe(
      "conflict.terms_changed",
    );
    await changed.terms.accept({ actor, userId, version: second.version });
    expect((await termsOf(userId))[0]).toBe(second.version);
    const events = await world.events({ target: userId, action: "identity.terms.accept" });
    expect(events.map(({ metadata }) => metadata.version)).toEqual([first.version, second.version]);
  });

  test("nobody accepts for another user: not a stranger, not an administrator; the application does", async () => {
    const { userId } = await world.person();
    const stranger = await world.person();
    const administrator = await world.administrator();
    const { version } = first;
    for (const { actor } of [stranger, administrator]) {
      expect(await outcome(world.auth.terms.accept({ actor, userId, version }))).toMatch(/^(forbidden|not_found)$/);
    }
    expect(await termsOf(userId)).toEqual([null, null]);
    await world.auth.terms.accept({ actor: systemActor("import"), userId, version });
    expect((await termsOf(userId))[0]).toBe(version);
  });

  test("the application does not accept for a user who is suspended", async () => {
    const { userId } = await world.person();
    await world.auth.users.suspend({ actor: system, userId });
    const accepted = world.auth.terms.accept({ actor: system, userId, version: first.version });
    expect(await outcome(accepted)).toBe("precondition.user_not_active");
  });

  test("at once, a hundred times: one event, and one time", async () => {
    const { actor, userId } = await world.person();
    const users = await Promise.all(
      Array.from({ length: 100 }, () => world.auth.terms.accept({ actor, userId, version: first.version })),
    );
    expect(new Set(users.map(({ termsAcceptedAt }) => termsAcceptedAt!.getTime())).size).toBe(1);
    expect(await world.events({ target: userId, action: "identity.terms.accept" })).toHaveLength(1);
  });
});

describe("the options of terms", () => {
  let world: World;
  beforeAll(async () => {
    world = await openAuth("pglite");
    await installTestClock(world.database);
  });
  afterAll(() => world.close());

  test.each([
    [{ version: "", url: "/terms" }, "terms.version"],
    [{ version: "two words", url: "/terms" }, "terms.version"],
    [{ version: "x".repeat(65), url: "/terms" }, "terms.version"],
    [{ version: undefined as unknown as string, url: "/terms" }, "terms.version"],
    [{ version: "1", url: "" }, "terms.url"],
    [{ version: "1", url: "http://example.com/terms" }, "terms.url"],
    [{ version: "1", url: "javascript:alert(1)" }, "terms.url"],
    [{ version: "1", url: "//evil.example/terms" }, "terms.url"],
    [{ version: "1", url: "/\\evil.example" }, "terms.url"],
    [{ version: "1", url: "/two words" }, "terms.url"],
    [{ version: "1", url: undefined as unknown as string }, "terms.url"],
  ])("%j is refused at first use, by its name", async (terms, option) => {
    const { actor, userId } = await world.person();
    const wrong = world.isolate({ terms });
    await expect(wrong.terms.accept({ actor, userId, version: "1" })).rejects.toMatchObject({ option });
  });

  test("the time is the database's", async () => {
    await setTestClock(world.database, new Date("2026-12-01T10:00:00Z"));
    const { actor, userId } = await world.person();
    await advanceTestClock(world.database, 90);
    const user = await world.auth.terms.accept({ actor, userId, version: first.version });
    expect(user.termsAcceptedAt).toEqual(new Date("2026-12-01T10:01:30Z"));
  });
});
