import { randomBytes, toBase64Url } from "../crypto/bytes.ts";
import { isProvableDomain, proofRecord, provesDomain } from "../dns/domain-proof.ts";
import type { TxtResolver } from "../dns/txt-resolver.ts";
import type { GuardedAct } from "../domain/act.ts";
import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/organization-domain.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, type OrganizationId, uuidFor, wireId } from "../domain/id.ts";
import { requireOption } from "../domain/option-error.ts";
import {
  type Joining,
  joinings,
  normalizeDomainName,
  type OrganizationDomain,
  organizationDomain,
} from "../domain/organization-domain.ts";
import { toValue } from "../domain/record.ts";
import type { Core } from "../engine/core.ts";
import { requireAdmitted } from "../engine/counters.ts";
import { denialOf } from "../engine/denial.ts";
import { execute, executeAll, work } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { locksOf } from "../engine/locks.ts";
import { checked } from "../engine/options.ts";
import type { Page } from "../engine/page.ts";
import { type Operation, type PlannableOperation, plannableChange } from "../engine/plan.ts";
import { readAll } from "../engine/reads.ts";
import type { AttemptLimit } from "../store/counters.ts";
import * as proofs from "../store/domain-proofs.ts";
import { purgeJoinRequests } from "../store/maintenance.ts";
import * as store from "../store/organization-domains.ts";
import { lockOrganization } from "../store/organizations.ts";
import type { Statement } from "../store/sql.ts";
import { type JoiningOperations, joiningOperations } from "./joining.ts";

/** The options of the feature `organizationDomains`. */
export interface OrganizationDomainOptions {
  /** What reads TXT records, such as `dnsOverHttps()` of `sallyport/dns`. */
  resolver: TxtResolver;
}

/** The caller, and a domain of an organization. */
export interface OfDomain {
  /** The caller: the user of a verified session, or the application. */
  actor: Actor;
  organizationId: OrganizationId;
  /** Such as `example.com`. Its subdomains are other domains. */
  domain: string;
}

/** The outcome of {@link OrganizationDomainOperations.recheck}. */
export interface RecheckedDomains {
  /** How many records are still there. */
  readonly kept: number;
  /** The domains that are not proved any more. Their owners may not know it yet. */
  readonly lost: readonly { readonly organizationId: OrganizationId; readonly domain: string }[];
  /** How many records could not be read. Nothing changes for these, and a later call tries them again. */
  readonly unread: number;
}

/** Domains that organizations prove by a TXT record, and joining by the domain of an address. */
export interface OrganizationDomainOperations extends JoiningOperations {
  /**
   * Adds a domain, with the record that proves it. A domain that the organization has is returned as it is. Allowed for the
   * organization's owners within ten minutes of a proof, and the application.
   *
   * @throws {AuthError} `invalid_format.body`, `precondition.limit_reached`.
   */
  add: PlannableOperation<OfDomain, OrganizationDomain>;
  /** The domains of an organization. Allowed for its owners and admins, the application and administrators. */
  list: Operation<Omit<OfDomain, "domain">, Page<OrganizationDomain>>;
  /**
   * Looks up the record of a domain, and saves that it is proved. If another organization has proved the domain, its record is looked
   * up too: that proof ends if the record is gone, and otherwise this one is refused. A user may try 30 times an hour. Allowed as for
   * `add`.
   *
   * @throws {AuthError} `invalid_format.body`, `precondition.domain_not_proved`, `conflict.domain_proved_elsewhere`,
   *   `too_many_requests`, `unavailable.resolver`.
   */
  prove: Operation<OfDomain, OrganizationDomain>;
  /**
   * Says how users with a verified address of the domain become members. Allowed as for `add`.
   *
   * @throws {AuthError} `invalid_format.body`, `precondition.domain_not_proved`.
   */
  setJoining: PlannableOperation<OfDomain & { joining: Joining }, OrganizationDomain>;
  /**
   * Removes a domain, proved or not. Those who joined stay members. Allowed as for `add`.
   *
   * @throws {AuthError} `invalid_format.body`.
   */
  remove: PlannableOperation<OfDomain, void>;
  /**
   * Looks up the records of domains whose last check is older than 30 days. Those whose record is gone are not proved any more. Call
   * it from a cron job: it takes no actor, and has no route.
   *
   * @param options.limit How many domains, 1 to 100. Default 20: each is one request of the resolver.
   */
  recheck(options?: { limit?: number }): Promise<RecheckedDomains>;
}

/** The operations that the feature `organizationDomains` adds to `auth`. */
export interface OrganizationDomainAuth {
  readonly organizationDomains: OrganizationDomainOperations;
}

