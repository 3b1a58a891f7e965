import type { PlantedFault } from "../planted-faults.ts";

const proofs = "src/store/domain-proofs.ts";
const joining = "src/store/joining.ts";
const domains = "test/operations/organization-domains.test.ts";
const joins = "test/operations/joining.test.ts";

/** Domains of organizations, and joining by them. */
export const domainFaults: readonly PlantedFault[] = [
  {
    rule: "B27",
    fault: "what the resolver says of one value is saved for another",
    file: proofs,
    find: "when target.value <> ${value} then 'precondition.domain_not_proved'",
    replace: "when false then null",
    suite: domains,
    title: "removed and added again while the resolver is asked",
  },
  {
    rule: "B27",
    fault: "a proof ends though another value was looked up",
    file: proofs,
    find: " and rival.value = ${gone?.value ?? null}::text)",
    replace: ")",
    suite: domains,
    title: "the other proof was replaced while the resolver is asked",
  },
  {
    rule: "domains",
    fault: "an address that was never verified opens an organization",
    file: joining,
    find: " and cred.identifier_verified_at is not null",
    replace: "",
    suite: joins,
    title: "an address that is not verified",
  },
  {
    rule: "domains",
    fault: "a removed member comes back by themselves",
    file: joining,
    find: "former.usr_id = ${userId}) as is_automatic",
    replace: "former.usr_id = ${userId} and false) as is_automatic",
    suite: joins,
    title: "a former member who removed only asks",
  },
  {
    rule: "domains",
    fault: "a user asks the resolver without end",
    file: "src/operations/organization-domains.ts",
    find: "  requireAdmitted(begun);\n",
    replace: "",
    suite: domains,
    title: "a user looks up thirty an hour",
  },
];
