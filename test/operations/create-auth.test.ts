import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import { ConfigurationError } from "../../src/engine/options.ts";
import { realmOf } from "../../src/http/auth-source.ts";
import { health, probe } from "../../src/operations/health.ts";
import { argon2id, decoyHash } from "../../src/runtime/argon2id.ts";
import type { Database } from "../../src/store/sql.ts";
import { installTestClock } from "../../src/testing/clock.ts";
import { type FullOptions, fullAuth, openAuth, quickHasher, sealingKey, secret, type World } from "../support/auth.ts";

const silent: Database = {
  run: () => Promise.reject(new Error("Nothing may be sent.")),
  batch: () => Promise.reject(new Error("Nothing may be sent.")),
};
const good: FullOptions = {
  database: silent,
  passwordHasher: argon2id(),
  secrets: secret,
  sealingKeys: sealingKey,
  origins: ["https://example.com"],
};

/** The option that the error names, or `"none"`. */
function refusedOption(options: object): string {
  try {
    realmOf(fullAuth({ ...good, ...options })).check();
    return "none";
  } catch (error) {
    if (error instanceof ConfigurationError) return error.option;
    throw error;
  }
}

describe("R132, S34: a missing or unsafe option is refused and named", () => {
  test("valid options: accepted without any request", () => {
    expect(refusedOption({})).toBe("none");
  });

  const development = `development.${toBase64Url(randomBytes(32))}`;
  const level = (absoluteSeconds: number, idleSeconds: number) => ({
    lifetimes: { level1: { absoluteSeconds, idleSeconds } },
  });
  const limit = (attempts: number, windowSeconds: number) => ({ limits: { account: { attempts, windowSeconds } } });
  test.each<{ case: string; options: object; option: string }>([
    { case: "no database", options: { database: undefined }, option: "database" },
    { case: "no hasher", options: { passwordHasher: undefined }, option: "passwords" },
    { case: "no secret", options: { secrets: undefined }, option: "secrets" },
    { case: "an empty secret", options: { secrets: "" }, option: "secrets" },
    { case: "a short secret", options: { secrets: toBase64Url(randomBytes(31)) }, option: "secrets" },
    { case: "a sample secret", options: { secrets: "changeme-changeme-changeme-changeme-changem" }, option: "secrets" },
    { case: "the same secret twice", options: { secrets: `2:${secret},1:${secret}` }, option: "secrets" },
    {
      case: "a development secret for an origin that is not loopback",
      options: { secrets: development },
      option: "secrets",
    },
    {
      case: "a development secret where one origin of two is not loopback",
      options: { secrets: development, origins: ["http://localhost:8787", "https://example.com"] },
      option: "secrets",
    },
    {
      case: "a development secret together with a good one",
      options: { secrets: `2:${secret},1:${development}` },
      option: "secrets",
    },
    {
      case: "a development secret on loopback",
      options: { secrets: development, origins: ["http://localhost:8787"] },
      option: "none",
    },
    { case: "no origin", options: { origins: [] }, option: "origins" },
    { case: "origins missing", options: { origins: undefined }, option: "origins" },
    { case: "a wildcard origin", options: { origins: ["https://*.example.com"] }, option: "origins" },
    { case: "an http origin", options: { origins: ["http://example.com"] }, option: "origins" },
    { case: "a negative window of retries", options: { lifetimes: { retrySeconds: -1 } }, option: "lifetimes" },
    { case: "a window of 30 s", options: { lifetimes: { retrySeconds: 30 } }, option: "none" },
    { case: "a window of 31 s", options: { lifetimes: { retrySeconds: 31 } }, option: "lifetimes" },
    { case: "a window of half a second", options: { lifetimes: { retrySeconds: 0.5 } }, option: "lifetimes" },
    { case: "a window of NaN", options: { lifetimes: { retrySeconds: Number.NaN } }, option: "lifetimes" },
    { case: "an idle time of 59 s", options: level(3_600, 59), option: "lifetimes" },
    { case: "an idle time of 60 s", options: level(3_600, 60), option: "none" },
    { case: "an idle time longer than all", options: level(3_600, 3_601), option: "lifetimes" },
    { case: "400 days", options: level(400 * 86_400, 3_600), option: "none" },
    { case: "more than 400 days", options: level(400 * 86_400 + 1, 3_600), option: "lifetimes" },
    { case: "no end", options: level(Number.POSITIVE_INFINITY, 3_600), option: "lifetimes" },
    { case: "half seconds", options: level(3_600.5, 60), option: "lifetimes" },
    { case: "a lifetime that is not a number", options: level(Number.NaN, Number.NaN), option: "lifetimes" },
    { case: "no attempts", options: limit(0, 60), option: "limits" },
    { case: "one attempt in one second", options: limit(1, 1), option: "none" },
    { case: "100 attempts", options: limit(100, 60), option: "none" },
    { case: "101 attempts, more than may fail in a row (R013)", options: limit(101, 60), option: "limits" },
    { case: "endless attempts", options: limit(Number.POSITIVE_INFINITY, 60), option: "limits" },
    { case: "half an attempt", options: limit(1.5, 60), option: "limits" },
    { case: "a window of zero, which would never limit", options: limit(10, 0), option: "limits" },
    { case: "a window of more than a day", options: limit(10, 86_401), option: "limits" },
    { case: "a limit that is not a number", options: limit(Number.NaN, Number.NaN), option: "limits" },
    {
      case: "1,000 attempts of an address",
      options: { limits: { address: { attempts: 1_000, windowSeconds: 60 } } },
      option: "none",
    },
    {
      case: "no attempts of a network",
      options: { limits: { network: { attempts: 0, windowSeconds: 60 } } },
      option: "limits",
    },
    { case: "a decoy that is not a hash: no work would be done", options: { decoyHash: "" }, option: "decoyHash" },
    {
      case: "a decoy of another algorithm",
      options: { decoyHash: "$2b$10$abcdefghijklmnopqrstuv" },
      option: "decoyHash",
    },
  ])("$case: $option", ({ options, option }) => {
    expect(refusedOption(options)).toBe(option);
  });

  test("R129: no message contains a secret", () => {
    for (const secrets of [`1:${secret},1:${secret}`, `${secret}=`, `2:${secret},1:${secret}`]) {
      try {
        realmOf(fullAuth({ ...good, secrets })).check();
        expect.unreachable();
      } catch (error) {
        expect(`${(error as Error).stack}`).not.toContain(secret.slice(0, 10));
      }
    }
  });

  test("auth.origins: the origins in their normal form", () => {
    const { origins } = fullAuth({
      ...good,
      origins: ["https://example.com", { origin: "https://b.example", uses: ["cors"] }],
    });
    expect(origins.map(({ origin, uses }) => [origin, uses.length])).toEqual([
      ["https://example.com", 4],
      ["https://b.example", 1],
    ]);
  });
});

