/**
 * What an application's `auth` is behind its operations: the settings, features and reports that the HTTP layer works with.
 *
 * @module
 */
import type { Core } from "./core.ts";
import type { Feature } from "./feature.ts";
import type { ClientAddress } from "./options.ts";

/** The member of `auth` that holds its realm. The package does not export it. */
export const realm: unique symbol = Symbol("sallyport");

/** One `auth`. What a guard has verified counts for the realm that verified it, and for no other. */
export interface Realm {
  readonly core: Core;
  readonly features: readonly Feature[];
  readonly clientAddress: ClientAddress;
  /** Refuses to serve with an option that is missing or unsafe. @throws {ConfigurationError} */
  check(): void;
  /** True once {@link Realm.check} has passed. */
  readonly isChecked: boolean;
  /** Tells of a fault, once for each error. */
  report(error: unknown): void;
}

/** Whatever `createAuth` makes. */
export interface WithRealm<Api extends object = object> {
  readonly [realm]: Realm & { readonly api?: Api };
}
