/**
 * The texts of messages, and the two forms of each: plain text and HTML.
 *
 * @module
 */

import type { NoticeKind } from "./notices.ts";

/** What a message is about. It is made when the message is sent. */
export interface MailFacts {
  /** The name of the site. */
  readonly site: string;
  /** The address that the message is about. */
  readonly address: string;
  /** The link, with its secret if it has one. */
  readonly url: string;
  /** Six digits that can be typed in place of the link, in the browser that asked for the message. */
  readonly code?: string;
  /** In a notice: when it happened. */
  readonly at?: Date;
  /** In a notice: the device, such as “Firefox on Linux”. */
  readonly device?: string;
  /** In a notice: the network address, if it is known. */
  readonly ip?: string;
}

/** The text of a message, in the order in which it is read. */
export interface MailText {
  /** Never with a secret: subjects are shown on locked screens and kept in logs. */
  readonly subject: string;
  readonly paragraphs: readonly string[];
  /** The link's label. The link stands after the paragraphs. */
  readonly action?: string;
  /** Stands after the link, as it is read. */
  readonly code?: string;
  /** Stands at the end, in small print. */
  readonly note?: string;
}

/** The texts of all messages, by kind. An application may replace each. */
export interface MailTexts extends Readonly<Record<NoticeKind, (facts: MailFacts) => MailText>> {
  /** The link that proves an address. */
  readonly verify_identifier: (facts: MailFacts) => MailText;
  /** The link and the code that reset a forgotten password. */
  readonly reset_password: (facts: MailFacts) => MailText;
  /** The link and the code that sign in. */
  readonly sign_in: (facts: MailFacts) => MailText;
  /** The link and the code that make an account. */
  readonly sign_up: (facts: MailFacts) => MailText;
  /** In place of `sign_up`, to the owner of an account that exists. Its link leads to the sign-in page. */
  readonly sign_up_taken: (facts: MailFacts) => MailText;
  /** An administrator's invitation to make an account. Nothing in it is the administrator's own text. */
  readonly invitation: (facts: MailFacts) => MailText;
  /** The link and the code that prove a new address of an account. */
  readonly change_identifier: (facts: MailFacts) => MailText;
  /** In place of `change_identifier`, to the owner of an account that has the address. Its link leads to the sign-in page. */
  readonly change_identifier_taken: (facts: MailFacts) => MailText;
  /** To the old address, once the account has a new one. Its link puts the old address back. */
  readonly address_replaced: (facts: MailFacts) => MailText;
  /** To the new address, once the old one was put back. It has no link. */
  readonly address_restored: (facts: MailFacts) => MailText;
  /** To every old address, once an administrator has named a new one. Its link stops that. */
  readonly recovery_started: (facts: MailFacts) => MailText;
  /** To the new address, after the delay. Its link sets a password. */
  readonly recover_account: (facts: MailFacts) => MailText;
  /** To every old address, once the account is the new one's. It has no link. */
  readonly recovery_finished: (facts: MailFacts) => MailText;
}

/** The kind of a message. */
export type MailKind = keyof MailTexts;

/** When and where it happened, in a sentence for each. */
function circumstances({ at, device, ip }: MailFacts): string {
  return [
    at && `When: ${at.toISOString().slice(0, 16).replace("T", " ")} UTC.`,
    device && `Device: ${device}.`,
    ip && `Network address: ${ip}.`,
  ]
    .filter(Boolean)
    .join(" ");
}

/** A notice. Its link is for a reader who did not do it. */
function notice(what: string, subject: string): (facts: MailFacts) => MailText {
  return (facts) => ({
    subject: `${subject} – ${facts.site}`,
    paragraphs: [
      `${what} This is about your account ${facts.address} at ${facts.site}.`,
      circumstances(facts),
      "If this was you, you do not need to do anything.",
    ],
    action: "This was not me",
    note: "The link lets you lock the account and choose a new password. It works once, for seven days.",
  });
}

