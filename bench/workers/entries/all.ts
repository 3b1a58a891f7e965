/** All of identity. */
import { Hono } from "hono/tiny";
import { accounts, createAuth, passwords, signUp } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { authRoutes } from "sallyport/hono";
import { mfa } from "sallyport/mfa";
import { passkeys } from "sallyport/passkeys";
import { personalAccessTokens } from "sallyport/personal-access-tokens";
import { type Bindings, optionsOf } from "../entry-options.ts";

const app = new Hono<{ Bindings: Bindings }>();
app.route(
  "/",
  authRoutes(
    createAuth((env: Bindings) => ({
      ...optionsOf(env),
      features: [
        passwords({ hasher: argon2id() }),
        signUp({ mode: "open" }),
        accounts(),
        mfa({ sealingKeys: "" }),
        passkeys(),
        personalAccessTokens(),
      ],
    })),
  ),
);
export default app;
