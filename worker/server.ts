import { type Context, Hono } from "hono";
import { dnsOverHttps } from "../src/dns/index.ts";
import { authRoutes, cloudflareAddress, flametrenchRoutes, healthRoutes, requireUser } from "../src/http/index.ts";
import { invitations } from "../src/http/invitations.ts";
import { englishMail, type MailAuth, type MailLanguage, type MailOptions, mail } from "../src/http/mail.ts";
import { germanMail } from "../src/http/mail-german.ts";
import { type MfaOptions, mfa } from "../src/http/mfa.ts";
import { openapiRoutes } from "../src/http/openapi.ts";
import { type OrganizationDomainAuth, organizationDomains, organizations } from "../src/http/organizations.ts";
import { passkeys } from "../src/http/passkeys.ts";
import { personalAccessTokens } from "../src/http/personal-access-tokens.ts";
import {
  AuthError,
  type AuthOptions,
  accounts,
  activity,
  administration,
  ConfigurationError,
  createAuth,
  type Feature,
  inSchema,
  limits,
  merging,
  passwords,
  probe,
  type SharedDatabase,
  type SignUpMode,
  signUp,
  type TermsAuth,
  terms,
} from "../src/index.ts";
import type { CloudflareEmailBinding } from "../src/mailers/cloudflare.ts";
import { german } from "../src/pages/german.ts";
import { english, failurePage, type PagesOptions, pages } from "../src/pages/index.tsx";
import { argon2id } from "../src/runtime/argon2id.workerd.ts";
import { neon } from "../src/store/drivers/neon.ts";
import { providersOf } from "./providers.ts";

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

/**
 * The finished server: Sallyport's routes and the account pages, on Neon. With an option that is missing or unsafe, every
 * response is a 503, and `/health` names the option.
 */
export function createServer(options: {
  signUp: (bindings: Bindings) => SignUpMode;
  /** How messages are sent. Default: none are. */
  mail?: (bindings: Bindings) => MailOptions | undefined;
}): ExportedHandler<Bindings> {
  const featuresOf = (bindings: Bindings) =>
    [
      passwords({ hasher: argon2id() }),
      signUp({ mode: options.signUp(bindings) }),
      accounts(),
      administration(),
      invitations(),
      // `mfa` refuses any other text.
      mfa({
        sealingKeys: bindings.SALLYPORT_SEALING_KEYS,
        sealing: (bindings.SEALING ?? "on") as NonNullable<MfaOptions["sealing"]>,
      }),
      passkeys(),
      personalAccessTokens(),
      activity(),
      limits(),
      merging(),
      organizations(),
      ...domainsOf(bindings),
      ...termsOf(bindings),
      ...providersOf(bindings),
    ] as const;
  const withoutMail = createAuth((bindings: Bindings) => ({
    ...settingsOf(bindings),
    features: featuresOf(bindings),
  }));
  const withMail = createAuth((bindings: Bindings) => ({
    ...settingsOf(bindings),
    features: [
      ...featuresOf(bindings),
      mail({ ...options.mail!(bindings)!, signIn: signInOf(bindings), languages: mailLanguagesOf(bindings) }),
    ] as const,
  }));
  const auth = (bindings: Bindings): ReturnType<typeof withoutMail> & Partial<MailAuth> =>
    options.mail?.(bindings) ? withMail(bindings) : withoutMail(bindings);
  /**
   * Environments whose database has been probed. No promise is kept, so requests that arrive together at first each probe (S17,
   * S50).
   */
  const probed = new WeakSet<object>();

  const app = new Hono<{ Bindings: Bindings }>();
  app.onError((error, c) => failure(error, c));
  app.notFound((c) => failure(new AuthError("not_found"), c));
  app.use(async (c, next) => {
    await next();
    c.header("Strict-Transport-Security", "max-age=31536000");
  });
  app.use(async (c, next) => {
    if (c.req.path !== "/health" && !probed.has(c.env)) {
      await admit(auth(c.env));
      probed.add(c.env);
      // biome-ignore lint/suspicious/noConsole: an operator sees who may sign up, once for each isolate.
      console.info(`sallyport: sign-up is ${options.signUp(c.env)}.`);
    }
    await next();
  });
  app.route("/", pages(auth, pagesOptions));
  // A route of this server that personal access tokens can reach.
  app.get("/api/me", requireUser(auth, { scope: "account:read" }), (c) => {
    const { id, displayName, status } = c.var.user;
    return c.json({ user: { id, display_name: displayName, status } }, 200, { "Cache-Control": "no-store" });
  });
  app.route("/", authRoutes(auth));
  app.route("/", flametrenchRoutes(auth));
  app.route("/", healthRoutes(auth, { names: bindingNames }));
  app.route("/", openapiRoutes(auth, { describes: ["/auth", "/v1", "/health"] }));
  return {
    async fetch(request, bindings, context) {
      return await app.fetch(request, bindings, context);
    },
    async scheduled(_event, bindings) {
      const scheduled = auth(bindings);
      // None waits for another's success.
      const works = [scheduled.purge(), scheduled.mail?.deliver(), scheduled.organizationDomains?.recheck()];
      for (const work of await Promise.allSettled<unknown>(works)) if (work.status === "rejected") throw work.reason;
    },
  };
}

const pagesOptions: PagesOptions = { languages: [english, german] };

/** Bindings with other names than their options, so that `/health` names a variable that an operator can set. */
const bindingNames = {
  secrets: "SALLYPORT_SECRET",
  sealingKeys: "SALLYPORT_SEALING_KEYS",
  sealing: "SEALING",
  sharedDatabase: "SHARED_DATABASE",
  origins: "BASE_URL",
  timeouts: "REQUEST_MILLISECONDS",
  from: "MAIL_FROM",
  "terms.version": "TERMS_VERSION",
  "terms.url": "TERMS_URL",
  returnTo: "RETURN_TO",
};

