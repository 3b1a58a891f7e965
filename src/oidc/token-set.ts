/**
 * The tokens of one sign-in, in a form that survives storage.
 *
 * @module
 */
import { epochSeconds } from "../crypto/epoch.ts";
import { membersOf } from "../crypto/json.ts";
import { TokenParseError } from "./errors.ts";

/** Tokens as JSON, with the names of RFC 6749 §5.1. */
export interface TokenSetJson {
  readonly access_token: string;
  readonly id_token?: string;
  readonly refresh_token?: string;
  /** When the access token ends, in seconds since the Unix epoch. */
  readonly expires_at: number;
  readonly token_type: string;
  readonly scope?: string;
}

/** RFC 6749 appendix A.12 and A.17: visible ASCII and spaces. */
const tokenText = /^[\x20-\x7e]{1,65536}$/;
const optionalTexts = ["id_token", "refresh_token"] as const;

/** The tokens of one sign-in. They are secrets: store them sealed or on the server, never in a URL or where a script can read them. */
export class TokenSet {
  declare readonly access_token: string;
  declare readonly id_token: string | undefined;
  declare readonly refresh_token: string | undefined;
  /** When the access token ends, in seconds since the Unix epoch. */
  declare readonly expires_at: number;
  declare readonly token_type: string;
  declare readonly scope: string | undefined;

  private constructor(json: TokenSetJson) {
    Object.assign(this, json);
  }

  /**
   * The tokens of {@link TokenSet.toJSON}, or of any object of that form. Other members are left out.
   *
   * @throws {TokenParseError} With the first member that is missing or malformed.
   */
  static from(value: unknown): TokenSet {
    if (value instanceof TokenSet) return value;
    const members = membersOf(value);
    if (!members) throw new TokenParseError("tokens");
    if ([...members.keys()].some((name) => name in Object.prototype)) throw new TokenParseError("tokens");
    const text = (name: string, form: RegExp): string => {
      const member = members.get(name);
      if (typeof member === "string" && form.test(member)) return member;
      throw new TokenParseError(name);
    };
    const isGiven = (name: string) => members.get(name) !== undefined && members.get(name) !== null;
    const expiresAt = members.get("expires_at");
    if (!Number.isSafeInteger(expiresAt)) throw new TokenParseError("expires_at");
    return new TokenSet({
      access_token: text("access_token", tokenText),
      ...Object.fromEntries(optionalTexts.filter(isGiven).map((name) => [name, text(name, tokenText)])),
      expires_at: expiresAt as number,
      token_type: isGiven("token_type") ? text("token_type", /^(bearer|dpop)$/i) : "Bearer",
      ...(isGiven("scope") && { scope: text("scope", /^[\x20-\x7e]{0,4096}$/) }),
    });
  }

  /** The members that are set: `TokenSet.from(JSON.parse(JSON.stringify(tokens)))` has the same tokens. */
  toJSON(): TokenSetJson {
    return { ...this } as TokenSetJson;
  }
}

/** How an issuer's answer is read. */
export interface AnswerContext {
  /** Kept if the answer has no new one: RFC 6749 §5.1 and §6. */
  readonly previous?: Partial<Pick<TokenSet, "refresh_token" | "id_token" | "scope">>;
  /** Whether tokens are bound to a key: RFC 9449 §5. */
  readonly isBound: boolean;
}

/** An access token whose life is not stated counts for this time. */
const defaultLifetimeSeconds = 300;

/**
 * The tokens of a token endpoint's answer (RFC 6749 §5.1).
 *
 * @throws {TokenParseError}
 */
export function tokensOfAnswer(answer: ReadonlyMap<string, unknown>, context: AnswerContext): TokenSet {
  const { previous, isBound } = context;
  const lifetime = answer.get("expires_in") ?? defaultLifetimeSeconds;
  // Some issuers send the number as text.
  const seconds = typeof lifetime === "string" && /^\d{1,10}$/.test(lifetime) ? Number(lifetime) : lifetime;
  if (typeof seconds !== "number" || !(seconds >= 0 && seconds < 1e10)) throw new TokenParseError("expires_in");
  const type = answer.get("token_type");
  if (typeof type !== "string" || type.toLowerCase() !== (isBound ? "dpop" : "bearer"))
    throw new TokenParseError("token_type");
  return TokenSet.from({
    refresh_token: previous?.refresh_token,
    id_token: previous?.id_token,
    scope: previous?.scope,
    ...Object.fromEntries([...answer].filter(([, member]) => member !== null)),
    expires_at: epochSeconds() + Math.floor(seconds),
  });
}
