/** The minimal Worker without a driver, so that its start can be compared with bare Hono's. */
import { Hono } from "hono/tiny";
import { argon2id } from "sallyport/argon2id";
import { createAuth, passwords } from "sallyport/core";
import { cloudflareAddress, requireUser } from "sallyport/hono";
import { cannedDatabase, cannedSecret } from "./canned.ts";

const auth = createAuth({
  database: cannedDatabase,
  secrets: cannedSecret,
  origins: ["https://app.example.com"],
  clientAddress: cloudflareAddress,
  features: [passwords({ hasher: argon2id() })],
});

const app = new Hono();
app.get("/me", requireUser(auth), (c) => c.json({ id: c.var.user.id }));
app.get("/", (c) => c.text("ready"));
export default app;
