/**
 * The texts of messages as data, and the two forms of each message: plain text and HTML.
 *
 * @module
 */
import { deviceLabel } from "./device-label.ts";
import type { Role } from "./membership.ts";
import type { NoticeKind } from "./notices.ts";

/** The kind of a message. */
export type MailKind =
  | NoticeKind
  /** The link that proves an address. */
  | "verify_identifier"
  /** The link and the code that reset a forgotten password. */
  | "reset_password"
  /** The link and the code that sign in. */
  | "sign_in"
  /** The link and the code that make an account. */
  | "sign_up"
  /** In place of `sign_up`, to the owner of an account that exists. Its link leads to the sign-in page. */
  | "sign_up_taken"
  /** An administrator's invitation to make an account. Nothing in it is the administrator's own text. */
  | "invitation"
  /** An invitation to an organization. Only the organization's name in it is its members' own text. */
  | "organization_invitation"
  /** The link and the code that prove a new address of an account. */
  | "change_identifier"
  /** In place of `change_identifier`, to the owner of an account that has the address. Its link leads to the sign-in page. */
  | "change_identifier_taken"
  /** To the old address, once the account has a new one. Its link puts the old address back. */
  | "address_replaced"
  /** To the new address, once the old one was put back. It has no link. */
  | "address_restored"
  /** To every old address, once an administrator has named a new one. Its link stops that. */
  | "recovery_started"
  /** To the new address, after the delay. Its link sets a password. */
  | "recover_account"
  /** To every old address, once the account is the new one's. It has no link. */
  | "recovery_finished";

/** The text of a message, in the order in which it is read. It is plain text. `{…}` stands for what is put there. */
export interface MailText {
  /** With `{site}`, and nothing else: subjects are shown on locked screens and kept in logs. */
  readonly subject: string;
  /**
   * With `{site}`, the name of the site, and `{address}`, the address that the message is about. `{circumstances}` in a notice says
   * when and where it happened, in sentences. `{organization}` is the name of the organization that the message is about, and
   * `{role}` the reader's role there.
   */
  readonly paragraphs: readonly string[];
  /** The link's label. The link stands after the paragraphs, and the code after the link. */
  readonly action?: string;
  /** Stands at the end, in small print. */
  readonly note?: string;
}

/** The texts of all messages, by kind. */
export type MailTexts = Readonly<Record<MailKind, MailText>>;

/** What stands beside the texts, and is the same in every message. */
export interface MailPhrases extends Readonly<Record<`role.${Role}`, string>> {
  /** Before the code. */
  readonly code: string;
  /** Before the link's address, in HTML. */
  readonly link: string;
  /** The sentences of `{circumstances}`: with `{time}`, in UTC, `{device}` and `{ip}`. */
  readonly when: string;
  readonly device: string;
  readonly ip: string;
  /** A device, with `{browser}` and `{system}`. */
  readonly browserAndSystem: string;
  readonly unknownDevice: string;
  /** In place of the name of an organization that has none. */
  readonly unnamedOrganization: string;
}

/** A language of messages. */
export interface MailLanguage {
  /** Its tag (BCP 47), such as `en` or `de`: what a browser asks for, and the `lang` of a message. */
  readonly tag: string;
  readonly texts: MailTexts;
  readonly phrases: MailPhrases;
  /** How times are written, if not as `tag` says. */
  readonly locale?: string;
}

/** What a message is about. It is made when the message is sent. */
interface MailFacts {
  /** The name of the site. */
  readonly site: string;
  /** The address that the message is about. */
  readonly address: string;
  /** The link, with its secret if it has one. Without it, the message has neither the label nor the note of a link. */
  readonly url?: string | undefined;
  /** Six digits that can be typed in place of the link, in the browser that asked for the message. */
  readonly code?: string | undefined;
  /** When and where it happened, in a notice. */
  readonly event?:
    | { readonly at: Date; readonly userAgent: string | null; readonly ip?: string | undefined }
    | undefined;
  /** The name of the organization that the message is about. */
  readonly organization?: string | undefined;
  /** The reader's role there. */
  readonly role?: Role | undefined;
}

/** The two forms of a message. */
export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** A message without its slots, ready for either form. */
interface FilledMail {
  readonly subject: string;
  readonly paragraphs: readonly string[];
  readonly link: { readonly url: string; readonly label: string } | undefined;
  /** Six digits, as they are read. */
  readonly digits: string | undefined;
  readonly note: string | undefined;
}

