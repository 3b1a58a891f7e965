/**
 * Mail through an SMTP server (RFC 5321), on Node, Deno and Bun. Install `nodemailer`.
 *
 * @module
 */
import type { Mailer, MailMessage } from "../domain/mail.ts";
import { codeOf, failure, lateness, refusal } from "./failure.ts";
import { type SmtpMailerOptions, smtpSettings } from "./smtp-settings.ts";
import { autoSubmitted, requireSound } from "./sound-message.ts";

export { type Mailer, type MailMessage, MailRefusedError, type MailSender } from "../domain/mail.ts";
export type { SmtpMailerOptions };

/**
 * Sends each message over a connection of its own.
 *
 * The connection is encrypted, and the server's certificate is checked. Only to this machine (`localhost`, 127.0.0.0/8, ::1) is
 * it in plain text, unless `secure` is true.
 *
 * A message is refused if the server answers its recipient or its content with a code from 500 to 599. There are exceptions:
 * codes about the account (530, 534, 535, 538), about the order of commands (503), and replies with an enhanced code 5.7, which
 * are about the sender's rights and reputation. After these and after any other error, Sallyport tries again later.
 *
 * @throws {TypeError} If an option is wrong. The message says what is wanted, and does not show the account.
 */
export function smtpMailer(options: SmtpMailerOptions): Mailer {
  const settings = smtpSettings(options);

  return {
    async send(message, signal) {
      requireSound(message);
      if (signal.aborted) throw lateness();
      const { createTransport } = await loadNodemailer();
      try {
        await createTransport(settings).sendMail({ ...fieldsOf(message), signal });
      } catch (error) {
        throw signal.aborted ? lateness() : failureOf(error as SmtpError);
      }
    },
  };
}

/** What nodemailer makes a message and its envelope from. It does not parse an address that is given as an object. */
function fieldsOf({ from: { name = "", address }, to, subject, text, html, messageId }: MailMessage) {
  return {
    from: { name, address },
    to: { name: "", address: to },
    subject,
    text,
    html,
    messageId,
    headers: autoSubmitted,
  };
}

async function loadNodemailer(): Promise<typeof import("nodemailer")> {
  return await import("nodemailer").catch((cause: unknown) => {
    const error = failure("smtpMailer needs the package nodemailer: npm install nodemailer.", codeOf(cause));
    throw Object.assign(error, { cause });
  });
}

/** The fields of nodemailer's errors that name neither a person nor a link. */
interface SmtpError {
  readonly command?: string;
  readonly responseCode?: number;
  /** The server's reply. Only its enhanced code is read (RFC 3463). */
  readonly response?: string;
  /** The runtime's code, such as ECONNREFUSED, where `code` is nodemailer's. */
  readonly originalCode?: string;
}

/** Codes that are about the account or the session, whatever they answer (RFC 4954 §6, RFC 5321 §4.2.3). */
const aboutSession: readonly number[] = [503, 530, 534, 535, 538];

function failureOf(error: SmtpError): Error {
  const { command = "", responseCode: code, response = "", originalCode } = error;
  if (code === undefined) {
    return failure("The SMTP server could not be reached, or broke off.", codeOf({ code: originalCode, cause: error }));
  }
  const isAboutMessage = code >= 500 && (command === "RCPT TO" || command === "DATA");
  const isAboutSender = aboutSession.includes(code) || /^\d{3}[ -]5\.7\.\d/.test(response);
  const answered = `The SMTP server answered ${code}.`;
  return (isAboutMessage && !isAboutSender ? refusal : failure)(answered, `SMTP_${code}`);
}
