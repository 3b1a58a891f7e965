/**
 * Takes the Argon2 binary out of openpgpjs' package `argon2id`, at build time.
 *
 * Its own loader compiles from bytes at run time, which workerd refuses, and starts with 65 MiB of memory, half of what an
 * isolate may have. Only the binary is used, and only if it is, bit for bit, the one that was reviewed; two of its bytes are
 * changed, so that it accepts a memory that begins with one page.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const reviewedVersion = "1.0.1";

/** Of `dist/simd.wasm` in argon2id 1.0.1; a new version is a new review. */
const reviewedDigest = "50647e10fc8e0adba4f60726f3f0d77db0e3c73516b05a83ad10390b3a8b4b0e";

/** The import of the memory: `env.memory`, with a maximum, of 1,040 pages at least; and of one, in as many bytes (LEB128). */
const declared = Buffer.from("03656e76066d656d6f72790201" + "9008", "hex");
const wanted = Buffer.from("03656e76066d656d6f72790201" + "8100", "hex");

/**
 * Writes `argon2.wasm`, `argon2.ts` (the same as base64) and the package's licence into a folder.
 *
 * @throws {Error} If the package is another version, or the binary's digest differs; then nothing is written.
 */
export async function extractArgon2(outDir: URL | string): Promise<void> {
  const packageDir = dirname(createRequire(import.meta.url).resolve("argon2id/package.json"));
  const { version } = JSON.parse(await readFile(join(packageDir, "package.json"), "utf8")) as { version: string };
  if (version !== reviewedVersion) throw new Error(`argon2id is ${version}; ${reviewedVersion} was reviewed.`);

  const licence = await readFile(join(packageDir, "LICENSE"), "utf8");
  if (!licence.includes("Permission is hereby granted, free of charge") || licence.includes("*/"))
    throw new Error("The licence of argon2id has changed.");

  const binary = await readFile(join(packageDir, "dist", "simd.wasm"));
  const digest = createHash("sha256").update(binary).digest("hex");
  if (digest !== reviewedDigest) throw new Error(`The sha256 of argon2id's binary is ${digest}.`);
  binary.set(wanted, binary.indexOf(declared));

  const folder = typeof outDir === "string" ? outDir : fileURLToPath(outDir);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "argon2.wasm"), binary);
  await writeFile(join(folder, "argon2.ts"), binaryModule(binary, licence));
  await writeFile(join(folder, "argon2id.LICENSE.txt"), licence);
}

function binaryModule(bytes: Buffer, licence: string): string {
  const notice = licence.trimEnd().replace(/^/gm, " * ").replace(/ +$/gm, "");
  const base64 = bytes.toString("base64").replace(/=+$/, "");
  return `/**
 * The Argon2 binary of openpgpjs' argon2id ${reviewedVersion}, with a smaller first memory, under this licence:
 *
${notice}
 */

/** ${bytes.length} bytes, as unpadded base64. */
export const argon2Base64: string =
  "${base64}";
`;
}
