import type { Context } from "hono";
import { type Transport, ticketSeconds } from "../domain/session.ts";
import type { WithRealm } from "../engine/realm.ts";
import { readCookie, setCookie, ticketCookie } from "./cookies.ts";

/** Carries a login ticket, so that the bodies keep the specified schema. */
export const ticketHeader = "Login-Ticket";

/** Carries the token of a session that replaces the caller's, for the same reason. */
export const sessionHeader = "Session-Token";

/** The login ticket: from the header for a program, from the cookie for a browser. The two are never confused (S20). */
export function presentedTicket(c: Context, auth: WithRealm): { ticket: string; transport: Transport } {
  const header = c.req.header(ticketHeader);
  if (header !== undefined) return { ticket: header, transport: "token" };
  return { ticket: readCookie(c, auth, ticketCookie) ?? "", transport: "cookie" };
}

/** Keeps a login ticket in the browser for as long as it is valid (S20). */
export function setTicketCookie(c: Context, auth: WithRealm, ticket: string): void {
  setCookie(c, auth, ticketCookie, ticket, ticketSeconds);
}
