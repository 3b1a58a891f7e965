import type { AttemptLimit, Counter } from "../store/counters.ts";
import type { Core } from "./core.ts";
import { normalIdentifier } from "./identifiers.ts";

/** Messages that requests may ask for to one mailbox, whether or not an account has it. */
const mailboxLimit: AttemptLimit = { attempts: 5, windowSeconds: 3_600 };

/** The name of a mailbox in counters: a keyed digest of the address. */
export async function mailboxOf(core: Core, typed: string): Promise<string> {
  return await core.keys.digest("mailbox", normalIdentifier(core, typed) ?? typed.trim());
}

export function mailboxCounter(mailbox: string): Counter {
  return { name: `mailbox:${mailbox}`, limit: mailboxLimit, kind: "address" };
}
