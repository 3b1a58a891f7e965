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
import { german } from "../src/pages/german.ts";
import { english, failurePage, type PagesOptions, pages } from "../src/pages/index.tsx";
import { organizationPages } from "../src/pages/organization-pages.ts";
import { argon2id } from "../src/runtime/argon2id.workerd.ts";
import { neon } from "../src/store/drivers/neon.ts";
import type { Bindings } from "./bindings.ts";
import { providersOf } from "./providers.ts";
import { recoveryRoute } from "./recovery.ts";
import { type ChosenSignUp, given } from "./sign-up.ts";

/**
 * The finished server: Sallyport's routes and the account pages, on Neon. With an option that is missing or unsafe, every
 * response is a 503, and `/health` names the option.
 */
export function createServer(options: {
  signUp: (bindings: Bindings) => ChosenSignUp<SignUpMode>;
  /** How messages are sent. Default: none are. */
  mail?: (bindings: Bindings) => MailOptions | undefined;
}): ExportedHandler<Bindings> {
  const featuresOf = (bindings: Bindings) =>
    [
      passwords({ hasher: argon2id() }),
      signUp({ mode: options.signUp(bindings).mode }),
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
      const { mode, why } = options.signUp(c.env);
      // biome-ignore lint/suspicious/noConsole: an operator sees who may sign up, once for each isolate.
      console.info(`sallyport: sign-up is ${mode}, ${why}.`);
    }
    await next();
  });
  app.route("/", pages(auth, pagesOptions));
  // A route of this server that personal access tokens can reach.
  app.get("/api/me", requireUser(auth, { scope: "account:read" }), (c) => {
    const { id, displayName, status } = c.var.user;
    return c.json({ user: { id, display_name: displayName, status } }, 200, { "Cache-Control": "no-store" });
  });
  app.route("/", recoveryRoute(auth, recoveryOf));
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

const pagesOptions: PagesOptions = { languages: [english, german], parts: [organizationPages] };

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

function signInOf({ MAIL_SIGN_IN }: Bindings): boolean {
  return isOn("MAIL_SIGN_IN", MAIL_SIGN_IN);
}

function recoveryOf({ RECOVERY }: Bindings): boolean {
  return isOn("RECOVERY", RECOVERY);
}

function isOn(name: string, value = "off"): boolean {
  if (value === "on" || value === "off") return value === "on";
  throw new ConfigurationError(name, new TypeError(`${given(value)}, and must be "on" or "off".`));
}

function mailLanguagesOf({ MAIL_LANGUAGE = "en" }: Bindings): readonly MailLanguage[] {
  const languages = [englishMail, germanMail];
  const first = languages.find(({ tag }) => tag === MAIL_LANGUAGE);
  if (first) return [first, ...languages.filter((language) => language !== first)];
  throw new ConfigurationError("MAIL_LANGUAGE", new TypeError(`${given(MAIL_LANGUAGE)}, and must be "en" or "de".`));
}

const sharing: Readonly<Record<string, SharedDatabase>> = { no: false, yes: true, inherited: "inherited" };

function settingsOf(bindings: Bindings): Omit<AuthOptions, "features"> {
  // A wrong value stops the whole server, as that of any other variable.
  recoveryOf(bindings);
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

async function admit(auth: Parameters<typeof probe>[0]): Promise<void> {
  try {
    await probe(auth);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw new AuthError("unavailable.database", { cause: error, retryAfterSeconds: 5 });
  }
}