/** Renders a message. Everything that is not the language's own is escaped. */
export function renderMail(language: MailLanguage, kind: MailKind, facts: MailFacts): RenderedMail {
  const { texts, phrases } = language;
  const { site, address, url, code, event, organization, role } = facts;
  const text = texts[kind];
  const slots = {
    site,
    address,
    circumstances: event ? circumstancesOf(language, event) : "",
    organization: organization === undefined ? phrases.unnamedOrganization : plainName(organization),
    role: role === undefined ? "" : phrases[`role.${role}`],
  };
  const filled = (part: string): string => fill(part, slots).replace(/[^\P{Cc}\n]+/gu, " ");
  const hasLink = url !== undefined && text.action !== undefined;
  const message = {
    // A header's value has no line break (RFC 5322 §2.2). Other controls go too.
    subject: fill(text.subject, { site })
      .replace(/\p{Cc}+/gu, " ")
      .trim(),
    paragraphs: text.paragraphs.map(filled).filter((paragraph) => paragraph !== ""),
    link: hasLink ? { url, label: filled(text.action) } : undefined,
    digits: code && `${code.slice(0, 3)} ${code.slice(3)}`,
    note: text.note !== undefined && url !== undefined ? filled(text.note) : undefined,
  };
  return { subject: message.subject, text: textOf(message, phrases), html: htmlOf(message, language) };
}

/** Puts values into slots. A value is no text with slots of its own. A slot without a value stays as it is written. */
function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (slot, name: string) => (Object.hasOwn(values, name) ? values[name]! : slot));
}

/** A name of at most 60 characters in which no mail program finds a link: a word joiner follows each `.`, `/`, `:` and `@`. */
function plainName(name: string): string {
  const characters = [...name.replace(/[\p{Cc}\p{Cf}]+/gu, " ")];
  const short = characters.length > 60 ? `${characters.slice(0, 59).join("")}…` : characters.join("");
  return short.replace(/[./:@]/g, "$&\u2060");
}

/** When and where it happened, in a sentence for each. */
function circumstancesOf({ tag, locale = tag, phrases }: MailLanguage, event: NonNullable<MailFacts["event"]>): string {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
  const device = deviceLabel(event.userAgent, phrases.unknownDevice, (browser, system) =>
    fill(phrases.browserAndSystem, { browser, system }),
  );
  return [
    fill(phrases.when, { time: format.format(event.at) }),
    fill(phrases.device, { device }),
    ...(event.ip === undefined ? [] : [fill(phrases.ip, { ip: event.ip })]),
  ].join(" ");
}

function textOf({ paragraphs, link, digits, note }: FilledMail, phrases: MailPhrases): string {
  const parts = [
    ...paragraphs,
    ...(link ? [`${link.label}:\n${link.url}`] : []),
    ...(digits ? [`${phrases.code} ${digits}`] : []),
    ...(note ? [note] : []),
  ];
  return `${parts.join("\n\n")}\n`;
}

function htmlOf({ subject, paragraphs, link, digits, note }: FilledMail, { tag, phrases }: MailLanguage): string {
  const small = "color:#555;font-size:13px";
  const parts = [
    ...paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`),
    ...(link
      ? [
          `<p><a href="${escapeHtml(link.url)}" style="display:inline-block;padding:10px 16px;border-radius:6px;background:#1a1a1a;color:#fff;text-decoration:none">${escapeHtml(link.label)}</a></p>`,
          `<p style="${small}">${escapeHtml(phrases.link)}<br><a href="${escapeHtml(link.url)}" style="color:#555;word-break:break-all">${escapeHtml(link.url)}</a></p>`,
        ]
      : []),
    ...(digits
      ? [
          `<p>${escapeHtml(phrases.code)}<br><strong style="font-size:24px;letter-spacing:2px">${escapeHtml(digits)}</strong></p>`,
        ]
      : []),
    ...(note ? [`<p style="${small}">${escapeHtml(note)}</p>`] : []),
  ];
  return `<!doctype html>
<html lang="${escapeHtml(tag)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(subject)}</title></head>
<body style="margin:0;padding:24px;background:#fff;color:#1a1a1a;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:520px;margin:0 auto">
${parts.join("\n")}
</div></body></html>
`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}
