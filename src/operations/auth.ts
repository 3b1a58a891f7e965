import type { Origin } from "../domain/origin.ts";
import { type AuthOptions, createCore } from "../engine/options.ts";
import { type BatchResults, batch, type Plan } from "../engine/plan.ts";
import { probeDatabase } from "../engine/probe.ts";
import { purgeExpired } from "../store/maintenance.ts";
import { assertProductionClock } from "../store/migrate.ts";
import type { Statement } from "../store/sql.ts";
import { type AdministratorOperations, administratorOperations } from "./administrators.ts";
import { type CredentialOperations, credentialOperations } from "./credentials.ts";
import { type ChangePassword, changePasswordOperation } from "./password-change.ts";
import { type SessionOperations, sessionOperations } from "./sessions.ts";
import { type SignInOperations, signIn, verifyPassword } from "./sign-in.ts";
import { signOut } from "./sign-out.ts";
import { type SignUp, signUpOperation } from "./sign-up.ts";
import { type TupleOperations, tupleOperations } from "./tuples.ts";
import { type UserOperations, userOperations } from "./users.ts";
import { verifySession } from "./verify-session.ts";

/** Signing in with a password, and knowing who is signed in. */
export interface SignInAuth extends Pick<SignInOperations, "signIn"> {
  readonly sessions: Pick<SessionOperations, "verify" | "signOut">;
  /** The checked origins; the first is the base URL. */
  readonly origins: readonly Origin[];
}

/** The operations of Sallyport on one database. */
export interface Auth extends SignInOperations, SignInAuth {
  readonly users: UserOperations;
  readonly credentials: CredentialOperations;
  readonly sessions: SessionOperations;
  readonly administrators: AdministratorOperations;
  readonly tuples: TupleOperations;
  readonly signUp: SignUp;
  readonly changePassword: ChangePassword;
  /** Runs plans and statements made with `sql` in one transaction: all of them or none. */
  batch<const Items extends readonly (Plan<unknown> | Statement<unknown>)[]>(
    items: Items,
  ): Promise<BatchResults<Items>>;
  /** Removes tickets and counters that have ended, at most `limit` of each. For a schedule. */
  purge(options?: { limit?: number }): Promise<void>;
  /** Whether the database answers, and with its own clock; one request. @throws {Error} If not. */
  health(): Promise<void>;
  /** Refuses a database with another clock than its own, or behind a cache of queries (S17, S50). */
  probe(): Promise<void>;
}

/**
 * Makes the operations. Reads nothing, connects to nothing and starts nothing.
 *
 * @throws {ConfigurationError} If an option is missing or unsafe (S34).
 */
export function createAuth(options: AuthOptions): Auth {
  const core = createCore(options);
  const { database, origins } = core;
  return {
    signIn: (proof) => signIn(core, proof),
    verifyPassword: (proof) => verifyPassword(core, proof),
    users: userOperations(core),
    credentials: credentialOperations(core),
    sessions: sessionOperations(core),
    administrators: administratorOperations(core),
    tuples: tupleOperations(core),
    signUp: signUpOperation(core),
    changePassword: changePasswordOperation(core),
    origins,
    batch: (items) => batch(core, items),
    purge: async ({ limit = 10_000 } = {}) => {
      await database.run(purgeExpired(limit));
    },
    health: () => assertProductionClock(database),
    probe: () => probeDatabase(database),
  };
}

/**
 * The part of {@link createAuth} that signs people in and tells who they are, where a Worker's size counts: a bundler
 * leaves everything else out. The middleware takes it as it takes the whole.
 *
 * @throws {ConfigurationError} If an option is missing or unsafe (S34).
 */
export function createSignIn(options: AuthOptions): SignInAuth {
  const core = createCore(options);
  return {
    signIn: (proof) => signIn(core, proof),
    sessions: {
      verify: (presented) => verifySession(core, presented),
      signOut: (presented) => signOut(core, presented),
    },
    origins: core.origins,
  };
}
