/** Tokens that must be refused, each with a valid signature wherever that is possible. @module */
import { fromBase64Url, joinBytes, toBase64Url, utf8 } from "../../../src/crypto/bytes.ts";
import { badKeySets } from "./bad-key-sets.ts";
import {
  createKey,
  headerOf,
  publicSet,
  segment,
  signatureOf,
  signRaw,
  signSegments,
  type TestKeys,
} from "./signer.ts";

/** A token, and the key set that it is judged by. Default: the honest public set. */
export interface BadToken {
  readonly token: string;
  readonly set?: unknown;
}

export type MakeBadToken = (keys: TestKeys, claims: Record<string, unknown>) => Promise<string | BadToken>;

const header = (keys: TestKeys) => segment(headerOf(keys.ES256));
const good = async (keys: TestKeys, claims: Record<string, unknown>) =>
  await signRaw(keys.ES256, headerOf(keys.ES256), claims);
/** The JSON text with another member before its end. */
const withMember = (content: Record<string, unknown>, member: string) =>
  JSON.stringify(content).replace(/}$/, `,${member}}`);
/** The last character with a spare bit set. The segment must have spare bits. */
const withSpareBit = (text: string) => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1)!) + 1];
};
/** JSON of these members whose base64url ends with spare bits. */
const unaligned = (content: Record<string, unknown>) => {
  let text = JSON.stringify(content);
  while (utf8(text).length % 3 === 0) text += " ";
  return text;
};
const padded = (text: string) => (text.length % 4 ? text.padEnd(Math.ceil(text.length / 4) * 4, "=") : `${text}====`);

type Row = readonly [string, MakeBadToken];

/** The three segments, signed where the change is within what is signed. */
const inEachSegment = (name: string, change: (text: string) => string): Row[] => [
  [
    `${name} in the header`,
    async (keys, claims) => await signSegments(keys.ES256, change(header(keys)), segment(claims)),
  ],
  [
    `${name} in the payload`,
    async (keys, claims) => await signSegments(keys.ES256, header(keys), change(segment(claims))),
  ],
  [
    `${name} in the signature`,
    async (keys, claims) => {
      const [first, second, third] = (await good(keys, claims)).split(".");
      return [first, second, change(third!)].join(".");
    },
  ],
];

const whiteSpace: Readonly<Record<string, string>> = {
  "a space": " ",
  "a tab": "\t",
  "a line feed": "\n",
  "a carriage return": "\r",
  "a form feed": "\f",
  "a no-break space": "\u00a0",
  "a NUL": "\0",
};

const encodings: readonly Row[] = [
  ...inEachSegment("padding", padded),
  ...Object.entries(whiteSpace).flatMap(([name, character]) => [
    ...inEachSegment(`${name} at the end`, (text) => text + character),
    ...inEachSegment(`${name} within`, (text) => `${text.slice(0, 5)}${character}${text.slice(5)}`),
  ]),
  ...inEachSegment("a letter outside ASCII", (text) => `${text.slice(0, -1)}é`),
  ...inEachSegment("a percent sign", (text) => text.replace(/.$/, "%41")),
  ...inEachSegment("a single character too many", (text) => `${text}A`),
  ...inEachSegment("nothing", () => ""),
  [
    "spare bits in the header",
    async (keys, claims) =>
      await signSegments(keys.ES256, withSpareBit(segment(unaligned(headerOf(keys.ES256)))), segment(claims)),
  ],
  [
    "spare bits in the payload",
    async (keys, claims) => await signSegments(keys.ES256, header(keys), withSpareBit(segment(unaligned(claims)))),
  ],
  ["spare bits in the signature", async (keys, claims) => withSpareBit(await good(keys, claims))],
  [
    "the alphabet of base64 in the payload",
    async (keys, claims) =>
      await signSegments(
        keys.ES256,
        header(keys),
        segment({ ...claims, x: "???>>>~~~" })
          .replaceAll("-", "+")
          .replaceAll("_", "/"),
      ),
  ],
  ["two segments", async (keys, claims) => (await good(keys, claims)).replace(/\.[^.]*$/, "")],
  ["four segments", async (keys, claims) => `${await good(keys, claims)}.AAAA`],
  ["five segments, as an encrypted token", async (keys, claims) => `${await good(keys, claims)}.AAAA.AAAA`],
  ["a point at the end", async (keys, claims) => `${await good(keys, claims)}.`],
  ["a point at the start", async (keys, claims) => `.${await good(keys, claims)}`],
  ["a space before the token", async (keys, claims) => ` ${await good(keys, claims)}`],
  ["the scheme before the token", async (keys, claims) => `Bearer ${await good(keys, claims)}`],
  [
    "JSON serialization",
    async (keys, claims) => {
      const [first, second, third] = (await good(keys, claims)).split(".");
      return JSON.stringify({ protected: first, payload: second, signature: third });
    },
  ],
  ["an empty text", async () => ""],
  ["only points", async () => ".."],
  ["over 8 KiB", async (keys, claims) => await good(keys, { ...claims, more: "a".repeat(8_192) })],
  ["a megabyte", async (keys, claims) => await good(keys, { ...claims, more: "a".repeat(1_048_576) })],
  [
    "brackets a hundred thousand deep",
    async (keys) => await signRaw(keys.ES256, headerOf(keys.ES256), "[".repeat(100_000)),
  ],
];

