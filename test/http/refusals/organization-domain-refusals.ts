import { generateId, uuidFor } from "../../../src/domain/id.ts";
import { sql } from "../../../src/store/sql.ts";
import { system } from "../../support/auth.ts";
import type { HttpWorld } from "../../support/http-world.ts";
import { domainsIn, freshDomain } from "../../support/organization-domains.ts";
import { type Member, organizationsIn } from "../../support/organizations.ts";
import { publish } from "../../support/practice-resolver.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

export function organizationDomainRefusals(
  world: HttpWorld,
  { post, get, put, as, often }: RefusalTools,
): Record<string, Provocations> {
  const { form, join } = organizationsIn(world);
  const { open, personOf, prove } = domainsIn(world);
  const at = ({ organizationId }: Pick<Member, "organizationId">, rest = "") =>
    `/v1/orgs/${organizationId}/domains${rest}`;
  const added = async (domain = freshDomain()) => {
    const owner = await form();
    const { actor, organizationId } = owner;
    const { record } = await world.auth.organizationDomains.add({ actor, organizationId, domain });
    return { owner, domain, record };
  };
  const malformed = (rest: string, send: typeof post, more: object = {}): Provocations => ({
    "invalid_format.body": async () => {
      const owner = await form();
      return await send(at(owner, rest), { domain: "a b", ...more }, as(owner));
    },
  });
  const asking = async () => {
    const made = await open("request");
    const ada = await personOf(made.domain);
    await world.auth.organizationDomains.join({ actor: ada.actor, organizationId: made.organizationId });
    return { ...made, ada };
  };

  return {
    addOrgDomain: {
      ...malformed("", post),
      "precondition.limit_reached": async () => {
        const owner = await form();
        const { actor, organizationId } = owner;
        for (let index = 0; index < 20; index++) {
          await world.auth.organizationDomains.add({ actor, organizationId, domain: freshDomain() });
        }
        return await post(at(owner), { domain: freshDomain() }, as(owner));
      },
    },
    proveOrgDomain: {
      ...malformed("/prove", post),
      "precondition.domain_not_proved": async () => {
        const { owner, domain } = await added();
        return await post(at(owner, "/prove"), { domain }, as(owner));
      },
      "conflict.domain_proved_elsewhere": async () => {
        const { owner, domain, record } = await added();
        const other = await form();
        const theirs = await prove(other, domain);
        publish(record.name, [record.text, theirs.record.text]);
        return await post(at(owner, "/prove"), { domain }, as(owner));
      },
      too_many_requests: async () => {
        const { owner, domain } = await added();
        return await often(at(owner, "/prove"), () => ({ domain }), as(owner));
      },
      "unavailable.resolver": async () => {
        const { owner, domain, record } = await added();
        publish(record.name, "outage");
        return await post(at(owner, "/prove"), { domain }, as(owner));
      },
    },
    setOrgDomainJoining: {
      ...malformed("/joining", put, { joining: "none" }),
      "precondition.domain_not_proved": async () => {
        const { owner, domain } = await added();
        return await put(at(owner, "/joining"), { domain, joining: "request" }, as(owner));
      },
    },
    removeOrgDomain: malformed("/remove", post),
    joinOrg: {
      not_found: async () => await post("/auth/organizations/join", { org_id: generateId("org") }, as(await form())),
      "conflict.duplicate_membership": async () => {
        const { organizationId, domain } = await open("automatic");
        const ada = await join(organizationId, "guest", await personOf(domain));
        return await post("/auth/organizations/join", { org_id: organizationId }, as(ada));
      },
      "precondition.limit_reached": async () => {
        const { organizationId, domain } = await open("request");
        const ada = await personOf(domain);
        await world.rows(sql`
          with made as (insert into org (id) select gen_random_uuid() from generate_series(1, 20) returning id)
          insert into org_join_request (org_id, usr_id) select id, ${uuidFor("usr", ada.userId)}::uuid from made`);
        return await post("/auth/organizations/join", { org_id: organizationId }, as(ada));
      },
    },
    withdrawJoinRequest: {
      not_found: async () =>
        await post("/auth/organizations/withdraw", { org_id: generateId("org") }, as(await form())),
    },
    listJoinRequests: {
      "invalid_format.cursor": async () => {
        const owner = await form();
        return await get(`/v1/orgs/${owner.organizationId}/join-requests?cursor=1`, as(owner));
      },
    },
    approveJoinRequest: {
      "precondition.org_not_active": async () => {
        const { organizationId, owner, ada } = await asking();
        await world.auth.organizations.suspend({ actor: system, organizationId });
        return await post(`/v1/orgs/${organizationId}/join-requests/approve`, { usr_id: ada.userId }, as(owner));
      },
    },
  };
}
