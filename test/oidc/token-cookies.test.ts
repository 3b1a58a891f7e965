import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { randomBytes, toBase64Url, utf8 } from "../../src/crypto/bytes.ts";
import { ConfigurationError, TokenParseError, TokenSet } from "../../src/oidc/index.ts";
import { type TokenCookieOptions, tokenCookies } from "../../src/oidc/token-cookies.ts";

const [first, second] = [toBase64Url(randomBytes(32)), toBase64Url(randomBytes(32))];
const open = (options: Partial<TokenCookieOptions> = {}) => tokenCookies({ sealingKeys: first, ...options });
const days = (count: number) => vi.advanceTimersByTime(count * 86_400_000);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A signed token whose text has about this many characters. */
const jwtOf = (characters: number): string =>
  [
    { alg: "RS256", kid: "k" },
    { sub: "usr_1", padding: "p".repeat(Math.max((characters - 450) * 0.75, 0)) },
  ]
    .map((part) => toBase64Url(utf8(JSON.stringify(part))))
    .concat(toBase64Url(randomBytes(256)))
    .join(".");

const tokensOf = (characters = 800, more: object = {}): TokenSet =>
  TokenSet.from({
    access_token: jwtOf(characters / 2),
    id_token: jwtOf(characters / 2),
    refresh_token: toBase64Url(randomBytes(32)),
    expires_at: 1_800_000_000,
    token_type: "Bearer",
    scope: "openid email",
    ...more,
  });

/** The cookies that a browser has after these headers, by name. */
function browserWith(headers: readonly string[], jar: ReadonlyMap<string, string> = new Map()): Map<string, string> {
  const cookies = new Map(jar);
  for (const header of headers) {
    const [, name, value, age] = /^([^=]+)=([^;]*); Max-Age=(\d+);/.exec(header)!;
    if (age === "0") cookies.delete(name!);
    else cookies.set(name!, value!);
  }
  return cookies;
}

const headerOf = (cookies: Iterable<readonly [string, string]>): string =>
  Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ");

/** The cookies of a set of tokens that needs three. */
async function threeCookies(): Promise<[string, string][]> {
  const cookies = [...browserWith(await open().write(tokensOf(10_000)))];
  expect(cookies.map(([name]) => name)).toEqual(["__Host-tokens-1", "__Host-tokens-2", "__Host-tokens-3"]);
  return cookies;
}

