import { decoyHash } from "../crypto/argon2id-hasher.ts";
import type { PasswordHasher } from "../crypto/password-hasher.ts";
import { parseRootSecrets, RootKeys } from "../crypto/root-secrets.ts";
import { isLoopback, type Origin, parseOrigins } from "../domain/origin.ts";
import { defaultLifetimes, type SessionLifetimes } from "../domain/session.ts";
import type { Database } from "../store/sql.ts";
import type { Core, Limits, SignUpMode } from "./core.ts";

/** The options of {@link createAuth}. */
export interface AuthOptions {
  /** A driver: `neon(url)` of `sallyport/neon`, `pglite(instance)`, `postgres(pool)`. */
  database: Database;
  /** `argon2id()` of `sallyport/argon2id`. */
  passwordHasher: PasswordHasher;
  /**
   * The root secret: base64url of at least 32 random bytes, as a Worker secret and never in `vars`. To change it, give
   * `2:<new>,1:<old>`; the highest version writes.
   */
  secrets: string | undefined;
  /** Exact origins; the first is the base URL, which cookies and same-origin proofs follow. */
  origins: readonly (string | Origin)[];
  /**
   * Who may make an account for themself. `invited` needs an invitation. `open` tells strangers whether an identifier is
   * taken. Default `closed`.
   */
  signUp?: SignUpMode;
  lifetimes?: Partial<SessionLifetimes>;
  limits?: Partial<Limits>;
  /** Accept identifiers with letters beyond ASCII, if NFKC leaves them as they are. Default false. */
  allowNonAsciiIdentifiers?: boolean;
  /** Names that no password may consist of, such as the site's. */
  predictableWords?: readonly string[];
  /** Asks a list of breached passwords. It is sent nothing unless you give it. */
  isCompromisedPassword?: (password: string) => Promise<boolean>;
  /** The hash that is verified where there is none. Give one of the costliest form in use. Default: the pinned cost. */
  decoyHash?: string;
  /** Told of what must not change an answer, such as a denial that could not be recorded. Default: nothing is done. */
  onError?: (error: unknown) => void;
}

/** An option that is missing or unsafe. Says which, and never what it held. */
export class ConfigurationError extends TypeError {
  override readonly name = "ConfigurationError";
  readonly option: string;

  constructor(option: string, cause: unknown) {
    super(`The option \`${option}\` cannot be used: ${cause instanceof Error ? cause.message : "it is missing."}`, {
      cause,
    });
    this.option = option;
  }
}

/**
 * Checks the options.
 *
 * @throws {ConfigurationError} If one is missing or unsafe (S34).
 */
export function createCore(options: AuthOptions): Core {
  const known = cores.get(options);
  if (known) return known;
  const core = checkOptions(options);
  cores.set(options, core);
  return core;
}

/** By the options themselves, so that `createAuth` and `createMfa` of the same ones share derived keys. Values, no promise. */
const cores = new WeakMap<AuthOptions, Core>();

/** One `try` for all of them: a function for each would be compiled anew at every cold start. */
function checkOptions(options: AuthOptions): Core {
  let checking: keyof AuthOptions = "origins";
  try {
    const origins = parseOrigins(options.origins);
    checking = "secrets";
    const secrets = parseRootSecrets(options.secrets);
    if (secrets.some((secret) => secret.development) && !origins.every(({ origin }) => isLoopback(origin))) {
      throw new TypeError("A development secret serves http on loopback only.");
    }
    checking = "lifetimes";
    const lifetimes = checkLifetimes({ ...defaultLifetimes, ...options.lifetimes });
    checking = "database";
    const { database } = options;
    if (!database) throw new TypeError("it is missing.");
    checking = "passwordHasher";
    const { passwordHasher } = options;
    if (!passwordHasher) throw new TypeError("it is missing.");
    checking = "limits";
    const limits = checkLimits({ ...defaultLimits, ...options.limits });
    checking = "decoyHash";
    const decoy = options.decoyHash ?? decoyHash;
    // A decoy that the hasher cannot read would be no work at all, which is what a stranger looks for.
    if (!passwordHasher.canVerify(decoy)) throw new TypeError("It is not a hash that the hasher verifies.");

    return {
      origins,
      database,
      passwordHasher,
      keys: new RootKeys(secrets),
      signUp: options.signUp ?? "closed",
      lifetimes,
      limits,
      allowNonAsciiIdentifiers: options.allowNonAsciiIdentifiers ?? false,
      predictableWords: options.predictableWords ?? [],
      isCompromisedPassword: options.isCompromisedPassword,
      decoyHash: decoy,
      onError: options.onError ?? (() => undefined),
    };
  } catch (error) {
    throw new ConfigurationError(checking, error);
  }
}

const defaultLimits: Limits = {
  account: { attempts: 10, windowSeconds: 900 },
  address: { attempts: 100, windowSeconds: 300 },
  network: { attempts: 500, windowSeconds: 300 },
};

function checkLifetimes(lifetimes: SessionLifetimes): SessionLifetimes {
  if (!isWithin(lifetimes.retrySeconds, 0, 30)) throw new TypeError("`retrySeconds` is 0 to 30.");
  for (const { absoluteSeconds, idleSeconds } of [lifetimes.level1, lifetimes.level2]) {
    // RFC 6265bis §5.5: no cookie lives longer than 400 days.
    if (!isWithin(absoluteSeconds, 60, 400 * 86_400) || !isWithin(idleSeconds, 60, absoluteSeconds)) {
      throw new TypeError("A session lives 60 seconds to 400 days, and no longer than that without use.");
    }
  }
  return lifetimes;
}

function checkLimits(limits: Limits): Limits {
  // Of an account no more than a hundred may fail in a row (NIST SP 800-63B-4 §3.2.2), however the limit is set.
  const most = { account: 100, address: 1_000_000, network: 1_000_000 };
  for (const name of ["account", "address", "network"] as const) {
    const { attempts, windowSeconds } = limits[name];
    if (!isWithin(attempts, 1, most[name]) || !isWithin(windowSeconds, 1, 86_400)) {
      throw new TypeError(`\`${name}\` is 1 to ${most[name]} attempts in 1 to 86400 seconds.`);
    }
  }
  return limits;
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

/** Reads an option. @throws {ConfigurationError} With its name, if reading throws. */
export function checked<Value>(option: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw new ConfigurationError(option, error);
  }
}