describe("S34: secrets and origins", () => {
  const make = (secrets: string, origin: string) => () =>
    fullAuth({
      database: {} as Database,
      passwordHasher: quickHasher(),
      decoyHash: decoyHash,
      secrets,
      sealingKeys: sealingKey,
      origins: [origin],
    }).origins;

  test.each([
    { case: "bytes that count up", bytes: Uint8Array.from({ length: 32 }, (_, index) => index) },
    { case: "bytes that count down by three", bytes: Uint8Array.from({ length: 32 }, (_, index) => 200 - 3 * index) },
  ])("a secret of $case: refused", ({ bytes }) => {
    expect(make(toBase64Url(bytes), "https://example.com")).toThrow(/secrets/);
  });

  test("a development secret: accepted for loopback and private addresses, refused for a site", () => {
    const development = `development.${toBase64Url(randomBytes(32))}`;
    expect(make(development, "https://example.com")).toThrow(/secrets/);
    for (const origin of ["http://localhost:8787", "https://localhost:8443", "https://192.168.1.20:8443"]) {
      expect(make(development, origin)).not.toThrow(/secrets/);
    }
  });

  test("sealing keys that equal the root secret in another spelling: refused", () => {
    expect(() => realmOf(fullAuth({ ...good, sealingKeys: `1:${secret}` })).check()).toThrow(ConfigurationError);
  });
});

describe("probe and health", () => {
  let world: World;
  beforeAll(async () => {
    world = await openAuth("postgres");
  });
  afterAll(() => world.close());

  test("health takes one request, probe six: the clock, a row written and read twice, and its deletion", async () => {
    world.counting.reset(1);
    await health(world.auth);
    world.counting.reset(6);
    await probe(world.auth);
    expect(world.counting.requests).toBe(6);
    world.counting.reset();
  });

  test("probe of a good database: passes and leaves nothing behind", async () => {
    await probe(world.auth);
    await Promise.all(Array.from({ length: 20 }, () => probe(world.auth)));
    await health(world.auth);
    expect(await world.rows({ text: "select id from sallyport_probe", params: [] })).toEqual([]);
  });

  test("S50, F07: probe: detects a query cache", async () => {
    const cache = new Map<string, Promise<unknown[]>>();
    const caching: Database = {
      run<Row>(statement: { text: string; params: readonly unknown[] }) {
        if (!statement.text.trim().startsWith("select")) return world.database.run<Row>(statement as never);
        const key = JSON.stringify([statement.text, statement.params]);
        if (!cache.has(key)) cache.set(key, world.database.run(statement as never));
        return cache.get(key) as Promise<Row[]>;
      },
      batch: (statements) => world.database.batch(statements),
    };
    await expect(probe(world.isolate({ database: caching }))).rejects.toMatchObject({ code: "stale_reads" });
  });

  test("S17: probe: detects a settable clock", async () => {
    const clocked = await openAuth("postgres");
    await installTestClock(clocked.database);
    await expect(probe(clocked.auth)).rejects.toThrow();
    await expect(health(clocked.auth)).rejects.toThrow();
    await clocked.close();
  });

  test("health of a database that does not answer: rejects", async () => {
    await expect(health(world.isolate({ database: silent }))).rejects.toThrow();
    await expect(probe(world.isolate({ database: silent }))).rejects.toThrow();
  });
});