describe("OC20: attack: token cookies that open nothing", () => {
  test("a missing part", async () => {
    const cookies = await threeCookies();
    expect(await open().read(headerOf(cookies))).toBeInstanceOf(TokenSet);
    for (const left of cookies.keys()) {
      expect(await open().read(headerOf(cookies.filter((_, index) => index !== left)))).toBeUndefined();
    }
  });

  test("parts in another order", async () => {
    const [one, two, three] = await threeCookies();
    const swapped = [
      [one![0], two![1]],
      [two![0], one![1]],
      [three![0], three![1]],
    ] as const;
    expect(await open().read(headerOf(swapped))).toBeUndefined();
    // The order in the header means nothing.
    expect(await open().read(headerOf([three!, one!, two!]))).toBeInstanceOf(TokenSet);
  });

  test("parts under other numbers", async () => {
    const cookies = await threeCookies();
    const moved = cookies.map(([name, value]) => [name.replace(/\d$/, (n) => String(Number(n) + 1)), value] as const);
    expect(await open().read(headerOf(moved))).toBeUndefined();
  });

  test("any bit turned", async () => {
    const [[name, value]] = [...browserWith(await open().write(tokensOf(0, { id_token: undefined })))] as [
      [string, string],
    ];
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (let at = 0; at < value.length; at++) {
      const turned = alphabet[alphabet.indexOf(value[at]!) ^ (1 << (at % 6))];
      const changed = value.slice(0, at) + turned + value.slice(at + 1);
      expect(await open().read(`${name}=${changed}`)).toBeUndefined();
    }
  });

  test.each([
    ["empty", () => ""],
    ["one character shorter", (value: string) => value.slice(0, -1)],
    ["one character longer", (value: string) => `${value}A`],
    ["padded", (value: string) => `${value}=`],
    ["in quotes", (value: string) => `"${value}"`],
    ["percent-encoded", (value: string) => `%41${value.slice(1)}`],
    ["twice in itself", (value: string) => value + value],
  ])("a last part that is %s", async (_, change) => {
    const cookies = await threeCookies();
    cookies[2] = [cookies[2]![0], change(cookies[2]![1])];
    expect(await open().read(headerOf(cookies))).toBeUndefined();
  });

  test("the same text cut elsewhere", async () => {
    const [one, two, three] = await threeCookies();
    const cut = [[one![0], one![1].slice(0, -1)], [two![0], one![1].slice(-1) + two![1]], three!] as const;
    expect(await open().read(headerOf(cut))).toBeUndefined();
    expect(await open().read(`${one![0]}=${one![1]}${two![1]}${three![1]}`)).toBeUndefined();
  });

  test("a part twice, with another value", async () => {
    const cookies = await threeCookies();
    const [name, value] = cookies[1]!;
    expect(await open().read(`${headerOf(cookies)}; ${name}=${value}`)).toBeInstanceOf(TokenSet);
    expect(await open().read(`${name}=x; ${headerOf(cookies)}`)).toBeUndefined();
    expect(await open().read(`${headerOf(cookies)}; ${name}=`)).toBeUndefined();
    expect(await open().read(`${headerOf(cookies)}; __Host-tokens-4=`)).toBeInstanceOf(TokenSet);
    expect(await open().read(`${headerOf(cookies)}; __Host-tokens-4=AAAA`)).toBeUndefined();
  });

  test("parts of two values, old and new", async () => {
    const [old, renewed] = [await threeCookies(), await threeCookies()];
    for (let mask = 1; mask < 7; mask++) {
      const mixed = old.map((cookie, index) => (mask & (1 << index) ? renewed[index]! : cookie));
      expect(await open().read(headerOf(mixed))).toBeUndefined();
    }
    // A shorter value beside the rest of a longer one.
    const short = browserWith(await open().write(tokensOf()));
    expect(await open().read(headerOf([...new Map([...old, ...short])]))).toBeUndefined();
  });

  test("the cookies of another name, of another key and of another application", async () => {
    const jar = browserWith(await open({ name: "admin-tokens" }).write(tokensOf()));
    const renamed = [...jar].map(([name, value]) => [name.replace("admin-", ""), value] as const);
    expect(await open().read(headerOf(renamed))).toBeUndefined();
    expect(await open().read(headerOf(jar))).toBeUndefined();
    expect(
      await open({ sealingKeys: second }).read(headerOf(browserWith(await open().write(tokensOf())))),
    ).toBeUndefined();
  });

  test("a name that begins with white space which a browser would not guard", async () => {
    const [[name, value]] = [...browserWith(await open().write(tokensOf(0)))] as [[string, string]];
    expect(await open().read(`\u00a0${name}=${value}`)).toBeUndefined();
    expect(await open().read(`${name.toLowerCase()}=${value}`)).toBeUndefined();
  });

  test.each([
    undefined,
    null,
    "",
    ";;;",
    "__Host-tokens-1",
    "__Host-tokens-1=",
    "=x",
    `__Host-tokens-1=${"A".repeat(100)}`,
  ])("the header %j", async (header) => {
    expect(await open().read(header)).toBeUndefined();
  });

  test("property: nothing but what was written", async () => {
    const cookies = await threeCookies();
    const pool = [...cookies.map(([, value]) => value), ...(await threeCookies()).map(([, value]) => value), ""];
    const part = fc.oneof(fc.constantFrom(...pool), fc.base64String({ maxLength: 40 }), fc.string({ maxLength: 40 }));
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 4 }), async (values) => {
        const header = values.map((value, index) => `__Host-tokens-${index + 1}=${value}`).join("; ");
        const written = [0, 3].map((at) => [...pool.slice(at, at + 3), ""].join());
        const isWritten = written.includes([...values, "", "", ""].slice(0, 4).join());
        expect((await open().read(header)) !== undefined).toBe(isWritten);
      }),
      { numRuns: 300 },
    );
  });
});

