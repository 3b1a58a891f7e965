import type { Audited } from "../domain/act.ts";
import { type SessionActor, sessionOf } from "../domain/actor.ts";
import { newAuditId, type UserId, uuidFor } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import { holderOfTicket } from "../engine/tickets.ts";
import { digestOfToken } from "../engine/token-digest.ts";
import type { FactorAttempt } from "../store/factor-holder.ts";
import { type Statement, sql } from "../store/sql.ts";

/**
 * Who sets a factor up: the user of a fresh session, or who holds a ticket that serves for this alone. `userId` may say for whom
 * an actor asks; for anybody else there is nothing.
 */
export type EnrollmentAuthority =
  | { readonly actor: SessionActor; readonly userId?: UserId }
  | {
      readonly ticket: string;
      readonly transport?: Transport;
      readonly context?: RequestContext;
      /** A session token that the client holds already, in the same transport: it ends when this signs in. */
      readonly presentedToken?: string | undefined;
    };

/** The hash of the token that the client of a ticket holds already. */
export async function presentedWith(authority: EnrollmentAuthority): Promise<string | undefined> {
  return "ticket" in authority ? await digestOfToken(authority.presentedToken) : undefined;
}

/**
 * What the statements of an enrolment are told.
 *
 * @param ownerOf SQL for whose factor it is about, where that is not the one whom the authority names.
 * @throws {AuthError} `unauthorized.invalid_ticket`.
 */
export async function enrollmentBy(
  authority: EnrollmentAuthority,
  act: Audited,
  ownerOf?: Statement,
): Promise<FactorAttempt> {
  const auditId = newAuditId();
  if ("actor" in authority) {
    const { actor } = authority;
    const { userId, sessionId } = sessionOf(actor);
    const owner = ownerOf ? sql`(${ownerOf})` : sql`${uuidFor("usr", authority.userId ?? userId)}::uuid`;
    return { holder: { actor, sessionId: uuidFor("ses", sessionId), owner }, auditId, act, context: actor.context };
  }
  const { context = {} } = authority;
  return { holder: await holderOfTicket(authority, "enroll"), auditId, act, context: cleanContext(context) };
}
