import { organizationDomainReads, organizationDomainWrites } from "../writes/organization-domain-writes.ts";
import { organizationReads, organizationWrites } from "../writes/organization-writes.ts";
import type { Budget } from "./budget.ts";

/** Each operation is one request, besides those that ask another than the database in between: a hasher or a resolver. */
export const organizationBudgets: readonly Budget[] = [
  ...organizationWrites,
  ...organizationReads,
  ...organizationDomainWrites,
  ...organizationDomainReads,
].map(({ name, ...one }) => ({ operation: name, requests: 1, ...one }));
