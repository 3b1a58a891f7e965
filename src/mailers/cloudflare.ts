/**
 * Mail through the `send_email` binding of Cloudflare's Email Service. Needs no package.
 *
 * @module
 */
import type { Mailer } from "../domain/mail.ts";
import { requireOption } from "../domain/option-error.ts";
import { codeOf, failure, lateness, refusal } from "./failure.ts";
import { requireSound } from "./sound-message.ts";

export { type Mailer, type MailMessage, MailRefusedError, type MailSender } from "../domain/mail.ts";

/** The part of a `send_email` binding that the mailer uses. The type `SendEmail` of `@cloudflare/workers-types` fits. */
export interface CloudflareEmailBinding {
  /** Resolves once Email Service has accepted the message. */
  send(message: {
    from: string | { email: string; name: string };
    to: string;
    subject: string;
    text: string;
    html: string;
  }): Promise<{ readonly messageId: string }>;
}

/** Codes about the message itself. Any other code is about the account, the binding or the moment. */
const refusing: readonly string[] = ["E_RECIPIENT_SUPPRESSED", "E_VALIDATION_ERROR", "E_CONTENT_TOO_LARGE"];

/**
 * Sends messages with the binding, as in `cloudflareMailer(env.EMAIL)`.
 *
 * Email Service takes no idempotency key, and sets the header `Message-ID` itself: it refuses a message that has one. So a
 * message arrives twice if an attempt is repeated after the binding had accepted it. The binding cannot be interrupted either:
 * when the signal aborts, `send` rejects, and the message can still arrive.
 *
 * A message is refused for a suppressed recipient, a wrong form or its size. After any other error, Sallyport tries again later.
 *
 * @throws {TypeError} If it is not a binding.
 */
export function cloudflareMailer(binding: CloudflareEmailBinding): Mailer {
  requireOption(typeof binding?.send === "function", binding, "a send_email binding, such as env.EMAIL", "binding");

  return {
    async send(message, signal) {
      requireSound(message);
      if (signal.aborted) throw lateness();
      const { from, to, subject, text, html } = message;
      const { address, name } = from;
      const sender = name ? { email: address, name } : address;
      const accepted = async () => binding.send({ from: sender, to, subject, text, html });
      await unlessAborted(signal, accepted().catch(fail));
    },
  };
}

function unlessAborted(signal: AbortSignal, work: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(lateness());
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** The platform's message can quote the recipient, so only its code is kept. */
function fail(error: unknown): never {
  const code = codeOf(error);
  throw (refusing.includes(code) ? refusal : failure)("Cloudflare's Email Service did not accept the message.", code);
}