/** Texts that are no JSON object in strict UTF-8, made from the right object. */
const spoiledJson: Readonly<Record<string, (content: Record<string, unknown>) => string | Uint8Array>> = {
  "a byte order mark": (content) => `\ufeff${JSON.stringify(content)}`,
  "UTF-16": (content) => new Uint8Array([...JSON.stringify(content)].flatMap((letter) => [letter.charCodeAt(0), 0])),
  "a byte that is not UTF-8": (content) =>
    joinBytes(utf8(withMember(content, '"x":"').slice(0, -1)), new Uint8Array([0xff]), utf8('"}')),
  "an overlong form": (content) =>
    joinBytes(utf8(withMember(content, '"x":"').slice(0, -1)), new Uint8Array([0xc0, 0xaf]), utf8('"}')),
  "half a surrogate pair in UTF-8": (content) =>
    joinBytes(utf8(withMember(content, '"x":"').slice(0, -1)), new Uint8Array([0xed, 0xa0, 0x80]), utf8('"}')),
  "a list around it": (content) => JSON.stringify([content]),
  "a text around it": (content) => JSON.stringify(JSON.stringify(content)),
  null: () => "null",
  "a number": () => "1",
  true: () => "true",
  "no JSON": (content) => `${JSON.stringify(content)};`,
  "a comma at the end": (content) => JSON.stringify(content).replace(/}$/, ",}"),
  "a comment": (content) => `${JSON.stringify(content)}/* */`,
  "two values": (content) => JSON.stringify(content).repeat(2),
  "single quotation marks": (content) => JSON.stringify(content).replaceAll('"', "'"),
  NaN: (content) => withMember(content, '"x":NaN'),
  "a control character": (content) => withMember(content, '"x":"\n"'),
  "a name twice": (content) => withMember(content, '"x":1,"x":1'),
  "a name twice, once escaped": (content) => withMember(content, '"x":1,"\\u0078":1'),
  "a name twice within an object": (content) => withMember(content, '"x":{"y":[{"z":1,"z":2}]}'),
  "the name __proto__": (content) => withMember(content, '"__proto__":{"admin":true}'),
  "the name constructor": (content) => withMember(content, '"constructor":1'),
  "the name __proto__ within an object": (content) => withMember(content, '"x":[{"__proto__":1}]'),
  "the name toString": (content) => withMember(content, '"toString":1'),
};

const json: readonly Row[] = [
  ...Object.entries(spoiledJson).flatMap(([name, spoil]): Row[] => [
    [`${name} in the header`, async (keys, claims) => await signRaw(keys.ES256, spoil(headerOf(keys.ES256)), claims)],
    [`${name} in the payload`, async (keys, claims) => await signRaw(keys.ES256, headerOf(keys.ES256), spoil(claims))],
  ]),
  [
    "alg twice",
    async (keys, claims) => await signRaw(keys.ES256, withMember(headerOf(keys.ES256), '"alg":"ES256"'), claims),
  ],
  [
    "kid twice",
    async (keys, claims) => await signRaw(keys.ES256, withMember(headerOf(keys.ES256), '"kid":"ec"'), claims),
  ],
  [
    "sub twice",
    async (keys, claims) =>
      await signRaw(keys.ES256, headerOf(keys.ES256), withMember({ sub: "a", ...claims }, '"sub":"b"')),
  ],
];

