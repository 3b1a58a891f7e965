import { type Bytes, joinBytes, utf8 } from "../../crypto/bytes.ts";

/**
 * `{ fmt: "none", attStmt: {}, authData }` in CBOR: the attestation object that a client sends if no attestation is requested
 * (WebAuthn L3 §5.1.3, §8.7).
 */
export function unattested(authenticatorData: Bytes): Bytes {
  const { length } = authenticatorData;
  // A byte string with a length of four bytes (RFC 8949 §3).
  const head = new Uint8Array([0x5a, length >> 24, length >> 16, length >> 8, length]);
  const text = (value: string) => joinBytes(new Uint8Array([0x60 + value.length]), utf8(value));
  const statement = [text("fmt"), text("none"), text("attStmt"), new Uint8Array([0xa0])];
  return joinBytes(new Uint8Array([0xa3]), ...statement, text("authData"), head, authenticatorData);
}
