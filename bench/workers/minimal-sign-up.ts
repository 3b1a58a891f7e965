/** The minimal Worker, with sign-up. */
import { Hono } from "hono/tiny";
import { argon2id } from "sallyport/argon2id";
import { createAuth, passwords, signUp } from "sallyport/core";
import { cloudflareAddress, requireUser } from "sallyport/hono";
import { neon } from "sallyport/neon";

interface Bindings {
  DATABASE_URL: string;
  SALLYPORT_SECRET: string;
}

const auth = createAuth((env: Bindings) => ({
  database: neon(env.DATABASE_URL),
  secrets: env.SALLYPORT_SECRET,
  origins: ["https://app.example.com"],
  clientAddress: cloudflareAddress,
  features: [passwords({ hasher: argon2id() }), signUp({ mode: "open" })],
}));

const app = new Hono<{ Bindings: Bindings }>();
app.post("/sign-in", async (c) => {
  const { identifier, password } = await c.req.json();
  const signedIn = await auth(c.env).signIn.password({ identifier, password });
  return signedIn.mfaRequired ? c.json({}, 401) : c.json({ token: signedIn.token });
});
app.post("/sign-up", async (c) => {
  const { identifier, password } = await c.req.json();
  const { token } = await auth(c.env).signUp({ identifier, password });
  return c.json({ token }, 201);
});
app.get("/me", requireUser(auth), (c) => c.json({ id: c.var.user.id }));
export default app;
