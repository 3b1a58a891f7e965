/**
 * The server to deploy. With a binding that sends mail, strangers make accounts with a link that is mailed first; without one,
 * only people whom an administrator or `sallyport invite` has invited do. `SIGN_UP` says otherwise.
 *
 * @module
 */
import { ConfigurationError } from "../src/index.ts";
import { type CloudflareEmailBinding, cloudflareMailer, type Mailer } from "../src/mailers/cloudflare.ts";
import { createServer, given } from "./server.ts";

export default createServer({
  // Never `open`, which reveals who has an account.
  signUp: ({ EMAIL, SIGN_UP = EMAIL ? "verify-first" : "invited" }) => {
    const mode = (["verify-first", "invited", "closed"] as const).find((known) => known === SIGN_UP);
    if (mode) return mode;
    const fault = new TypeError(`${given(SIGN_UP)}, and must be "verify-first", "invited" or "closed".`);
    throw new ConfigurationError("SIGN_UP", fault);
  },
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
