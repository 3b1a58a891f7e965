/**
 * Checks that hold for every mailer: a message has one recipient, and no field can begin another header.
 *
 * Providers and servers read addresses in different ways. To one of them, the text `a@example.com,b@example.org` is two
 * recipients. So only an address that has a single reading is passed on: an addr-spec of RFC 5322 §3.4.1 without comments and
 * white space, with letters beyond ASCII (RFC 6531 §3.3).
 *
 * @module
 */
import type { MailMessage, MailSender } from "../domain/mail.ts";
import { failure, refusal } from "./failure.ts";

const character = "[\\w!#$%&'*+/=?^`{|}~\\x80-\\uffff-]";
const atoms = `${character}+(?:\\.${character}+)*`;
/** Quotes that allow dots anywhere. Other quoted characters are left out: some providers split a list at a quoted comma. */
const quoted = `"(?:${character}|\\.)+"`;
const letter = "[a-zA-Z\\d\\x80-\\uffff]";
const label = `${letter}(?:(?:${letter}|-)*${letter})?`;
const literal = "\\[[\\w:.]+]";
/** Not a regular expression literal: see `request-context.ts` in the domain. */
const addressForm = `^(?:${atoms}|${quoted})@(?:${label}(?:\\.${label})*|${literal})$`;
/** RFC 5321 §4.5.3.1.3 leaves 254 octets for an address. */
const maximumLength = 254;
const unprintable = "[\\p{C}\\p{Z}]";
/** The header that keeps vacation notices from answering (RFC 3834 §5). */
export const autoSubmitted: { readonly "Auto-Submitted": "auto-generated" } = { "Auto-Submitted": "auto-generated" };
const control = "\\p{Cc}";

/**
 * @throws {MailRefusedError} If the recipient is not one address, or a field contains a control character.
 * @throws {Error} If the sender's address is wrong. That is a fault of the settings, which a later attempt may find mended.
 */
export function requireSound({ id, messageId, from, to, subject }: MailMessage): void {
  if (!isAddress(from.address)) throw failure("The sender's address is not a single address.", "INVALID_SENDER");
  if (!isAddress(to)) throw refusal("The recipient's address is not a single address.", "INVALID_RECIPIENT");
  const hasControl = new RegExp(control, "u");
  if ([subject, from.name ?? ""].some((text) => hasControl.test(text))) {
    throw refusal("The subject or the sender's name contains a control character.", "INVALID_HEADER");
  }
  if (!/^[!-~]{1,256}$/.test(id) || !/^<[!-;=?-~]{1,250}>$/.test(messageId)) {
    throw refusal("The message's identifiers contain other characters than visible ASCII.", "INVALID_HEADER");
  }
}

function isAddress(text: string): boolean {
  if (text.length > maximumLength || new RegExp(unprintable, "u").test(text)) return false;
  return new RegExp(addressForm).test(text);
}

/** The sender as one text, as in `"Acme, Inc." <accounts@example.com>` (RFC 5322 §3.4). */
export function mailbox({ name, address }: MailSender): string {
  return name ? `"${name.replace(/["\\]/g, "\\$&")}" <${address}>` : address;
}
