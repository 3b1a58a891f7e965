import { sha256Hex } from "../crypto/digest.ts";
import type { Actor } from "../domain/actor.ts";
import { isOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { uuidFor } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import { newAuditId } from "../engine/audit-id.ts";
import type { FactorAttempt } from "../store/factor-holder.ts";
import { type Statement, sql } from "../store/sql.ts";

/**
 * Who sets a factor up: the user of a fresh session, or who holds a ticket that serves for this alone. `userId` may say for whom
 * an actor asks; for anybody else there is nothing.
 */
export type EnrollmentAuthority =
  | { readonly actor: Actor; readonly userId?: string }
  | {
      readonly ticket: string;
      readonly transport?: Transport;
      readonly context?: RequestContext;
      /** A session token that the client holds already, in the same transport: it ends when this signs in (S47). */
      readonly presentedToken?: string | undefined;
    };

/** The hash of the token that the client of a ticket holds already. */
export async function presentedWith(authority: EnrollmentAuthority): Promise<string | undefined> {
  const token = "ticket" in authority ? authority.presentedToken : undefined;
  return token && isOpaqueToken(token) ? await sha256Hex(token) : undefined;
}

/**
 * What the statements of an enrolment are told.
 *
 * @param ownerOf SQL for whose factor it is about, where that is not the one whom the authority names.
 * @throws {AuthError} `unauthorized.invalid_ticket`.
 */
export async function enrollmentBy(
  authority: EnrollmentAuthority,
  action: string,
  ownerOf?: Statement,
): Promise<FactorAttempt> {
  const auditId = newAuditId();
  if ("actor" in authority) {
    const { actor } = authority;
    if (!actor.sessionId) throw new TypeError("Only the user of a session sets their own factors up.");
    const owner = ownerOf ? sql`(${ownerOf})` : sql`${uuidFor("usr", authority.userId ?? actor.userId!)}::uuid`;
    return {
      holder: { actor, sessionId: uuidFor("ses", actor.sessionId), owner },
      auditId,
      action,
      context: actor.context,
    };
  }
  const { ticket, transport = "token", context = {} } = authority;
  if (!isOpaqueToken(ticket)) throw new AuthError("unauthorized.invalid_ticket");
  const ticketHash = await sha256Hex(ticket);
  return { holder: { ticketHash, transport, purpose: "enroll" }, auditId, action, context: cleanContext(context) };
}
