import type { CloudflareEmailBinding } from "../src/mailers/cloudflare.ts";

/** The Worker's configuration. */
export interface Bindings {
  DATABASE_URL: string;
  /** The schema of Sallyport's tables, if it is not the one that the database's role works in. */
  DATABASE_SCHEMA?: string;
  /** The URL of Neon's SQL endpoint, if it does not follow from the connection string; for development. */
  NEON_FETCH_ENDPOINT?: string;
  SALLYPORT_SECRET: string;
  /** Seals the secrets of authenticator apps. It must differ from the root secret. */
  SALLYPORT_SEALING_KEYS: string;
  /** The origin that users see, such as `https://auth.example.com`. */
  BASE_URL: string;
  SIGN_UP?: string;
  /** Cloudflare's Email Service, by which messages are sent. Default: none are sent. */
  EMAIL?: CloudflareEmailBinding;
  /** `on` if users may sign in with a link that is mailed to them, in place of a password. Default `off`. */
  MAIL_SIGN_IN?: string;
  /**
   * `on` if an administrator may name a new address for a user who has lost every way in, by `POST /api/recovery`. It needs `EMAIL`.
   * Default `off`.
   */
  RECOVERY?: string;
  /** The version of the terms that users accept, such as `2026-11-01`, with `TERMS_URL`. Default: there are none. */
  TERMS_VERSION?: string;
  /** Where the terms can be read. */
  TERMS_URL?: string;
  /** The address that messages come from, on a domain that Email Service sends for. */
  MAIL_FROM?: string;
  /**
   * The language of messages that no request asks for, such as notices, and of messages whose request names neither English nor
   * German: `en` (default) or `de`.
   */
  MAIL_LANGUAGE?: string;
  /**
   * A provider with which users sign in, for any name in place of `ACME`: an OpenID Connect issuer, or the site of `OIDC_ACME_KIND`.
   * `docs/federation.md` lists the variables of each kind. Default: there are none.
   */
  OIDC_ACME_ISSUER?: string;
  /** `oidc` (default), `google`, `github`, `apple`, `microsoft`, `gitlab`, `discord` or `authpi`. */
  OIDC_ACME_KIND?: string;
  /**
   * The JSON endpoint of a DNS resolver, such as `https://cloudflare-dns.com/dns-query`: organizations then prove domains, and the
   * scheduled handler looks their records up again. Default: there are no domains of organizations.
   */
  DOMAIN_RESOLVER?: string;
  /** Other places that a sign-in may lead back to: exact paths or URLs, separated by spaces. */
  RETURN_TO?: string;
  /** `on` (default), `accept-unsealed` or `off`: whether secrets of authenticator apps are encrypted in the database. */
  SEALING?: string;
  /** `yes` if another Flametrench SDK uses the database, `inherited` if it no longer does, `no` by default. */
  SHARED_DATABASE?: string;
  /** How long a request may take, 2000 to 50000 milliseconds. Default 5000. The first may take three seconds more. */
  REQUEST_MILLISECONDS?: string;
}
