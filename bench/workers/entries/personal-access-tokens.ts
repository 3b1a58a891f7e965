/** The same with personal access tokens. */
import { Hono } from "hono/tiny";
import { createAuth, passwords } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { authRoutes } from "sallyport/hono";
import { personalAccessTokens } from "sallyport/personal-access-tokens";
import { type Bindings, optionsOf } from "../entry-options.ts";

const app = new Hono<{ Bindings: Bindings }>();
app.route(
  "/",
  authRoutes(
    createAuth((env: Bindings) => ({
      ...optionsOf(env),
      features: [passwords({ hasher: argon2id() }), personalAccessTokens()],
    })),
  ),
);
export default app;
