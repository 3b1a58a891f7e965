import { decoyHash } from "../crypto/argon2id-hasher.ts";
import type { PasswordHasher } from "../crypto/password-hasher.ts";
import { parseRootSecrets, RootKeys } from "../crypto/root-secrets.ts";
import { AuthError } from "../domain/error.ts";
import { isForDevelopment, type Origin, parseOrigins } from "../domain/origin.ts";
import { defaultLifetimes, type SessionLifetimes } from "../domain/session.ts";
import type { Purge } from "../store/maintenance.ts";
import type { Database } from "../store/sql.ts";
import type { Core, Limits, SharedDatabase } from "./core.ts";
import type { Feature } from "./feature.ts";
import { withLazy } from "./lazy.ts";
import { defaultTimeouts, Patience, type Timeouts } from "./patience.ts";

/**
 * Finds the client's address for a request. A client can send any header, so only the deployment knows which one to trust.
 * `sallyport/hono` has a function for each runtime.
 */
export type ClientAddress = (request: {
  readonly req: { header(name: string): string | undefined; readonly raw: Request };
  // biome-ignore lint/suspicious/noExplicitAny: each runtime has its own environment.
  readonly env: any;
}) => string | undefined;

/** The options of `createAuth`. */
export interface AuthOptions<Features extends readonly Feature[] = readonly Feature[]> {
  /** A driver: `neon(url)` of `sallyport/neon`, `pglite(instance)`, `postgres(pool)`. */
  database: Database;
  /**
   * The root secret: base64url of at least 32 random bytes, as a Worker secret and never in `vars`. To change it, give
   * `2:<new>,1:<old>`: the highest version signs, every version verifies.
   */
  secrets: string | undefined;
  /** Exact origins. The first is the base URL, which cookies and same-origin proofs follow. */
  origins: readonly (string | Origin)[];
  /** Finds the client's address, such as `cloudflareAddress`. Attempts are counted by address. */
  clientAddress: ClientAddress;
  /** The application's features, such as `passwords(…)` and `passkeys()`. */
  features: Features;
  lifetimes?: Partial<SessionLifetimes>;
  limits?: Partial<Limits>;
  /** How long a request to a route, or an operation, may take. */
  timeouts?: Partial<Timeouts>;
  /** Accept identifiers with letters beyond ASCII, if NFKC leaves them as they are. Default false. */
  allowNonAsciiIdentifiers?: boolean;
  /**
   * Whether another Flametrench SDK uses the same database. `true`: passwords are hashed and verified as that SDK does it,
   * without Unicode normalization; a password that normalization changes is also verified in its normal form, for two hashes
   * in all. `"inherited"`: that SDK is gone, so a hash without normalization is replaced after the next sign-in. Default false.
   */
  sharedDatabase?: SharedDatabase;
  /**
   * Called once for each fault: an error that is answered with 500 or 503, or that does not affect the response. Default: one
   * line on the console, with codes and without anything that a user typed.
   */
  onError?: (error: unknown) => void;
}

/** An option that is missing or unsafe. The error names the option, never its value. */
export class ConfigurationError extends TypeError {
  override readonly name = "ConfigurationError";
  readonly option: string;

  constructor(option: string, cause: unknown) {
    super(`The option \`${option}\` cannot be used: ${cause instanceof Error ? cause.message : "it is missing."}`, {
      cause,
    });
    this.option = option;
  }

  /** The response to the client. Hono calls this method if the application does not handle the error itself. */
  getResponse(): Response {
    return new AuthError("unavailable.configuration", { cause: this }).getResponse();
  }
}

const names: readonly (keyof Core)[] = [
  "database",
  "onError",
  "origins",
  "passwordHasher",
  "keys",
  "signUp",
  "lifetimes",
  "limits",
  "patience",
  "allowNonAsciiIdentifiers",
  "sharedDatabase",
  "predictableWords",
  "isCompromisedPassword",
  "decoyHash",
  "purges",
];

/** The settings that operations work with. The options are checked when one of them is first read. */
export function createCore(options: AuthOptions, onError: (error: unknown) => void, purges: readonly Purge[]): Core {
  return withLazy(Object.prototype, names, () => checkOptions(options, onError, purges));
}

