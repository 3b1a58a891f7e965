import { describe, expect, test } from "vitest";
import { type Bytes, fromBase64Url, toHex, utf8 } from "../../../src/crypto/bytes.ts";
import {
  arePublicKeysEqual,
  type CurveName,
  curveBytes,
  ecPublicKey,
  ed25519PublicKey,
  type HashName,
  rsaPublicKey,
} from "../../../src/crypto/public-key.ts";
import {
  coseAlgorithms,
  isUsableCoseKey,
  parseCoseKey,
  verifyCoseSignature,
} from "../../../src/domain/webauthn/cose-key.ts";
import {
  derObjectIdentifier,
  derTags,
  derUnsigned,
  readDer,
  readDerElements,
} from "../../../src/domain/webauthn/der.ts";
import { ecdsaSignatureFromDer, verifyDerSignature } from "../../../src/domain/webauthn/der-signature.ts";
import { hasShared, sharedJson } from "../../support/shared.ts";
import { generateTestKey, type KeyKind } from "./authenticator.ts";
import {
  cbor,
  der,
  derSignature,
  type Encodable,
  flipBit,
  hex,
  integer,
  join,
  objectIdentifier,
  sequence,
} from "./encode.ts";

describe("DER: one spelling for each value", () => {
  test.each([
    { case: "an empty sequence", bytes: "3000", expected: true },
    { case: "128 bytes in the long form", bytes: `308180${"00".repeat(128)}`, expected: true },
    { case: "two elements", bytes: "30003000", expected: false },
    { case: "another tag", bytes: "3100", expected: false },
    { case: "nothing", bytes: "", expected: false },
    { case: "a tag alone", bytes: "30", expected: false },
    { case: "content cut short", bytes: "300100".slice(0, 4), expected: false },
    { case: "an indefinite length", bytes: "30800000", expected: false },
    { case: "a long form for a short length", bytes: "30810100", expected: false },
    { case: "a length with a leading zero", bytes: `30820080${"00".repeat(128)}`, expected: false },
    { case: "a length of 2 GiB", bytes: "30847fffffff", expected: false },
    { case: "a length of 2^1000", bytes: `30fe${"ff".repeat(126)}`, expected: false },
    { case: "a reserved length", bytes: "30ff", expected: false },
  ])("$case: $expected", ({ bytes, expected }) => {
    expect(readDer(hex(bytes), derTags.sequence) !== undefined).toBe(expected);
  });

  test.each([
    { case: "zero", bytes: "020100", expected: "00" },
    { case: "127", bytes: "02017f", expected: "7f" },
    { case: "128", bytes: "02020080", expected: "80" },
    { case: "-128", bytes: "020180", expected: undefined },
    { case: "a leading zero too many", bytes: "0202007f", expected: undefined },
    { case: "no content", bytes: "0200", expected: undefined },
    { case: "a bit string", bytes: "030100", expected: undefined },
  ])("the integer $case: $expected", ({ bytes, expected }) => {
    const value = derUnsigned(readDerElements(hex(bytes))![0]!);
    expect(value && toHex(value)).toBe(expected);
  });

  test.each([
    { bytes: "bf845800", expected: 0xbf + 600 * 256 },
    { bytes: "bf853e00", expected: 0xbf + 702 * 256 },
    { bytes: "bf1f00", expected: 0xbf + 31 * 256 },
    { bytes: "bf1e00", expected: undefined },
    { bytes: "bf801f00", expected: undefined },
    { bytes: "bf81808000", expected: undefined },
    { bytes: "bf84", expected: undefined },
  ])("the tag of $bytes: $expected", ({ bytes, expected }) => {
    expect(readDerElements(hex(bytes))?.[0]?.tag).toBe(expected);
  });

  test.each([
    "1.2.840.113549.1.1.11",
    "2.5.29.19",
    "1.3.6.1.4.1.45724.1.1.4",
    "2.23.133.8.3",
    "0.9.2342",
    "1.2.127",
    "1.2.128",
  ])("the object identifier %s", (text) => {
    expect(derObjectIdentifier(readDerElements(objectIdentifier(text))![0]!)).toBe(text);
  });

  test.each(["0600", "0601ff", "0603550480", "06035580ff", "0606552a90808080"])(
    "object identifier %s: refused",
    (bytes) => {
      expect(derObjectIdentifier(readDerElements(hex(bytes))![0]!)).toBeUndefined();
    },
  );
});

