/**
 * The address that attempts are counted by, in one spelling (security requirements R016, R017).
 *
 * @module
 */

/** The part of an address that one client can hardly change (`narrow`), and the range that one subscriber may hold (`wide`). */
export interface AddressKeys {
  readonly narrow: string;
  readonly wide: string;
}

/**
 * An address with what proxies write around it: quotes, brackets, a port (RFC 7239 §6), a zone (RFC 4007 §11), spaces. Without
 * brackets a port looks like one more group.
 */
const form = /^\s*"?\[?([\da-f:.]+)(?:%[^\]\s"]+)?\]?(?::_?[\w.-]+)?"?\s*$/i;

/** The /96 prefixes whose last 32 bits are an IPv4 address: IPv4-mapped (RFC 4291 §2.5.5.2) and NAT64 (RFC 6052 §2.1). */
const embedding = ["0:0:0:0:0:ffff", "64:ff9b:0:0:0:0"];

/**
 * The keys by which attempts from an address are counted: an IPv4 address and its /24; an IPv6 address's /64 and its /48. An
 * IPv6 address that embeds an IPv4 address counts as the IPv4 address. `undefined` for a text that is not an address.
 */
export function addressKeys(text: string): AddressKeys | undefined {
  const address = form.exec(text)?.[1] ?? "";
  return keysOf(address) ?? keysOf(address.replace(/:\d{1,5}$/, ""));
}

/** The address alone, in one spelling, without what proxies write around it. `undefined` for a text that is not an address. */
export function plainAddress(text: string): string | undefined {
  const written = form.exec(text)?.[1] ?? "";
  for (const address of [written, written.replace(/:\d{1,5}$/, "")]) {
    const keys = keysOf(address);
    if (keys) return keys.narrow.includes(":") ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : keys.narrow;
  }
  return undefined;
}

function keysOf(address: string): AddressKeys | undefined {
  const groups = groupsOf(address.includes(":") ? address : `${embedding[0]}:${address}`);
  if (!groups) return undefined;
  const prefix = (count: number): string => groups.slice(0, count).join(":");
  if (!embedding.includes(prefix(6))) return { narrow: `${prefix(4)}::/64`, wide: `${prefix(3)}::/48` };

  const bytes = groups.slice(6).flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
  return { narrow: bytes.join("."), wide: `${bytes.slice(0, 3).join(".")}.0/24` };
}

/** The eight groups of an IPv6 address in any spelling; the URL parser knows them all (URL Standard §3.5). */
function groupsOf(address: string): string[] | undefined {
  if (!URL.canParse(`http://[${address}]/`)) return undefined;
  const [head, tail] = new URL(`http://[${address}]/`).hostname
    .slice(1, -1)
    .split("::")
    .map((part) => part.split(":").filter(Boolean));
  return tail ? [...head!, ...Array(8 - head!.length - tail.length).fill("0"), ...tail] : head;
}
