/** All of identity and its routes, configured as in the README but without a driver. Its start is compared with bare Hono's. */
import { Hono } from "hono/tiny";
import { accounts, createAuth, passwords, signUp } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { authRoutes, cloudflareAddress, requireUser } from "sallyport/hono";
import { mfa } from "sallyport/mfa";
import { passkeys } from "sallyport/passkeys";
import { personalAccessTokens } from "sallyport/personal-access-tokens";
import { cannedDatabase, cannedSealingKey, cannedSecret } from "./canned.ts";

const auth = createAuth(() => ({
  database: cannedDatabase,
  secrets: cannedSecret,
  origins: ["https://app.example.com"],
  clientAddress: cloudflareAddress,
  features: [
    passwords({ hasher: argon2id() }),
    signUp({ mode: "open" }),
    accounts(),
    mfa({ sealingKeys: cannedSealingKey }),
    passkeys(),
    personalAccessTokens(),
  ],
}));

const app = new Hono();
app.route("/", authRoutes(auth));
app.get("/me", requireUser(auth), (c) => c.json({ id: c.var.user.id }));
app.get("/", (c) => c.text("ready"));
export default app;
