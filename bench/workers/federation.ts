/** The Worker that is compared with those of Auth.js and better-auth: sign-in with Google, sessions in Postgres. */
import { Hono } from "hono/tiny";
import { createAuth, signUp } from "sallyport/core";
import { federation } from "sallyport/federation";
import { authRoutes, cloudflareAddress, requireUser } from "sallyport/hono";
import { neon } from "sallyport/neon";
import { google } from "sallyport/providers/google";

interface Bindings {
  DATABASE_URL: string;
  AUTH_SECRET: string;
  GOOGLE_CLIENT_ID: string;
  GOOGLE_CLIENT_SECRET: string;
}

const auth = createAuth((env: Bindings) => ({
  database: neon(env.DATABASE_URL),
  secrets: env.AUTH_SECRET,
  origins: ["https://app.example.com"],
  clientAddress: cloudflareAddress,
  features: [
    // Without it, only users with an account may sign in.
    signUp({ mode: "open" }),
    federation({ providers: [google({ clientId: env.GOOGLE_CLIENT_ID, clientSecret: env.GOOGLE_CLIENT_SECRET })] }),
  ],
}));

const app = new Hono<{ Bindings: Bindings }>();
app.route("/", authRoutes(auth));
app.get("/me", requireUser(auth), (c) => c.json({ id: c.var.user.id }));
app.get("/", (c) => c.text("ready"));
export default app;
