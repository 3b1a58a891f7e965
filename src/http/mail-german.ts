/**
 * The texts of messages in German: `mail({ …, languages: [englishMail, germanMail] })`.
 *
 * @module
 */
export { germanMail } from "../domain/mail-texts/german.ts";
