import type { Context } from "hono";
import { reporter } from "../engine/faults.ts";
import { type Realm, realm, type WithRealm } from "../engine/realm.ts";
import type { CoreOperations } from "../operations/auth.ts";

/** Any `auth` of `createAuth`. */
export type AnyAuth = CoreOperations & WithRealm;

/** The value that `createAuth` returns: operations, or a function that returns them for an environment. */
// biome-ignore lint/suspicious/noExplicitAny: any application's environment will do.
export type AuthSource<Auth extends WithRealm = WithRealm> = Auth | ((env: any) => Auth);

/**
 * The operations for a request.
 *
 * @throws {ConfigurationError} If they cannot be made for its environment.
 */
export function authFor<Auth extends WithRealm>(source: AuthSource<Auth>, c: Context): Auth {
  return typeof source === "function" ? source(c.env) : source;
}

/** @throws {TypeError} If `createAuth` did not make it. */
export function realmOf(auth: WithRealm): Realm {
  const found: Realm | undefined = auth[realm];
  if (!found) throw new TypeError("`createAuth` has not made this.");
  return found;
}

/** Reports a fault to `onError`, or to the console if the options could not be read. */
export function reportFault(of: Realm | undefined, error: unknown): void {
  (of?.report ?? reporter())(error);
}
