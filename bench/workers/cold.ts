/** The minimal Worker without a driver, so that its start can be compared with bare Hono's. */
import { Hono } from "hono/tiny";
import { createSignIn } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { authErrorResponse, requireUser } from "sallyport/hono";
import { cannedDatabase, cannedSecret } from "./canned.ts";

const auth = createSignIn({
  database: cannedDatabase,
  passwordHasher: argon2id(),
  secrets: cannedSecret,
  origins: ["https://app.example.com"],
});

const app = new Hono();
app.onError(authErrorResponse);
app.get("/me", requireUser(auth), (c) => c.json({ id: c.var.user.id }));
app.get("/", (c) => c.text("ready"));
export default app;
