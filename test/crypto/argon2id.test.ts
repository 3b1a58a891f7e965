import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Argon2id, type Argon2idInput } from "../../src/crypto/argon2id.ts";
import { fromBase64, fromHex, toHex, utf8 } from "../../src/crypto/bytes.ts";
import { parsePhc } from "../../src/crypto/phc.ts";
import { argon2Base64 } from "../../src/runtime/generated/argon2.ts";

const binary = new WebAssembly.Module(fromBase64(argon2Base64)!);
const computation = new Argon2id(binary);

/** RFC 9106 §5.3. */
const rfc9106: Argon2idInput = {
  password: new Uint8Array(32).fill(1),
  salt: new Uint8Array(16).fill(2),
  secret: new Uint8Array(8).fill(3),
  associatedData: new Uint8Array(12).fill(4),
  cost: { memoryKiB: 32, passes: 3, lanes: 4 },
  tagBytes: 32,
};
const rfc9106Tag = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";

const pinned: Argon2idInput = {
  password: utf8("correct horse battery staple"),
  salt: new Uint8Array(16).fill(9),
  cost: { memoryKiB: 19_456, passes: 2, lanes: 1 },
  tagBytes: 32,
};

interface Exports {
  memory: WebAssembly.Memory;
  Hash_Calculate(length: number, parameter: number): void;
}

/** Runs `make` and gives back the exports of every instance that it made, replaced by `change` before they are used. */
function instancesOf<Result>(make: () => Result, change: (exports: Exports) => Exports = (same) => same) {
  const exports: Exports[] = [];
  const RealInstance = WebAssembly.Instance;
  WebAssembly.Instance = class {
    readonly exports: Exports;
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      const real = new RealInstance(module, imports).exports as unknown as Exports;
      exports.push(real);
      this.exports = change(real);
    }
  } as unknown as typeof WebAssembly.Instance;
  try {
    return { result: make(), exports };
  } finally {
    WebAssembly.Instance = RealInstance;
  }
}

const copyOf = ({ memory }: Exports) => new Uint8Array(memory.buffer).slice();

test("RFC 9106 §5.3", () => {
  expect(toHex(computation.tag(rfc9106))).toBe(rfc9106Tag);
});

const shared = new URL("../../../shared/vectors/argon2/", import.meta.url);

/** The published vectors beside the project, where there are any; what they cover, this folder covers too. */
function sharedRows<Row>(file: string): Row[] {
  if (!existsSync(shared)) return [];
  const { vectors } = JSON.parse(readFileSync(new URL(file, shared), "utf8")) as { vectors: Row[] };
  expect(vectors.length).toBeGreaterThan(20);
  return vectors;
}

interface ReferenceRow {
  type: string;
  version: number;
  t: number;
  m: number;
  p: number;
  password: string;
  salt: string;
  hash_hex: string;
  encoded: string;
}

interface DerivedRow extends Omit<ReferenceRow, "password" | "salt" | "encoded"> {
  password_utf8_hex: string;
  salt_hex: string;
}

test("the C reference's own Argon2id vectors", { timeout: 60_000 }, () => {
  const ample = new Argon2id(binary);
  const rows = sharedRows<ReferenceRow>("argon2-reference-kats.json");
  for (const row of rows.filter(({ type, version }) => type === "argon2id" && version === 19)) {
    const cost = { memoryKiB: row.m, passes: row.t, lanes: row.p };
    const tag = ample.tag({ password: utf8(row.password), salt: utf8(row.salt), cost, tagBytes: 32 });
    expect(toHex(tag), row.encoded).toBe(row.hash_hex);
    if (row.m <= 65_536) expect(parsePhc(row.encoded)).toEqual({ cost, salt: utf8(row.salt), tag });
  }
  for (const row of rows.filter(({ type, version }) => type !== "argon2id" || version !== 19)) {
    expect(parsePhc(row.encoded), row.encoded).toBeUndefined();
  }
});

test("R009: the 40 derived vectors at the pinned cost, the empty password and inner NULs among them", () => {
  for (const row of sharedRows<DerivedRow>("argon2id-m19456-t2-p1-derived.json")) {
    const [password, salt] = [fromHex(row.password_utf8_hex)!, fromHex(row.salt_hex)!];
    const cost = { memoryKiB: row.m, passes: row.t, lanes: row.p };
    expect(toHex(computation.tag({ password, salt, cost, tagBytes: 32 })), row.password_utf8_hex).toBe(row.hash_hex);
  }
});