describe("ECDSA signatures from DER", () => {
  const [r, s] = [new Uint8Array(32).fill(0x81), new Uint8Array(32).fill(0x12)];

  test.each<{ case: string; bytes: Bytes; expected?: Bytes }>([
    { case: "both numbers full", bytes: derSignature(join(r, s)), expected: join(r, s) },
    {
      case: "r is 1",
      bytes: sequence(integer(hex("01")), integer(s)),
      expected: join(new Uint8Array(31), hex("01"), s),
    },
    { case: "s is 0", bytes: sequence(integer(r), integer(hex("00"))), expected: join(r, new Uint8Array(32)) },
    { case: "a third number", bytes: sequence(integer(r), integer(s), integer(s)) },
    { case: "one number", bytes: sequence(integer(r)) },
    { case: "none", bytes: sequence() },
    { case: "a byte after it", bytes: join(derSignature(join(r, s)), hex("00")) },
    { case: "r negative", bytes: sequence(der(2, r), integer(s)) },
    { case: "r with a zero too many", bytes: sequence(der(2, hex("0000"), r), integer(s)) },
    { case: "r of 33 bytes", bytes: sequence(integer(join(hex("01"), r)), integer(s)) },
    { case: "s of 33 bytes", bytes: sequence(integer(r), integer(join(hex("01"), s))) },
    { case: "a set", bytes: der(0x31, integer(r), integer(s)) },
    { case: "raw", bytes: join(r, s) },
    { case: "nothing", bytes: hex("") },
  ])("$case", ({ bytes, expected }) => {
    expect(ecdsaSignatureFromDer(bytes, 32)).toEqual(expected);
  });

  test("cut short anywhere: refused", () => {
    const bytes = derSignature(join(r, s));
    for (let length = 0; length < bytes.length; length++) {
      expect(ecdsaSignatureFromDer(bytes.slice(0, length), 32)).toBeUndefined();
    }
  });
});

interface WycheproofGroup {
  readonly publicKey: {
    readonly wx?: string;
    readonly wy?: string;
    readonly pk?: string;
    readonly modulus?: string;
    readonly publicExponent?: string;
  };
  readonly publicKeyDer?: string;
  readonly tests: readonly {
    tcId: number;
    comment: string;
    msg: string;
    sig: string;
    result: string;
    flags: string[];
  }[];
}

const short = (text: string) => {
  const bytes = hex(text.length % 2 === 0 ? text : `0${text}`);
  return bytes.slice(
    Math.max(
      0,
      bytes.findIndex((byte) => byte !== 0),
    ),
  );
};
const coordinate = (text: string) => {
  const bytes = short(text);
  return join(new Uint8Array(32 - bytes.length), bytes);
};

