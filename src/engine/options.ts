import { decoyHash } from "../crypto/argon2id-hasher.ts";
import { given, OptionError, requireOption } from "../crypto/option-error.ts";
import { parseRootSecrets, RootKeys } from "../crypto/root-secrets.ts";
import { AuthError } from "../domain/error.ts";
import { isForDevelopment, type Origin, parseOrigins } from "../domain/origin.ts";
import { isReturnPlace } from "../domain/return-place.ts";
import { defaultLifetimes, type SessionLifetimes } from "../domain/session.ts";
import type { Purge } from "../store/maintenance.ts";
import type { Database } from "../store/sql.ts";
import type { Core, Limits, PasswordSettings, SharedDatabase } from "./core.ts";
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
  /**
   * Accept identifiers with letters beyond ASCII, if NFKC leaves them as they are. The domain of an address is stored in
   * punycode. Default false.
   */
  allowNonAsciiIdentifiers?: boolean;
  /**
   * Whether another Flametrench SDK uses the same database. `true`: passwords are hashed and verified as that SDK does it,
   * without Unicode normalization; a password that normalization changes is also verified in its normal form, for two hashes
   * in all. `"inherited"`: that SDK is gone, so a hash without normalization is replaced after the next sign-in. Default false.
   */
  sharedDatabase?: SharedDatabase;
  /**
   * Part of each cookie's name, so that two applications on one host keep theirs apart, also on two ports: `shop-` makes
   * `__Host-shop-session`. 1 to 32 of `a-z0-9`, then a hyphen. Default: `""`, as in `__Host-session`.
   */
  cookiePrefix?: string;
  /**
   * Where a sign-in may lead back to (`?next=`), besides the pages: exact paths on the base URL, or exact https URLs, such as those of
   * an application that uses this one to sign in. Default: none.
   */
  returnTo?: readonly string[];
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

export const developmentOnly =
  "a development secret serves loopback and private addresses only; `npx --no sallyport secret` prints one for a site.";

/** The error for an option, whatever reading it threw. A message that is not ours may quote what was given, and stays inside. */
export function configurationError(option: string, error: unknown): ConfigurationError {
  if (error instanceof ConfigurationError) return error;
  if (error instanceof OptionError) return new ConfigurationError(error.option ?? option, error);
  return new ConfigurationError(option, new OptionError("reading it failed.", undefined, { cause: error }));
}

/** The settings that operations work with. The options are checked when one of them is first read. */
export function createCore(options: AuthOptions, onError: (error: unknown) => void, purges: readonly Purge[]): Core {
  return withLazy({}, () => checkOptions(options, onError, purges));
}

/** One `try` for all options: a function for each would be compiled again at every cold start. */
function checkOptions(options: AuthOptions, onError: (error: unknown) => void, purges: readonly Purge[]): Core {
  let checking: keyof AuthOptions | "passwords" | "decoyHash" | "mode" = "origins";
  try {
    const origins = parseOrigins(options.origins);
    checking = "secrets";
    const secrets = parseRootSecrets(options.secrets);
    if (secrets.some((secret) => secret.development) && !origins.every(({ origin }) => isForDevelopment(origin))) {
      throw new OptionError(developmentOnly);
    }
    checking = "lifetimes";
    const lifetimes = checkLifetimes({ ...defaultLifetimes, ...options.lifetimes });
    checking = "database";
    const { database } = options;
    requireOption(typeof database?.run === "function", database, "a driver, such as neon(url)");
    checking = "clientAddress";
    const { clientAddress } = options;
    requireOption(typeof clientAddress === "function", clientAddress, "a function, such as cloudflareAddress");
    checking = "limits";
    const limits = checkLimits({ ...defaultLimits, ...options.limits });
    checking = "sharedDatabase";
    const { sharedDatabase = false } = options;
    const isSharing = typeof sharedDatabase === "boolean" || sharedDatabase === "inherited";
    requireOption(isSharing, sharedDatabase, 'true, false or "inherited"');
    checking = "allowNonAsciiIdentifiers";
    const { allowNonAsciiIdentifiers = false } = options;
    requireBoolean(allowNonAsciiIdentifiers);
    checking = "cookiePrefix";
    const { cookiePrefix = "" } = options;
    requireOption(/^([a-z0-9]{1,32}-)?$/.test(cookiePrefix), cookiePrefix, "letters a to z or digits, and a hyphen");
    checking = "returnTo";
    const { returnTo = [] } = options;
    requireOption(Array.isArray(returnTo) && returnTo.every(isReturnPlace), returnTo, "paths or https URLs");
    checking = "timeouts";
    const timeouts = checkTimeouts({ ...defaultTimeouts, ...options.timeouts });
    checking = "passwords";
    const settings = options.features.find(({ passwords }) => passwords)?.passwords;
    if (settings) checkPasswords(settings);
    checking = "decoyHash";
    const decoy = settings?.decoyHash ?? decoyHash;
    // Without work for unknown accounts, the response time would reveal which accounts exist.
    const isDecoy = !settings || settings.hasher.canVerify(decoy);
    requireOption(isDecoy, decoy, "a hash that the hasher can verify, such as `decoyHash` of sallyport/argon2id");
    checking = "mode";
    const signUp = options.features.find((feature) => feature.signUp)?.signUp?.(options.features) ?? "closed";

    return {
      origins,
      database: options.features.reduce((inner, feature) => feature.database?.(inner) ?? inner, database),
      // Only an operation that hashes is refused if no feature supplies a hasher.
      get passwordHasher() {
        return settings?.hasher ?? missingHasher();
      },
      keys: new RootKeys(secrets),
      signUp,
      lifetimes,
      limits,
      patience: new Patience(timeouts),
      allowNonAsciiIdentifiers,
      sharedDatabase,
      cookiePrefix,
      returnTo,
      issuers: issuersOf(options.features),
      acceptance: settings ?? {},
      decoyHash: decoy,
      purges,
      onError,
    };
  } catch (error) {
    throw configurationError(checking, error);
  }
}