/** `alg` with a signature of the EC key, which the header's other members name. */
const namedAlgorithms: readonly unknown[] = [
  undefined,
  null,
  "",
  1,
  true,
  ["ES256"],
  { alg: "ES256" },
  "es256",
  "Es256",
  "ES256 ",
  " ES256",
  "ES256\0",
  "ES256K",
  "ES384",
  "ES512",
  "RS384",
  "RS512",
  "PS384",
  "PS512",
  "RS1",
  "HS256",
  "HS384",
  "HS512",
  "RSA1_5",
  "RSA-OAEP",
  "dir",
  "A256KW",
  "A128GCMKW",
  "PBES2-HS256+A128KW",
  "ECDH-ES",
  "Ed448",
  "ML-DSA-44",
  "none",
  "None",
  "NONE",
  "nOnE",
  "none ",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
];

const withoutSignature = (alg: string): Row => [
  `alg ${alg} without a signature`,
  async (_keys, claims) => `${segment({ alg })}.${segment(claims)}.`,
];

/** Public key material as a secret for HMAC: the attack of RFC 8725 §2.1. */
const secrets: Readonly<Record<string, (jwk: Record<string, unknown>, spki: Uint8Array) => Uint8Array>> = {
  DER: (_jwk, spki) => spki,
  PEM: (_jwk, spki) => utf8(pem(spki)),
  "PEM with a space before it": (_jwk, spki) => utf8(` ${pem(spki)}`),
  "PEM without its last line end": (_jwk, spki) => utf8(pem(spki).trimEnd()),
  JWK: (jwk) => utf8(JSON.stringify(jwk)),
  "the number alone": (jwk) => fromBase64Url(String(jwk.x ?? jwk.n))!,
  "the number as text": (jwk) => utf8(String(jwk.x ?? jwk.n)),
  nothing: () => new Uint8Array([0]),
};

function pem(der: Uint8Array): string {
  const text = btoa(String.fromCharCode(...der)).replace(/.{64}/g, "$&\n");
  return `-----BEGIN PUBLIC KEY-----\n${text}\n-----END PUBLIC KEY-----\n`;
}

