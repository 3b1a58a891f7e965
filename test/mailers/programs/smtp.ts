import type { MailMessage } from "../../../src/domain/mail.ts";
import { type SmtpMailerOptions, smtpMailer } from "../../../src/mailers/smtp.ts";
import { attempt, type Outcome } from "./attempt.ts";

export interface SmtpAttempt {
  readonly options: SmtpMailerOptions;
  readonly message: MailMessage;
  readonly limit?: number;
}

/** Makes the attempts, one after another. */
export async function smtpAttempts(attempts: readonly SmtpAttempt[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { options, message, limit } of attempts) outcomes.push(await attempt(smtpMailer(options), message, limit));
  return outcomes;
}