describe("OC20: attack: an old cookie that was stolen", () => {
  test("30 days after it was written: opens nothing, whatever the browser says about its age", async () => {
    const stolen = headerOf(browserWith(await open().write(tokensOf())));
    days(30 - 1 / 86_400);
    expect(await open().read(stolen)).toBeInstanceOf(TokenSet);
    days(1 / 86_400);
    expect(await open().read(stolen)).toBeUndefined();
  });

  test("a shorter lifetime also counts for cookies that were written before", async () => {
    const stolen = headerOf(browserWith(await open().write(tokensOf())));
    days(1);
    expect(await open({ lifetimeSeconds: 86_400 }).read(stolen)).toBeUndefined();
    expect(await open({ lifetimeSeconds: 86_401 }).read(stolen)).toBeInstanceOf(TokenSet);
  });
});

describe("OC20: what is written", () => {
  test.each([
    ["one token", { access_token: "a", expires_at: 1 }],
    ["every member", tokensOf().toJSON()],
    ["an empty scope", { access_token: "a", expires_at: 1, scope: "" }],
    ["tokens that are no base64url", { access_token: "ya29.a0/+~ =", refresh_token: "1//0e", expires_at: -5 }],
    ["a token of dots", { access_token: "...", refresh_token: ".", expires_at: 1 }],
    ["a token with spare bits", { access_token: "QR", refresh_token: "QQ", expires_at: 1, token_type: "DPoP" }],
  ])("%s: read as it was", async (_, json) => {
    const read = await open().read(headerOf(browserWith(await open().write(json as never))));
    expect(read!.toJSON()).toEqual(TokenSet.from(json).toJSON());
  });

  test("property: any tokens are read as they were", async () => {
    const text = fc.stringMatching(/^[\x20-\x7e]{1,300}$/);
    const token = fc.oneof(text, fc.stringMatching(/^[\w-]{1,40}(\.[\w-]{0,40}){0,4}$/));
    const set = fc.record(
      { access_token: token, id_token: token, refresh_token: token, expires_at: fc.maxSafeInteger(), scope: text },
      { requiredKeys: ["access_token", "expires_at"] },
    );
    await fc.assert(
      fc.asyncProperty(set, async (json) => {
        const header = headerOf(browserWith(await open().write(json as never)));
        expect((await open().read(header))!.toJSON()).toEqual(TokenSet.from(json).toJSON());
      }),
      { numRuns: 200 },
    );
  });

  test("12 KiB of tokens: four cookies of at most 3.8 KiB with all their attributes", async () => {
    const tokens = tokensOf(12_288);
    expect(JSON.stringify(tokens).length).toBeGreaterThanOrEqual(12_288);
    const widest = { name: "n".repeat(40), lifetimeSeconds: 34_560_000 };
    const headers = await open(widest).write(tokens);
    expect(Math.max(...headers.map(({ length }) => length))).toBeLessThanOrEqual(3.8 * 1_024);
    const jar = browserWith(headers);
    expect(jar.size).toBe(4);
    expect((await open(widest).read(headerOf(jar)))!.toJSON()).toEqual(tokens.toJSON());
  });

  test("the attributes: a script, another site's form and plain http never have them", async () => {
    for (const header of await open().write(tokensOf(10_000))) {
      expect(header).toMatch(
        /^__Host-tokens-[1-4]=[\w-]*; Max-Age=(2592000|0); Path=\/; Secure; HttpOnly; SameSite=Lax$/,
      );
    }
    expect((await open({ lifetimeSeconds: 60 }).write(tokensOf()))[0]).toContain("Max-Age=60;");
  });

  test("no token in any form, and two writes of the same tokens have nothing in common", async () => {
    const tokens = tokensOf();
    const [one, other] = [(await open().write(tokens))[0]!, (await open().write(tokens))[0]!];
    const [, payload] = tokens.access_token.split(".");
    expect(one).not.toContain(payload);
    // The mark and the version of the key are the same: 8 bytes.
    expect(one.slice(0, 40)).not.toBe(other.slice(0, 40));
  });

  test("a shorter value: also ends the parts that a longer one left", async () => {
    const long = browserWith(await open().write(tokensOf(10_000)));
    const short = tokensOf();
    const jar = browserWith(await open().write(short), long);
    expect([...jar.keys()]).toEqual(["__Host-tokens-1"]);
    expect((await open().read(headerOf(jar)))!.toJSON()).toEqual(short.toJSON());
  });

  test("clear: removes every part", async () => {
    const jar = browserWith(await open().write(tokensOf(14_000)));
    expect(jar.size).toBe(4);
    expect([...browserWith(open().clear(), jar)]).toEqual([]);
  });

  test("among other cookies: found", async () => {
    const jar = browserWith(await open().write(tokensOf()), new Map([["__Host-session", "x"]]));
    expect(await open().read(`a=1;${headerOf(jar).replace("; ", ";  ")} ; b=2`)).toBeInstanceOf(TokenSet);
  });
});

