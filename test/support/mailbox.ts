import type { Mailer, MailMessage } from "../../src/domain/mail.ts";

/** A mailer that keeps what it accepts. */
export interface Mailbox extends Mailer {
  readonly messages: readonly MailMessage[];
  /** The newest message to an address. */
  newestTo(address: string): MailMessage;
  /** The secret of the link in the newest message to an address. */
  secretTo(address: string): string;
  /** The code in the newest message to an address. */
  codeTo(address: string): string;
}

export function openMailbox(): Mailbox {
  const messages: MailMessage[] = [];
  const newestTo = (address: string): MailMessage => {
    const message = messages.findLast(({ to }) => to === address);
    if (!message) throw new Error("There is no message to this address.");
    return message;
  };
  return {
    messages,
    async send(message) {
      messages.push(message);
    },
    newestTo,
    secretTo: (address) => /\?token=([\w-]{43})[\s&]/.exec(newestTo(address).text)![1]!,
    codeTo: (address) => /: (\d{3} \d{3})\s/.exec(newestTo(address).text)![1]!,
  };
}
