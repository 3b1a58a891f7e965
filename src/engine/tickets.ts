import { sha256Hex } from "../crypto/digest.ts";
import { isOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { isValidId, uuidFor } from "../domain/id.ts";
import type { Transport } from "../domain/session.ts";
import type { TicketHolder } from "../store/factor-holder.ts";

/**
 * Who holds a login ticket. One of a form that was never issued opens nothing, and is not looked up.
 *
 * @param userId Whose ticket it must be, if the client says so.
 * @throws {AuthError} `unauthorized.invalid_ticket`.
 */
export async function holderOfTicket(
  { ticket, transport = "token" }: { readonly ticket: string; readonly transport?: Transport },
  purpose: TicketHolder["purpose"],
  userId?: string,
): Promise<TicketHolder> {
  const isOfNobody = userId !== undefined && !isValidId(userId, "usr");
  if (!isOpaqueToken(ticket) || isOfNobody) throw new AuthError("unauthorized.invalid_ticket");
  return {
    ticketHash: await sha256Hex(ticket),
    transport,
    purpose,
    ...(userId !== undefined && { userId: uuidFor("usr", userId) }),
  };
}
