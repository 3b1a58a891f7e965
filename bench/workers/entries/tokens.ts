/** The same with personal access tokens. */
import { Hono } from "hono/tiny";
import { createAuth } from "sallyport";
import { authRoutes } from "sallyport/hono";
import { createTokens, tokenRoutes } from "sallyport/tokens";
import { type Bindings, optionsOf } from "../entry-options.ts";

const app = new Hono<{ Bindings: Bindings }>();
app.route(
  "/",
  authRoutes((c) => ({ ...createAuth(optionsOf(c.env)), ...createTokens(optionsOf(c.env)) }), { routes: tokenRoutes }),
);
export default app;
