import type { PasswordHasher } from "../crypto/password-hasher.ts";
import type { RootKeys } from "../crypto/root-secrets.ts";
import type { UserId } from "../domain/id.ts";
import type { Origin } from "../domain/origin.ts";
import type { SessionLifetimes } from "../domain/session.ts";
import type { AttemptLimit } from "../store/counters.ts";
import type { Purge } from "../store/maintenance.ts";
import type { Database } from "../store/sql.ts";
import type { Patience } from "./patience.ts";

/**
 * Who may sign up. `open`: everyone; it reveals whether an identifier is taken. `verify-first`: everyone who reads the mail of
 * the address; it needs the feature `mail`, and reveals nothing. `invited`: only users with an invitation, of the
 * feature `invitations`. `closed`: no one, invited or not.
 */
export type SignUpMode = "closed" | "invited" | "open" | "verify-first";

/**
 * Whether another SDK has made accounts in the database. `true`: it still does, and still checks passwords. `"inherited"`: no
 * more, so a hash that only it would make is replaced at the next sign-in.
 */
export type SharedDatabase = boolean | "inherited";

/** How passwords, recovery codes and personal access tokens are hashed, and which passwords are accepted. */
export interface PasswordSettings {
  /** `argon2id()` of `sallyport/argon2id`. */
  readonly hasher: PasswordHasher;
  /**
   * A dummy hash. It is verified when an account has no password, so that both cases take equally long. Use your most
   * expensive parameters. Default: the pinned cost.
   */
  readonly decoyHash?: string | undefined;
  /** Names that no password may consist of, such as the name of the site. */
  readonly predictableWords?: readonly string[] | undefined;
  /**
   * Finds the common passwords that a password contains, beside names: `commonPasswords` of `sallyport/passwords/blocklist`.
   */
  readonly blocklist?: ((password: string, names: readonly string[]) => readonly string[]) | undefined;
  /**
   * Looks up a new password in a list of breached ones, such as `breachedPasswords(…)` of `sallyport/passwords/breached`. Passwords
   * leave the process only if you give a function that sends them. It gets what reports a fault that does not affect its result.
   */
  readonly isCompromised?: ((password: string, report: (error: unknown) => void) => Promise<boolean>) | undefined;
  /** Refuses the passwords that an owner had: `passwordHistory(5)`. Default: only the present one is known, and is not refused. */
  readonly history?: PasswordHistory | undefined;
}

/**
 * Checks that a new password is none that its owner has had. Without an owner, the application sets the password, and nothing is
 * checked.
 *
 * @throws {AuthError} `invalid_format.password`, `too_many_requests`, `unavailable.busy`.
 */
export type PasswordHistory = (core: Core, password: string, owner: UserId | undefined) => Promise<void>;

/** How often secrets may be tried and accounts created. */
export interface Limits {
  /**
   * Wrong secrets for one account, from any address. Default 10 in 15 minutes; the window doubles each time it is exhausted.
   */
  readonly account: AttemptLimit;
  /**
   * Sign-ins and sign-ups from one address (IPv4 address, IPv6 /64), and new tokens and passwords that one user asks for.
   * Default 100 in 5 minutes.
   */
  readonly address: AttemptLimit;
  /** The same from one network (IPv4 /24, IPv6 /48). Default 500 in 5 minutes. */
  readonly network: AttemptLimit;
}

/** The parts of the settings that running work on the database needs. */
export interface Executor {
  readonly database: Database;
  /** How long callers wait. Default: as long as the driver. */
  readonly patience?: Patience;
  /** Called with errors that do not affect the response, such as a denial that could not be recorded. */
  readonly onError: (error: unknown) => void;
}

/** The settings of every operation: the checked options of `createAuth`. */
export interface Core extends Executor {
  /** Exact origins; the first is the base URL. */
  readonly origins: readonly Origin[];
  readonly passwordHasher: PasswordHasher;
  readonly keys: RootKeys;
  readonly signUp: SignUpMode;
  readonly lifetimes: SessionLifetimes;
  readonly limits: Limits;
  readonly patience: Patience;
  readonly allowNonAsciiIdentifiers: boolean;
  readonly sharedDatabase: SharedDatabase;
  /** The application's part of its cookies' names, such as `shop-`. */
  readonly cookiePrefix: string;
  /** Where a sign-in may lead back to, besides the pages. */
  readonly returnTo: readonly string[];
  /** The issuers whose identities are ways to sign in. Undefined if no feature has a list of them. */
  readonly issuers: readonly string[] | undefined;
  /** Which passwords are accepted. */
  readonly acceptance: Omit<PasswordSettings, "hasher">;
  /** The hash that is verified if an account has none, so that the work is the same. */
  readonly decoyHash: string;
  /** The purges of the features, in addition to the rows that every application purges. */
  readonly purges: readonly Purge[];
}
