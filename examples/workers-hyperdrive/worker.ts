import { Hono } from "hono";
import pg from "pg";
import { createAuth, passwords, signUp } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { authRoutes, cloudflareAddress, requireUser } from "sallyport/hono";
import { postgres } from "sallyport/postgres";

type Env = { HYPERDRIVE: { connectionString: string }; SALLYPORT_SECRET: string; BASE_URL: string };
type RequestEnv = Env & { pool: pg.Pool };

const auth = createAuth((env: RequestEnv) => ({
  database: postgres(env.pool),
  secrets: env.SALLYPORT_SECRET,
  origins: [env.BASE_URL],
  clientAddress: cloudflareAddress,
  features: [passwords({ hasher: argon2id() }), signUp({ mode: "open" })],
}));
const app = new Hono<{ Bindings: RequestEnv }>()
  .route("/", authRoutes(auth))
  .get("/me", requireUser(auth), (c) => c.json({ hello: c.var.user.identifier }));

export default {
  async fetch(request: Request, env: Env, context: { waitUntil(work: Promise<unknown>): void }): Promise<Response> {
    // A socket of a Worker belongs to one request. Hyperdrive keeps the connections to Postgres open behind it.
    const pool = new pg.Pool({ connectionString: env.HYPERDRIVE.connectionString, max: 2 });
    pool.on("error", () => undefined);
    try {
      return await app.fetch(request, { ...env, pool });
    } finally {
      context.waitUntil(pool.end());
    }
  },
};
