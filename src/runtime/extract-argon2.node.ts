/**
 * Takes hash-wasm's Argon2 and BLAKE2b binaries out of the installed package, at build time.
 *
 * Its own loader compiles from bytes at run time, which workerd refuses, and makes a new instance for each hash, whose memory
 * workerd does not free. Only the binaries are used, and only if they are, bit for bit, those that were reviewed.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const reviewedVersion = "4.13.0";

/** The digests of hash-wasm 4.13.0's binaries; a new version is a new review. */
const binaries = [
  {
    name: "argon2",
    sha1: "2b50b0d612224c738e62201fbf75f3d859163ba1",
    sha256: "7a25eff94eb7bc559acb7305d8352ed24470670a9ae653d79d86f92f8a395c3d",
  },
  {
    name: "blake2b",
    sha1: "22cf500a5ecd867f1f192124db6431e25e70fed4",
    sha256: "2aa7f33c4ece502997304672bc8defa348a7a30ef9a191e8648d317830e50afd",
  },
] as const;

/**
 * Writes `argon2.wasm`, `blake2b.wasm`, `binaries.ts` (both as base64) and hash-wasm's licence into a folder.
 *
 * @throws {Error} If hash-wasm is another version, a binary is missing or found twice, or a digest differs; then nothing is
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
  const extracted = binaries.map((binary) => ({ name: binary.name, bytes: takeBinary(bundle, binary) }));

  const folder = typeof outDir === "string" ? outDir : fileURLToPath(outDir);
  await mkdir(folder, { recursive: true });
  for (const { name, bytes } of extracted) await writeFile(join(folder, `${name}.wasm`), bytes);
  await writeFile(join(folder, "hash-wasm.LICENSE.txt"), licence);
  await writeFile(join(folder, "binaries.ts"), binariesModule(extracted, licence));
}

/** The one binary of that name in hash-wasm's bundle, where it stands as `var name$N = "…"; var data$N = "…";`. */
function takeBinary(bundle: string, binary: (typeof binaries)[number]): Buffer {
  const literal = new RegExp(`var name(\\$\\w+) = "${binary.name}";\\s*var data\\1 = "([A-Za-z0-9+/]+=*)";`, "g");
  const found = [...bundle.matchAll(literal)];
  if (found.length !== 1) throw new Error(`hash-wasm's bundle holds ${found.length} binaries named ${binary.name}.`);

  const bytes = Buffer.from(found[0]![2]!, "base64");
  for (const algorithm of ["sha1", "sha256"] as const) {
    const digest = createHash(algorithm).update(bytes).digest("hex");
    if (digest !== binary[algorithm]) throw new Error(`The ${algorithm} of hash-wasm's ${binary.name} is ${digest}.`);
  }
  return bytes;
}

function binariesModule(extracted: readonly { name: string; bytes: Buffer }[], licence: string): string {
  const notice = licence.trimEnd().replace(/^/gm, " * ").replace(/ +$/gm, "");
  const constants = extracted.map(({ name, bytes }) => {
    return `/** ${bytes.length} bytes, as unpadded base64. */\nexport const ${name}Base64: string =\n  "${bytes.toString("base64").replace(/=+$/, "")}";\n`;
  });
  return `/**\n * Binaries of hash-wasm ${reviewedVersion}, unchanged, under this licence:\n *\n${notice}\n */\n\n${constants.join("\n")}`;
}
