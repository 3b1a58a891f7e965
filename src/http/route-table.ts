import type { Route } from "./route.ts";
import { accountRoutes } from "./routes/account.ts";
import { credentialRoutes } from "./routes/credentials.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { userRoutes } from "./routes/users.ts";

/** Every route with an operation behind it; the server, the OpenAPI document and the tests read this table. */
export const routes: readonly Route[] = [...accountRoutes, ...userRoutes, ...credentialRoutes, ...sessionRoutes];
