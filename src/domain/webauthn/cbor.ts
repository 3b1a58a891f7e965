/**
 * The part of CBOR (RFC 8949) that WebAuthn needs, read strictly.
 *
 * Unsigned and negative integers that a double holds exactly, byte and text strings, arrays, maps with integer or text keys,
 * booleans and null. Everything else is refused: tags, floating point, `undefined` and other simple values, indefinite lengths,
 * duplicate keys, trailing bytes. CTAP2's canonical form is not required, because WebAuthn L3 §7 does not ask the relying party
 * to check it.
 *
 * @module
 */
import type { Bytes } from "../../crypto/bytes.ts";

export type CborValue = number | string | boolean | null | Bytes | readonly CborValue[] | CborMap;

/** A `Map`, because the sender chooses the keys. */
export type CborMap = ReadonlyMap<number | string, CborValue>;

/** An attestation object is 4 levels deep, and CTAP2 §8 allows messages no more than 4. */
const maxDepth = 8;

interface Cursor {
  readonly bytes: Bytes;
  at: number;
}

const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The single item that the bytes encode, or `undefined`. */
export function decodeCbor(bytes: Bytes): CborValue | undefined {
  const first = decodeFirstCbor(bytes);
  return first?.length === bytes.length ? first.value : undefined;
}

/** The item at the start of the bytes, and its length in bytes. */
export function decodeFirstCbor(bytes: Bytes): { readonly value: CborValue; readonly length: number } | undefined {
  const cursor = { bytes, at: 0 };
  const value = readItem(cursor, 0);
  return value === undefined ? undefined : { value, length: cursor.at };
}

export function isCborMap(value: CborValue | undefined): value is CborMap {
  return value instanceof Map;
}

export function isCborBytes(value: CborValue | undefined): value is Bytes {
  return value instanceof Uint8Array;
}

function readItem(cursor: Cursor, depth: number): CborValue | undefined {
  const initial = cursor.bytes[cursor.at];
  if (initial === undefined || depth > maxDepth) return undefined;
  cursor.at++;
  const major = initial >> 5;
  if (major === 7) return simpleValues.get(initial);

  const argument = readArgument(cursor, initial & 0x1f);
  if (argument === undefined) return undefined;
  switch (major) {
    case 0:
      return argument;
    case 1:
      return argument < Number.MAX_SAFE_INTEGER ? -1 - argument : undefined;
    case 2:
      return take(cursor, argument);
    case 3:
      return readText(cursor, argument);
    case 4:
      return readArray(cursor, argument, depth);
    case 5:
      return readMap(cursor, argument, depth);
    default:
      return undefined;
  }
}

/** RFC 8949 §3.3, by the whole initial byte. */
const simpleValues: ReadonlyMap<number, boolean | null> = new Map([
  [0xf4, false],
  [0xf5, true],
  [0xf6, null],
]);

/** RFC 8949 §3: the five low bits are the argument, or say how many bytes hold it; 28 to 31 are reserved or indefinite. */
function readArgument(cursor: Cursor, information: number): number | undefined {
  if (information < 24) return information;
  if (information > 27) return undefined;
  const bytes = take(cursor, 1 << (information - 24));
  if (!bytes) return undefined;
  let argument = 0;
  for (const byte of bytes) argument = argument * 256 + byte;
  return Number.isSafeInteger(argument) ? argument : undefined;
}

function take(cursor: Cursor, length: number): Bytes | undefined {
  if (length > cursor.bytes.length - cursor.at) return undefined;
  const bytes = cursor.bytes.slice(cursor.at, cursor.at + length);
  cursor.at += length;
  return bytes;
}

function readText(cursor: Cursor, length: number): string | undefined {
  const bytes = take(cursor, length);
  try {
    return bytes && textDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function readArray(cursor: Cursor, length: number, depth: number): readonly CborValue[] | undefined {
  const values: CborValue[] = [];
  for (let index = 0; index < length; index++) {
    const value = readItem(cursor, depth + 1);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function readMap(cursor: Cursor, length: number, depth: number): CborMap | undefined {
  const map = new Map<number | string, CborValue>();
  for (let index = 0; index < length; index++) {
    const key = readItem(cursor, depth + 1);
    if ((typeof key !== "number" && typeof key !== "string") || map.has(key)) return undefined;
    const value = readItem(cursor, depth + 1);
    if (value === undefined) return undefined;
    map.set(key, value);
  }
  return map;
}
