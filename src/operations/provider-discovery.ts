import type { FederationCore } from "../engine/federation-settings.ts";
import { cutIdentifier, normalIdentifier } from "../engine/identifiers.ts";
import type { Operation } from "../engine/plan.ts";

/** Finding the provider of an address by its domain. */
export interface DiscoveryOperations {
  /** The domains of the option `domains`. */
  readonly domains: () => readonly string[];
  /**
   * Finds the provider of an address by its domain alone. No account is looked up, so the answer says nothing about one.
   *
   * @returns No provider for a text that is not an address, and for a domain that is not listed, such as a subdomain of a listed one.
   */
  discover: Operation<{ readonly identifier: string }, { readonly provider: string | undefined }>;
}

export function discoveryOperations(core: FederationCore): DiscoveryOperations {
  return {
    domains: () => [...core.domains.keys()],
    discover: async ({ identifier }) => {
      // With the identifier's own normal form, every spelling of a domain leads to one provider.
      const [, domain] = /^.+@([^@]+)$/.exec(normalIdentifier(core, cutIdentifier(identifier)) ?? "") ?? [];
      return { provider: domain === undefined ? undefined : core.domains.get(domain) };
    },
  };
}
