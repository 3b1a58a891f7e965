/**
 * The server to deploy. With a binding that sends mail, strangers make accounts with a link that is mailed first; without one,
 * only people whom an administrator or `sallyport invite` has invited do. `SIGN_UP` says otherwise.
 *
 * @module
 */
import { ConfigurationError } from "../src/index.ts";
import { type CloudflareEmailBinding, cloudflareMailer, type Mailer } from "../src/mailers/cloudflare.ts";
import { createServer } from "./server.ts";
import { chosenSignUp } from "./sign-up.ts";

export default createServer({
  signUp: chosenSignUp,
  // With a binding and without an address, `/health` names MAIL_FROM.
  mail: ({ EMAIL, MAIL_FROM = "" }) => EMAIL && { mailer: mailerOf(EMAIL), from: { address: MAIL_FROM } },
});

function mailerOf(binding: CloudflareEmailBinding): Mailer {
  try {
    return cloudflareMailer(binding);
  } catch (error) {
    throw new ConfigurationError("EMAIL", error);
  }
}