/** The operations on domains of organizations. */
export function organizationDomainParts(
  core: Core,
  { resolver }: OrganizationDomainOptions,
): FeatureParts<OrganizationDomainAuth> {
  return {
    operations: {
      organizationDomains: {
        ...joiningOperations(core),

        add: change(acts.addDomain, (asked) => store.insertDomain({ ...asked, value: toBase64Url(randomBytes(32)) })),

        async list({ actor, organizationId }) {
          const asked = { actor, auditId: newAuditId(), organizationId: uuidFor("org", organizationId) };
          return await readAll(core, store.selectDomains(asked), toDomain);
        },

        prove: (input) => prove(core, resolver, input),

        setJoining: change(acts.setJoining, (asked, { joining }: OfDomain & { joining: Joining }) => {
          if (!joinings.includes(joining))
            throw new AuthError("invalid_format.body", { details: { member: "joining" } });
          return store.setDomainJoining({ ...asked, joining });
        }),

        remove: plannableChange(core, (input: OfDomain) => {
          const asked = ask(input);
          return guardedWork(acts.removeDomain, asked, asked.organizationId, {
            locks: [lockOrganization(asked.organizationId)],
            body: store.deleteDomain(asked),
            onLostReply: store.recallDone(asked.auditId),
            decode: () => undefined,
          });
        }),

        recheck: ({ limit = 20 } = {}) => recheck(core, resolver, limit),
      },
    },
    check: () => {
      checked("resolver", () =>
        requireOption(typeof resolver === "function", resolver, "a function such as dnsOverHttps()"),
      );
    },
    purges: [purgeJoinRequests],
  };

  function change<Input extends OfDomain>(
    act: GuardedAct,
    statement: (asked: store.OfDomain, input: Input) => Statement<store.DomainRow>,
  ): PlannableOperation<Input, OrganizationDomain> {
    return plannableChange(core, (input) => {
      const asked = ask(input);
      return guardedWork(act, asked, asked.organizationId, {
        locks: [lockOrganization(asked.organizationId)],
        body: statement(asked, input),
        onLostReply: store.recallDomain(asked),
        decode: toDomain,
      });
    });
  }
}

/** Each attempt asks the resolver once or twice. */
const proverLimit: AttemptLimit = { attempts: 30, windowSeconds: 3600 };

async function prove(core: Core, resolver: TxtResolver, input: OfDomain): Promise<OrganizationDomain> {
  const asked = ask(input);
  const { actor, organizationId, domain } = asked;
  const limited = { limit: proverLimit, kind: "address" } as const;
  const counters = actor.userId ? [{ name: `domain-proofs:${uuidFor("usr", actor.userId)}`, ...limited }] : [];
  const begun = await execute(core, {
    body: proofs.selectToProve({ ...asked, counters }),
    onLostReply: "repeat",
    // No transaction stays open while the resolver is asked.
    mustCommit: true,
    denial: denialOf(actor, acts.proveDomain, organizationId),
  });
  requireAdmitted(begun);
  const { value, rivalId, rivalValue } = begun;
  const isFound = async (wanted: string): Promise<boolean> => {
    try {
      return await provesDomain(resolver, { domain, value: wanted });
    } catch (cause) {
      throw new AuthError("unavailable.resolver", { cause, retryAfterSeconds: 5 });
    }
  };
  if (!(await isFound(value))) throw new AuthError("precondition.domain_not_proved");
  const rival = rivalId === null || rivalValue === null ? undefined : { organizationId: rivalId, value: rivalValue };
  const gone = rival && !(await isFound(rival.value)) ? rival : undefined;
  return await execute(
    core,
    guardedWork(acts.proveDomain, asked, organizationId, {
      locks: [lockOrganization(organizationId), proofs.lockProver(domain)],
      body: proofs.saveProof({ ...asked, value, gone }),
      onLostReply: store.recallDomain(asked),
      decode: toDomain,
    }),
  );
}

async function recheck(core: Core, resolver: TxtResolver, limit: number): Promise<RecheckedDomains> {
  requireOption(Number.isInteger(limit) && limit >= 1 && limit <= 100, limit, "a whole number from 1 to 100", "limit");
  const due = await execute(core, {
    body: proofs.leaseDueProofs(limit),
    onLostReply: "repeat",
    mustCommit: true,
    decode: (_row, rows) => rows,
  });
  const answers = await Promise.all(
    due.map(async (proof) => {
      try {
        return [{ ...proof, isFound: await provesDomain(resolver, proof), auditId: newAuditId() }];
      } catch (error) {
        core.onError(error);
        return [];
      }
    }),
  );
  const read = answers.flat();
  const checks = read.map((proof) =>
    work({
      locks: locksOf(acts.recheckDomains, lockOrganization(proof.organizationId)),
      body: proofs.saveCheck(proof),
      // A check that ended nothing has no event, and is made again.
      onLostReply: proofs.recallLoss(proof),
      decode: () => undefined,
    }),
  );
  const results = checks.length === 0 ? [] : await executeAll(core, checks);
  return {
    kept: read.filter(({ isFound }) => isFound).length,
    lost: read
      .filter((_proof, index) => results[index]!.length > 0)
      .map(({ organizationId, domain }) => ({ organizationId: wireId("org", organizationId), domain })),
    unread: due.length - read.length,
  };
}

function ask({ actor, organizationId, domain: typed }: OfDomain): store.OfDomain {
  const domain = normalizeDomainName(typed);
  if (!isProvableDomain(domain)) throw new AuthError("invalid_format.body", { details: { member: "domain" } });
  return { actor, auditId: newAuditId(), organizationId: uuidFor("org", organizationId), domain };
}

function toDomain(row: store.DomainRow): OrganizationDomain {
  return { ...toValue(organizationDomain, row), record: proofRecord(row) };
}
