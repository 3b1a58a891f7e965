import { type Bytes, fromBase64Url, randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import type { AssertionOptions } from "../../src/operations/passkeys.ts";
import type { RegistrationOptions } from "../../src/operations/registration.ts";
import {
  attestedCredential,
  authenticatorData,
  clientData,
  flag,
  generateTestKey,
  type KeyKind,
  sha256,
} from "../domain/webauthn/authenticator.ts";
import { cbor, type Encodable, join } from "../domain/webauthn/encode.ts";

/** Deviations of a misbehaving client. */
export interface Misuse {
  readonly challenge?: string;
  readonly origin?: string;
  readonly rpId?: string;
  readonly flags?: number;
  readonly signCount?: number;
  readonly credentialId?: string;
  /** Null omits it. */
  readonly userHandle?: string | null;
  readonly clientData?: Readonly<Record<string, unknown>>;
}

/** An authenticator with one credential, and the browser that uses it. */
export interface Authenticator {
  readonly credentialId: string;
  /** Its COSE key. */
  readonly publicKey: Bytes;
  /** `RegistrationResponseJSON`. */
  create(options: RegistrationOptions, misuse?: Misuse): Promise<unknown>;
  /** `AuthenticationResponseJSON`. */
  get(options: AssertionOptions, misuse?: Misuse): Promise<unknown>;
}

const origin = "https://example.com";

/**
 * @param device.counts True if it has a counter; a synced passkey has none.
 * @param device.backup True if its credential is stored in several places.
 */
export async function newAuthenticator(
  device: { kind?: KeyKind; counts?: boolean; backup?: boolean; credentialId?: Bytes } = {},
): Promise<Authenticator> {
  const { counts = true, backup = false } = device;
  const key = await generateTestKey(device.kind);
  const id = device.credentialId ?? randomBytes(32);
  const credentialId = toBase64Url(id);
  const backupFlags = backup ? flag.be | flag.bs : 0;
  let signCount = 0;
  let handle = "";
  const count = (): number => (counts ? ++signCount : 0);
  return {
    credentialId,
    publicKey: cbor(key.cose) as Bytes,
    async create(options, misuse = {}) {
      handle = options.user.id;
      const clientDataJson = clientData({
        type: "webauthn.create",
        challenge: misuse.challenge ?? options.challenge,
        origin: misuse.origin ?? origin,
        ...misuse.clientData,
      });
      const data = await authenticatorData({
        rpId: misuse.rpId ?? options.rp.id,
        flags: misuse.flags ?? flag.up | flag.uv | flag.at | backupFlags,
        signCount: misuse.signCount ?? count(),
        rest: attestedCredential({ credentialId: id, publicKey: cbor(key.cose) }),
      });
      const attestationObject = cbor(
        new Map<string, Encodable>([
          ["fmt", "none"],
          ["attStmt", new Map()],
          ["authData", data],
        ]),
      );
      return {
        ...ids(misuse.credentialId ?? credentialId),
        response: {
          clientDataJSON: toBase64Url(clientDataJson),
          attestationObject: toBase64Url(attestationObject),
          transports: ["internal", "hybrid"],
        },
        clientExtensionResults: {},
      };
    },
    async get(options, misuse = {}) {
      const clientDataJson = clientData({
        type: "webauthn.get",
        challenge: misuse.challenge ?? options.challenge,
        origin: misuse.origin ?? origin,
        ...misuse.clientData,
      });
      const data = await authenticatorData({
        rpId: misuse.rpId ?? options.rpId,
        flags: misuse.flags ?? flag.up | flag.uv | backupFlags,
        signCount: misuse.signCount ?? count(),
      });
      const signature = await key.sign(join(data, await sha256(clientDataJson)));
      const userHandle = misuse.userHandle === undefined ? handle : misuse.userHandle;
      return {
        ...ids(misuse.credentialId ?? credentialId),
        response: {
          clientDataJSON: toBase64Url(clientDataJson),
          authenticatorData: toBase64Url(data),
          signature: toBase64Url(signature),
          ...(userHandle !== null && { userHandle }),
        },
        clientExtensionResults: {},
      };
    },
  };
}

const ids = (id: string) => ({ id, rawId: id, type: "public-key", authenticatorAttachment: "platform" });

/** Flips one bit of a member of a response. */
export function withBitTurned(response: unknown, member: string, bit: number): unknown {
  const copy = structuredClone(response) as { response: Record<string, string> };
  const bytes = fromBase64Url(copy.response[member]!)!;
  bytes[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7);
  copy.response[member] = toBase64Url(bytes);
  return copy;
}