if (hasShared) {
  describe.each<{ file: string; atLeast: number; key: (group: WycheproofGroup) => Map<number, Encodable> }>([
    {
      file: "ecdsa_secp256r1_sha256",
      atLeast: 400,
      key: ({ publicKey: { wx, wy } }) =>
        new Map<number, Encodable>([
          [1, 2],
          [3, -7],
          [-1, 1],
          [-2, coordinate(wx!)],
          [-3, coordinate(wy!)],
        ]),
    },
    {
      file: "ed25519",
      atLeast: 140,
      key: ({ publicKey: { pk } }) =>
        new Map<number, Encodable>([
          [1, 1],
          [3, -8],
          [-1, 6],
          [-2, hex(pk!)],
        ]),
    },
    {
      file: "rsa_signature_2048_sha256",
      atLeast: 240,
      key: ({ publicKey: { modulus, publicExponent } }) =>
        new Map<number, Encodable>([
          [1, 3],
          [3, -257],
          [-1, short(modulus!)],
          [-2, short(publicExponent!)],
        ]),
    },
  ])("Wycheproof $file", ({ file, atLeast, key }) => {
    test("every signature: the expected verdict", async () => {
      const { testGroups } = await sharedJson<{ testGroups: WycheproofGroup[] }>(
        `vectors/wycheproof/${file}_test.json`,
      );
      let count = 0;
      for (const group of testGroups) {
        const coseKey = parseCoseKey(cbor(key(group)));
        expect(coseKey, JSON.stringify(group.publicKey)).toBeDefined();
        for (const row of group.tests) {
          const isValid = await verifyCoseSignature(coseKey!, hex(row.sig), hex(row.msg));
          // "acceptable" is only the missing NULL of a digest algorithm, which Web Crypto rightly refuses too.
          expect(isValid, `${row.tcId} ${row.comment}`).toBe(row.result === "valid");
          count++;
        }
      }
      expect(count).toBeGreaterThan(atLeast);
    });
  });
}

