/** The same with second factors. */
import { Hono } from "hono/tiny";
import { createAuth } from "sallyport";
import { authRoutes } from "sallyport/hono";
import { createMfa, mfaRoutes } from "sallyport/mfa";
import { type Bindings, optionsOf } from "../entry-options.ts";

const app = new Hono<{ Bindings: Bindings }>();
app.route(
  "/",
  authRoutes((c) => ({ ...createAuth(optionsOf(c.env)), ...createMfa({ ...optionsOf(c.env), sealingKeys: "" }) }), {
    routes: mfaRoutes,
  }),
);
export default app;