const confused = (name: string, of: "ES256" | "RS256", typ: Record<string, unknown> = {}): Row => [
  `HS256 with ${of}'s public key as the secret: ${name}`,
  async (keys, claims) => {
    const { jwk } = keys[of];
    const { alg: _, use: __, ...plain } = jwk;
    const parameters =
      of === "ES256" ? { name: "ECDSA", namedCurve: "P-256" } : { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const imported = await crypto.subtle.importKey("jwk", plain as JsonWebKey, parameters, true, ["verify"]);
    const spki = new Uint8Array((await crypto.subtle.exportKey("spki", imported)) as ArrayBuffer);
    const secret = secrets[name]!(jwk as Record<string, unknown>, spki) as Uint8Array<ArrayBuffer>;
    const hmac = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const signed = `${segment({ alg: "HS256", kid: jwk.kid, ...typ })}.${segment(claims)}`;
    return `${signed}.${toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", hmac, utf8(signed))))}`;
  },
];

const algorithmRows: readonly Row[] = [
  ...namedAlgorithms.map(
    (alg): Row => [
      `alg ${JSON.stringify(alg)}`,
      async (keys, claims) => await signRaw(keys.ES256, { kid: "ec", alg }, claims),
    ],
  ),
  ...["none", "None", "NONE", "nOnE", "HS256", "ES256"].map(withoutSignature),
  ...(["ES256", "RS256"] as const).flatMap((of) => Object.keys(secrets).map((name) => confused(name, of))),
  // The header asks for one key's algorithm, and another key signs.
  ...(["ES256", "RS256", "PS256", "EdDSA"] as const).flatMap((alg) =>
    (["ES256", "RS256", "PS256", "EdDSA"] as const).flatMap((signer): Row[] =>
      alg === signer
        ? []
        : [
            [
              `alg ${alg} with ${signer}'s key and id`,
              async (keys, claims) => await signRaw(keys[signer], { alg, kid: keys[signer].jwk.kid }, claims),
            ],
            [
              `alg ${alg} with ${alg}'s id and ${signer}'s key`,
              async (keys, claims) => await signRaw(keys[signer], headerOf(keys[alg]), claims),
            ],
          ],
    ),
  ),
];

/** Members that are added to an honest header, which the honest key signs. */
const addedMembers: readonly (readonly [string, (keys: TestKeys) => Record<string, unknown>])[] = [
  ["crit without a name", () => ({ crit: [] })],
  ["crit of an unknown extension", () => ({ crit: ["exp"], exp: 1 })],
  ["crit of an extension that is missing", () => ({ crit: ["x"] })],
  ["crit of alg", () => ({ crit: ["alg"] })],
  ["crit null", () => ({ crit: null })],
  ["crit as a text", () => ({ crit: "b64" })],
  ["crit of b64, which is true", () => ({ crit: ["b64"], b64: true })],
  ["crit of b64, which is false", () => ({ crit: ["b64"], b64: false })],
  ["b64 false without crit", () => ({ b64: false })],
  ["b64 true without crit", () => ({ b64: true })],
  ["jku", () => ({ jku: "https://issuer.example/jwks" })],
  ["jwk", (keys) => ({ jwk: keys.ES256.jwk })],
  ["x5u", () => ({ x5u: "https://issuer.example/certificate" })],
  ["x5c", () => ({ x5c: ["MIIB"] })],
  ["zip", () => ({ zip: "DEF" })],
  ["enc", () => ({ enc: "A256GCM" })],
  ["cty of a nested token", () => ({ cty: "JWT" })],
  ["cty json", () => ({ cty: "application/json" })],
  ["typ that is no text", () => ({ typ: 1 })],
  ["typ that is empty", () => ({ typ: "" })],
  ["kid that is a number", () => ({ kid: 1 })],
  ["kid that is null", () => ({ kid: null })],
  ["kid that is a list", () => ({ kid: ["ec"] })],
  ["kid that is an object", () => ({ kid: { kid: "ec" } })],
  ["kid that is empty", () => ({ kid: "" })],
  ...[
    "EC",
    "ec ",
    " ec",
    "ec\0",
    "./ec",
    "../../ec",
    "/etc/passwd",
    "ec/../ec",
    "ec?x",
    "ec#x",
    "ec;x",
    "%65c",
    "https://attacker.example/ec",
    "ec' or '1'='1",
    "*",
    "ec*",
    "unknown",
    "__proto__",
    "constructor",
    "0",
    "ec,rsa",
    "e\u0301c",
    "еc",
    "a".repeat(2_000),
  ].map((kid) => [`kid ${JSON.stringify(kid.slice(0, 40))}`, () => ({ kid })] as const),
];

const headerRows: readonly Row[] = [
  ...addedMembers.map(
    ([name, members]): Row => [
      name,
      async (keys, claims) => await signRaw(keys.ES256, { ...headerOf(keys.ES256), ...members(keys) }, claims),
    ],
  ),
  ...(["jku", "jwk", "x5u", "x5c"] as const).map(
    (name): Row => [
      `${name} with the attacker's key`,
      async ({ attacker }, claims) => {
        const value = {
          jku: "https://attacker.example/jwks",
          jwk: attacker.jwk,
          x5u: "https://attacker.example/c",
          x5c: ["MIIB"],
        };
        return await signRaw(attacker, { ...headerOf(attacker), [name]: value[name] }, claims);
      },
    ],
  ),
  [
    "the attacker's key under the honest id",
    async ({ attacker }, claims) => await signRaw(attacker, headerOf(attacker), claims),
  ],
  [
    "a token as the payload",
    async (keys, claims) => await signRaw(keys.ES256, headerOf(keys.ES256), await good(keys, claims)),
  ],
];

const changedSignature = (
  name: string,
  of: "ES256" | "RS256" | "PS256" | "EdDSA",
  change: (bytes: Uint8Array) => Uint8Array,
): Row => [
  `${of} signature: ${name}`,
  async (keys, claims) => {
    const signed = `${segment(headerOf(keys[of]))}.${segment(claims)}`;
    return `${signed}.${toBase64Url(change(await signatureOf(keys[of].privateKey, signed)))}`;
  },
];
const filled = (length: number, byte = 0) => new Uint8Array(length).fill(byte);
const flipped = (at: number) => (bytes: Uint8Array) => bytes.with(at < 0 ? bytes.length + at : at, bytes.at(at)! ^ 1);

const signatures: readonly Row[] = [
  ...(["ES256", "RS256", "PS256", "EdDSA"] as const).flatMap((of): Row[] => [
    changedSignature("a flipped bit", of, flipped(0)),
    changedSignature("a flipped last bit", of, flipped(-1)),
    changedSignature("a byte too few", of, (bytes) => bytes.slice(1)),
    changedSignature("a byte too many", of, (bytes) => joinBytes(bytes, filled(1))),
    changedSignature("zero", of, ({ length }) => filled(length)),
    changedSignature("ones", of, ({ length }) => filled(length, 255)),
    changedSignature("empty", of, () => filled(0)),
  ]),
  changedSignature("only r is zero", "ES256", (bytes) => joinBytes(filled(32), bytes.slice(32))),
  changedSignature("only s is zero", "ES256", (bytes) => joinBytes(bytes.slice(0, 32), filled(32))),
  changedSignature("DER", "ES256", (bytes) =>
    joinBytes(new Uint8Array([0x30, 70, 2, 33, 0]), bytes.slice(0, 32), new Uint8Array([2, 33, 0]), bytes.slice(32)),
  ),
  changedSignature("s plus the order", "EdDSA", (bytes) => joinBytes(bytes.slice(0, 32), plusOrder(bytes.slice(32)))),
  [
    "a flipped bit in the payload",
    async (keys, claims) => {
      const [first, second, third] = (await good(keys, claims)).split(".");
      return [
        first,
        toBase64Url(utf8(atob(second!.replaceAll("-", "+").replaceAll("_", "/")).replace("1", "2"))),
        third,
      ].join(".");
    },
  ],
];

/** RFC 8032 §5.1.7: `s` is below the order, or one signature has two forms. */
function plusOrder(bytes: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const number = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n) + order;
  return Uint8Array.from({ length: 32 }, (_, at) => Number((number >> BigInt(8 * at)) & 255n));
}

