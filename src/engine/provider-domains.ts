import { OptionError, requireOption } from "../crypto/option-error.ts";
import { isDomainName } from "../domain/domain-name.ts";
import { checked } from "./options.ts";

/** The providers of domains of addresses, by domain. */
export type ProviderDomains = ReadonlyMap<string, string>;

/**
 * Reads the option `domains`: each domain, and the name of a listed provider.
 *
 * @throws {ConfigurationError}
 */
export function checkDomains(
  domains: Readonly<Record<string, string>>,
  providers: ReadonlyMap<string, unknown>,
): ProviderDomains {
  return checked("domains", () => {
    const isObject = typeof domains === "object" && domains !== null && !Array.isArray(domains);
    requireOption(isObject, domains, 'an object such as { "example.com": "acme" }');
    for (const [domain, provider] of Object.entries(domains)) {
      requireOption(
        isDomainName(domain),
        domain,
        "a domain in lower case such as example.com, with xn-- for other letters",
      );
      if (!providers.has(provider)) throw new OptionError(`the provider of ${domain} is not in the list.`);
    }
    return new Map(Object.entries(domains));
  });
}
