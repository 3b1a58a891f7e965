import type { Bytes } from "./bytes.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; // RFC 4648 table 3

/** Base32 without padding, as authenticator apps take it: RFC 4648 §6. */
export function toBase32(bytes: Uint8Array): string {
  let text = "";
  let held = 0;
  let heldBits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff;
    heldBits += 8;
    while (heldBits >= 5) {
      heldBits -= 5;
      text += alphabet[(held >> heldBits) & 31];
    }
  }
  return heldBits > 0 ? text + alphabet[(held << (5 - heldBits)) & 31] : text;
}

/** The bytes of unpadded upper-case base32, or `undefined` for any other text and for spare bits that are not zero. */
export function fromBase32(text: string): Bytes | undefined {
  // RFC 4648 §6: one, three or six characters beyond a multiple of eight encode no whole number of bytes.
  if ([1, 3, 6].includes(text.length % 8)) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let at = 0;
  let held = 0;
  let heldBits = 0;
  for (const character of text) {
    const value = alphabet.indexOf(character);
    if (value < 0) return undefined;
    held = ((held << 5) | value) & 0xffff;
    heldBits += 5;
    if (heldBits >= 8) {
      heldBits -= 8;
      bytes[at++] = (held >> heldBits) & 255;
    }
  }
  return (held & ((1 << heldBits) - 1)) === 0 ? bytes : undefined;
}
