import type { Route } from "../../src/http/route.ts";
import { routes } from "../../src/http/route-table.ts";
import { mfaRoutes } from "../../src/http/routes/factors.ts";
import { passkeyRoutes } from "../../src/http/routes/passkeys.ts";
import { tokenRoutes } from "../../src/http/routes/tokens.ts";

/** Every row that there is, of every entry: for the document and the tests, which leave none out. */
// biome-ignore lint/suspicious/noExplicitAny: each row needs operations of its own.
export const everyRoute: readonly Route<any>[] = [...routes, ...mfaRoutes, ...passkeyRoutes, ...tokenRoutes];