/** One `try` for all options: a function for each would be compiled again at every cold start. */
function checkOptions(options: AuthOptions, onError: (error: unknown) => void, purges: readonly Purge[]): Core {
  let checking: keyof AuthOptions | "passwords" | "decoyHash" = "origins";
  try {
    const origins = parseOrigins(options.origins);
    checking = "secrets";
    const secrets = parseRootSecrets(options.secrets);
    if (secrets.some((secret) => secret.development) && !origins.every(({ origin }) => isForDevelopment(origin))) {
      throw new TypeError("A development secret serves loopback and private addresses only.");
    }
    checking = "lifetimes";
    const lifetimes = checkLifetimes({ ...defaultLifetimes, ...options.lifetimes });
    checking = "database";
    const { database } = options;
    if (!database) throw new TypeError("it is missing.");
    checking = "clientAddress";
    if (typeof options.clientAddress !== "function") throw new TypeError("it is missing.");
    checking = "limits";
    const limits = checkLimits({ ...defaultLimits, ...options.limits });
    checking = "sharedDatabase";
    const { sharedDatabase = false } = options;
    if (typeof sharedDatabase !== "boolean" && sharedDatabase !== "inherited") {
      throw new TypeError('It is true, false or "inherited".');
    }
    checking = "timeouts";
    const timeouts = checkTimeouts({ ...defaultTimeouts, ...options.timeouts });
    checking = "passwords";
    const settings = options.features.find(({ passwords }) => passwords)?.passwords;
    if (settings && !settings.hasher) throw new TypeError("`hasher` is missing.");
    checking = "decoyHash";
    const decoy = settings?.decoyHash ?? decoyHash;
    // Without work for unknown accounts, the response time would reveal which accounts exist.
    if (settings && !settings.hasher.canVerify(decoy)) throw new TypeError("The hasher cannot verify it.");

    return {
      origins,
      database,
      passwordHasher: settings?.hasher ?? noHasher,
      keys: new RootKeys(secrets),
      signUp: options.features.find(({ signUp }) => signUp)?.signUp ?? "closed",
      lifetimes,
      limits,
      patience: new Patience(timeouts),
      allowNonAsciiIdentifiers: options.allowNonAsciiIdentifiers ?? false,
      sharedDatabase,
      predictableWords: settings?.predictableWords ?? [],
      isCompromisedPassword: settings?.isCompromised,
      decoyHash: decoy,
      purges,
      onError,
    };
  } catch (error) {
    throw new ConfigurationError(checking, error);
  }
}

function missingHasher(): never {
  throw new ConfigurationError("passwords", new TypeError("No feature of the list has a `hasher`."));
}

/** If no feature supplies a hasher, an operation that needs one is refused with the option's name. */
const noHasher: PasswordHasher = {
  hash: missingHasher,
  verify: missingHasher,
  canVerify: missingHasher,
  needsRehash: missingHasher,
};

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
  // At most a hundred attempts at an account may fail in a row (NIST SP 800-63B-4 §3.2.2), whatever limit is set.
  const most = { account: 100, address: 1_000_000, network: 1_000_000 };
  for (const name of ["account", "address", "network"] as const) {
    const { attempts, windowSeconds } = limits[name];
    if (!isWithin(attempts, 1, most[name]) || !isWithin(windowSeconds, 1, 86_400)) {
      throw new TypeError(`\`${name}\` is 1 to ${most[name]} attempts in 1 to 86400 seconds.`);
    }
  }
  return limits;
}

function checkTimeouts(timeouts: Timeouts): Timeouts {
  const { requestMilliseconds, firstMilliseconds } = timeouts;
  if (!isWithin(requestMilliseconds, 500, 60_000) || !isWithin(firstMilliseconds, requestMilliseconds, 60_000)) {
    throw new TypeError("A request may take 500 to 60000 milliseconds, and the first one no less.");
  }
  return timeouts;
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

/** @throws {ConfigurationError} If an option is not a whole number from 1 to `most`. */
export function checkWhole(option: string, value: number, most: number): void {
  checked(option, () => {
    if (!Number.isInteger(value) || value < 1 || value > most) {
      throw new TypeError(`It is ${value}, and must be a whole number from 1 to ${most}.`);
    }
  });
}

/**
 * Reads an option.
 *
 * @throws {ConfigurationError} With the option's name, if `read` throws.
 */
export function checked<Value>(option: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw new ConfigurationError(option, error);
  }
}
