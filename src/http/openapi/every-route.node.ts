import type { Route } from "../route.ts";
import { routes } from "../route-table.ts";
import { mfaRoutes } from "../routes/factors.ts";
import { passkeyRoutes } from "../routes/passkeys.ts";
import { tokenRoutes } from "../routes/tokens.ts";

/** Every row that there is, of every entry: for the document and the tests, which leave none out. */
// biome-ignore lint/suspicious/noExplicitAny: each row needs operations of its own.
export const everyRoute: readonly Route<any>[] = [...routes, ...mfaRoutes, ...passkeyRoutes, ...tokenRoutes];
