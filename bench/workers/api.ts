/** Every feature behind its routes, without pages and without the OpenAPI document. */
import { Hono } from "hono/tiny";
import { accounts, administration, authorization, createAuth, passwords, signUp } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { authRoutes, flametrenchRoutes, healthRoutes } from "sallyport/hono";
import { mfa } from "sallyport/mfa";
import { passkeys } from "sallyport/passkeys";
import { personalAccessTokens } from "sallyport/personal-access-tokens";
import { type Bindings, optionsOf } from "./entry-options.ts";

export const auth = createAuth((env: Bindings) => ({
  ...optionsOf(env),
  features: [
    passwords({ hasher: argon2id() }),
    signUp({ mode: "open" }),
    accounts(),
    administration(),
    authorization(),
    mfa({ sealingKeys: "" }),
    passkeys(),
    personalAccessTokens(),
  ],
}));

const app = new Hono<{ Bindings: Bindings }>();
app.route("/", authRoutes(auth));
app.route("/", flametrenchRoutes(auth));
app.route("/", healthRoutes(auth));
export default app;