/** None, or one feature: operations are there only if it is. */
function termsOf({
  TERMS_VERSION: version = "",
  TERMS_URL: url = "",
}: Bindings): readonly Feature<Partial<TermsAuth>>[] {
  return version || url ? [terms({ version, url })] : [];
}

/** None, or one feature, as for the terms. */
function domainsOf({ DOMAIN_RESOLVER: url = "" }: Bindings): readonly Feature<Partial<OrganizationDomainAuth>>[] {
  if (!url) return [];
  try {
    return [organizationDomains({ resolver: dnsOverHttps({ url }) })];
  } catch (error) {
    throw new ConfigurationError("DOMAIN_RESOLVER", error);
  }
}

function signInOf({ MAIL_SIGN_IN = "off" }: Bindings): boolean {
  if (MAIL_SIGN_IN === "on" || MAIL_SIGN_IN === "off") return MAIL_SIGN_IN === "on";
  throw new ConfigurationError("MAIL_SIGN_IN", new TypeError(`${given(MAIL_SIGN_IN)}, and must be "on" or "off".`));
}

function mailLanguagesOf({ MAIL_LANGUAGE = "en" }: Bindings): readonly MailLanguage[] {
  const languages = [englishMail, germanMail];
  const first = languages.find(({ tag }) => tag === MAIL_LANGUAGE);
  if (first) return [first, ...languages.filter((language) => language !== first)];
  throw new ConfigurationError("MAIL_LANGUAGE", new TypeError(`${given(MAIL_LANGUAGE)}, and must be "en" or "de".`));
}

const sharing: Readonly<Record<string, SharedDatabase>> = { no: false, yes: true, inherited: "inherited" };

function settingsOf(bindings: Bindings): Omit<AuthOptions, "features"> {
  const request = requestMilliseconds(bindings);
  return {
    database: databaseOf(bindings, request),
    timeouts: { requestMilliseconds: request, firstMilliseconds: request + 3_000 },
    secrets: bindings.SALLYPORT_SECRET,
    origins: [bindings.BASE_URL ?? ""],
    returnTo: bindings.RETURN_TO?.split(/\s+/).filter(Boolean) ?? [],
    clientAddress: cloudflareAddress,
    sharedDatabase: sharingOf(bindings),
  };
}

/** A page for a browser that asks for one, JSON for a program. */
function failure(error: Error, c: Context): Response | Promise<Response> {
  const wantsPage = c.req.header("accept")?.includes("text/html") ?? false;
  if (wantsPage) return failurePage(error, c, pagesOptions);
  if (error instanceof AuthError || error instanceof ConfigurationError) return error.getResponse();
  // biome-ignore lint/suspicious/noConsole: the console is a Worker's log.
  console.error(`sallyport: ${error.name}`);
  return c.json({ code: "internal_error", message: "Something went wrong." }, 500);
}

function sharingOf({ SHARED_DATABASE = "no" }: Bindings): SharedDatabase {
  const known = Object.hasOwn(sharing, SHARED_DATABASE) ? sharing[SHARED_DATABASE] : undefined;
  if (known !== undefined) return known;
  const fault = new TypeError(`${given(SHARED_DATABASE)}, and must be "yes", "inherited" or "no".`);
  throw new ConfigurationError("SHARED_DATABASE", fault);
}

function requestMilliseconds({ REQUEST_MILLISECONDS = "5000" }: Bindings): number {
  const request = Number(REQUEST_MILLISECONDS);
  if (Number.isInteger(request) && request >= 2_000 && request <= 50_000) return request;
  throw new ConfigurationError(
    "REQUEST_MILLISECONDS",
    new TypeError(`${given(REQUEST_MILLISECONDS)}, and must be 2000 to 50000.`),
  );
}

function databaseOf(bindings: Bindings, request: number): ReturnType<typeof neon> {
  const { NEON_FETCH_ENDPOINT: endpoint } = bindings;
  if (endpoint !== undefined && !URL.canParse(endpoint)) {
    const fault = new TypeError(`${given(endpoint)}, and must be the URL of a SQL endpoint.`);
    throw new ConfigurationError("NEON_FETCH_ENDPOINT", fault);
  }
  const database = connect(bindings, request);
  const { DATABASE_SCHEMA: schema } = bindings;
  try {
    return schema ? inSchema(database, schema) : database;
  } catch (error) {
    throw new ConfigurationError("DATABASE_SCHEMA", error);
  }
}

function connect(bindings: Bindings, request: number): ReturnType<typeof neon> {
  try {
    return neon(bindings.DATABASE_URL ?? "", {
      fetchEndpoint: bindings.NEON_FETCH_ENDPOINT,
      // Something is left for what follows the slow request.
      timeoutMilliseconds: request - 1_000,
      firstTimeoutMilliseconds: request + 2_000,
    });
  } catch (error) {
    throw new ConfigurationError("DATABASE_URL", error);
  }
}

/** What a variable holds, as the start of a message. A longer text may be a secret in the wrong place. */
export function given(value: string): string {
  return /^[\w-]{0,16}$/.test(value) ? `it is "${value}"` : `it is a text of ${value.length} characters`;
}

async function admit(auth: Parameters<typeof probe>[0]): Promise<void> {
  try {
    await probe(auth);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw new AuthError("unavailable.database", { cause: error, retryAfterSeconds: 5 });
  }
}
