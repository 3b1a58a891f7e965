import { requireOption } from "../crypto/option-error.ts";
import type { Mailer, MailSender } from "../domain/mail.ts";
import { englishMailTexts, type MailKind, type MailTexts } from "../domain/mail-text.ts";
import type { NoticeKind } from "../domain/notices.ts";
import type { Core } from "./core.ts";
import { withLazy } from "./lazy.ts";
import { checked, requireBoolean, requireText, requireWhole } from "./options.ts";

/**
 * What mailed links lead to: the kinds of messages with a link of their own, and `notice` for all notices. The feature `invitations`
 * says where an invitation leads to.
 */
export type LinkKind =
  | Exclude<MailKind, NoticeKind | "invitation" | "address_restored" | "recovery_finished">
  | "notice";

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
   * Where mailed links lead, as paths on the base URL. `sallyport/pages` serves the default paths: `/verify`, `/reset`,
   * `/sign-in/link`, `/sign-up/finish`, `/address`, `/address/back`, `/recover`, `/recover/stop`, `/not-me` and, for messages without a secret, `/sign-in`. A page
   * reads the secret from the query parameter `token`, and sends it by POST: programs that scan mail open every link.
   */
  linkPaths?: Partial<Record<LinkKind, string>>;
  /** The `basePath` of `sallyport/pages`, which precedes the default paths. Default: none. */
  basePath?: string;
  /** Lets users sign in with a link or a code that is mailed to their verified address, in place of a password. Default false. */
  signIn?: boolean;
  /**
   * Tells users at every verified address what has happened to their account: a new device, password, passkey, factor or token,
   * and so on. Each notice has a link for “this was not me”. Default true.
   */
  notices?: boolean;
  /**
   * How long the old addresses of an account can stop an administrator's `auth.recovery.start`, before the new address gets its
   * link. Default 86,400 seconds, a day; from 3,600 to 604,800.
   */
  recoveryDelaySeconds?: number;
}

const defaultLinkPaths: Readonly<Record<Exclude<LinkKind, "notice">, string>> = {
  verify_identifier: "/verify",
  reset_password: "/reset",
  sign_in: "/sign-in/link",
  sign_up: "/sign-up/finish",
  sign_up_taken: "/sign-in",
  change_identifier: "/address",
  change_identifier_taken: "/sign-in",
  address_replaced: "/address/back",
  recovery_started: "/recover/stop",
  recover_account: "/recover",
};
const noticePath = "/not-me";

/** The settings of operations that send messages. */
export interface MailCore extends Core, MailSettings {}

interface MailSettings {
  readonly mailer: Mailer;
  readonly from: MailSender;
  readonly site: string;
  readonly mailMilliseconds: number;
  readonly texts: MailTexts;
  /** The URL that a message leads to, up to its parameters. */
  readonly linkUrls: Readonly<Record<string, string>>;
  readonly signInByMail: boolean;
  readonly recoveryDelaySeconds: number;
}

/** Joins the settings of messages with the application's settings. The options are checked at first use. */
export function createMailCore(core: Core, options: MailOptions): MailCore {
  return withLazy<Core, MailSettings>(core, () => checkOptions(core, options));
}

function checkOptions(core: Core, options: MailOptions): MailSettings {
  const base = core.origins[0]!.origin;
  const { mailer, from, site = new URL(base).hostname, texts = {}, linkPaths = {}, basePath = "" } = options;
  const { timeoutMilliseconds: mailMilliseconds = 10_000, signIn: signInByMail = false } = options;
  const { recoveryDelaySeconds = 86_400 } = options;
  checked("recoveryDelaySeconds", () => requireWhole("recoveryDelaySeconds", recoveryDelaySeconds, 3_600, 604_800));
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
  checked("signIn", () => requireBoolean(signInByMail));
  checked("notices", () => requireBoolean(options.notices ?? true));
  const defaults = Object.entries(defaultLinkPaths).map(([kind, path]) => [kind, basePath + path]);
  const paths: Record<string, string> = {
    notice: basePath + noticePath,
    ...Object.fromEntries(defaults),
    ...linkPaths,
  };
  checked("linkPaths", () => {
    for (const path of Object.values(paths)) {
      const isPath = /^\/[^\s?#\\]*$/.test(path) && new URL(path, base).origin === base;
      requireOption(isPath, path, "a path, such as /verify");
    }
  });
  return {
    mailer,
    from,
    site,
    mailMilliseconds,
    texts: { ...englishMailTexts, ...texts },
    linkUrls: Object.fromEntries(Object.entries(paths).map(([kind, path]) => [kind, new URL(path, base).href])),
    signInByMail,
    recoveryDelaySeconds,
  };
}
