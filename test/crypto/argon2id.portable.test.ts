import { describe, expect, test } from "vitest";
import { argon2id, decoyHash, HashQueueFullError } from "../../src/runtime/argon2id.ts";

const hasher = argon2id();

describe("Flametrench 2.5: the pinned decoy", () => {
  test.each([
    { case: "its password", password: "correcthorsebatterystaple", expected: true },
    { case: "another", password: "wrong-password", expected: false },
    { case: "the empty password", password: "", expected: false },
    { case: "its password and a space", password: "correcthorsebatterystaple ", expected: false },
  ])("$case: $expected", async ({ password, expected }) => {
    expect(await hasher.verify(decoyHash, password)).toBe(expected);
  });

  test("S42: the decoy costs as much as a real hash", () => {
    expect(hasher.needsRehash(decoyHash)).toBe(false);
  });
});

/** Made with the C reference through npm's `argon2` and with `@node-rs/argon2`, which agree. */
const foreign = [
  ["sallyport", "$argon2id$v=19$m=19456,t=2,p=1$IEVqj7TZ/iNIbZK33AEmSw$i1UhQ4Sw7fE3qcfKOV1jSchBs1GePiKgzCzmW9Xh0sw"],
  ["sallyport", "$argon2id$v=19$m=8,t=1,p=1$EDVaf6TJ7hM$JY18CzSUoGSeFQgBnymfog"],
  ["sallyport", "$argon2id$v=19$m=61,t=3,p=1$IUZrkLXa/yRJbpO43QInTA$er5YzxaAm6xSe7U07b7tnE/BjQDFO8FtLAa/2fu/z6wt"],
  [
    "sallyport",
    "$argon2id$v=19$m=64,t=2,p=3$QGWKr9T5HkNojbLX/CFGa5C12v8kSW6T$44Z5d9ou99tFIZK4a7bx5BNu0TtmK8eSMuy4Fk1oEXAL8AfE5Mc9js0QuBXq931BnBvEP9FD6KolK/6gh3DYrQ",
  ],
  [
    "sallyport",
    "$argon2id$v=19$m=4096,t=10,p=4$MFV6n8TpDjNYfaLH7BE2W4Clyu8UOV6DqM3yFzxhhqvQ9Ro/ZImu0/gdQmeMsdb7IEVqj7TZ/iNIbZK33AEmSw$jfgyORcfCQNIXwVWxC38gmIKQjdCHNflZdR+muYmlgQeSWEky92kn5uX7cCPq62y",
  ],
  ["sallyport", "$argon2id$v=19$m=65536,t=4,p=1$IEVqj7TZ/iNIbZK33AEmSw$narVeZNNBQR5NyOsnZ80Q6ucskOieiiI10Tixo3PbKk"],
  [
    "pässwörd–日本語🔑",
    "$argon2id$v=19$m=32,t=1,p=4$QGWKr9T5HkNojbLX/CFGaw$QKYEqJcrnhXJxT7VelnHybVop5SFpGLNsAVye/Sud5OcaSZgCwJbcAq65wO0nG0hWKDIFZOxZyccOGNV7rsPUA",
  ],
  ["sallyport", "$argon2id$v=19$m=64,p=1,t=2$qhJBMpKmoBPFKpJn7yeVsA$F/BwtKctuizSf8DzUR9XmV00nfiEt5WIWk9g5HjaMgA"],
] as const;

describe("R009: hashes by other libraries, at costs that grow and shrink on one instance", () => {
  test.each([...foreign, ...foreign.toReversed()])("%s, %s", async (password, phc) => {
    expect(await hasher.verify(phc, password)).toBe(true);
    expect(await hasher.verify(phc, `${password}x`)).toBe(false);
  });

  test("a tag that differs in one bit: false", async () => {
    const phc = foreign[1][1];
    expect(await hasher.verify(phc.replace(/nymfog$/, "nymfow"), "sallyport")).toBe(false);
  });
});

describe("R009: format written", () => {
  test("m=19456,t=2,p=1, a salt of 16 bytes, a tag of 32, and it verifies", async () => {
    const phc = await hasher.hash("correct horse battery");
    expect(phc).toMatch(
      /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{21}[AQgw]\$[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]$/,
    );
    expect(await hasher.verify(phc, "correct horse battery")).toBe(true);
    expect(await hasher.verify(phc, "correct horse batterz")).toBe(false);
    expect(hasher.needsRehash(phc)).toBe(false);
  });

  test("the same password twice: two salts", async () => {
    expect(await hasher.hash("same")).not.toBe(await hasher.hash("same"));
  });
});

