import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { argon2Modules, generateArgon2 } from "../../build/argon2.node.ts";

const script = fileURLToPath(new URL("../../build/argon2.node.ts", import.meta.url));
const folders: string[] = [];

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-argon2-"));
  folders.push(folder);
  return folder;
}

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

/** Both binaries as text; the one with SIMD is also a file. */
async function generated(): Promise<{ simd: Buffer; plain: Buffer }> {
  const folder = await temporaryFolder();
  await generateArgon2(pathToFileURL(`${folder}/made/`));
  expect((await readdir(join(folder, "made"))).sort()).toEqual(["argon2.ts", "argon2.wasm"]);
  const text = await readFile(join(folder, "made", "argon2.ts"), "utf8");
  const [simd, plain] = [...text.matchAll(/string =\s+"(.*)"/g)].map((found) => Buffer.from(found[1]!, "base64"));
  expect(await readFile(join(folder, "made", "argon2.wasm"))).toEqual(simd);
  return { simd: simd!, plain: plain! };
}

test("B59: both binaries match their digests, export only G, and begin with one page of memory", async () => {
  const made = await generated();
  for (const name of ["simd", "plain"] as const) {
    expect(createHash("sha256").update(made[name]).digest("hex")).toBe(argon2Modules[name].digest);
    const module = new WebAssembly.Module(new Uint8Array(made[name]));
    expect(WebAssembly.Module.exports(module)).toEqual([{ name: "G", kind: "function" }]);
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
    expect(WebAssembly.Module.customSections(module, "name")).toEqual([]);
    const withPages = (initial: number) =>
      new WebAssembly.Instance(module, { env: { memory: new WebAssembly.Memory({ initial, maximum: 65_536 }) } });
    expect(() => withPages(0)).toThrow(WebAssembly.LinkError);
    expect(() => withPages(1)).not.toThrow();
  }
});

describe("RFC 9106 §3.5: G equals the RFC's text in big integers", () => {
  /** GB, P and G as the RFC writes them. */
  const mask = (1n << 64n) - 1n;
  const low = (x: bigint): bigint => x & 0xffff_ffffn;
  const rotate = (x: bigint, bits: bigint): bigint => ((x >> bits) | (x << (64n - bits))) & mask;
  const gb = (v: bigint[], a: number, b: number, c: number, d: number): void => {
    for (const [toD, toB] of [
      [32n, 24n],
      [16n, 63n],
    ] as const) {
      v[a] = (v[a]! + v[b]! + 2n * low(v[a]!) * low(v[b]!)) & mask;
      v[d] = rotate(v[d]! ^ v[a]!, toD);
      v[c] = (v[c]! + v[d]! + 2n * low(v[c]!) * low(v[d]!)) & mask;
      v[b] = rotate(v[b]! ^ v[c]!, toB);
    }
  };
  const p = (v: bigint[]): bigint[] => {
    for (const column of [0, 1, 2, 3]) gb(v, column, 4 + column, 8 + column, 12 + column);
    for (const column of [0, 1, 2, 3])
      gb(v, column, 4 + ((column + 1) % 4), 8 + ((column + 2) % 4), 12 + ((column + 3) % 4));
    return v;
  };
  const compress = (x: BigUint64Array, y: BigUint64Array): bigint[] => {
    const r = [...x].map((word, index) => word ^ y[index]!);
    const z = [...r];
    const permute = (indexes: number[]): void => {
      for (const [k, word] of p(indexes.map((index) => z[index]!)).entries()) z[indexes[k]!] = word;
    };
    const eight = [0, 1, 2, 3, 4, 5, 6, 7];
    for (const row of eight) permute(Array.from({ length: 16 }, (_, k) => 16 * row + k));
    for (const column of eight) permute(eight.flatMap((row) => [16 * row + 2 * column, 16 * row + 2 * column + 1]));
    return z.map((word, index) => word ^ r[index]!);
  };

  test.each(["simd", "plain"] as const)("%s: random blocks, and every carry", async (name) => {
    const binary = (await generated())[name];
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 });
    const { G } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(binary)), { env: { memory } })
      .exports as { G(x: number, y: number, result: number): void };
    const block = (index: number) => new BigUint64Array(memory.buffer, 1024 * index, 128);
    const all = new Uint8Array(memory.buffer);
    const fills = [() => 0, () => 255, (at: number) => (at % 8 < 4 ? 255 : 0), (at: number) => (at % 8 < 4 ? 0 : 255)];
    for (let round = 0; round < 40; round++) {
      const random = crypto.getRandomValues(new Uint8Array(65_536));
      all.set(random);
      const fill = fills[round];
      if (fill) for (let at = 1024; at < 4096; at++) all[at] = at < 2048 || round % 2 === 0 ? fill(at) : random[at]!;
      const before = all.slice();
      const expected = compress(block(1), block(2)).map((word, index) => word ^ block(3)[index]!);
      G(1024, 2048, 3072);
      expect([...block(3)]).toEqual(expected);
      // Only the workspace and the result are written.
      expect(all.subarray(1024, 3072)).toEqual(before.subarray(1024, 3072));
      expect(all.subarray(4096)).toEqual(before.subarray(4096));
    }
  });
});

test("a machine without SIMD computes the same hash", async () => {
  const entry = pathToFileURL(fileURLToPath(new URL("../../src/runtime/argon2id.ts", import.meta.url))).href;
  const code = `
    const { argon2id, decoyHash } = await import(${JSON.stringify(entry)});
    const { argon2Base64 } = await import(${JSON.stringify(new URL("./generated/argon2.ts", entry).href)});
    const right = await argon2id().verify(decoyHash, "correcthorsebatterystaple");
    const wrong = await argon2id().verify(decoyHash, "wrong");
    console.log(WebAssembly.validate(Buffer.from(argon2Base64, "base64")), right, wrong);`;
  const flags = ["--no-enable-sse4-1", "--no-enable-ssse3", "--no-warnings", "--input-type=module", "--eval", code];
  const { stdout } = await promisify(execFile)(process.execPath, flags);
  expect(stdout.trim()).toBe("false true false");
});

describe("a binary with another digest: refused, and nothing is written", () => {
  test.each([
    { case: "with SIMD", from: "index + bits / 8", to: "index + 1 + bits / 8", message: /simd binary/ },
    { case: "without SIMD", from: "(i64.rotr", to: "(i64.rotl", message: /plain binary/ },
  ])("$case", async ({ from, to, message }) => {
    const folder = await temporaryFolder();
    const text = await readFile(script, "utf8");
    expect(text.split(from)).toHaveLength(2);
    await mkdir(join(folder, "node_modules"));
    await cp(fileURLToPath(new URL("../../node_modules/wabt/", import.meta.url)), join(folder, "node_modules/wabt"), {
      recursive: true,
    });
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    await writeFile(join(folder, "changed.node.ts"), text.replace(from, to));
    const changed = (await import(pathToFileURL(join(folder, "changed.node.ts")).href)) as {
      generateArgon2: typeof generateArgon2;
    };
    await expect(changed.generateArgon2(pathToFileURL(`${folder}/made/`))).rejects.toThrow(message);
    expect(await readdir(folder)).not.toContain("made");
  });
});
