import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { HashQueueFullError } from "../../src/crypto/hash-queue.ts";
import type { PasswordHasher } from "../../src/crypto/password-hasher.ts";
import { generateId } from "../../src/domain/id.ts";
import { ProvedTokens, proofSeconds, TokenCheckPlaces } from "../../src/engine/proved-tokens.ts";
import { sql } from "../../src/store/sql.ts";
import {
  type FullAuth,
  freshAddress,
  goodPassword,
  openAuth,
  outcome,
  type Person,
  quickHasher,
  refusal,
  system,
  tally,
  type World,
} from "../support/auth.ts";

let world: World;
beforeAll(async () => {
  world = await openAuth("pglite");
});
afterAll(() => world.close());

const madeUp = (id = generateId("pat") as string): string => `${id}_${"A".repeat(43)}`;
const tokenOf = ({ userId }: Person) =>
  world.auth.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: ["docs:read"] });

/** A hasher with a queue of 16 places, like `argon2id()`'s, whose checks of tokens last until `release` is called. */
function hasherThatHoldsTokens() {
  const hasher = quickHasher();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  let taken = 0;
  const verify: PasswordHasher["verify"] = async (phc, password) => {
    if (taken >= 16) throw new HashQueueFullError();
    taken += 1;
    if (password !== goodPassword) await released;
    taken -= 1;
    return await hasher.verify(phc, password);
  };
  return { passwordHasher: { ...hasher, verify }, taken: () => taken, release };
}

/** Until the test is over, no wait of up to a second takes any time. Returns how long those waits would have been. */
function withoutWaiting(): () => readonly number[] {
  const real = globalThis.setTimeout;
  const waits: number[] = [];
  onTestFinished(() => {
    globalThis.setTimeout = real;
  });
  globalThis.setTimeout = ((run: () => void, milliseconds = 0) => {
    if (milliseconds > 1_000) return real(run, milliseconds);
    waits.push(milliseconds);
    return real(run, 0);
  }) as typeof setTimeout;
  return () => waits;
}

/** Presents a token, from a fresh address unless one is given. */
const use = (token: string, auth: FullAuth = world.auth, address = freshAddress()) =>
  outcome(auth.personalAccessTokens.verify({ token, context: { address } }));

