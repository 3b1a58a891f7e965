import { constantTimeEqual, fromHex, randomBytes, toBase64Url, toHex, utf8 } from "../crypto/bytes.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { refreshSession as act } from "../domain/acts/session.ts";
import { isOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, newUuid, type SessionId, uuidFor } from "../domain/id.ts";
import { cleanContext } from "../domain/request-context.ts";
import type { Core } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import { lockOfToken, locksOf } from "../engine/locks.ts";
import { type IssuedSession, issued, type PresentedToken } from "../engine/sessions.ts";
import * as rotation from "../store/refresh.ts";

/**
 * Rotates a token. The new one is derived from the old one, a server key and a nonce in the row (S09). So the loser of a race,
 * and a client whose reply was lost, get the same token as the winner, although it was never stored.
 */
export async function refreshSession(
  core: Core,
  { token, transport, context = {}, sessionId }: PresentedToken & { sessionId?: SessionId },
): Promise<IssuedSession> {
  if (!isOpaqueToken(token)) throw new AuthError("unauthorized.invalid_token");
  const tokenHash = await sha256Hex(token);
  const child = await deriveChild(core, token);
  const childId = newUuid();
  const auditId = newAuditId();
  const rows = await execute(core, {
    locks: locksOf(act, ...lockOfToken(tokenHash)),
    body: rotation.refreshSession({
      tokenHash,
      presentedId: sessionId === undefined ? undefined : uuidFor("ses", sessionId),
      transport,
      child: {
        sessionId: childId,
        tokenHash: await sha256Hex(child.token),
        nonce: child.nonce,
        keyVersion: child.keyVersion,
      },
      retrySeconds: core.lifetimes.retrySeconds,
      defaults: core.lifetimes.level1,
      issuers: core.issuers,
      auditId,
      context: cleanContext(context),
    }),
    mustCommit: true,
    onLostReply: rotation.recallRefresh(childId, auditId),
    decode: (_row, found) => found,
  });
  const [row] = rows;
  switch (row?.verdict) {
    case "rotate":
    case "retry": {
      const derived = await deriveToken(core, token, row.nonce, row.keyVersion);
      // The key's version is gone, or the child was not derived from this token. It is refused without counting as reuse (S18).
      if (derived === undefined || !equalHex(await sha256Hex(derived), row.tokenHash)) {
        throw new AuthError("unauthorized.session_expired");
      }
      return issued(row, derived);
    }
    case "mfa_required":
      throw new AuthError("unauthorized.mfa_required");
    case "not_found":
      throw new AuthError("not_found");
    case undefined:
      throw new AuthError("unauthorized.invalid_token");
    default:
      throw new AuthError("unauthorized.session_expired");
  }
}

/** A nonce and the token derived from it. Both are drawn again if the token begins like a bearer of another kind (S51). */
async function deriveChild(core: Core, token: string): Promise<{ token: string; nonce: string; keyVersion: number }> {
  for (;;) {
    const nonce = toHex(randomBytes(32));
    const keyVersion = core.keys.currentVersion;
    const derived = (await deriveToken(core, token, nonce, keyVersion))!;
    if (isOpaqueToken(derived)) return { token: derived, nonce, keyVersion };
  }
}

async function deriveToken(core: Core, token: string, nonce: string, keyVersion: number): Promise<string | undefined> {
  const mac = await core.keys.mac("refresh", [fromHex(nonce)!, token], keyVersion);
  return mac && toBase64Url(mac);
}

function equalHex(a: string, b: string): boolean {
  return constantTimeEqual(utf8(a), utf8(b));
}
