import { Hono } from "hono";
import { createAuth, passwords, signUp } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { authRoutes, cloudflareAddress, requireUser } from "sallyport/hono";
import { neon } from "sallyport/neon";

type Env = { DATABASE_URL: string; SALLYPORT_SECRET: string; BASE_URL: string };
const auth = createAuth((env: Env) => ({
  database: neon(env.DATABASE_URL),
  secrets: env.SALLYPORT_SECRET,
  origins: [env.BASE_URL],
  clientAddress: cloudflareAddress,
  features: [passwords({ hasher: argon2id() }), signUp({ mode: "open" })],
}));
const app = new Hono<{ Bindings: Env }>()
  .route("/", authRoutes(auth))
  .get("/me", requireUser(auth), (c) => c.json({ hello: c.var.user.identifier }));
export default app;
