import type { Realm } from "../engine/realm.ts";
import type { AnyRoute } from "./route.ts";
import { coreRoutes } from "./routes/core.ts";

/** Rows by the realm that has them: a value, computed at its first request. */
const known = new WeakMap<Realm, readonly AnyRoute[]>();

/** Every row of an application: those that all have, and those of its features. */
export function routesOf(realm: Realm): readonly AnyRoute[] {
  const rows = known.get(realm);
  if (rows) return rows;
  // Features are listed by the engine, which does not know of HTTP: each row is a `Route`.
  const ofFeatures = realm.features.flatMap(({ routes }) => routes as readonly AnyRoute[]);
  const all = [...new Set([...coreRoutes, ...ofFeatures])];
  known.set(realm, all);
  return all;
}
