import type { MailMessage } from "../../../src/domain/mail.ts";
import { type HttpMailerOptions, httpMailer } from "../../../src/mailers/http.ts";
import { attempt, type Outcome } from "./attempt.ts";

export interface HttpAttempt {
  readonly options: HttpMailerOptions;
  readonly message: MailMessage;
  readonly limit?: number;
}

/** Makes the attempts, one after another. */
export async function httpAttempts(attempts: readonly HttpAttempt[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { options, message, limit } of attempts) outcomes.push(await attempt(httpMailer(options), message, limit));
  return outcomes;
}
