declare global {
  interface ImportMeta {
    /** Vite's, which works in every runtime that the tests do. */
    glob(patterns: readonly string[], options: { eager: true; import: "default" }): Readonly<Record<string, unknown>>;
  }
}

/** The published vectors beside the project, where there are any; what they cover, this folder covers too. */
export function sharedVectors(): ReadonlyMap<string, unknown> {
  const files = import.meta.glob(
    [
      "../../../../shared/vectors/webauthn/*.json",
      "../../../../shared/vectors/cbor/*.json",
      "../../../../shared/vectors/cose/*/*.json",
      "../../../../shared/vectors/wycheproof/{ecdsa_secp256r1_sha256,ed25519,rsa_signature_2048_sha256}_test.json",
      "../../../../shared/conformance/fixtures/identity/mfa/webauthn-*.json",
    ],
    { eager: true, import: "default" },
  );
  return new Map(Object.entries(files).map(([path, json]) => [path.replace(/^.*\/shared\//, ""), json]));
}