describe("COSE keys", () => {
  const kinds: readonly KeyKind[] = ["ES256", "RS256", "EdDSA"];

  test.each(kinds)("%s: read, usable, and its signatures verify", async (kind) => {
    const key = await generateTestKey(kind);
    const coseKey = parseCoseKey(cbor(key.cose))!;
    expect(coseAlgorithms).toContain(coseKey.algorithm);
    expect(await isUsableCoseKey(coseKey)).toBe(true);
    const data = utf8("signed");
    const signature = await key.sign(data);
    expect(await verifyCoseSignature(coseKey, signature, data)).toBe(true);
    expect(await verifyCoseSignature(coseKey, signature, utf8("Signed"))).toBe(false);
  });

  test.each(kinds)("%s: no signature of another length, and never an exception", async (kind) => {
    const key = await generateTestKey(kind);
    const coseKey = parseCoseKey(cbor(key.cose))!;
    const signature = await key.sign(utf8("signed"));
    const wrong = [
      new Uint8Array(),
      new Uint8Array(64),
      new Uint8Array(2000),
      signature.slice(1),
      join(signature, hex("00")),
    ];
    for (let length = 1; length < signature.length; length += 7) wrong.push(signature.slice(0, length));
    for (let at = 0; at < signature.length; at++) wrong.push(flipBit(signature, at, at % 8));
    for (const bytes of wrong) expect(await verifyCoseSignature(coseKey, bytes, utf8("signed"))).toBe(false);
  });

  test("a signature by another key, and one with r and s exchanged", async () => {
    const [key, other] = [await generateTestKey(), await generateTestKey()];
    const coseKey = parseCoseKey(cbor(key.cose))!;
    const data = utf8("signed");
    expect(await verifyCoseSignature(coseKey, await other.sign(data), data)).toBe(false);
    const raw = ecdsaSignatureFromDer(await key.sign(data), 32)!;
    const exchanged = derSignature(join(raw.slice(32), raw.slice(0, 32)));
    expect(await verifyCoseSignature(coseKey, exchanged, data)).toBe(false);
  });

  // The base point of P-256, SP 800-186 §3.2.1.3.
  const x = hex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
  const y = hex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
  const n = new Uint8Array(256).fill(0xab);
  const e = hex("010001");
  const rsa = (modulus: Uint8Array, exponent: Uint8Array) =>
    new Map<number, Encodable>([
      [1, 3],
      [3, -257],
      [-1, modulus],
      [-2, exponent],
    ]);
  const ec = (...changes: [number, Encodable][]) =>
    new Map<number, Encodable>([[1, 2], [3, -7], [-1, 1], [-2, x], [-3, y], ...changes]);
  const without = (label: number, map: Map<number, Encodable>) => new Map([...map].filter(([key]) => key !== label));

  test.each<{ case: string; key: Encodable }>([
    { case: "ES256 without alg", key: without(3, ec()) },
    { case: "ES256 without a curve", key: without(-1, ec()) },
    { case: "ES256 without y", key: without(-3, ec()) },
    { case: "ES256 with a compressed point", key: ec([-3, true]) },
    { case: "ES256 with x of 31 bytes", key: ec([-2, x.slice(1)]) },
    { case: "ES256 with x of 33 bytes", key: ec([-2, join(hex("00"), x)]) },
    { case: "ES256 on P-384", key: ec([-1, 2]) },
    { case: "ES256 in a key of type OKP", key: ec([1, 1]) },
    { case: "ES256 with key operations", key: ec([4, [2]]) },
    { case: "ES256 with a private part", key: ec([-4, x]) },
    { case: "ES256K (-47)", key: ec([3, -47], [-1, 8]) },
    { case: "ES384 (-35)", key: ec([3, -35], [-1, 2], [-2, new Uint8Array(48)], [-3, new Uint8Array(48)]) },
    { case: "ESP256 (-9)", key: ec([3, -9]) },
    { case: "ECDH-ES", key: ec([3, -25]) },
    { case: "alg as text", key: ec([3, "ES256"]) },
    {
      case: "EdDSA on Ed448",
      key: new Map<number, Encodable>([
        [1, 1],
        [3, -8],
        [-1, 7],
        [-2, new Uint8Array(57)],
      ]),
    },
    {
      case: "EdDSA on X25519",
      key: new Map<number, Encodable>([
        [1, 1],
        [3, -8],
        [-1, 4],
        [-2, x],
      ]),
    },
    {
      case: "EdDSA of 31 bytes",
      key: new Map<number, Encodable>([
        [1, 1],
        [3, -8],
        [-1, 6],
        [-2, x.slice(1)],
      ]),
    },
    { case: "EdDSA in a key of type EC2", key: ec([3, -8]) },
    { case: "RS256 of 1024 bits", key: rsa(n.slice(128), e) },
    { case: "RS256 of 2047 bits", key: rsa(join(hex("7f"), n.slice(1)), e) },
    { case: "RS256 of 1024 bits after zeros", key: rsa(join(new Uint8Array(128), n.slice(128)), e) },
    { case: "RS256 of 2048 bits after a zero", key: rsa(join(hex("00"), n), e) },
    { case: "RS256 of 8200 bits", key: rsa(new Uint8Array(1025).fill(0xab), e) },
    { case: "RS256 with an even modulus", key: rsa(flipBit(n, 255), e) },
    { case: "RS256 with no modulus", key: rsa(hex(""), e) },
    { case: "RS256 with exponent 1", key: rsa(n, hex("01")) },
    { case: "RS256 with an even exponent", key: rsa(n, hex("010000")) },
    { case: "RS256 with an exponent after a zero", key: rsa(n, hex("00010001")) },
    { case: "RS256 with an exponent of five bytes", key: rsa(n, hex("0100000001")) },
    { case: "RS256 with no exponent", key: rsa(n, hex("")) },
    { case: "RS1 (-65535)", key: new Map<number, Encodable>([...rsa(n, e), [3, -65535]]) },
    { case: "PS256 (-37)", key: new Map<number, Encodable>([...rsa(n, e), [3, -37]]) },
    {
      case: "a symmetric key",
      key: new Map<number, Encodable>([
        [1, 4],
        [3, 5],
        [-1, x],
      ]),
    },
    { case: "an empty map", key: new Map() },
    { case: "an array", key: [1, 2] },
    { case: "bytes instead of a CBOR map", key: x },
  ])("unsupported: $case", ({ key }) => {
    expect(parseCoseKey(cbor(key))).toBeUndefined();
  });

  test("a key with a byte after it, and one cut short anywhere", async () => {
    const bytes = cbor((await generateTestKey()).cose);
    expect(parseCoseKey(join(bytes, hex("00")))).toBeUndefined();
    for (let length = 0; length < bytes.length; length++) expect(parseCoseKey(bytes.slice(0, length))).toBeUndefined();
  });

  test("RSA keys of 2048 and 8192 bits: accepted", () => {
    expect(parseCoseKey(cbor(rsa(n, e)))).toBeDefined();
    expect(parseCoseKey(cbor(rsa(new Uint8Array(1024).fill(0xab), e)))).toBeDefined();
    expect(parseCoseKey(cbor(rsa(n, hex("03"))))).toBeDefined();
    expect(parseCoseKey(cbor(rsa(n, hex("ffffffff"))))).toBeDefined();
  });

  test.each([
    { case: "a point off the curve", key: ec([-3, flipBit(y, 0)]) },
    { case: "the point at infinity", key: ec([-2, new Uint8Array(32)], [-3, new Uint8Array(32)]) },
    {
      case: "coordinates beyond the field",
      key: ec([-2, new Uint8Array(32).fill(255)], [-3, new Uint8Array(32).fill(255)]),
    },
  ])("not usable: $case", async ({ key }) => {
    const coseKey = parseCoseKey(cbor(key))!;
    expect(await isUsableCoseKey(coseKey)).toBe(false);
    expect(await verifyCoseSignature(coseKey, derSignature(new Uint8Array(64).fill(1)), utf8("x"))).toBe(false);
  });
});

