import { sha256Hex } from "../crypto/digest.ts";
import { Actor } from "../domain/actor.ts";
import { isOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { cleanText } from "../domain/request-context.ts";
import type { Core } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import { refuse } from "../engine/refuse.ts";
import { type PresentedToken, toSession, userOf, type VerifiedSession } from "../engine/sessions.ts";
import * as store from "../store/sessions.ts";

/** Finds the session of a token in one request: the session, its user, and the right to act for them. */
export async function verifySession(
  core: Core,
  { token, transport, context = {} }: PresentedToken,
): Promise<VerifiedSession> {
  if (!isOpaqueToken(token)) throw new AuthError("unauthorized.invalid_token");
  const body = store.verifySession({
    tokenHash: await sha256Hex(token),
    transport,
    defaultIdleSeconds: core.lifetimes.level1.idleSeconds,
    address: cleanText(context.address),
  });
  return await execute(core, {
    body,
    onLostReply: "repeat",
    decode: (_row, [row]) => {
      if (!row) throw new AuthError("unauthorized.invalid_token");
      refuse(row.refusal);
      const session = toSession(row);
      const subject = { userId: session.userId, sessionId: session.id, identifier: row.identifier };
      const identifier = row.credentialType === "password" ? row.identifier : null;
      const user = { ...userOf(row), identifier, identifierVerified: row.identifierVerified };
      return { session, user, actor: Actor.forSession(subject, context), asOf: row.asOf };
    },
  });
}
