/** Sallyport as a route handler of Next.js, for everything under `/auth`. */
import { Hono } from "hono";
import { createAuth, passwords, signUp } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { authRoutes, forwardedAddress, requireUser } from "sallyport/hono";
import { neon } from "sallyport/neon";

/** `"edge"` runs the same code; Next.js 16 advises against it. */
export const runtime = "nodejs";

// A function, because `next build` evaluates this file without the deployment's environment.
const auth = createAuth(() => ({
  database: neon(process.env.DATABASE_URL ?? ""),
  secrets: process.env.SALLYPORT_SECRET,
  origins: [process.env.BASE_URL ?? "http://localhost:3000"],
  // Vercel's proxy sets `X-Forwarded-For`.
  clientAddress: forwardedAddress(1),
  features: [passwords({ hasher: argon2id() }), signUp({ mode: "open" })],
}));

const app = new Hono();
app.route("/", authRoutes(auth));
app.get("/auth/me", requireUser(auth), (c) => c.json({ hello: c.var.user.identifier }));

const handle = (request: Request): Response | Promise<Response> => app.fetch(request);

export { handle as GET, handle as POST, handle as PUT };