interface CoseExample {
  readonly input: {
    readonly sign0: { readonly key: { x?: string; y?: string; x_hex?: string } };
  };
  readonly intermediates: { readonly ToBeSign_hex: string };
  readonly output: { readonly cbor: string };
}

test("COSE keys: equal if all of their parts are equal", () => {
  const [a, b] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const [n, m] = [new Uint8Array(256).fill(0xab), new Uint8Array(256).fill(0xcd)];
  const keys = [
    ecPublicKey("P-256", a, a),
    ecPublicKey("P-256", a, b),
    ecPublicKey("P-256", b, a),
    ecPublicKey("P-384", new Uint8Array(48), new Uint8Array(48)),
    ecPublicKey("P-521", new Uint8Array(66), new Uint8Array(66)),
    ed25519PublicKey(a),
    ed25519PublicKey(b),
    rsaPublicKey(n, hex("010001")),
    rsaPublicKey(m, hex("010001")),
    rsaPublicKey(n, hex("03")),
  ].map((key) => key!);
  for (const [i, one] of keys.entries())
    for (const [j, other] of keys.entries()) expect(arePublicKeysEqual(one, other), `${i} ${j}`).toBe(i === j);
});

if (hasShared) {
  /** The single-signer examples of the COSE working group with an algorithm of Sallyport's keys or attestations. */
  describe("COSE examples", () => {
    test.each<{ file: string; curve?: CurveName; hash: HashName }>([
      { file: "ecdsa-examples/ecdsa-sig-01", curve: "P-256", hash: "SHA-256" },
      { file: "ecdsa-examples/ecdsa-sig-02", curve: "P-384", hash: "SHA-384" },
      { file: "ecdsa-examples/ecdsa-sig-03", curve: "P-521", hash: "SHA-512" },
      { file: "ecdsa-examples/ecdsa-sig-04", curve: "P-256", hash: "SHA-512" },
      { file: "eddsa-examples/eddsa-sig-01", hash: "SHA-256" },
    ])("$file", async ({ file, curve, hash }) => {
      const example = await sharedJson<CoseExample>(`vectors/cose/${file}.json`);
      const { x = "", y = "", x_hex = "" } = example.input.sign0.key;
      const key = curve ? ecPublicKey(curve, fromBase64Url(x)!, fromBase64Url(y)!)! : ed25519PublicKey(hex(x_hex))!;
      const raw = hex(example.output.cbor.toLowerCase()).slice(curve ? -2 * curveBytes[curve] : -64);
      const data = hex(example.intermediates.ToBeSign_hex.toLowerCase());
      const signature = curve ? derSignature(raw) : raw;
      expect(await verifyDerSignature({ key, hash, signature, data })).toBe(true);
      expect(await verifyDerSignature({ key, hash, signature, data: flipBit(data, 0) })).toBe(false);
    });
  });
}
