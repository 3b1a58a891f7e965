import { readdirSync } from "node:fs";
import type { AnyRoute } from "../../src/http/route.ts";
import { coreRoutes } from "../../src/http/routes/core.ts";

const folder = new URL("../../src/http/features/", import.meta.url);

/**
 * The exports of a feature's file: functions that make the feature. They do not read their options before an operation runs.
 */
type FeatureModule = Record<string, (options: object) => { name: string; routes?: () => readonly object[] }>;

const modules: readonly FeatureModule[] = await Promise.all(
  readdirSync(folder)
    .sort()
    .map((file) => import(new URL(file, folder).href)),
);

const features = modules.flatMap((module) => Object.values(module).map((make) => make({})));

/** Every row, by feature; `core` holds the rows of every application. */
export const routesByFeature: Readonly<Record<string, readonly AnyRoute[]>> = {
  core: coreRoutes(),
  ...Object.fromEntries(
    features.flatMap(({ name, routes }): [string, readonly AnyRoute[]][] =>
      routes ? [[name, routes() as readonly AnyRoute[]]] : [],
    ),
  ),
};

/** Every row of every feature, for the document and the tests. */
export const everyRoute: readonly AnyRoute[] = Object.values(routesByFeature).flat();
