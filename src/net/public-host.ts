/**
 * Hosts that a request to another party's address may go to: public names and public addresses (R091).
 *
 * The URL parser has written every spelling of an IPv4 address with four decimal numbers, and every IPv6 address in its shortest
 * form (WHATWG URL §3.5). A public name may still resolve to a private address, which a runtime without DNS cannot see.
 *
 * @module
 */

/**
 * IANA's special-purpose registry for IPv4: 0/8, 10/8, 100.64/10, 127/8, 169.254/16, 172.16/12, 192.0.0/24, 192.0.2/24,
 * 192.88.99/24, 192.168/16, 198.18/15, 198.51.100/24, 203.0.113/24 and 224/3. One pattern, because a table costs three times the
 * bytes.
 */
const specialIpv4 =
  /^(0|10|127|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])|169\.254|172\.(1[6-9]|2\d|3[01])|192\.(0\.[02]|88\.99|168)|198\.(1[89]|51\.100)|203\.0\.113|2(2[4-9]|[3-5]\d))\./;

/** Names that networks resolve for themselves (RFC 6761, RFC 6762, RFC 8375, RFC 9476 and ICANN's `internal`). */
const privateNames =
  /(^|\.)(localhost|local|localdomain|internal|intranet|private|corp|home|lan|home\.arpa|alt|onion|test|invalid)$/;

/** True if a URL's host is a public name with a dot or a public address. */
export function isPublicHost({ hostname }: URL): boolean {
  const host = hostname.replace(/\.$/, "");
  if (host.startsWith("[")) return isPublicIpv6(host.slice(1, -1));
  if (/^\d+(\.\d+){3}$/.test(host)) return !specialIpv4.test(host);
  // Without empty labels, which resolvers read differently: `localhost..` is no public name.
  return /^[^.]+(\.[^.]+)+$/.test(host) && !privateNames.test(host);
}

/**
 * Global unicast (2000::/3) without what IANA's registry takes out of it: protocol assignments with Teredo (2001::/23),
 * documentation (2001:db8::/32, 3fff::/20) and 6to4 (2002::/16), which hides an IPv4 address.
 */
function isPublicIpv6(address: string): boolean {
  const [first = "", second = ""] = address.split(":");
  const high = Number.parseInt(first || "0", 16);
  const low = Number.parseInt(second || "0", 16);
  if (high < 0x2000 || high > 0x3fff || high === 0x2002) return false;
  if (high === 0x2001) return low >= 0x200 && low !== 0xdb8;
  return high !== 0x3fff || low >= 0x1000;
}