/** The texts in English. */
export const englishMailTexts: MailTexts = {
  verify_identifier: ({ site, address }) => ({
    subject: `Confirm your email address for ${site}`,
    paragraphs: [`Someone, hopefully you, has an account at ${site} with the address ${address}.`],
    action: "Confirm this address",
    note: "The link works once, for 24 hours. If this was not you, ignore this message.",
  }),
  reset_password: ({ site, address, code }) => ({
    subject: `Choose a new password for ${site}`,
    paragraphs: [`Someone, hopefully you, wants to choose a new password for the account ${address} at ${site}.`],
    action: "Choose a new password",
    ...withCode(code),
    note: `${lifetimes} If this was not you, ignore this message. Your password stays the same.`,
  }),
  sign_in: ({ site, address, code }) => ({
    subject: `Sign in to ${site}`,
    paragraphs: [`Someone, hopefully you, wants to sign in to the account ${address} at ${site}.`],
    action: "Sign in",
    ...withCode(code),
    note: `${lifetimes} If this was not you, ignore this message, and keep the code to yourself.`,
  }),
  sign_up: ({ site, address, code }) => ({
    subject: `Finish your account at ${site}`,
    paragraphs: [`Someone, hopefully you, wants to create an account at ${site} with the address ${address}.`],
    action: "Finish your account",
    ...withCode(code),
    note: `${lifetimes} If this was not you, ignore this message. No account is created.`,
  }),
  sign_up_taken: ({ site, address }) => ({
    subject: `You already have an account at ${site}`,
    paragraphs: [
      `Someone, hopefully you, wanted to create an account at ${site} with the address ${address}. You already have one.`,
      "Sign in to your account. If you have forgotten your password, the sign-in page lets you choose a new one.",
    ],
    action: "Sign in",
    note: "If this was not you, ignore this message. Nothing has changed.",
  }),
  invitation: ({ site, address }) => ({
    subject: `You are invited to ${site}`,
    paragraphs: [`An administrator of ${site} has invited you to create an account with the address ${address}.`],
    action: "Create your account",
    note: "The link works once, until the invitation expires. If you did not expect it, ignore this message. No account is created.",
  }),
  change_identifier: ({ site, address, code }) => ({
    subject: `Confirm your new email address for ${site}`,
    paragraphs: [`Someone, hopefully you, wants to use the address ${address} for an account at ${site}.`],
    action: "Use this address",
    ...withCode(code),
    note: `${lifetimes} Both work only where you are signed in. If this was not you, ignore this message, and keep the code to yourself.`,
  }),
  change_identifier_taken: ({ site, address }) => ({
    subject: `Someone entered your address at ${site}`,
    paragraphs: [
      `Someone wanted to use the address ${address} for an account at ${site}. Your account already has it.`,
      "If this was you, sign in to the account that has the address.",
    ],
    action: "Sign in",
    note: "If this was not you, ignore this message. Nothing has changed.",
  }),
  address_replaced: (facts) => ({
    subject: `Your email address was changed – ${facts.site}`,
    paragraphs: [
      `Your account at ${facts.site} has a new address. It no longer uses ${facts.address}.`,
      circumstances(facts),
      "If this was you, you do not need to do anything.",
    ],
    action: "Put this address back",
    note: "The link puts the address back, locks the account and lets you choose a new password. It works once, for 72 hours.",
  }),
  address_restored: (facts) => ({
    subject: `Your email address was changed back – ${facts.site}`,
    paragraphs: [
      `The address ${facts.address} is no longer used for your account at ${facts.site}. Someone with access to the previous address put that address back.`,
      circumstances(facts),
      `If you did not expect this, ask an administrator of ${facts.site} for help.`,
    ],
  }),
  recovery_started: (facts) => ({
    subject: `Your account at ${facts.site} is about to get a new address`,
    paragraphs: [
      `Someone reported that you have lost access to your account. An administrator of ${facts.site} entered a new address for it. The account will then no longer use ${facts.address}.`,
      circumstances(facts),
      "If you asked for this, you do not need to do anything.",
    ],
    action: "Stop the recovery",
    note: "The link works until the recovery is finished.",
  }),
  recover_account: ({ site, address }) => ({
    subject: `Recover your account at ${site}`,
    paragraphs: [
      `An administrator of ${site} entered ${address} as the new address of your account. Choose a new password.`,
      "Everything else in the account then stops working: sessions, passkeys, second factors, access tokens and old addresses.",
    ],
    action: "Choose a new password",
    note: "The link works once, for three days. If you did not expect this, ignore this message.",
  }),
  recovery_finished: (facts) => ({
    subject: `Your account at ${facts.site} has a new address`,
    paragraphs: [
      `The address ${facts.address} is no longer used for your account at ${facts.site}. An administrator has given the account a new address.`,
      circumstances(facts),
      `If you did not expect this, ask an administrator of ${facts.site} for help.`,
    ],
  }),
  password_changed: notice("Your password was changed.", "Your password was changed"),
  password_reset: notice("Your password was reset with a link that we mailed.", "Your password was reset"),
  password_added: notice("A password for another address or name was added.", "A password was added"),
  credential_ended: notice("A way to sign in was removed.", "A way to sign in was removed"),
  passkey_added: notice("A passkey was added.", "A passkey was added"),
  factor_added: notice("A second factor was added.", "A second factor was added"),
  factor_removed: notice("A second factor was removed.", "A second factor was removed"),
  enrollment_permitted: notice(
    "An administrator allowed a second factor to be set up.",
    "A second factor may be set up",
  ),
  token_made: notice("A personal access token was created.", "A personal access token was created"),
  token_reused: notice("A session was used twice, so it may have been copied. We ended it.", "A session was ended"),
  administrator_granted: notice("Your account now has administrator rights.", "You are now an administrator"),
  address_verified: notice("Another address was confirmed.", "An address was confirmed"),
  address_changed: notice("An email address of your account was changed.", "Your email address was changed"),
  new_device: notice("Someone signed in on a device that we have not seen before.", "A new device signed in"),
};

