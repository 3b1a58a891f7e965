/**
 * Keeps a set of tokens in sealed cookies, for web applications without a database.
 *
 * The cookies are one value of AES-256-GCM under the application's keys, cut into parts. It opens only as a whole and only under its
 * name, and has its time within. `docs/oidc.md` shows how to use it.
 *
 * @module
 */
import { type Bytes, fromBase64Url, joinBytes, toBase64Url, uint32, utf8 } from "../crypto/bytes.ts";
import { epochSeconds } from "../crypto/epoch.ts";
import { type SealedPlace, SealingError, type SealingKeys } from "../crypto/sealing.ts";
import { cookieValues } from "../domain/cookie-header.ts";
import { ConfigurationError } from "./errors.ts";
import { TokenSet, type TokenSetJson } from "./token-set.ts";
import { readStorageOptions } from "./token-storage.ts";

/** The options of {@link tokenCookies}. */
export interface TokenCookieOptions {
  /**
   * Keys that seal the cookies: base64url of at least 32 random bytes, or a list `2:<new>,1:<old>`, of which the newest seals and all
   * open. `npx --no sallyport secret` prints one.
   */
  readonly sealingKeys: string | undefined;
  /** The cookies are `__Host-<name>-1` to `__Host-<name>-4`: 1 to 40 of `A-Za-z0-9_-`. Default `tokens`. */
  readonly name?: string;
  /** How long after it was written a value is read, 60 to 34560000 (400 days). Default 2592000 (30 days). */
  readonly lifetimeSeconds?: number;
}

/** Reads and writes the cookies of a set of tokens. */
export interface TokenCookies {
  /**
   * The values of the `Set-Cookie` headers that store the tokens. Send all of them: they also end the parts of a longer value. Send
   * `Cache-Control: no-store` with them.
   *
   * @throws {TokenParseError} If the tokens are malformed.
   * @throws {ConfigurationError} `option` is `tokens` if they do not fit. Then store them with `tokenRows`.
   */
  write(tokens: TokenSet | TokenSetJson): Promise<string[]>;
  /**
   * The tokens of a request's `Cookie` header. `undefined` if there are none, if they are too old, or if any part is missing,
   * changed, repeated or of another value.
   */
  read(cookieHeader: string | null | undefined): Promise<TokenSet | undefined>;
  /** The values of the `Set-Cookie` headers that remove the tokens. */
  clear(): string[];
}

const partNumbers = [1, 2, 3, 4] as const;

/** With the longest name and all attributes, a cookie has at most 3,883 of 3,891 bytes (3.8 KiB). Browsers allow 4,096. */
const partCharacters = 3_776;

/**
 * Keeps tokens in cookies that no script reads and that open under these keys alone.
 *
 * A stolen cookie is worth the tokens in it until its time is over. It cannot be revoked alone, which a row on the server can.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function tokenCookies(options: TokenCookieOptions): TokenCookies {
  const { keys, name, lifetimeSeconds } = readStorageOptions(options, []);
  const base = `__Host-${name}`;
  const place: SealedPlace = { purpose: "token-cookies", table: "", column: base, rowId: "", userId: "" };
  const cookie = (number: number, text: string): string => {
    const age = text === "" ? 0 : lifetimeSeconds;
    return `${base}-${number}=${text}; Max-Age=${age}; Path=/; Secure; HttpOnly; SameSite=Lax`;
  };
  return {
    async write(tokens) {
      const sealed = toBase64Url(await keys.seal(place, pack(TokenSet.from(tokens), epochSeconds())));
      if (sealed.length > partNumbers.length * partCharacters) {
        throw new ConfigurationError(
          "tokens",
          "they need more than 4 cookies of 3.8 KiB. Store them in the database, with `tokenRows` of sallyport/oidc/token-rows.",
        );
      }
      return partNumbers.map((number) => cookie(number, partOf(sealed, number)));
    },
    async read(cookieHeader) {
      const parts = partNumbers.map((number) => [...cookieValues(cookieHeader ?? "", `${base}-${number}`)]);
      if (parts.some((values) => values.length > 1)) return undefined;
      const text = parts.flat().join("");
      // Each part is where it was written, so that the same value has one spelling.
      if (parts.some(([part = ""], index) => part !== partOf(text, index + 1))) return undefined;
      const sealed = fromBase64Url(text);
      const opened = sealed && (await openSealed(keys, place, sealed));
      if (!opened) return undefined;
      const { tokens, writtenAt } = unpack(opened);
      return epochSeconds() < writtenAt + lifetimeSeconds ? TokenSet.from(tokens) : undefined;
    },
    clear: () => partNumbers.map((number) => cookie(number, "")),
  };
}

function partOf(text: string, number: number): string {
  return text.slice((number - 1) * partCharacters, number * partCharacters);
}

async function openSealed(keys: SealingKeys, place: SealedPlace, sealed: Bytes): Promise<Bytes | undefined> {
  try {
    return await keys.open(place, sealed);
  } catch (error) {
    if (error instanceof SealingError) return undefined;
    throw error;
  }
}

/** What is before the bytes. A text of base64url segments is the list of their lengths, and its bytes follow. */
interface Head {
  readonly writtenAt: number;
  readonly tokens: Readonly<Record<string, string | number | readonly number[]>>;
}

/** Tokens and their time as bytes. Base64url, as in a JWT, is stored decoded, because the cookie encodes everything once more. */
function pack(tokens: TokenSet, writtenAt: number): Bytes {
  const all: Bytes[] = [];
  const members = Object.entries(tokens.toJSON()).map(([name, value]: [string, string | number]) => {
    const segments = typeof value === "string" ? value.split(".").map(fromBase64Url) : [undefined];
    const bytes = segments.filter((segment) => segment !== undefined);
    if (bytes.length < segments.length) return [name, value];
    all.push(...bytes);
    return [name, bytes.map(({ length }) => length)];
  });
  const head = utf8(JSON.stringify({ writtenAt, tokens: Object.fromEntries(members) }));
  return joinBytes(uint32(head.length), head, ...all);
}

/** The inverse of {@link pack}, for bytes that were sealed and are therefore well-formed. */
function unpack(bytes: Bytes): { readonly tokens: object; readonly writtenAt: number } {
  const headEnd = 4 + new DataView(bytes.buffer).getUint32(0);
  const { writtenAt, tokens } = JSON.parse(new TextDecoder().decode(bytes.subarray(4, headEnd))) as Head;
  let at = headEnd;
  const next = (length: number): string => {
    at += length;
    return toBase64Url(bytes.subarray(at - length, at));
  };
  const members = Object.entries(tokens).map(([name, value]) => {
    return [name, typeof value === "object" ? value.map(next).join(".") : value];
  });
  return { tokens: Object.fromEntries(members), writtenAt };
}
