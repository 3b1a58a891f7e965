import { type Bytes, fromBase64Url, randomBytes, toBase64Url, utf8 } from "../../../src/crypto/bytes.ts";
import type { verifyAssertion } from "../../../src/domain/webauthn/assertion.ts";
import { bigEndian, cbor, derSignature, type Encodable, type EncodableMap, join } from "./encode.ts";
import type { verifyRegistration } from "./verify-registration.ts";

export type RegistrationInput = Parameters<typeof verifyRegistration>[0];
export type AssertionInput = Parameters<typeof verifyAssertion>[0];

export const rpId = "example.org";
export const origin = "https://example.org";
export const relyingParty = { rpId, origins: [origin] };

export const flag = { up: 0x01, uv: 0x04, be: 0x08, bs: 0x10, at: 0x40, ed: 0x80 } as const;

export const sha256 = async (bytes: Bytes): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

export type KeyKind = "ES256" | "RS256" | "EdDSA" | "RS256 of 1024 bits";

/** A key pair that signs as authenticators do. */
export interface TestKey {
  readonly jwk: JsonWebKey;
  readonly cose: Map<number, Encodable>;
  sign(data: Bytes): Promise<Bytes>;
}

const generation = {
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  EdDSA: { name: "Ed25519" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  "RS256 of 1024 bits": {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 1024,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
} as const;

export async function generateTestKey(kind: KeyKind = "ES256"): Promise<TestKey> {
  const pair = (await crypto.subtle.generateKey(generation[kind], true, ["sign", "verify"])) as CryptoKeyPair;
  const jwk = (await crypto.subtle.exportKey("jwk", pair.publicKey)) as JsonWebKey;
  const part = (name: "x" | "y" | "n" | "e") => fromBase64Url(jwk[name]!)!;
  const cose = new Map<number, Encodable>(
    kind === "ES256"
      ? [
          [1, 2],
          [3, -7],
          [-1, 1],
          [-2, part("x")],
          [-3, part("y")],
        ]
      : kind === "EdDSA"
        ? [
            [1, 1],
            [3, -8],
            [-1, 6],
            [-2, part("x")],
          ]
        : [
            [1, 3],
            [3, -257],
            [-1, part("n")],
            [-2, part("e")],
          ],
  );
  const algorithm = kind === "ES256" ? { name: "ECDSA", hash: "SHA-256" } : generation[kind].name;
  return {
    jwk,
    cose,
    sign: async (data) => {
      const signature = new Uint8Array(await crypto.subtle.sign(algorithm, pair.privateKey, data));
      return kind === "ES256" ? derSignature(signature) : signature;
    },
  };
}

/** Client data as browsers write it; a member that is `undefined` is left out. */
export function clientData(members: Readonly<Record<string, unknown>>): Bytes {
  return utf8(JSON.stringify({ origin, crossOrigin: false, ...members }));
}

export async function authenticatorData(parts: {
  readonly rpId?: string;
  readonly flags?: number;
  readonly signCount?: number;
  /** The bytes after the counter. */
  readonly rest?: Uint8Array;
}): Promise<Bytes> {
  const rpIdHash = await sha256(utf8(parts.rpId ?? rpId));
  const head = [parts.flags ?? flag.up | flag.uv, ...bigEndian(parts.signCount ?? 0, 4)];
  return join(rpIdHash, new Uint8Array(head), parts.rest ?? new Uint8Array());
}

export function attestedCredential(parts: {
  readonly aaguid?: Uint8Array;
  readonly credentialId: Uint8Array;
  readonly publicKey: Uint8Array;
}): Bytes {
  const { aaguid = new Uint8Array(16), credentialId, publicKey } = parts;
  return join(aaguid, bigEndian(credentialId.length, 2), credentialId, publicKey);
}

export interface RegistrationChanges {
  readonly key?: TestKey;
  readonly publicKey?: Uint8Array;
  readonly credentialId?: Bytes;
  readonly aaguid?: Uint8Array;
  readonly rpId?: string;
  readonly flags?: number;
  readonly signCount?: number;
  /** The bytes after the attested credential data. */
  readonly after?: Uint8Array;
  readonly clientData?: Readonly<Record<string, unknown>>;
  readonly clientDataJson?: (json: Bytes) => Bytes;
  readonly authenticatorData?: (data: Bytes) => Bytes;
  readonly format?: string;
  readonly statement?: (signed: Bytes, key: TestKey, data: Bytes, clientDataHash: Bytes) => Promise<EncodableMap>;
  readonly attestationObject?: (object: Bytes) => Bytes;
  readonly policy?: RegistrationInput["policy"];
  readonly relyingParty?: RegistrationInput["relyingParty"];
}

/** A registration that verifies, except for the changes. */
export async function register(changes: RegistrationChanges = {}): Promise<RegistrationInput> {
  const key = changes.key ?? (await generateTestKey());
  const challenge = randomBytes(32);
  const credentialId = changes.credentialId ?? randomBytes(32);
  const written = clientData({ type: "webauthn.create", challenge: toBase64Url(challenge), ...changes.clientData });
  const clientDataJson = changes.clientDataJson?.(written) ?? written;
  const attested = attestedCredential({
    aaguid: changes.aaguid ?? new Uint8Array(16),
    credentialId,
    publicKey: changes.publicKey ?? cbor(key.cose),
  });
  const whole = await authenticatorData({
    ...(changes.rpId !== undefined && { rpId: changes.rpId }),
    ...(changes.signCount !== undefined && { signCount: changes.signCount }),
    flags: changes.flags ?? flag.up | flag.uv | flag.at,
    rest: join(attested, changes.after ?? new Uint8Array()),
  });
  const data = changes.authenticatorData?.(whole) ?? whole;
  const clientDataHash = await sha256(clientDataJson);
  const statement = await changes.statement?.(join(data, clientDataHash), key, data, clientDataHash);
  const object = cbor(
    new Map<string, Encodable>([
      ["fmt", changes.format ?? "none"],
      ["attStmt", statement ?? new Map()],
      ["authData", data],
    ]),
  );
  return {
    response: {
      credentialId: toBase64Url(credentialId),
      clientDataJson,
      attestationObject: changes.attestationObject?.(object) ?? object,
      transports: ["internal", "hybrid"],
    },
    challenge,
    relyingParty: changes.relyingParty ?? relyingParty,
    ...(changes.policy && { policy: changes.policy }),
  };
}

export interface AssertionChanges {
  readonly key?: TestKey;
  readonly publicKey?: Bytes;
  readonly rpId?: string;
  readonly flags?: number;
  readonly signCount?: number;
  readonly rest?: Uint8Array;
  readonly clientData?: Readonly<Record<string, unknown>>;
  readonly clientDataJson?: (json: Bytes) => Bytes;
  readonly signature?: (signature: Bytes) => Bytes;
  readonly stored?: Partial<AssertionInput["credential"]>;
  readonly policy?: AssertionInput["policy"];
  readonly relyingParty?: AssertionInput["relyingParty"];
}

/** An assertion that verifies, except for the changes, which are signed with the rest. */
export async function authenticate(changes: AssertionChanges = {}): Promise<AssertionInput> {
  const key = changes.key ?? (await generateTestKey());
  const challenge = randomBytes(32);
  const written = clientData({ type: "webauthn.get", challenge: toBase64Url(challenge), ...changes.clientData });
  const clientDataJson = changes.clientDataJson?.(written) ?? written;
  const data = await authenticatorData({
    ...(changes.rpId !== undefined && { rpId: changes.rpId }),
    ...(changes.flags !== undefined && { flags: changes.flags }),
    signCount: changes.signCount ?? 1,
    ...(changes.rest && { rest: changes.rest }),
  });
  const signature = await key.sign(join(data, await sha256(clientDataJson)));
  return {
    response: { clientDataJson, authenticatorData: data, signature: changes.signature?.(signature) ?? signature },
    challenge,
    relyingParty: changes.relyingParty ?? relyingParty,
    credential: { publicKey: changes.publicKey ?? cbor(key.cose), signCount: 0, ...changes.stored },
    ...(changes.policy && { policy: changes.policy }),
  };
}
