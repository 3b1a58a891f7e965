// The same with the peers that need a server: nodemailer opens sockets.
import * as smtpMail from "sallyport/mail/smtp";
import { useAll } from "./all.mjs";

export async function useServers() {
  const { exports, works } = await useAll();
  return { exports: { ...exports, "mail/smtp": Object.keys(smtpMail).sort() }, works };
}
