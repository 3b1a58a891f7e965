// Sends a message to this machine without a server, and prints the error.
import { smtpMailer } from "sallyport/mail/smtp";

const message = {
  id: "1",
  messageId: "<1@example.com>",
  from: { address: "a@example.com" },
  to: "b@example.com",
  subject: "",
  text: "",
  html: "",
};
const sending = smtpMailer({ host: "127.0.0.1", port: 9 }).send(message, new AbortController().signal);
console.log(await sending.catch(({ message, code }) => `${message} ${code}`));
