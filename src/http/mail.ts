/**
 * Messages to users, and the proof of their addresses.
 *
 * @module
 */
export { type Mailer, type MailMessage, MailRefusedError, type MailSender } from "../domain/mail.ts";
export type { MailKind, MailLanguage, MailPhrases, MailText, MailTexts } from "../domain/mail-text.ts";
export { englishMail } from "../domain/mail-texts/english.ts";
export type { NoticeKind } from "../domain/notices.ts";
export type { LinkKind, MailOptions } from "../engine/mail-settings.ts";
export type { IdentifierOperations, VerificationProof } from "../operations/identifiers.ts";
export type { CodeOperations, ExchangedCode, LinkRequest, RequestedLink } from "../operations/link-requests.ts";
export type { MailedSignInOperations } from "../operations/link-sign-in.ts";
export type { MailedSignUpOperations } from "../operations/link-sign-up.ts";
export { type Delivery, type MailAuth, MailFault, type MailOperations } from "../operations/mail.ts";
export type { LinkOperations, LookedLink, VerifiedIdentifier } from "../operations/mailed-link.ts";
export type { NoticeOperations, NoticeProofs } from "../operations/notices.ts";
export type { PasswordResetOperations } from "../operations/password-reset.ts";
export type { RecoveryOperations } from "../operations/recovery.ts";
export type { AccountWithSecret } from "../operations/secret-sign-up.ts";
export { mail } from "./features/mail.ts";
export type { MailApi } from "./generated/api.ts";
