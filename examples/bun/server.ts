/** Sallyport on Bun, over a socket. */
import { Hono } from "hono";
import pg from "pg";
import { createAuth, passwords, probe, signUp } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { authRoutes, requireUser, socketAddress } from "sallyport/hono";
import { postgres } from "sallyport/postgres";

const { DATABASE_URL, SALLYPORT_SECRET, PORT = "3000" } = process.env;

const pool = new pg.Pool({ connectionString: DATABASE_URL });
pool.on("error", (error) => console.error(error.name));

const auth = createAuth({
  database: postgres(pool),
  secrets: SALLYPORT_SECRET,
  origins: [process.env.BASE_URL ?? `http://localhost:${PORT}`],
  clientAddress: socketAddress,
  features: [passwords({ hasher: argon2id() }), signUp({ mode: "open" })],
});
await probe(auth);

const app = new Hono();
app.route("/", authRoutes(auth));
app.get("/me", requireUser(auth), (c) => c.json({ hello: c.var.user.identifier }));
export default { port: Number(PORT), fetch: app.fetch };
