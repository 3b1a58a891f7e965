import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { extractArgon2 } from "../../src/runtime/extract-argon2.node.ts";

const script = fileURLToPath(new URL("../../src/runtime/extract-argon2.node.ts", import.meta.url));
const installed = fileURLToPath(new URL("../../node_modules/argon2id/", import.meta.url));
const binary = join("dist", "simd.wasm");
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

  const published = await readFile(join(installed, "dist", "simd.wasm"));
  expect(createHash("sha256").update(published).digest("hex")).toBe(
    "50647e10fc8e0adba4f60726f3f0d77db0e3c73516b05a83ad10390b3a8b4b0e",
  );
  const changed = [...bytes].flatMap((byte, index) => (byte === published[index] ? [] : [index]));
  expect(bytes).toHaveLength(published.length);
  expect(changed).toEqual([0x45, 0x46]);
  const instantiate = (binary: Buffer, pages: number) =>
    new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(binary)), {
      env: { memory: new WebAssembly.Memory({ initial: pages, maximum: 65_536 }) },
    });
  expect(() => instantiate(published, 1039)).toThrow(WebAssembly.LinkError);
  expect(() => instantiate(bytes, 0)).toThrow(WebAssembly.LinkError);
  expect(Object.keys(instantiate(bytes, 1).exports)).toEqual(expect.arrayContaining(["G", "G2", "getLZ", "xor"]));
});

describe("a package that is not the reviewed one: refused, and nothing is written", () => {
  test.each([
    {
      case: "one byte of the binary changed",
      file: binary,
      change: (bytes: Buffer) => bytes.fill(bytes[1000]! ^ 1, 1000, 1001),
      message: /sha256/,
    },
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
    for (const name of ["package.json", "LICENSE", binary]) await cp(join(installed, name), join(copy, name));
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
