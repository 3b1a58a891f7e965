import { requireOption } from "../crypto/option-error.ts";
import type { Origin } from "../domain/origin.ts";
import type { Core } from "../engine/core.ts";
import { reporter } from "../engine/faults.ts";
import type { ApiOf, Feature, FeatureParts, OperationsOf } from "../engine/feature.ts";
import { type AuthOptions, checked, configurationError, createCore } from "../engine/options.ts";
import { type BatchResults, batch, type Plan } from "../engine/plan.ts";
import { type Realm, realm, type WithRealm } from "../engine/realm.ts";
import type { PresentedToken, VerifiedSession } from "../engine/sessions.ts";
import { type Purge, purgeExpired } from "../store/maintenance.ts";
import type { Statement } from "../store/sql.ts";
import { signOut } from "./sign-out.ts";
import { verifySession } from "./verify-session.ts";

/** The operations of every application, whatever its features. */
export interface CoreOperations {
  readonly sessions: {
    /**
     * Returns the session of a token.
     *
     * @throws {AuthError} `unauthorized.…` if it is not valid now.
     */
    verify(presented: PresentedToken): Promise<VerifiedSession>;
    /** Ends the presented session. A token without a session is ignored. */
    signOut(presented: PresentedToken): Promise<void>;
  };
  /** The checked origins; the first is the base URL. */
  readonly origins: readonly Origin[];
  /** Runs plans and statements made with `sql` in one transaction: all of them or none. */
  batch<const Items extends readonly (Plan<unknown> | Statement<unknown>)[]>(
    items: Items,
  ): Promise<BatchResults<Items>>;
  /** Removes expired rows, such as tickets and counters, at most `limit` of each kind. Call it on a schedule. */
  purge(options?: { limit?: number }): Promise<void>;
}

/** The operations of an application with the given features. */
export type Auth<Features extends readonly Feature[] = readonly []> = CoreOperations &
  OperationsOf<Features> &
  WithRealm<ApiOf<Features>>;

/** Returns the operations for an environment, such as a Worker's bindings. They are made once for each environment and kept. */
export type AuthFor<Env, Features extends readonly Feature[]> = (env: Env) => Auth<Features>;

/**
 * Makes the operations of an application, its `auth`: the operations of every application, and the operations of the listed
 * features.
 *
 * Reads nothing, connects to nothing and starts nothing. The options are checked at first use; until they are right, every
 * route and guard of `sallyport/hono` answers 503. `probe(auth)` checks them at once.
 *
 * @param options The options, or a function that gives them for an environment, for runtimes where secrets come with the
 *   request. It is called once for each environment, so its driver must not hold a connection (Neon's does not). A function
 *   that declares no parameter, or only one with a default, is called once, without an environment.
 */
export function createAuth<const Features extends readonly Feature[]>(options: AuthOptions<Features>): Auth<Features>;
/**
 * For runtimes where options come with the request: `createAuth((env: Env) => ({ … }))` returns a function that takes an
 * environment and returns its operations. The options function is called once for each environment, at its first request.
 */
export function createAuth<Env extends object | undefined, const Features extends readonly Feature[]>(
  options: (env: Env) => AuthOptions<Features>,
): AuthFor<Env, Features>;
export function createAuth(
  options: AuthOptions | ((env: unknown) => AuthOptions),
): Auth | ((env: unknown) => Auth<readonly []>) {
  if (typeof options !== "function") return authOf(options);
  const made = new WeakMap<object, Auth>();
  const common = {};
  return (asked) => {
    // A function that declares no parameter gets none, and so gives the same options for every request.
    const env = options.length > 0 ? asked : undefined;
    const key = env ?? common;
    const known = made.get(key);
    if (known) return known;
    const auth = authOf(optionsFor(options, env));
    // Throws if the environment is not an object.
    made.set(key, auth);
    return auth;
  };
}

function optionsFor(options: (env: unknown) => AuthOptions, env: unknown): AuthOptions {
  try {
    return options(env);
  } catch (error) {
    // For example, a driver that refuses a missing connection string.
    throw configurationError("database", error);
  }
}

function authOf(options: AuthOptions): Auth {
  const { features, onError } = options;
  const isList = Array.isArray(features) && features.every((feature) => typeof feature?.make === "function");
  checked("features", () => requireOption(isList, features, "a list of features, such as passwords(…)"));
  checked("onError", () => requireOption(typeof (onError ?? reporter) === "function", onError, "a function"));
  const report = reporter(onError);
  const purges: Purge[] = [];
  const core = createCore(options, report, purges);
  const parts = features.map((feature) => feature.make(core, features));
  purges.push(...new Set(parts.flatMap((part) => part.purges ?? [])));
  let isChecked = false;
  const check = () => {
    if (isChecked) return;
    void core.keys;
    for (const part of parts) part.check?.();
    isChecked = true;
  };
  const auth = join([{ operations: coreOperations(core) }, ...parts]);
  const made: Realm = {
    core,
    features,
    clientAddress: options.clientAddress,
    get isChecked() {
      return isChecked;
    },
    check,
    keys: () => Object.assign({ secrets: core.keys.all }, ...parts.map((part) => part.keys?.())),
    report,
  };
  Object.defineProperty(auth, realm, { value: made, enumerable: true });
  Object.defineProperty(auth, "origins", { get: () => core.origins, enumerable: true });
  return auth as Auth;
}

function coreOperations(core: Core): Omit<CoreOperations, "origins"> {
  return {
    sessions: {
      verify: (presented) => verifySession(core, presented),
      signOut: (presented) => signOut(core, presented),
    },
    batch: (items) => batch(core, items),
    purge: async ({ limit = 10_000 } = {}) => {
      await core.database.run(purgeExpired(limit, core.purges));
    },
  };
}

/** Joins the operations of features. If several features share a namespace, the result has the members of all. */
function join(parts: readonly FeatureParts<object>[]): object {
  const joined: Record<string, unknown> = {};
  for (const { operations } of parts) {
    for (const [name, member] of Object.entries(operations)) {
      const known = joined[name];
      joined[name] = typeof member === "object" && known !== undefined ? { ...known, ...member } : member;
    }
  }
  return joined;
}
