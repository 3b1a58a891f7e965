/** The errors of the mailers. Their texts are fixed, because a server's reply can quote the recipient or a link. @module */
import { MailRefusedError } from "../domain/mail.ts";

/** An error after which a later attempt can succeed. Sallyport logs its code. */
export function failure(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

/** An error after which no later attempt can succeed. */
export function refusal(message: string, code: string): MailRefusedError {
  return Object.assign(new MailRefusedError(message), { code });
}

/** What ends an attempt that has taken too long. */
export function lateness(): Error {
  return failure("The mail server did not answer in time.", "TIMEOUT");
}

/** The code of another error, or of its cause, if it is plain enough to be logged. */
export function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: { readonly code?: unknown } };
  return [code, cause?.code].find(isPlain) ?? "UNKNOWN";
}

const isPlain = (code: unknown): code is string => typeof code === "string" && /^\w{1,64}$/.test(code);
