/** The server to deploy. Strangers cannot make accounts: `SIGN_UP` is `invited` or `closed`. */
import { ConfigurationError } from "../src/index.ts";
import { type CloudflareEmailBinding, cloudflareMailer, type Mailer } from "../src/mailers/cloudflare.ts";
import { createServer, given } from "./server.ts";

export default createServer({
  signUp: ({ SIGN_UP = "invited" }) => {
    if (SIGN_UP === "invited" || SIGN_UP === "closed") return SIGN_UP;
    throw new ConfigurationError("SIGN_UP", new TypeError(`${given(SIGN_UP)}, and must be "invited" or "closed".`));
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
