/**
 * The address that attempts are counted by, in one spelling (security requirements R016, R017).
 *
 * @module
 */

const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** The part of an address that one client can hardly change (`narrow`), and the range that one subscriber may hold (`wide`). */
export interface AddressKeys {
  readonly narrow: string;
  readonly wide: string;
}

/** All requests without an address share one counter, so that a hidden address does not evade the limit. */
const shared: AddressKeys = { narrow: "none", wide: "none" };

/**
 * The keys by which attempts from an address are counted: an IPv4 address and its /24; an IPv6 address's /64 and its /48. An
 * IPv4-mapped address counts as the IPv4 address. A text that is not an address counts as no address.
 */
export function addressKeys(address: string | undefined): AddressKeys {
  if (address === undefined) return shared;
  if (ipv4.test(address)) return ipv4Keys(address);
  const groups = ipv6Groups(address);
  if (!groups) return shared;

  // ::ffff:0:0/96, RFC 4291 §2.5.5.2.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return ipv4Keys([groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join("."));
  }
  const prefix = (count: number): string =>
    groups
      .slice(0, count)
      .map((group) => group.toString(16))
      .join(":");
  return { narrow: `${prefix(4)}::/64`, wide: `${prefix(3)}::/48` };
}

function ipv4Keys(address: string): AddressKeys {
  return { narrow: address, wide: `${address.slice(0, address.lastIndexOf("."))}.0/24` };
}

/** The eight groups of an IPv6 address in any spelling; the URL parser knows them all (URL Standard §3.5). */
function ipv6Groups(address: string): number[] | undefined {
  if (!/^[0-9a-f:.]+$/i.test(address) || !URL.canParse(`http://[${address}]/`)) return undefined;
  const [head = "", tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split("::");
  const parse = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  if (tail === undefined) return parse(head);
  const [left, right] = [parse(head), parse(tail)];
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}
