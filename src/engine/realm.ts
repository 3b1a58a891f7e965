/**
 * The realm behind the operations of an application's `auth`: the settings, features and reports that the HTTP layer uses.
 *
 * @module
 */
import type { KeyVersions } from "../crypto/root-secrets.ts";
import type { Core } from "./core.ts";
import type { Feature } from "./feature.ts";
import type { ClientAddress } from "./options.ts";

/** The member of `auth` that holds its realm. The package does not export it. */
export const realm: unique symbol = Symbol("sallyport");

/** One `auth`. A guard's result counts for the realm of that guard only. */
export interface Realm {
  readonly core: Core;
  readonly features: readonly Feature[];
  readonly clientAddress: ClientAddress;
  /**
   * Throws if an option is missing or unsafe.
   *
   * @throws {ConfigurationError}
   */
  check(): void;
  /** True once {@link Realm.check} has passed. */
  readonly isChecked: boolean;
  /** The versions of the application's keys, by the option's name. They contain no secret. */
  keys(): Readonly<Record<string, KeyVersions>>;
  /** Reports a fault, once for each error. */
  report(error: unknown): void;
}

/** Any `auth` that `createAuth` returns. */
export interface WithRealm<Api extends object = object> {
  readonly [realm]: Realm & { readonly api?: Api };
}
