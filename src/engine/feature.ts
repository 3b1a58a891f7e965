/**
 * A feature as a value: what an application lists is what it has, and what it does not list is not in its bundle.
 *
 * @module
 */
import type { Purge } from "../store/maintenance.ts";
import type { Core, PasswordSettings, SignUpMode } from "./core.ts";

/** What a feature makes of the settings of an application. */
export interface FeatureParts<Operations extends object> {
  /** Members of `auth`. Of a namespace that several features have, such as `signIn`, each adds its own members. */
  readonly operations: Operations;
  /** Reads the feature's own options. @throws {ConfigurationError} If one is missing or unsafe. */
  readonly check?: () => void;
  /** Remove what has ended of the feature's own. Two features that share rows name the same function. */
  readonly purges?: readonly Purge[];
}

/**
 * One feature of an application, made by a function such as `passwords(options)`.
 *
 * @typeParam Operations What it adds to `auth`.
 * @typeParam Api The types of its routes, for Hono's client.
 */
export interface Feature<out Operations extends object = object, out Api extends object = object> {
  /** Names it in `sallyport/pages` and `sallyport/openapi`. */
  readonly name: string;
  /** Reads nothing of `core` before an operation runs. */
  readonly make: (core: Core) => FeatureParts<Operations>;
  /** Its rows of HTTP, for `authRoutes` of `sallyport/hono`. */
  readonly routes: readonly object[];
  /** How passwords are hashed and accepted. The first feature that says so decides. */
  readonly passwords?: PasswordSettings;
  readonly signUp?: SignUpMode;
  /** Type only, never set. */
  readonly api?: Api;
}

type Union<Type> = (Type extends unknown ? (of: Type) => void : never) extends (of: infer All) => void ? All : never;

/** What a list of features adds to `auth`. */
export type OperationsOf<Features extends readonly Feature[]> = Features extends readonly []
  ? object
  : Union<Features[number] extends infer One ? (One extends Feature<infer Operations> ? Operations : never) : never>;

/** The types of the routes of a list of features. */
export type ApiOf<Features extends readonly Feature[]> = Features extends readonly []
  ? object
  : Union<Features[number] extends infer One ? (One extends Feature<object, infer Api> ? Api : never) : never>;
