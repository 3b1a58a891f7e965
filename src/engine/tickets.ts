import { sha256Hex } from "../crypto/digest.ts";
import { isOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { isValidId, uuidFor } from "../domain/id.ts";
import type { Transport } from "../domain/session.ts";
import type { TicketHolder } from "../store/factor-holder.ts";
import type { Core } from "./core.ts";

/**
 * The holder of a login ticket. A ticket of a form that was never issued is refused without a look-up.
 *
 * @param userId The user whose ticket it must be, if the client names one.
 * @throws {AuthError} `unauthorized.invalid_ticket`.
 */
export async function holderOfTicket(
  { issuers }: Pick<Core, "issuers">,
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
    issuers,
    ...(userId !== undefined && { userId: uuidFor("usr", userId) }),
  };
}
