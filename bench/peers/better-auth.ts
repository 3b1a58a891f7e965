/**
 * The Worker of the comparison with better-auth: sign-in with Google, sessions in Postgres. The entry `minimal` has no database
 * client of its own, so it is the smaller one with drizzle.
 */
import { neon } from "@neondatabase/serverless";
import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { betterAuth } from "better-auth/minimal";
import { drizzle } from "drizzle-orm/neon-http";
import { boolean, pgTable, text, timestamp } from "drizzle-orm/pg-core";
import { Hono } from "hono/tiny";

interface Bindings {
  DATABASE_URL: string;
  AUTH_SECRET: string;
  GOOGLE_CLIENT_ID: string;
  GOOGLE_CLIENT_SECRET: string;
}

const time = (name: string) => timestamp(name, { withTimezone: true });
const made = { createdAt: time("createdAt").notNull(), updatedAt: time("updatedAt").notNull() };

const user = pgTable("user", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  email: text("email").notNull().unique(),
  emailVerified: boolean("emailVerified").notNull(),
  image: text("image"),
  ...made,
});
const session = pgTable("session", {
  id: text("id").primaryKey(),
  expiresAt: time("expiresAt").notNull(),
  token: text("token").notNull().unique(),
  ipAddress: text("ipAddress"),
  userAgent: text("userAgent"),
  userId: text("userId").notNull(),
  ...made,
});
const account = pgTable("account", {
  id: text("id").primaryKey(),
  accountId: text("accountId").notNull(),
  providerId: text("providerId").notNull(),
  userId: text("userId").notNull(),
  accessToken: text("accessToken"),
  refreshToken: text("refreshToken"),
  idToken: text("idToken"),
  accessTokenExpiresAt: time("accessTokenExpiresAt"),
  refreshTokenExpiresAt: time("refreshTokenExpiresAt"),
  scope: text("scope"),
  password: text("password"),
  ...made,
});
const verification = pgTable("verification", {
  id: text("id").primaryKey(),
  identifier: text("identifier").notNull(),
  value: text("value").notNull(),
  expiresAt: time("expiresAt").notNull(),
  ...made,
});
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
