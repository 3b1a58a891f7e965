import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { longestTokenSeconds } from "../../src/domain/personal-access-token.ts";
import { advanceTestClock, installTestClock, setTestClock } from "../../src/testing/clock.ts";
import { freshAddress, openAuth, outcome, system, type World } from "../support/auth.ts";

let timed: World;
beforeAll(async () => {
  timed = await openAuth("pglite");
  await installTestClock(timed.database);
});
afterAll(() => timed.close());

describe("H1: personal access token expiry by the database's clock", () => {
  const at = new Date("2030-01-01T00:00:00.000Z");
  const plus = (seconds: number) => new Date(at.getTime() + seconds * 1000);
  test.each([
    { case: "now", expiresAt: at, code: "pat.expires_in_past" },
    { case: "a millisecond later", expiresAt: new Date(at.getTime() + 1), code: "done" },
    { case: "365 days later", expiresAt: plus(longestTokenSeconds), code: "done" },
    {
      case: "365 days and a millisecond",
      expiresAt: new Date(plus(longestTokenSeconds).getTime() + 1),
      code: "pat.expires_in_past",
    },
  ])("$case: $code", async ({ expiresAt, code }) => {
    const { userId } = await timed.person();
    await setTestClock(timed.database, at);
    const made = timed.auth.personalAccessTokens.create({ actor: system, userId, name: "x", scope: [], expiresAt });
    expect(await outcome(made)).toBe(code);
    await setTestClock(timed.database, undefined);
  });

  test("a token works before its expiry and not from then on, remembered or not", async () => {
    await setTestClock(timed.database, at);
    const { userId } = await timed.auth.users.create({ actor: system }).then(({ id }) => ({ userId: id }));
    const made = await timed.auth.personalAccessTokens.create({
      actor: system,
      userId,
      name: "x",
      scope: [],
      expiresAt: plus(100),
    });
    const use = (auth = timed.auth) =>
      outcome(auth.personalAccessTokens.verify({ token: made.token, context: { address: freshAddress() } }));
    await setTestClock(timed.database, new Date(plus(100).getTime() - 1));
    expect(await use()).toBe("done");
    expect(await use(timed.isolate())).toBe("done");
    await setTestClock(timed.database, plus(100));
    expect(await use()).toBe("pat.expired");
    expect(await use(timed.isolate())).toBe("pat.expired");
    // The revocation is reported first, because it is checked first.
    await timed.auth.personalAccessTokens.revoke({ actor: system, tokenId: made.pat.id });
    expect(await use()).toBe("pat.revoked");
    await setTestClock(timed.database, undefined);
  });

  test("a proof is remembered for five minutes by the database's clock", async () => {
    await setTestClock(timed.database, at);
    const { id: userId } = await timed.auth.users.create({ actor: system });
    const { token } = await timed.auth.personalAccessTokens.create({ actor: system, userId, name: "x", scope: [] });
    const cost = async () => {
      timed.hasher.reset();
      await timed.auth.personalAccessTokens.verify({ token, context: { address: freshAddress() } });
      return timed.hasher.computations;
    };
    expect([await cost(), await cost()]).toEqual([1, 0]);
    await advanceTestClock(timed.database, 299);
    expect(await cost()).toBe(0);
    await advanceTestClock(timed.database, 1);
    expect([await cost(), await cost()]).toEqual([1, 0]);
    // A clock that was set back makes no proof younger.
    await setTestClock(timed.database, plus(-3_600));
    expect(await cost()).toBe(1);
    await setTestClock(timed.database, undefined);
  });

  test("R104: the last use is written at most once a minute, and never for an ended token", async () => {
    await setTestClock(timed.database, at);
    const { id: userId } = await timed.auth.users.create({ actor: system });
    const { pat, token } = await timed.auth.personalAccessTokens.create({
      actor: system,
      userId,
      name: "x",
      scope: [],
    });
    const use = async () => {
      await outcome(timed.auth.personalAccessTokens.verify({ token, context: { address: freshAddress() } }));
      return (await timed.auth.personalAccessTokens.get({ actor: system, tokenId: pat.id })).lastUsedAt;
    };
    expect(await use()).toEqual(at);
    await setTestClock(timed.database, plus(60));
    expect(await use()).toEqual(at);
    await setTestClock(timed.database, plus(61));
    expect(await use()).toEqual(plus(61));
    await timed.auth.personalAccessTokens.revoke({ actor: system, tokenId: pat.id });
    await setTestClock(timed.database, plus(200));
    expect(await use()).toEqual(plus(61));
    await setTestClock(timed.database, undefined);
  });
});
