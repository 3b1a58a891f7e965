import { sha256Hex } from "../crypto/digest.ts";
import type { Act } from "../domain/act.ts";
import * as acts from "../domain/acts/mailed-link.ts";
import { generateOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { isUuid, newAuditId } from "../domain/id.ts";
import type { MailKind } from "../domain/mail-text.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import { addressCounters, requireAdmitted } from "../engine/counters.ts";
import { execute, work } from "../engine/execute.ts";
import { cutIdentifier } from "../engine/identifiers.ts";
import { type KnownDevice, verifyKnownDevice } from "../engine/known-device.ts";
import { locksOf } from "../engine/locks.ts";
import { type MailCore, mailLanguageFor } from "../engine/mail-settings.ts";
import { mailboxCounter, mailboxOf } from "../engine/mailbox.ts";
import { codeMacs, linkCode, newLink } from "../engine/mailed-secrets.ts";
import type { Operation } from "../engine/plan.ts";
import { refuse } from "../engine/refuse.ts";
import type { Counter } from "../store/counters.ts";
import * as store from "../store/link-requests.ts";
import type { Lock } from "../store/locks.ts";
import type { Statement } from "../store/sql.ts";

/** A request for a mailed link. */
export interface LinkRequest {
  /** The address, as it was typed. */
  readonly identifier: string;
  /**
   * A path of the site that the link carries as its parameter `next`, in ASCII and at most 512 characters long; or one of the option
   * `returnTo`. Any other text is left out. The page that reads it must know it.
   */
  readonly next?: string | undefined;
  /**
   * The languages that the reader prefers, as in the header `Accept-Language`. The message is in the most preferred of
   * these that the option `languages` of `mail` lists. Default: the first in that list.
   */
  readonly acceptLanguage?: string | undefined;
  /**
   * The value that an earlier sign-in gave. A device that the account knows can ask for a reset or a sign-in even if strangers have
   * used up the messages of the address.
   */
  readonly knownDevice?: string | undefined;
  readonly context?: RequestContext | undefined;
}

/** What the browser that asked for a link keeps. The answer is the same whether or not a message is sent. */
export interface RequestedLink {
  /** The right to use the code of the message, for ten minutes. */
  readonly requestToken: string;
}

/** What a right code is exchanged for. */
export interface ExchangedCode {
  /** A secret in place of the link's, which no longer works. */
  readonly token: string;
  /** What the secret is for. */
  readonly purpose: "reset_password" | "sign_in" | "sign_up" | "change_identifier";
}

/** Exchanging the code of a message. */
export interface CodeOperations {
  /**
   * Exchanges the six digits of a message for a secret that does what the message's link does. Only the browser that asked for
   * the message can do it, in ten minutes and five attempts.
   *
   * @param code The six digits; spaces are ignored.
   * @throws {AuthError} `unauthorized.invalid_link`, `too_many_requests`.
   */
  exchange: Operation<
    {
      requestToken: string;
      code: string;
      /** The value that an earlier sign-in gave. A device that the account knows has attempts of its own. */
      knownDevice?: string | undefined;
      context?: RequestContext | undefined;
    },
    ExchangedCode
  >;
}

/** The lifetime of a link that anyone can ask for. */
export const linkLifetimeSeconds = 3_600;
/** A code is short-lived, because it is short (R019). */
const codeLifetimeSeconds = 600;

/**
 * Asks for a link: one request, with the same work for every address. If strangers have used up the messages of the mailbox, a
 * known device asks once more, on a counter of its own.
 *
 * @param statement The statement of this kind of link.
 */
export async function requestLink(
  core: MailCore,
  asked: LinkRequest,
  of: { kind: MailKind; act: Act; locks?: readonly Lock[] },
  statement: LinkStatement,
): Promise<RequestedLink> {
  const first = await ask(core, asked, of, statement);
  refuse(first.row.refusal);
  const device = first.row.allowed ? undefined : await verifyKnownDevice(core, asked.knownDevice);
  const second = device && (await ask(core, asked, of, statement, device));
  const { row, requestToken } = second?.row.allowed ? second : first;
  requireAdmitted(row);
  return { requestToken };
}

type LinkStatement = (request: store.LinkRequest) => Statement<store.RefusableAdmission>;

async function ask(
  core: MailCore,
  { identifier: typed, next, acceptLanguage, context: given }: LinkRequest,
  { kind, act, locks = [] }: { kind: MailKind; act: Act; locks?: readonly Lock[] },
  statement: LinkStatement,
  device?: KnownDevice,
): Promise<{ row: store.RefusableAdmission; requestToken: string }> {
  const context = cleanContext(given ?? {});
  const auditId = newAuditId();
  // With the id of its event, which tells later for which address codes are tried.
  const requestToken = `${generateOpaqueToken()}.${auditId}`;
  const browserHash = await sha256Hex(requestToken);
  const link = await newLink(core, kind, linkLifetimeSeconds, {
    withCode: 1,
    language: mailLanguageFor(core, acceptLanguage),
    ...(next !== undefined && (isPath(next) || core.returnTo.includes(next)) && { next }),
  });
  const code = await linkCode(core, link.message.id, link.message.content);
  const [mac] = await codeMacs(core, browserHash, code!);
  const identifier = cutIdentifier(typed);
  const mailbox = await mailboxOf(core, identifier);
  const counter = mailboxCounter(mailbox, device ? "device" : "anyone");
  const row = await execute(core, {
    locks: locksOf(act, ...locks),
    body: statement({
      act,
      purpose: kind,
      ...link,
      browserHash,
      codeMac: mac!,
      codeSeconds: codeLifetimeSeconds,
      mailbox,
      counters: [counter, ...(await addressCounters(core, context.address))],
      deviceCredentialId: device?.credentialId,
      context,
      auditId,
      identifierDigest: mailbox,
    }),
    mustCommit: true,
    onLostReply: store.recallLinkRequest(auditId),
  });
  return { row, requestToken };
}

/** A path of the site, short and in ASCII. Anyone may ask, so nothing else goes into a message. */
function isPath(text: string): boolean {
  return /^\/(?![/\\])[!-~]{0,511}$/.test(text);
}

export function codeOperations(core: MailCore): CodeOperations {
  return {
    async exchange({ requestToken, code, knownDevice, context: given }) {
      const context = cleanContext(given ?? {});
      const browserHash = await sha256Hex(requestToken.slice(0, 128));
      const requestId = requestToken.slice(0, 128).split(".")[1] ?? "";
      const token = generateOpaqueToken();
      const auditId = newAuditId();
      const device = await verifyKnownDevice(core, knownDevice);
      // Not for each cookie: every sign-in makes one.
      const deviceCounter = device && `code-device:${device.credentialId}`;
      const limit = core.limits.account;
      const counters: readonly Counter[] = [
        { name: `code:${browserHash}`, limit, kind: "account" },
        ...(deviceCounter === undefined ? [] : [{ name: deviceCounter, limit, kind: "device" } as const]),
        ...(await addressCounters(core, context.address)),
      ];
      const refund = work({
        body: store.refundExchange(auditId, deviceCounter),
        onLostReply: store.recallRefund(auditId),
        decode: () => undefined,
      });
      const row = await execute(
        core,
        {
          body: store.exchangeCode({
            act: acts.exchangeCode,
            browserHash,
            requestId: isUuid(requestId) ? requestId : undefined,
            codeSeconds: codeLifetimeSeconds,
            codeMacs: await codeMacs(core, browserHash, code.replace(/\s/g, "").slice(0, 16)),
            newTokenHash: await sha256Hex(token),
            counters,
            deviceCredentialId: device?.credentialId,
            context,
            auditId,
          }),
          mustCommit: true,
          onLostReply: store.recallExchange(auditId),
        },
        [refund],
      );
      requireAdmitted(row);
      if (row.purpose === null) throw new AuthError("unauthorized.invalid_link");
      return { token, purpose: row.purpose as ExchangedCode["purpose"] };
    },
  };
}
