/** The configuration of every entry, so that entries differ only in their features. */
import { Hono } from "hono/tiny";
import { type AuthOptions, createAuth, type Feature, passwords } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { authRoutes, cloudflareAddress } from "sallyport/hono";
import { neon } from "sallyport/neon";

export interface Bindings {
  DATABASE_URL: string;
  SALLYPORT_SECRET: string;
}

export const optionsOf = ({ DATABASE_URL, SALLYPORT_SECRET }: Bindings): Omit<AuthOptions, "features"> => ({
  database: neon(DATABASE_URL),
  secrets: SALLYPORT_SECRET,
  origins: ["https://app.example.com"],
  clientAddress: cloudflareAddress,
});

/** A Worker with sign-in by password and the given additional features. */
export function workerWith(...more: readonly Feature[]): Hono<{ Bindings: Bindings }> {
  const auth = createAuth((env: Bindings) => ({
    ...optionsOf(env),
    features: [passwords({ hasher: argon2id() }), ...more],
  }));
  const app = new Hono<{ Bindings: Bindings }>();
  app.route("/", authRoutes(auth));
  return app;
}
