/** An address with the name that a mail program shows for it. */
export interface MailSender {
  /** The address, as in `accounts@example.com`. */
  readonly address: string;
  readonly name?: string;
}

/** A message, ready to send. No field contains a line break, except for `text` and `html`. */
export interface MailMessage {
  /** Unique to the message and the same at every attempt: the idempotency key for a provider that takes one. */
  readonly id: string;
  /** The header `Message-ID` with its angle brackets (RFC 5322 §3.6.4), the same at every attempt. */
  readonly messageId: string;
  readonly from: MailSender;
  /** The recipient's address. A message has one. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/**
 * What sends messages. Sallyport stores a message until `send` has resolved, and tries again later if it rejects.
 *
 * A message can arrive twice if the process ends between the provider's acceptance and the note of it. A provider that honours
 * `id` delivers it once.
 */
export interface Mailer {
  /**
   * Resolves once the provider has accepted the message.
   *
   * @param signal Aborted when the attempt has taken too long.
   * @throws {MailRefusedError} If no later attempt can succeed.
   */
  send(message: MailMessage, signal: AbortSignal): Promise<void>;
}

/** A mailer throws it for a message that will never be accepted, such as one to an address that does not exist. */
export class MailRefusedError extends Error {
  override readonly name: "MailRefusedError" = "MailRefusedError";
}

/**
 * The pattern of a text that no mail program reads as more than one address: nothing that RFC 5322 §3.2.3 gives a meaning stands
 * in it. Postgres and JavaScript read it alike.
 */
export const oneMailbox: string = String.raw`^[^\s@<>()\[\]:;,"\\]+@[^\s@<>()\[\]:;,"\\]+$`;