describe("F12: nothing of a password stays in memory", () => {
  const { result: watched, exports } = instancesOf(() => new Argon2id(binary));
  const [argon2] = exports as [Exports];

  test("the memory is as it was before the first hash, and zero where it has grown", () => {
    const before = copyOf(argon2);
    watched.tag(pinned);
    const after = copyOf(argon2);
    expect(after.length).toBeGreaterThan(19_456 * 1024);
    expect(Buffer.compare(after.subarray(0, before.length), before)).toBe(0);
    expect(after.subarray(before.length).every((byte) => byte === 0)).toBe(true);
  });

  test("one instance, and its memory does not grow again for the same or less", () => {
    const length = argon2.memory.buffer.byteLength;
    for (const memoryKiB of [8, 19_456, 1000, 19_455])
      watched.tag({ ...pinned, cost: { memoryKiB, passes: 1, lanes: 1 } });
    expect(exports).toHaveLength(1);
    expect(argon2.memory.buffer.byteLength).toBe(length);
  });

  test("the same holds after a throw, and the next hash is right", () => {
    let failing = false;
    let dirty = 0;
    const { result, exports } = instancesOf(
      () => new Argon2id(binary),
      (real) => ({
        ...real,
        Hash_Calculate(length, parameter) {
          real.Hash_Calculate(length, parameter);
          if (!failing || parameter !== 19_456) return;
          dirty = copyOf(real).reduce((count, byte) => count + (byte === 0 ? 0 : 1), 0);
          throw new Error("trap");
        },
      }),
    );
    const [fill] = exports as [Exports];
    const before = copyOf(fill);
    failing = true;
    expect(() => result.tag(pinned)).toThrow("trap");
    expect(dirty).toBeGreaterThan(19_000_000);
    const after = copyOf(fill);
    expect(Buffer.compare(after.subarray(0, before.length), before)).toBe(0);
    expect(after.subarray(before.length).every((byte) => byte === 0)).toBe(true);
    failing = false;
    expect(result.tag(pinned)).toEqual(computation.tag(pinned));
  });

  test("more memory than WebAssembly can have: refused, and the next hash is right", () => {
    const cost = { memoryKiB: 3_000_000, passes: 1, lanes: 1 };
    expect(() => computation.tag({ ...pinned, cost })).toThrow();
    expect(toHex(computation.tag(rfc9106))).toBe(rfc9106Tag);
  });
});

describe("B59: the self-test", () => {
  test("a binary that computes something else is refused at once", () => {
    const skipsTheWork = (real: Exports): Exports => ({ ...real, Hash_Calculate: () => undefined });
    expect(() => instancesOf(() => new Argon2id(binary), skipsTheWork)).toThrow("RFC 9106");
  });
});

describe("RFC 9106 §3.1: parameters outside it are the caller's bug", () => {
  test.each([
    { case: "no lane", cost: { memoryKiB: 64, passes: 1, lanes: 0 }, tagBytes: 32 },
    { case: "no pass", cost: { memoryKiB: 64, passes: 0, lanes: 1 }, tagBytes: 32 },
    { case: "7 KiB for a lane", cost: { memoryKiB: 7, passes: 1, lanes: 1 }, tagBytes: 32 },
    { case: "31 KiB for four lanes", cost: { memoryKiB: 31, passes: 1, lanes: 4 }, tagBytes: 32 },
    { case: "a fraction", cost: { memoryKiB: 64.5, passes: 1, lanes: 1 }, tagBytes: 32 },
    { case: "not a number", cost: { memoryKiB: Number.NaN, passes: 1, lanes: 1 }, tagBytes: 32 },
    { case: "a tag of 3 bytes", cost: { memoryKiB: 64, passes: 1, lanes: 1 }, tagBytes: 3 },
  ])("$case: RangeError", ({ cost, tagBytes }) => {
    expect(() => computation.tag({ ...pinned, cost, tagBytes })).toThrow(RangeError);
  });
});
