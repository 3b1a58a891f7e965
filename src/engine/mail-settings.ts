import { randomBytes, toBase64Url } from "../crypto/bytes.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { requireOption } from "../crypto/option-error.ts";
import { isOpaqueToken } from "../domain/bearer.ts";
import { newUuid } from "../domain/id.ts";
import type { Mailer, MailSender } from "../domain/mail.ts";
import { englishMailTexts, type MailKind, type MailTexts } from "../domain/mail-text.ts";
import type { OwedMessage } from "../store/mail.ts";
import type { Core } from "./core.ts";
import { withLazy } from "./lazy.ts";
import { checked, requireText, requireWhole } from "./options.ts";

/** The options of the feature `mail`. */
export interface MailOptions {
  /** What sends messages: `httpMailer(…)`, `smtpMailer(…)`, `cloudflareMailer(…)`, or a mailer of your own. */
  mailer: Mailer;
  /** The sender of every message. */
  from: MailSender;
  /** The name of the site in messages. Default: the host of the base URL. */
  site?: string;
  /** How long one attempt to send a message may take. Default 10,000, from 100 to 30,000. */
  timeoutMilliseconds?: number;
  /** Texts in place of Sallyport's own, by the kind of the message. */
  texts?: Partial<MailTexts>;
  /**
   * Where a mailed link leads, as a path on the base URL. `sallyport/pages` serves the default path, `/verify`. The page reads
   * the secret from the query parameter `token`, and sends it by POST: programs that scan mail open every link.
   */
  linkPath?: string;
}

/** The settings of operations that send messages. */
export interface MailCore extends Core, MailSettings {}

interface MailSettings {
  readonly mailer: Mailer;
  readonly from: MailSender;
  readonly site: string;
  readonly mailMilliseconds: number;
  readonly texts: MailTexts;
  /** The URL of a link, up to its secret. */
  readonly linkUrl: string;
}

/** Joins the settings of messages with the application's settings. The options are checked at first use. */
export function createMailCore(core: Core, options: MailOptions): MailCore {
  const names = ["mailer", "from", "site", "mailMilliseconds", "texts", "linkUrl"] as const;
  return withLazy<Core, MailSettings>(core, names, () => checkOptions(core, options));
}

function checkOptions(core: Core, options: MailOptions): MailSettings {
  const base = core.origins[0]!.origin;
  const { mailer, from, site = new URL(base).hostname, texts = {}, linkPath = "/verify" } = options;
  const { timeoutMilliseconds: mailMilliseconds = 10_000 } = options;
  checked("timeoutMilliseconds", () => requireWhole("timeoutMilliseconds", mailMilliseconds, 100, 30_000));
  checked("mailer", () => requireOption(typeof mailer?.send === "function", mailer, "a mailer, such as httpMailer(…)"));
  checked("from", () => {
    const isSender = /^[^\s@<>",]+@[^\s@<>",]+$/.test(from?.address ?? "") && !/\p{Cc}/u.test(from.name ?? "");
    requireOption(isSender, from, "{ address, name } with one email address");
  });
  checked("site", () => requireText(site));
  checked("texts", () => {
    const isTexts = Object.values(texts).every((text) => typeof text === "function");
    requireOption(isTexts, texts, "functions by the kind of the message");
  });
  checked("linkPath", () => {
    const isPath = /^\/[^\s?#\\]*$/.test(linkPath) && new URL(linkPath, base).origin === base;
    requireOption(isPath, linkPath, "a path, such as /verify");
  });
  return {
    mailer,
    from,
    site,
    mailMilliseconds,
    texts: { ...englishMailTexts, ...texts },
    linkUrl: new URL(linkPath, base).href,
  };
}

/** A message with a link, the digest of the link's secret, and what the secret is derived from when the message is sent. */
export async function newLink(
  core: MailCore,
  kind: MailKind,
  lifetimeSeconds: number,
): Promise<{ message: OwedMessage; tokenHash: string }> {
  const id = newUuid();
  for (;;) {
    const content = { nonce: toBase64Url(randomBytes(32)), key: core.keys.currentVersion };
    const secret = (await linkSecret(core, id, content))!;
    // Drawn again if it would read as another kind of token.
    if (isOpaqueToken(secret))
      return { message: { id, kind, content, lifetimeSeconds }, tokenHash: await sha256Hex(secret) };
  }
}

/**
 * The secret of a message's link, or `undefined` if the version of its key is no longer listed. The database holds the nonce
 * until the message is sent, and never the key: neither alone opens anything.
 */
export async function linkSecret(
  core: MailCore,
  id: string,
  { nonce, key }: OwedMessage["content"],
): Promise<string | undefined> {
  const mac = await core.keys.mac("mail", [id, String(nonce)], Number(key));
  return mac && toBase64Url(mac);
}