describe("S24: made-up personal access tokens", () => {
  test("60 from one address in five minutes; further ones are refused unread", async () => {
    const address = freshAddress();
    const ada = await world.person();
    const { token } = await tokenOf(ada);
    for (let index = 0; index < 60; index++) expect(await use(madeUp(), world.auth, address)).toBe("pat.invalid");
    world.hasher.reset();
    const error = await refusal(world.auth.personalAccessTokens.verify({ token: madeUp(), context: { address } }));
    expect([error.code, error.retryAfterSeconds! > 0, error.retryAfterSeconds! <= 300]).toEqual([
      "too_many_requests",
      true,
      true,
    ]);
    // A valid token is unknown until it is hashed, so it waits too. A remembered token does not.
    expect(await use(token, world.auth, address)).toBe("too_many_requests");
    expect(world.hasher.computations).toBe(0);
    expect(await use(token)).toBe("done");
    expect(await use(token, world.auth, address)).toBe("done");

    const events = await world.events({ action: "identity.pat.verify.limited" });
    expect(events.filter(({ context }) => context.ip === address)).toHaveLength(1);
    // Sign-in has its own counters.
    const { identifier, password } = ada;
    expect(await outcome(world.auth.signIn.password({ identifier, password, context: { address } }))).toBe("done");
  });

  test("300 from one network, each from another address: limited", async () => {
    const codes: string[] = [];
    for (let index = 0; index < 310; index++) {
      codes.push(await use(madeUp(), world.auth, `2001:db8:77:${index.toString(16)}::1`));
    }
    expect(tally(codes)).toEqual({ "pat.invalid": 300, too_many_requests: 10 });
  });

  test("100 first uses of valid tokens from one address: none counted", async () => {
    const address = freshAddress();
    const { token } = await tokenOf(await world.person());
    for (let index = 0; index < 100; index++) {
      expect(await use(token, world.isolate(), address)).toBe("done");
    }
    const counts = await world.rows<{ n: number }>(sql`
      select count::int as n from attempt where bucket like 'pat-address:%' and resets_at > sallyport_now() order by resets_at desc limit 1`);
    expect(counts[0]!.n).toBe(0);
  });

  test("S21: 1,000 at once from one address: 60 are checked", async () => {
    const address = freshAddress();
    const auth = world.isolate({ maxTokenChecks: 500 });
    const codes = await Promise.all(Array.from({ length: 1_000 }, () => use(madeUp(), auth, address)));
    expect(tally(codes)).toEqual({ "pat.invalid": 60, too_many_requests: 940 });
  });

  /** Signs in, eight at once, while 60 made-up tokens hold every place that they can get. Returns the answers to both. */
  async function signInDuringFlood(more: { maxTokenChecks?: number }, places: number) {
    const { passwordHasher, taken, release } = hasherThatHoldsTokens();
    const auth = world.isolate({ passwordHasher, ...more });
    const { identifier } = await world.person();
    const flood = Promise.all(Array.from({ length: 60 }, () => use(madeUp(), auth)));
    await vi.waitFor(() => expect(taken()).toBe(places), { timeout: 30_000, interval: 5 });
    const proof = () => ({ identifier, password: goodPassword, context: { address: freshAddress() } });
    const signIns = await Promise.all(Array.from({ length: 8 }, () => outcome(auth.signIn.password(proof()))));
    release();
    return { signIns: tally(signIns), flood: await flood };
  }

  test("a flood from many addresses leaves sign-in most places of the hash queue", async () => {
    const { signIns, flood } = await signInDuringFlood({}, 4);
    expect(signIns).toEqual({ done: 8 });
    expect(flood.filter((code) => !["pat.invalid", "unavailable.busy"].includes(code))).toEqual([]);
  });

  test("planted fault, tokens get every place of the queue: users cannot sign in", async () => {
    const { signIns } = await signInDuringFlood({ maxTokenChecks: 500 }, 16);
    expect(signIns).toEqual({ "unavailable.busy": 8 });
  });

  test("a check that the full queue refused is not counted", async () => {
    const address = freshAddress();
    const auth = world.isolate({
      passwordHasher: { ...quickHasher(), verify: () => Promise.reject(new Error("gone")) },
    });
    for (let index = 0; index < 70; index++) {
      await expect(auth.personalAccessTokens.verify({ token: madeUp(), context: { address } })).rejects.toThrow("gone");
    }
  });

  test("40 first requests at once with one token: all succeed, with one hash per place in the queue", async () => {
    const { token } = await tokenOf(await world.person());
    const address = freshAddress();
    const hasher = quickHasher();
    let hashes = 0;
    const auth = world.isolate({
      passwordHasher: {
        ...hasher,
        async verify(phc, password) {
          hashes += 1;
          await new Promise((resolve) => setTimeout(resolve, 300));
          return await hasher.verify(phc, password);
        },
      },
    });
    const codes = await Promise.all(Array.from({ length: 40 }, () => use(token, auth, address)));
    expect(tally(codes)).toEqual({ done: 40 });
    expect(hashes).toBe(4);
  });

  test("a check without a place within a second: 503, and not counted", async () => {
    const hasher = quickHasher();
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const { promise: taken, resolve: take } = Promise.withResolvers<void>();
    const auth = world.isolate({
      maxTokenChecks: 1,
      passwordHasher: {
        ...hasher,
        async verify(phc, password) {
          take();
          await held;
          return await hasher.verify(phc, password);
        },
      },
    });
    const address = freshAddress();
    const first = use(madeUp(), auth);
    await taken;
    const waits = withoutWaiting();
    const error = await refusal(auth.personalAccessTokens.verify({ token: madeUp(), context: { address } }));
    expect([error.code, error.retryAfterSeconds]).toEqual(["unavailable.busy", 1]);
    expect(waits()).toEqual(Array(40).fill(25));
    release();
    expect(await first).toBe("pat.invalid");
    for (let index = 0; index < 60; index++) expect(await use(madeUp(), auth, address)).toBe("pat.invalid");
    expect(await use(madeUp(), auth, address)).toBe("too_many_requests");
  });
});

describe("S24: proved tokens that an isolate remembers", () => {
  const proof = (index: number) => ({ secretHash: `hash ${index}`, provedAt: new Date(0) });

  test("at most 1,000 tokens, the most recently used", () => {
    const proved = new ProvedTokens();
    for (let index = 0; index < 1_000; index++) proved.keep(`${index}`, proof(index));
    expect(proved.find("0")).toEqual(proof(0));
    for (let index = 1_000; index < 1_999; index++) proved.keep(`${index}`, proof(index));
    expect(proved.size).toBe(1_000);
    expect([proved.find("0"), proved.find("1"), proved.find("999"), proved.find("1998")]).toEqual([
      proof(0),
      undefined,
      undefined,
      proof(1_998),
    ]);
    proved.forget("0");
    expect([proved.find("0"), proved.size]).toEqual([undefined, 999]);
  });

  test("remembered for at most five minutes", () => {
    expect(proofSeconds).toBe(300);
  });

  test("a wrong token is not remembered", async () => {
    const { pat } = await tokenOf(await world.person());
    const wrong = madeUp(pat.id);
    for (let time = 1; time <= 3; time++) {
      world.hasher.reset();
      expect([await use(wrong), world.hasher.computations]).toEqual(["pat.invalid", 1]);
    }
  });

  test("F04: places of abandoned requests are free again after a while", async () => {
    const places = new TokenCheckPlaces(2);
    expect([places.take(), places.take(), places.take()].map(Boolean)).toEqual([true, true, false]);
    const place = new TokenCheckPlaces(1);
    const taken = place.take()!;
    expect(place.take()).toBeUndefined();
    place.leave(taken);
    expect(place.take()).toBeDefined();
  });
});