describe("B58, R002: every byte of the password counts", () => {
  const a72 = "a".repeat(72);
  const of72 = "$argon2id$v=19$m=19456,t=2,p=1$IEVqj7TZ/iNIbZK33AEmSw$phedCJygLGM7SC2vEq2X1BOoz9my8STYnEwNaqFpZ98";
  const of73 = "$argon2id$v=19$m=19456,t=2,p=1$IEVqj7TZ/iNIbZK33AEmSw$1XxZ+ZVWvF+3NTIvD78fkwoqRVv1KDIaeIAJKAII+1s";

  test.each([
    { case: "72 bytes for 72", phc: of72, password: a72, expected: true },
    { case: "73 for 72", phc: of72, password: `${a72}b`, expected: false },
    { case: "73 for 73", phc: of73, password: `${a72}b`, expected: true },
    { case: "73, another last byte", phc: of73, password: `${a72}c`, expected: false },
    { case: "72 for 73", phc: of73, password: a72, expected: false },
  ])("$case: $expected", async ({ phc, password, expected }) => {
    expect(await hasher.verify(phc, password)).toBe(expected);
  });

  test("1,024 bytes: the last one counts; 1,025 are refused", async () => {
    const longest = "a".repeat(1024);
    const phc = await hasher.hash(longest);
    expect(await hasher.verify(phc, longest)).toBe(true);
    expect(await hasher.verify(phc, `${longest.slice(1)}b`)).toBe(false);
    expect(await hasher.verify(phc, `${longest}a`)).toBe(false);
    await expect(hasher.hash(`${longest}a`)).rejects.toThrow(RangeError);
  });
});

describe("S15: passwords that cannot be hashed", () => {
  test.each([
    { case: "empty (B59)", password: "" },
    { case: "over 4 KiB", password: "ａ".repeat(2000) },
    { case: "a lone surrogate", password: "pass\ud83d" },
  ])("$case: verifies as false, is not hashed", async ({ password }) => {
    expect(await hasher.verify(decoyHash, password)).toBe(false);
    await expect(hasher.hash(password)).rejects.toThrow(RangeError);
  });

  test("composed and decomposed spellings are the same password", async () => {
    const phc = await hasher.hash("caf\u00e9 \ufb01sh");
    expect(await hasher.verify(phc, "cafe\u0301 fish")).toBe(true);
  });
});

describe("R012: a hash with too high a cost is refused before any work", () => {
  const salt = "IEVqj7TZ/iNIbZK33AEmSw";
  const tag = "phedCJygLGM7SC2vEq2X1BOoz9my8STYnEwNaqFpZ98";
  const refused = [
    `$argon2id$v=19$m=4194304,t=2,p=1$${salt}$${tag}`,
    `$argon2id$v=19$m=19456,t=1000000,p=1$${salt}$${tag}`,
    `$argon2id$v=19$m=65536,t=5,p=1$${salt}$${tag}`,
    `$argon2id$v=19$m=65537,t=1,p=1$${salt}$${tag}`,
    `$argon2id$v=19$m=19456,t=2,p=5$${salt}$${tag}`,
    `$argon2i$v=19$m=19456,t=2,p=1$${salt}$${tag}`,
    `$argon2d$v=19$m=19456,t=2,p=1$${salt}$${tag}`,
    `$argon2id$v=16$m=19456,t=2,p=1$${salt}$${tag}`,
    `$argon2id$m=19456,t=2,p=1$${salt}$${tag}`,
    "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
    "",
  ];

  test.each(refused)("%s: false in under 5 ms", async (phc) => {
    const milliseconds: number[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      const started = performance.now();
      expect(await hasher.verify(phc, "sallyport")).toBe(false);
      milliseconds.push(performance.now() - started);
    }
    expect(Math.min(...milliseconds)).toBeLessThan(5);
  });

  test("an unacceptable hash does not wait for a place in the queue", async () => {
    const waiting = Array.from({ length: 16 }, () => hasher.verify(foreign[1][1], "sallyport"));
    const answers = await Promise.all(refused.map((phc) => hasher.verify(phc, "sallyport")));
    expect(answers).toEqual(refused.map(() => false));
    expect(await Promise.all(waiting)).toEqual(Array(16).fill(true));
  });
});

describe("R011: the queue", () => {
  const cheap = foreign[1][1];
  const accepted = async (promises: Promise<boolean>[]) => {
    const settled = await Promise.allSettled(promises);
    for (const each of settled) {
      if (each.status === "rejected") expect(each.reason).toBeInstanceOf(HashQueueFullError);
    }
    return settled.filter((each) => each.status === "fulfilled" && each.value).length;
  };

  test("1,000 at once: 16 answered, the rest refused, then it accepts again", async () => {
    expect(await accepted(Array.from({ length: 1000 }, () => hasher.verify(cheap, "sallyport")))).toBe(16);
    expect(await hasher.verify(cheap, "sallyport")).toBe(true);
  });

  test("S24: two hashers share the queue, the smaller limit gives way", async () => {
    const small = argon2id({ queueLength: 8 });
    const forTokens = accepted(Array.from({ length: 100 }, () => small.verify(cheap, "sallyport")));
    const forSignIn = accepted(Array.from({ length: 100 }, () => hasher.verify(cheap, "sallyport")));
    expect([await forTokens, await forSignIn]).toEqual([8, 8]);
  });

  test.each([0, -1, 1.5, 1001, Number.NaN, Number.POSITIVE_INFINITY])("queueLength %s: TypeError", (queueLength) => {
    expect(() => argon2id({ queueLength })).toThrow(TypeError);
  });
});
