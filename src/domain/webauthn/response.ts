/**
 * The browser's responses: RegistrationResponseJSON and AuthenticationResponseJSON, WebAuthn L3 §5.1.8.
 *
 * Only the byte strings that are signed or hashed are taken (§7.2 step 7). The members that repeat parts of them for
 * convenience (`publicKey`, `authenticatorData` of a registration and so on) are not read. The client extension results are not
 * read either: none are requested, and they are not signed.
 *
 * @module
 */
import { type Bytes, fromBase64Url } from "../../crypto/bytes.ts";

export interface RegistrationResponse {
  /** Base64url. */
  readonly credentialId: string;
  readonly clientDataJson: Bytes;
  readonly attestationObject: Bytes;
  readonly transports: readonly AuthenticatorTransport[];
}

export interface AssertionResponse {
  /** Base64url. */
  readonly credentialId: string;
  readonly clientDataJson: Bytes;
  readonly authenticatorData: Bytes;
  readonly signature: Bytes;
  /** The user that the authenticator names; only a discoverable credential has one. */
  readonly userHandle?: Bytes;
}

/** §5.8.4, without the transports that only one version of a draft had. */
export const authenticatorTransports = ["usb", "nfc", "ble", "hybrid", "internal", "smart-card"] as const;

/** A way in which a client can reach an authenticator (WebAuthn L3 §5.8.4). */
export type AuthenticatorTransport = (typeof authenticatorTransports)[number];

/** The parts of a registration response, or `undefined` for an assertion and for anything else. */
export function parseRegistrationResponse(json: unknown): RegistrationResponse | undefined {
  const credential = readCredential(json);
  const clientDataJson = readBytes(credential?.response.get("clientDataJSON"));
  const attestationObject = readBytes(credential?.response.get("attestationObject"));
  if (!credential || !clientDataJson || !attestationObject) return undefined;
  const transports = knownTransports(credential.response.get("transports"));
  return { credentialId: credential.credentialId, clientDataJson, attestationObject, transports };
}

/** The parts of an assertion, or `undefined` for a registration response and for anything else. */
export function parseAssertionResponse(json: unknown): AssertionResponse | undefined {
  const credential = readCredential(json);
  const clientDataJson = readBytes(credential?.response.get("clientDataJSON"));
  const authenticatorData = readBytes(credential?.response.get("authenticatorData"));
  const signature = readBytes(credential?.response.get("signature"));
  if (!credential || !clientDataJson || !authenticatorData || !signature) return undefined;
  const given = credential.response.get("userHandle") ?? undefined;
  // Some clients write an empty text for a credential without a handle; no handle is empty (§5.4.3).
  const presented = given === "" ? undefined : given;
  const userHandle = presented === undefined ? undefined : readBytes(presented);
  // §5.4.3: one to 64 bytes. A handle in another form is invalid, and must not count as absent.
  if (presented !== undefined && (!userHandle || userHandle.length > 64)) return undefined;
  const { credentialId } = credential;
  return { credentialId, clientDataJson, authenticatorData, signature, ...(userHandle && { userHandle }) };
}

/** The known transports of the list, each once. They are a hint for later requests, and a client may invent them. */
function knownTransports(list: unknown): readonly AuthenticatorTransport[] {
  return Array.isArray(list) ? authenticatorTransports.filter((transport) => list.includes(transport)) : [];
}

function readCredential(
  json: unknown,
): { readonly credentialId: string; readonly response: ReadonlyMap<string, unknown> } | undefined {
  const credential = readMembers(json);
  const response = readMembers(credential?.get("response"));
  const id = credential?.get("id");
  if (!credential || !response || credential.get("type") !== "public-key" || !readBytes(id)) return undefined;
  // §5.1.8: both hold the same text.
  return id === credential.get("rawId") ? { credentialId: id as string, response } : undefined;
}

function readMembers(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return new Map<string, unknown>(Object.entries(value));
}

function readBytes(text: unknown): Bytes | undefined {
  return typeof text === "string" && text !== "" ? fromBase64Url(text) : undefined;
}
