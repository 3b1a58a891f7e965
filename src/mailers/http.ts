/**
 * Mail through a provider's HTTP API. Needs no package.
 *
 * @module
 */
import type { Mailer, MailMessage } from "../domain/mail.ts";
import { OptionError, requireOption } from "../domain/option-error.ts";
import { codeOf, failure, lateness, refusal } from "./failure.ts";
import { loopbackAddress, requireTimeout } from "./mailer-options.ts";
import { autoSubmitted, mailbox, requireSound } from "./sound-message.ts";

export { type Mailer, type MailMessage, MailRefusedError, type MailSender } from "../domain/mail.ts";
export { mailbox };

/** The options of {@link httpMailer}. */
export interface HttpMailerOptions {
  /** Where to POST a message: an https URL, or http on loopback. */
  readonly url: string;
  /** Headers of each request, with the provider's API key. No error message contains them. */
  readonly headers: Readonly<Record<string, string>>;
  /** The provider's JSON for a message. By default Resend's: `from`, `to`, `subject`, `text`, `html` and `headers`. */
  readonly body?: ((message: MailMessage) => object) | undefined;
  /**
   * Statuses by which this provider refuses a message for good, such as `[422]`. Default none: many providers give the same
   * status for a fault of the settings, and a message that is refused is not sent once the settings are mended.
   */
  readonly refusing?: readonly number[] | undefined;
  /** How long the provider may take to answer, 100 to 60000. Default 10000. */
  readonly timeoutMilliseconds?: number | undefined;
}

/**
 * Sends each message with one POST of JSON.
 *
 * The header `Idempotency-Key` is the message's `id`, so a provider that honours it delivers a message once. Redirects are not
 * followed, because they would carry the API key elsewhere. The answer's body is not read.
 *
 * A status from 200 to 299 means that the message is sent. After any other status that `refusing` does not name, and after a
 * fault of the network, Sallyport tries again later.
 *
 * @throws {TypeError} If an option is wrong. The message says what is wanted, and shows neither the URL nor the headers.
 */
export function httpMailer({
  url,
  headers,
  body = resendBody,
  refusing = [],
  timeoutMilliseconds = 10_000,
}: HttpMailerOptions): Mailer {
  const target = parseTarget(url);
  const fixed = parseHeaders(headers);
  requireOption(typeof body === "function", body, "a function from a message to an object", "body");
  const isList = Array.isArray(refusing) && refusing.every((status) => Number.isInteger(status) && status >= 400);
  requireOption(isList && !refusing.includes(429), refusing, "a list of statuses from 400, such as [422]", "refusing");
  requireTimeout(timeoutMilliseconds);

  return {
    async send(message, signal) {
      requireSound(message);
      const own = new Headers(fixed);
      own.set("content-type", "application/json");
      own.set("idempotency-key", message.id);
      const { status, ok } = await within(timeoutMilliseconds, signal, async (limit) => {
        const request = {
          method: "POST",
          headers: own,
          body: JSON.stringify(body(message)),
          // Not "error", which workerd does not have.
          redirect: "manual",
          signal: limit,
        } as const;
        const response = await fetch(target, request).catch((error: unknown) => {
          // The runtime's message can contain the URL, which can contain a key.
          throw limit.aborted ? lateness() : failure("The mail API could not be reached.", codeOf(error));
        });
        // The status is the answer. A connection that breaks while it is closed changes nothing.
        await response.body?.cancel().catch(() => undefined);
        return response;
      });
      if (ok) return;
      const answered = `The mail API answered ${status}.`;
      throw (refusing.includes(status) ? refusal : failure)(answered, `HTTP_${status}`);
    },
  };
}

/** Work with a signal that aborts with the given one, or when the time is over. Vercel's edge runtime lacks `AbortSignal.any`. */
async function within<Result>(
  milliseconds: number,
  signal: AbortSignal,
  work: (limit: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  const timer = setTimeout(stop, milliseconds);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

/** Resend's fields. Resend replaces the Message-ID, and delivers once by the idempotency key. */
function resendBody({ from, to, subject, text, html, messageId }: MailMessage): object {
  return { from: mailbox(from), to, subject, text, html, headers: { "Message-ID": messageId, ...autoSubmitted } };
}

/** @throws {OptionError} */
function parseTarget(url: string): string {
  const wanted = "the URL of a mail API, such as https://api.resend.com/emails";
  requireOption(typeof url === "string" && URL.canParse(url), url, wanted, "url");
  const { protocol, hostname, username, password, href } = new URL(url);
  if (protocol !== "https:" && !(protocol === "http:" && loopbackAddress(hostname) !== undefined)) {
    throw new OptionError("it must be an https URL, or http on loopback: the request carries a key.", "url");
  }
  // fetch refuses such a URL, and quotes it.
  if (username || password) throw new OptionError("it must contain no user and password; use `headers`.", "url");
  return href;
}

/** @throws {OptionError} */
function parseHeaders(headers: Readonly<Record<string, string>>): Headers {
  const wanted = "an object of headers, such as { Authorization: 'Bearer <key>' }";
  const isObject = typeof headers === "object" && headers !== null && !Array.isArray(headers);
  const entries = isObject ? Object.entries(headers) : [];
  requireOption(isObject && entries.every(([, value]) => typeof value === "string"), headers, wanted, "headers");
  // Resend refuses requests without the first, SendGrid without the second, and workerd adds neither.
  const parsed = new Headers({ "user-agent": "sallyport", accept: "application/json" });
  for (const [name, value] of entries) {
    try {
      parsed.set(name, value);
    } catch {
      // The runtime's message quotes the value.
      throw new OptionError("a name or a value contains a character that no header can have.", "headers");
    }
  }
  return parsed;
}