function issuersOf(features: readonly Feature[]): readonly string[] | undefined {
  const lists = features.flatMap((feature) => (feature.issuers ? [feature.issuers()] : []));
  return lists.length === 0 ? undefined : lists.flat();
}

function missingHasher(): never {
  throw new ConfigurationError(
    "passwords",
    new OptionError("no feature of the list has a `hasher`; add passwords({ hasher: argon2id() })."),
  );
}

function checkPasswords({ hasher, predictableWords = [], blocklist, isCompromised, history }: PasswordSettings): void {
  if (typeof hasher?.canVerify !== "function") {
    throw new OptionError("`hasher` is missing; add passwords({ hasher: argon2id() }).");
  }
  const isList = predictableWords.every?.((word) => typeof word === "string");
  requireOption(isList, predictableWords, "a list of texts", "predictableWords");
  for (const [name, check] of Object.entries({ blocklist, isCompromised, history })) {
    requireOption(!check || typeof check === "function", check, "a function", name);
  }
}

const defaultLimits: Limits = {
  account: { attempts: 10, windowSeconds: 900 },
  address: { attempts: 100, windowSeconds: 300 },
  network: { attempts: 500, windowSeconds: 300 },
};

function checkLifetimes(lifetimes: SessionLifetimes): SessionLifetimes {
  requireWhole("retrySeconds", lifetimes.retrySeconds, 0, 30);
  for (const { absoluteSeconds, idleSeconds } of [lifetimes.level1, lifetimes.level2]) {
    // RFC 6265bis §5.5: no cookie lives longer than 400 days.
    requireWhole("absoluteSeconds", absoluteSeconds, 60, 34_560_000);
    requireWhole("idleSeconds", idleSeconds, 60, absoluteSeconds);
  }
  return lifetimes;
}

function checkLimits(limits: Limits): Limits {
  // At most a hundred attempts at an account may fail in a row (NIST SP 800-63B-4 §3.2.2), whatever limit is set.
  const most = { account: 100, address: 1_000_000, network: 1_000_000 };
  for (const name of ["account", "address", "network"] as const) {
    requireWhole(`${name}.attempts`, limits[name].attempts, 1, most[name]);
    requireWhole(`${name}.windowSeconds`, limits[name].windowSeconds, 1, 86_400);
  }
  return limits;
}

function checkTimeouts(timeouts: Timeouts): Timeouts {
  requireWhole("requestMilliseconds", timeouts.requestMilliseconds, 500, 60_000);
  requireWhole("firstMilliseconds", timeouts.firstMilliseconds, timeouts.requestMilliseconds, 60_000);
  return timeouts;
}

/** @throws {OptionError} Naming the part of the option that is not a whole number in these bounds. */
export function requireWhole(part: string, value: number, least: number, most: number): void {
  if (isWithin(value, least, most)) return;
  throw new OptionError(`\`${part}\`: ${given(value)}, and must be a whole number from ${least} to ${most}.`);
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

/** @throws {ConfigurationError} If an option is not a whole number from 1 to `most`. */
export function checkWhole(option: string, value: number, most: number): void {
  checked(option, () => requireOption(isWithin(value, 1, most), value, `a whole number from 1 to ${most}`));
}

/** @throws {OptionError} */
export function requireBoolean(value: unknown): void {
  requireOption(typeof value === "boolean", value, "true or false");
}

/** @throws {OptionError} */
export function requireText(value: unknown): void {
  requireOption(typeof value === "string" && value.trim() !== "", value, "a text");
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
    throw configurationError(option, error);
  }
}
