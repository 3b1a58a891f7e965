/** The minimal Worker whose size is measured: Hono, password sign-in, session middleware, Argon2id. */
import { Hono } from "hono/tiny";
import { createSignIn, type SignInAuth } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { authErrorResponse, requireUser } from "sallyport/hono";
import { neon } from "sallyport/neon";

interface Bindings {
  DATABASE_URL: string;
  SALLYPORT_SECRET: string;
}

const auth = (c: { env: Bindings }): SignInAuth =>
  createSignIn({
    database: neon(c.env.DATABASE_URL),
    passwordHasher: argon2id(),
    secrets: c.env.SALLYPORT_SECRET,
    origins: ["https://app.example.com"],
  });

const app = new Hono<{ Bindings: Bindings }>();
app.onError(authErrorResponse);
app.post("/sign-in", async (c) => {
  const { identifier, password } = await c.req.json();
  const signedIn = await auth(c).signIn({ identifier, password });
  return signedIn.mfaRequired ? c.json({}, 401) : c.json({ token: signedIn.token });
});
app.get("/me", requireUser(auth), (c) => c.json({ id: c.var.user.id }));
export default app;
