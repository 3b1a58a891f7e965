import type { AttemptLimit, Counter } from "../store/counters.ts";
import type { Core } from "./core.ts";
import { normalIdentifier } from "./identifiers.ts";

/** Messages that requests of one kind of asker may ask for to one mailbox, whether or not an account has it. */
const mailboxLimit: AttemptLimit = { attempts: 5, windowSeconds: 3_600 };

/** The name of a mailbox in counters: a keyed digest of the address. */
export async function mailboxOf(core: Core, typed: string): Promise<string> {
  return await core.keys.digest("mailbox", normalIdentifier(core, typed) ?? typed.trim());
}

/**
 * The counter of the messages to a mailbox. Strangers can use up their own, so there are others: for sessions of the account that
 * has the address, for its known devices, for administrators and the application, and for invitations to organizations (S22).
 */
export function mailboxCounter(
  mailbox: string,
  asker: "anyone" | "account" | "device" | "administrator" | "member" = "anyone",
): Counter {
  const name = asker === "anyone" ? `mailbox:${mailbox}` : `mailbox-${asker}:${mailbox}`;
  return { name, limit: mailboxLimit, kind: "address" };
}
