/** Signing in with a password, and the routes of every application. */
import { Hono } from "hono/tiny";
import { createAuth, passwords } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { authRoutes } from "sallyport/hono";
import { type Bindings, optionsOf } from "../entry-options.ts";

const app = new Hono<{ Bindings: Bindings }>();
app.route(
  "/",
  authRoutes(createAuth((env: Bindings) => ({ ...optionsOf(env), features: [passwords({ hasher: argon2id() })] }))),
);
export default app;
