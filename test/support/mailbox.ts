import type { Mailer, MailMessage } from "../../src/domain/mail.ts";

/** A mailer that keeps what it accepts. */
export interface Mailbox extends Mailer {
  readonly messages: readonly MailMessage[];
  /**
   * Resolves once a message to an address is there, besides the first ones. Another delivery may have leased it, and be sending
   * it.
   */
  arrival(address: string, besides?: number): Promise<void>;
  /** The newest message to an address. */
  newestTo(address: string): MailMessage;
  /** The secret of the link in the newest message to an address. */
  secretTo(address: string): string;
  /** The code in the newest message to an address. */
  codeTo(address: string): string;
}

export function openMailbox(): Mailbox {
  const messages: MailMessage[] = [];
  const waiting = new Set<() => void>();
  const newestTo = (address: string): MailMessage => {
    const message = messages.findLast(({ to }) => to === address);
    if (!message) throw new Error("There is no message to this address.");
    return message;
  };
  return {
    messages,
    async send(message) {
      messages.push(message);
      for (const look of waiting) look();
    },
    arrival: (address, besides = 0) =>
      new Promise((resolve) => {
        const look = () => {
          if (!messages.slice(besides).some(({ to }) => to === address)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    newestTo,
    secretTo: (address) => /\?token=([\w-]{43})[\s&]/.exec(newestTo(address).text)![1]!,
    // A notice may come after the message with the code.
    codeTo: (address) =>
      messages.flatMap(({ to, text }) => (to === address && /: (\d{3} \d{3})\s/.exec(text)?.[1]) || []).at(-1)!,
  };
}