describe("OC20: what cannot be written", () => {
  test("more than four cookies: refused, with the way out and without a token", async () => {
    const tokens = tokensOf(20_000);
    const error = await open()
      .write(tokens)
      .catch((caught: unknown) => caught as ConfigurationError);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ error: "configuration_error", option: "tokens" });
    expect(String(error)).toContain("with `tokenRows` of sallyport/oidc/token-rows");
    expect(JSON.stringify({ ...(error as object), text: String(error) })).not.toContain(tokens.refresh_token);
  });

  test("the limit: the last character that fits, and one more", async () => {
    // No base64url, so that each character takes one byte.
    const write = async (length: number) => {
      const headers = await open().write({ access_token: " ".repeat(length), expires_at: 1, token_type: "Bearer" });
      return browserWith(headers).size;
    };
    let [fits, fails] = [10_000, 12_000];
    while (fails - fits > 1) {
      const middle = (fits + fails) >> 1;
      const isWritten = await write(middle).then(
        () => true,
        () => false,
      );
      if (isWritten) fits = middle;
      else fails = middle;
    }
    expect(await write(fits)).toBe(4);
    await expect(write(fails)).rejects.toThrow(ConfigurationError);
    expect(fits).toBeGreaterThan(11_000);
  });

  test("tokens without their form", async () => {
    await expect(open().write({ access_token: "a\r\nSet-Cookie: x=y", expires_at: 1 } as never)).rejects.toThrow(
      TokenParseError,
    );
  });
});

describe("OC20: keys of token cookies", () => {
  test("a new key seals, and the old one opens until it is dropped", async () => {
    const old = headerOf(browserWith(await open({ sealingKeys: `1:${first}` }).write(tokensOf())));
    const both = open({ sealingKeys: `2:${second},1:${first}` });
    expect(await both.read(old)).toBeInstanceOf(TokenSet);
    const renewed = headerOf(browserWith(await both.write(tokensOf())));
    expect(await open({ sealingKeys: `2:${second}` }).read(renewed)).toBeInstanceOf(TokenSet);
    expect(await open({ sealingKeys: `2:${second}` }).read(old)).toBeUndefined();
  });

  test.each([
    ["no key", { sealingKeys: undefined }, "sealingKeys"],
    ["a short key", { sealingKeys: toBase64Url(randomBytes(16)) }, "sealingKeys"],
    ["a key of `npm start`", { sealingKeys: `development.${first}` }, "sealingKeys"],
    ["an empty name", { name: "" }, "name"],
    ["a name that ends the cookie", { name: "a;b" }, "name"],
    ["a long name", { name: "n".repeat(41) }, "name"],
    ["a name that is no text", { name: 5 as unknown as string }, "name"],
    ["a lifetime of a moment", { lifetimeSeconds: 59 }, "lifetimeSeconds"],
    ["a lifetime that browsers shorten", { lifetimeSeconds: 34_560_001 }, "lifetimeSeconds"],
    ["a lifetime that is no number", { lifetimeSeconds: Number.NaN }, "lifetimeSeconds"],
    ["an unknown option", { lifetime: 60 } as object, "lifetime"],
  ])("%s: refused when they are made", (_, options, option) => {
    let error: unknown;
    try {
      open(options);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ option });
    expect(String(error)).not.toContain(first);
  });
});
