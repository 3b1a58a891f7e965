import { describe, expect, test } from "vitest";
import { addressKeys } from "../../src/domain/client-address.ts";

const groups = ["2001", "db8", "1", "2", "0", "0", "0", "9"];

/** Every way to write one address: zeros padded or not, either case, each run of zeros shortened or not, IPv4 at the end. */
function spellings(): Set<string> {
  const found = new Set<string>();
  const cases: ((text: string) => string)[] = [(text) => text, (text) => text.toUpperCase()];
  for (let padded = 0; padded < 1 << groups.length; padded++) {
    const written = groups.map((group, index) => ((padded >> index) & 1 ? group.padStart(4, "0") : group));
    const last = `${written.slice(0, 6).join(":")}:0.0.0.9`;
    const forms = [
      written.join(":"),
      last,
      ...[[4, 7] as const, [4, 6] as const, [5, 7] as const].map(
        ([from, to]) => `${written.slice(0, from).join(":")}::${written.slice(to).join(":")}`,
      ),
      `${written.slice(0, 4).join(":")}::0.0.0.9`,
    ];
    for (const form of forms) for (const inCase of cases) found.add(inCase(form));
  }
  return found;
}

describe("R016, B05, B31: every spelling of an address has the same key", () => {
  test("an IPv6 address in more than 200 spellings", () => {
    const all = spellings();
    expect(all.size).toBeGreaterThan(200);
    const keys = new Set([...all].map((text) => JSON.stringify(addressKeys(text))));
    expect([...keys]).toEqual(['{"narrow":"2001:db8:1:2::/64","wide":"2001:db8:1::/48"}']);
  });

  test("an IPv4 address and its mapped forms", () => {
    const mapped = [
      "::ffff:192.0.2.7",
      "::FFFF:192.0.2.7",
      "0:0:0:0:0:ffff:192.0.2.7",
      "::ffff:c000:207",
      "::ffff:C000:0207",
      "0000:0000:0000:0000:0000:ffff:c000:0207",
      "0::ffff:c000:207",
      "::0:ffff:192.0.2.7",
    ];
    for (const text of ["192.0.2.7", ...mapped]) {
      expect([text, addressKeys(text)]).toEqual([text, { narrow: "192.0.2.7", wide: "192.0.2.0/24" }]);
    }
  });

  test.each([
    { case: "the same /64", a: "2001:db8:1:2::1", b: "2001:db8:1:2:ffff:ffff:ffff:ffff", narrow: true, wide: true },
    { case: "another /64 of the same /48", a: "2001:db8:1:2::1", b: "2001:db8:1:3::1", narrow: false, wide: true },
    { case: "another /48", a: "2001:db8:1:2::1", b: "2001:db8:2:2::1", narrow: false, wide: false },
    { case: "another IPv4 address of the same /24", a: "192.0.2.1", b: "192.0.2.255", narrow: false, wide: true },
    { case: "another /24", a: "192.0.2.1", b: "192.0.3.1", narrow: false, wide: false },
    { case: "IPv4 and the IPv6 that ends in it", a: "192.0.2.1", b: "::192.0.2.1", narrow: false, wide: false },
    {
      case: "groups that only look equal when joined",
      a: "2001:db8:11:2::1",
      b: "2001:db8:1:12::1",
      narrow: false,
      wide: false,
    },
  ])("$case: narrow equal $narrow, wide equal $wide", ({ a, b, narrow, wide }) => {
    expect(addressKeys(a)?.narrow === addressKeys(b)?.narrow).toBe(narrow);
    expect(addressKeys(a)?.wide === addressKeys(b)?.wide).toBe(wide);
  });

  test.each(["::", "::1", "fe80::", "1::", "1:2:3:4:5:6:7:8", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7::"])(
    "%s is an address",
    (text) => {
      expect(addressKeys(text)?.narrow).toMatch(/^([0-9a-f]{1,4}:){4}:\/64$/);
    },
  );
});

describe("S76: an address has the same keys in every form that a proxy writes", () => {
  const around: [string, (address: string, isV6: boolean) => string][] = [
    ["nothing", (address) => address],
    ["brackets", (address, isV6) => (isV6 ? `[${address}]` : address)],
    ["a port", (address, isV6) => (isV6 ? `[${address}]:51234` : `${address}:51234`)],
    ["an obfuscated port (RFC 7239 §6.3)", (address, isV6) => (isV6 ? `[${address}]:_p.o-rt` : `${address}:_p.o-rt`)],
    ["quotes", (address, isV6) => (isV6 ? `"[${address}]"` : `"${address}"`)],
    ["quotes and a port", (address, isV6) => (isV6 ? `"[${address}]:443"` : `"${address}:443"`)],
    ["spaces and a tab", (address) => ` ${address}\t`],
    ["a line break", (address) => `${address}\r\n`],
    ["a zone", (address, isV6) => (isV6 ? `${address}%eth0` : address)],
    ["a zone in a URL (RFC 6874)", (address, isV6) => (isV6 ? `[${address}%25en-0.1]:80` : address)],
    ["a port of five digits without brackets", (address) => `${address}:51234`],
  ];
  const addresses = [
    { address: "203.0.113.7", narrow: "203.0.113.7", wide: "203.0.113.0/24" },
    { address: "::ffff:203.0.113.7", narrow: "203.0.113.7", wide: "203.0.113.0/24" },
    { address: "64:ff9b::203.0.113.7", narrow: "203.0.113.7", wide: "203.0.113.0/24" },
    { address: "64:ff9b::cb00:7107", narrow: "203.0.113.7", wide: "203.0.113.0/24" },
    { address: "2001:db8:1:2:3:4:5:6", narrow: "2001:db8:1:2::/64", wide: "2001:db8:1::/48" },
    { address: "2001:db8:1:2::6", narrow: "2001:db8:1:2::/64", wide: "2001:db8:1::/48" },
    { address: "fe80::1", narrow: "fe80:0:0:0::/64", wide: "fe80:0:0::/48" },
  ];
  test.each(around)("%s", (_form, write) => {
    for (const { address, narrow, wide } of addresses) {
      const text = write(address, address.includes(":"));
      expect([text, addressKeys(text)]).toEqual([text, { narrow, wide }]);
    }
  });

  test("only the well-known prefix of NAT64 embeds an IPv4 address", () => {
    expect(addressKeys("64:ff9b:1::203.0.113.7")?.narrow).toBe("64:ff9b:1:0::/64");
    expect(addressKeys("64:ff9c::203.0.113.7")?.narrow).toBe("64:ff9c:0:0::/64");
  });
});

describe("R017, S76: a text that is not an address has no keys", () => {
  test.each([
    "",
    " ",
    "unknown",
    "_hidden",
    "localhost",
    "192.0.2",
    "192.0.2.7.1",
    "192.0.2.256",
    "192.0.2.07",
    "0300.0.2.7",
    "0xc0.0.2.7",
    "3221225991",
    "192.0.2.7:",
    "192.0.2.7:443:443",
    "192.0.2.7, 10.0.0.1",
    "192.0.2.7 10.0.0.1",
    "１92.0.2.7",
    "192。0。2。7",
    "[]",
    "[]:443",
    "[::1]:",
    "[::1]443",
    "[::1]:443]",
    "%eth0",
    "for=192.0.2.7",
    "2001:db8::g",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9:10",
    "1::2::3",
    ":::",
    ":",
    "12345::1",
    "::ffff:192.0.2.256",
    "::ffff:192.0.2",
    "2001:db8::1/64",
    "a]/?x=[::1",
    "::1]@evil",
  ])("%j", (text) => {
    expect(addressKeys(text)).toBeUndefined();
  });

  test.each(["1", ":", ":1", "1.", "::1%e]", " ", "1:_a"])("%j, 100,000 times: read in linear time", (part) => {
    const startedAt = performance.now();
    for (const end of ["", "x", "!"]) expect(addressKeys(part.repeat(100_000) + end)).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
