import { OptionError, requireOption } from "../crypto/option-error.ts";
import type { IdentityProvider } from "../domain/identity-provider.ts";
import { nextPaths, places, withPagesBefore } from "../domain/page-paths.ts";
import { Admissions } from "./admission.ts";
import type { Core } from "./core.ts";
import type { TokenKeeping } from "./kept-tokens.ts";
import { withLazy } from "./lazy.ts";
import { checked, checkWhole } from "./options.ts";
import { checkDomains, type ProviderDomains } from "./provider-domains.ts";

/**
 * What happens if a new identity has the verified address of an account. `ask`: its owner must sign in to the account, and then
 * links the identity. `never`: sign-in is refused as at any taken address. `{ trusted }`: identities of these issuers are linked
 * at once. An unverified address on either side never links.
 */
export type LinkingPolicy = "ask" | "never" | { readonly trusted: readonly string[] };

/** A second factor that a provider proves, by what its answer must say. */
export interface TrustedFactor {
  readonly issuer: string;
  /** One of these authentication contexts. Default: any. */
  readonly acr?: readonly string[];
  /** All of these methods (RFC 8176), such as `["mfa"]`. Default: any. */
  readonly amr?: readonly string[];
}

/** The options of the feature `federation`. */
export interface FederationOptions {
  /** The providers, in the order of their buttons: `oidc({ … })`, `google({ … })`. */
  providers: readonly IdentityProvider[];
  /** What happens if a new identity has the verified address of an account. Default `ask`. */
  linkByVerifiedEmail?: LinkingPolicy;
  /**
   * Which provider the users of a domain sign in with, by the domain of their address: `{ "example.com": "acme" }`. Domains in lower
   * case, with `xn--` for letters beyond ASCII; their subdomains are others. Default: none.
   */
  domains?: Readonly<Record<string, string>>;
  /** Answers of a provider that count as a second factor. Default: none, so that a required factor is asked for here. */
  trustsMfa?: readonly TrustedFactor[];
  /** Keeps the tokens of providers, sealed: `keepTokens({ sealingKeys })` of `sallyport/federation/tokens`. Default: none is kept. */
  keepTokens?: TokenKeeping;
  /** How many identities a user may have, 1 to 100. Default 20. */
  maxPerUser?: number;
  /** The `basePath` of `sallyport/pages`, to whose pages a sign-in leads. Default: none. */
  basePath?: string;
  /**
   * The path below which `authRoutes` are mounted. A provider sends browsers back to `<base URL><mountPath>/auth/oidc/<name>/callback`,
   * which is registered there. Default: none.
   */
  mountPath?: string;
}

/** The settings of operations on identities. */
export interface FederationCore extends Core, FederationSettings {}

interface FederationSettings {
  readonly providers: ReadonlyMap<string, IdentityProvider>;
  readonly linking: LinkingPolicy;
  readonly domains: ProviderDomains;
  readonly trustsMfa: readonly TrustedFactor[];
  readonly maxIdentities: number;
  readonly tokenKeeping: TokenKeeping | undefined;
  /** What this isolate remembers of requests to providers. */
  readonly admissions: Admissions;
  /** Where a sign-in may lead to. */
  readonly nextPlaces: readonly string[];
  readonly places: ProviderPlaces;
  /** The path of the routes of each provider, up to its name. */
  readonly routesPath: string;
}

/** Where sign-ins at providers lead, as paths. */
export interface ProviderPlaces {
  readonly signedIn: string;
  readonly linked: string;
  /** Says why a sign-in was refused. */
  readonly signIn: string;
  readonly secondFactor: string;
  readonly enroll: string;
  /** Says that an account has the address, and how to link the identity. */
  readonly linkingRequired: string;
}

const pathForm = /^(\/[\w.~-]+)*$/;

/** The places among the pages. */
function placesBelow(base: string): ProviderPlaces {
  return {
    signedIn: `${base}${places.profile}`,
    linked: `${base}${places.security}`,
    signIn: `${base}/sign-in`,
    secondFactor: `${base}/sign-in/second-factor`,
    enroll: `${base}/sign-in/enroll`,
    linkingRequired: `${base}/sign-in/identity`,
  };
}

/** Joins the settings of identities with the application's settings. The options are checked at first use. */
export function createFederationCore(core: Core, options: FederationOptions): FederationCore {
  return withLazy<Core, FederationSettings>(core, () => checkOptions(options, core.returnTo));
}

function checkOptions(options: FederationOptions, returnTo: readonly string[]): FederationSettings {
  const {
    linkByVerifiedEmail: linking = "ask",
    domains = {},
    trustsMfa = [],
    keepTokens: tokenKeeping,
    maxPerUser = 20,
    basePath = "",
    mountPath = "",
  } = options;
  const providers = checked("providers", () => readProviders(options.providers));
  checked("linkByVerifiedEmail", () => {
    const isList = typeof linking === "object" && areTexts(linking.trusted);
    requireOption(linking === "ask" || linking === "never" || isList, linking, '"ask", "never" or { trusted: […] }');
  });
  checked("trustsMfa", () => {
    const isTrust = ({ issuer, acr, amr }: TrustedFactor) =>
      typeof issuer === "string" &&
      (acr !== undefined || amr !== undefined) &&
      [acr, amr].every((list) => list === undefined || (areTexts(list) && list.length > 0));
    // Without a condition, every sign-in at the provider would count.
    requireOption(
      Array.isArray(trustsMfa) && trustsMfa.every(isTrust),
      trustsMfa,
      "a list with `issuer`, and `acr` or `amr`",
    );
  });
  checked("keepTokens", () => {
    const isKeeping = tokenKeeping === undefined || typeof tokenKeeping?.keep === "function";
    requireOption(isKeeping, tokenKeeping, "keepTokens({ … }) of sallyport/federation/tokens");
  });
  checkWhole("maxPerUser", maxPerUser, 100);
  checked("basePath", () => requireOption(pathForm.test(basePath), basePath, "a path such as /account"));
  checked("mountPath", () => requireOption(pathForm.test(mountPath), mountPath, "a path such as /api"));
  return {
    providers,
    linking,
    domains: checkDomains(domains, providers),
    trustsMfa,
    maxIdentities: maxPerUser,
    tokenKeeping,
    admissions: new Admissions(),
    nextPlaces: withPagesBefore([...returnTo, ...nextPaths.map((path) => `${basePath}${path}`)], basePath),
    places: placesBelow(basePath),
    routesPath: `${mountPath}/auth/oidc`,
  };
}

function readProviders(list: readonly IdentityProvider[]): ReadonlyMap<string, IdentityProvider> {
  requireOption(Array.isArray(list) && list.length > 0, list, "a list of providers, such as google({ … })");
  const providers = new Map<string, IdentityProvider>();
  for (const provider of list) {
    const { name, label, issuers } = provider ?? {};
    const isProvider = typeof provider?.begin === "function" && typeof provider.finish === "function";
    requireOption(isProvider && areTexts(issuers), provider, "a provider, such as google({ … })");
    requireOption(/^[a-z0-9-]{1,32}$/.test(name), name, "a name of 1 to 32 of a-z, 0-9 and -");
    // The path of a route has it in the place of a name.
    requireOption(name !== "discover", name, "another name");
    requireOption(typeof label === "string" && label !== "", label, "a label");
    if (providers.has(name)) throw new OptionError(`two providers have the name "${name}".`);
    providers.set(name, provider);
  }
  return providers;
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}
