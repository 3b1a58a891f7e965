/**
 * The Worker of the comparison with better-auth: sign-in with Google, sessions in Postgres. The entry `minimal` has no database
 * client of its own, so it is the smaller one with drizzle.
 */
import { neon } from "@neondatabase/serverless";
import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { betterAuth } from "better-auth/minimal";
import { drizzle } from "drizzle-orm/neon-http";
import { Hono } from "hono/tiny";
import { account, session, user, verification } from "./better-auth-tables.ts";

interface Bindings {
  DATABASE_URL: string;
  AUTH_SECRET: string;
  GOOGLE_CLIENT_ID: string;
  GOOGLE_CLIENT_SECRET: string;
}

const schema = { user, session, account, verification };

const authOf = (env: Bindings) =>
  betterAuth({
    baseURL: "https://app.example.com",
    secret: env.AUTH_SECRET,
    telemetry: { enabled: false },
    database: drizzleAdapter(drizzle(neon(env.DATABASE_URL), { schema }), { provider: "pg", schema }),
    socialProviders: { google: { clientId: env.GOOGLE_CLIENT_ID, clientSecret: env.GOOGLE_CLIENT_SECRET } },
  });

let kept: ReturnType<typeof authOf> | undefined;

function auth(env: Bindings): ReturnType<typeof authOf> {
  kept ??= authOf(env);
  return kept;
}

const app = new Hono<{ Bindings: Bindings }>();
app.on(["GET", "POST"], "/api/auth/*", (c) => auth(c.env).handler(c.req.raw));
app.get("/me", async (c) => {
  const found = await auth(c.env).api.getSession({ headers: c.req.raw.headers });
  return found ? c.json({ email: found.user.email }) : c.json({}, 401);
});
app.get("/", (c) => c.text("ready"));
export default app;
