/**
 * What a browser sends: RegistrationResponseJSON and AuthenticationResponseJSON, WebAuthn L3 §5.1.8.
 *
 * Only the byte strings that are signed or hashed are taken (§7.2 step 7). The members that repeat a part of them for
 * convenience (`publicKey`, `authenticatorData` of a registration and so on) are not read, and neither are the client
 * extension results: nothing is asked for, and whatever a client says there is not signed.
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
  /** Who the authenticator says signs in; only a discoverable credential has one. */
  readonly userHandle?: Bytes;
}

/** §5.8.4, without those that only one version of a draft had. */
export const authenticatorTransports = ["usb", "nfc", "ble", "hybrid", "internal", "smart-card"] as const;

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
  const presented = credential.response.get("userHandle") ?? undefined;
  const userHandle = presented === undefined ? undefined : readBytes(presented);
  // §5.4.3: one to 64 bytes. A handle in another form is no handle, and must not count as none.
  if (presented !== undefined && (!userHandle || userHandle.length > 64)) return undefined;
  const { credentialId } = credential;
  return { credentialId, clientDataJson, authenticatorData, signature, ...(userHandle && { userHandle }) };
}

/** The transports of the list that we know, each once: a hint for later requests, which the client is free to invent. */
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
  // §5.1.8: both are the same text.
  return id === credential.get("rawId") ? { credentialId: id as string, response } : undefined;
}

function readMembers(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return new Map<string, unknown>(Object.entries(value));
}

function readBytes(text: unknown): Bytes | undefined {
  return typeof text === "string" && text !== "" ? fromBase64Url(text) : undefined;
}
