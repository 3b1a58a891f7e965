import type { Context } from "hono";
import { type Transport, ticketSeconds } from "../domain/session.ts";
import { readCookie, setCookie, ticketCookie } from "./cookies.ts";

/** Carries a login ticket, so that the bodies keep the specified schema. */
export const ticketHeader = "Login-Ticket";

/** Carries the token of a session that takes the place of the one that asked, for the same reason. */
export const sessionHeader = "Session-Token";

/** The login ticket: of a program in the header, of a browser in the cookie. One form is never taken for the other (S20). */
export function presentedTicket(c: Context): { ticket: string; transport: Transport } {
  const header = c.req.header(ticketHeader);
  if (header !== undefined) return { ticket: header, transport: "token" };
  return { ticket: readCookie(c, ticketCookie) ?? "", transport: "cookie" };
}

/** Keeps a login ticket in the browser for as long as it counts (S20). */
export function setTicketCookie(c: Context, ticket: string): void {
  setCookie(c, ticketCookie, ticket, ticketSeconds);
}
