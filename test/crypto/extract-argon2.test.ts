import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { extractArgon2 } from "../../src/runtime/extract-argon2.node.ts";

const script = fileURLToPath(new URL("../../src/runtime/extract-argon2.node.ts", import.meta.url));
const installed = fileURLToPath(new URL("../../node_modules/argon2id/", import.meta.url));
const binaries = [join("dist", "simd.wasm"), join("dist", "no-simd.wasm")];
const digests = {
  "simd.wasm": "50647e10fc8e0adba4f60726f3f0d77db0e3c73516b05a83ad10390b3a8b4b0e",
  "no-simd.wasm": "1f16d8de5a6d8a3a4fad5885c4784f57713d3626fd7d55f852fd79ecadbc4f8e",
};
const folders: string[] = [];

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-extract-"));
  folders.push(folder);
  return folder;
}

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

test("B59: the binary as it was reviewed but for the first size of its memory, as a file and as text, with its licence", async () => {
  const folder = await temporaryFolder();
  await extractArgon2(pathToFileURL(`${folder}/made/`));
  const made = join(folder, "made");
  expect((await readdir(made)).sort()).toEqual(["argon2.ts", "argon2.wasm", "argon2id.LICENSE.txt"]);

  const text = await readFile(join(made, "argon2.ts"), "utf8");
  expect(text).toContain("Copyright (c) 2022, Proton AG");
  expect(await readFile(join(made, "argon2id.LICENSE.txt"), "utf8")).toContain("Copyright (c) 2022, Proton AG");
  const bytes = await readFile(join(made, "argon2.wasm"));
  expect(text).toContain(`"${bytes.toString("base64").replace(/=+$/, "")}"`);

  const plain = Buffer.from(/argon2PlainBase64: string =\s+"(.*)"/.exec(text)![1]!, "base64");
  const instantiate = (binary: Buffer, pages: number) =>
    new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(binary)), {
      env: { memory: new WebAssembly.Memory({ initial: pages, maximum: 65_536 }) },
    });
  for (const [file, made, at] of [
    ["simd.wasm", bytes, 0x45],
    ["no-simd.wasm", plain, 0x59],
  ] as const) {
    const published = await readFile(join(installed, "dist", file));
    expect(createHash("sha256").update(published).digest("hex")).toBe(digests[file]);
    const changed = [...made].flatMap((byte, index) => (byte === published[index] ? [] : [index]));
    expect(made).toHaveLength(published.length);
    expect(changed).toEqual([at, at + 1]);
    expect(() => instantiate(published, 1039)).toThrow(WebAssembly.LinkError);
    expect(() => instantiate(made, 0)).toThrow(WebAssembly.LinkError);
    expect(Object.keys(instantiate(made, 1).exports)).toEqual(expect.arrayContaining(["G", "G2", "getLZ", "xor"]));
  }
});

test("a machine without SIMD hashes the same", async () => {
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

describe("a package that is not the reviewed one: refused, and nothing is written", () => {
  test.each([
    ...binaries.map((file) => ({
      case: `one byte of ${file} changed`,
      file,
      change: (bytes: Buffer) => bytes.fill(bytes[1000]! ^ 1, 1000, 1001),
      message: /sha256/,
    })),
    {
      case: "another version",
      file: "package.json",
      change: (bytes: Buffer) => Buffer.from(bytes.toString().replace('"version": "1.0.1"', '"version": "1.0.2"')),
      message: /1\.0\.2/,
    },
    {
      case: "another licence",
      file: "LICENSE",
      change: (bytes: Buffer) => Buffer.from(bytes.toString().replace("free of charge", "for a charge")),
      message: /licence/,
    },
  ])("$case", async ({ file, change, message }) => {
    const folder = await temporaryFolder();
    const copy = join(folder, "node_modules", "argon2id");
    await mkdir(join(copy, "dist"), { recursive: true });
    for (const name of ["package.json", "LICENSE", ...binaries]) await cp(join(installed, name), join(copy, name));
    const original = await readFile(join(copy, file));
    const changed = change(Buffer.from(original));
    expect(changed.equals(original)).toBe(false);
    await writeFile(join(copy, file), changed);
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    await cp(script, join(folder, "extract-argon2.node.ts"));

    const copied = (await import(pathToFileURL(join(folder, "extract-argon2.node.ts")).href)) as {
      extractArgon2: typeof extractArgon2;
    };
    await expect(copied.extractArgon2(join(folder, "made"))).rejects.toThrow(message);
    expect(await readdir(folder)).not.toContain("made");
  });
});
