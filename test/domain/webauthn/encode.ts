import { type Bytes, fromHex, utf8 } from "../../../src/crypto/bytes.ts";

/** Values that tests write in CBOR. A `Map` keeps the order of its keys. */
export type Encodable = number | string | boolean | null | Uint8Array | readonly Encodable[] | EncodableMap;
export type EncodableMap = ReadonlyMap<number | string, Encodable>;

export const hex = (text: string): Bytes => fromHex(text.replaceAll(" ", ""))!;

export function join(...parts: readonly Uint8Array[]): Bytes {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** CBOR in its shortest form, with keys in the given order. */
export function cbor(value: Encodable): Bytes {
  if (value === null) return hex("f6");
  if (typeof value === "boolean") return hex(value ? "f5" : "f4");
  if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === "string") return join(head(3, utf8(value).length), utf8(value));
  if (value instanceof Uint8Array) return join(head(2, value.length), value);
  if (value instanceof Map)
    return join(head(5, value.size), ...[...value].flatMap(([key, member]) => [cbor(key), cbor(member)]));
  const items = value as readonly Encodable[];
  return join(head(4, items.length), ...items.map(cbor));
}

function head(major: number, argument: number): Bytes {
  const size = argument < 24 ? 0 : argument < 256 ? 1 : argument < 65_536 ? 2 : 4;
  const information = size === 0 ? argument : 24 + Math.log2(size);
  return join(new Uint8Array([(major << 5) | information]), bigEndian(argument, size));
}

export function bigEndian(value: number, size: number): Bytes {
  return new Uint8Array(size).map((_, index) => Math.floor(value / 256 ** (size - 1 - index)) % 256);
}

/** One DER element. */
export function der(tag: number | readonly number[], ...parts: readonly Uint8Array[]): Bytes {
  const content = join(...parts);
  const size = content.length < 128 ? 0 : content.length < 256 ? 1 : 2;
  const length = size === 0 ? [content.length] : [0x80 + size, ...bigEndian(content.length, size)];
  return join(new Uint8Array([tag].flat()), new Uint8Array(length), content);
}

export const sequence = (...parts: readonly Uint8Array[]): Bytes => der(0x30, ...parts);

/** An integer that is not negative, from its magnitude. */
export function integer(magnitude: Uint8Array): Bytes {
  const start = magnitude.findIndex((byte) => byte !== 0);
  const short = start < 0 ? new Uint8Array(1) : magnitude.slice(start);
  return der(0x02, short[0]! >= 0x80 ? join(new Uint8Array(1), short) : short);
}

export function objectIdentifier(text: string): Bytes {
  const [first = 0, second = 0, ...others] = text.split(".").map(Number);
  const bytes = [first * 40 + second, ...others].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128))
      groups.unshift((rest & 0x7f) | 0x80);
    return groups;
  });
  return der(0x06, new Uint8Array(bytes));
}

/** `r ‖ s` as Ecdsa-Sig-Value. */
export function derSignature(raw: Uint8Array): Bytes {
  return sequence(integer(raw.slice(0, raw.length / 2)), integer(raw.slice(raw.length / 2)));
}

/** The bytes with one bit flipped. */
export function flipBit(bytes: Uint8Array, at: number, bit = 0): Bytes {
  const flipped = new Uint8Array(bytes);
  flipped[at]! ^= 1 << bit;
  return flipped;
}
