import { newUuid } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import { addressCounters, requireAdmitted } from "../engine/counters.ts";
import type { FederationCore } from "../engine/federation-settings.ts";
import { cutIdentifier, normalIdentifier } from "../engine/identifiers.ts";
import type { Operation } from "../engine/plan.ts";
import { executeAndPurge } from "../engine/purge.ts";
import { countAlone } from "../store/counters.ts";

/** Finding the provider of an address by its domain. */
export interface DiscoveryOperations {
  /** The domains of the option `domains`. */
  readonly domains: () => readonly string[];
  /**
   * Finds the provider of an address by its domain alone. No account is looked up, so the answer says nothing about one. It is
   * counted first, by the client's address and network, so that a client cannot try a list of domains.
   *
   * @returns No provider for a text that is not an address, and for a domain that is not listed, such as a subdomain of a listed one.
   * @throws {AuthError} `not_found`, `unavailable.provider`, `too_many_requests`.
   */
  discover: Operation<
    { readonly identifier: string; readonly context?: RequestContext | undefined },
    { readonly provider: string | undefined }
  >;
}

export function discoveryOperations(core: FederationCore): DiscoveryOperations {
  return {
    domains: () => [...core.domains.keys()],
    discover: async ({ identifier, context: given }) => {
      const addresses = await addressCounters(core, cleanContext(given ?? {}).address);
      // Counters of their own: looking up a provider takes no attempt from the sign-ins of the same office.
      const counters = addresses.map((counter) => ({ ...counter, name: `discovery:${counter.name}` }));
      const body = countAlone(newUuid(), counters);
      requireAdmitted(await executeAndPurge(core, { body, mustCommit: true, onLostReply: "repeat" }));
      // With the identifier's own normal form, every spelling of a domain leads to one provider.
      const [, domain] = /^.+@([^@]+)$/.exec(normalIdentifier(core, cutIdentifier(identifier)) ?? "") ?? [];
      return { provider: domain === undefined ? undefined : core.domains.get(domain) };
    },
  };
}
