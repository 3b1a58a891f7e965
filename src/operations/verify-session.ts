import { sha256Hex } from "../crypto/digest.ts";
import { Actor } from "../domain/actor.ts";
import { isOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { cleanText } from "../domain/request-context.ts";
import type { Core } from "../engine/core.ts";
import { execute, type Work } from "../engine/execute.ts";
import { refuse } from "../engine/refuse.ts";
import { type PresentedToken, toSession, userOf, type VerifiedSession } from "../engine/sessions.ts";
import * as store from "../store/sessions.ts";

/** Finds the session of a token in one request: the session, its user, and the right to act for them. */
export async function verifySession(core: Core, presented: PresentedToken): Promise<VerifiedSession> {
  return await execute(core, verificationOf(core, presented, await hashOf(presented)));
}

/**
 * The digest of a presented token.
 *
 * @throws {AuthError} `unauthorized.invalid_token`.
 */
export async function hashOf({ token }: PresentedToken): Promise<string> {
  if (!isOpaqueToken(token)) throw new AuthError("unauthorized.invalid_token");
  return await sha256Hex(token);
}

/** The work of verifying a session, whose token has this digest. */
export function verificationOf(
  core: Core,
  { transport, context = {} }: PresentedToken,
  tokenHash: string,
): Work<VerifiedSession, store.VerifiedSessionRow> {
  return {
    body: store.verifySession({
      tokenHash,
      transport,
      defaultIdleSeconds: core.lifetimes.level1.idleSeconds,
      issuers: core.issuers,
      address: cleanText(context.address),
    }),
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
  };
}
