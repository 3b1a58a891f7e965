/**
 * Messages to users, and the proof of their addresses.
 *
 * @module
 */
export { type Mailer, type MailMessage, MailRefusedError, type MailSender } from "../domain/mail.ts";
export type { MailFacts, MailText, MailTexts } from "../domain/mail-text.ts";
export type { MailOptions } from "../engine/mail-settings.ts";
export type { IdentifierOperations, VerificationProof, VerifiedIdentifier } from "../operations/identifiers.ts";
export { type Delivery, type MailAuth, MailFault, type MailOperations } from "../operations/mail.ts";
export { mail } from "./features/mail.ts";
export type { MailApi } from "./generated/api.ts";
