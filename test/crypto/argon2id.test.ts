import { describe, expect, test } from "vitest";
import { Argon2id, type Argon2idInput } from "../../src/crypto/argon2id.ts";
import { fromBase64, fromHex, toHex, utf8 } from "../../src/crypto/bytes.ts";
import { parsePhc } from "../../src/crypto/phc.ts";
import { argon2Base64, argon2PlainBase64 } from "../../src/runtime/generated/argon2.ts";
import { hasShared, sharedJson } from "../support/shared.ts";

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
  G(...blocks: number[]): void;
}

interface Made {
  readonly memory: WebAssembly.Memory;
  readonly exports: Exports;
}

/** Runs `make` and returns every instance that it made, with the exports replaced by `change` before they are used. */
function instancesOf<Result>(make: () => Result, change: (made: Made) => Exports = ({ exports }) => exports) {
  const instances: Made[] = [];
  const RealInstance = WebAssembly.Instance;
  WebAssembly.Instance = class {
    readonly exports: Exports;
    constructor(module: WebAssembly.Module, imports: { env: { memory: WebAssembly.Memory } }) {
      const exports = new RealInstance(module, imports).exports as unknown as Exports;
      const made = { memory: imports.env.memory, exports };
      instances.push(made);
      this.exports = change(made);
    }
  } as unknown as typeof WebAssembly.Instance;
  try {
    return { result: make(), instances };
  } finally {
    WebAssembly.Instance = RealInstance;
  }
}

const dirtyBytes = ({ memory }: Made) =>
  new Uint8Array(memory.buffer).reduce((count, byte) => count + (byte === 0 ? 0 : 1), 0);

test("RFC 9106 §5.3", () => {
  expect(toHex(computation.tag(rfc9106))).toBe(rfc9106Tag);
});

test("without SIMD: the same hash for every number of lanes", () => {
  const plain = new Argon2id(new WebAssembly.Module(fromBase64(argon2PlainBase64)!));
  expect(plain.tag(pinned)).toEqual(computation.tag(pinned));
  for (let lanes = 1; lanes <= 4; lanes++) {
    const input = { ...pinned, cost: { memoryKiB: 2600, passes: 3, lanes } };
    expect(plain.tag(input), `${lanes}`).toEqual(computation.tag(input));
  }
});

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

async function sharedRows<Row>(file: string): Promise<Row[]> {
  const { vectors } = await sharedJson<{ vectors: Row[] }>(`vectors/argon2/${file}`);
  expect(vectors.length).toBeGreaterThan(20);
  return vectors;
}

if (hasShared) {
  test("the C reference's own Argon2id vectors", { timeout: 60_000 }, async () => {
    const ample = new Argon2id(binary);
    const rows = await sharedRows<ReferenceRow>("argon2-reference-kats.json");
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

  test("R009: the 40 derived vectors at the pinned cost, the empty password and inner NULs among them", async () => {
    for (const row of await sharedRows<DerivedRow>("argon2id-m19456-t2-p1-derived.json")) {
      const [password, salt] = [fromHex(row.password_utf8_hex)!, fromHex(row.salt_hex)!];
      const cost = { memoryKiB: row.m, passes: row.t, lanes: row.p };
      expect(toHex(computation.tag({ password, salt, cost, tagBytes: 32 })), row.password_utf8_hex).toBe(row.hash_hex);
    }
  });
}

describe("F12: memory after a hash", () => {
  const { result: watched, instances } = instancesOf(() => new Argon2id(binary));
  const [instance] = instances as [Made];

  test("zeroed after a hash", () => {
    watched.tag(pinned);
    expect(instance.memory.buffer.byteLength).toBeGreaterThan(19_456 * 1024);
    expect(dirtyBytes(instance)).toBe(0);
  });

  test("one instance: does not grow again for the same cost or less", () => {
    const length = instance.memory.buffer.byteLength;
    for (const memoryKiB of [8, 19_456, 1000, 19_455])
      watched.tag({ ...pinned, cost: { memoryKiB, passes: 1, lanes: 1 } });
    expect(instances).toHaveLength(1);
    expect(instance.memory.buffer.byteLength).toBe(length);
  });

  test("takes only what the hash needs, to a page", () => {
    expect(instance.memory.buffer.byteLength).toBeLessThan(19_456 * 1024 + 2 * 65_536);
  });

  test("zeroed after an exception, and the next hash is right", () => {
    let callsLeft = Number.POSITIVE_INFINITY;
    let dirty = 0;
    const { result, instances } = instancesOf(
      () => new Argon2id(binary),
      (made) => ({
        ...made.exports,
        G(...blocks) {
          made.exports.G(...blocks);
          if (--callsLeft > 0) return;
          dirty = dirtyBytes(made);
          throw new Error("trap");
        },
      }),
    );
    callsLeft = 30_000;
    expect(() => result.tag(pinned)).toThrow("trap");
    expect(dirty).toBeGreaterThan(19_000_000);
    expect(dirtyBytes(instances[0]!)).toBe(0);
    callsLeft = Number.POSITIVE_INFINITY;
    expect(result.tag(pinned)).toEqual(computation.tag(pinned));
  });

  test("more memory than WebAssembly allows: refused, and the next hash is right", () => {
    const cost = { memoryKiB: 4_194_304, passes: 1, lanes: 1 };
    expect(() => computation.tag({ ...pinned, cost })).toThrow();
    expect(toHex(computation.tag(rfc9106))).toBe(rfc9106Tag);
  });
});

describe("B59: the self-test", () => {
  test("a binary that computes something else is refused at once", () => {
    const skipsTheWork = ({ exports }: Made): Exports => ({ ...exports, G: () => undefined });
    expect(() => instancesOf(() => new Argon2id(binary), skipsTheWork)).toThrow("RFC 9106");
  });
});

describe("RFC 9106 §3.1: parameters out of range throw", () => {
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
