import type { PasswordHasher } from "../crypto/password-hasher.ts";
import type { RootKeys } from "../crypto/root-secrets.ts";
import type { Origin } from "../domain/origin.ts";
import type { SessionLifetimes } from "../domain/session.ts";
import type { AttemptLimit } from "../store/counters.ts";
import type { Purge } from "../store/maintenance.ts";
import type { Database } from "../store/sql.ts";

/** How users create their own accounts. `invited` needs an invitation. `open` reveals whether an identifier is taken. */
export type SignUpMode = "closed" | "invited" | "open";

/** How passwords, recovery codes and personal access tokens are hashed, and which passwords are accepted. */
export interface PasswordSettings {
  /** `argon2id()` of `sallyport/argon2id`. */
  readonly hasher: PasswordHasher;
  /**
   * A dummy hash. It is verified when an account has no password, so that both cases take equally long. Use your most
   * expensive parameters. Default: the pinned cost.
   */
  readonly decoyHash?: string | undefined;
  /** Names that no password may consist of, such as the site's. */
  readonly predictableWords?: readonly string[] | undefined;
  /** Looks a new password up in a list of breached ones. Passwords leave the process only if you give this. */
  readonly isCompromised?: ((password: string) => Promise<boolean>) | undefined;
}

/** How often secrets may be tried and accounts made. */
export interface Limits {
  /** Wrong secrets of one account, from any address. Default 10 in 15 minutes; the window doubles each time it is exhausted. */
  readonly account: AttemptLimit;
  /**
   * Sign-ins and sign-ups from one address (IPv4 address, IPv6 /64), and new tokens and passwords that one user asks for.
   * Default 100 in 5 minutes.
   */
  readonly address: AttemptLimit;
  /** The same from one network (IPv4 /24, IPv6 /48). Default 500 in 5 minutes. */
  readonly network: AttemptLimit;
}

/** What running work on the database needs. */
export interface Executor {
  readonly database: Database;
  /** Called with errors that do not affect the response, such as a denial that could not be recorded. */
  readonly onError: (error: unknown) => void;
}

/** What every operation works with: the checked options of `createAuth`. */
export interface Core extends Executor {
  /** Exact origins; the first is the base URL. */
  readonly origins: readonly Origin[];
  readonly passwordHasher: PasswordHasher;
  readonly keys: RootKeys;
  readonly signUp: SignUpMode;
  readonly lifetimes: SessionLifetimes;
  readonly limits: Limits;
  readonly allowNonAsciiIdentifiers: boolean;
  /** Names of the site and its owner, which no password may consist of. */
  readonly predictableWords: readonly string[];
  readonly isCompromisedPassword: ((password: string) => Promise<boolean>) | undefined;
  /** Verified if there is no hash, so that the work is the same. */
  readonly decoyHash: string;
  /** What the features purge, in addition to what every application purges. */
  readonly purges: readonly Purge[];
}
