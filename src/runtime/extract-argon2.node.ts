/**
 * Takes hash-wasm's Argon2 binary out of the installed package, at build time.
 *
 * Its own loader compiles from bytes at run time, which workerd refuses, and makes a new instance for each hash, whose memory
 * workerd does not free. Only the binary is used, and only if it is, bit for bit, the one that was reviewed.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const reviewedVersion = "4.13.0";

/** The digests of hash-wasm 4.13.0's binary; a new version is a new review. */
const reviewedDigests = {
  sha1: "2b50b0d612224c738e62201fbf75f3d859163ba1",
  sha256: "7a25eff94eb7bc559acb7305d8352ed24470670a9ae653d79d86f92f8a395c3d",
};

/**
 * Writes `argon2.wasm`, `argon2.ts` (the same as base64) and hash-wasm's licence into a folder.
 *
 * @throws {Error} If hash-wasm is another version, the binary is missing or found twice, or a digest differs; then nothing is
 * written.
 */
export async function extractArgon2(outDir: URL | string): Promise<void> {
  const packageFile = createRequire(import.meta.url).resolve("hash-wasm/package.json");
  const packageDir = dirname(packageFile);
  const { version } = JSON.parse(await readFile(packageFile, "utf8")) as { version: string };
  if (version !== reviewedVersion) throw new Error(`hash-wasm is ${version}; ${reviewedVersion} was reviewed.`);

  const bundle = await readFile(join(packageDir, "dist", "index.esm.js"), "utf8");
  const licence = await readFile(join(packageDir, "LICENSE"), "utf8");
  if (!licence.startsWith("MIT License") || licence.includes("*/")) throw new Error("hash-wasm's licence has changed.");
  const binary = takeBinary(bundle);

  const folder = typeof outDir === "string" ? outDir : fileURLToPath(outDir);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "argon2.wasm"), binary);
  await writeFile(join(folder, "argon2.ts"), binaryModule(binary, licence));
  await writeFile(join(folder, "hash-wasm.LICENSE.txt"), licence);
}

/** The one Argon2 binary in hash-wasm's bundle, where it stands as `var name$N = "argon2"; var data$N = "…";`. */
function takeBinary(bundle: string): Buffer {
  const literal = /var name(\$\w+) = "argon2";\s*var data\1 = "([A-Za-z0-9+/]+=*)";/g;
  const found = [...bundle.matchAll(literal)];
  if (found.length !== 1) throw new Error(`hash-wasm's bundle holds ${found.length} binaries named argon2.`);

  const bytes = Buffer.from(found[0]![2]!, "base64");
  for (const algorithm of ["sha1", "sha256"] as const) {
    const digest = createHash(algorithm).update(bytes).digest("hex");
    if (digest !== reviewedDigests[algorithm]) throw new Error(`The ${algorithm} of hash-wasm's argon2 is ${digest}.`);
  }
  return bytes;
}

function binaryModule(bytes: Buffer, licence: string): string {
  const notice = licence.trimEnd().replace(/^/gm, " * ").replace(/ +$/gm, "");
  const base64 = bytes.toString("base64").replace(/=+$/, "");
  return `/**
 * The Argon2 binary of hash-wasm ${reviewedVersion}, unchanged, under this licence:
 *
${notice}
 */

/** ${bytes.length} bytes, as unpadded base64. */
export const argon2Base64: string =
  "${base64}";
`;
}
