import type { Realm } from "../engine/realm.ts";
import type { AnyRoute, AnyRouteTable } from "./route.ts";
import { coreRoutes } from "./routes/core.ts";

/** Rows by their realm: a value, computed at the realm's first request. */
const known = new WeakMap<Realm, readonly AnyRoute[]>();

/** Every row of an application: the core rows, and those of its features. A table that is listed twice counts once. */
export function routesOf(realm: Realm): readonly AnyRoute[] {
  const rows = known.get(realm);
  if (rows) return rows;
  // The engine lists features without knowing HTTP, so the type is lost here: each row is a `Route`.
  const tables = new Set<AnyRouteTable>([coreRoutes]);
  for (const { routes } of realm.features) if (routes) tables.add(routes as AnyRouteTable);
  const all = [...tables].flatMap((table) => table());
  known.set(realm, all);
  return all;
}
