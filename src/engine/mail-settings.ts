import { requireOption } from "../crypto/option-error.ts";
import { acceptedLanguages, matchLanguage } from "../domain/language.ts";
import type { Mailer, MailSender } from "../domain/mail.ts";
import type { MailKind, MailLanguage, MailPhrases, MailText } from "../domain/mail-text.ts";
import { englishMail } from "../domain/mail-texts/english.ts";
import type { NoticeKind } from "../domain/notices.ts";
import type { Core } from "./core.ts";
import { withLazy } from "./lazy.ts";
import { requireLinkPath } from "./link-path.ts";
import { checked, requireBoolean, requireText, requireWhole } from "./options.ts";

/**
 * What mailed links lead to: the kinds of messages with a link of their own, and `notice` for all notices. The features
 * `invitations` and `organizations` say where their invitations lead to.
 */
export type LinkKind =
  | Exclude<MailKind, NoticeKind | "invitation" | "organization_invitation" | "address_restored" | "recovery_finished">
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
  /**
   * The languages of messages. A message that a request asks for is in the language that the request asks for, if it is listed;
   * every other message is in the first language. Default: English.
   */
  languages?: readonly MailLanguage[];
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
  readonly languages: readonly [MailLanguage, ...MailLanguage[]];
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
  const {
    mailer,
    from,
    site = new URL(base).hostname,
    languages = [englishMail],
    linkPaths = {},
    basePath = "",
  } = options;
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
  checked("languages", () => requireLanguages(languages));
  checked("signIn", () => requireBoolean(signInByMail));
  checked("notices", () => requireBoolean(options.notices ?? true));
  const defaults = Object.entries(defaultLinkPaths).map(([kind, path]) => [kind, basePath + path]);
  const paths: Record<string, string> = {
    notice: basePath + noticePath,
    ...Object.fromEntries(defaults),
    ...linkPaths,
  };
  checked("linkPaths", () => {
    for (const path of Object.values(paths)) requireLinkPath(base, path, "/verify");
  });
  return {
    mailer,
    from,
    site,
    mailMilliseconds,
    languages: languages as MailSettings["languages"],
    linkUrls: Object.fromEntries(Object.entries(paths).map(([kind, path]) => [kind, new URL(path, base).href])),
    signInByMail,
    recoveryDelaySeconds,
  };
}

/** True if times can be written for it. */
function isLocale(locale: string): boolean {
  try {
    return Intl.getCanonicalLocales(locale).length === 1;
  } catch {
    return false;
  }
}

function requireLanguages(languages: readonly MailLanguage[]): void {
  const tags = Array.isArray(languages) ? languages.map((language) => String(language?.tag).toLowerCase()) : [];
  const areTags = tags.length > 0 && tags.every((tag) => /^[a-z]{2,8}(-[a-z\d]{1,8})*$/.test(tag));
  requireOption(areTags, tags, "languages with tags, such as [englishMail]");
  requireOption(new Set(tags).size === tags.length, tags, "languages with different tags");
  for (const { tag, locale = tag, texts, phrases } of languages) {
    requireOption(isLocale(tag) && isLocale(locale), tag, "languages with locales that `Intl` takes, such as en-GB");
    for (const kind of Object.keys(englishMail.texts)) {
      requireOption(isText(texts?.[kind as MailKind]), tag, `a language with the text ${kind}`);
    }
    for (const name of Object.keys(englishMail.phrases)) {
      requireOption(
        typeof phrases?.[name as keyof MailPhrases] === "string",
        tag,
        `a language with the phrase ${name}`,
      );
    }
  }
}

function isText(text: MailText | undefined): boolean {
  const { subject, paragraphs, action = "", note = "" } = text ?? ({} as Partial<MailText>);
  return Array.isArray(paragraphs) && [subject, action, note, ...paragraphs].every((part) => typeof part === "string");
}

/**
 * The tag of the language of a message that a request asks for: one of the listed languages, whatever the request says.
 *
 * @param acceptLanguage As in the header `Accept-Language`.
 */
export function mailLanguageFor({ languages }: MailCore, acceptLanguage: string | undefined): string {
  const tags = languages.map(({ tag }) => tag);
  return matchLanguage(tags, acceptedLanguages(acceptLanguage ?? "")) ?? tags[0]!;
}

/** The language with a tag, or the first if none has it: a message may have been owed under another configuration. */
export function mailLanguageOf({ languages }: MailCore, tag: unknown): MailLanguage {
  return languages.find((language) => language.tag === tag) ?? languages[0];
}
