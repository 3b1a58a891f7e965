/** Every route of `createAuth`: what the other entries are measured against. */
import { Hono } from "hono/tiny";
import { createAuth } from "sallyport";
import { authRoutes } from "sallyport/hono";
import { type Bindings, optionsOf } from "../entry-options.ts";

const app = new Hono<{ Bindings: Bindings }>();
app.route(
  "/",
  authRoutes((c) => createAuth(optionsOf(c.env))),
);
export default app;
