/**
 * Argon2id hashes as PHC strings: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, base64 without padding.
 *
 * Reads strictly, except for the order of the parameters: npm's `argon2` writes `m,p,t`, PHP reads only `m,t,p`. This file
 * therefore writes `m,t,p`. It does not read Argon2i, Argon2d, version 16, `keyid` or `data`.
 *
 * @module
 */
import type { Argon2idCost } from "./argon2id.ts";
import { type Bytes, fromBase64, toBase64 } from "./bytes.ts";

export interface Argon2idHash {
  readonly cost: Argon2idCost;
  readonly salt: Bytes;
  readonly tag: Bytes;
}

/** The only cost that is written: OWASP's minimum, and the floor that the Flametrench specification pins (R009). */
export const pinnedCost: Argon2idCost = { memoryKiB: 19_456, passes: 2, lanes: 1 };
export const pinnedSaltBytes = 16;
export const pinnedTagBytes = 32;

/**
 * The most that a stored hash may ask for (R012). PHP's default, 64 MiB and four passes, just fits: half of a Workers isolate,
 * and about seven times the work of the pinned cost. A hash may trade one for the other, up to ten passes.
 */
export const defaultCaps: Argon2idCost = { memoryKiB: 65_536, passes: 4, lanes: 4 };
const leastPasses = 10;

/** The widest caps that an application can choose where it has the memory. */
export const widestCaps: Argon2idCost = { memoryKiB: 2_097_152, passes: 100, lanes: 64 };

/** Longer than any string that is read. A longer text is not parsed. */
const maxCharacters = 256;

const number = "[1-9][0-9]{0,9}";
/** Salts of 8 to 64 bytes, tags of 16 to 64. */
const form = new RegExp(
  `^\\$argon2id\\$v=19\\$([mtp]=${number},[mtp]=${number},[mtp]=${number})\\$([A-Za-z0-9+/]{11,86})\\$([A-Za-z0-9+/]{22,86})$`,
);

export function encodePhc({ cost, salt, tag }: Argon2idHash): string {
  const parameters = `m=${cost.memoryKiB},t=${cost.passes},p=${cost.lanes}`;
  return `$argon2id$v=19$${parameters}$${toBase64(salt)}$${toBase64(tag)}`;
}

/** The parts of a PHC string, or `undefined` if it is malformed, of another algorithm or asks for more than the caps. */
export function parsePhc(phc: string, caps: Argon2idCost = defaultCaps): Argon2idHash | undefined {
  const match = phc.length <= maxCharacters ? form.exec(phc) : null;
  if (!match) return undefined;

  const parameters = new Map(match[1]!.split(",").map((parameter) => [parameter[0], Number(parameter.slice(2))]));
  const memoryKiB = parameters.get("m");
  const passes = parameters.get("t");
  const lanes = parameters.get("p");
  if (memoryKiB === undefined || passes === undefined || lanes === undefined) return undefined;
  if (!isWithinCaps({ memoryKiB, passes, lanes }, caps)) return undefined;

  const salt = fromBase64(match[2]!);
  const tag = fromBase64(match[3]!);
  return salt && tag && { cost: { memoryKiB, passes, lanes }, salt, tag };
}

/** True if a hash should be made again: its cost is not the pinned one, its salt or tag is shorter, or it cannot be read here. */
export function needsRehash(phc: string): boolean {
  const hash = parsePhc(phc);
  return (
    !hash ||
    hash.cost.memoryKiB !== pinnedCost.memoryKiB ||
    hash.cost.passes !== pinnedCost.passes ||
    hash.cost.lanes !== pinnedCost.lanes ||
    hash.salt.length < pinnedSaltBytes ||
    hash.tag.length < pinnedTagBytes
  );
}

function isWithinCaps({ memoryKiB, passes, lanes }: Argon2idCost, caps: Argon2idCost): boolean {
  return (
    lanes <= caps.lanes &&
    memoryKiB >= 8 * lanes && // RFC 9106 §3.1
    memoryKiB <= caps.memoryKiB &&
    passes <= Math.max(caps.passes, leastPasses) &&
    memoryKiB * passes <= caps.memoryKiB * caps.passes
  );
}
