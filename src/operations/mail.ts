import { MailRefusedError } from "../domain/mail.ts";
import { type MailKind, renderMail } from "../domain/mail-text.ts";
import type { Role } from "../domain/membership.ts";
import { noticeOf } from "../domain/notices.ts";
import type { Core } from "../engine/core.ts";
import type { Feature, FeatureParts } from "../engine/feature.ts";
import { createMailCore, type MailCore, type MailOptions, mailLanguageOf } from "../engine/mail-settings.ts";
import { linkCode, linkSecret } from "../engine/mailed-secrets.ts";
import { type LeasedMessage, leaseMessages, type MailOutcome, settleMessages } from "../store/mail.ts";
import { purgeMail } from "../store/maintenance.ts";
import { withNotices } from "../store/notices.ts";
import type { Database } from "../store/sql.ts";
import type { CheckCode } from "./factor-check.ts";
import { type IdentifierOperations, identifierOperations } from "./identifiers.ts";
import { type CodeOperations, codeOperations } from "./link-requests.ts";
import { linkSignInOperations, type MailedSignInOperations } from "./link-sign-in.ts";
import { linkSignUpOperations, type MailedSignUpOperations } from "./link-sign-up.ts";
import { type LinkOperations, linkOperations } from "./mailed-link.ts";
import { type NoticeOperations, noticeOperations, noticeSecret } from "./notices.ts";
import { type PasswordResetOperations, passwordResetOperations } from "./password-reset.ts";
import { type RecoveryOperations, recoveryOperations } from "./recovery.ts";

/** The operations that the feature `mail` adds to `auth`. */
export interface MailAuth {
  readonly mail: MailOperations;
  readonly identifiers: IdentifierOperations;
  readonly passwordReset: PasswordResetOperations;
  readonly mailedCodes: CodeOperations;
  readonly mailedLinks: LinkOperations;
  readonly mailedSignUp: MailedSignUpOperations;
  readonly mailedSignIn: MailedSignInOperations;
  readonly notices: NoticeOperations;
  readonly recovery: RecoveryOperations;
}

/** The operations on messages and addresses. */
export function mailParts(settings: Core, options: MailOptions, features: readonly Feature[]): FeatureParts<MailAuth> {
  const core = createMailCore(settings, options);
  // Only the feature `mfa` has it.
  const codes = features.find((feature) => feature.codes)?.codes?.(settings) as CheckCode | undefined;
  return {
    operations: {
      mail: mailOperations(core),
      identifiers: identifierOperations(core),
      passwordReset: passwordResetOperations(core),
      mailedCodes: codeOperations(core),
      mailedLinks: linkOperations(core),
      mailedSignUp: linkSignUpOperations(core),
      mailedSignIn: linkSignInOperations(core),
      notices: noticeOperations(core, codes),
      recovery: recoveryOperations(core),
    },
    check: () => void core.mailer,
    purges: [purgeMail],
  };
}

/** The database, in which each change of an account owes its notices. */
export function noticing(database: Database): Database {
  return withNotices(database, noticeOf());
}

/** Sending the messages that are owed. */
export interface MailOperations {
  /**
   * Sends the messages that are due, until none is left or `limit` messages were tried. The routes that owe a message call it
   * after their answer. Call it on a schedule too, once a minute: a message that could not be sent is due again after half a
   * minute, then after twice as long each time, for up to an hour.
   *
   * Two calls at once share the work. A message is sent twice only if the process ends after the provider has accepted it and
   * before that is recorded.
   *
   * @param options.limit Default 100.
   * @returns How many messages were accepted, how many were refused for good, and how many are tried again later.
   */
  deliver(options?: { limit?: number }): Promise<Delivery>;
}

/** The outcome of a delivery, in messages. */
export interface Delivery {
  readonly sent: number;
  readonly refused: number;
  readonly failed: number;
}

/** Messages that are leased, sent at once and settled together. */
const groupSize = 5;
/** The two requests to the database take this long at most, besides the attempt. */
const leaseMarginSeconds = 60;
const wait = { firstSeconds: 30, longestSeconds: 3_600 };

function mailOperations(core: MailCore): MailOperations {
  return {
    async deliver({ limit = 100 } = {}) {
      const leaseSeconds = leaseMarginSeconds + Math.ceil(core.mailMilliseconds / 1_000);
      const counts: Record<MailOutcome, number> = { sent: 0, refused: 0, failed: 0 };
      for (let left = limit; left > 0; left -= groupSize) {
        const size = Math.min(left, groupSize);
        const due = await core.database.run(leaseMessages(size, leaseSeconds));
        const leased = due.filter((message) => message.recipient !== null);
        const outcomes = await Promise.all(
          leased.map(async (message) => ({ message, outcome: await attempt(core, message) })),
        );
        if (leased.length > 0) await core.database.run(settleMessages(outcomes, wait));
        for (const { outcome } of outcomes) counts[outcome] += 1;
        if (due.length < size) break;
      }
      return counts;
    },
  };
}

async function attempt(core: MailCore, message: LeasedMessage): Promise<MailOutcome> {
  const signal = AbortSignal.timeout(core.mailMilliseconds);
  try {
    const composed = await compose(core, message);
    // A mailer that ignores the signal must not hold up the other messages.
    const late = new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    await Promise.race([core.mailer.send(composed, signal), late]);
    return "sent";
  } catch (error) {
    core.onError(new MailFault(error));
    return error instanceof MailRefusedError ? "refused" : "failed";
  }
}

/** A message that was not accepted. Its cause is the mailer's own error. */
export class MailFault extends Error {
  override readonly name = "MailFault";

  constructor(cause: unknown) {
    super("A message was not sent.", { cause });
  }
}

/** The message as it is sent. Its link has a secret from here on, if it is to have one. */
async function compose(core: MailCore, { id, kind, recipient, content }: LeasedMessage) {
  const language = mailLanguageOf(core, content.language);
  const base = core.origins[0]!.origin;
  const { nonce, withCode, next, at, ip, user_agent: userAgent, path, linkless, organization, role } = content;
  const { notice = base, [kind]: target = notice } = core.linkUrls;
  const url = new URL(path === undefined ? target : String(path), base);
  const isNotice = at !== undefined;
  const secret =
    isNotice && !linkless
      ? await noticeSecret(core, id)
      : nonce === undefined
        ? ""
        : await linkSecret(core, id, content);
  const code = withCode ? await linkCode(core, id, content) : undefined;
  // Another release owes it, or a key was removed too early: an operator can still mend both.
  if (!Object.hasOwn(language.texts, kind) || secret === undefined)
    throw new TypeError("The message cannot be composed.");
  if (secret) url.searchParams.set("token", secret);
  if (next !== undefined) url.searchParams.set("next", String(next));
  const { site, from } = core;
  const event = isNotice
    ? {
        at: new Date(String(at)),
        userAgent: userAgent === undefined ? null : String(userAgent),
        ip: ip === undefined ? undefined : String(ip),
      }
    : undefined;
  const facts = {
    site,
    address: recipient,
    url: linkless ? undefined : url.href,
    code,
    event,
    organization: organization === undefined ? undefined : String(organization),
    role: role as Role | undefined,
  };
  return {
    id,
    messageId: `<${id}@${from.address.split("@")[1]}>`,
    from,
    to: recipient,
    ...renderMail(language, kind as MailKind, facts),
  };
}
