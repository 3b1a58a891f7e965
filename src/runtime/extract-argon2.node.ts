/**
 * Takes the Argon2 binaries out of openpgpjs' package `argon2id`, at build time: with SIMD, and without for machines that have
 * none.
 *
 * Its own loader compiles from bytes at run time, which workerd refuses, and starts with 65 MiB of memory, half of what an
 * isolate may have. Only the binaries are used, and only if they are, bit for bit, those that were reviewed; two bytes of each
 * are changed, so that it accepts a memory that begins with one page.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const reviewedVersion = "1.0.1";

/**
 * Of its binaries in `dist`; a new version is a new review. `minimumAt` is where each declares the least size of the memory that
 * it imports, 1,040 pages.
 */
const reviewed = {
  "simd.wasm": { digest: "50647e10fc8e0adba4f60726f3f0d77db0e3c73516b05a83ad10390b3a8b4b0e", minimumAt: 0x45 },
  "no-simd.wasm": { digest: "1f16d8de5a6d8a3a4fad5885c4784f57713d3626fd7d55f852fd79ecadbc4f8e", minimumAt: 0x59 },
};

/** As LEB128, in as many bytes as 1,040. */
const onePage = [0x81, 0x00];

/**
 * Writes `argon2.wasm`, `argon2.ts` (the same, and the one without SIMD, as base64) and the package's licence into a folder.
 *
 * @throws {Error} If the package is another version, or a binary's digest differs; then nothing is written.
 */
export async function extractArgon2(outDir: URL | string): Promise<void> {
  const packageDir = dirname(createRequire(import.meta.url).resolve("argon2id/package.json"));
  const { version } = JSON.parse(await readFile(join(packageDir, "package.json"), "utf8")) as { version: string };
  if (version !== reviewedVersion) throw new Error(`argon2id is ${version}; ${reviewedVersion} was reviewed.`);

  const licence = await readFile(join(packageDir, "LICENSE"), "utf8");
  if (!licence.includes("Permission is hereby granted, free of charge") || licence.includes("*/"))
    throw new Error("The licence of argon2id has changed.");

  const [simd, plain] = [await takeBinary(packageDir, "simd.wasm"), await takeBinary(packageDir, "no-simd.wasm")];

  const folder = typeof outDir === "string" ? outDir : fileURLToPath(outDir);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "argon2.wasm"), simd);
  await writeFile(join(folder, "argon2.ts"), binariesModule({ simd, plain }, licence));
  await writeFile(join(folder, "argon2id.LICENSE.txt"), licence);
}

async function takeBinary(packageDir: string, name: keyof typeof reviewed): Promise<Buffer> {
  const binary = await readFile(join(packageDir, "dist", name));
  const digest = createHash("sha256").update(binary).digest("hex");
  if (digest !== reviewed[name].digest) throw new Error(`The sha256 of argon2id's ${name} is ${digest}.`);
  binary.set(onePage, reviewed[name].minimumAt);
  return binary;
}

function binariesModule({ simd, plain }: { simd: Buffer; plain: Buffer }, licence: string): string {
  const notice = licence.trimEnd().replace(/^/gm, " * ").replace(/ +$/gm, "");
  const base64 = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "");
  return `/**
 * The Argon2 binaries of openpgpjs' argon2id ${reviewedVersion}, with a smaller first memory, under this licence:
 *
${notice}
 */

/** ${simd.length} bytes, as unpadded base64. */
export const argon2Base64: string =
  "${base64(simd)}";

/** The same without SIMD: ${plain.length} bytes, as unpadded base64. */
export const argon2PlainBase64: string =
  "${base64(plain)}";
`;
}
