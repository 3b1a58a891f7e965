/**
 * Distinguished Encoding Rules (X.690 §10 and §11), read strictly, as far as signatures and certificates need them.
 *
 * A second spelling of the same value is refused: lengths, tags and integers have their shortest form, nothing is indefinite,
 * and no byte is left over.
 *
 * @module
 */
import type { Bytes } from "../../crypto/bytes.ts";

export interface DerElement {
  /** The identifier octet. A number of 31 or more is added above it: `[600]` is `0xbf + 600 * 256`. */
  readonly tag: number;
  readonly content: Bytes;
  /** Identifier, length and content. */
  readonly encoded: Bytes;
}

/** Identifier octets: X.690 §8.1.2, X.680 §8.4. */
export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The single element that the bytes encode, if it has the tag. */
export function readDer(bytes: Bytes, tag: number): DerElement | undefined {
  const [element, ...others] = readDerElements(bytes) ?? [];
  return element?.tag === tag && others.length === 0 ? element : undefined;
}

/** The elements of a `SEQUENCE`, or of another constructed element with the tag. */
export function readDerSequence(bytes: Bytes, tag: number = derTags.sequence): readonly DerElement[] | undefined {
  const sequence = readDer(bytes, tag);
  return sequence && readDerElements(sequence.content);
}

/** One element after another, to the end. */
export function readDerElements(bytes: Bytes): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const element = readElement(bytes, at);
    if (!element) return undefined;
    elements.push(element);
    at += element.encoded.length;
  }
  return elements;
}

/** The magnitude of an `INTEGER` that is not negative, without the byte that only holds its sign. */
export function derUnsigned({ tag, content }: DerElement): Bytes | undefined {
  const [first, second] = content;
  if (tag !== derTags.integer || first === undefined || first >= 0x80) return undefined;
  if (first === 0 && second !== undefined && second < 0x80) return undefined;
  return first === 0 && second !== undefined ? content.slice(1) : content;
}

/** An `OBJECT IDENTIFIER` with dots: X.690 §8.19. */
export function derObjectIdentifier({ tag, content }: DerElement): string | undefined {
  if (tag !== derTags.objectIdentifier || content.length === 0) return undefined;
  const arcs: number[] = [];
  let arc = 0;
  let isFirstByte = true;
  for (const byte of content) {
    if (isFirstByte && byte === 0x80) return undefined;
    arc = arc * 128 + (byte & 0x7f);
    if (arc > 0xffff_ffff) return undefined;
    isFirstByte = byte < 0x80;
    if (!isFirstByte) continue;
    if (arcs.length === 0) arcs.push(Math.min(Math.floor(arc / 40), 2), arc - 40 * Math.min(Math.floor(arc / 40), 2));
    else arcs.push(arc);
    arc = 0;
  }
  return isFirstByte ? arcs.join(".") : undefined;
}

/** A `BIT STRING` of whole bytes. */
export function derBitString({ tag, content }: DerElement): Bytes | undefined {
  return tag === derTags.bitString && content[0] === 0 ? content.slice(1) : undefined;
}

function readElement(bytes: Bytes, start: number): DerElement | undefined {
  const identifier = readTag(bytes, start);
  const length = identifier && readLength(bytes, identifier.end);
  if (!length || length.value > bytes.length - length.end) return undefined;
  const end = length.end + length.value;
  return { tag: identifier.value, content: bytes.slice(length.end, end), encoded: bytes.slice(start, end) };
}

interface Read {
  readonly value: number;
  readonly end: number;
}

function readTag(bytes: Bytes, start: number): Read | undefined {
  const first = bytes[start];
  if (first === undefined) return undefined;
  if ((first & 0x1f) !== 0x1f) return { value: first, end: start + 1 };
  // X.690 §8.1.2.4: seven bits a byte. Two bytes reach 16383; Android's largest tag is in the seven hundreds.
  const [high = 0, low = 0x80] = bytes.subarray(start + 1, start + 3);
  if (high > 0x1e && high < 0x80) return { value: first + high * 256, end: start + 2 };
  if (high <= 0x80 || low >= 0x80) return undefined;
  return { value: first + ((high & 0x7f) * 128 + low) * 256, end: start + 3 };
}

function readLength(bytes: Bytes, start: number): Read | undefined {
  const first = bytes[start];
  if (first === undefined) return undefined;
  if (first < 0x80) return { value: first, end: start + 1 };
  const size = first - 0x80;
  // Three bytes reach 16 MiB. X.690 §10.1: no indefinite length, and no more bytes than the length needs.
  if (size === 0 || size > 3 || start + size >= bytes.length) return undefined;
  let value = 0;
  for (const byte of bytes.subarray(start + 1, start + 1 + size)) value = value * 256 + byte;
  const isShortest = value >= 0x80 && value >= 256 ** (size - 1);
  return isShortest ? { value, end: start + 1 + size } : undefined;
}
