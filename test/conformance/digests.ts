import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the specification's fixtures and published vectors, if it exists: beside the project. */
export const corpusFolder: string = fileURLToPath(new URL("../../../shared/", import.meta.url));

/** The SHA-256 of each file in it that tests read. */
export const digestsFile: string = fileURLToPath(new URL("digests.json", import.meta.url));

/** The files that tests read. */
const patterns = [
  "conformance/index.json",
  "conformance/fixtures/**/*.json",
  "vectors/argon2/{argon2-reference-kats,argon2id-m19456-t2-p1-derived}.json",
  "vectors/cbor/*.json",
  "vectors/cose/*/*.json",
  "vectors/otp/rfc4226-rfc6238-rfc4648.json",
  "vectors/passwords/zxcvbn-common-passwords.txt",
  "vectors/webauthn/*.json",
  "vectors/wycheproof/{ecdsa_secp256r1_sha256,ed25519,rsa_signature_2048_sha256}_test.json",
];

export type Digests = Readonly<Record<string, string>>;

/** Reads every file in `folder` that a test reads, in order of path. */
export function digestsOf(folder: string): Digests {
  const paths = globSync(patterns, { cwd: folder }).map((path) => path.replaceAll("\\", "/"));
  return Object.fromEntries(
    paths.sort().map((path) => {
      const digest = createHash("sha256").update(readFileSync(join(folder, path)));
      return [path, digest.digest("hex")];
    }),
  );
}

/** The differences between a corpus and the one that the project was tested with. */
export function findDrift(recorded: Digests, present: Digests): string[] {
  const paths = [...new Set([...Object.keys(recorded), ...Object.keys(present)])].sort();
  return paths.flatMap((path) => {
    if (recorded[path] === present[path]) return [];
    if (!present[path]) return [`${path} is missing`];
    return [`${path} ${recorded[path] ? "has changed" : "is new"}`];
  });
}
