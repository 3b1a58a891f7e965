/** The account pages with every part, as most tests mount them. @module */
import type { Hono } from "hono";
import { type PagesOptions, pages as pagesOf } from "../../src/pages/index.tsx";
import { organizationPages } from "../../src/pages/organization-pages.ts";
import { pageRoutes as ofEveryApplication } from "../../src/pages/page-routes.ts";
import type { PageRoute } from "../../src/pages/route.ts";

const parts = [organizationPages];

/** Every page and act of every part. */
export const pageRoutes: readonly PageRoute[] = [
  ...ofEveryApplication,
  ...parts.flatMap(({ rows }) => rows as readonly PageRoute[]),
];

export function pages(source: Parameters<typeof pagesOf>[0], options: PagesOptions = {}): Hono {
  return pagesOf(source, { parts, ...options });
}
