/**
 * Published vectors in the folder `shared` beside the project: optional, used if that folder exists.
 *
 * Every rule has tests that need only the project. A suite declares its extra tests only if the folder exists, so that
 * elsewhere they are neither failed, nor skipped, nor counted. This is the only module that reads the vectors; `.ci/run` finds
 * the suites that import it, and runs them in a clone with nothing beside it.
 *
 * @module
 */
declare global {
  interface ImportMeta {
    /** From Vite, so that it works in Node and in workerd. */
    glob(
      patterns: readonly string[],
      options: { query: "?raw"; import: "default" },
    ): Readonly<Record<string, () => Promise<string>>>;
  }
}

const files = new Map(
  Object.entries(
    import.meta.glob(
      [
        "../../../shared/vectors/{argon2,webauthn}/*.json",
        "../../../shared/vectors/jose/**/*.{json,jwk,jwkset,jwsc}",
        "../../../shared/vectors/passwords/*.txt",
        "../../../shared/vectors/strings/*.json",
        "../../../shared/vectors/cose/*/*.json",
        "../../../shared/vectors/wycheproof/{ecdsa_secp256r1_sha256,ed25519,rsa_signature_2048_sha256}_test.json",
        "../../../shared/conformance/fixtures/identity/mfa/webauthn-*.json",
        "../../../shared/reference-schema/*.json",
      ],
      { query: "?raw", import: "default" },
    ),
  ).map(([path, read]) => [path.replace(/^.*\/shared\//, ""), read]),
);

/** True if the folder exists. Only the declaration of extra tests may depend on it. */
export const hasShared: boolean = files.size > 0;

/** The paths of the files under a folder of `shared`. */
export function sharedPaths(folder: string): readonly string[] {
  return [...files.keys()].filter((path) => path.startsWith(folder));
}

/** @throws {Error} If the file does not exist, so that an extra test cannot pass without its vectors. */
export async function sharedText(path: string): Promise<string> {
  const read = files.get(path);
  if (!read) throw new Error(`../shared/${path} does not exist.`);
  return await read();
}

/** @throws {Error} As {@link sharedText}. */
export async function sharedJson<Content>(path: string): Promise<Content> {
  return JSON.parse(await sharedText(path)) as Content;
}
