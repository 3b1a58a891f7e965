/** The same with messages in English and German. */
import { englishMail, mail } from "sallyport/mail";
import { germanMail } from "sallyport/mail/german";
import { httpMailer } from "sallyport/mail/http";
import { workerWith } from "./entry-options.ts";

const mailer = httpMailer({ url: "https://mail.example.com/", headers: {} });

export default workerWith(
  mail({ mailer, from: { address: "accounts@example.com" }, languages: [englishMail, germanMail] }),
);
