/** Sallyport on Node, over a socket. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import pg from "pg";
import { createAuth, passwords, probe, signUp } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { authRoutes, requireUser, socketAddress } from "sallyport/hono";
import { postgres } from "sallyport/postgres";

const { DATABASE_URL, SALLYPORT_SECRET, PORT = "3000" } = process.env;

const pool = new pg.Pool({ connectionString: DATABASE_URL });
// The pool replaces a connection that breaks while it is idle. Without a listener the error would end this process.
pool.on("error", (error) => console.error(error.name));

const auth = createAuth({
  database: postgres(pool),
  secrets: SALLYPORT_SECRET,
  origins: [process.env.BASE_URL ?? `http://localhost:${PORT}`],
  // Behind a proxy: forwardedAddress(1).
  clientAddress: socketAddress,
  features: [passwords({ hasher: argon2id() }), signUp({ mode: "open" })],
});
await probe(auth);

const app = new Hono();
app.route("/", authRoutes(auth));
app.get("/me", requireUser(auth), (c) => c.json({ hello: c.var.user.identifier }));
serve({ fetch: app.fetch, port: Number(PORT) }, () => console.log(`http://localhost:${PORT}`));
