import type { Audited } from "../domain/act.ts";
import { type SessionActor, sessionOf } from "../domain/actor.ts";
import { newAuditId, type UserId, uuidFor } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import type { Core } from "../engine/core.ts";
import { holderOfTicket } from "../engine/tickets.ts";
import { digestOfToken } from "../engine/token-digest.ts";
import type { FactorAttempt } from "../store/factor-holder.ts";
import { type Statement, sql } from "../store/sql.ts";

/**
 * The right to enroll a factor: a fresh session, or a ticket that serves only to enroll. `userId` may name only the actor; any
 * other user is not found.
 */
export type EnrollmentAuthority =
  | { readonly actor: SessionActor; readonly userId?: UserId }
  | {
      readonly ticket: string;
      readonly transport?: Transport;
      readonly context?: RequestContext;
      /**
       * A session token that the client already holds, in the same transport. Its session ends when the enrollment signs the
       * user in.
       */
      readonly presentedToken?: string | undefined;
    };

/** The hash of the token that the client of a ticket already holds. */
export async function presentedWith(authority: EnrollmentAuthority): Promise<string | undefined> {
  return "ticket" in authority ? await digestOfToken(authority.presentedToken) : undefined;
}

/**
 * The input of an enrollment's statements.
 *
 * @param ownerOf SQL for the factor's user, if that may not be the user whom the authority names.
 * @throws {AuthError} `unauthorized.invalid_ticket`.
 */
export async function enrollmentBy(
  core: Pick<Core, "issuers">,
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
  return { holder: await holderOfTicket(core, authority, "enroll"), auditId, act, context: cleanContext(context) };
}