/** A key that is too short signs, and the set has it. */
const weakKey = (bits: number): Row => [
  `RSA key of ${bits} bits`,
  async (_keys, claims) => {
    const weak = await createKey("RS256", "weak", bits);
    return { token: await signRaw(weak, headerOf(weak), claims), set: { keys: [weak.jwk] } };
  },
];

/** The token of a key without an id, which a set may have once only. */
const withoutId = (name: string, set: (keys: TestKeys) => unknown): Row => [
  `no kid, and ${name}`,
  async (keys, claims) => ({ token: await signRaw(keys.ES256, { alg: "ES256" }, claims), set: set(keys) }),
];

/** Every bad token by its name. */
export const badTokens: readonly Row[] = [
  ...encodings,
  ...json,
  ...algorithmRows,
  ...headerRows,
  ...signatures,
  weakKey(1_024),
  weakKey(1_920),
  withoutId("two keys of its type", (keys) => ({ keys: [keys.ES256.jwk, { ...keys.attacker.jwk, kid: "other" }] })),
  withoutId("the same key twice", (keys) => ({ keys: [keys.ES256.jwk, keys.ES256.jwk] })),
  withoutId("no key of its type", (keys) => ({ keys: [keys.RS256.jwk, keys.EdDSA.jwk] })),
  ...badKeySets.map(
    ([name, { signer = "ES256", set }]): Row => [
      `key set: ${name}`,
      async (keys, claims) => ({
        token: await signRaw(keys[signer], headerOf(keys[signer]), claims),
        set: await set(keys, publicSet(keys)),
      }),
    ],
  ),
];
