import { sha256Hex } from "../crypto/digest.ts";
import { signOut as act } from "../domain/acts/session.ts";
import { isOpaqueToken } from "../domain/bearer.ts";
import { newAuditId } from "../domain/id.ts";
import { cleanContext } from "../domain/request-context.ts";
import type { Core } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import { lockOfToken, locksOf } from "../engine/locks.ts";
import type { PresentedToken } from "../engine/sessions.ts";
import { endPresentedSession } from "../store/sessions.ts";

/** Ends the session whose token is presented. A token without a session is ignored. */
export async function signOut(core: Core, { token, transport, context = {} }: PresentedToken): Promise<void> {
  if (!isOpaqueToken(token)) return;
  const tokenHash = await sha256Hex(token);
  await execute(core, {
    locks: locksOf(act, ...lockOfToken(tokenHash)),
    body: endPresentedSession({
      tokenHash,
      transport,
      auditId: newAuditId(),
      context: cleanContext(context),
    }),
    onLostReply: "repeat",
  });
}
