/** Sign-in with mail, whose messages are in English. */
import { mail } from "sallyport/mail";
import { httpMailer } from "sallyport/mail/http";
import { workerWith } from "./entry-options.ts";

const mailer = httpMailer({ url: "https://mail.example.com/", headers: {} });

export default workerWith(mail({ mailer, from: { address: "accounts@example.com" } }));
