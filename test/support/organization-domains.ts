import { randomBytes, toHex } from "../../src/crypto/bytes.ts";
import { uuidFor } from "../../src/domain/id.ts";
import type { Joining } from "../../src/domain/organization-domain.ts";
import { sql } from "../../src/store/sql.ts";
import type { Person, World } from "./auth.ts";
import { verifyAddress } from "./invitations.ts";
import { type Member, organizationsIn } from "./organizations.ts";
import { publish } from "./practice-resolver.ts";

/** A domain that no other test has. */
export const freshDomain = (): string => `d${toHex(randomBytes(8))}.example`;

/** Organizations with proved domains, and users with addresses of these. */
export function domainsIn(world: World) {
  /** Adds a domain and proves it. */
  async function prove({ actor, organizationId }: Pick<Member, "actor" | "organizationId">, domain: string) {
    const asked = { actor, organizationId, domain };
    const { record } = await world.auth.organizationDomains.add(asked);
    publish(record.name, [record.text]);
    return await world.auth.organizationDomains.prove(asked);
  }

  /** An organization with a proved domain that lets users join. */
  async function open(joining: Joining, domain: string = freshDomain(), owner?: Person) {
    const founder = await organizationsIn(world).form(owner);
    const { actor, organizationId } = founder;
    await prove(founder, domain);
    await world.auth.organizationDomains.setJoining({ actor, organizationId, domain, joining });
    return { owner: founder, organizationId, domain };
  }

  /** A user with a verified address of a domain. */
  async function personOf(domain: string): Promise<Person> {
    const person = await world.person({ identifier: `p${toHex(randomBytes(8))}@${domain}` });
    await verifyAddress(world, person);
    return person;
  }

  /** Makes the last check of every proof of an organization older. */
  async function ageChecks({ organizationId }: Pick<Member, "organizationId">, days = 31): Promise<void> {
    await world.rows(sql`
      update org_domain set checked_at = checked_at - make_interval(days => ${days}::int), leased_until = null
      where org_id = ${uuidFor("org", organizationId)}::uuid and proved_at is not null`);
  }

  return { prove, open, personOf, ageChecks };
}
