import { type FederationAuth, federation, type IdentityProvider } from "../src/http/federation.ts";
import { ConfigurationError, type Feature } from "../src/index.ts";
import { oidc } from "../src/providers/oidc.ts";

/** Each name in `OIDC_<NAME>_…`, and the options of its provider. */
const form = /^OIDC_([A-Z0-9]{1,24})_(ISSUER|CLIENT_ID|CLIENT_SECRET|LABEL|DOMAINS|PROVES_AGAIN)$/;

/**
 * Signing in with the OpenID Connect issuers of the bindings: `OIDC_ACME_ISSUER` and `OIDC_ACME_CLIENT_ID`, and, unless the client
 * is public, `OIDC_ACME_CLIENT_SECRET`. `OIDC_ACME_LABEL` is on the button, `OIDC_ACME_DOMAINS` lists the domains whose users sign
 * in there, and `OIDC_ACME_PROVES_AGAIN=no` says that it cannot ask its users for a new proof. None, or one feature: operations are
 * there only if it is.
 */
export function providersOf(bindings: object): readonly Feature<Partial<FederationAuth>>[] {
  const texts = new Map(Object.entries(bindings).flatMap(([name, text]) => (isSet(text) ? [[name, text]] : [])));
  const names = new Set([...texts.keys()].flatMap((name) => form.exec(name)?.[1] ?? []));
  if (names.size === 0) return [];
  const providers = [...names].sort().map((name) => providerOf(name, texts));
  return [federation({ providers, domains: domainsOf([...names].sort(), texts) })];
}

/** @throws {ConfigurationError} If two providers have one domain. What a domain is, the feature checks. */
function domainsOf(names: readonly string[], texts: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const domains = new Map<string, string>();
  for (const name of names) {
    const binding = `OIDC_${name}_DOMAINS`;
    for (const domain of (texts.get(binding) ?? "").split(",").flatMap((part) => part.trim() || [])) {
      if (domains.has(domain)) throw new ConfigurationError(binding, new TypeError(`${domain} is listed twice.`));
      domains.set(domain, name.toLowerCase());
    }
  }
  return Object.fromEntries(domains);
}

function isSet(text: unknown): text is string {
  return typeof text === "string" && text !== "";
}

/** @throws {ConfigurationError} Naming the binding that is missing or wrong. */
function providerOf(name: string, texts: ReadonlyMap<string, string>): IdentityProvider {
  const binding = (option: string) => texts.get(`OIDC_${name}_${option}`);
  for (const option of ["ISSUER", "CLIENT_ID"]) {
    if (!binding(option)) throw new ConfigurationError(`OIDC_${name}_${option}`, new TypeError("it is missing."));
  }
  const [clientSecret, label, again = "yes"] = ["CLIENT_SECRET", "LABEL", "PROVES_AGAIN"].map(binding);
  if (again !== "yes" && again !== "no") {
    throw new ConfigurationError(`OIDC_${name}_PROVES_AGAIN`, new TypeError('it must be "yes" or "no".'));
  }
  try {
    return oidc({
      name: name.toLowerCase(),
      label: label ?? name,
      issuerUrl: binding("ISSUER")!,
      clientId: binding("CLIENT_ID")!,
      provesAgain: again === "yes",
      ...(clientSecret !== undefined && { clientSecret }),
    });
  } catch (error) {
    throw new ConfigurationError(`OIDC_${name}_ISSUER`, error);
  }
}