const lifetimes = "The link works once, for an hour. The code works for ten minutes.";

function withCode(code: string | undefined): Pick<MailText, "code"> {
  return code === undefined ? {} : { code: `${code.slice(0, 3)} ${code.slice(3)}` };
}

/** The two forms of a message. */
export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Renders a text with its link. Everything that is not ours is escaped. */
export function renderMail(text: MailText, url: string): RenderedMail {
  const { paragraphs, action, code, note } = text;
  const codeLabel = "Or enter this code where you asked for this message:";
  const plain = [
    ...paragraphs,
    ...(action ? [`${action}:\n${url}`] : []),
    ...(code ? [`${codeLabel} ${code}`] : []),
    ...(note ? [note] : []),
  ].map(oneParagraph);
  const body = [
    ...paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`),
    ...(action
      ? [
          `<p><a href="${escapeHtml(url)}" style="display:inline-block;padding:10px 16px;border-radius:6px;background:#1a1a1a;color:#fff;text-decoration:none">${escapeHtml(action)}</a></p>`,
          `<p style="color:#555;font-size:13px">Or open this address:<br><a href="${escapeHtml(url)}" style="color:#555;word-break:break-all">${escapeHtml(url)}</a></p>`,
        ]
      : []),
    ...(code
      ? [
          `<p>${escapeHtml(codeLabel)}<br><strong style="font-size:24px;letter-spacing:2px">${escapeHtml(code)}</strong></p>`,
        ]
      : []),
    ...(note ? [`<p style="color:#555;font-size:13px">${escapeHtml(note)}</p>`] : []),
  ].join("\n");
  return {
    subject: oneLine(text.subject),
    text: `${plain.join("\n\n")}\n`,
    html: `<!doctype html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>
<body style="margin:0;padding:24px;background:#fff;color:#1a1a1a;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:520px;margin:0 auto">
${body}
</div></body></html>
`,
  };
}

/** A header's value has no line break (RFC 5322 §2.2). Other controls go too. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").trim();
}

function oneParagraph(text: string): string {
  return text.replace(/[^\P{Cc}\n]+/gu, " ");
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
