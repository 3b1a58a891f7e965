import type { Realm } from "../engine/realm.ts";
import type { AnyRoute } from "./route.ts";
import { coreRoutes } from "./routes/core.ts";

/** Rows by their realm: a value, computed at the realm's first request. */
const known = new WeakMap<Realm, readonly AnyRoute[]>();

/** Every row of an application: the core rows, and those of its features. */
export function routesOf(realm: Realm): readonly AnyRoute[] {
  const rows = known.get(realm);
  if (rows) return rows;
  // The engine lists features without knowing HTTP, so the type is lost here: each row is a `Route`.
  const ofFeatures = realm.features.flatMap(({ routes }) => routes as readonly AnyRoute[]);
  const all = [...new Set([...coreRoutes, ...ofFeatures])];
  known.set(realm, all);
  return all;
}
