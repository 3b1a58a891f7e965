/** The same with passkeys. */
import { Hono } from "hono/tiny";
import { createAuth } from "sallyport";
import { authRoutes } from "sallyport/hono";
import { createPasskeys, passkeyRoutes } from "sallyport/passkey";
import { type Bindings, optionsOf } from "../entry-options.ts";

const app = new Hono<{ Bindings: Bindings }>();
app.route(
  "/",
  authRoutes((c) => ({ ...createAuth(optionsOf(c.env)), ...createPasskeys(optionsOf(c.env)) }), {
    routes: passkeyRoutes,
  }),
);
export default app;
