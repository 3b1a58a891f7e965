import { expect } from "vitest";
import type { Membership } from "../../../src/domain/membership.ts";
import type { OrganizationDomain } from "../../../src/domain/organization-domain.ts";
import type { JoinedOrganization } from "../../../src/operations/joining.ts";
import type { Person, World } from "../../support/auth.ts";
import { domainsIn, freshDomain } from "../../support/organization-domains.ts";
import { organizationsIn } from "../../support/organizations.ts";
import { publish } from "../../support/practice-resolver.ts";
import type { Write } from "./write.ts";

/** A domain that the person's organization has added, and whose record is there. */
const added = async (world: World, person: Person) => {
  const { actor, organizationId } = await organizationsIn(world).form(person);
  const asked = { actor, organizationId, domain: freshDomain() };
  const { record } = await world.auth.organizationDomains.add(asked);
  publish(record.name, [record.text]);
  return asked;
};
type Added = Awaited<ReturnType<typeof added>>;
const proved = async (world: World, person: Person) => {
  const asked = await added(world, person);
  await world.auth.organizationDomains.prove(asked);
  return asked;
};
/** A proof that is due to be checked again, and whose record is gone. */
const due = async (world: World, person: Person) => {
  const asked = await proved(world, person);
  publish(`_sallyport.${asked.domain}`, []);
  await domainsIn(world).ageChecks(asked);
};
/** Another user of the person's domain, who has asked to join. */
const requested = async (world: World, person: Person) => {
  const { open, personOf } = domainsIn(world);
  const { organizationId, domain } = await open("request", freshDomain(), person);
  const user = await personOf(domain);
  await world.auth.organizationDomains.join({ actor: user.actor, organizationId });
  return { organizationId, userId: user.userId, user };
};
type Requested = Awaited<ReturnType<typeof requested>>;
/** An organization that another user may join. */
const joinable = async (world: World) => {
  const { open, personOf } = domainsIn(world);
  const { organizationId, domain } = await open("automatic");
  return { organizationId, user: await personOf(domain) };
};
type Joinable = Awaited<ReturnType<typeof joinable>>;

const isMember = async (world: World, { organizationId, userId }: Membership) =>
  expect((await organizationsIn(world).members(organizationId)).length).toBe(userId ? 2 : 0);

/** Acts on domains of organizations, and joining by them. */
export const organizationDomainWrites: readonly Write[] = [
  {
    name: "organizationDomains.add",
    action: "tenancy.org.add_domain",
    requests: 1,
    prepare: async (world, person) => ({ ...(await organizationsIn(world).form(person)), domain: freshDomain() }),
    act: (auth, _person, asked: Added) => auth.organizationDomains.add(asked),
    repeated: "done",
    check: async (_world, { provedAt }: OrganizationDomain) => expect(provedAt).toBeNull(),
  },
  {
    name: "organizationDomains.prove",
    action: "tenancy.org.prove_domain",
    requests: 2,
    prepare: added,
    act: (auth, _person, asked: Added) => auth.organizationDomains.prove(asked),
    repeated: "done",
    check: async (_world, { provedAt }: OrganizationDomain) => expect(provedAt).not.toBeNull(),
  },
  {
    name: "organizationDomains.setJoining",
    action: "tenancy.org.set_domain_joining",
    requests: 1,
    prepare: proved,
    act: (auth, _person, asked: Added) => auth.organizationDomains.setJoining({ ...asked, joining: "request" }),
    repeated: "done",
    check: async (_world, { joining }: OrganizationDomain) => expect(joining).toBe("request"),
  },
  {
    name: "organizationDomains.remove",
    action: "tenancy.org.remove_domain",
    requests: 1,
    prepare: proved,
    act: (auth, _person, asked: Added) => auth.organizationDomains.remove(asked),
    repeated: "not_found",
  },
  {
    name: "organizationDomains.recheck",
    action: "tenancy.org.lose_domain",
    requests: 2,
    prepare: due,
    act: (auth) => auth.organizationDomains.recheck(),
    repeated: "done",
  },
  {
    name: "organizationDomains.join",
    action: "tenancy.mem.create",
    requests: 1,
    prepare: joinable,
    act: (auth, _person, { organizationId, user }: Joinable) =>
      auth.organizationDomains.join({ actor: user.actor, organizationId }),
    repeated: "conflict.duplicate_membership",
    check: async (world, { membership }: JoinedOrganization) => await isMember(world, membership!),
  },
  {
    name: "organizationDomains.approve",
    action: "tenancy.mem.create",
    requests: 1,
    prepare: requested,
    act: (auth, { actor }, { organizationId, userId }: Requested) =>
      auth.organizationDomains.approve({ actor, organizationId, userId }),
    repeated: "not_found",
    check: isMember,
  },
  {
    name: "organizationDomains.decline",
    action: "tenancy.org.decline_join_request",
    requests: 1,
    prepare: requested,
    act: (auth, { actor }, { organizationId, userId }: Requested) =>
      auth.organizationDomains.decline({ actor, organizationId, userId }),
    repeated: "not_found",
  },
  {
    name: "organizationDomains.withdraw",
    action: "tenancy.org.withdraw_join_request",
    requests: 1,
    prepare: requested,
    act: (auth, _person, { organizationId, user }: Requested) =>
      auth.organizationDomains.withdraw({ actor: user.actor, organizationId }),
    repeated: "not_found",
  },
];

/** Reads of domains of organizations and of requests to join. */
export const organizationDomainReads = [
  {
    name: "organizationDomains.list",
    prepare: added,
    act: (auth: World["auth"], _person: Person, asked: Added) => auth.organizationDomains.list(asked),
  },
  {
    name: "organizationDomains.requests",
    prepare: requested,
    act: (auth: World["auth"], { actor }: Person, { organizationId }: Requested) =>
      auth.organizationDomains.requests({ actor, organizationId }),
  },
  {
    name: "organizationDomains.joinable",
    act: (auth: World["auth"], { actor }: Person) => auth.organizationDomains.joinable({ actor }),
  },
] as const;
