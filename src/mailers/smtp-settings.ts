import { requireOption } from "../domain/option-error.ts";
import { loopbackAddress, requireText, requireTimeout } from "./mailer-options.ts";

/** The options of {@link smtpMailer}. */
export interface SmtpMailerOptions {
  /** The server's name, which its certificate must contain. */
  readonly host: string;
  /** Default 465 if `secure` is true, otherwise 587. */
  readonly port?: number | undefined;
  /** True for TLS from the first byte, false for STARTTLS. Default true for port 465, otherwise false. */
  readonly secure?: boolean | undefined;
  /** The account at the server. Without it, the mailer does not sign in. */
  readonly auth?: { readonly user: string; readonly pass: string } | undefined;
  /** Certificates to trust instead of the runtime's, as PEM: for a server of your own certificate authority. */
  readonly ca?: string | undefined;
  /** How long the server may be silent at each step, 100 to 60000. Default 10000. */
  readonly timeoutMilliseconds?: number | undefined;
}

/** What nodemailer's transport is told. */
export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly requireTLS: boolean;
  readonly ignoreTLS: boolean;
  readonly auth?: { readonly user: string; readonly pass: string };
  readonly forceAuth: boolean;
  readonly tls: { readonly rejectUnauthorized: true; readonly ca?: string };
  readonly dnsTimeout: number;
  readonly connectionTimeout: number;
  readonly greetingTimeout: number;
  readonly socketTimeout: number;
  readonly socketCloseTimeout: number;
  readonly disableFileAccess: true;
  readonly disableUrlAccess: true;
}

/** @throws {OptionError} If an option is wrong. The message does not show the account. */
export function smtpSettings(options: SmtpMailerOptions): SmtpSettings {
  const { host, port, secure = port === 465, auth, ca, timeoutMilliseconds = 10_000 } = options;
  requireText(host, "the name of an SMTP server", "host");
  const isPort = port === undefined || (Number.isInteger(port) && port >= 1 && port <= 65_535);
  requireOption(isPort, port, "a port, 1 to 65535", "port");
  requireOption(typeof secure === "boolean", secure, "true or false", "secure");
  if (auth !== undefined) {
    requireText(auth?.user, "the account's name", "auth.user");
    requireText(auth.pass, "the account's password", "auth.pass");
  }
  if (ca !== undefined) requireText(ca, "certificates as PEM", "ca");
  requireTimeout(timeoutMilliseconds);
  const local = secure ? undefined : loopbackAddress(host);
  return {
    host: local ?? host,
    port: port ?? (secure ? 465 : 587),
    secure,
    requireTLS: !secure && local === undefined,
    ignoreTLS: local !== undefined,
    ...(auth && { auth: { user: auth.user, pass: auth.pass } }),
    // Otherwise a server that offers no AUTH gets the message unauthenticated, and refuses it for good.
    forceAuth: auth !== undefined,
    // Explicit, because NODE_TLS_REJECT_UNAUTHORIZED changes the default.
    tls: { rejectUnauthorized: true, ...(ca !== undefined && { ca }) },
    dnsTimeout: timeoutMilliseconds,
    connectionTimeout: timeoutMilliseconds,
    greetingTimeout: timeoutMilliseconds,
    socketTimeout: timeoutMilliseconds,
    // An attempt that is over leaves no socket behind.
    socketCloseTimeout: 0,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
