import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { requireUser, type SessionVerifier } from "../src/http/index.ts";
import type { MailAuth } from "../src/http/mail.ts";
import { AuthError, type UserId } from "../src/index.ts";
import type { Bindings } from "./bindings.ts";

/** What the route calls. */
type RecoveryAuth = SessionVerifier & Partial<MailAuth>;

/**
 * The server's own route for an administrator who names a new address for a user: `POST /api/recovery`. The operation checks the
 * administrator and their second factor.
 */
export function recoveryRoute(
  auth: (bindings: Bindings) => RecoveryAuth,
  isOn: (bindings: Bindings) => boolean,
): Hono<{ Bindings: Bindings }> {
  return new Hono<{ Bindings: Bindings }>().post(
    "/api/recovery",
    async (c, next) => (isOn(c.env) ? await next() : absent()),
    requireUser(auth),
    bodyLimit({ maxSize: 65_536, onError: () => Promise.reject(new AuthError("payload_too_large")) }),
    async (c) => {
      const { userId, identifier } = await readAsked(c);
      const { recovery, mail } = auth(c.env);
      if (!recovery || !mail) return absent();
      await recovery.start({ actor: c.var.actor, userId, identifier });
      c.executionCtx.waitUntil(mail.deliver({ limit: 5 }));
      return c.body(null, 204, { "Cache-Control": "no-store" });
    },
  );
}

function absent(): never {
  throw new AuthError("not_found");
}

async function readAsked(c: Context): Promise<{ userId: UserId; identifier: string }> {
  const body: unknown = await c.req.json().catch(() => undefined);
  const { user_id: userId, identifier } = (body ?? {}) as Record<string, unknown>;
  if (typeof userId !== "string" || typeof identifier !== "string") throw new AuthError("invalid_format.body");
  return { userId: userId as UserId, identifier };
}
