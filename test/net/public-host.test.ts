import { describe, expect, test } from "vitest";
import { isPublicHost } from "../../src/net/public-host.ts";

/** 127.0.0.1, and the other addresses that a server-side request is after, in every spelling that a URL takes. */
const spellings: readonly string[] = [
  // Dotted, with a dot after it, in parts, as one number; decimal, octal, hexadecimal; mixed.
  ...["127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "0x7f000001", "017700000001", "0x7f.0.0.1"],
  ...["0x7f.1", "0177.0.0.1", "0177.1", "0x7F.0x0.0x0.0x1", "127.0x0.0.01", "00000177.0.0.1", "0x000000007f000001"],
  ...["127.255.255.254", "127.0.0.0", "127.1.1.1"],
  ...[
    "169.254.169.254",
    "169.254.169.254.",
    "2852039166",
    "0xa9fea9fe",
    "025177524776",
    "169.254.43518",
    "0xa9.254.169.254",
  ],
  ...["0251.0376.0251.0376", "169.16689662", "169.254.0.0", "169.254.255.255"],
  ...["10.0.0.1", "10.1", "167772161", "0xa000001", "012.0.0.1", "10.255.255.255", "10.0.0.0"],
  ...["192.168.0.1", "192.168.1", "3232235521", "0xc0a80001", "0300.0250.0.1", "192.168.255.255"],
  ...["172.16.0.1", "172.31.255.255", "2886729729", "0xac100001", "172.20.10.2"],
  ...["0.0.0.0", "0", "0x0", "00", "0.0", "0.0.0.0.", "0.1.2.3", "0.255.255.255"],
  ...["100.64.0.1", "100.127.255.255", "100.100.100.200", "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1"],
  ...["198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1"],
  ...["255.255.255.255", "4294967295", "0xffffffff", "037777777777"],
  // Letters and dots that the parser maps to ASCII.
  ...[
    "１２７.0.0.1",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "127．0．0．1",
    "127｡0｡0｡1",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "１６９.254.169.254",
  ],
  ...["ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "ｌｏｃａｌｈｏｓｔ", "loc%61lhost", "LOCALHOST", "LocalHost", "localhost\u00ad", "lo\u200bcalhost"],
  // IPv6: unspecified, loopback, mapped, compatible, translated, tunnelled, local, multicast, documentation, unassigned.
  ...[
    "[::]",
    "[0:0:0:0:0:0:0:0]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::0001]",
  ],
  ...[
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:7F00:0001]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::ffff:169.254.169.254]",
  ],
  ...[
    "[::ffff:a9fe:a9fe]",
    "[::ffff:10.0.0.1]",
    "[::ffff:192.168.0.1]",
    "[::ffff:0.0.0.0]",
    "[::ffff:8.8.8.8]",
    "[::ffff:0:127.0.0.1]",
  ],
  ...[
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::169.254.169.254]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::1]",
  ],
  ...[
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2002::1]",
    "[2001::1]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[2001:1ff::1]",
  ],
  ...[
    "[2001:2::1]",
    "[2001:10::1]",
    "[2001:20::1]",
    "[2001:db8::1]",
    "[2001:0DB8:ffff::1]",
    "[3fff::1]",
    "[3fff:fff::1]",
  ],
  ...[
    "[fc00::1]",
    "[fd00::1]",
    "[fd00:ec2::254]",
    "[fdff:ffff::1]",
    "[fe80::1]",
    "[febf::1]",
    "[fec0::1]",
    "[feff::1]",
  ],
  ...[
    "[ff02::1]",
    "[ff05::2]",
    "[ffff::1]",
    "[100::1]",
    "[1::1]",
    "[1fff::1]",
    "[4000::1]",
    "[5f00::1]",
    "[8000::1]",
    "[e000::1]",
  ],
  // Names.
  ...[
    "localhost",
    "localhost.",
    "localhost..",
    "a.localhost",
    "a.b.localhost.",
    "localhost.localdomain",
    "x.localdomain",
  ],
  ...["intranet", "router", "metadata", "db", "a", "xn--nxasmq6b", "com", "com.", "metadata.google.internal"],
  ...[
    "metadata.google.internal.",
    "METADATA.google.INTERNAL",
    "vault.internal",
    "printer.local",
    "printer.local.",
    "x.local..",
  ],
  ...[
    "kubernetes.default.svc.cluster.local",
    "router.lan",
    "router.home",
    "box.home.arpa",
    "home.arpa",
    "ad.corp",
    "x.private",
  ],
  ...[
    "x.intranet",
    "x.alt",
    "x.onion",
    "x.test",
    "x.invalid",
    "example.com..",
    ".example.com",
    "a..example.com",
    "..",
    ".",
  ],
];

describe("R091, B30: a host that is not public is refused", () => {
  test("there are at least 150 spellings, each once", () => {
    expect(spellings.length).toBeGreaterThanOrEqual(150);
    expect(new Set(spellings).size).toBe(spellings.length);
  });

  test.each(spellings)("%j", (host) => {
    const address = `https://${host}/jwks`;
    // What is no URL is not asked either.
    expect(URL.canParse(address) && isPublicHost(new URL(address))).toBe(false);
  });

  test("nearly all of them are URLs, so that the rule decides and not the parser", () => {
    const urls = spellings.filter((host) => URL.canParse(`https://${host}/`));
    expect(urls.length).toBeGreaterThan(spellings.length - 10);
  });
});

describe("a public host is allowed", () => {
  test.each([
    "example.com",
    "EXAMPLE.com.",
    "accounts.google.com",
    "login.microsoftonline.com",
    "xn--bcher-kva.example",
    "bücher.example",
    "local.example",
    "localhost.example.com",
    "internal-tools.example",
    "mylocal.org",
    "notlocalhost.com",
    "a.b.c.d.example",
    "8.8.8.8",
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.0.3.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "203.0.114.0",
    "223.255.255.255",
    "134744072",
    "0x08080808",
    "[2606:4700:4700::1111]",
    "[2001:4860:4860::8888]",
    "[2001:200::1]",
    "[2001:db7::1]",
    "[2001:db9::1]",
    "[2003::1]",
    "[2a00::1]",
    "[3ffe:ffff::1]",
    "[3fff:1000::1]",
  ])("%s", (host) => {
    expect(isPublicHost(new URL(`https://${host}/jwks`))).toBe(true);
  });
});
