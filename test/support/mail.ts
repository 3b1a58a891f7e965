/** What the suites of the mailers share: one message, and what no error may show. @module */
import { inspect } from "node:util";
import { expect } from "vitest";
import type { Mailer, MailMessage } from "../../src/domain/mail.ts";

export const sent: MailMessage = {
  id: "msg_01977d3e0a7f7c2c9a6d5b1f2e3c4d5e",
  messageId: "<01977d3e.msg@example.com>",
  from: { address: "accounts@example.com", name: "Example" },
  to: "ada@example.org",
  subject: "Confirm your address",
  text: "Open https://example.com/confirm#token-4f1c",
  html: '<p>Open <a href="https://example.com/confirm#token-4f1c">this link</a></p>',
};

/** Texts that the suites give to mailers, or get from servers, and that belong in no log. */
export const confidential = ["ada@", "accounts@", "token-4f1c", "key-8d2e", "user-51aa", "pass-9c0d", "quoted-reply"];

export const never = (): AbortSignal => new AbortController().signal;

/** What became of an attempt: its error's name and code, or `sent`. Fails if the error shows anything confidential. */
export async function outcomeOf(mailer: Mailer, message: MailMessage = sent, signal = never()): Promise<string> {
  const error = await mailer.send(message, signal).then(
    () => undefined,
    (reason: unknown) => reason as Error & { code: string },
  );
  if (error === undefined) return "sent";
  expectConfidential(error);
  return `${error.name} ${error.code}`;
}

/** Fails if the error, its cause or anything else in it shows a confidential text. */
export function expectConfidential(error: unknown): void {
  const shown = inspect(error, { depth: 20, showHidden: true, maxStringLength: null });
  expect(confidential.filter((text) => shown.includes(text))).toEqual([]);
}
