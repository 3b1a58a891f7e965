/**
 * A feature as a value: an application has the features that it lists, and its bundle contains no others.
 *
 * @module
 */
import type { KeyVersions } from "../crypto/root-secrets.ts";
import type { Purge } from "../store/maintenance.ts";
import type { Database } from "../store/sql.ts";
import type { Core, PasswordSettings, SignUpMode } from "./core.ts";

/** The parts that a feature makes from the settings of an application. */
export interface FeatureParts<Operations extends object> {
  /** Members of `auth`. If several features share a namespace, such as `signIn`, each adds its own members. */
  readonly operations: Operations;
  /**
   * Reads the feature's own options.
   *
   * @throws {ConfigurationError} If an option is missing or unsafe.
   */
  readonly check?: () => void;
  /** The keys of the feature's options, by the option's name. */
  readonly keys?: () => Readonly<Record<string, KeyVersions>>;
  /** Removes ended rows of the feature. Two features that share rows name the same function. */
  readonly purges?: readonly Purge[];
}

/**
 * One feature of an application, made by a function such as `passwords(options)`.
 *
 * @typeParam Operations The operations that it adds to `auth`.
 * @typeParam Api The types of its routes, for Hono's client.
 */
export interface Feature<out Operations extends object = object, out Api extends object = object> {
  /** The name by which `sallyport/pages` and `sallyport/openapi` find it. */
  readonly name: string;
  /** Makes the operations, given the application's features. It does not read `core` before an operation runs. */
  readonly make: (core: Core, features: readonly Feature[]) => FeatureParts<Operations>;
  /** Makes its routes, for `authRoutes` of `sallyport/hono`, at the first request of a route. Default: it has none. */
  readonly routes?: () => readonly object[];
  /** The database as the application's operations use it. Default: as it is given. */
  readonly database?: (database: Database) => Database;
  /** What another feature checks codes of second factors with. Default: this feature has none. */
  readonly codes?: (core: Core) => unknown;
  /** The tag of the language of a message that a request asks for. Only the feature `mail` has it. */
  readonly mailLanguage?: (core: Core, acceptLanguage: string | undefined) => string;
  /** How passwords are hashed and accepted. The first feature in the list that has a value decides. */
  readonly passwords?: PasswordSettings;
  /**
   * Reads who may sign up, given the application's features.
   *
   * @throws {OptionError} If the mode is unknown, or needs a feature that is not listed.
   */
  readonly signUp?: (features: readonly Feature[]) => SignUpMode;
  /**
   * The issuers whose identities are ways to sign in. Sessions that began with other identities are refused. Default: the feature has
   * no say.
   */
  readonly issuers?: () => readonly string[];
  /** Type only, never set. */
  readonly api?: Api;
}

type Union<Type> = (Type extends unknown ? (of: Type) => void : never) extends (of: infer All) => void ? All : never;

/** The operations that a list of features adds to `auth`. */
export type OperationsOf<Features extends readonly Feature[]> = Features extends readonly []
  ? object
  : Union<Features[number] extends infer One ? (One extends Feature<infer Operations> ? Operations : never) : never>;

/** The types of the routes of a list of features. */
export type ApiOf<Features extends readonly Feature[]> = Features extends readonly []
  ? object
  : Union<Features[number] extends infer One ? (One extends Feature<object, infer Api> ? Api : never) : never>;
