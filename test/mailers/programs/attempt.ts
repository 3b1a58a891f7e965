import type { Mailer, MailMessage } from "../../../src/domain/mail.ts";

/** What became of an attempt, as JSON carries it. */
export interface Outcome {
  /** The error's name and code, or `sent`. */
  readonly ended: string;
  /** Everything else that the error shows. */
  readonly shown: string;
}

/** Sends a message, and gives up when `limit` milliseconds have passed. */
export async function attempt(mailer: Mailer, message: MailMessage, limit = 20_000): Promise<Outcome> {
  try {
    await mailer.send(message, AbortSignal.timeout(limit));
    return { ended: "sent", shown: "" };
  } catch (reason) {
    const error = reason as Error & { code?: string };
    return { ended: `${error.name} ${error.code}`, shown: `${error.message} ${error.stack} ${String(error.cause)}` };
  }
}
